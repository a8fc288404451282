//! `leahpm update`: which plugins move and which stay.

use crate::{
    fixture::{PackageSpec, hub},
    sandbox::Sandbox,
};

#[test]
fn moves_all_or_those_that_are_named() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    hub.publish_all(&[("alpha", "1.1.0"), ("beta", "1.1.0")]);
    insta::assert_snapshot!(sandbox.run(&["update", "beta"]), @"
    2> ~ beta 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn stays_within_the_range_that_was_asked_for() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha@^1"]).ok();
    hub.publish_all(&[("alpha", "1.5.0"), ("alpha", "2.0.0")]);
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.5.0");
}

#[test]
fn a_dry_run_shows_what_would_move_and_changes_nothing() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0")]);
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["update", "--dry-run"]), @"
    1> ~ alpha 1.0.0 -> 1.1.0
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "--dry-run", "--json"]).json(), @r#"{"changed":false,"changes":[{"change":"update","from":{"registry":"hub","version":"1.0.0"},"name":"alpha","registry":"hub","version":"1.1.0"}],"command":"update","dry_run":true,"failed":[],"generation":null,"host":null,"needs_settings":{},"parent":1,"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn brings_what_a_new_version_needs_and_takes_out_what_it_needs_no_more() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("old", "1.0.0"), ("new", "1.0.0")]);
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("old", "^1"));
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish(&PackageSpec::new("alpha", "1.1.0").needs("new", "^1"));
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> + new 1.0.0 (hub)
    2> - old 1.0.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, new 1.0.0");
}

#[test]
fn leaves_a_version_that_was_yanked_since() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("alpha", "1.1.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    hub.yank("alpha", "1.1.0").publish_all(&[("beta", "1.0.0")]);
    sandbox.run(&["install", "beta"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> `alpha` 1.1.0 is yanked; another version takes its place
    2> ~ alpha 1.1.0 -> 1.0.0
    2> Generation 3 is live.
    exit 0
    ");
    hub.unyank("alpha", "1.1.0");
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, beta 1.0.0");
}

#[test]
fn keeps_a_plugin_switched_off() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["disable", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME   VERSION  STATUS    REGISTRY
    1> alpha  1.1.0    disabled  hub
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn refuses_what_is_not_installed_and_has_nothing_to_do_in_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["update", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> No plugins are installed. `leahpm search` shows what there is.
    exit 0
    ");
    assert!(!sandbox.home().exists());
}
