//! Starting a host on what is there, be it damaged.

use super::*;
use crate::{host::StartError, test_home::TestPlugin};
use std::time::Duration;

/// What is told of one plugin that does not start; another one runs beside it.
#[track_caller]
fn check_fails(plugin: TestPlugin, reason: &str) {
    let home = TestHome::with(&[plugin, TestPlugin::good("other")]);
    let mut config = home.config();
    config.limits.start_time = Duration::from_millis(50);
    let host = Host::start(config).unwrap();
    assert_eq!(failure(&host, "bad"), reason);
    assert_eq!(text(&chat(&host, "hi")), "other: hi");
}

#[test]
fn plugins_that_do_not_start_are_failed_and_the_rest_runs() {
    check_fails(
        TestPlugin::fault("bad", "failing-start"),
        "`initialize` failed: it says that it failed: no luck today",
    );
    check_fails(
        TestPlugin::fault("bad", "slow-start"),
        "`initialize` failed: its code ran for more than 50 ms",
    );
    check_fails(
        TestPlugin::fault("bad", "failing-activate"),
        "`activate` failed: it says that it failed: no luck today",
    );
}

#[test]
fn versions_are_compared_before_the_code_is_looked_at() {
    check_fails(
        TestPlugin::good("bad").api("^2").wasm(b"no code at all"),
        "it needs version `^2` of the plugin API, and this host has 1.0.0",
    );
    check_fails(
        TestPlugin::good("bad").manifest("host: \">=9\"\n"),
        "it needs version `>=9` of the host, and this is 0.1.0",
    );
}

#[test]
fn code_that_is_no_plugin_is_told_apart() {
    check_fails(
        TestPlugin::good("bad").wasm(b"\0asm\x0d\0\x01\0"),
        "`plugin.wasm` cannot be used: it has no `lifecycle`, so it cannot be started",
    );
}

#[test]
fn a_package_that_was_changed_is_not_loaded() {
    let home = TestHome::with(&[TestPlugin::good("good")]);
    home.tamper("more");
    let host = start(&home);
    let reason = failure(&host, "good");
    assert!(
        reason.starts_with("its files in `") && reason.ends_with("` are not what was installed"),
        "{reason}"
    );
}

#[test]
fn a_plugin_that_lacks_settings_waits_for_them() {
    let plugin = TestPlugin::good("good").manifest("  key: { type: string, required: true }\n");
    let home = TestHome::with(std::slice::from_ref(&plugin));
    let host = start(&home);
    assert_eq!(state(&host, "good"), PluginState::NeedsSettings { missing: vec!["key".into()] });
    assert_eq!(text(&chat(&host, "hi")), "pass");
    home.write(2, &[plugin.set("key", "x")]);
    home.make_live(2);
    host.look();
    assert_eq!(text(&chat(&host, "hi")), "good: hi");
}

#[test]
fn a_plugin_gets_what_the_user_set() {
    let home = TestHome::with(&[TestPlugin::good("good").set("word", "hello")]);
    assert_eq!(text(&chat(&start(&home), "hi")), "hello: hi");
}

#[test]
fn a_plugin_that_is_switched_off_is_not_there() {
    let home = TestHome::with(&[TestPlugin::good("a").disabled(), TestPlugin::good("b")]);
    let host = start(&home);
    assert_eq!(host.plugins().plugins.len(), 1);
    assert_eq!(text(&chat(&host, "hi")), "b: hi");
}

#[test]
fn a_home_without_plugins_is_served_and_by_one_host() {
    let home = TestHome::new();
    let host = start(&home);
    assert_eq!(host.hello().generation, None);
    assert_eq!(text(&chat(&host, "hi")), "pass");
    assert!(matches!(Host::start(home.config()), Err(StartError::Taken { .. })));
}
