//! Chains and tools.

use leah_plugin::{
    manifest::Hook,
    message::{Answer, HookEvent, Verdict},
};

use super::*;
use crate::{
    config::PluginConfig,
    control::{Control, Interrupt},
    host::CallError,
    test_home::TestPlugin,
};
use std::{sync::Arc, time::Duration};

fn answer(content: &str) -> Answer {
    Answer {
        conversation: "c".into(),
        prompt: "p".into(),
        model: "m".into(),
        content: content.into(),
        meta: [].into(),
    }
}

#[test]
fn a_text_goes_through_all_plugins_in_their_order() {
    let plugins = [
        TestPlugin::good("b").manifest("priority: 5\n"),
        TestPlugin::good("c"),
        TestPlugin::good("a"),
        TestPlugin::good("d"),
    ];
    let mut config = TestHome::with(&plugins).config();
    let home = TestHome::with(&plugins);
    config.home = home.layout();
    config.cache = home.cache();
    let own = PluginConfig { priority: Some(-1), limits: None };
    config.plugins.insert("d".parse().unwrap(), own);
    let host = Host::start(config).unwrap();
    let outcome = chat(&host, "hi");
    assert_eq!(text(&outcome), "b: c: a: d: hi");
    let by: Vec<_> = outcome.by.iter().map(|name| name.as_str()).collect();
    assert_eq!(by, ["d", "a", "c", "b"]);
}

#[test]
fn answers_are_changed_by_their_own_hook_and_observed_behind_the_call() {
    let home = TestHome::with(&[TestPlugin::good("good")]);
    let host = start(&home);
    let outcome = host.call_hook(HookEvent::OnBeforeResponse(answer("hi")), &patient()).unwrap();
    assert_eq!(text(&outcome), "hi (good)");
    for _ in 0..3 {
        let outcome = host.call_hook(HookEvent::OnAfterResponse(answer("hi")), &patient()).unwrap();
        assert_eq!(outcome.verdict, Verdict::Pass);
    }
    let seen = || tool(&host, "good_seen", "").result.unwrap().content;
    let began = std::time::Instant::now();
    while seen() != "3" {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", seen());
        std::thread::yield_now();
    }
}

#[test]
fn a_tool_is_run_by_who_declares_it() {
    let home = TestHome::with(&[TestPlugin::good("a"), TestPlugin::good("b")]);
    let host = start(&home);
    let result = tool(&host, "b_echo", "x").result.unwrap();
    assert_eq!((result.plugin.as_str(), result.failed), ("b", false));
    assert_eq!(result.content, r#"{"word":"x"}"#);
    let offered: Vec<_> = host.tools().tools.into_iter().map(|tool| String::from(tool.name)).collect();
    assert_eq!(offered, ["a_echo", "a_seen", "b_echo", "b_seen"]);
}

#[test]
fn a_tool_that_nobody_declares_goes_to_those_who_may_read_messages() {
    let home = TestHome::with(&[TestPlugin::good("a").deny("read_messages"), TestPlugin::good("b")]);
    let host = start(&home);
    let result = tool(&host, "other_echo", "x").result.unwrap();
    assert_eq!(result.plugin.as_str(), "b");
    let home = TestHome::with(&[TestPlugin::good("a").deny("read_messages")]);
    assert_eq!(tool(&start(&home), "other_echo", "x").result, None);
    assert_eq!(tool(&start(&TestHome::new()), "other_echo", "x").result, None);
}

#[test]
fn a_plugin_that_may_not_read_messages_is_shown_none() {
    let home = TestHome::with(&[TestPlugin::good("good").deny("read_messages")]);
    let host = start(&home);
    assert_eq!(host.hello().hooks, [Hook::OnToolCall].into());
    assert_eq!(text(&chat(&host, "hi")), "pass");
}

#[test]
fn a_plugin_that_may_not_change_a_text_is_ignored_and_told_on_once() {
    let home = TestHome::with(&[TestPlugin::good("a").deny("modify_messages"), TestPlugin::good("b")]);
    let host = start(&home);
    for _ in 0..3 {
        assert_eq!(text(&chat(&host, "hi")), "b: hi");
    }
    let topic = crate::journal::Topic::Log(Some("a".parse().unwrap()));
    let (_subscription, lines) = host.journal().listen(topic, 100);
    let lines = lines.try_iter().count();
    assert_eq!(lines, 1);
    assert_eq!(host.plugins().plugins[0].faults, 0);
}

#[test]
fn a_hook_that_the_manifest_does_not_have_is_not_called() {
    let home = TestHome::with(&[TestPlugin::good("good").hooks(&["on_before_response"])]);
    let host = start(&home);
    assert_eq!(host.hello().hooks, [Hook::OnBeforeResponse].into());
    assert_eq!(text(&chat(&host, "hi")), "pass");
}

#[test]
fn a_call_that_nobody_waits_for_ends_soon_and_is_nobodys_fault() {
    let home = TestHome::with(&[TestPlugin::fault("fault", "loop")]);
    let mut config = home.config();
    config.limits.guest_time = Duration::from_secs(60);
    let host = Host::start(config).unwrap();
    let (slow, is_slow) = std::sync::mpsc::channel::<()>();
    let slow = std::sync::Mutex::new(Some(slow));
    let control = Control::new(Duration::from_secs(60)).when_slow(move || drop(slow.lock().unwrap().take()));
    let control = Arc::new(control);
    let outcome = std::thread::scope(|scope| {
        let call = scope.spawn(|| host.call_hook(message("now"), &control));
        // It runs, and whoever called it was told that it is slow.
        assert!(is_slow.recv_timeout(Duration::from_secs(30)).is_err());
        control.cancel();
        call.join().unwrap()
    });
    assert_eq!(outcome, Err(CallError::Interrupted(Interrupt::Cancelled)));
    let impatient = Arc::new(Control::new(Duration::from_millis(5)));
    let outcome = host.call_hook(message("now"), &impatient);
    assert_eq!(outcome, Err(CallError::Interrupted(Interrupt::Deadline)));
    assert_eq!(host.plugins().plugins[0].faults, 0);
    assert!(!tool(&host, "fault_echo", "x").result.unwrap().failed);
}

#[test]
fn calls_side_by_side_have_instances_of_their_own() {
    let home = TestHome::with(&[TestPlugin::good("good")]);
    let mut config = home.config();
    config.limits.instances = 2;
    let host = Host::start(config).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let host = &host;
            scope.spawn(move || {
                for call in 0..50 {
                    let content = format!("{thread} {call}");
                    assert_eq!(text(&chat(host, &content)), format!("good: {content}"));
                }
            });
        }
    });
    assert_eq!(state(&host, "good"), PluginState::Running);
}

#[test]
fn a_host_that_is_stopped_refuses_calls() {
    let home = TestHome::with(&[TestPlugin::good("good")]);
    let host = start(&home);
    host.stop();
    assert_eq!(host.call_hook(message("hi"), &patient()), Err(CallError::Stopped));
    // Its home is free for another one once it is gone.
    assert!(Host::start(home.config()).is_err());
    drop(host);
    assert_eq!(text(&chat(&start(&home), "hi")), "good: hi");
}
