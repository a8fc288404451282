//! A home for tests: packages of one file, sets of them, and the calls that make those live.

use std::{collections::BTreeMap, path::Path, time::Duration};

use leah_plugin::{
    digest::Digest,
    layout::{EntryName, Layout},
    lock::{Lock, Locked, LockedRegistry, ResolvedFor},
    manifest::Permissions,
    name::{Origin, PluginName},
    package::{ContentHasher, PackagePath},
};
use semver::Version;

use super::switch::{Draft, Pending, SwitchError, Writer};
use crate::{
    fs::Durability,
    store::{Store, StoreEntry, Trust, lock::Patience},
};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// A home in a temporary folder, made where the tests may write.
pub(crate) struct Sandbox {
    _folder: tempfile::TempDir,
    pub(crate) layout: Layout,
}

/// A package of the plugin `name`; two with other texts have other content.
pub(crate) struct Packed {
    pub(crate) name: PluginName,
    pub(crate) files: Vec<(PackagePath, Vec<u8>)>,
    pub(crate) content: Digest,
}

impl Packed {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let files = [("bin/tool", text), ("plugin.wasm", "\0asm"), ("plugin.yaml", name)];
        let files: Vec<_> = files.map(|(p, b)| (p.parse::<PackagePath>().unwrap(), b.into())).into();
        let mut hasher = ContentHasher::new();
        for (path, bytes) in &files {
            let bytes: &Vec<u8> = bytes;
            hasher.add(path, bytes.len() as u64).unwrap();
            hasher.update(bytes).unwrap();
        }
        Self { name: name.parse().unwrap(), files, content: hasher.finish().unwrap() }
    }

    pub(crate) fn entry(&self) -> EntryName {
        EntryName::new(self.name.clone(), Version::new(1, 0, 0), &self.content)
    }

    pub(crate) fn locked(&self) -> Locked {
        Locked {
            version: Version::new(1, 0, 0),
            registry: Origin::bundled(),
            sha256: Digest::of(b"archive"),
            content: self.content,
            size: 7,
            key: KEY.parse().unwrap(),
            owner: Digest::of(b"owner"),
            dependencies: BTreeMap::new(),
            enabled: true,
            held: false,
            granted: Permissions::empty(),
            denied: Permissions::empty(),
        }
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("home"));
        Self { _folder: folder, layout }
    }

    pub(crate) fn store(&self) -> Store<'_> {
        patiently(|patience| Store::open(&self.layout, Durability::Synced, patience)).unwrap()
    }

    /// Installs exactly these packages and returns the number of the generation.
    pub(crate) fn deploy(&self, packages: &[&Packed]) -> u64 {
        self.try_deploy(packages, |pending| pending.make_live()).unwrap()
    }

    /// The same, with another end.
    pub(crate) fn try_deploy<T>(
        &self,
        packages: &[&Packed],
        end: impl FnOnce(Pending<'_>) -> Result<T, SwitchError>,
    ) -> Result<T, SwitchError> {
        let store = self.store();
        for package in packages {
            add(&store, package, Trust::WhatWasLive);
        }
        let writer = patiently(|patience| Writer::begin(&store, "leahpm test", patience))?;
        end(writer.write(&draft(packages))?)
    }

    /// Dies before the generation is live: not even its destructor runs.
    pub(crate) fn crash(&self, packages: &[&Packed]) {
        let died = self.try_deploy(packages, |pending| {
            std::mem::forget(pending);
            Ok(())
        });
        died.unwrap();
    }

    pub(crate) fn roll_back(&self, number: u64) -> Result<u64, SwitchError> {
        let store = self.store();
        let writer = patiently(|patience| Writer::begin(&store, "leahpm test", patience))?;
        writer.existing(number)?.make_live()
    }

    /// The names in a folder of the home, without those of locks.
    #[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
    pub(crate) fn names(&self, folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }
}

pub(crate) fn patiently<T>(run: impl FnOnce(&mut Patience<'_>) -> T) -> T {
    run(&mut Patience { longest: Duration::from_secs(60), waiting_for: &mut |_| {} })
}

pub(crate) fn add(store: &Store<'_>, package: &Packed, trust: Trust) -> StoreEntry {
    let files = package.files.iter().map(|(path, bytes)| (path, bytes.as_slice()));
    store.add_files(package.entry(), &package.content, files, trust).unwrap()
}

pub(crate) fn draft(packages: &[&Packed]) -> Draft {
    let api = Version::new(1, 0, 0);
    let mut lock = Lock::empty(ResolvedFor { host: api.clone(), api });
    let registry = LockedRegistry { url: None, root_key: KEY.parse().unwrap() };
    lock.registries.insert(Origin::bundled(), registry);
    lock.plugins = packages.iter().map(|package| (package.name.clone(), package.locked())).collect();
    let names = packages.iter().map(|package| package.name.clone()).collect();
    Draft {
        lock,
        verb: "install".parse().unwrap(),
        names,
        created: 1_767_225_600,
        settings: BTreeMap::new(),
        added: Vec::new(),
    }
}
