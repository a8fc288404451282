//! What a client demands of a registry before it believes it: an unbroken chain of roots from the
//! pinned key, a head by the key that the newest root names, never older than one already seen, and
//! for each name the publisher's line that was pinned. Pure: bytes and times come in as values.

use std::collections::BTreeMap;

use leah_plugin::{
    digest::Digest,
    head::{Head, HeadError},
    key::PublicKey,
    name::{Origin, PluginName},
    record::Record,
    root::{Root, RootChain, RootError},
    yaml::Format,
};
use serde::{Deserialize, Serialize};

/// Why a registry, or what it says of a name, is not believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A root is not signed by the key that the one before names, or is malformed.
    #[error("root {serial} of the registry is not valid")]
    Root {
        /// Its serial.
        serial: u64,
        /// What is wrong.
        source: RootError,
    },
    /// A root stands under another number than its own.
    #[error("`root/{serial}` of the registry holds root {found}")]
    RootNumber {
        /// Its file.
        serial: u64,
        /// What it says.
        found: u64,
    },
    /// No root of the registry is signed by the pinned key.
    #[error("none of the registry's {roots} roots is signed by the pinned key `{key}`")]
    NotPinned {
        /// How many roots there are.
        roots: u64,
        /// The pinned key.
        key: PublicKey,
    },
    /// The registry is another than the one that was asked for.
    #[error("the registry calls itself `{found}`, not `{expected}`")]
    Origin {
        /// The name it was added under.
        expected: Origin,
        /// What its root says.
        found: Origin,
    },
    /// The head is not signed by the index key, is malformed, or does not belong to the newest root.
    #[error("the head of registry `{origin}` is not valid")]
    Head {
        /// The registry.
        origin: Origin,
        /// What is wrong.
        source: HeadError,
    },
    /// An older state is served than one that was already seen.
    #[error(
        "registry `{origin}` shows state {epoch}.{serial}, but {seen_epoch}.{seen_serial} was seen before: it is older than it should be"
    )]
    Rollback {
        /// The registry.
        origin: Origin,
        /// Epoch shown.
        epoch: u64,
        /// Serial shown.
        serial: u64,
        /// Epoch seen before.
        seen_epoch: u64,
        /// Serial seen before.
        seen_serial: u64,
    },
    /// Two states under one number: the registry tells different things to different people.
    #[error("registry `{origin}` shows another state {epoch}.{serial} than the one that was seen before")]
    Equivocation {
        /// The registry.
        origin: Origin,
        /// Epoch of both.
        epoch: u64,
        /// Serial of both.
        serial: u64,
    },
    /// The head or root is past its time.
    #[error("the {what} of registry `{origin}` expired {} ago", days(*.seconds))]
    Expired {
        /// The registry.
        origin: Origin,
        /// `head` or `root`.
        what: &'static str,
        /// How long ago, in seconds.
        seconds: u64,
    },
    /// The chain of roots is another one than was seen: somebody with a root key of earlier days forked it.
    #[error("root {serial} of registry `{origin}` is missing or another one than was seen before")]
    RootFork {
        /// The registry.
        origin: Origin,
        /// The newest root that was seen.
        serial: u64,
    },
    /// Lines of a record that were seen are gone or changed: a yank or a revocation may be among them.
    #[error("the record of `{name}` in registry `{origin}` lacks lines that were seen before")]
    Shortened {
        /// The registry.
        origin: Origin,
        /// The plugin.
        name: PluginName,
    },
    /// The chain of owners does not contain the line that was pinned.
    #[error(
        "the publisher of `{name}` in registry `{origin}` is not the one that was pinned when it was first installed"
    )]
    Publisher {
        /// The registry.
        origin: Origin,
        /// The plugin.
        name: PluginName,
        /// The keys of who owns it now.
        keys: Vec<PublicKey>,
    },
}

impl TrustError {
    /// Whether a registry's own signature stands under both of two states that cannot both be true.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::Equivocation { .. } | Self::RootFork { .. })
    }
}

fn days(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} minutes", seconds / 60),
        1 => "a day".into(),
        days => format!("{days} days"),
    }
}

/// What was seen of a registry: `<home>/registries/<origin>`. It outlives an uninstall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Number of the file's format: 2 where it has head and root.
    pub format: Format<2>,
    /// Highest epoch.
    pub epoch: u64,
    /// Highest serial in that epoch.
    pub serial: u64,
    /// SHA-256 of the head with that number, signature included.
    pub head: Digest,
    /// That head itself, so that a registry that shows another one under the same number can be convicted of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_head: Option<String>,
    /// The newest root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<SeenRoot>,
    /// For each name that was ever installed, the owner line in force then.
    #[serde(default)]
    pub owners: BTreeMap<PluginName, Digest>,
    /// How much of each of their records was seen in this epoch. Records only grow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<PluginName, SeenRecord>,
}

impl Seen {
    /// What orders states, as [`Head::order`].
    #[must_use]
    pub fn order(&self) -> (u64, u64) {
        (self.epoch, self.serial)
    }
}

/// How much of a record was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenRecord {
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of all of it.
    pub sha256: Digest,
}

impl SeenRecord {
    /// What is remembered of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self { size: record.as_bytes().len() as u64, sha256: Digest::of(record.as_bytes()) }
    }

    /// True where a record begins with what was seen.
    #[must_use]
    pub fn begins(&self, record: &[u8]) -> bool {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        record.get(..size).is_some_and(|begin| Digest::of(begin) == self.sha256)
    }
}

/// A root that was seen. Without it an old root key could sign another root after the last one of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenRoot {
    /// Its serial.
    pub serial: u64,
    /// SHA-256 of its file.
    pub sha256: Digest,
}

/// What a registry shows of itself before anything is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The files `root/1`, `root/2`, … in order, up to the newest.
    pub roots: Vec<Vec<u8>>,
    /// The file `head`.
    pub head: Vec<u8>,
}

/// What is demanded of it.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'a> {
    /// The pinned root key.
    pub key: &'a PublicKey,
    /// The registry that was asked for, where that is known.
    pub origin: Option<&'a Origin>,
    /// What was seen of it before.
    pub seen: Option<&'a Seen>,
    /// Seconds since 1970; none for what is compiled in, which is as new as its binary.
    pub now: Option<u64>,
}

/// A registry's state that was found good. It may be past its time; [`check_fresh`] tells.
#[derive(Debug, Clone)]
pub struct Believed {
    /// The walk over its roots.
    pub roots: RootChain,
    /// Its head.
    pub head: Head,
    /// The file that the head was read from.
    pub signed_head: Vec<u8>,
    /// The files `root/1`, `root/2`, … in order.
    pub signed_roots: Vec<Vec<u8>>,
    /// SHA-256 of the files `root/1`, `root/2`, … in order.
    pub root_digests: Vec<Digest>,
}

impl Believed {
    /// SHA-256 of the head's file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.signed_head)
    }

    /// Refuses what contradicts what was seen before.
    ///
    /// # Errors
    /// On a fork of the chain of roots, rollback and equivocation.
    pub fn check_follows(&self, seen: &Seen) -> Result<(), TrustError> {
        self.check_not_forked(seen)?;
        self.check_not_older(seen)
    }

    /// Refuses a chain of roots without the newest one that was seen. Whoever holds a root key that was handed over
    /// could otherwise sign a second root after its last one, with a greater epoch, for all who pinned that key.
    fn check_not_forked(&self, seen: &Seen) -> Result<(), TrustError> {
        let Some(SeenRoot { serial, sha256 }) = &seen.root else { return Ok(()) };
        let index = serial.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        if index.and_then(|index| self.root_digests.get(index)) == Some(sha256) {
            return Ok(());
        }
        Err(TrustError::RootFork { origin: self.head.origin.clone(), serial: *serial })
    }

    /// Refuses a head that is older than one already seen, or another one under the same number.
    fn check_not_older(&self, seen: &Seen) -> Result<(), TrustError> {
        let (origin, (epoch, serial)) = (self.head.origin.clone(), self.head.order());
        let (seen_epoch, seen_serial) = seen.order();
        if (epoch, serial) < seen.order() {
            return Err(TrustError::Rollback { origin, epoch, serial, seen_epoch, seen_serial });
        }
        if (epoch, serial) == seen.order() && self.digest() != seen.head {
            return Err(TrustError::Equivocation { origin, epoch, serial });
        }
        Ok(())
    }
}

/// Checks what a registry shows, from the pinned key down to the head.
///
/// # Errors
/// When roots or head are not signed as they must be, are of another registry, do not belong together, or are
/// older than what was seen.
pub fn believe(shown: &Shown, demands: &Demands<'_>) -> Result<Believed, TrustError> {
    let roots = walk_roots(&shown.roots, demands.key)?;
    let root = roots.newest();
    if let Some(expected) = demands.origin.filter(|origin| **origin != root.origin) {
        return Err(TrustError::Origin { expected: expected.clone(), found: root.origin.clone() });
    }
    let head = read_head(&shown.head, root)?;
    if let Some(now) = demands.now {
        head.check(root, now).map_err(|source| TrustError::Head { origin: root.origin.clone(), source })?;
    }
    let root_digests = shown.roots.iter().map(|root| Digest::of(root)).collect();
    let (signed_head, signed_roots) = (shown.head.clone(), shown.roots.clone());
    let believed = Believed { head, signed_head, signed_roots, root_digests, roots };
    demands.seen.map_or(Ok(()), |seen| believed.check_follows(seen))?;
    Ok(believed)
}

/// Walks the chain of roots: the first that `pinned` signed begins it, each later one must be signed by
/// the key that the one before names. `roots` are the files `root/1`, `root/2`, … in order, up to the newest.
///
/// # Errors
/// When no root is signed by the pinned key or the chain breaks.
fn walk_roots(roots: &[Vec<u8>], pinned: &PublicKey) -> Result<RootChain, TrustError> {
    let mut chain: Option<RootChain> = None;
    let mut first_error = None;
    for (serial, bytes) in (1..).zip(roots) {
        let invalid = |source| TrustError::Root { serial, source };
        match &mut chain {
            // Roots before the pinned key came into force are none of our business: a user who pins
            // today's key cannot check yesterday's.
            None => match RootChain::start(bytes, pinned) {
                // A root under another number than its own would let an old one be served as the newest.
                Ok(start) if start.newest().serial == serial => chain = Some(start),
                Ok(start) => {
                    return Err(TrustError::RootNumber { serial, found: start.newest().serial });
                }
                // Its signature is that of the pinned key, so it begins the walk of those who can read it.
                Err(source @ RootError::Format { .. }) => return Err(invalid(source)),
                Err(source) => first_error = first_error.or(Some(invalid(source))),
            },
            Some(chain) => chain.extend(bytes).map_err(invalid)?,
        }
    }
    let not_pinned = || TrustError::NotPinned { roots: roots.len() as u64, key: *pinned };
    // With one root there is one story to tell: what is wrong with it.
    chain.ok_or_else(|| if roots.len() == 1 { first_error.unwrap_or_else(not_pinned) } else { not_pinned() })
}

/// Reads the head: it must be signed by the newest root's index key.
///
/// # Errors
/// When it is not.
fn read_head(bytes: &[u8], root: &Root) -> Result<Head, TrustError> {
    let invalid = |source| TrustError::Head { origin: root.origin.clone(), source };
    Head::read(bytes, &root.index_key).map_err(invalid)
}

/// Refuses a head or root that is past its time: whoever serves it may be hiding what came after.
///
/// # Errors
/// When either has expired at `now` (seconds since 1970).
pub fn check_fresh(head: &Head, root: &Root, now: u64) -> Result<(), TrustError> {
    let origin = || root.origin.clone();
    if root.is_expired(now) {
        return Err(TrustError::Expired { origin: origin(), what: "root", seconds: now - root.expires });
    }
    if head.is_expired(now) {
        return Err(TrustError::Expired { origin: origin(), what: "head", seconds: now - head.expires });
    }
    Ok(())
}

/// Refuses a record whose chain of owners does not go through the line that was pinned, unless the user accepts a key
/// of who owns the name now; and one that lacks lines that were seen in this `epoch`. In a new epoch, which only the
/// root key begins, a registry may have been put back from a copy.
///
/// # Errors
/// When the publisher changed without the signature of the one before, or lines are gone.
pub fn check_record(
    (origin, epoch): (&Origin, u64),
    record: &Record,
    seen: Option<&Seen>,
    accepted: &[PublicKey],
) -> Result<(), TrustError> {
    let (Some(seen), name) = (seen, record.name()) else { return Ok(()) };
    if seen.owners.get(name).is_some_and(|pinned| record.owners_since(pinned).is_none()) {
        // Whole keys are compared: an id of eight bytes can be chosen by whoever makes a key. Where the chain holds the
        // option means nothing, so that it does no harm in a script.
        let keys = record.owner().keys.clone();
        if keys.iter().any(|key| accepted.contains(key)) {
            return Ok(());
        }
        return Err(TrustError::Publisher { origin: origin.clone(), name: name.clone(), keys });
    }
    match seen.records.get(name) {
        Some(before) if seen.epoch == epoch && !before.begins(record.as_bytes()) => {
            Err(TrustError::Shortened { origin: origin.clone(), name: name.clone() })
        }
        _ => Ok(()),
    }
}
