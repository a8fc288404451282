//! What is looked at in each step, and what of it was found.

use std::path::PathBuf;

use leah_plugin::{
    digest::Digest,
    generation::GenerationRecord,
    key::PublicKey,
    manifest::Permissions,
    name::Origin,
    record::{Owner, Record, VersionLine},
    root,
    signature::package_comment,
};

use super::{Asked, ProofError};
use crate::{
    generation::{Generation, ReadError, check},
    registry::{Registry, SessionError},
    requirements::PluginId,
    trust::Seen,
    verify::Verified,
};

/// The pinned key, and the roots from there on.
#[derive(Debug)]
pub struct Root {
    /// The registry.
    pub origin: Origin,
    /// The key that its chain of roots starts from.
    pub key: PublicKey,
    /// The file in which it is pinned; none where it is compiled in.
    pub pinned_in: Option<PathBuf>,
    /// The root key that the lock names; it is pinned here or signed a root of the chain.
    pub in_lock: PublicKey,
    /// Each root from the one that the pinned key signed on, with the key that signed it.
    pub roots: Vec<(PublicKey, root::Root)>,
}

/// The state of the registry.
#[derive(Debug)]
pub struct Head {
    /// As it was signed.
    pub head: leah_plugin::head::Head,
    /// SHA-256 of its file.
    pub sha256: Digest,
    /// The key that signed it.
    pub key: PublicKey,
    /// Where it was read, for a person.
    pub place: String,
    /// Whether it comes from the cache, and nobody was asked for a newer one.
    pub from_cache: bool,
    /// The newest epoch and serial that were seen before this run.
    pub seen: Option<(u64, u64)>,
}

/// All that the registry ever said of the plugin.
#[derive(Debug)]
pub struct Index {
    /// SHA-256 of the record, by which the directory names it.
    pub sha256: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// How many lines it has.
    pub lines: usize,
    /// SHA-256 of the top of the directory, by which the head names it.
    pub tree: Digest,
    /// How many of its first bytes were seen before, in this epoch; they are the same.
    pub seen: Option<u64>,
}

/// Who may sign versions of the plugin.
#[derive(Debug)]
pub struct Publisher {
    /// Every owner there ever was, the one in force last.
    pub owners: Vec<Owner>,
    /// Index of the one that the lock names: the one in force when the version was chosen.
    pub locked: usize,
    /// Index of the one that was in force when the version was published.
    pub published: usize,
    /// Whether the publisher is pinned: another one is refused unless the chain leads to it.
    pub pinned: bool,
}

/// What became of the archive.
#[derive(Debug)]
pub enum Archive {
    /// It is at hand and was verified again.
    Verified,
    /// It is not at hand: it was verified when it was installed.
    NotAtHand,
}

/// The version that is installed, and its files.
#[derive(Debug)]
pub struct Package {
    /// What the index says of it.
    pub line: VersionLine,
    /// The trusted comment that its signature must have.
    pub comment: String,
    /// Whether it was withdrawn since.
    pub yanked: bool,
    /// Its files in the store; their content hash was compared just now.
    pub files: PathBuf,
    /// The archive.
    pub archive: Archive,
}

/// What the plugin may do.
#[derive(Debug)]
pub struct Grant {
    /// What it may do.
    pub granted: Permissions,
    /// What it asked for and may not do.
    pub denied: Permissions,
    /// The generation from which on it has been so without a break.
    pub since: GenerationRecord,
    /// Whether it may have been so before: the generation before that one is gone.
    pub or_earlier: bool,
}

impl Root {
    pub(super) fn look(asked: &Asked<'_>, registry: &Registry) -> Result<Self, ProofError> {
        let origin = &asked.locked.registry;
        let key = asked.session.locked(origin)?.root_key;
        let in_lock = asked.live.lock().registries.get(origin).map_or(key, |locked| locked.root_key);
        if in_lock != key && !registry.roots().is_signed_by(&in_lock) {
            return Err(ProofError::OtherRoot { origin: origin.clone() });
        }
        let pinned_in = (!origin.is_bundled()).then(|| asked.layout.registries_file());
        let roots = registry.roots().signed().map(|(key, root)| (*key, root.clone())).collect();
        Ok(Self { origin: origin.clone(), key, pinned_in, in_lock, roots })
    }
}

impl Head {
    pub(super) fn look(asked: &Asked<'_>, registry: &Registry) -> Result<Self, SessionError> {
        Ok(Self {
            head: registry.head().clone(),
            sha256: registry.head_digest(),
            key: registry.roots().newest().index_key,
            place: registry.place(),
            from_cache: registry.is_from_cache(),
            seen: asked.session.seen(&asked.locked.registry)?.as_ref().map(Seen::order),
        })
    }
}

impl Index {
    pub(super) fn look(
        asked: &Asked<'_>,
        registry: &Registry,
        record: &Record,
    ) -> Result<Self, SessionError> {
        let head = registry.head();
        let seen = asked.session.seen(&asked.locked.registry)?.filter(|seen| seen.epoch == head.epoch);
        Ok(Self {
            sha256: Digest::of(record.as_bytes()),
            size: record.as_bytes().len() as u64,
            lines: record.lines().len(),
            tree: head.tree,
            seen: seen.and_then(|seen| seen.records.get(asked.name).map(|before| before.size)),
        })
    }
}

impl Publisher {
    /// What the record, of which the lock names an owner, says of the publisher.
    pub(super) fn of(asked: &Asked<'_>, record: &Record) -> Self {
        let owners = record.owners().to_vec();
        let published = owners.len() - record.owners_from(&asked.locked.version).len();
        let locked = owners.iter().position(|owner| owner.digest == asked.locked.owner).unwrap_or(published);
        let id = PluginId { registry: asked.locked.registry.clone(), name: asked.name.clone() };
        Self { owners, locked, published, pinned: asked.session.pinned(&id).is_some() }
    }
}

impl Package {
    pub(super) fn look(
        asked: &Asked<'_>,
        registry: &Registry,
        record: &Record,
        line: &VersionLine,
    ) -> Result<Self, ProofError> {
        let (origin, name) = (&asked.locked.registry, asked.name);
        let damage = check::check_plugin(asked.layout, name, asked.locked)?;
        if !damage.is_empty() {
            return Err(ProofError::Damaged(damage));
        }
        let archive = match registry.archive_at_hand(name, line)? {
            Some(archive) => {
                Verified::new(origin, name, line, &archive).map_err(Box::new)?;
                Archive::Verified
            }
            None => Archive::NotAtHand,
        };
        Ok(Self {
            comment: package_comment(origin, name, &line.version, line.size, &line.sha256),
            yanked: record.version(&line.version).is_some_and(|release| release.yanked),
            files: asked.layout.entry(&asked.locked.entry(name)),
            line: line.clone(),
            archive,
        })
    }
}

impl Grant {
    /// Goes back from the live generation as long as the plugin could do the same.
    pub(super) fn look(asked: &Asked<'_>) -> Result<Self, ReadError> {
        let locked = asked.locked;
        let mut since = asked.live.record().clone();
        let mut or_earlier = false;
        while let Some(parent) = since.parent {
            let before = match Generation::read(asked.layout, parent) {
                Err(ReadError::Unknown { .. }) => {
                    or_earlier = true;
                    break;
                }
                before => before?,
            };
            let same = before.lock().plugins.get(asked.name).is_some_and(|before| {
                (&before.registry, &before.granted, &before.denied)
                    == (&locked.registry, &locked.granted, &locked.denied)
            });
            if !same {
                break;
            }
            since = before.record().clone();
        }
        Ok(Self { granted: locked.granted.clone(), denied: locked.denied.clone(), since, or_earlier })
    }
}
