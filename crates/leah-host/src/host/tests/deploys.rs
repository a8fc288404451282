//! Changing the plugins while they run.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use leah_plugin::manifest::Hook;

use super::*;
use crate::{
    control::{Control, Interrupt},
    host::DeployError,
    journal::Topic,
    test_home::TestPlugin,
};

fn deploy(host: &Host, home: &TestHome, number: u64) {
    let trial = host.prepare(&home.wanted(number), &patient()).unwrap();
    home.make_live(number);
    assert!(host.commit(trial, &patient()).unwrap().failed.is_empty());
}

#[test]
fn a_generation_is_tried_beside_what_runs_and_switched_to_as_a_whole() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    let (_subscription, events) = host.journal().listen(Topic::Events, 0);
    home.write(2, &[TestPlugin::good("b").hooks(&["on_chat_message"]), TestPlugin::good("c")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    assert!(trial.needs_settings().is_empty());
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    home.make_live(2);
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    assert!(host.commit(trial, &patient()).unwrap().failed.is_empty());
    assert_eq!(text(&chat(&host, "hi")), "c: b: hi");
    assert_eq!(host.hello().generation, Some(2));
    let hooks: BTreeSet<_> = Hook::ALL.into();
    assert_eq!(next_event(&events), Event::Live { generation: 2, hooks });
}

#[test]
fn a_set_that_would_not_run_is_refused_with_the_plugin_and_the_reason() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::fault("a", "failing-start").version("2.0.0"), TestPlugin::good("b")]);
    let refused = host.prepare(&home.wanted(2), &patient()).unwrap_err();
    let reason = "`initialize` failed: it says that it failed: no luck today".to_owned();
    assert_eq!(refused, DeployError::Refused { plugin: Some("a".parse().unwrap()), reason });
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    // It was one try, and the next one is free.
    home.write(3, &[TestPlugin::good("b")]);
    deploy(&host, &home, 3);
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
}

#[test]
fn another_generation_than_the_one_that_is_meant_is_refused() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    let mut wanted = home.wanted(1);
    wanted.digest = leah_plugin::digest::Digest::of(b"another");
    assert!(matches!(host.prepare(&wanted, &patient()), Err(DeployError::Refused { plugin: None, .. })));
    wanted.generation = 7;
    let refused = host.prepare(&wanted, &patient()).unwrap_err();
    assert_eq!(refused, DeployError::Refused { plugin: None, reason: "there is no generation 7".into() });
}

#[test]
fn what_did_not_come_up_before_and_did_not_change_refuses_nothing() {
    let bad = TestPlugin::fault("bad", "failing-start");
    let home = TestHome::with(std::slice::from_ref(&bad));
    let host = start(&home);
    home.write(2, &[bad, TestPlugin::good("good")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    home.make_live(2);
    let failed = host.commit(trial, &patient()).unwrap().failed;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].plugin.as_str(), "bad");
    assert_eq!(text(&chat(&host, "hi")), "good: hi");
}

#[test]
fn a_plugin_that_does_not_activate_is_failed_and_the_rest_is_live() {
    let home = TestHome::with(&[]);
    let host = start(&home);
    home.write(2, &[TestPlugin::fault("bad", "failing-activate"), TestPlugin::good("good")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    home.make_live(2);
    let failed = host.commit(trial, &patient()).unwrap().failed;
    assert_eq!(failed[0].reason, "`activate` failed: it says that it failed: no luck today");
    assert_eq!(text(&chat(&host, "hi")), "good: hi");
}

#[test]
fn one_generation_is_tried_at_a_time() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::good("b")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    assert_eq!(host.prepare(&home.wanted(2), &patient()).unwrap_err(), DeployError::Busy);
    drop(trial);
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    drop(host.prepare(&home.wanted(2), &patient()).unwrap());
}

#[test]
fn what_is_not_live_is_not_switched_to() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::good("b")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    assert_eq!(host.commit(trial, &patient()), Err(DeployError::NotLive { generation: 2 }));
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
}

#[test]
fn a_trial_whose_client_is_gone_is_switched_to_if_it_is_live() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::good("b")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    home.make_live(2);
    drop(trial);
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
}

#[test]
fn a_number_that_went_to_another_generation_does_not_make_what_was_tried_live() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::good("b")]);
    let given_up = home.wanted(2);
    let trial = host.prepare(&given_up, &patient()).unwrap();
    // Its client was killed, and the next one was faster than the news of that.
    home.write(2, &[TestPlugin::good("c")]);
    home.make_live(2);
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    drop(trial);
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "c: hi");
}

#[test]
fn the_timer_switches_for_a_client_that_sleeps_over_its_commit() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::fault("bad", "failing-activate"), TestPlugin::good("b")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "a: hi");
    home.make_live(2);
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
    let failed = host.commit(trial, &patient()).unwrap().failed;
    assert_eq!(failed[0].plugin.as_str(), "bad");
}

#[test]
fn a_change_that_nobody_announced_is_found() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::fault("bad", "failing-start"), TestPlugin::good("b")]);
    home.make_live(2);
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
    assert_eq!(host.hello().generation, Some(2));
    assert!(failure(&host, "bad").contains("no luck today"));
}

#[test]
fn nobody_who_waits_means_nothing_changes() {
    let home = TestHome::with(&[TestPlugin::good("a")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::fault("slow", "slow-start")]);
    let control = Arc::new(Control::new(Duration::from_millis(20)));
    let interrupted = host.prepare(&home.wanted(2), &control).unwrap_err();
    assert_eq!(interrupted, DeployError::Interrupted(Interrupt::Deadline));
    drop(host.prepare(&home.wanted(1), &patient()).unwrap());
}

#[test]
fn a_plugin_that_lacks_settings_is_part_of_a_set_that_is_ready() {
    let home = TestHome::with(&[]);
    let host = start(&home);
    home.write(
        2,
        &[TestPlugin::of("good", "good").manifest("config:\n  key: { type: string, required: true }\n")],
    );
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    assert_eq!(trial.needs_settings(), ["good".parse().unwrap()]);
    assert!(trial.is(&home.wanted(2)));
    assert!(!trial.is(&home.wanted(1)));
}

#[test]
fn settings_grants_and_versions_make_a_plugin_another_one() {
    let home = TestHome::with(&[TestPlugin::good("a"), TestPlugin::good("b")]);
    let host = start(&home);
    home.write(2, &[TestPlugin::good("a").set("word", "x"), TestPlugin::good("b")]);
    deploy(&host, &home, 2);
    assert_eq!(text(&chat(&host, "hi")), "b: x: hi");
    home.write(3, &[TestPlugin::good("a").deny("modify_messages"), TestPlugin::good("b")]);
    deploy(&host, &home, 3);
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
    home.write(4, &[TestPlugin::good("a").version("2.0.0"), TestPlugin::good("b")]);
    deploy(&host, &home, 4);
    assert_eq!(text(&chat(&host, "hi")), "b: a: hi");
    assert_eq!(host.plugins().plugins[0].version.to_string(), "2.0.0");
}

#[test]
fn plugins_that_others_need_are_started_before_them() {
    let home = TestHome::with(&[
        TestPlugin::good("a").needs("b"),
        TestPlugin::good("b").needs("c"),
        TestPlugin::good("c"),
    ]);
    assert_eq!(text(&chat(&start(&home), "hi")), "c: b: a: hi");
}

#[test]
fn no_call_is_lost_or_answered_by_half_a_set_while_plugins_change() {
    let home =
        TestHome::with(&[TestPlugin::good("a").set("word", "1"), TestPlugin::good("b").set("word", "1")]);
    let host = start(&home);
    for number in 2..12_u64 {
        let word = number.to_string();
        let plugins = ["a", "b"].map(|name| TestPlugin::good(name).set("word", word.as_str()));
        home.write(number, &plugins);
    }
    let (over, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let outcome = chat(&host, "hi");
                    let words: Vec<_> = text(&outcome).split(": ").collect();
                    assert_eq!(words.len(), 3, "{words:?}");
                    assert_eq!(words[0], words[1]);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 2..12 {
            deploy(&host, &home, number);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(calls.load(Ordering::Relaxed) > 0);
    assert_eq!(text(&chat(&host, "hi")), "11: 11: hi");
}
