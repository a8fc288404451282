//! Everything below a head: what the copy lacks, or has with other bytes, is fetched, checked and written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use leah_plugin::{
    catalog,
    digest::Digest,
    head::Head,
    name::PluginName,
    record::{MAX_RECORD_BYTES, Record, VersionLine},
    registry_layout::RegistryLayout,
    tree::{self, INNER_BYTES, MAX_LEAF_BYTES, RecordRef},
};

use super::{MirrorError, parallel, source::Source, state::State};
use crate::{
    fs::{self, Batch},
    registry::{Registry, RegistryError},
};

/// What a copy holds, and what of it was fetched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Number of plugins.
    pub plugins: u64,
    /// Number of versions.
    pub versions: u64,
    /// Number of versions in a format of the future: what this release cannot read, it does not copy.
    pub newer: u64,
    /// Number of files that were fetched below the head.
    pub files: u64,
    /// Their length in bytes.
    pub bytes: u64,
}

/// A node of the directory and the slots that lead to it.
type Place = (Digest, Vec<u8>);

/// A copy in the making.
pub(super) struct Copy<'a> {
    source: &'a Source,
    folder: &'a Path,
    batch: &'a Batch,
    state: &'a State,
    referenced: Mutex<BTreeSet<String>>,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> Copy<'a> {
    pub(super) fn new(source: &'a Source, folder: &'a Path, batch: &'a Batch, state: &'a State) -> Self {
        let (files, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { source, folder, batch, state, referenced: Mutex::default(), files, bytes }
    }

    /// Brings everything that the head names into the folder. `old` is the head that is there. Returns what
    /// there is, and the paths of all its files.
    pub(super) fn everything(self, old: Option<&Head>) -> Result<(Tally, BTreeSet<String>), MirrorError> {
        let names: Vec<_> = self.directory()?.into_iter().collect();
        let old = self.old_names(old);
        if let Some(gone) = old.keys().find(|name| names.binary_search_by(|(n, _)| n.cmp(name)).is_err()) {
            return Err(MirrorError::Shortened(gone.clone()));
        }
        let versions = parallel::map(&names, |(name, at)| self.plugin(name, at, old.get(name)))?;
        self.catalog()?;
        let tally = Tally {
            plugins: names.len() as u64,
            versions: versions.iter().map(|(read, _)| read).sum(),
            newer: versions.iter().map(|(_, newer)| newer).sum(),
            files: self.files.into_inner(),
            bytes: self.bytes.into_inner(),
        };
        Ok((tally, self.referenced.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn directory(&self) -> Result<BTreeMap<PluginName, RecordRef>, MirrorError> {
        let head = &self.state.head;
        let mut level: Vec<Place> = vec![(head.tree, Vec::new())];
        for _ in 0..head.depth {
            level = parallel::map(&level, |place| self.inner(place))?.into_iter().flatten().collect();
            // No name belongs into two places, and nodes that are named again and again have no end.
            let mut nodes = BTreeSet::new();
            if let Some((twice, _)) = level.iter().find(|(digest, _)| !nodes.insert(*digest)) {
                return Err(RegistryError::Repeated(RegistryLayout::object(twice)).into());
            }
        }
        let leaves = parallel::map(&level, |place| self.leaf(place))?;
        Ok(leaves.into_iter().flatten().collect())
    }

    fn inner(&self, (digest, slots): &Place) -> Result<Vec<Place>, MirrorError> {
        self.object(digest, INNER_BYTES, |bytes, path| {
            let children =
                tree::interior_children(bytes).map_err(|source| RegistryError::Node { path, source })?;
            Ok(children.map(|(slot, child)| (child, [&slots[..], &[slot]].concat())).collect())
        })
    }

    fn leaf(&self, (digest, slots): &Place) -> Result<Vec<(PluginName, RecordRef)>, MirrorError> {
        self.object(digest, MAX_LEAF_BYTES, |bytes, path| {
            let entries = match tree::leaf_entries(bytes) {
                Ok(entries) => entries,
                Err(source) => return Err(RegistryError::Node { path, source }),
            };
            match entries.iter().find(|(name, _)| !tree::belongs(name, slots)) {
                Some((name, _)) => Err(RegistryError::Misplaced { path, name: name.clone() }),
                None => Ok(entries),
            }
        })
    }

    /// Brings the record and all archives of a plugin, and returns how many versions it has, and how many
    /// more in a format of the future.
    fn plugin(
        &self,
        name: &PluginName,
        at: &RecordRef,
        old: Option<&RecordRef>,
    ) -> Result<(u64, u64), MirrorError> {
        let limit = MAX_RECORD_BYTES.min(usize::try_from(at.size).unwrap_or(usize::MAX));
        let (origin, root_key) = (&self.state.head.origin, self.state.roots.root_key());
        let record = self.object(&at.record, limit, |bytes, path| {
            if bytes.len() as u64 != at.size {
                return Err(RegistryError::Size { path, expected: at.size, found: bytes.len() as u64 });
            }
            Record::read(bytes, origin, name, root_key)
                .map_err(|source| RegistryError::Record { path, source })
        })?;
        self.check_grown(&record, at, old)?;
        let versions = record.versions();
        versions.iter().try_for_each(|release| self.version(name, release.line))?;
        let lines = record.as_bytes().iter().filter(|byte| **byte == b'\n').count();
        Ok((versions.len() as u64, (lines - record.lines().len()) as u64))
    }

    /// Refuses a record that lacks what the copy has of it: whoever holds the index key could withhold a
    /// yank or a revocation that way.
    fn check_grown(
        &self,
        record: &Record,
        at: &RecordRef,
        old: Option<&RecordRef>,
    ) -> Result<(), MirrorError> {
        let Some(old) = old.filter(|old| old.record != at.record) else { return Ok(()) };
        match self.local(&RegistryLayout::object(&old.record), old.size, &old.record) {
            Some(before) if !record.as_bytes().starts_with(&before) => {
                Err(MirrorError::Shortened(record.name().clone()))
            }
            _ => Ok(()),
        }
    }

    fn version(&self, name: &PluginName, line: &VersionLine) -> Result<(), MirrorError> {
        let path = RegistryLayout::archive(name, &line.version);
        let refused = |source| MirrorError::Signature { path: path.clone(), source };
        let there = self.local(&path, line.size, &line.sha256);
        if let Some(archive) = there.filter(|archive| archive.len() as u64 == line.size) {
            line.signature.verify(&line.key, &archive).map_err(refused)?;
        } else {
            let archive = self.source.require(&path, line.size, |bytes| {
                let (size, found) = (bytes.len() as u64, Digest::of(bytes));
                let same = size == line.size && found == line.sha256;
                if same { Ok(()) } else { Err(MirrorError::Archive { path: path.clone(), size, found }) }
            })?;
            line.signature.verify(&line.key, &archive).map_err(refused)?;
            self.fetched(&path, &archive)?;
        }
        // The text of the signature stands in the record, and a registry's file is the same.
        let signature = (RegistryLayout::signature(name, &line.version), line.signature.as_text().as_bytes());
        let digest = Digest::of(signature.1);
        if self.local(&signature.0, signature.1.len() as u64, &digest).is_none() {
            self.batch.write(&self.folder.join(&signature.0), signature.1)?;
        }
        self.refer(path);
        self.refer(signature.0);
        Ok(())
    }

    fn catalog(&self) -> Result<(), MirrorError> {
        let catalog = |path, source| RegistryError::Catalog { path, source };
        let list = self.object(&self.state.head.catalog, catalog::MAX_LIST_BYTES, |bytes, path| {
            catalog::read_list(bytes).map_err(|source| catalog(path, source))
        })?;
        parallel::map(&list, |at| {
            let limit = catalog::MAX_SEGMENT_BYTES.min(usize::try_from(at.size).unwrap_or(usize::MAX));
            self.object(&at.segment, limit, |bytes, path| {
                catalog::read_segment(bytes).map_err(|source| catalog(path, source)).map(drop)
            })
        })?;
        Ok(())
    }

    /// The names of the copy as it is, where the directory is another one by now. What cannot be read of
    /// it any more cannot be compared either, and does not keep the copy from being made whole.
    fn old_names(&self, old: Option<&Head>) -> BTreeMap<PluginName, RecordRef> {
        let Some(old) = old.filter(|old| old.tree != self.state.head.tree) else { return BTreeMap::new() };
        let copy = Registry::of(self.folder, self.state.roots.clone(), old.clone());
        copy.names().map(|names| names.records).unwrap_or_default()
    }

    /// Brings an object into the folder and reads it, with its path for an error.
    fn object<T>(
        &self,
        digest: &Digest,
        limit: usize,
        read: impl Fn(&[u8], String) -> Result<T, RegistryError>,
    ) -> Result<T, MirrorError> {
        let path = RegistryLayout::object(digest);
        let value = match self.local(&path, limit as u64, digest) {
            Some(bytes) => read(&bytes, path.clone())?,
            None => {
                let bytes = self.source.require(&path, limit as u64, |bytes| {
                    let found = Digest::of(bytes);
                    let changed = || RegistryError::Object { path: path.clone(), found }.into();
                    if found == *digest { Ok(()) } else { Err(changed()) }
                })?;
                let value = read(&bytes, path.clone())?;
                self.fetched(&path, &bytes)?;
                value
            }
        };
        self.refer(path);
        Ok(value)
    }

    /// The bytes of a file of the copy, if they are the right ones. A file that cannot be read is none: it
    /// is fetched again.
    fn local(&self, path: &str, limit: u64, digest: &Digest) -> Option<Vec<u8>> {
        let there = fs::read_if_there(&self.folder.join(path), limit).ok().flatten();
        there.filter(|bytes| Digest::of(bytes) == *digest)
    }

    fn fetched(&self, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
        self.batch.write(&self.folder.join(path), bytes)?;
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn refer(&self, path: String) {
        self.referenced.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }
}
