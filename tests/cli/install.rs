//! `leahpm install`: which versions come, what people and scripts see, what is refused.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

#[test]
fn brings_a_plugin_with_what_it_needs() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&PackageSpec::new("beta", "1.2.0"));
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1").file("README.md", "Alpha\n"));
    let output = sandbox.run(&hub.with(&["install", "alpha"]));
    insta::assert_snapshot!(output, @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.2.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.2.0");
    assert_eq!(sandbox.read("home/plugins/alpha/README.md"), b"Alpha\n");
    sandbox.assert_no_leftovers();
}

#[test]
fn changes_nothing_the_second_time_and_says_so() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> `alpha` is installed already; nothing changed. `leahpm update` looks for newer versions of it.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "beta"]), @"
    2> `alpha` and `beta` are installed already; nothing changed. `leahpm update` looks for newer versions of them.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&hub.with(&["install", "alpha"])), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_dry_run_shows_the_plan_as_data_and_makes_no_home() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("beta", "1.2.0")]).publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    insta::assert_snapshot!(sandbox.run(&hub.with(&["install", "alpha", "--dry-run"])), @"
    1> + alpha 1.0.0 (hub)
    1> + beta 1.2.0 (hub)
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn tells_scripts_what_changed() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    let dry = sandbox.run(&["install", "alpha", "--json", "--dry-run"]).ok();
    insta::assert_snapshot!(dry.json(), @r#"{"changed":false,"changes":[{"change":"install","name":"alpha","registry":"hub","version":"1.0.0"}],"command":"install","dry_run":true,"failed":[],"generation":null,"host":null,"needs_settings":{},"parent":null,"schema":1}"#);
    let output = sandbox.run(&["install", "alpha", "--json"]).ok();
    insta::assert_snapshot!(output.pretty(), @r#"
    {
      "changed": true,
      "changes": [
        {
          "change": "install",
          "name": "alpha",
          "registry": "hub",
          "version": "1.0.0"
        }
      ],
      "command": "install",
      "dry_run": false,
      "failed": [],
      "generation": 1,
      "host": "not_asked",
      "needs_settings": {},
      "parent": null,
      "schema": 1
    }
    "#);
    assert_eq!(output.stderr, "");
    let again = sandbox.run(&["install", "alpha", "--json"]).ok();
    insta::assert_snapshot!(again.json(), @r#"{"changed":false,"changes":[],"command":"install","dry_run":false,"failed":[],"generation":null,"host":null,"needs_settings":{},"parent":null,"schema":1}"#);
}

#[test]
fn says_nothing_when_it_is_told_to_be_quiet() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--quiet"]), @"exit 0");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn tells_each_step_when_it_is_asked_to() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    let output = sandbox.run(&["install", "alpha", "--verbose"]);
    sandbox.redact(sandbox.locked("alpha").content.short(), "[CONTENT]");
    insta::assert_snapshot!(sandbox.redacted(&output.to_string()), @"
    2> verified alpha 1.0.0
    2> stored alpha-1.0.0-[CONTENT]
    2> wrote generation 1
    2> switched to generation 1
    2> + alpha 1.0.0 (hub)
    2> Generation 1 is live.
    2> no host was asked: generation 1 is live and was not tried
    exit 0
    ");
}

#[test]
fn takes_the_newest_that_is_neither_yanked_nor_a_pre_release() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("alpha", "1.1.0"), ("alpha", "1.2.0"), ("alpha", "2.0.0-rc.1")]);
    hub.yank("alpha", "1.2.0");
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@1.2.0"]), @"
    2> error: `alpha` 1.2.0, the only version that fits `=1.2.0`, is yanked
    2> hint: `leahpm install alpha@^1.1.0` would work, with alpha 1.1.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@2.0.0-rc.1"]), @"
    2> ~ alpha 1.1.0 -> 2.0.0-rc.1
    2> Generation 2 is live.
    exit 0
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn keeps_a_locked_version_that_fits_and_moves_one_that_does_not() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0"), ("alpha", "2.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "beta"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@^1"]), @"
    2> ~ alpha asked for as ^1 from hub
    2> Generation 3 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@^2"]), @"
    2> ~ alpha 1.0.0 -> 2.0.0
    2> Generation 4 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@1.0.0"]), @"
    2> ~ alpha 2.0.0 -> 1.0.0
    2> Generation 5 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn falls_back_to_the_newest_version_that_this_leahpm_can_run() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    hub.publish(&PackageSpec::new("alpha", "2.0.0").host(">=99"));
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> + alpha 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@2"]), @"
    2> error: `alpha` 2.0.0, the only version that fits `^2`, is for leah-host >=99, this one is 0.1.0
    2> hint: `leahpm install alpha@^1.0.0` would work, with alpha 1.0.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 10
    ");
    sandbox.run(&["install", "alpha@2", "--host-version", "99.0.0"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 2.0.0");
}

#[test]
fn refuses_a_plugin_for_a_host_that_nobody_has() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0").host("<0.0.1"));
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> error: `alpha` has only versions for leah-host <0.0.1, this one is 0.1.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 10
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.assert_no_leftovers();
}

#[test]
fn explains_what_is_not_to_be_found() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("translator", "1.0.0").needs("text-tools", "^2"));
    hub.publish(&PackageSpec::new("text-tools", "1.0.0"));
    insta::assert_snapshot!(sandbox.run(&["install", "translater"]), @"
    2> error: registry `hub` has no plugin `translater`
    2> hint: did you mean `leahpm install translator`?
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "nothing-like-it"]), @"
    2> error: registry `hub` has no plugin `nothing-like-it`
    2> hint: `leahpm search nothing-like-it` looks in names and descriptions
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "text-tools@3"]), @"
    2> error: no version of `text-tools` fits `^3`: it has 1.0.0
    2> hint: `leahpm install text-tools@^1.0.0` would work, with text-tools 1.0.0
    2> hint: `leahpm info text-tools` shows all its versions
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "translator"]), @"
    2> error: `translator` 1.0.0 needs `text-tools` ^2, but no version of `text-tools` fits `^2`: it has 1.0.0
    2> hint: `leahpm info text-tools` shows all its versions
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "elsewhere/translator"]), @"
    2> error: there is no registry `elsewhere`, only `bundled`, `hub`
    2> hint: `leahpm registry add NAME URL` adds one
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn explains_two_that_do_not_go_together() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("shared", "1.0.0"), ("shared", "2.0.0")]);
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("shared", "^1"));
    hub.publish(&PackageSpec::new("beta", "1.0.0").needs("shared", "^2"));
    sandbox.run(&["install", "alpha"]).ok();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["install", "beta"]), @"
    2> error: `alpha` 1.0.0 needs `shared` ^1, but `beta` 1.0.0 needs `shared` ^2
    2> hint: after `leahpm uninstall alpha`, `leahpm install beta` would work, with beta 1.0.0 and shared 2.0.0
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "beta", "--json"]).json(), @r#"{"error":{"causes":[],"code":5,"details":{"ways":[{"change":"without","commands":["leahpm uninstall alpha","leahpm install --json beta"],"names":["alpha"],"ranges":{},"set":{"beta":"1.0.0","shared":"2.0.0"},"version":null}]},"hint":"after `leahpm uninstall alpha`, `leahpm install --json beta` would work, with beta 1.0.0 and shared 2.0.0","hints":["after `leahpm uninstall alpha`, `leahpm install --json beta` would work, with beta 1.0.0 and shared 2.0.0"],"message":"`alpha` 1.0.0 needs `shared` ^1, but `beta` 1.0.0 needs `shared` ^2"},"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn refuses_two_plugins_that_declare_one_tool() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0").tool("translate"));
    hub.publish(&PackageSpec::new("beta", "1.0.0").tool("translate"));
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "beta"]), @"
    2> error: `alpha` and `beta` both offer the tool `translate`
    2> hint: `leahpm disable alpha` would make room for the other
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    sandbox.run(&["disable", "alpha"]).ok();
    sandbox.run(&["install", "beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha"]), @"
    2> error: `beta` and `alpha` both offer the tool `translate`
    2> hint: `leahpm disable beta` would make room for the other
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "beta 1.0.0");
}

#[test]
fn refuses_one_name_that_is_asked_for_in_two_ways() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("alpha", "2.0.0")]);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@1", "alpha@2"]), @"
    2> error: `alpha` is asked for twice, as `alpha@^1` and as `alpha@^2`
    exit 2
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.run(&["install", "alpha@1", "alpha@1"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn switches_on_what_a_new_plugin_needs() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("beta", "1.0.0")]).publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    sandbox.run(&["install", "beta"]).ok();
    sandbox.run(&["disable", "beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> + alpha 1.0.0 (hub)
    2> ~ beta enabled
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn says_of_a_plugin_that_is_there_and_switched_off_how_to_switch_it_on() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["disable", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> `alpha` is installed already; nothing changed. `leahpm update` looks for newer versions of it.
    2> alpha is switched off; `leahpm enable alpha` switches it on.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "");
}
