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
    root::{Root, RootError},
};
use serde::{Deserialize, Serialize};

use crate::config::Format;

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
    /// The head is not signed by the index key, or is malformed.
    #[error("the head of registry `{origin}` is not valid")]
    Head {
        /// The registry.
        origin: Origin,
        /// What is wrong.
        source: HeadError,
    },
    /// Head and newest root do not belong together.
    #[error("the head of registry `{origin}` names root {named}, but the newest root is {newest}")]
    HeadRoot {
        /// The registry.
        origin: Origin,
        /// Serial that the head names.
        named: u64,
        /// Serial of the newest root.
        newest: u64,
    },
    /// Head and newest root are of different epochs.
    #[error("the head of registry `{origin}` is of epoch {head}, but its root is of epoch {root}")]
    HeadEpoch {
        /// The registry.
        origin: Origin,
        /// Epoch in the head.
        head: u64,
        /// Epoch in the root.
        root: u64,
    },
    /// An older state is served than one that was already seen.
    #[error("registry `{origin}` shows state {epoch}.{serial}, but {seen_epoch}.{seen_serial} was seen before: it is older than it should be")]
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
    /// The chain of owners does not contain the line that was pinned.
    #[error("the publisher of `{name}` in registry `{origin}` is not the one that was pinned when it was first installed")]
    Publisher {
        /// The registry.
        origin: Origin,
        /// The plugin.
        name: PluginName,
    },
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
    /// Number of the file's format.
    pub format: Format<1>,
    /// Highest epoch.
    pub epoch: u64,
    /// Highest serial in that epoch.
    pub serial: u64,
    /// SHA-256 of the head with that number, signature included.
    pub head: Digest,
    /// For each name that was ever installed, the owner line in force then.
    #[serde(default)]
    pub owners: BTreeMap<PluginName, Digest>,
}

/// Walks the chain of roots: the first that `pinned` signed begins it, each later one must be signed by
/// the key that the one before names, and all must name the same registry. `roots` are the files
/// `root/1`, `root/2`, … in order, up to the newest.
///
/// # Errors
/// When no root is signed by the pinned key or the chain breaks.
pub fn walk_roots(roots: &[Vec<u8>], pinned: &PublicKey) -> Result<Root, TrustError> {
    let not_pinned = || TrustError::NotPinned { roots: roots.len() as u64, key: pinned.clone() };
    let mut newest: Option<Root> = None;
    let mut first_error = None;
    for (serial, bytes) in (1..).zip(roots) {
        match &newest {
            // Roots before the pinned key came into force are none of our business: a user who pins
            // today's key cannot check yesterday's.
            None => match Root::read(bytes, pinned) {
                Ok(root) => newest = Some(numbered(root, serial)?),
                Err(source) => first_error = first_error.or(Some(TrustError::Root { serial, source })),
            },
            Some(before) => {
                let root = Root::read(bytes, &before.next_root_key)
                    .map_err(|source| TrustError::Root { serial, source })?;
                if root.origin != before.origin {
                    return Err(TrustError::Origin { expected: before.origin.clone(), found: root.origin });
                }
                newest = Some(numbered(root, serial)?);
            }
        }
    }
    // With one root there is one story to tell: what is wrong with it.
    newest.ok_or_else(|| if roots.len() == 1 { first_error.unwrap_or_else(not_pinned) } else { not_pinned() })
}

/// A root under another number than its own would let an old one be served as the newest.
fn numbered(root: Root, serial: u64) -> Result<Root, TrustError> {
    if root.serial == serial {
        Ok(root)
    } else {
        Err(TrustError::Root { serial, source: RootError::Serial { expected: serial, found: root.serial } })
    }
}

/// Reads the head and holds it against the newest root.
///
/// # Errors
/// When it is not signed by the root's index key or does not belong to that root.
pub fn read_head(bytes: &[u8], root: &Root) -> Result<Head, TrustError> {
    let origin = root.origin.clone();
    let head = Head::read(bytes, &root.index_key)
        .map_err(|source| TrustError::Head { origin: origin.clone(), source })?;
    if head.origin != origin {
        return Err(TrustError::Origin { expected: origin, found: head.origin });
    }
    if head.root != root.serial {
        return Err(TrustError::HeadRoot { origin, named: head.root, newest: root.serial });
    }
    if head.epoch != root.epoch {
        return Err(TrustError::HeadEpoch { origin, head: head.epoch, root: root.epoch });
    }
    Ok(head)
}

/// Refuses a head that is older than one already seen, or another one under the same number.
///
/// # Errors
/// On rollback and equivocation.
pub fn check_not_older(head: &Head, digest: &Digest, seen: Option<&Seen>) -> Result<(), TrustError> {
    let Some(seen) = seen else { return Ok(()) };
    let origin = head.origin.clone();
    let (epoch, serial) = (head.epoch, head.serial);
    if (epoch, serial) < (seen.epoch, seen.serial) {
        let (seen_epoch, seen_serial) = (seen.epoch, seen.serial);
        return Err(TrustError::Rollback { origin, epoch, serial, seen_epoch, seen_serial });
    }
    if (epoch, serial) == (seen.epoch, seen.serial) && *digest != seen.head {
        return Err(TrustError::Equivocation { origin, epoch, serial });
    }
    Ok(())
}

/// Refuses a head or root that is past its time: whoever serves it may be hiding what came after.
///
/// # Errors
/// When either has expired at `now` (seconds since 1970).
pub fn check_fresh(head: &Head, root: &Root, now: u64) -> Result<(), TrustError> {
    for (what, expires) in [("root", root.expires), ("head", head.expires)] {
        if expires < now {
            return Err(TrustError::Expired { origin: head.origin.clone(), what, seconds: now - expires });
        }
    }
    Ok(())
}

/// Refuses a record whose chain of owners does not go through the line that was pinned.
///
/// # Errors
/// When the publisher changed without the signature of the one before.
pub fn check_owner(
    origin: &Origin,
    name: &PluginName,
    record: &Record,
    seen: Option<&Seen>,
) -> Result<(), TrustError> {
    match seen.and_then(|seen| seen.owners.get(name)) {
        Some(pinned) if !record.owner_lines().any(|line| line == *pinned) => {
            Err(TrustError::Publisher { origin: origin.clone(), name: name.clone() })
        }
        _ => Ok(()),
    }
}
