//! Keys of minisign: public keys that were checked to be sound, and secret keys that sign.
//!
//! A key is compared whole, never by its id: ids are 64 bits that anybody can choose. The formats of the
//! files are those of minisign (<https://jedisct1.github.io/minisign/>).

mod public;
mod secret;

pub(crate) use self::public::format_id;
pub use self::{public::PublicKey, secret::SecretKey};

/// Largest text of a key file in bytes; minisign's own have at most 400.
pub const MAX_KEY_FILE_BYTES: usize = 4096;

/// Why a text is not a key, or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not 56 characters.
    #[error("a public key has 56 characters and starts with `RW`, this text has {0}")]
    Length(usize),
    /// Not base64 in its one canonical spelling.
    #[error("a key is base64 without spaces or line breaks, this one is not")]
    Base64,
    /// Not an Ed25519 key of minisign.
    #[error("this is not a minisign key: the algorithm is not `Ed`")]
    Algorithm,
    /// An id of zeros, which some tools take for "any key".
    #[error("the key has the id 0, which no key may have")]
    ZeroId,
    /// No point of the curve.
    #[error("the key is not a point on the curve of Ed25519")]
    NotOnCurve,
    /// A second spelling of a point; two texts of one key would pass for two keys.
    #[error("the key is not canonical: another text stands for the same key")]
    NotCanonical,
    /// One of the eight points whose signatures fit any text.
    #[error("the key is a point of small order: a signature of it proves nothing")]
    SmallOrder,
    /// A key file that is not a comment line and a key line.
    #[error("a key file is two lines: `untrusted comment: …` and the key")]
    Lines,
    /// A key file with no end.
    #[error("the key file is larger than {MAX_KEY_FILE_BYTES} bytes")]
    TooLarge,
    /// A comment that would break the file apart.
    #[error("the comment of a key is one line of printable ASCII")]
    Comment,
    /// A secret key whose public half belongs to another one.
    #[error("the secret key is damaged: its halves do not belong together")]
    Damaged,
    /// The secret key is encrypted and no password was given.
    #[error("the secret key is protected by a password")]
    PasswordNeeded,
    /// The password does not open the secret key.
    #[error("the password does not open the secret key")]
    WrongPassword {
        /// What the decryption said.
        source: minisign::PError,
    },
    /// Key derivation limits outside of what minisign writes; opening the key could take all memory.
    #[error("the secret key asks for a key derivation that no minisign uses")]
    Derivation,
    /// The system gave no randomness, or the key could not be encrypted.
    #[error("cannot make a secret key")]
    Generate {
        /// What failed.
        source: minisign::PError,
    },
}

use ct_codecs::{Base64, Decoder, Encoder};

/// Decodes `text` when it is the canonical base64 of exactly `N` bytes.
pub(crate) fn decode_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N.div_ceil(3) * 4 || Base64::decode(&mut bytes, text, None).ok()?.len() != N {
        return None;
    }
    // Padding bits are ignored by some decoders; a second spelling must not pass.
    (encode_base64(&bytes) == text).then_some(bytes)
}

/// The canonical base64 of `bytes`.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    Base64::encode_to_string(bytes).expect("base64 of a short slice fits into memory")
}

/// The two lines of a key file: comment and key. A missing last line end is forgiven.
fn file_lines(text: &str) -> Result<(&str, &str), KeyError> {
    if text.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyError::TooLarge);
    }
    let (comment, key) = text.split_once('\n').ok_or(KeyError::Lines)?;
    let key = key.strip_suffix('\n').unwrap_or(key);
    if !comment.starts_with("untrusted comment:") || key.contains(['\n', '\r']) {
        return Err(KeyError::Lines);
    }
    Ok((comment, key))
}
