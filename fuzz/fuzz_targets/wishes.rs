//! Any bytes as a wish list; one that is taken means the same when it is written again.

#![no_main]

use leahpm::wishes::Wishes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(wishes) = Wishes::read(bytes) {
        let text = wishes.to_text().unwrap();
        assert_eq!(Wishes::read(text.as_bytes()).unwrap(), wishes);
    }
});
