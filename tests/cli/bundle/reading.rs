//! Bundles that somebody changed, through the library: whatever byte is another, what comes out is what was signed, or
//! nothing does.

use std::{fs, path::Path, sync::Arc};

use leah_plugin::{digest::Hashed, layout::CacheLayout, lock::Lock, record::VersionLine};
use leahpm::{
    bundle::Bundle, config::NetworkConfig, registry::Session, requirements::PluginId, verify::Verified,
};

use super::installed;
use crate::{fixture::now, sandbox::Sandbox};

/// What is read of a bundle: its lock, and of each plugin the line of the index and the archive.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    lock: Vec<u8>,
    packages: Vec<(VersionLine, Vec<u8>)>,
}

/// All that `leahpm sync` would take from a bundle, checked as it checks it; the message where it refuses something.
fn take(sandbox: &Sandbox, bundle: &Path) -> Result<Taken, String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let bundle = Arc::new(Bundle::open(bundle).map_err(|error| words(&error))?);
    let network = NetworkConfig::cache_alone(CacheLayout::new(sandbox.path("no cache")));
    let session = Session::new(sandbox.layout(), now(), network).map_err(|error| words(&error))?;
    let session = session.carrying(Arc::clone(&bundle));
    let lock = Lock::read(bundle.lock()).map_err(|error| words(&error))?;
    let mut packages = Vec::new();
    for (name, locked) in lock.plugins {
        let registry = session.registry(&locked.registry).map_err(|error| words(&error))?;
        let id = PluginId { registry: locked.registry.clone(), name: name.clone() };
        let record = session.record(&id).map_err(|error| words(&error))?.ok_or("no record")?;
        let line = record.version(&locked.version).ok_or("no version")?.line.clone();
        let archive: Hashed = registry.archive(&name, &line, &|_| ()).map_err(|error| words(&error))?;
        Verified::new(&locked.registry, &name, &line, &archive).map_err(|error| words(&error))?;
        packages.push((line, archive.into_bytes()));
    }
    Ok(Taken { lock: bundle.lock().to_vec(), packages })
}

#[test]
fn no_byte_of_a_bundle_can_change_what_is_taken_from_it() {
    let (sandbox, _hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let (whole, path) = (sandbox.read("set.leah"), sandbox.path("changed.leah"));
    let right = take(&sandbox, &sandbox.path("set.leah")).unwrap();
    let (mut noticed, mut without_meaning) = (0, Vec::new());
    // Each eleventh byte: over all files every place of a header has its turn.
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        match take(&sandbox, &path) {
            Err(_) => noticed += 1,
            Ok(taken) => {
                assert_eq!(taken, right, "byte {at}");
                without_meaning.push(at);
            }
        }
    }
    // Signatures beside the packages are for others to read: the ones that count stand in the records.
    assert!(noticed > 1_000 && without_meaning.len() < noticed / 10, "{noticed} {without_meaning:?}");
}

#[test]
fn a_bundle_that_changes_while_it_is_read_gives_nothing_else() {
    let (sandbox, _hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let path = sandbox.path("set.leah");
    let bundle = Arc::new(Bundle::open(&path).unwrap());
    let network = NetworkConfig::cache_alone(CacheLayout::new(sandbox.path("no cache")));
    let session = Session::new(sandbox.layout(), now(), network).unwrap().carrying(Arc::clone(&bundle));
    let lock = bundle.lock().to_vec();
    // The very file is written over, and then cut off.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, whole.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).unwrap();
    let hub = "hub".parse().unwrap();
    assert!(session.registry(&hub).is_err());
    fs::write(&path, &whole[..1_024]).unwrap();
    assert!(session.registry(&hub).is_err());
    assert_eq!(bundle.lock(), lock);
    // What takes its place is another file.
    fs::write(&path, &whole).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(session.registry(&hub).unwrap().origin(), &hub);
}
