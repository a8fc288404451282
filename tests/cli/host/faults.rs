//! Plugins that break rules in the real host: their calls pass, the others answer as fast as ever, status tells the
//! truth, and the way out of a quarantine is open.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use leah_plugin::message::{Call, PluginList, PluginState, PluginStatus, ToolAnswer, ToolCall};
use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::{
    fixture::{TestRegistry, hub},
    plugins::{fault, good},
    sandbox::Sandbox,
};

/// What a plugin does at the word `now`, and what status says of it then.
const FAULTS: [(&str, &str); 5] = [
    ("hog", "more than 64 MiB of memory"),
    ("huge", "33554432 bytes, and 1048576 are allowed"),
    ("loop", "ran for more than 50 ms"),
    ("overflow", "wasm trap"),
    ("trap", "wasm trap"),
];

const PATIENCE: Duration = Duration::from_secs(60);

/// A host with a plugin for each fault and one that behaves, `unharmed`.
fn troubled() -> (Sandbox, TestRegistry, Daemon) {
    let (sandbox, hub) = hub();
    hub.publish(&good("unharmed", "1.0.0"));
    for (mode, _) in FAULTS {
        hub.publish(&fault(mode, "1.0.0", mode));
    }
    let names = FAULTS.iter().map(|(mode, _)| *mode).chain(["unharmed"]);
    let install: Vec<&str> = ["install", "--grant", "all"].into_iter().chain(names).collect();
    sandbox.run(&install).ok();
    // A machine that is slow to hand out memory takes as long as a loop may for the 32 MiB of that answer.
    sandbox.write("home/host.yaml", "plugins: { huge: { limits: { guest_time: 10s } } }\n");
    let host = Daemon::start(&sandbox);
    (sandbox, hub, host)
}

/// How the plugins are, in the order of their names.
fn plugins(host: &Daemon) -> Vec<PluginStatus> {
    let list: PluginList = host.client().0.call(&Call::PluginsList, PATIENCE).unwrap();
    list.plugins
}

fn is_quarantined(plugin: &PluginStatus) -> bool {
    matches!(plugin.state, PluginState::Quarantined { .. })
}

/// Sends messages until only `unharmed` is left.
fn fail_until_quarantined(host: &Daemon) {
    while plugins(host).iter().filter(|plugin| is_quarantined(plugin)).count() < FAULTS.len() {
        assert_eq!(host.said("now"), "unharmed: now");
    }
}

#[test]
fn a_call_into_a_plugin_that_breaks_a_rule_passes_and_status_tells_which_rule() {
    let (sandbox, _hub, host) = troubled();
    assert_eq!(host.said("now"), "unharmed: now");
    for (plugin, (mode, _)) in plugins(&host).iter().zip(FAULTS) {
        // The first one is forgiven at once.
        assert_eq!((plugin.name.as_str(), plugin.faults), (mode, 1));
        assert_eq!(plugin.state, PluginState::Running, "{mode}");
    }
    for (mode, reason) in FAULTS {
        let result = host.tool(&format!("{mode}_echo"), &json!({ "text": "now" })).unwrap();
        assert!(result.failed && result.content.contains(reason), "{mode}: {result:?}");
    }
    fail_until_quarantined(&host);
    for (plugin, (mode, reason)) in plugins(&host).iter().zip(FAULTS) {
        assert_eq!(plugin.faults, 5, "{mode}");
        let PluginState::Quarantined { reason: told } = &plugin.state else { panic!("{plugin:?}") };
        assert!(told.contains(reason), "{mode}: {told}");
        let result = host.tool(&format!("{mode}_echo"), &json!({ "text": "hi" })).unwrap();
        assert!(result.failed, "{result:?}");
    }
    assert_eq!(host.said("hi"), "unharmed: hi");
    for (command, list) in [(&["list", "--json"][..], "plugins"), (&["host", "status", "--json"], "plugins")]
    {
        let told = sandbox.run(command).ok().json();
        let told = told[list].as_array().unwrap();
        let state = |plugin: &Value| format!("{} {}", plugin["name"], plugin["state"]).replace('"', "");
        let told: Vec<String> = told.iter().map(state).collect();
        let expect = FAULTS.map(|(mode, _)| format!("{mode} quarantined"));
        assert_eq!(told, [&expect[..], &["unharmed running".to_owned()]].concat(), "{command:?}");
    }
}

/// How long calls of `unharmed` take while `run` says that it goes on, sorted.
fn times(host: &Daemon, mut goes_on: impl FnMut(usize) -> bool) -> Vec<Duration> {
    let call: ToolCall = serde_json::from_value(json!({ "name": "unharmed_echo", "arguments": {} })).unwrap();
    let (mut client, mut times) = (host.client().0, Vec::new());
    while goes_on(times.len()) {
        let began = Instant::now();
        let answer: ToolAnswer = client.call(&Call::ToolsCall(call.clone()), PATIENCE).unwrap();
        times.push(began.elapsed());
        assert_eq!(answer.result.unwrap().content, "{}");
    }
    times.sort();
    times
}

#[test]
fn beside_plugins_that_break_rules_the_others_answer_as_fast_as_ever() {
    let (_sandbox, _hub, host) = troubled();
    let quarantined = AtomicBool::new(false);
    let troubled = thread::scope(|scope| {
        scope.spawn(|| {
            fail_until_quarantined(&host);
            quarantined.store(true, Ordering::Release);
        });
        times(&host, |_| !quarantined.load(Ordering::Acquire))
    });
    let quiet = times(&host, |done| done < troubled.len().min(1_000));
    let median = |times: &[Duration]| times[times.len() / 2];
    // A loop runs for 50 ms before it is ended; who waited for it would take at least as long.
    let bound = median(&quiet) * 5 + Duration::from_millis(20);
    assert!(median(&troubled) < bound, "{:?} beside {:?}", median(&troubled), median(&quiet));
}

#[test]
fn a_flood_of_lines_is_cut_and_hides_nothing_that_others_say() {
    let (sandbox, hub) = hub();
    hub.publish(&fault("flood", "1.0.0", "flood")).publish(&fault("luckless", "1.0.0", "error"));
    sandbox.run(&["install", "flood", "luckless", "--grant", "all"]).ok();
    // A plugin that gets there logs all of its lines.
    sandbox.write("home/host.yaml", "limits: { guest_time: 30s }\n");
    let host = Daemon::start(&sandbox);
    for _ in 0..3 {
        assert!(host.said("now").ends_with("now"));
    }
    for plugin in plugins(&host) {
        assert_eq!((plugin.state, plugin.faults), (PluginState::Running, 0), "{}", plugin.name);
    }
    let lines = |name| sandbox.run(&["host", "logs", name, "-n", "100000"]).ok().stdout;
    let flood = lines("flood");
    // A burst of 200, then 20 a second, each second with two notes.
    assert!((200..2_000).contains(&flood.lines().count()), "{}", flood.lines().count());
    assert!(flood.contains("it logs more than 20 lines a second, some of them are dropped"), "{flood}");
    assert_eq!(lines("luckless").matches("no luck today").count(), 3);
}

#[test]
fn a_quarantine_ends_with_an_update_with_another_setting_and_with_a_reload() {
    let (sandbox, hub) = hub();
    hub.publish(&fault("plug", "1.0.0", "trap"));
    sandbox.run(&["install", "plug", "--grant", "all"]).ok();
    let host = Daemon::start(&sandbox);
    let version = |minor: u32| fault("plug", &format!("1.{minor}.0"), "trap");
    let ways: [(&[&str], u32); 4] = [
        (&["host", "reload"], 0),
        (&["config", "set", "plug", "word", "nice"], 0),
        (&["update"], 1),
        (&["config", "set", "plug", "mode", "none"], 1),
    ];
    for (way, minor) in ways {
        while !is_quarantined(&plugins(&host)[0]) {
            assert_eq!(host.said("now"), "now");
        }
        if minor > 0 && way == ["update"] {
            hub.publish(&version(minor));
        }
        sandbox.run(way).ok();
        let plugin = plugins(&host).remove(0);
        assert_eq!((plugin.state, plugin.faults), (PluginState::Running, 0), "{way:?}");
        assert_eq!(plugin.version.minor, u64::from(minor));
    }
    assert_eq!(host.said("now"), "nice: now");
}
