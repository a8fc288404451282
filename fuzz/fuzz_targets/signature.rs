//! Any bytes as a signature, as a public key and as a secret one; one that is taken is written as it was read.

#![no_main]

use leah_plugin::{
    key::{PublicKey, SecretKey},
    signature::SignatureBlock,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(block) = SignatureBlock::read(bytes) {
        assert_eq!(block.as_text().as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string(), text);
    }
    drop(PublicKey::from_file_text(text));
    // An encrypted one asks scrypt for up to a gigabyte, as it says itself.
    if !SecretKey::is_encrypted(text) {
        drop(SecretKey::read(text, None));
    }
});
