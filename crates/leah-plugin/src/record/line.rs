//! The lines of a record as they are written: JSON with a `kind`, in one spelling.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    json::{self, JsonError},
    key::PublicKey,
    manifest::Interface,
    signature::SignatureBlock,
};

/// The format of version lines that is written here, and the only one that is read; others are skipped.
pub const VERSION_FORMAT: u64 = 1;

/// A line of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// Who owns the name from here on.
    Owner(OwnerLine),
    /// A version that was published.
    Version(Box<VersionLine>),
    /// A version that nobody should take any more.
    Yank(YankLine),
    /// The end of a yank.
    Unyank(UnyankLine),
    /// A key that was lost to somebody.
    Revoke(RevokeLine),
}

/// Who signed an owner line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// One of the keys of the owner before; for the first owner one of its own.
    Publisher,
    /// The root key of the registry, because all keys of the owner are lost.
    Root,
}

/// Who owns the name from this line on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerLine {
    /// The keys that may sign versions and the next change, ascending by their bytes.
    pub keys: Vec<PublicKey>,
    /// Digest of the owner line before, without its line end; none in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// On whose authority.
    pub signer: Signer,
    /// The whole key that signed.
    pub key: PublicKey,
    /// Signature of [`owner_statement`](super::owner_statement).
    pub signature: SignatureBlock,
    /// The serial of the head that brought the line.
    pub serial: u64,
}

/// A version that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionLine {
    /// [`VERSION_FORMAT`].
    pub format: u64,
    /// The version.
    pub version: Version,
    /// What its manifest says that a user consents to; its fields stand in the line itself.
    #[serde(flatten)]
    pub interface: Interface,
    /// Length of the archive in bytes.
    pub size: u64,
    /// Hash of the archive.
    pub sha256: Digest,
    /// Content hash of the package: that of its canonical tar.
    pub content: Digest,
    /// The whole key that signed.
    pub key: PublicKey,
    /// Signature of the archive, the same as in the file beside it.
    pub signature: SignatureBlock,
    /// The serial of the head that brought the line.
    pub serial: u64,
    /// When the registry took it, in seconds since 1970.
    pub published: u64,
}

/// A version that nobody should take any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YankLine {
    /// The version.
    pub version: Version,
    /// Why, in the words of a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The serial of the head that brought the line.
    pub serial: u64,
}

/// The end of a yank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnyankLine {
    /// The version.
    pub version: Version,
    /// The serial of the head that brought the line.
    pub serial: u64,
}

/// A key that was lost to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeLine {
    /// The key.
    pub key: PublicKey,
    /// Versions of this serial and later ones do not count if this key signed them.
    pub from: u64,
    /// The serial of the head that brought the line.
    pub serial: u64,
}

impl Line {
    /// The serial of the head that brought the line.
    #[must_use]
    pub fn serial(&self) -> u64 {
        match self {
            Self::Owner(line) => line.serial,
            Self::Version(line) => line.serial,
            Self::Yank(line) => line.serial,
            Self::Unyank(line) => line.serial,
            Self::Revoke(line) => line.serial,
        }
    }
}

/// A line, or one that this release is too old for.
pub(super) enum Parsed {
    Line(Box<Line>),
    Skipped,
}

/// Reads one line. A version line of another format is skipped, whatever else it holds; any other
/// unknown line is an error, since not knowing a revocation would be a hole.
pub(super) fn parse_line(text: &[u8], limit: usize) -> Result<Parsed, JsonError> {
    #[derive(Deserialize)]
    struct Probe {
        kind: String,
        format: Option<u64>,
    }
    if text.len() > limit {
        return Err(JsonError::TooLarge { found: text.len(), limit });
    }
    match json::from_line(text) {
        // It may look like one of ours and mean something else.
        Ok(Line::Version(line)) if line.format != VERSION_FORMAT => Ok(Parsed::Skipped),
        Ok(line) => Ok(Parsed::Line(Box::new(line))),
        Err(error) => {
            let newer =
                |probe: Probe| probe.kind == "version" && probe.format.is_some_and(|f| f != VERSION_FORMAT);
            if serde_json::from_slice::<Probe>(text).is_ok_and(newer) {
                Ok(Parsed::Skipped)
            } else {
                Err(error)
            }
        }
    }
}
