//! Any bytes as a lock, as a generation's record and as settings; a lock and settings that are taken mean the same
//! when they are written again.

#![no_main]

use leah_plugin::{generation::GenerationRecord, lock::Lock, settings::Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::read(bytes)
        && !lock.is_newer()
    {
        let text = lock.to_text().unwrap();
        assert_eq!(Lock::read(text.as_bytes()).unwrap(), lock);
    }
    if let Ok(settings) = Settings::read(bytes) {
        let text = settings.to_text().unwrap();
        assert_eq!(Settings::read(text.as_bytes()).unwrap(), settings);
    }
    drop(GenerationRecord::read(bytes));
});
