//! `leahpm uninstall`: what goes, what stays, what is refused.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// `alpha` needs `beta`, which needs `gamma`.
fn chain() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("gamma", "1.0.0")]);
    hub.publish(&PackageSpec::new("beta", "1.0.0").needs("gamma", "^1"));
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    (sandbox, hub)
}

#[test]
fn takes_out_what_only_that_plugin_needed() {
    let (sandbox, _hub) = chain();
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["uninstall", "alpha"]), @"
    2> - alpha 1.0.0
    2> - beta 1.0.0
    2> - gamma 1.0.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.assert_no_leftovers();
}

#[test]
fn keeps_a_dependency_that_was_asked_for_by_name() {
    let (sandbox, _hub) = chain();
    sandbox.run(&["install", "alpha", "beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["remove", "alpha"]), @"
    2> - alpha 1.0.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "beta 1.0.0, gamma 1.0.0");
}

#[test]
fn refuses_to_take_out_what_others_need_with_a_command_that_works() {
    let (sandbox, _hub) = chain();
    sandbox.run(&["install", "alpha"]).ok();
    let before = sandbox.tree();
    let refused = sandbox.run(&["uninstall", "gamma"]);
    insta::assert_snapshot!(refused, @"
    2> error: `gamma` is needed by `alpha`, `beta`
    2> hint: `leahpm uninstall alpha beta gamma` does it for all of them
    exit 5
    ");
    assert_eq!(sandbox.tree(), before);
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn refuses_what_is_not_installed() {
    let (sandbox, hub) = hub();
    insta::assert_snapshot!(sandbox.run(&["uninstall", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["uninstall", "alpha", "beta"]).fails(5);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn a_dry_run_changes_nothing() {
    let (sandbox, _hub) = chain();
    sandbox.run(&["install", "alpha"]).ok();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["uninstall", "alpha", "--dry-run"]), @"
    1> - alpha 1.0.0
    1> - beta 1.0.0
    1> - gamma 1.0.0
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["uninstall", "alpha", "--dry-run", "--json"]).json(), @r#"{"changed":false,"changes":[{"change":"remove","name":"alpha","version":"1.0.0"},{"change":"remove","name":"beta","version":"1.0.0"},{"change":"remove","name":"gamma","version":"1.0.0"}],"command":"uninstall","dry_run":true,"failed":[],"generation":null,"host":null,"needs_settings":{},"parent":1,"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn keeps_what_a_plugin_has_written_for_itself() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.write("home/data/alpha/notes", "mine");
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    assert_eq!(sandbox.read("home/data/alpha/notes"), b"mine");
}

#[test]
fn needs_no_registry() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    std::fs::remove_dir_all(&hub.folder).unwrap();
    sandbox.run(&["uninstall", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "");
}
