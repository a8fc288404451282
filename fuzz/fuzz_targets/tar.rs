//! Any bytes as the tar in an archive, so that the fuzzer need not find out about checksums of gzip.

#![no_main]

use std::io::Write;

use flate2::{Compression, GzBuilder};
use leah_plugin::{
    digest::Digest,
    package::{Limits, Package},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|tar: &[u8]| {
    let mut writer = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    writer.write_all(tar).unwrap();
    if let Ok(package) = Package::read(&writer.finish().unwrap(), &Limits::default()) {
        assert_eq!(*package.content(), Digest::of(tar));
    }
});
