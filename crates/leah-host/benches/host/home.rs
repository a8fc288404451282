//! Homes with plugins, written as the package manager would: the store, a generation, the link.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use leah_plugin::{
    digest::Digest,
    generation::GenerationRecord,
    layout::Layout,
    lock::{Lock, Locked, LockedRegistry, ResolvedFor},
    manifest::Manifest,
    message::Prepare,
    name::Origin,
    package::{ContentHasher, PackagePath},
    version::{HOST_VERSION, PLUGIN_API},
};
use semver::Version;

/// A public key, for there has to be one.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// A home.
pub(crate) struct Home {
    pub(crate) layout: Layout,
    pub(crate) cache: PathBuf,
    component: Vec<u8>,
    settings: &'static str,
}

impl Home {
    /// An empty home in `folder`, for plugins that all have this component and these lines in their manifests.
    pub(crate) fn new(folder: &Path, name: &str, component: &[u8], settings: &'static str) -> Self {
        let home = folder.join(name);
        fs::create_dir_all(home.join("generations")).unwrap();
        Self {
            layout: Layout::new(home),
            cache: folder.join("cache"),
            component: component.to_vec(),
            settings,
        }
    }

    /// Writes the generation `number` with so many plugins, and what names it on the socket.
    pub(crate) fn write(&self, number: u64, plugins: usize) -> Prepare {
        let mut lock = Lock::empty(ResolvedFor { api: PLUGIN_API, host: HOST_VERSION });
        let registry = LockedRegistry { url: None, root_key: KEY.parse().unwrap() };
        lock.registries.insert(Origin::bundled(), registry);
        let folder = self.layout.generation(number);
        fs::create_dir_all(&folder).unwrap();
        for index in 0..plugins {
            // Each generation has versions of its own, so that all of its plugins are new to a host.
            let locked = self.store(&format!("plugin-{index:03}"), &Version::new(1, 0, number));
            let (name, locked) = locked;
            let target = Layout::plugin_target(&locked.entry(&name));
            symlink(target, Layout::plugin_in(&folder, &name)).unwrap();
            lock.plugins.insert(name, locked);
        }
        let record = GenerationRecord {
            number,
            parent: None,
            created: 0,
            verb: "install".parse().unwrap(),
            names: Vec::new(),
            settings: BTreeMap::new(),
        };
        fs::write(self.layout.record(number), record.to_text().unwrap()).unwrap();
        fs::write(self.layout.lock_file(number), lock.to_text().unwrap()).unwrap();
        let digest = leah_home::generation::digest(&self.layout, number).unwrap();
        Prepare { generation: number, digest, deadline_ms: None }
    }

    /// Makes a generation live.
    pub(crate) fn switch(&self, number: u64) {
        let next = self.layout.next_plugins("bench");
        symlink(Layout::plugins_target(number), &next).unwrap();
        fs::rename(next, self.layout.plugins()).unwrap();
    }

    fn store(&self, name: &str, version: &Version) -> (leah_plugin::name::PluginName, Locked) {
        let manifest = format!(
            "name: {name}\nversion: {version}\nauthor: Benchmark\ndescription: Answers\napi: \"^1.0\"\n\
             permissions:\n  - read_messages\n  - modify_messages\n  - modify_responses\n\
             hooks: [on_chat_message, on_before_response, on_after_response]\n{}",
            self.settings
        );
        let files = [("plugin.wasm", self.component.as_slice()), ("plugin.yaml", manifest.as_bytes())];
        let mut hasher = ContentHasher::new();
        for (path, bytes) in &files {
            hasher.add(&path.parse::<PackagePath>().unwrap(), bytes.len() as u64).unwrap();
            hasher.update(bytes).unwrap();
        }
        let manifest = Manifest::read(manifest.as_bytes()).unwrap();
        let locked = Locked {
            version: version.clone(),
            registry: Origin::bundled(),
            sha256: Digest::of(b"archive"),
            content: hasher.finish().unwrap(),
            size: 1,
            key: KEY.parse().unwrap(),
            owner: Digest::of(b"owner"),
            dependencies: BTreeMap::new(),
            enabled: true,
            held: false,
            granted: manifest.permissions,
            denied: leah_plugin::manifest::Permissions::empty(),
        };
        let folder = self.layout.entry(&locked.entry(&manifest.name));
        fs::create_dir_all(&folder).unwrap();
        for (path, bytes) in files {
            fs::write(folder.join(path), bytes).unwrap();
        }
        (manifest.name, locked)
    }
}
