//! Signatures of minisign and hashes.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Checks the four lines of a signature: that of the bytes, and that of the signature with its trusted comment.
pub(crate) fn verify(key: &str, signature: &str, bytes: &[u8]) {
    let key = STANDARD.decode(key).unwrap();
    let key = VerifyingKey::from_bytes(key[10..].try_into().unwrap()).unwrap();
    let lines: Vec<&str> = signature.lines().collect();
    let block = STANDARD.decode(lines[1]).unwrap();
    assert_eq!(&block[..2], b"ED");
    let first = Signature::from_slice(&block[10..]).unwrap();
    key.verify_strict(blake2b_simd::blake2b(bytes).as_bytes(), &first).unwrap();
    let mut signed = block[10..].to_vec();
    signed.extend_from_slice(lines[2].strip_prefix("trusted comment: ").unwrap().as_bytes());
    let global = Signature::from_slice(&STANDARD.decode(lines[3]).unwrap()).unwrap();
    key.verify_strict(&signed, &global).unwrap();
}

/// The body behind a signature, which must be of `key`.
pub(crate) fn body<'a>(file: &'a [u8], key: &str) -> &'a [u8] {
    let end = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(3).unwrap().0 + 1;
    verify(key, std::str::from_utf8(&file[..end]).unwrap(), &file[end..]);
    &file[end..]
}
