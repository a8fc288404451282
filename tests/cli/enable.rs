//! `leahpm enable` and `leahpm disable`: plugins that are there and run, or do not.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// `alpha`, installed, needs `beta`.
fn pair() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("beta", "1.0.0")]).publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    sandbox.run(&["install", "alpha"]).ok();
    (sandbox, hub)
}

#[test]
fn a_plugin_that_is_switched_off_is_installed_and_not_live() {
    let (sandbox, _hub) = pair();
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha"]), @"
    2> ~ alpha disabled
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "beta 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME   VERSION  STATUS    REGISTRY
    1> alpha  1.0.0    disabled  hub
    1> beta   1.0.0    enabled   hub
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha"]), @"
    2> ~ alpha enabled
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn what_an_enabled_plugin_needs_cannot_be_switched_off_alone() {
    let (sandbox, _hub) = pair();
    let refused = sandbox.run(&["disable", "beta"]);
    insta::assert_snapshot!(refused, @"
    2> error: `beta` is needed by `alpha`
    2> hint: `leahpm disable alpha beta` does it for all of them
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn what_a_plugin_needs_is_switched_on_with_it() {
    let (sandbox, _hub) = pair();
    sandbox.run(&["disable", "alpha", "beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha"]), @"
    2> ~ alpha enabled
    2> ~ beta enabled
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn says_so_when_there_is_nothing_to_switch() {
    let (sandbox, _hub) = pair();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    sandbox.run(&["disable", "alpha", "--dry-run"]).ok();
    assert_eq!(sandbox.tree(), before);
    sandbox.run(&["disable", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
}

#[test]
fn refuses_what_is_not_installed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha", "--json"]).json(), @r#"{"error":{"causes":[],"code":5,"details":{},"hint":"`leahpm list` shows what is installed","hints":["`leahpm list` shows what is installed"],"message":"`alpha` is not installed"},"schema":1}"#);
    assert!(!sandbox.home().exists());
}

#[test]
fn tells_scripts_what_changed() {
    let (sandbox, _hub) = pair();
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha", "--json"]).json(), @r#"{"changed":true,"changes":[{"change":"disable","name":"alpha"}],"command":"disable","dry_run":false,"failed":[],"generation":2,"host":"not_asked","needs_settings":{},"parent":1,"schema":1}"#);
}
