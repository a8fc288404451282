//! What a registry's own program refuses to write and a thief of its keys would: claims that are not true,
//! bytes that are no package, records and heads by hand. Everything is signed with the real keys.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use leah_plugin::{
    catalog::CatalogEntry,
    digest::Digest,
    head::Head,
    key::SecretKey,
    manifest::Interface,
    name::PluginName,
    package::{Limits, Package},
    record::{Line, OwnerLine, Record, Signer, VERSION_FORMAT, VersionLine},
    registry_layout::RegistryLayout,
    root::Root,
    signature::{SignatureBlock, UNTRUSTED_COMMENT, package_comment},
    tree::{self, RecordRef},
};
use leah_registry::change::{Change, ChangeError};
use semver::Version;

use crate::fixture::{PackageSpec, TestRegistry, now};

/// One version as the index will tell of it, true or not.
#[derive(Debug, Clone)]
pub struct Claim {
    pub name: PluginName,
    pub version: Version,
    pub interface: Interface,
    pub content: Digest,
}

impl Claim {
    /// A plugin without dependencies, permissions, hooks and tools.
    pub fn new(name: &str, version: &str) -> Self {
        let interface = r#"{"api":"^1.0","dependencies":{},"permissions":[],"hooks":[],"tools":[]}"#;
        Self {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            interface: serde_json::from_str(interface).unwrap(),
            content: Digest::of(b""),
        }
    }

    /// What is true of a package.
    pub fn of(archive: &[u8]) -> Self {
        let package = Package::read(archive, &Limits::default()).unwrap();
        let manifest = package.manifest();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            interface: manifest.interface(),
            content: *package.content(),
        }
    }
}

impl Claim {
    fn catalog_entry(&self) -> CatalogEntry {
        CatalogEntry {
            name: self.name.clone(),
            version: self.version.clone(),
            author: "Tests".into(),
            description: "A plugin for tests".into(),
            category: None,
            tags: Vec::new(),
        }
    }
}

impl TestRegistry {
    /// Publishes a package of which only the truth is claimed.
    pub fn offer(&self, spec: &PackageSpec) {
        let archive = spec.archive();
        self.forge(&Claim::of(&archive), &archive);
    }

    /// Signs and publishes these bytes, whatever they are, under what is claimed of them.
    pub fn forge(&self, claim: &Claim, archive: &[u8]) {
        self.forge_all([(claim, archive)]);
    }

    /// The same for many at once, under one head.
    pub fn forge_all<'a>(&self, packages: impl IntoIterator<Item = (&'a Claim, &'a [u8])>) {
        let mut change = self.begin();
        let mut records: BTreeMap<PluginName, Vec<u8>> = BTreeMap::new();
        let mut catalog = change.registry().catalog().unwrap();
        for (claim, archive) in packages {
            let line = self.version_line(claim, archive, change.serial());
            let path = RegistryLayout::archive(&claim.name, &claim.version);
            self.write(&format!("{path}.minisig"), line.signature.as_text());
            self.write(&path, archive);
            let record = records.entry(claim.name.clone()).or_insert_with(|| {
                let record = change.record(&claim.name).unwrap();
                record.unwrap_or_else(|| self.new_record(&claim.name)).as_bytes().to_vec()
            });
            record.extend(serde_json::to_vec(&Line::Version(Box::new(line))).unwrap());
            record.push(b'\n');
            catalog.insert(claim.name.clone(), claim.catalog_entry());
        }
        change.set_catalog(&catalog);
        for (name, record) in records {
            // Read once, as every client will read it.
            let record = Record::read(&record, &self.origin, &name, &self.root_key()).unwrap();
            change.set_record(&record);
        }
        change.commit().unwrap();
    }

    /// Adds any line to a record.
    pub fn add_line(&self, name: &str, line: impl FnOnce(u64) -> Line) {
        let mut change = self.begin();
        let record = change.record(&name.parse().unwrap()).unwrap().unwrap();
        let line = line(change.serial());
        change.set_record(&record.append(&line, &self.root_key()).unwrap());
        change.commit().unwrap();
    }

    /// Begins a change. The lock of the registry may still be held by a program that another test is about to
    /// start: a fork keeps it until its exec.
    pub fn begin(&self) -> Change<'_> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match Change::begin(&self.folder, &self.index_key, now()) {
                Err(ChangeError::File(error)) if error.is_locked() && Instant::now() < end => {
                    std::thread::yield_now();
                }
                change => return change.unwrap(),
            }
        }
    }

    /// The version line for what is claimed of these bytes.
    pub fn version_line(&self, claim: &Claim, archive: &[u8], serial: u64) -> VersionLine {
        VersionLine {
            format: VERSION_FORMAT,
            version: claim.version.clone(),
            interface: claim.interface.clone(),
            size: archive.len() as u64,
            sha256: Digest::of(archive),
            content: claim.content,
            key: self.publisher.public(),
            signature: self.sign(claim, archive, &self.publisher),
            serial,
            published: now(),
        }
    }

    /// The signature that belongs to what is claimed.
    pub fn sign(&self, claim: &Claim, archive: &[u8], key: &SecretKey) -> SignatureBlock {
        let (size, sha256) = (archive.len() as u64, Digest::of(archive));
        let comment = package_comment(&self.origin, &claim.name, &claim.version, size, &sha256);
        key.sign(archive, &comment, UNTRUSTED_COMMENT).unwrap()
    }

    /// A record that names the publisher's key and nothing else.
    pub fn new_record(&self, name: &PluginName) -> Record {
        let keys = [self.publisher.public()].into();
        let signer = (Signer::Publisher, &self.publisher);
        let line = OwnerLine::sign(keys, (&self.origin, name, None), signer, 1).unwrap();
        Record::start(line, &self.origin, name).unwrap()
    }

    pub fn head(&self) -> Head {
        Head::read(&self.read("head"), &self.index_key.public()).unwrap()
    }

    pub fn first_root(&self) -> Root {
        self.first_root_by(&self.root_key)
    }

    /// The same after the root key was handed over.
    pub fn first_root_by(&self, key: &SecretKey) -> Root {
        Root::read(&self.read("root/1"), &key.public()).unwrap()
    }

    /// Signs the head again after a change.
    pub fn change_head(&self, change: impl FnOnce(&mut Head)) {
        let mut head = self.head();
        change(&mut head);
        self.write("head", head.sign(&self.index_key).unwrap());
    }

    /// The names of the directory, which must have a single leaf.
    pub fn names(&self) -> BTreeMap<PluginName, RecordRef> {
        let leaf = self.read(&RegistryLayout::object(&self.head().tree));
        tree::leaf_entries(&leaf).unwrap().into_iter().collect()
    }

    /// Path of the object that holds the record of a plugin.
    pub fn record_path(&self, name: &str) -> String {
        RegistryLayout::object(&self.names()[&name.parse::<PluginName>().unwrap()].record)
    }

    pub fn record_text(&self, name: &str) -> String {
        String::from_utf8(self.read(&self.record_path(name))).unwrap()
    }

    /// Serves any bytes as the record of a plugin, under a new head.
    pub fn serve_record(&self, name: &str, record: &[u8]) {
        let at = RecordRef { record: self.add_object(record), size: record.len() as u64 };
        let mut names = self.names();
        names.insert(name.parse().unwrap(), at);
        let built = tree::build(&names);
        for (_, bytes) in &built.objects {
            self.add_object(bytes);
        }
        self.change_head(|head| (head.tree, head.serial) = (built.root, head.serial + 1));
    }

    /// Writes an object and returns its hash.
    pub fn add_object(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.write(&RegistryLayout::object(&digest), bytes);
        digest
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
