//! Plugins that are not made with the SDK: what the runtimes of other languages import of WASI is there, and nothing
//! can be reached through it. Those of another version of the plugin API are refused with the reason.

use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::{
    fixture::hub,
    plugins::{javascript, other_api, wasi},
};

#[test]
fn a_plugin_in_javascript_has_settings_a_hook_a_tool_and_the_store() {
    let (sandbox, hub) = hub();
    hub.publish(&javascript());
    sandbox.run(&["install", "javascript", "--grant", "all"]).ok();
    let host = Daemon::start(&sandbox);
    assert_eq!(host.said("hi"), "javascript: hi (user)");
    assert_eq!(host.said("throw"), "throw");
    let text = json!({ "text": "Günaydın" });
    for calls in 1..=2 {
        let letters = host.tool("count", &text).unwrap().content;
        assert_eq!(letters, format!("8 letters in call {calls}"));
    }
    assert_eq!(host.tool("count", &json!({})).unwrap().content, "`text` is missing");
    sandbox.run(&["config", "set", "javascript", "word", "js"]).ok();
    assert_eq!(host.said("hi"), "js: hi (user)");
}

#[test]
fn nothing_can_be_reached_through_wasi() {
    let (sandbox, hub) = hub();
    hub.publish(&wasi());
    sandbox.run(&["install", "wasi", "--grant", "all"]).ok();
    let host = Daemon::start(&sandbox);
    let told: Value = serde_json::from_str(&host.tool("wasi", &json!({})).unwrap().content).unwrap();
    let empty = json!([]);
    assert_eq!((&told["environment"], &told["arguments"]), (&empty, &empty));
    assert_eq!((&told["initial-cwd"], &told["preopens"]), (&Value::Null, &json!(0)));
    for refused in ["tcp", "udp", "resolve"] {
        let error = told[refused]["error"].as_str().unwrap_or_else(|| panic!("{refused}: {told}"));
        assert!(error.contains("access-denied"), "{refused}: {error}");
    }
    assert_eq!(told["http"], json!({ "error": "\"scheme refused\"" }));
    // What a runtime needs to work is true.
    let nap = told["slept"].as_u64().unwrap();
    assert!(nap >= 20_000_000, "{nap}");
    assert!(told["random"] != json!(vec![0; 16]), "{told}");
    assert_eq!(told["stdout"], json!({ "ok": "()" }));
}

#[test]
fn a_plugin_that_ends_its_program_is_made_anew() {
    let (sandbox, hub) = hub();
    hub.publish(&wasi());
    sandbox.run(&["install", "wasi", "--grant", "all"]).ok();
    let host = Daemon::start_with(&sandbox, &["--log-level", "debug"]);
    let ended = host.tool("wasi", &json!({ "do": "exit" })).unwrap();
    assert!(ended.failed && ended.content.contains("it ended itself with `exit`"), "{ended:?}");
    assert!(!host.tool("wasi", &json!({})).unwrap().failed);
    let logs = sandbox.run(&["host", "logs", "wasi"]).ok().stdout;
    assert!(logs.contains("written to stdout") && logs.contains("written to stderr"), "{logs}");
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
    2> hint: a newer leahpm and leah-host are needed, with plugin API 2.0.0; then this would fit: newer 1.0.0
    2> hint: `leahpm info newer` shows all its versions
    exit 10
    ");
    // Without a host too.
    for api in ["older", "newer"] {
        sandbox.run(&["install", api, "--grant", "all", "--no-host"]).fails(10);
    }
    assert_eq!((host.said("hi").as_str(), sandbox.tree()), ("hi", before));
}
