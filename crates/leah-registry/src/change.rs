//! One change of a registry: collected in memory, then written in an order in which every step before the
//! last is harmless. Until the head is renamed, no client can see any of it.

use std::{cell::OnceCell, collections::BTreeMap, path::Path};

use leah_plugin::{
    catalog::{Catalog, CatalogEntry, MOST_NAMES},
    digest::Digest,
    head::{Head, format_for},
    key::{PublicKey, SecretKey},
    name::PluginName,
    record::Record,
    registry_layout::RegistryLayout,
    tree::{self, Built, RecordRef},
};

use crate::{
    fs::{self, Batch, FsError, Lock},
    registry::{Registry, RegistryError},
    rotate,
    segments::{CatalogChange, Segments},
};

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
    records: BTreeMap<PluginName, Record>,
    catalog: CatalogChange,
    files: Vec<(String, Vec<u8>)>,
    names: OnceCell<BTreeMap<PluginName, RecordRef>>,
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
    /// Locks the registry, reads roots and head and begins. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When another process changes it, it does not hold, or `index_key` is not its index key.
    pub fn begin(folder: &Path, index_key: &'a SecretKey, now: u64) -> Result<Self, ChangeError> {
        // A lock file is not left in a folder that was named by mistake.
        if !fs::is_there(&folder.join(RegistryLayout::HEAD))? {
            return Err(RegistryError::NotARegistry(folder.to_owned()).into());
        }
        let lock = lock(folder)?;
        rotate::finish(folder)?;
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
        Ok(Self {
            registry,
            index_key,
            now,
            records: BTreeMap::new(),
            catalog: CatalogChange::default(),
            files: Vec::new(),
            names: OnceCell::new(),
            serial,
            lock,
        })
    }

    /// The registry as it was before.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
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

    /// All names as they were before. This reads the whole directory, once; only a new name needs it.
    ///
    /// # Errors
    /// When a node does not hold.
    pub fn names(&self) -> Result<&BTreeMap<PluginName, RecordRef>, ChangeError> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let names = self.registry.names()?.records;
        Ok(self.names.get_or_init(|| names))
    }

    /// The record of a name as it will be, if there is one.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn record(&self, name: &PluginName) -> Result<Option<Record>, ChangeError> {
        if let Some(changed) = self.records.get(name) {
            return Ok(Some(changed.clone()));
        }
        let at = self.registry.find(name)?;
        Ok(at.map(|at| self.registry.record(name, &at)).transpose()?)
    }

    /// Puts a record in place of the one before.
    pub fn set_record(&mut self, record: &Record) {
        self.records.insert(record.name().clone(), record.clone());
    }

    /// Adds a file outside of the objects, by its path in the registry.
    pub fn add_file(&mut self, path: String, bytes: Vec<u8>) {
        self.files.push((path, bytes));
    }

    /// Puts what search knows of a plugin into the catalog.
    pub fn set_catalog_entry(&mut self, entry: CatalogEntry) {
        self.catalog.set(entry.name.clone(), Some(entry));
    }

    /// Takes a plugin out of the catalog.
    pub fn remove_catalog_entry(&mut self, name: &PluginName) {
        self.catalog.set(name.clone(), None);
    }

    /// Puts a whole catalog in place of all segments.
    pub fn set_catalog(&mut self, catalog: &Catalog) {
        self.catalog.set_all(catalog);
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
        let count = self.count()?;
        let tree = self.directory(count)?;
        let (catalog, segments) = self.segments(count)?.into_objects();
        let before = self.registry.head();
        let head = Head {
            format: format_for(tree.depth),
            origin: before.origin.clone(),
            epoch: self.registry.root().epoch,
            serial: self.serial,
            root: self.registry.root().serial,
            tree: tree.root,
            depth: tree.depth,
            catalog,
            expires: self.now.saturating_add(self.registry.root().head_lifetime),
        };
        let signed = head.sign(self.index_key)?;
        let folder = self.registry.folder();
        let records = self.records.values().map(|record| record.as_bytes().to_vec());
        let records: Vec<_> = records.map(|bytes| (Digest::of(&bytes), bytes)).collect();
        let batch = Batch::begin(folder)?;
        for objects in [&records, &tree.objects, &segments] {
            write_objects(folder, &batch, objects)?;
        }
        for (path, bytes) in &self.files {
            batch.write(&folder.join(path), bytes)?;
        }
        batch.sync()?;
        Ok(Written { head, signed, lock: self.lock })
    }

    /// How many names there will be; none if there are as many as before.
    fn count(&self) -> Result<Option<usize>, ChangeError> {
        let mut new = 0;
        for name in self.records.keys() {
            new += usize::from(self.registry.find(name)?.is_none());
        }
        if new == 0 { Ok(None) } else { Ok(Some(self.names()?.len() + new)) }
    }

    /// The directory with the changed records. Nodes that lead to none of them are neither read nor made,
    /// unless the directory gets another depth.
    fn directory(&self, count: Option<usize>) -> Result<Built, ChangeError> {
        let place = |(name, record): (&PluginName, &Record)| {
            let (record, size) = (Digest::of(record.as_bytes()), record.as_bytes().len() as u64);
            (name.clone(), RecordRef { record, size })
        };
        let changes: BTreeMap<_, _> = self.records.iter().map(place).collect();
        let head = self.registry.head();
        if count.is_some_and(|count| tree::depth(count) != head.depth) {
            let mut all = self.names()?.clone();
            all.extend(changes);
            return Ok(tree::build(&all));
        }
        let mut read = |digest: &Digest| self.registry.node(digest);
        Ok(tree::update((&head.tree, head.depth), &changes, &mut read)?)
    }

    fn segments(&mut self, count: Option<usize>) -> Result<Segments, ChangeError> {
        let too_many = count.is_some_and(|count| count > MOST_NAMES);
        if too_many || self.registry.has_no_catalog()? {
            return Ok(Segments::empty());
        }
        Ok(std::mem::take(&mut self.catalog).write(&self.registry)?)
    }
}

/// Writes objects that are not there yet, or are there with other bytes than their name says.
pub(crate) fn write_objects(
    folder: &Path,
    batch: &Batch,
    objects: &[(Digest, Vec<u8>)],
) -> Result<(), FsError> {
    for (digest, bytes) in objects {
        let path = folder.join(RegistryLayout::object(digest));
        let same = fs::read_if_there(&path, bytes.len() as u64);
        if !same.is_ok_and(|there| there.as_ref() == Some(bytes)) {
            batch.write(&path, bytes)?;
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
