//! Any bytes as a bundle; nothing is read past its end, and one that is taken begins as this release writes it.

#![no_main]

use leah_plugin::bundle::{BundleError, Index, begin, is_bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bundle: &[u8]| {
    let index = Index::read(bundle.len() as u64, |at, into| {
        let at = usize::try_from(at).unwrap();
        into.copy_from_slice(&bundle[at..at + into.len()]);
        Ok::<(), BundleError>(())
    });
    if let Ok(index) = index {
        let range = index.lock();
        let lock = &bundle[range.start as usize..range.end as usize];
        if index.check_lock(lock).is_ok() {
            assert!(is_bundle(bundle) && bundle.starts_with(&begin(lock).unwrap()));
        }
    }
});
