//! Any bytes as a record of the index; one that is taken is kept byte for byte.

#![no_main]

use leah_plugin::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (origin, name) = ("hub".parse().unwrap(), "notes".parse().unwrap());
    let root_key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse().unwrap();
    match Record::read(bytes, &origin, &name, &root_key) {
        Ok(record) => {
            assert_eq!(record.as_bytes(), bytes);
            assert!(record.versions().len() <= record.lines().len());
        }
        Err(error) => {
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                assert!(!error.to_string().contains(char::is_control));
                cause = error.source();
            }
        }
    }
});
