//! The head: the state of a whole registry in one signed line. Everything below it is named by hash, so
//! it is the only file that changes and the only one whose age matters.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    json::{self, JsonError},
    key::{PublicKey, SecretKey},
    name::Origin,
    root::Root,
    signature::{SignatureBlock, SignatureError, UNTRUSTED_COMMENT, head_comment},
    tree::MAX_DEPTH,
};

/// The newest format of a head that is read.
pub const HEAD_FORMAT: u64 = 2;

/// Largest body of a head in bytes; one with the longest values has 400.
pub const MAX_HEAD_BYTES: usize = 4096;

/// How far the clocks of a registry and a client may be apart, in seconds: a day.
pub const CLOCK_SKEW: u64 = 24 * 3600;

/// Why a file is not a head that counts.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Not signed, or not by the index key.
    #[error("the head is not signed as it must be")]
    Signature {
        /// What is wrong with it.
        #[from]
        source: SignatureError,
    },
    /// Signed, and yet not a head.
    #[error("the body of the head cannot be read")]
    Body {
        /// Where and why.
        #[from]
        source: JsonError,
    },
    /// Of a newer leahpm.
    #[error("the head has format {found}, this release knows {HEAD_FORMAT}: it needs a newer leahpm")]
    Format {
        /// As stated.
        found: u64,
    },
    /// A value outside of its bounds.
    #[error("the head states an impossible {0}")]
    Value(&'static str),
    /// The head of another registry.
    #[error("the head is of the registry `{found}`, not of `{expected}`")]
    Origin {
        /// As the root says.
        expected: Origin,
        /// As the head says.
        found: Origin,
    },
    /// A head of another epoch than the root's; those of an older one are void.
    #[error("the head is of epoch {found}, the root of epoch {expected}")]
    Epoch {
        /// As the root says.
        expected: u64,
        /// As the head says.
        found: u64,
    },
    /// The head names a root that is not the newest known.
    #[error("the head names root {found} as the newest, which is root {expected}")]
    Root {
        /// The newest root that is known.
        expected: u64,
        /// As the head says.
        found: u64,
    },
    /// A head that would outlive what the root allows: a stolen index key must not last.
    #[error("the head expires at {expires}, later than the {lifetime} seconds that the root allows")]
    Lifetime {
        /// Seconds since 1970.
        expires: u64,
        /// In seconds.
        lifetime: u64,
    },
}

/// The body of the file `head`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// As [`format_for`] the depth.
    pub format: u64,
    /// The registry.
    pub origin: Origin,
    /// The epoch of the root.
    pub epoch: u64,
    /// From 1; rises with every head of the registry.
    pub serial: u64,
    /// Serial of the newest root.
    pub root: u64,
    /// The top node of the directory.
    pub tree: Digest,
    /// How many levels of inner nodes the directory has.
    pub depth: u8,
    /// The list of the catalog's segments.
    pub catalog: Digest,
    /// When the head expires, in seconds since 1970.
    pub expires: u64,
}

impl Head {
    /// Reads a signed head: signature first, then the body, then the comment against the body. Whether it
    /// belongs to a root and is still fresh is [`check`](Self::check) and [`is_expired`](Self::is_expired).
    ///
    /// # Errors
    /// When it is not signed by `index_key`, not a head, or signed as another one.
    pub fn read(signed: &[u8], index_key: &PublicKey) -> Result<Self, HeadError> {
        let (block, body) = SignatureBlock::split(signed)?;
        block.verify(index_key, body)?;
        block.expect_own_untrusted_comment()?;
        let line = json::single_line(body, MAX_HEAD_BYTES)?;
        let found = json::format_of(line)?;
        if !(1..=HEAD_FORMAT).contains(&found) {
            return Err(HeadError::Format { found });
        }
        let head: Self = json::from_line(line)?;
        block.expect_comment(&head.comment())?;
        head.check_values()?;
        Ok(head)
    }

    /// The signed file.
    ///
    /// # Errors
    /// When a value is out of bounds or signing fails.
    pub fn sign(&self, key: &SecretKey) -> Result<Vec<u8>, HeadError> {
        self.check_values()?;
        let body = json::to_line(self);
        let block = key.sign(&body, &self.comment(), UNTRUSTED_COMMENT)?;
        Ok([block.as_text().as_bytes(), &body].concat())
    }

    /// Checks that the head belongs to `root`, the newest, and does not outlive what it allows. `now` is
    /// in seconds since 1970. An expired head passes: it still serves an exact install.
    ///
    /// # Errors
    /// When origin, epoch, root or lifetime do not fit.
    pub fn check(&self, root: &Root, now: u64) -> Result<(), HeadError> {
        if self.origin != root.origin {
            return Err(HeadError::Origin { expected: root.origin.clone(), found: self.origin.clone() });
        }
        if self.root != root.serial {
            return Err(HeadError::Root { expected: root.serial, found: self.root });
        }
        if self.epoch != root.epoch {
            return Err(HeadError::Epoch { expected: root.epoch, found: self.epoch });
        }
        let latest = now.saturating_add(root.head_lifetime).saturating_add(CLOCK_SKEW);
        if self.expires > latest {
            return Err(HeadError::Lifetime { expires: self.expires, lifetime: root.head_lifetime });
        }
        Ok(())
    }

    /// True from the second on at which the head expires.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.expires
    }

    /// What orders heads: one that is smaller than another seen before is a step back.
    #[must_use]
    pub fn order(&self) -> (u64, u64) {
        (self.epoch, self.serial)
    }

    fn comment(&self) -> String {
        head_comment(&self.origin, self.epoch, self.serial, self.expires)
    }

    fn check_values(&self) -> Result<(), HeadError> {
        let bad = match () {
            () if self.serial == 0 => "serial",
            () if self.epoch == 0 => "epoch",
            () if self.root == 0 => "root",
            () if self.depth > MAX_DEPTH => "depth",
            () if self.format != format_for(self.depth) => "format",
            () => return Ok(()),
        };
        Err(HeadError::Value(bad))
    }
}

/// The format of a head over a directory of this depth. What reads format 1 alone knows another form of
/// inner nodes; it must not take these for damaged ones.
#[must_use]
pub fn format_for(depth: u8) -> u64 {
    if depth == 0 { 1 } else { HEAD_FORMAT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::ROOT_FORMAT;

    fn head() -> Head {
        Head {
            format: 1,
            origin: "hub".parse().unwrap(),
            epoch: 1,
            serial: 7,
            root: 1,
            tree: Digest::of(b""),
            depth: 0,
            catalog: Digest::of(b""),
            expires: 10_000,
        }
    }

    fn root(index_key: PublicKey) -> Root {
        Root {
            format: ROOT_FORMAT,
            origin: "hub".parse().unwrap(),
            serial: 1,
            epoch: 1,
            index_key,
            next_root_key: index_key,
            head_lifetime: 3600,
            expires: 1_000_000,
        }
    }

    #[test]
    fn reads_back_what_it_signs() {
        let key = SecretKey::generate().unwrap();
        assert_eq!(Head::read(&head().sign(&key).unwrap(), &key.public()).unwrap(), head());
        insta::assert_snapshot!(String::from_utf8(json::to_line(&head())).unwrap(), @r#"{"format":1,"origin":"hub","epoch":1,"serial":7,"root":1,"tree":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","depth":0,"catalog":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","expires":10000}"#);
    }

    #[test]
    fn refuses_every_changed_byte_and_every_cut() {
        let key = SecretKey::generate().unwrap();
        let signed = head().sign(&key).unwrap();
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 0x20;
            assert!(Head::read(&changed, &key.public()).is_err(), "byte {at}");
            assert!(Head::read(&signed[..at], &key.public()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn refuses_a_root_in_place_of_a_head() {
        let key = SecretKey::generate().unwrap();
        let signed = root(key.public()).sign(&key).unwrap();
        assert!(matches!(Head::read(&signed, &key.public()), Err(HeadError::Body { .. })));
    }

    #[test]
    fn a_head_over_inner_nodes_is_of_format_2_and_a_newer_one_needs_a_newer_release() {
        let key = SecretKey::generate().unwrap();
        let read = |head: &Head| {
            let body = json::to_line(head);
            let block = key.sign(&body, &head.comment(), UNTRUSTED_COMMENT).unwrap();
            Head::read(&[block.as_text().as_bytes(), &body].concat(), &key.public())
        };
        assert!(read(&Head { format: 2, depth: 1, ..head() }).is_ok());
        for (format, depth) in [(1, 1), (2, 0)] {
            let error = read(&Head { format, depth, ..head() }).unwrap_err();
            assert!(matches!(error, HeadError::Value("format")), "{error}");
        }
        for format in [0, 3] {
            let error = read(&Head { format, ..head() }).unwrap_err();
            assert!(matches!(error, HeadError::Format { found } if found == format), "{error}");
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Head), expect: fn(&HeadError) -> bool) {
        let root = root(SecretKey::generate().unwrap().public());
        let mut head = head();
        head.check(&root, 9_000).unwrap();
        change(&mut head);
        let error = head.check(&root, 9_000).unwrap_err();
        assert!(expect(&error), "{error}");
    }

    #[test]
    fn refuses_a_head_that_does_not_belong_to_the_root() {
        check(|h| h.origin = "bub".parse().unwrap(), |e| matches!(e, HeadError::Origin { .. }));
        check(|h| h.epoch = 2, |e| matches!(e, HeadError::Epoch { .. }));
        check(|h| h.root = 2, |e| matches!(e, HeadError::Root { .. }));
        check(|h| h.expires = 9_000 + 3_601 + CLOCK_SKEW, |e| matches!(e, HeadError::Lifetime { .. }));
        check(|h| h.expires = u64::MAX, |e| matches!(e, HeadError::Lifetime { .. }));
    }

    #[test]
    fn an_expired_head_still_belongs_to_its_root() {
        let root = root(SecretKey::generate().unwrap().public());
        assert!(head().is_expired(10_000) && !head().is_expired(9_999));
        head().check(&root, 1_000_000).unwrap();
        head().check(&root, u64::MAX).unwrap();
    }
}
