//! Any bytes as a lock, as a generation's record and as a line of the host's socket; a lock that is taken means
//! the same when it is written again.

#![no_main]

use leah_plugin::{generation::GenerationRecord, lock::Lock};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::read(bytes) {
        let text = lock.to_text().unwrap();
        assert_eq!(Lock::read(text.as_bytes()).unwrap(), lock);
    }
    drop(GenerationRecord::read(bytes));
});
