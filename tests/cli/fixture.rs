//! Registries and packages for tests, valid unless a test makes them otherwise: real keys, real components, made
//! with the library that makes real registries.

use std::{
    fs,
    path::PathBuf,
    sync::{PoisonError, RwLockWriteGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use leah_plugin::{
    digest::Digest,
    key::{PublicKey, SecretKey},
    name::{Origin, PluginName},
    package::{PackagePath, pack},
    registry_layout::RegistryLayout,
    signature::{UNTRUSTED_COMMENT, archive_file_name, package_comment},
};
use leah_registry::{
    init::{NewRegistry, init},
    publish::{Publication, Publisher, publish},
    yank::{self, Word},
};
use semver::Version;

use crate::{
    plugin::component,
    sandbox::{FORKS, Sandbox},
};

/// How long a head of a test's registry lives, in seconds: thirty days.
pub const HEAD_LIFETIME: u64 = 30 * 24 * 3600;

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// To be held while a lock of a registry is held.
pub fn locking() -> RwLockWriteGuard<'static, ()> {
    FORKS.write().unwrap_or_else(PoisonError::into_inner)
}

/// A plugin's package that is about to be made.
#[derive(Debug, Clone)]
pub struct PackageSpec {
    name: String,
    version: String,
    description: String,
    api: String,
    host: Option<String>,
    needs: Vec<(String, String)>,
    permissions: Vec<String>,
    hooks: Vec<String>,
    tools: Vec<String>,
    manifest: String,
    files: Vec<(String, Vec<u8>)>,
    component: Option<Vec<u8>>,
}

impl PackageSpec {
    /// A plugin that needs nothing and asks for nothing.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            description: "A plugin for tests".into(),
            api: "^1.0".into(),
            host: None,
            needs: Vec::new(),
            permissions: Vec::new(),
            hooks: Vec::new(),
            tools: Vec::new(),
            manifest: String::new(),
            files: Vec::new(),
            component: None,
        }
    }

    pub fn description(mut self, text: &str) -> Self {
        self.description = text.into();
        self
    }

    /// The versions of the plugin API, such as `^2.0`.
    pub fn api(mut self, range: &str) -> Self {
        self.api = range.into();
        self
    }

    /// The versions of leah-host, such as `>=0.1`.
    pub fn host(mut self, range: &str) -> Self {
        self.host = Some(range.into());
        self
    }

    pub fn needs(mut self, name: &str, range: &str) -> Self {
        self.needs.push((name.into(), range.into()));
        self
    }

    /// An item of `permissions`, such as `use_model` or `network_access: [example.com]`.
    pub fn permission(mut self, item: &str) -> Self {
        self.permissions.push(item.into());
        self
    }

    /// A hook, such as `on_chat_message`; the permission that it needs is the test's to give.
    pub fn hook(mut self, hook: &str) -> Self {
        self.hooks.push(hook.into());
        self
    }

    /// A tool, with the hook that serves it.
    pub fn tool(mut self, name: &str) -> Self {
        self.tools.push(name.into());
        if self.hooks.iter().any(|hook| hook == "on_tool_call") { self } else { self.hook("on_tool_call") }
    }

    /// More lines of the manifest, each with its line break.
    pub fn manifest(mut self, lines: &str) -> Self {
        self.manifest.push_str(lines);
        self
    }

    /// One more file.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), bytes.into()));
        self
    }

    /// The component, in place of one that has the interfaces of the hooks and does nothing.
    pub fn component(mut self, wasm: impl Into<Vec<u8>>) -> Self {
        self.component = Some(wasm.into());
        self
    }

    pub fn name(&self) -> PluginName {
        self.name.parse().unwrap()
    }

    pub fn version(&self) -> Version {
        self.version.parse().unwrap()
    }

    /// The text of `plugin.yaml`.
    pub fn manifest_text(&self) -> String {
        let Self { name, version, description, api, .. } = self;
        let quoted = serde_json::to_string(description).unwrap();
        let mut text = format!(
            "name: {name}\nversion: {version}\nauthor: Tests\ndescription: {quoted}\napi: \"{api}\"\n"
        );
        let list = |key: &str, items: &[String]| match items {
            [] => String::new(),
            items => {
                format!("{key}:\n{}", items.iter().map(|item| format!("  - {item}\n")).collect::<String>())
            }
        };
        text.extend(self.host.iter().map(|range| format!("host: \"{range}\"\n")));
        if !self.needs.is_empty() {
            text.push_str("dependencies:\n");
            text.extend(self.needs.iter().map(|(name, range)| format!("  {name}: \"{range}\"\n")));
        }
        text.push_str(&list("permissions", &self.permissions));
        text.push_str(&list("hooks", &self.hooks));
        let tool = |name: &String| {
            format!("{{ name: {name}, description: A tool, parameters: {{ type: object }} }}")
        };
        text.push_str(&list("tools", &self.tools.iter().map(tool).collect::<Vec<_>>()));
        text + &self.manifest
    }

    /// The files of the plugin, as an author has them in a folder.
    pub fn source(&self) -> Vec<(String, Vec<u8>)> {
        let wasm = self.component.clone().unwrap_or_else(|| self.hollow_component());
        let mut files = self.files.clone();
        files.push(("plugin.yaml".into(), self.manifest_text().into_bytes()));
        files.push(("plugin.wasm".into(), wasm));
        files
    }

    /// A component that has all interfaces it should have and no code.
    fn hollow_component(&self) -> Vec<u8> {
        let hooks = self.hooks.iter().map(|hook| format!("leah:plugin/{}@1.0.0", hook.replace('_', "-")));
        let mut exports: Vec<String> = hooks.collect();
        exports.push("leah:plugin/lifecycle@1.0.0".into());
        component(&["leah:plugin/log@1.0.0".to_owned()], &exports)
    }

    /// The package.
    pub fn archive(&self) -> Vec<u8> {
        let files =
            self.source().into_iter().map(|(path, bytes)| (path.parse::<PackagePath>().unwrap(), bytes));
        pack(files).unwrap()
    }
}

/// A registry in a folder of the sandbox, with all its keys and one publisher.
pub struct TestRegistry {
    pub folder: PathBuf,
    pub origin: Origin,
    pub root_key: SecretKey,
    pub index_key: SecretKey,
    pub publisher: SecretKey,
}

/// A sandbox whose bare names come from its registry `hub`.
pub fn hub() -> (Sandbox, TestRegistry) {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.add_as_default(&sandbox);
    (sandbox, hub)
}

impl TestRegistry {
    /// An empty registry of this name in a folder of this name.
    pub fn new(sandbox: &Sandbox, origin: &str) -> Self {
        Self::at(sandbox, origin, origin)
    }

    /// An empty registry of this name in another folder of the sandbox.
    pub fn at(sandbox: &Sandbox, origin: &str, folder: &str) -> Self {
        let key = || SecretKey::generate().unwrap();
        let registry = Self {
            folder: sandbox.path(folder),
            origin: origin.parse().unwrap(),
            root_key: key(),
            index_key: key(),
            publisher: key(),
        };
        let locking = locking();
        init(
            &registry.folder,
            &NewRegistry {
                origin: registry.origin.clone(),
                root_key: &registry.root_key,
                index_key: &registry.index_key,
                head_lifetime: HEAD_LIFETIME,
                now: now(),
            },
        )
        .unwrap();
        drop(locking);
        let keys = [
            ("root", &registry.root_key),
            ("index", &registry.index_key),
            ("publisher", &registry.publisher),
        ];
        for (word, key) in keys {
            sandbox.redact(key.public(), &format!("[{folder} {word} key]"));
            sandbox.redact(key.public().id(), &format!("[{folder} {word} key id]"));
        }
        registry
    }

    /// The key that a client pins.
    pub fn root_key(&self) -> PublicKey {
        self.root_key.public()
    }

    /// Makes, signs and publishes a package.
    #[track_caller]
    pub fn publish(&self, spec: &PackageSpec) -> &Self {
        self.publish_signed_by(&self.publisher, spec);
        self
    }

    /// Packages of these names and versions that need nothing and ask for nothing.
    #[track_caller]
    pub fn publish_all(&self, packages: &[(&str, &str)]) -> &Self {
        for (name, version) in packages {
            self.publish(&PackageSpec::new(name, version));
        }
        self
    }

    /// The same with another publisher's key.
    #[track_caller]
    pub fn publish_signed_by(&self, key: &SecretKey, spec: &PackageSpec) {
        let archive = spec.archive();
        let size = archive.len() as u64;
        let comment =
            package_comment(&self.origin, &spec.name(), &spec.version(), size, &Digest::of(&archive));
        let block = key.sign(&archive, &comment, UNTRUSTED_COMMENT).unwrap();
        self.publish_archive(key, spec, &archive, block.as_text());
    }

    /// Publishes an archive with a signature that was made elsewhere.
    #[track_caller]
    pub fn publish_archive(&self, key: &SecretKey, spec: &PackageSpec, archive: &[u8], signature: &str) {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join(archive_file_name(&spec.name(), &spec.version()));
        fs::write(&package, archive).unwrap();
        fs::write(format!("{}.minisig", package.display()), signature).unwrap();
        let publication =
            Publication { package: &package, publisher: Some(Publisher::Key(key)), similar_ok: true };
        let _locking = locking();
        publish(&self.folder, &self.index_key, &publication, now()).unwrap();
    }

    #[track_caller]
    pub fn yank(&self, name: &str, version: &str) -> &Self {
        self.say(name, version, Word::Yank { reason: Some("it was broken".into()) })
    }

    #[track_caller]
    pub fn unyank(&self, name: &str, version: &str) -> &Self {
        self.say(name, version, Word::Unyank)
    }

    #[track_caller]
    fn say(&self, name: &str, version: &str, word: Word) -> &Self {
        let (name, version) = (name.parse().unwrap(), version.parse().unwrap());
        let _locking = locking();
        yank::say(&self.folder, &self.index_key, (&name, &version), word, now()).unwrap().unwrap();
        self
    }

    /// A file of the registry, by its path in it, such as `head`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The archive of a published version.
    pub fn archive_path(&self, name: &str, version: &str) -> PathBuf {
        self.path(&RegistryLayout::archive(&name.parse().unwrap(), &version.parse().unwrap()))
    }

    /// `--registry PATH --key RW…`.
    pub fn install_args(&self) -> [String; 4] {
        let (path, key) = (self.folder.display().to_string(), self.root_key().to_string());
        ["--registry".into(), path, "--key".into(), key]
    }

    /// A command line with [`Self::install_args`] behind it.
    pub fn with(&self, arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(ToString::to_string).chain(self.install_args()).collect()
    }

    /// Adds the registry to the home.
    #[track_caller]
    pub fn add(&self, sandbox: &Sandbox) -> &Self {
        self.add_with(sandbox, &[])
    }

    /// Adds the registry to the home and makes bare names come from it.
    #[track_caller]
    pub fn add_as_default(&self, sandbox: &Sandbox) -> &Self {
        self.add_with(sandbox, &["--default"])
    }

    #[track_caller]
    fn add_with(&self, sandbox: &Sandbox, more: &[&str]) -> &Self {
        let (path, key) = (self.folder.display().to_string(), self.root_key().to_string());
        let add = ["registry", "add", self.origin.as_str(), &path, "--key", &key];
        sandbox.run(&[&add, more].concat()).ok();
        self
    }
}
