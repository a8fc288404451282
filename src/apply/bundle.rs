//! Making a bundle of a lock: everything is read and checked as for an install on this machine, and written into one
//! file instead of the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use leah_plugin::{
    bundle::BundlePath,
    lock::{Lock, Locked},
    name::{Origin, PluginName},
    registry_layout::RegistryLayout,
};

use super::{Apply, ApplyError, Event};
use crate::{
    bundle::{self, Made, Writer},
    fetch::{self, Need},
    registry::{Session, SessionError},
    requirements::PluginId,
    restore::{self, Platform},
};

/// What stands in a bundle at one path. Packages are read when it is their turn: one of them is in memory at a time.
enum Part {
    Bytes(Vec<u8>),
    Archive(Box<Need>),
}

/// Writes the bundle of a lock to `path`: the lock as it is in `text`, of each of its registries the roots and the head,
/// and for each plugin what leads from the head to its package. A dry run makes none and gives none.
///
/// # Errors
/// When the lock is not what the registries say, something of it cannot be had or is not what was signed, or the file
/// cannot be written; what was there before is then still there.
pub fn bundle(
    apply: &Apply<'_>,
    session: &Session,
    (lock, text): (&Lock, &[u8]),
    path: &Path,
) -> Result<Option<Made>, ApplyError> {
    bundle::check_place(path)?;
    let parts = parts(session, lock)?;
    if apply.config.dry_run {
        return Ok(None);
    }
    let bytes = lock.plugins.values().fold(0, |sum: u64, locked| sum.saturating_add(locked.size));
    apply.see(Event::Fetching { packages: lock.plugins.len(), bytes });
    let mut writer = Writer::begin(path, text, apply.config.durability)?;
    for (path, part) in parts {
        match part {
            Part::Bytes(bytes) => writer.add(&path, &bytes)?,
            Part::Archive(need) => {
                let archive = fetch::archive(&need, &|progress| apply.see_progress(&progress))?;
                writer.add(&path, archive.bytes())?;
            }
        }
    }
    Ok(Some(writer.finish()?))
}

/// All that goes into the bundle of a lock, in its order.
fn parts(session: &Session, lock: &Lock) -> Result<BTreeMap<BundlePath, Part>, ApplyError> {
    let mut parts = BTreeMap::new();
    let origins: BTreeSet<&Origin> = lock.plugins.values().map(|locked| &locked.registry).collect();
    for origin in origins {
        let locked = lock.registries.get(origin).expect("a lock lists the registries of its plugins");
        restore::check_root(origin, locked, &session.locked(origin)?)?;
        for (path, bytes) in session.registry(origin)?.signed() {
            parts.insert(BundlePath::new(origin, &path), Part::Bytes(bytes.to_vec()));
        }
    }
    // Together, as far as they come over a network.
    session.read_records(&lock.plugins.iter().map(id).collect())?;
    for (name, locked) in &lock.plugins {
        add(session, lock, (name, locked), &mut parts)?;
    }
    Ok(parts)
}

fn id((name, locked): (&PluginName, &Locked)) -> PluginId {
    PluginId { registry: locked.registry.clone(), name: name.clone() }
}

/// Adds what leads to a package, and the package.
fn add(
    session: &Session,
    lock: &Lock,
    (name, locked): (&PluginName, &Locked),
    parts: &mut BTreeMap<BundlePath, Part>,
) -> Result<(), ApplyError> {
    let origin = &locked.registry;
    let record = session.record(&id((name, locked)))?;
    // It is made to be installed where the lock was made for, whatever runs here.
    let platform = Platform { api: &lock.resolved_for.api, host: &lock.resolved_for.host };
    let line = restore::check_package(name, locked, record.as_deref(), platform)?.clone();
    let registry = session.registry(origin)?;
    for (path, bytes) in registry.proof(name).map_err(SessionError::from)?.into_iter().flatten() {
        parts.insert(BundlePath::new(origin, &path), Part::Bytes(bytes));
    }
    let path = |path: String| BundlePath::new(origin, &path);
    let signature = line.signature.as_text().as_bytes().to_vec();
    parts.insert(path(RegistryLayout::signature(name, &line.version)), Part::Bytes(signature));
    let archive = path(RegistryLayout::archive(name, &line.version));
    parts.insert(archive, Part::Archive(Box::new(Need { name: name.clone(), line, registry })));
    Ok(())
}
