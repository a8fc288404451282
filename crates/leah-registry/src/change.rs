//! One change of a registry: collected in memory, then written in an order in which every step before the
//! last is harmless. Until the head is renamed, no client can see any of it.

use std::{collections::BTreeMap, path::Path};

use leah_plugin::{
    catalog::{self, Catalog, CatalogEntry, SegmentRef},
    digest::Digest,
    head::{Head, format_for},
    key::{PublicKey, SecretKey},
    name::PluginName,
    record::Record,
    registry_layout::RegistryLayout,
    tree::{self, RecordRef},
};

use crate::{
    fs::{self, FsError, Lock},
    registry::{Registry, RegistryError},
    rotate,
};

/// A new catalog entry goes into the last segment until that has as many; then a segment is begun.
const SEGMENT_ENTRIES: usize = 100;

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The registry cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The given key is not the one that signs heads.
    #[error("key {} is not the index key of the registry, which is {} (`{expected}`)", found.id(), expected.id())]
    NotIndexKey {
        /// As the newest root says.
        expected: PublicKey,
        /// The public half of the given key.
        found: PublicKey,
    },
    /// A head with the highest serial, which only somebody who wants to stop the registry signs.
    #[error("head {0} has the highest serial there can be, so no other can follow it in this epoch")]
    LastSerial(u64),
    /// No client would take a head of an expired root.
    #[error("root {serial} has expired; it must be renewed with the root key before anything can change")]
    RootExpired {
        /// Of the newest root.
        serial: u64,
    },
    /// Signing failed.
    #[error("cannot sign the head")]
    Sign(#[from] leah_plugin::head::HeadError),
}

/// A change in the making. Holds the registry's lock.
#[derive(Debug)]
pub struct Change<'a> {
    registry: Registry,
    index_key: &'a SecretKey,
    now: u64,
    records: BTreeMap<PluginName, RecordRef>,
    segments: Vec<SegmentRef>,
    objects: Vec<(Digest, Vec<u8>)>,
    files: Vec<(String, Vec<u8>)>,
    serial: u64,
    lock: Lock,
}

/// A change of which all is written but the head.
pub(crate) struct Written {
    pub(crate) head: Head,
    pub(crate) signed: Vec<u8>,
    pub(crate) lock: Lock,
}

impl<'a> Change<'a> {
    /// Locks the registry, reads it and begins. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When another process changes it, it does not hold, or `index_key` is not its index key.
    pub fn begin(folder: &Path, index_key: &'a SecretKey, now: u64) -> Result<Self, ChangeError> {
        // A lock file is not left in a folder that was named by mistake.
        if !fs::is_there(&folder.join(RegistryLayout::HEAD))? {
            return Err(RegistryError::NotARegistry(folder.to_owned()).into());
        }
        let lock = lock(folder)?;
        rotate::finish(folder, now)?;
        let registry = Registry::open(folder, None, now)?;
        let serial = registry.head().serial;
        let next = serial.checked_add(1).ok_or(ChangeError::LastSerial(serial))?;
        Self::on(registry, index_key, (next, now), lock)
    }

    /// A change of a registry that was read, or will be under newer roots, with the lock that is held. The
    /// head will have `serial`.
    pub(crate) fn on(
        registry: Registry,
        index_key: &'a SecretKey,
        (serial, now): (u64, u64),
        lock: Lock,
    ) -> Result<Self, ChangeError> {
        let (expected, found) = (registry.root().index_key, index_key.public());
        if expected != found {
            return Err(ChangeError::NotIndexKey { expected, found });
        }
        if registry.root().is_expired(now) {
            return Err(ChangeError::RootExpired { serial: registry.root().serial });
        }
        let records = registry.names()?.records;
        let segments = registry.segments()?;
        let (objects, files) = (Vec::new(), Vec::new());
        Ok(Self { registry, index_key, now, records, segments, objects, files, serial, lock })
    }

    /// The registry as it was before.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All names with their records, as they will be.
    #[must_use]
    pub fn records(&self) -> &BTreeMap<PluginName, RecordRef> {
        &self.records
    }

    /// The serial of the head that will bring the change.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The time of the change, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The record of a name, if there is one.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn record(&self, name: &PluginName) -> Result<Option<Record>, ChangeError> {
        let at = self.records.get(name);
        Ok(at.map(|at| self.registry.record(name, at)).transpose()?)
    }

    /// Puts a record in place of the one before.
    pub fn set_record(&mut self, record: &Record) {
        let bytes = record.as_bytes().to_vec();
        let size = bytes.len() as u64;
        let digest = self.add_object(bytes);
        self.records.insert(record.name().clone(), RecordRef { record: digest, size });
    }

    /// Adds a file outside of the objects, by its path in the registry.
    pub fn add_file(&mut self, path: String, bytes: Vec<u8>) {
        self.files.push((path, bytes));
    }

    /// Puts what search knows of a plugin into the last segment of the catalog, or begins a new one.
    ///
    /// # Errors
    /// When the last segment does not hold.
    pub fn set_catalog_entry(&mut self, entry: CatalogEntry) -> Result<(), ChangeError> {
        let mut segment = match self.segments.last() {
            Some(last) => self.registry.segment(last)?,
            None => Catalog::new(),
        };
        if segment.len() < SEGMENT_ENTRIES {
            self.segments.pop();
        } else {
            segment.clear();
        }
        segment.insert(entry.name.clone(), entry);
        self.add_segment(&segment);
        Ok(())
    }

    /// Puts a whole catalog in place of all segments.
    pub fn set_catalog(&mut self, catalog: &Catalog) {
        self.segments.clear();
        if !catalog.is_empty() {
            self.add_segment(catalog);
        }
    }

    /// Writes the change: objects and packages first, the head last.
    ///
    /// # Errors
    /// When signing or writing fails; the registry is then as it was, with files that nothing names.
    pub fn commit(self) -> Result<Head, ChangeError> {
        let path = self.registry.folder().join(RegistryLayout::HEAD);
        let written = self.write()?;
        fs::write(&path, &written.signed)?;
        Ok(written.head)
    }

    /// Writes all but the head: nothing names it yet, so it harms nothing.
    pub(crate) fn write(mut self) -> Result<Written, ChangeError> {
        let built = tree::build(&self.records);
        self.objects.extend(built.objects);
        let catalog = self.add_object(catalog::write_list(&self.segments));
        let before = self.registry.head();
        let head = Head {
            format: format_for(built.depth),
            origin: before.origin.clone(),
            epoch: self.registry.root().epoch,
            serial: self.serial,
            root: self.registry.root().serial,
            tree: built.root,
            depth: built.depth,
            catalog,
            expires: self.now.saturating_add(self.registry.root().head_lifetime),
        };
        let signed = head.sign(self.index_key)?;
        let folder = self.registry.folder();
        write_objects(folder, &self.objects)?;
        for (path, bytes) in &self.files {
            fs::write(&folder.join(path), bytes)?;
        }
        Ok(Written { head, signed, lock: self.lock })
    }

    fn add_segment(&mut self, segment: &Catalog) {
        let bytes = catalog::write_segment(segment);
        let size = bytes.len() as u64;
        let digest = self.add_object(bytes);
        self.segments.push(SegmentRef { segment: digest, size });
    }

    fn add_object(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.objects.push((digest, bytes));
        digest
    }
}

/// Writes objects that are not there yet, or are there with other bytes than their name says.
pub(crate) fn write_objects(folder: &Path, objects: &[(Digest, Vec<u8>)]) -> Result<(), FsError> {
    for (digest, bytes) in objects {
        let path = folder.join(RegistryLayout::object(digest));
        let same = fs::read_if_there(&path, bytes.len() as u64);
        if !same.is_ok_and(|there| there.as_ref() == Some(bytes)) {
            fs::write(&path, bytes)?;
        }
    }
    Ok(())
}

/// The lock that orders the writers of a registry.
pub(crate) fn lock(folder: &Path) -> Result<Lock, FsError> {
    fs::lock(&folder.join(LOCK))
}

/// The file of the lock; it is empty and no part of the registry.
pub const LOCK: &str = ".lock";
