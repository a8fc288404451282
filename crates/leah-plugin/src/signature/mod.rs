//! Signatures of minisign, read strictly: four lines, prehashed `ED`, one spelling. What a signature is
//! for stands in its trusted comment, which is composed and compared here and never parsed.

mod comment;

pub use self::comment::{archive_file_name, head_comment, owner_comment, package_comment, root_comment};

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::key::{KeyError, PublicKey, SecretKey, decode_base64, format_id};

/// Largest signature in bytes. Both comments together need less than a third of it.
pub const MAX_SIGNATURE_BYTES: usize = 4096;

/// The untrusted comment of what the tools of this project sign. Nothing signs that line, so files that
/// must not change by a single byte (head, root) are refused with any other.
pub const UNTRUSTED_COMMENT: &str = "signature of leahpm";

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// Why something does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// By a key that proves nothing.
    #[error("the key that signed is not a sound one")]
    Key {
        /// What is wrong with it.
        source: KeyError,
    },
    /// Nothing there.
    #[error("the signature is missing: the file is empty")]
    Missing,
    /// More than [`MAX_SIGNATURE_BYTES`].
    #[error("a signature has at most {MAX_SIGNATURE_BYTES} bytes, this one has {0}")]
    TooLarge(usize),
    /// Fewer than four lines, or the last one does not end.
    #[error("a signature is four lines that each end with a line feed, this one has {0}")]
    TooFewLines(usize),
    /// Lines after the fourth; another reader might take them for the signature.
    #[error("there are extra lines after the four of the signature")]
    ExtraLines,
    /// A byte that is not printable ASCII, such as a carriage return.
    #[error("line {line} of the signature holds a byte that is not printable ASCII (0x{byte:02x})")]
    NotPrintable {
        /// From 1 to 4.
        line: usize,
        /// The first such byte.
        byte: u8,
    },
    /// A line that does not begin as it must.
    #[error("line {line} of the signature does not start with `{expected}`")]
    Prefix {
        /// 1 or 3.
        line: usize,
        /// How it must start.
        expected: &'static str,
    },
    /// Not base64 of the exact length in its canonical spelling.
    #[error("line {line} of the signature is not {bytes} bytes of base64")]
    Base64 {
        /// 2 or 4.
        line: usize,
        /// Length that it must have, decoded.
        bytes: usize,
    },
    /// `Ed`: the file itself was signed, not its hash.
    #[error("this is a legacy signature (`Ed`); only prehashed ones (`ED`) are accepted")]
    Legacy,
    /// Neither `ED` nor `Ed`.
    #[error("the signature has an unknown algorithm")]
    Algorithm,
    /// Made by a key of another id.
    #[error("signed with another key: {found}, expected {} (`{expected}`)", expected.id())]
    AnotherKey {
        /// The key that should have signed.
        expected: PublicKey,
        /// Id that the signature states.
        found: String,
    },
    /// Right id, wrong signature.
    #[error("the signature of key {} (`{key}`) does not fit: the bytes or the comment were changed", key.id())]
    Mismatch {
        /// The key that should have signed.
        key: PublicKey,
        /// What the check said.
        source: minisign_verify::Error,
    },
    /// Signed for another registry.
    #[error("the signature is for the registry `{}`, not for `{}`", found.escape_debug(), expected.escape_debug())]
    OtherRegistry {
        /// What was asked for.
        expected: String,
        /// What was signed.
        found: String,
    },
    /// Signed for another plugin.
    #[error("the signature is for the plugin `{}`, not for `{}`", found.escape_debug(), expected.escape_debug())]
    OtherName {
        /// What was asked for.
        expected: String,
        /// What was signed.
        found: String,
    },
    /// Signed for another version.
    #[error("the signature is for version `{}`, not for `{}`", found.escape_debug(), expected.escape_debug())]
    OtherVersion {
        /// What was asked for.
        expected: String,
        /// What was signed.
        found: String,
    },
    /// Signed for something else: another kind of file, size, hash, serial or expiry.
    #[error("the signature says `{}`, expected `{}`", found.escape_debug(), expected.escape_debug())]
    OtherComment {
        /// The composed comment.
        expected: String,
        /// The comment that was signed.
        found: String,
    },
    /// Signing failed.
    #[error("cannot sign with key {}", key.id())]
    Signing {
        /// The key.
        key: PublicKey,
        /// What failed.
        source: minisign::PError,
    },
}

/// A minisign signature: exactly four lines, each ending with LF.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureBlock {
    text: Box<str>,
    trusted: Range<usize>,
    key_id: [u8; 8],
}

impl SignatureBlock {
    /// Reads the whole of `bytes` as a signature.
    ///
    /// # Errors
    /// When it is anything but four strict lines with a prehashed signature.
    pub fn read(bytes: &[u8]) -> Result<Self, SignatureError> {
        let (block, rest) = Self::split(bytes)?;
        if rest.is_empty() { Ok(block) } else { Err(SignatureError::ExtraLines) }
    }

    /// Splits a signed file into its signature, the first four lines, and the body behind it.
    ///
    /// # Errors
    /// When it does not start with a signature.
    pub fn split(signed: &[u8]) -> Result<(Self, &[u8]), SignatureError> {
        if signed.is_empty() {
            return Err(SignatureError::Missing);
        }
        let window = &signed[..signed.len().min(MAX_SIGNATURE_BYTES)];
        let mut ends = window.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1);
        let Some(end) = ends.nth(3) else {
            let lines = window.iter().filter(|b| **b == b'\n').count();
            return Err(match signed.len() {
                length if length > MAX_SIGNATURE_BYTES => SignatureError::TooLarge(length),
                _ => SignatureError::TooFewLines(lines),
            });
        };
        Ok((Self::parse(&signed[..end])?, &signed[end..]))
    }

    /// Checks both signatures: that of `data` and that of the trusted comment.
    ///
    /// # Errors
    /// When another key signed, or other bytes were signed.
    pub fn verify(&self, key: &PublicKey, data: &[u8]) -> Result<(), SignatureError> {
        self.expect_key(key)?;
        key.check_point().map_err(|source| SignatureError::Key { source })?;
        let mismatch = |source| SignatureError::Mismatch { key: *key, source };
        let signature = minisign_verify::Signature::decode(&self.text).map_err(mismatch)?;
        minisign_verify::PublicKey::from_base64(&key.to_string())
            .and_then(|key| key.verify(data, &signature, false))
            .map_err(mismatch)
    }

    /// Checks that the signature states the id of `key`: all that can be said before the bytes are there.
    ///
    /// # Errors
    /// When it states another.
    pub fn expect_key(&self, key: &PublicKey) -> Result<(), SignatureError> {
        if self.key_id == key.id_bytes() {
            return Ok(());
        }
        Err(SignatureError::AnotherKey { expected: *key, found: self.key_id() })
    }

    /// Compares the trusted comment, byte by byte, with the one that was composed.
    ///
    /// # Errors
    /// When they differ; the error says in what.
    pub fn expect_comment(&self, expected: &str) -> Result<(), SignatureError> {
        if self.trusted_comment() == expected {
            return Ok(());
        }
        Err(comment::explain(expected, self.trusted_comment()))
    }

    /// Demands [`UNTRUSTED_COMMENT`] in the one line that nothing signs.
    ///
    /// # Errors
    /// When another one stands there.
    pub fn expect_own_untrusted_comment(&self) -> Result<(), SignatureError> {
        let found = self.text.lines().next().unwrap_or_default();
        if found.strip_prefix(UNTRUSTED) == Some(UNTRUSTED_COMMENT) {
            return Ok(());
        }
        let expected = format!("{UNTRUSTED}{UNTRUSTED_COMMENT}");
        Err(SignatureError::OtherComment { expected, found: found.to_owned() })
    }

    /// The trusted comment, without its prefix. Means nothing before [`verify`](Self::verify).
    #[must_use]
    pub fn trusted_comment(&self) -> &str {
        &self.text[self.trusted.clone()]
    }

    /// The id of the key that is said to have signed, as minisign prints it. For people only.
    #[must_use]
    pub fn key_id(&self) -> String {
        format_id(self.key_id)
    }

    /// The four lines, as they stand in a `.minisig` file.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.text
    }

    fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let lines: [&str; 4] = printable_lines(bytes)?;
        let prefix = |line: usize, expected| {
            lines[line - 1].strip_prefix(expected).ok_or(SignatureError::Prefix { line, expected })
        };
        prefix(1, UNTRUSTED)?;
        let trusted = prefix(3, TRUSTED)?;
        let signature: [u8; 74] =
            decode_base64(lines[1]).ok_or(SignatureError::Base64 { line: 2, bytes: 74 })?;
        decode_base64::<64>(lines[3]).ok_or(SignatureError::Base64 { line: 4, bytes: 64 })?;
        match &signature[..2] {
            b"ED" => {}
            b"Ed" => return Err(SignatureError::Legacy),
            _ => return Err(SignatureError::Algorithm),
        }
        let start = lines[0].len() + lines[1].len() + 2 + TRUSTED.len();
        let text = lines.iter().flat_map(|line| [line, "\n"]).collect::<String>().into_boxed_str();
        let key_id = std::array::from_fn(|i| signature[2 + i]);
        Ok(Self { text, trusted: start..start + trusted.len(), key_id })
    }
}

impl SecretKey {
    /// Signs `data`, prehashed, and reads the signature back as every client will.
    ///
    /// # Errors
    /// When a comment is not one printable line or the system has no randomness.
    pub fn sign(
        &self,
        data: &[u8],
        trusted: &str,
        untrusted: &str,
    ) -> Result<SignatureBlock, SignatureError> {
        let key = self.public();
        let signature = minisign::sign(None, self.inner(), data, Some(trusted), Some(untrusted))
            .map_err(|source| SignatureError::Signing { key, source })?;
        let block = SignatureBlock::read(signature.into_string().as_bytes())?;
        block.verify(&key, data)?;
        Ok(block)
    }
}

/// The four lines without their ends; the caller has counted four line feeds.
fn printable_lines(bytes: &[u8]) -> Result<[&str; 4], SignatureError> {
    let mut lines = [""; 4];
    for (index, line) in bytes.split(|b| *b == b'\n').take(4).enumerate() {
        let comment = index % 2 == 0;
        let printable = |b: &u8| (b' '..=b'~').contains(b) || (comment && *b == b'\t');
        let broken = |byte| SignatureError::NotPrintable { line: index + 1, byte };
        if let Some(byte) = line.iter().find(|b| !printable(b)) {
            return Err(broken(*byte));
        }
        lines[index] = std::str::from_utf8(line).map_err(|e| broken(line[e.valid_up_to()]))?;
    }
    Ok(lines)
}

impl FromStr for SignatureBlock {
    type Err = SignatureError;
    fn from_str(text: &str) -> Result<Self, SignatureError> {
        Self::read(text.as_bytes())
    }
}

impl fmt::Debug for SignatureBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignatureBlock({}, {:?})", self.key_id(), self.trusted_comment())
    }
}

impl Serialize for SignatureBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SignatureBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
