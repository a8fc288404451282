//! Any bytes as an archive; one that is taken has one content hash and is packed to the same tar again.

#![no_main]

use leah_plugin::package::{Limits, Package, pack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { unpacked: 1 << 20, ..Limits::default() };
    if let Ok(package) = Package::read(bytes, &limits) {
        let files = package.files().map(|(path, bytes)| (path.clone(), bytes.to_vec()));
        let again = Package::read(&pack(files).unwrap(), &limits).unwrap();
        assert_eq!(again.content(), package.content());
    }
});
