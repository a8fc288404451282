//! Plugins that no compiler makes, written by hand for what the others do not do. Their texts lie beside them.

use std::time::Duration;

use super::*;
use crate::{journal::Topic, test_home::TestPlugin};

const COUNTS: &[u8] = include_bytes!("odd/counts.wasm");
const ENDLESS: &[u8] = include_bytes!("odd/endless.wasm");
const VAST: &[u8] = include_bytes!("odd/vast.wasm");

/// What a plugin that is no longer part of the set leaves in the log.
#[track_caller]
fn check_leaves(mode: &str, expect: &str) {
    let odd = TestPlugin::code("odd", COUNTS).set("mode", mode);
    let home = TestHome::with(&[odd, TestPlugin::good("good")]);
    let mut config = home.config();
    config.limits.start_time = Duration::from_millis(50);
    let host = Host::start(config).unwrap();
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("odd".parse().unwrap())), 100);
    home.write(2, &[TestPlugin::good("good")]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    home.make_live(2);
    assert!(host.commit(trial, &patient()).unwrap().failed.is_empty());
    let Notice::Log(line) = log.recv_timeout(Duration::from_secs(20)).unwrap() else {
        panic!("a log has lines")
    };
    assert_eq!(line.message, expect);
    assert_eq!(text(&chat(&host, "hi")), "good: hi");
}

#[test]
fn a_plugin_that_left_is_shut_down_and_harms_nobody_then() {
    check_leaves("e", "`shutdown` failed: it says that it failed: bye");
    check_leaves("t", "`shutdown` failed: it failed: wasm trap: wasm `unreachable` instruction executed");
    check_leaves("l", "`shutdown` failed: its code ran for more than 50 ms");
}

#[test]
fn a_host_that_is_stopped_shuts_its_plugins_down() {
    let home = TestHome::with(&[TestPlugin::code("odd", COUNTS).set("mode", "e")]);
    let host = start(&home);
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("odd".parse().unwrap())), 100);
    host.stop();
    assert_eq!(log.try_iter().count(), 1);
}

#[track_caller]
fn check_fails(wasm: &[u8], reason: &str) {
    let home = TestHome::with(&[TestPlugin::code("odd", wasm), TestPlugin::good("good")]);
    let mut config = home.config();
    config.limits.start_time = Duration::from_millis(50);
    let host = Host::start(config).unwrap();
    assert_eq!(failure(&host, "odd"), reason);
    assert_eq!(text(&chat(&host, "hi")), "good: hi");
}

#[test]
fn code_that_runs_before_anything_is_called_has_the_limits_of_a_start() {
    check_fails(ENDLESS, "`initialize` failed: its code ran for more than 50 ms");
}

#[test]
fn memory_that_is_there_from_the_beginning_counts_too() {
    check_fails(VAST, "`initialize` failed: it needs more than 64 MiB of memory");
}

#[test]
fn a_plugin_that_did_not_change_goes_on_with_the_instances_it_has() {
    let odd = TestPlugin::code("odd", COUNTS);
    let home = TestHome::with(std::slice::from_ref(&odd));
    let host = start(&home);
    assert_eq!(text(&chat(&host, "hi")), "1");
    home.write(2, &[odd.clone(), TestPlugin::good("good").hooks(&["on_before_response"])]);
    let trial = host.prepare(&home.wanted(2), &patient()).unwrap();
    home.make_live(2);
    assert!(host.commit(trial, &patient()).unwrap().failed.is_empty());
    assert_eq!(text(&chat(&host, "hi")), "2");
    // Instances are dropped when they are not needed, but never the last one.
    for _ in 0..100 {
        host.look();
    }
    assert_eq!(text(&chat(&host, "hi")), "3");
    home.write(3, &[odd.set("mode", "another")]);
    home.make_live(3);
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "1");
}

#[test]
fn an_instance_that_trapped_is_never_called_again() {
    let home = TestHome::with(&[TestPlugin::code("odd", COUNTS)]);
    let host = start(&home);
    assert_eq!(text(&chat(&host, "hi")), "1");
    assert_eq!(text(&chat(&host, "hi")), "2");
    assert_eq!(text(&chat(&host, "now")), "pass");
    assert_eq!(text(&chat(&host, "hi")), "1");
}

#[test]
fn a_trial_that_is_given_up_leaves_the_running_instances_alone() {
    let home = TestHome::with(&[TestPlugin::code("odd", COUNTS)]);
    let host = start(&home);
    chat(&host, "hi");
    home.write(2, &[TestPlugin::code("odd", COUNTS).set("mode", "e")]);
    let (_subscription, log) = host.journal().listen(Topic::Log(Some("odd".parse().unwrap())), 100);
    drop(host.prepare(&home.wanted(2), &patient()).unwrap());
    assert_eq!(text(&chat(&host, "hi")), "2");
    // What never was live is not shut down either.
    host.stop();
    assert_eq!(log.try_iter().count(), 0);
}
