//! Plugins of other languages and other versions of the API in the real host: those that fit run, the others are refused
//! with the reason.

use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::{
    fixture::hub,
    plugins::{javascript, other_api, wasi},
};

#[test]
fn a_plugin_in_javascript_runs_as_any_other() {
    let (sandbox, hub) = hub();
    hub.publish(&javascript());
    let host = Daemon::start(&sandbox);
    sandbox.run(&["install", "javascript", "--grant", "all"]).ok();
    assert_eq!(host.said("hi"), "javascript: hi (user)");
    let count = || host.tool("count", &json!({ "text": "hi" })).unwrap().content;
    assert_eq!([count(), count()], ["2 letters in call 1", "2 letters in call 2"]);
    // An error of its own is none of the host's: the message passes, and it goes on.
    assert_eq!(host.said("throw"), "throw");
    assert_eq!(host.said("hi"), "javascript: hi (user)");
    sandbox.run(&["config", "set", "javascript", "word", "js"]).ok();
    assert_eq!(host.said("hi"), "js: hi (user)");
}

#[test]
fn a_plugin_with_wasi_runs_and_can_end_only_itself() {
    let (sandbox, hub) = hub();
    hub.publish(&wasi());
    let host = Daemon::start_with(&sandbox, &["--log-level", "debug"]);
    sandbox.run(&["install", "wasi"]).ok();
    let told = || -> Value { serde_json::from_str(&host.tool("wasi", &json!({})).unwrap().content).unwrap() };
    assert!(told()["slept"].as_u64().unwrap() >= 20_000_000);
    let ended = host.tool("wasi", &json!({ "do": "exit" })).unwrap();
    assert_eq!(
        (ended.failed, ended.content.contains("it ended itself with `exit`")),
        (true, true),
        "{ended:?}"
    );
    assert_ne!(told()["random"], told()["random"]);
    let logs = sandbox.run(&["host", "logs", "wasi"]).ok().stdout;
    for stream in ["written to stdout", "written to stderr"] {
        assert!(logs.contains(stream), "{logs}");
    }
}

#[test]
fn another_version_of_the_plugin_api_is_refused_with_the_reason() {
    let (sandbox, hub) = hub();
    let host = Daemon::start(&sandbox);
    hub.publish(&other_api("older", "1.0.0")).publish(&other_api("newer", "1.0.0"));
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["install", "older", "--grant", "all"]), @"
    2> error: `older` has only versions for plugin API ^0.9, this host has 1.0.0
    2> hint: `leahpm info older` shows all its versions
    exit 10
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "newer", "--grant", "all"]), @"
    2> error: `newer` has only versions for plugin API ^2.0, this host has 1.0.0
    2> hint: `leahpm info newer` shows all its versions
    exit 10
    ");
    // Without a host too.
    for api in ["older", "newer"] {
        sandbox.run(&["install", api, "--grant", "all", "--no-host"]).fails(10);
    }
    assert_eq!((host.said("hi").as_str(), sandbox.tree()), ("hi", before));
}
