//! Any bytes as a node of the directory and as an object of the catalog.

#![no_main]

use leah_plugin::{catalog, tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = "notes".parse().unwrap();
    for (depth, level) in [(0, 0), (1, 0), (1, 1), (2, 2), (3, 0)] {
        drop(tree::step(depth, level, bytes, &name));
    }
    if let Ok(list) = catalog::read_list(bytes) {
        assert_eq!(catalog::write_list(&list), bytes);
    }
    if let Ok(segment) = catalog::read_segment(bytes) {
        assert_eq!(catalog::write_segment(&segment), bytes);
    }
});
