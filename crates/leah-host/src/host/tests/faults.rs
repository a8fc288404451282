//! What a plugin that breaks a rule leads to: its call passes, the others never notice, and in the end it is left alone.

use std::time::{Duration, Instant};

use leah_plugin::message::{Answer, HookEvent};

use super::*;
use crate::{config::PluginConfig, journal::Topic, limits::Limits, test_home::TestPlugin};

/// A plugin that fails at `now`, between two that behave.
fn home(mode: &str) -> TestHome {
    TestHome::with(&[TestPlugin::good("a"), TestPlugin::fault("b", mode), TestPlugin::good("c")])
}

/// True if the plugin between answers.
fn is_up(host: &Host) -> bool {
    !tool(host, "b_echo", "x").result.unwrap().failed
}

#[track_caller]
fn check_passes(mode: &str, reason: &str) {
    let home = home(mode);
    let host = start(&home);
    assert_eq!(text(&chat(&host, "now")), "c: a: now", "{mode}");
    let status = host.plugins().plugins.remove(1);
    assert_eq!(status.faults, 1, "{mode}");
    // The first fault is forgiven at once.
    assert_eq!(status.state, PluginState::Running, "{mode}");
    assert!(is_up(&host), "{mode}");
    let result = tool(&host, "b_echo", "now").result.unwrap();
    assert!(result.failed, "{mode}");
    assert!(result.content.contains(reason), "{mode}: {}", result.content);
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("b".parse().unwrap())), 100);
    let lines: Vec<_> = log
        .try_iter()
        .filter_map(|notice| match notice {
            Notice::Log(line) => Some(line.message),
            _ => None,
        })
        .collect();
    assert!(lines.iter().any(|line| line.contains(reason)), "{mode}: {lines:#?}");
}

#[test]
fn a_trap_fails_its_call_alone() {
    check_passes("trap", "it failed: wasm trap: wasm `unreachable` instruction executed");
}

#[test]
fn an_endless_loop_is_ended() {
    check_passes("loop", "its code ran for more than 50 ms");
}

#[test]
fn all_memory_there_is_is_not_given() {
    check_passes("hog", "it needs more than 64 MiB of memory");
}

#[test]
fn all_stack_there_is_is_not_given() {
    check_passes("overflow", "it failed: wasm trap: ");
}

#[test]
fn an_answer_that_is_too_large_is_none() {
    check_passes("huge", "its answer has 33554432 bytes, and 1048576 are allowed");
}

#[test]
fn a_flood_of_lines_fills_no_log_and_holds_nobody_up() {
    let home = home("flood");
    let host = start(&home);
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("b".parse().unwrap())), 0);
    // Whether it gets to its end in time or not.
    assert!(text(&chat(&host, "now")).starts_with("c: "));
    assert!(is_up(&host));
    let lines = log.try_iter().count();
    assert!((1..500).contains(&lines), "{lines} of 100,000 lines");
}

#[test]
fn an_error_that_a_plugin_tells_is_no_fault() {
    let home = home("error");
    let host = start(&home);
    for _ in 0..10 {
        assert_eq!(text(&chat(&host, "now")), "c: a: now");
    }
    let status = host.plugins().plugins.remove(1);
    assert_eq!((status.faults, status.state), (0, PluginState::Running));
    let result = tool(&host, "b_echo", "now").result.unwrap();
    assert!(result.failed);
    assert!(result.content.contains("no luck today"), "{}", result.content);
}

/// Has a plugin break a rule as often as it takes; it is not made anew at once each time.
fn quarantine(host: &Host, name: &str) {
    let began = Instant::now();
    while !matches!(state(host, name), PluginState::Quarantined { .. }) {
        assert!(began.elapsed() < Duration::from_secs(30));
        chat(host, "now");
        std::thread::yield_now();
    }
}

#[test]
fn five_faults_in_a_minute_end_it_until_it_is_loaded_anew() {
    let home = home("trap");
    let host = start(&home);
    let (_subscription, events) = host.journal().listen(Topic::Events, 0);
    quarantine(&host, "b");
    assert_eq!(host.plugins().plugins[1].faults, 5);
    let quarantined = std::iter::from_fn(|| Some(next_event(&events)))
        .find(|event| matches!(event, Event::Plugin { state: PluginState::Quarantined { .. }, .. }));
    assert!(quarantined.is_some());
    assert_eq!(text(&chat(&host, "hi")), "c: a: hi");
    assert!(!is_up(&host));
    let offered: Vec<_> = host.tools().tools.into_iter().map(|tool| tool.plugin.to_string()).collect();
    assert_eq!(offered, ["a", "a", "c", "c"]);
    // The same generation once more: what runs stays as it is, and what does not is loaded anew.
    let trial = host.prepare(&home.wanted(1), &patient()).unwrap();
    assert!(host.commit(trial, &patient()).unwrap().failed.is_empty());
    assert!(is_up(&host));
    assert_eq!(host.plugins().plugins[1].faults, 0);
}

#[test]
fn an_update_ends_a_quarantine() {
    let home = home("trap");
    let host = start(&home);
    quarantine(&host, "b");
    home.write(2, &[TestPlugin::good("a"), TestPlugin::good("b").version("1.0.1")]);
    home.make_live(2);
    host.look();
    assert_eq!(text(&chat(&host, "now")), "b: a: now");
}

#[test]
fn a_plugin_has_no_more_time_than_its_own_limit_whatever_the_call_may_take() {
    let home = home("loop");
    let mut config = home.config();
    let (guest_time, call_time) = (Duration::from_secs(20), Duration::from_millis(50));
    let limits = Some(Limits { guest_time, call_time, ..config.limits });
    config.plugins.insert("b".parse().unwrap(), PluginConfig { priority: None, limits });
    let host = Host::start(config).unwrap();
    assert_eq!(text(&chat(&host, "now")), "c: a: now");
    assert_eq!(host.plugins().plugins[1].faults, 1);
    let result = tool(&host, "b_echo", "now").result.unwrap();
    assert!(result.content.contains("it did not answer within 0.05 s"), "{}", result.content);
}

#[test]
fn a_plugin_that_was_told_to_be_down_is_told_to_run_when_a_call_under_way_ends_well() {
    let home = TestHome::with(&[TestPlugin::fault("b", "trap")]);
    let host = start(&home);
    let (_subscription, events) = host.journal().listen(Topic::Events, 0);
    let live = host.inner.live.load_full();
    let plugin = live.members().next().unwrap().plugin().unwrap();
    let called = plugin.call(&patient(), |_, _| {
        // Two others fail meanwhile, and the next one is not made yet.
        (0..2).for_each(|_| drop(chat(&host, "now")));
        Ok(())
    });
    called.unwrap();
    let states = [next_event(&events), next_event(&events)].map(|event| match event {
        Event::Plugin { state, .. } => state,
        other => panic!("{other:?}"),
    });
    assert!(matches!(states[0], PluginState::Failed { .. }), "{states:?}");
    assert_eq!(states[1], PluginState::Running);
}

#[test]
fn large_answers_do_not_pile_up_for_a_plugin_that_is_too_slow_to_see_them() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let mut config = home.config();
    config.limits.instances = 1;
    let host = Host::start(config).unwrap();
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("a".parse().unwrap())), 0);
    let live = host.inner.live.load_full();
    let plugin = live.members().next().unwrap().plugin().unwrap();
    let answer = Answer {
        conversation: String::new(),
        prompt: String::new(),
        model: String::new(),
        content: "x".repeat(3 << 20),
        meta: [].into(),
    };
    let called = plugin.call(&patient(), |_, _| {
        for _ in 0..5 {
            host.call_hook(HookEvent::OnAfterResponse(answer.clone()), &patient()).unwrap();
        }
        Ok(())
    });
    called.unwrap();
    let missed = std::iter::from_fn(|| log.recv_timeout(Duration::from_secs(10)).ok())
        .find(|notice| matches!(notice, Notice::Log(line) if line.message.contains("too slow to see")));
    assert!(missed.is_some());
}
