//! Each function as a plugin calls it, without an engine: who may, what is denied, what exactly is reached.

#![expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]

mod files;
mod http;
mod log;
mod model;
mod store;

use std::{sync::Arc, time::Duration};

use leah_plugin::{
    layout::{CacheLayout, Layout},
    manifest::Permissions,
    message::{Level, Notice},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    capability::Rights,
    config::{Config, Model},
    journal::{Journal, Topic},
    limits::Limits,
    services::Keep,
};

/// A home with what the functions need, and a folder of the user beside it.
pub(crate) struct Bench {
    folder: TempDir,
    config: Config,
    services: Arc<Services>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_model(None)
    }

    fn with_model(model: Option<Model>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("user")).unwrap();
        let config = Config {
            home: Layout::new(folder.path().join("home")),
            cache: CacheLayout::new(folder.path().join("cache")),
            compiler: folder.path().join("leah-host"),
            limits: Limits::default(),
            plugins: [].into(),
            ceiling: None,
            model,
            log_level: Level::Debug,
        };
        let services = Self::services(&config, &folder);
        Self { folder, config, services }
    }

    fn services(config: &Config, folder: &TempDir) -> Arc<Services> {
        let journal = Arc::new(Journal::new(config.log_level));
        Arc::new(Services::of_user(config, journal, Some(folder.path().join("user"))))
    }

    /// The host started anew.
    fn restart(&mut self) {
        self.services = Self::services(&self.config, &self.folder);
    }

    /// A plugin that got what it asked for. `{user}` in a scope is the user's folder.
    pub(crate) fn plugin(&self, asked: &Value) -> Plugin {
        self.limited(asked, Limits::default())
    }

    fn limited(&self, asked: &Value, limits: Limits) -> Plugin {
        let user = self.folder.path().join("user");
        let asked: Value =
            serde_json::from_str(&asked.to_string().replace("{user}", user.to_str().unwrap())).unwrap();
        let asked = Permissions::deserialize(asked).unwrap();
        let identity = Identity {
            name: "probe".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            rights: Rights::effective(&asked, &asked, None, &Map::new()),
            settings: json!({ "target": "en" }).as_object().unwrap().clone(),
            declared: ["target", "server"].map(str::to_owned).into(),
            limits,
            keep: Keep::default(),
        };
        Plugin {
            identity,
            control: Control::new(Duration::from_secs(20)),
            services: Arc::clone(&self.services),
        }
    }

    /// The lines that were logged so far.
    pub(crate) fn lines(&self) -> Vec<(Level, String)> {
        let (_subscription, notices) = self.services.journal.listen(Topic::Log(None), 1_000);
        let line = |notice| match notice {
            Notice::Log(line) => (line.level, line.message),
            other => panic!("{other:?}"),
        };
        notices.try_iter().map(line).collect()
    }
}

pub(crate) struct Plugin {
    identity: Identity,
    pub(crate) control: Control,
    services: Arc<Services>,
}

impl Plugin {
    pub(crate) fn live(&self) -> Caller<'_> {
        Caller { plugin: &self.identity, services: &self.services, live: true, control: &self.control }
    }

    fn on_trial(&self) -> Caller<'_> {
        Caller { live: false, ..self.live() }
    }
}

fn all() -> Value {
    json!([
        "read_messages",
        "modify_messages",
        "modify_responses",
        { "read_files": ["{user}/read"] },
        "write_files",
        "network_access",
        "use_model",
    ])
}

fn request(url: &str) -> http_api::Request {
    let (method, url) = ("GET".into(), url.into());
    http_api::Request { method, url, headers: Vec::new(), body: None, meta: Vec::new() }
}

fn conversation() -> model_api::ChatRequest {
    let said = model_api::ChatMessage { role: types::Role::User, content: "hi".into(), meta: Vec::new() };
    model_api::ChatRequest { messages: vec![said], meta: Vec::new() }
}

/// What each function that needs a right answers to a call that makes sense.
fn answers(mut caller: Caller<'_>) -> Vec<(&'static str, Option<Error>)> {
    vec![
        ("read", files_api::Host::read(&mut caller, "a".into()).err()),
        ("write", files_api::Host::write(&mut caller, "a".into(), Vec::new()).err()),
        ("list", files_api::Host::list(&mut caller, String::new()).err()),
        ("remove", files_api::Host::remove(&mut caller, "a".into()).err()),
        ("send", http_api::Host::send(&mut caller, request("http://127.0.0.1:9/")).err()),
        ("chat", model_api::Host::chat(&mut caller, conversation()).err()),
    ]
}

#[test]
fn without_a_right_every_function_that_needs_one_is_denied_live_or_not() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!(["read_messages", "modify_messages", "modify_responses"]));
    for caller in [plugin.live(), plugin.on_trial()] {
        for (name, error) in answers(caller) {
            assert!(matches!(error, Some(Error::Denied)), "{name}: {error:?}");
        }
    }
    assert!(!bench.config.home.home().exists());
}

#[test]
fn until_it_is_live_every_function_that_reaches_out_is_unavailable() {
    let bench = Bench::new();
    let plugin = bench.plugin(&all());
    let mut caller = plugin.on_trial();
    let mut found = answers(caller);
    found.extend([
        ("get", store_api::Host::get(&mut caller, "k".into()).err()),
        ("set", store_api::Host::set(&mut caller, "k".into(), Vec::new()).err()),
        (
            "compare-and-set",
            store_api::Host::compare_and_set(&mut caller, "k".into(), None, Vec::new()).err(),
        ),
        ("delete", store_api::Host::delete(&mut caller, "k".into()).err()),
        ("list-keys", store_api::Host::list_keys(&mut caller, String::new()).err()),
    ]);
    for (name, error) in found {
        assert!(matches!(error, Some(Error::Unavailable)), "{name}: {error:?}");
    }
    assert!(!bench.config.home.home().exists());
}

#[test]
fn a_call_that_is_over_reaches_nothing() {
    let bench = Bench::new();
    let plugin = bench.plugin(&all());
    plugin.control.cancel();
    for (name, error) in answers(plugin.live()) {
        assert!(matches!(error, Some(Error::Timeout)), "{name}: {error:?}");
    }
}

#[test]
fn settings_are_those_that_are_declared() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    let mut caller = plugin.on_trial();
    let mut get = |key: &str| settings_api::Host::get(&mut caller, key.into());
    assert_eq!(get("target").unwrap().as_deref(), Some("\"en\""));
    assert_eq!(get("server").unwrap(), None);
    assert!(matches!(get("other"), Err(Error::NotFound)));
}
