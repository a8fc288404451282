//! Any bytes as `plugin.yaml`; what is refused is said in one line that no terminal acts on.

#![no_main]

use leah_plugin::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Manifest::read(bytes) {
        Ok(manifest) => assert_eq!(manifest.interface().difference(&manifest.interface()), None),
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
});
