//! Settings of a plugin.

/// True for a text that can be the key of a setting: `[a-z][a-z0-9_-]*`, at most 64 bytes.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}
