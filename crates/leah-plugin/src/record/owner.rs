//! The chain of owners: each change names the line before it and is signed by one of its keys, or by the
//! registry's root key for a lost one. A marketplace alone cannot give a name to somebody else, and neither
//! can who stole a root key that was replaced since.

use std::collections::BTreeSet;

use super::line::{OwnerLine, Signer};
use crate::{
    digest::Digest,
    key::{PublicKey, SecretKey},
    name::{Origin, PluginName},
    signature::{SignatureError, UNTRUSTED_COMMENT, owner_comment},
};

/// Most keys of one owner.
pub const MAX_OWNER_KEYS: usize = 16;

/// Why a change of owners does not count.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// None, or more than [`MAX_OWNER_KEYS`].
    #[error("an owner has 1 to {MAX_OWNER_KEYS} keys, this one has {0}")]
    KeyCount(usize),
    /// Not ascending, or one twice; the keys are signed in this order.
    #[error("the keys of an owner are sorted, each listed once")]
    KeyOrder,
    /// Not the digest of the line before: somebody removed or replaced a line.
    #[error("the line names {} as the owner line before, which is {}", or_none(*found), or_none(*expected))]
    Previous {
        /// The digest of the owner line before.
        expected: Option<Digest>,
        /// As the line says.
        found: Option<Digest>,
    },
    /// Signed by a key that the owner before does not have.
    #[error("signed by key {id} (`{0}`), which the owner before does not have", id = .0.id())]
    Stranger(PublicKey),
    /// The first owner signs for itself.
    #[error("the first owner line must be signed by one of its own keys")]
    FirstSigner,
    /// Said to be signed by the root, and not by the root key in force, nor confirmed by it since.
    #[error("signed by key {} (`{found}`), the root key of the registry is {} (`{expected}`)", found.id(), expected.id())]
    NotRoot {
        /// The root key in force.
        expected: PublicKey,
        /// The key that signed.
        found: PublicKey,
    },
    /// Signed by a key that was revoked before.
    #[error("signed by key {id} (`{0}`), which was revoked before", id = .0.id())]
    Revoked(PublicKey),
    /// The signature does not hold.
    #[error("the owner line is not signed as it must be")]
    Signature(#[from] SignatureError),
}

/// An owner of a name, as its line made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The keys that may sign.
    pub keys: Vec<PublicKey>,
    /// Digest of the line without its end; what a lock and the next change refer to.
    pub digest: Digest,
    /// On whose authority.
    pub signer: Signer,
    /// The key that signed the line.
    pub key: PublicKey,
    /// The serial of the head that brought the line.
    pub serial: u64,
}

impl Owner {
    pub(super) fn new(line: &OwnerLine, text: &[u8]) -> Self {
        Self {
            keys: line.keys.clone(),
            digest: Digest::of(text),
            signer: line.signer,
            key: line.key,
            serial: line.serial,
        }
    }
}

/// The bytes that are signed for an owner line: its keys, one a line. What they are for stands in the
/// trusted comment, so stock minisign can sign them too.
#[must_use]
pub fn owner_statement(keys: &[PublicKey]) -> Vec<u8> {
    keys.iter().flat_map(|key| format!("{key}\n").into_bytes()).collect()
}

impl OwnerLine {
    /// Makes and signs a line. `previous` is the digest of the owner line before, none for the first.
    ///
    /// # Errors
    /// When there are no keys or too many, or signing fails.
    pub fn sign(
        keys: BTreeSet<PublicKey>,
        (origin, name, previous): (&Origin, &PluginName, Option<Digest>),
        (signer, key): (Signer, &SecretKey),
        serial: u64,
    ) -> Result<Self, OwnerError> {
        let keys: Vec<PublicKey> = keys.into_iter().collect();
        check_keys(&keys)?;
        let comment = owner_comment(origin, name, previous.as_ref());
        let signature = key.sign(&owner_statement(&keys), &comment, UNTRUSTED_COMMENT)?;
        Ok(Self { keys, previous, signer, key: key.public(), signature, serial })
    }
}

/// Checks one owner line against the owner before it, all but its signature. Whether a root key was the right one is
/// [`check_root`]'s to say, once all lines were read.
pub(super) fn check(
    line: &OwnerLine,
    before: Option<&Owner>,
    revoked: &BTreeSet<PublicKey>,
) -> Result<(), OwnerError> {
    check_keys(&line.keys)?;
    let expected = before.map(|owner| owner.digest);
    if line.previous != expected {
        return Err(OwnerError::Previous { expected, found: line.previous });
    }
    match (line.signer, before) {
        (Signer::Publisher, None) if line.keys.contains(&line.key) => {}
        (_, None) => return Err(OwnerError::FirstSigner),
        (Signer::Publisher, Some(_)) if revoked.contains(&line.key) => {
            return Err(OwnerError::Revoked(line.key));
        }
        (Signer::Publisher, Some(owner)) if owner.keys.contains(&line.key) => {}
        (Signer::Publisher, Some(_)) => return Err(OwnerError::Stranger(line.key)),
        (Signer::Root, Some(_)) => {}
    }
    Ok(())
}

/// Verifies the signature of an owner line.
pub(super) fn verify(line: &OwnerLine, origin: &Origin, name: &PluginName) -> Result<(), OwnerError> {
    line.signature.verify(&line.key, &owner_statement(&line.keys))?;
    line.signature.expect_comment(&owner_comment(origin, name, line.previous.as_ref()))?;
    Ok(())
}

/// Checks the key of the last line that a root signed: it must be the root key in force. That line names the
/// one before it, and so on, so what earlier root keys signed counts because this key has confirmed it; what
/// a replaced key signs later has nothing behind it that would.
pub(super) fn check_root(found: PublicKey, root_key: &PublicKey) -> Result<(), OwnerError> {
    if found == *root_key { Ok(()) } else { Err(OwnerError::NotRoot { expected: *root_key, found }) }
}

fn check_keys(keys: &[PublicKey]) -> Result<(), OwnerError> {
    if keys.is_empty() || keys.len() > MAX_OWNER_KEYS {
        return Err(OwnerError::KeyCount(keys.len()));
    }
    if !keys.is_sorted_by(|a, b| a < b) {
        return Err(OwnerError::KeyOrder);
    }
    Ok(())
}

fn or_none(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), |digest| format!("`{digest}`"))
}
