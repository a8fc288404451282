//! Homes for tests: store entries, generations and settings made of parts, as leahpm would leave them, with the plugins
//! of `tests/plugins` compiled already. Nothing of it is shipped.

#![expect(clippy::disallowed_methods, reason = "tests write to the disk themselves")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use leah_home::{
    content::{Content, content_of},
    fs::symlink,
    generation::digest,
};
use leah_plugin::{
    digest::Digest,
    generation::GenerationRecord,
    layout::{CacheLayout, Layout, SettingsFile},
    lock::{Lock, Locked, LockedRegistry, ResolvedFor},
    manifest::{Manifest, Permissions},
    message::{ChatMessage, HookEvent, Level, Prepare, Role},
    name::{Origin, PluginName},
    package::{COMPONENT_FILE, MANIFEST_FILE},
    settings::Settings,
    version::{HOST_VERSION, PLUGIN_API},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{compile, config::Config, control::Control, engine::Engine, limits::Limits};

/// A key that signed nothing: the host looks at no signature.
const KEY: &str = "RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9";

/// A home in a temporary folder.
pub(crate) struct TestHome {
    folder: TempDir,
}

/// A plugin to be put into a home.
#[derive(Clone)]
pub(crate) struct TestPlugin {
    name: String,
    version: String,
    wasm: Vec<u8>,
    api: String,
    permissions: Vec<String>,
    hooks: BTreeSet<&'static str>,
    tools: Vec<String>,
    more: String,
    settings: BTreeMap<String, Value>,
    dependencies: Vec<String>,
    enabled: bool,
    denied: BTreeSet<String>,
}

impl TestPlugin {
    /// The plugin of `tests/plugins` that is called so, with all hooks, and all permissions on messages.
    pub(crate) fn of(component: &str, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plugins");
        let wasm = fs::read(folder.join(format!("{component}.wasm"))).unwrap();
        Self {
            name: name.into(),
            version: "1.0.0".into(),
            wasm,
            api: "^1.0".into(),
            permissions: ["read_messages", "modify_messages", "modify_responses"].map(Into::into).into(),
            hooks: ["on_chat_message", "on_tool_call", "on_before_response", "on_after_response"].into(),
            tools: Vec::new(),
            more: String::new(),
            settings: BTreeMap::new(),
            dependencies: Vec::new(),
            enabled: true,
            denied: BTreeSet::new(),
        }
    }

    /// A plugin with this code and the hook `on_chat_message` alone. Its setting `mode` is `none` by default.
    pub(crate) fn code(name: &str, wasm: &[u8]) -> Self {
        let mode = "config:\n  mode: { type: string, default: none }\n";
        Self { wasm: wasm.to_vec(), ..Self::of("good", name) }.manifest(mode).hooks(&["on_chat_message"])
    }

    /// A plugin that behaves; its tools are `NAME_echo` and `NAME_seen`.
    pub(crate) fn good(name: &str) -> Self {
        Self::of("good", name)
            .manifest(&format!("config:\n  word: {{ type: string, default: {name} }}\n"))
            .tools(&["echo", "seen"])
    }

    /// A plugin that fails in one way; otherwise as [`TestPlugin::good`].
    pub(crate) fn fault(name: &str, mode: &str) -> Self {
        Self::of("fault", name)
            .manifest(&format!(
                "config:\n  word: {{ type: string, default: {name} }}\n  mode: {{ type: string, default: {mode} }}\n"
            ))
            .tools(&["echo", "seen"])
    }

    fn tools(mut self, tools: &[&str]) -> Self {
        self.tools = tools.iter().map(|tool| format!("{}_{tool}", self.name)).collect();
        self
    }

    /// Another version.
    pub(crate) fn version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    /// Other versions of the plugin API.
    pub(crate) fn api(mut self, api: &str) -> Self {
        self.api = api.into();
        self
    }

    /// More lines of the manifest, such as `priority: 3`.
    pub(crate) fn manifest(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self
    }

    /// A permission that it asks for and does not get.
    pub(crate) fn deny(mut self, permission: &str) -> Self {
        self.denied.insert(permission.into());
        self
    }

    /// Other hooks.
    pub(crate) fn hooks(mut self, hooks: &[&'static str]) -> Self {
        self.hooks = hooks.iter().copied().collect();
        self
    }

    /// What the user set.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(key.into(), value.into());
        self
    }

    /// Another plugin that has to be there.
    pub(crate) fn needs(mut self, name: &str) -> Self {
        self.dependencies.push(name.into());
        self
    }

    /// Switched off.
    pub(crate) fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Other code.
    pub(crate) fn wasm(mut self, wasm: &[u8]) -> Self {
        self.wasm = wasm.to_vec();
        self
    }

    fn text(&self) -> String {
        let Self { name, version, api, more, .. } = self;
        let hooks: Vec<_> = self.hooks.iter().copied().collect();
        let mut text = format!(
            "name: {name}\nversion: {version}\nauthor: a\ndescription: d\napi: \"{api}\"\npermissions: [{}]\nhooks: [{}]\n{more}",
            self.permissions.join(", "),
            hooks.join(", "),
        );
        if !self.dependencies.is_empty() {
            let needs: Vec<_> = self.dependencies.iter().map(|name| format!("{name}: \"*\"")).collect();
            text += &format!("dependencies: {{ {} }}\n", needs.join(", "));
        }
        // A manifest with tools needs the hook.
        if !self.tools.is_empty() && self.hooks.contains("on_tool_call") {
            text += "tools:\n";
            for tool in &self.tools {
                text += &format!("  - {{ name: {tool}, description: t, parameters: {{ type: object }} }}\n");
            }
        }
        text
    }
}

impl TestHome {
    pub(crate) fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.layout().store()).unwrap();
        fs::create_dir_all(home.layout().generations()).unwrap();
        fs::create_dir_all(home.layout().settings()).unwrap();
        home
    }

    /// A home in which these plugins are live, as generation 1.
    pub(crate) fn with(plugins: &[TestPlugin]) -> Self {
        let home = Self::new();
        home.write(1, plugins);
        home.make_live(1);
        home
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.folder.path().join("home"))
    }

    pub(crate) fn cache(&self) -> CacheLayout {
        CacheLayout::new(self.folder.path().join("cache"))
    }

    /// What a host in this home is told. Its compiler is not there: what the tests run was compiled before.
    pub(crate) fn config(&self) -> Config {
        Config {
            home: self.layout(),
            cache: self.cache(),
            compiler: PathBuf::from("/nowhere/leah-host"),
            limits: Limits::default(),
            plugins: BTreeMap::new(),
            ceiling: None,
            model: None,
            log_level: Level::Trace,
        }
    }

    /// Writes a generation of these plugins, which is not live yet.
    pub(crate) fn write(&self, number: u64, plugins: &[TestPlugin]) {
        let layout = self.layout();
        let registry: Origin = "hub".parse().unwrap();
        let resolved_for = ResolvedFor { api: PLUGIN_API, host: HOST_VERSION };
        let mut lock = Lock::empty(resolved_for);
        let of_registry = LockedRegistry { url: None, root_key: KEY.parse().unwrap() };
        lock.registries.insert(registry.clone(), of_registry);
        let mut settings = BTreeMap::new();
        for plugin in plugins {
            let name: PluginName = plugin.name.parse().unwrap();
            lock.plugins.insert(name.clone(), self.locked(plugin, &name, &registry));
            if !plugin.settings.is_empty() {
                settings.insert(name.clone(), self.settings(plugin, name));
            }
        }
        let record = GenerationRecord {
            number,
            parent: (number > 1).then(|| number - 1),
            created: 1_767_225_600,
            verb: "install".parse().unwrap(),
            names: Vec::new(),
            settings,
        };
        fs::create_dir_all(layout.generation(number)).unwrap();
        fs::write(layout.record(number), record.to_text().unwrap()).unwrap();
        fs::write(layout.lock_file(number), lock.to_text().unwrap()).unwrap();
    }

    /// Turns the link.
    pub(crate) fn make_live(&self, number: u64) {
        let layout = self.layout();
        let next = layout.next_plugins("test");
        symlink(&Layout::plugins_target(number), &next).unwrap();
        fs::rename(next, layout.plugins()).unwrap();
    }

    /// Puts a file into every entry of the store.
    pub(crate) fn tamper(&self, name: &str) {
        for entry in fs::read_dir(self.layout().store()).unwrap() {
            fs::write(entry.unwrap().path().join(name), "x").unwrap();
        }
    }

    /// Parameters of `prepare` and `commit` for a generation that was written.
    pub(crate) fn wanted(&self, number: u64) -> Prepare {
        Prepare { generation: number, digest: digest(&self.layout(), number).unwrap(), deadline_ms: None }
    }

    fn locked(&self, plugin: &TestPlugin, name: &PluginName, registry: &Origin) -> Locked {
        let manifest = Manifest::read(plugin.text().as_bytes()).unwrap();
        let staging = self.layout().staging_entry("test");
        fs::create_dir_all(&staging).unwrap();
        fs::write(staging.join(MANIFEST_FILE), plugin.text()).unwrap();
        fs::write(staging.join(COMPONENT_FILE), &plugin.wasm).unwrap();
        let Content::Whole(content) = content_of(&staging).unwrap() else { panic!("it is a package") };
        compiled(&self.cache(), &plugin.wasm);
        let denied: BTreeSet<_> = plugin.denied.iter().map(|kind| kind.parse().unwrap()).collect();
        let asked = manifest.permissions;
        let granted = asked.without(&denied);
        let denied = asked.iter().filter(|(kind, _)| !granted.contains(*kind));
        let mut refused = Permissions::empty();
        for (kind, scope) in denied {
            refused.insert(kind, scope.clone()).unwrap();
        }
        let locked = Locked {
            version: manifest.version,
            registry: registry.clone(),
            sha256: Digest::of(b"archive"),
            content,
            size: 1,
            key: KEY.parse().unwrap(),
            owner: Digest::of(b"owner"),
            dependencies: manifest.dependencies,
            enabled: plugin.enabled,
            held: false,
            granted,
            denied: refused,
        };
        let entry = self.layout().entry(&locked.entry(name));
        if entry.symlink_metadata().is_ok() {
            fs::remove_dir_all(staging).unwrap();
        } else {
            fs::rename(staging, entry).unwrap();
        }
        locked
    }

    /// Files are immutable, and the same settings have the same file.
    fn settings(&self, plugin: &TestPlugin, name: PluginName) -> SettingsFile {
        let text = Settings { values: plugin.settings.clone() }.to_text().unwrap();
        let unique = u64::from_le_bytes(*Digest::of(text.as_bytes()).as_bytes().first_chunk().unwrap());
        let file = SettingsFile::new(name, unique);
        fs::write(self.layout().settings_file(&file), text).unwrap();
        file
    }
}

/// Components that were compiled in this process.
type Compiled = HashMap<Digest, Vec<u8>>;

/// Puts the machine code of a component into a cache. Compiled once a process.
fn compiled(cache: &CacheLayout, wasm: &[u8]) {
    static CODE: LazyLock<(Engine, Mutex<Compiled>)> =
        LazyLock::new(|| (Engine::start().unwrap(), Mutex::default()));
    let (engine, known) = &*CODE;
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let component = Digest::of(wasm);
    // What does not compile is left to the host to find.
    if !known.contains_key(&component)
        && let Ok(code) = compile::compile(wasm)
    {
        known.insert(component, code);
    }
    if let Some(code) = known.get(&component) {
        compile::keep(cache, engine, wasm, code);
    }
}

/// A message of the user.
pub(crate) fn message(content: &str) -> HookEvent {
    let content = content.into();
    let conversation = String::new();
    HookEvent::OnChatMessage(ChatMessage { conversation, role: Role::User, content, meta: BTreeMap::new() })
}

/// A call that nobody waits for in vain: far more time than anything here takes.
pub(crate) fn patient() -> Arc<Control> {
    Arc::new(Control::new(Duration::from_secs(60)))
}
