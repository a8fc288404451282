//! How plugins are, as the running host says it, in `list` and `info`.

use leah_plugin::message::{Call, HelloResult, PluginList, PluginState, PluginStatus};

use super::{
    fake::{self, Answer, FakeHost},
    with_alpha,
};
use crate::sandbox::{Output, Sandbox};

/// What a host says of a plugin.
fn status(name: &str, version: &str, state: PluginState) -> PluginStatus {
    PluginStatus {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        description: "A plugin for tests".into(),
        state,
        faults: 0,
        hooks: ["on_chat_message".parse().unwrap()].into(),
        tools: Vec::new(),
        config: [("key".to_owned(), serde_json::json!({ "type": "string", "secret": true }))].into(),
    }
}

/// One plugin in each state, in the words of a host that wants to drive the terminal.
pub(super) fn all_states() -> PluginList {
    let reason = "it said \u{1b}[31mno\nand no".to_owned();
    let states = [
        ("alpha", PluginState::Running),
        ("beta", PluginState::Failed { reason: reason.clone() }),
        ("delta", PluginState::Quarantined { reason }),
        ("gamma", PluginState::NeedsSettings { missing: vec!["key".into(), "place".into()] }),
    ];
    PluginList { plugins: states.map(|(name, state)| status(name, "1.0.0", state)).into() }
}

/// A host that says this of its plugins.
pub(super) fn with_plugins(sandbox: &Sandbox, list: PluginList) -> FakeHost {
    let hello = HelloResult { generation: Some(1), ..fake::hello(sandbox) };
    FakeHost::start(
        sandbox,
        hello,
        Box::new(move |id, call| matches!(call, Call::PluginsList).then(|| fake::result(id, &list))),
    )
}

#[test]
fn list_shows_how_plugins_are_and_without_a_host_what_is_installed() {
    let (sandbox, hub) = with_alpha();
    hub.publish_all(&[("delta", "1.0.0"), ("epsilon", "1.0.0"), ("gamma", "1.0.0"), ("zeta", "1.0.0")]);
    sandbox.run(&["install", "beta", "delta", "epsilon", "gamma", "zeta"]).ok();
    sandbox.run(&["disable", "zeta"]).ok();
    sandbox.run(&["hold", "gamma"]).ok();
    let host = with_plugins(&sandbox, all_states());
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME     VERSION  STATUS                REGISTRY
    1> alpha    1.0.0    running               hub
    1> beta     1.0.0    failed                hub
    1> delta    1.0.0    quarantined           hub
    1> epsilon  1.0.0    not loaded            hub
    1> gamma    1.0.0    needs settings, held  hub
    1> zeta     1.0.0    disabled              hub
    exit 0
    ");
    assert_eq!(host.heard(), ["hello", "plugins/list"]);
    let json = sandbox.run(&["list", "--json"]).json();
    let plugins = json["plugins"].as_array().unwrap().iter();
    let states: Vec<_> = plugins
        .map(|one| format!("{} {} {} {}", one["name"], one["state"], one["reason"], one["missing"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    "alpha" "running" null null
    "beta" "failed" "it said \u001b[31mno\nand no" null
    "delta" "quarantined" "it said \u001b[31mno\nand no" null
    "epsilon" "not_loaded" null null
    "gamma" "needs_settings" null ["key","place"]
    "zeta" null null null
    "#);
    insta::assert_snapshot!(sandbox.run(&["list", "--no-host"]), @"
    1> NAME     VERSION  STATUS         REGISTRY
    1> alpha    1.0.0    enabled        hub
    1> beta     1.0.0    enabled        hub
    1> delta    1.0.0    enabled        hub
    1> epsilon  1.0.0    enabled        hub
    1> gamma    1.0.0    enabled, held  hub
    1> zeta     1.0.0    disabled       hub
    exit 0
    ");
    drop(host);
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME     VERSION  STATUS         REGISTRY
    1> alpha    1.0.0    enabled        hub
    1> beta     1.0.0    enabled        hub
    1> delta    1.0.0    enabled        hub
    1> epsilon  1.0.0    enabled        hub
    1> gamma    1.0.0    enabled, held  hub
    1> zeta     1.0.0    disabled       hub
    exit 0
    ");
}

#[test]
fn a_version_that_the_host_does_not_run_yet_is_not_said_to_run() {
    let (sandbox, hub) = with_alpha();
    hub.publish_all(&[("alpha", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    let _host = with_plugins(&sandbox, all_states());
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME   VERSION  STATUS      REGISTRY
    1> alpha  1.1.0    not loaded  hub
    exit 0
    ");
}

#[test]
fn list_says_what_it_knows_beside_a_host_that_cannot_be_asked() {
    let (sandbox, _hub) = with_alpha();
    let _host = fake::host(&sandbox, |_, _| Some(Answer::Silence));
    insta::assert_snapshot!(sandbox.run(&["list", "--host-wait", "1"]), @"
    1> NAME   VERSION  STATUS   REGISTRY
    1> alpha  1.0.0    enabled  hub
    2> warning: the host did not say who it is within 1s
    exit 0
    ");
}

#[test]
fn info_says_how_an_installed_plugin_is() {
    let (sandbox, _hub) = with_alpha();
    let host = with_plugins(&sandbox, all_states());
    let last = |output: Output| output.ok().stdout.lines().last().unwrap().to_owned();
    assert_eq!(last(sandbox.run(&["info", "alpha"])), "installed    1.0.0, running");
    assert_eq!(sandbox.run(&["info", "alpha", "--json"]).json()["state"], "running");
    drop(host);
    assert_eq!(last(sandbox.run(&["info", "alpha"])), "installed    1.0.0, enabled");
    assert_eq!(sandbox.run(&["info", "alpha", "--json"]).json()["state"], serde_json::Value::Null);
}
