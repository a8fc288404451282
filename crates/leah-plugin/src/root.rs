//! Roots of a registry: which key signs heads, which key signs the next root, and for how long. A client
//! pins one root key and walks from there; nothing else makes a key trusted.

use serde::{Deserialize, Serialize};

use crate::{
    json::{self, JsonError},
    key::{PublicKey, SecretKey},
    name::Origin,
    signature::{SignatureBlock, SignatureError, UNTRUSTED_COMMENT, root_comment},
};

/// The format of a root that is written here, and the newest that is read.
pub const ROOT_FORMAT: u64 = 1;

/// Largest body of a root in bytes; one with the longest values has 500.
pub const MAX_ROOT_BYTES: usize = 4096;

/// Most roots of one registry; nobody walks further.
pub const MAX_ROOTS: u64 = 1000;

/// Longest life of a head in seconds, 400 days: a lifetime without a bound would be none.
pub const MAX_HEAD_LIFETIME: u64 = 400 * 24 * 3600;

/// Why a file is not a root that counts.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Not signed, or not by the key that must have signed.
    #[error("the root is not signed as it must be")]
    Signature {
        /// What is wrong with it.
        #[from]
        source: SignatureError,
    },
    /// Signed, and yet not a root.
    #[error("the body of the root cannot be read")]
    Body {
        /// Where and why.
        #[from]
        source: JsonError,
    },
    /// Of a newer leahpm.
    #[error("the root has format {found}, this release knows {ROOT_FORMAT}: it needs a newer leahpm")]
    Format {
        /// As stated.
        found: u64,
    },
    /// A value outside of its bounds.
    #[error("the root states an impossible {0}")]
    Value(&'static str),
    /// Not the root after the one before.
    #[error("root {serial} does not follow root {previous}")]
    Serial {
        /// Of the root that was read.
        serial: u64,
        /// Of the root before.
        previous: u64,
    },
    /// The root of another registry.
    #[error("root {serial} is of the registry `{found}`, not of `{expected}`")]
    Origin {
        /// Of the root that was read.
        serial: u64,
        /// As the root before says.
        expected: Origin,
        /// As this root says.
        found: Origin,
    },
    /// An epoch that went back, which would let old heads live again.
    #[error("root {serial} has epoch {found}, smaller than epoch {previous} before it")]
    Epoch {
        /// Of the root that was read.
        serial: u64,
        /// Of the root before.
        previous: u64,
        /// Of this root.
        found: u64,
    },
}

/// The body of a file `root/<serial>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// [`ROOT_FORMAT`].
    pub format: u64,
    /// The registry.
    pub origin: Origin,
    /// From 1, without gaps.
    pub serial: u64,
    /// From 1; rises when the index key was lost, so that no head of the old key counts any more.
    pub epoch: u64,
    /// The key that signs heads.
    pub index_key: PublicKey,
    /// The key that signs the next root, and owner lines for lost publisher keys.
    pub next_root_key: PublicKey,
    /// How long a head may live, in seconds.
    pub head_lifetime: u64,
    /// When the root expires, in seconds since 1970.
    pub expires: u64,
}

impl Root {
    /// Reads a signed root: signature first, then the body, then the comment against the body.
    ///
    /// # Errors
    /// When it is not signed by `signer`, not a root, or signed as another one.
    pub fn read(signed: &[u8], signer: &PublicKey) -> Result<Self, RootError> {
        let (block, body) = SignatureBlock::split(signed)?;
        block.verify(signer, body)?;
        block.expect_own_untrusted_comment()?;
        let line = json::single_line(body, MAX_ROOT_BYTES)?;
        let found = json::format_of(line)?;
        if found != ROOT_FORMAT {
            return Err(RootError::Format { found });
        }
        let root: Self = json::from_line(line)?;
        block.expect_comment(&root_comment(&root.origin, root.serial))?;
        root.check_values()?;
        Ok(root)
    }

    /// The signed file.
    ///
    /// # Errors
    /// When a value is out of bounds or signing fails.
    pub fn sign(&self, key: &SecretKey) -> Result<Vec<u8>, RootError> {
        self.check_values()?;
        let body = json::to_line(self);
        let block = key.sign(&body, &root_comment(&self.origin, self.serial), UNTRUSTED_COMMENT)?;
        Ok([block.as_text().as_bytes(), &body].concat())
    }

    /// True from the second on at which the root expires.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.expires
    }

    fn check_values(&self) -> Result<(), RootError> {
        let bad = match () {
            () if self.serial == 0 => "serial",
            () if self.epoch == 0 => "epoch",
            () if !(1..=MAX_HEAD_LIFETIME).contains(&self.head_lifetime) => "lifetime of heads",
            () => return Ok(()),
        };
        Err(RootError::Value(bad))
    }
}

/// A walk over roots: each signed by the key that the one before names.
#[derive(Debug, Clone)]
pub struct RootChain {
    start: PublicKey,
    roots: Vec<Root>,
}

impl RootChain {
    /// Begins at the root that the pinned key signed.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn start(signed: &[u8], pinned: &PublicKey) -> Result<Self, RootError> {
        Ok(Self { start: *pinned, roots: vec![Root::read(signed, pinned)?] })
    }

    /// Begins at a first root whose key nobody pinned: it must be signed by the key that it names itself,
    /// as that of a new registry is. That proves nothing about who made it; it is for the registry's own
    /// tool, which still finds every changed byte that way.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn start_unpinned(signed: &[u8]) -> Result<Self, RootError> {
        let (_, body) = SignatureBlock::split(signed)?;
        let stated: Root = json::from_line(json::single_line(body, MAX_ROOT_BYTES)?)?;
        Self::start(signed, &stated.next_root_key)
    }

    /// Goes on to the next root.
    ///
    /// # Errors
    /// As [`Root::read`], and when it does not follow the newest so far.
    pub fn extend(&mut self, signed: &[u8]) -> Result<(), RootError> {
        let before = self.newest();
        let next = Root::read(signed, &before.next_root_key)?;
        let serial = next.serial;
        if next.origin != before.origin {
            return Err(RootError::Origin { serial, expected: before.origin.clone(), found: next.origin });
        }
        if serial.checked_sub(1) != Some(before.serial) {
            return Err(RootError::Serial { serial, previous: before.serial });
        }
        if next.epoch < before.epoch {
            return Err(RootError::Epoch { serial, previous: before.epoch, found: next.epoch });
        }
        self.roots.push(next);
        Ok(())
    }

    /// The newest root so far.
    ///
    /// # Panics
    /// Never: a walk begins with a root.
    #[must_use]
    pub fn newest(&self) -> &Root {
        self.roots.last().expect("a walk begins with a root")
    }

    /// All roots so far, the newest last.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// All roots so far, each with the key that signed it.
    pub fn signed(&self) -> impl Iterator<Item = (&PublicKey, &Root)> {
        let named = self.roots.iter().map(|root| &root.next_root_key);
        std::iter::once(&self.start).chain(named).zip(&self.roots)
    }

    /// The root key in force: the one that the newest root names. It alone signs the next root and owner
    /// lines.
    #[must_use]
    pub fn root_key(&self) -> &PublicKey {
        &self.newest().next_root_key
    }

    /// True for a key that signed a root of the walk, so that a client can pin it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let named = self.roots.iter().rev().skip(1).map(|root| &root.next_root_key);
        named.chain([&self.start]).any(|signer| signer == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(serial: u64, next: &SecretKey) -> Root {
        Root {
            format: ROOT_FORMAT,
            origin: "hub".parse().unwrap(),
            serial,
            epoch: 1,
            index_key: SecretKey::generate().unwrap().public(),
            next_root_key: next.public(),
            head_lifetime: 3600,
            expires: 1000,
        }
    }

    fn keys() -> (SecretKey, SecretKey) {
        (SecretKey::generate().unwrap(), SecretKey::generate().unwrap())
    }

    #[test]
    fn reads_back_what_it_signs() {
        let (one, two) = keys();
        let root = root(1, &two);
        assert_eq!(Root::read(&root.sign(&one).unwrap(), &one.public()).unwrap(), root);
        assert!(root.is_expired(1000) && !root.is_expired(999));
    }

    #[test]
    fn refuses_every_changed_byte_and_every_cut() {
        let (one, two) = keys();
        let signed = root(1, &two).sign(&one).unwrap();
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert!(Root::read(&changed, &one.public()).is_err(), "byte {at}");
            assert!(Root::read(&signed[..at], &one.public()).is_err(), "cut at {at}");
        }
        assert!(Root::read(&[&signed[..], b"\n"].concat(), &one.public()).is_err());
    }

    #[test]
    fn refuses_a_body_that_was_signed_as_something_else() {
        let (one, two) = keys();
        let body = json::to_line(&root(1, &two));
        for comment in [root_comment(&"hub".parse().unwrap(), 2), root_comment(&"bub".parse().unwrap(), 1)] {
            let block = one.sign(&body, &comment, UNTRUSTED_COMMENT).unwrap();
            let signed = [block.as_text().as_bytes(), &body].concat();
            assert!(matches!(Root::read(&signed, &one.public()), Err(RootError::Signature { .. })));
        }
    }

    #[test]
    fn tells_a_newer_format_from_a_broken_one() {
        let (one, _) = keys();
        let body = b"{\"format\":2,\"new\":true}\n";
        let block = one.sign(body, "x", UNTRUSTED_COMMENT).unwrap();
        let signed = [block.as_text().as_bytes(), body].concat();
        assert!(matches!(Root::read(&signed, &one.public()), Err(RootError::Format { found: 2 })));
    }

    #[test]
    fn walks_from_the_pinned_key_over_a_change_of_keys() {
        let (one, two) = keys();
        let mut chain = RootChain::start(&root(1, &two).sign(&one).unwrap(), &one.public()).unwrap();
        chain.extend(&root(2, &two).sign(&two).unwrap()).unwrap();
        assert_eq!((chain.newest().serial, chain.roots().len()), (2, 2));
        assert_eq!(chain.root_key(), &two.public());
        assert!(chain.is_signed_by(&one.public()) && chain.is_signed_by(&two.public()));
    }

    #[test]
    fn a_key_that_is_named_and_has_signed_nothing_yet_cannot_be_pinned() {
        let (one, two) = keys();
        let chain = RootChain::start(&root(1, &two).sign(&one).unwrap(), &one.public()).unwrap();
        assert_eq!(chain.root_key(), &two.public());
        assert!(!chain.is_signed_by(&two.public()));
    }

    #[test]
    fn begins_without_a_pin_only_where_the_first_root_is_signed_by_the_key_that_it_names() {
        let (one, two) = keys();
        let signed = root(1, &one).sign(&one).unwrap();
        assert_eq!(RootChain::start_unpinned(&signed).unwrap().root_key(), &one.public());
        let handed_over = root(1, &two).sign(&one).unwrap();
        assert!(matches!(RootChain::start_unpinned(&handed_over), Err(RootError::Signature { .. })));
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert!(RootChain::start_unpinned(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn refuses_a_root_that_does_not_follow() {
        let (one, two) = keys();
        let chain = RootChain::start(&root(1, &two).sign(&one).unwrap(), &one.public()).unwrap();
        let extend = |root: &Root, key: &SecretKey| chain.clone().extend(&root.sign(key).unwrap());
        assert!(matches!(extend(&root(2, &two), &one), Err(RootError::Signature { .. })));
        assert!(matches!(extend(&root(3, &two), &two), Err(RootError::Serial { .. })));
        assert!(matches!(extend(&root(1, &two), &two), Err(RootError::Serial { .. })));
        let other = Root { origin: "bub".parse().unwrap(), ..root(2, &two) };
        assert!(matches!(extend(&other, &two), Err(RootError::Origin { .. })));
    }

    #[test]
    fn refuses_an_epoch_that_falls_and_lifetimes_without_a_bound() {
        let (one, two) = keys();
        let first = Root { epoch: 2, ..root(1, &two) };
        let mut chain = RootChain::start(&first.sign(&one).unwrap(), &one.public()).unwrap();
        let signed = root(2, &two).sign(&two).unwrap();
        assert!(matches!(chain.extend(&signed), Err(RootError::Epoch { .. })));
        let endless = Root { head_lifetime: u64::MAX, ..root(1, &two) };
        assert!(matches!(endless.sign(&one), Err(RootError::Value("lifetime of heads"))));
    }
}
