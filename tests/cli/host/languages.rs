//! Plugins that are not made with the SDK: what the runtimes of other languages import of WASI is there, and nothing
//! can be reached through it.

use std::time::Duration;

use leah_plugin::message::{Call, ToolAnswer, ToolCall, ToolResult};
use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::{
    fixture::hub,
    plugins::{javascript, wasi},
};

/// What a tool answers.
#[track_caller]
fn tool(host: &Daemon, name: &str, arguments: &Value) -> ToolResult {
    let call = json!({ "name": name, "arguments": arguments });
    let call: ToolCall = serde_json::from_value(call).unwrap();
    let answer: ToolAnswer = host.client().0.call(&Call::ToolsCall(call), Duration::from_secs(60)).unwrap();
    answer.result.unwrap()
}

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
        let letters = tool(&host, "count", &text).content;
        assert_eq!(letters, format!("8 letters in call {calls}"));
    }
    assert_eq!(tool(&host, "count", &json!({})).content, "`text` is missing");
    sandbox.run(&["config", "set", "javascript", "word", "js"]).ok();
    assert_eq!(host.said("hi"), "js: hi (user)");
}

#[test]
fn nothing_can_be_reached_through_wasi() {
    let (sandbox, hub) = hub();
    hub.publish(&wasi());
    sandbox.run(&["install", "wasi", "--grant", "all"]).ok();
    let host = Daemon::start(&sandbox);
    let told: Value = serde_json::from_str(&tool(&host, "wasi", &json!({})).content).unwrap();
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
    let host = Daemon::start(&sandbox);
    assert!(tool(&host, "wasi", &json!({ "do": "exit" })).failed);
    assert!(!tool(&host, "wasi", &json!({})).failed);
}
