//! The whole way with the real host: what is installed runs, what does not start is not installed.

use std::time::Duration;

use leah_plugin::message::{Call, ToolAnswer, ToolCall};
use serde_json::{Value, json};

use super::{daemon::Daemon, refuses::changes_nothing};
use crate::{
    fixture::hub,
    plugins::{fault, good, other_api},
    sandbox::{Sandbox, tree_of},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a tool answers.
fn tool(host: &Daemon, name: &str, arguments: &Value) -> String {
    let call = json!({ "name": name, "arguments": arguments });
    let call: ToolCall = serde_json::from_value(call).unwrap();
    let answer: ToolAnswer = host.client().0.call(&Call::ToolsCall(call), PATIENCE).unwrap();
    answer.result.unwrap().content
}

/// The status of the one plugin in `leahpm list`.
fn state(sandbox: &Sandbox) -> Value {
    sandbox.run(&["list", "--json"]).ok().json()["plugins"][0]["state"].clone()
}

#[test]
fn what_is_installed_answers_at_once_and_is_gone_and_back_with_its_settings() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0")).publish(&good("other", "1.0.0"));
    let host = Daemon::start(&sandbox);
    assert_eq!(host.said("hi"), "hi");
    sandbox.run(&["install", "good", "--grant", "all"]).ok();
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("good: hi", json!("running")));
    sandbox.run(&["config", "set", "good", "word", "nice"]).ok();
    assert_eq!(host.said("hi"), "nice: hi");
    sandbox.run(&["disable", "good"]).ok();
    assert_eq!(host.said("hi"), "hi");
    sandbox.run(&["rollback"]).ok();
    assert_eq!(host.said("hi"), "nice: hi");
    sandbox.run(&["rollback"]).ok();
    assert_eq!(host.said("hi"), "good: hi");
    sandbox.run(&["install", "other", "--grant", "all"]).ok();
    assert_eq!(host.said("hi"), "other: good: hi");
    sandbox.run(&["permissions", "revoke", "good", "modify_messages"]).ok();
    assert_eq!(host.said("hi"), "other: hi");
    sandbox.run(&["uninstall", "other"]).ok();
    assert_eq!(host.said("hi"), "hi");
    sandbox.assert_no_leftovers();
}

#[test]
fn what_does_not_start_is_refused_and_what_runs_goes_on_with_its_data() {
    let (sandbox, hub) = hub();
    hub.publish(&fault("plug", "1.0.0", "none"));
    let host = Daemon::start(&sandbox);
    sandbox.run(&["install", "plug", "--grant", "all"]).ok();
    assert_eq!(tool(&host, "plug_echo", &json!({ "a": 1 })), r#"{"a":1}"#);
    let data = tree_of(&sandbox.path("home/data"));
    hub.publish(&fault("plug", "1.1.0", "failing-start"));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["update"]), @"
    2> error: `plug` does not start in the running host, so nothing was changed
    2> caused by: `initialize` failed: it says that it failed: no luck today
    2> hint: `leahpm host logs plug` shows what it logged
    exit 11
    ");
    hub.publish(&fault("plug", "1.2.0", "slow-start"));
    let refused = changes_nothing(&sandbox, &["update"]).stderr;
    // Which of its limits it comes to first depends on what else the machine does.
    assert!(refused.contains("\ncaused by: `initialize` failed: it"), "{refused}");
    for api in ["older", "newer"] {
        hub.publish(&other_api(api, "1.0.0"));
        sandbox.run(&["install", api, "--grant", "all"]).fails(10);
    }
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("plug: hi", json!("running")));
    assert_eq!(tree_of(&sandbox.path("home/data")), data);
    hub.publish(&fault("plug", "1.3.0", "failing-activate"));
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ plug 1.0.0 -> 1.3.0
    2> Generation 2 is live.
    2> warning: `plug` was ready and did not come up after all: `activate` failed: it says that it failed: no luck today; `leahpm rollback` goes back to the set before
    exit 0
    ");
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("hi", json!("failed")));
    sandbox.run(&["rollback"]).ok();
    assert_eq!(host.said("hi"), "plug: hi");
    assert!(sandbox.run(&["host", "logs"]).ok().stdout.contains("no luck today"));
}

#[test]
fn a_quarantined_plugin_is_shown_as_such_and_comes_back_when_it_is_loaded_anew() {
    let (sandbox, hub) = hub();
    hub.publish(&fault("plug", "1.0.0", "trap"));
    let host = Daemon::start(&sandbox);
    sandbox.run(&["install", "plug", "--grant", "all"]).ok();
    let quarantine = || {
        // Between two faults the plugin is left out for a while, so there may be more calls than faults.
        while state(&sandbox) != json!("quarantined") {
            assert_eq!(host.said("now"), "now");
        }
    };
    quarantine();
    assert!(sandbox.run(&["host", "status"]).ok().stdout.contains("quarantined"));
    sandbox.run(&["host", "reload"]).ok();
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("hi", json!("running")));
    quarantine();
    hub.publish(&fault("plug", "1.1.0", "none"));
    sandbox.run(&["update"]).ok();
    assert_eq!((host.said("now").as_str(), state(&sandbox)), ("plug: now", json!("running")));
}

#[test]
fn a_plugin_that_waits_for_a_setting_starts_when_it_is_set() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0").manifest("  key: { type: string, required: true, secret: true }\n"));
    let host = Daemon::start(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "good", "--grant", "all"]), @"
    2> + good 1.0.0 (hub)
    2> Generation 1 is live.
    2> `good` does not start before `key` is set: `leahpm config set good key`
    exit 0
    ");
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("hi", json!("needs_settings")));
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME  VERSION  STATUS          REGISTRY
    1> good  1.0.0    needs settings  hub
    exit 0
    ");
    let set = "printf secret | leahpm config set good key";
    sandbox.run_line(set).ok();
    assert_eq!((host.said("hi").as_str(), state(&sandbox)), ("good: hi", json!("running")));
}

#[test]
fn a_host_finds_by_itself_what_became_live_without_it() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0"));
    sandbox.run(&["install", "good", "--grant", "all"]).ok();
    let host = Daemon::start(&sandbox);
    assert_eq!(host.said("hi"), "good: hi");
    sandbox.run(&["disable", "good", "--no-host"]).ok();
    host.wait_for(2);
    assert_eq!(host.said("hi"), "hi");
}
