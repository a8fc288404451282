//! `leahpm hold` and `unhold`: what is held stays at its version and registry, the rest moves around it.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// `alpha` 1.0.0, which is held, and `beta` 1.0.0; there is 1.1.0 of both.
fn held() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    hub.publish_all(&[("alpha", "1.1.0"), ("beta", "1.1.0")]);
    sandbox.run(&["hold", "alpha"]).ok();
    (sandbox, hub)
}

#[test]
fn an_update_moves_the_others_around_what_is_held() {
    let (sandbox, _hub) = held();
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ beta 1.0.0 -> 1.1.0
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["unhold", "alpha"]), @"
    2> ~ alpha no longer held
    2> Generation 4 is live.
    exit 0
    ");
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.1.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn an_update_of_what_is_held_by_name_is_refused_with_the_command_that_lets_it_go() {
    let (sandbox, _hub) = held();
    let before = sandbox.tree();
    let refused = sandbox.run(&["update", "beta", "alpha"]);
    insta::assert_snapshot!(refused, @"
    2> error: `alpha` is held at 1.0.0
    2> hint: `leahpm unhold alpha` lets it move
    exit 9
    ");
    assert_eq!(sandbox.tree(), before);
    sandbox.run_hint(&refused).ok();
    sandbox.run(&["update", "beta", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.1.0");
}

#[test]
fn an_install_that_would_move_what_is_held_is_refused_and_any_other_is_not() {
    let (sandbox, _hub) = held();
    let other = TestRegistry::new(&sandbox, "other");
    other.publish_all(&[("alpha", "1.0.0")]).add(&sandbox);
    let before = sandbox.tree();
    for line in [
        &["install", "alpha@^1.1"][..],
        &["install", "other/alpha"],
        &["install", "alpha", "--registry", "other"],
    ] {
        let refused = sandbox.run(line);
        assert_eq!(
            refused.fails(9),
            "error: `alpha` is held at 1.0.0\nhint: `leahpm unhold alpha` lets it move\n"
        );
    }
    assert_eq!(sandbox.tree(), before);
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@^1.0"]), @"
    2> ~ alpha asked for as ^1.0 from hub
    2> Generation 3 is live.
    exit 0
    ");
    assert!(sandbox.locked("alpha").held);
}

#[test]
fn what_needs_another_version_of_what_is_held_is_refused_with_the_command_that_lets_it_go() {
    let (sandbox, hub) = held();
    hub.publish(&PackageSpec::new("gamma", "1.0.0").needs("alpha", "^1.1"));
    let refused = sandbox.run(&["install", "gamma"]);
    insta::assert_snapshot!(refused, @"
    2> error: `gamma` 1.0.0 needs `alpha` ^1.1, but `alpha` 1.1.0, the only version that fits `^1.1`, is ruled out, since 1.0.0 is held
    2> hint: after `leahpm unhold alpha`, `leahpm install gamma` would work, with alpha 1.1.0 and gamma 1.0.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    sandbox.run(&["install", "gamma"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.0.0, gamma 1.0.0");
}

#[test]
fn a_plugin_that_others_need_can_be_held_and_keeps_them_where_they_fit() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("lib", "1.0.0")]).publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    sandbox.run(&["install", "app"]).ok();
    hub.publish_all(&[("lib", "1.1.0")]);
    hub.publish(&PackageSpec::new("app", "1.1.0").needs("lib", "^1"));
    hub.publish(&PackageSpec::new("app", "1.2.0").needs("lib", "^1.1"));
    sandbox.run(&["hold", "lib"]).ok();
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "app 1.1.0, lib 1.0.0");
}

#[test]
fn a_yanked_version_that_is_held_stays() {
    let (sandbox, hub) = held();
    hub.yank("alpha", "1.0.0");
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.1.0");
}

#[test]
fn what_is_held_can_be_switched_off_and_taken_out() {
    let (sandbox, _hub) = held();
    sandbox.run(&["disable", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME   VERSION  STATUS          REGISTRY
    1> alpha  1.0.0    disabled, held  hub
    1> beta   1.0.0    enabled         hub
    exit 0
    ");
    sandbox.run(&["enable", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME   VERSION  STATUS         REGISTRY
    1> alpha  1.0.0    enabled, held  hub
    1> beta   1.0.0    enabled        hub
    exit 0
    ");
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["install", "alpha"]).ok();
    assert!(!sandbox.locked("alpha").held, "a hold is not remembered for what is not there");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.0.0");
}

#[test]
fn a_rollback_brings_the_holds_of_the_set_back() {
    let (sandbox, _hub) = held();
    sandbox.run(&["update"]).ok();
    sandbox.run(&["unhold", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> ~ alpha held
    2> Rolled back from generation 4 to 3.
    exit 0
    ");
    assert!(sandbox.locked("alpha").held);
    sandbox.run(&["rollback", "1"]).ok();
    assert!(!sandbox.locked("alpha").held);
}

#[test]
fn a_hold_that_is_there_already_changes_nothing() {
    let (sandbox, _hub) = held();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["hold", "alpha"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["unhold", "beta"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["hold", "beta", "--dry-run"]), @"
    1> ~ beta held
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn is_shown_to_scripts() {
    let (sandbox, _hub) = held();
    let list = sandbox.run(&["list", "--json"]).json();
    assert_eq!((&list["plugins"][0]["held"], &list["plugins"][1]["held"]), (&true.into(), &false.into()));
    insta::assert_snapshot!(sandbox.run(&["hold", "beta", "--json"]), @r#"
    1> {"changed":true,"changes":[{"change":"hold","name":"beta"}],"command":"hold","dry_run":false,"failed":[],"generation":3,"host":"not_asked","needs_settings":{},"parent":2,"schema":1}
    exit 0
    "#);
}

#[test]
fn refuses_what_is_not_installed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["hold", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["unhold", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    assert!(!sandbox.home().exists());
}
