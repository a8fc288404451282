//! Plugins of several registries: one name is one plugin of one registry, and nothing moves without being asked.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

#[test]
fn refuses_one_name_from_two_registries() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    other.publish(&PackageSpec::new("alpha", "1.0.0")).add(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "hub/alpha", "other/alpha"]), @"
    2> error: `alpha` is asked for twice, as `hub/alpha` and as `other/alpha`
    exit 2
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.assert_no_leftovers();
}

#[test]
fn a_dependency_comes_from_the_registry_of_who_needs_it_and_from_nowhere_else() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    other.publish_all(&[("beta", "1.0.0")]).add(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> error: `alpha` 1.0.0 needs `beta` ^1, but registry `hub` has no plugin `beta`
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    sandbox.run(&["install", "other/beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> error: `alpha` 1.0.0 needs `hub/beta` ^1, but registry `hub` has no plugin `beta`
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    hub.publish_all(&[("beta", "1.1.0")]);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> error: no versions fit together:
    2>   you asked for `beta`
    2>   `alpha` 1.0.0 needs `hub/beta` ^1
    2>   `beta` would come from the registries `hub` and `other`, but a set holds a name once
    2> hint: `leahpm uninstall beta` would make room
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "beta 1.0.0");
}

#[test]
fn moves_a_plugin_to_another_registry_after_consent() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    let spec = PackageSpec::new("alpha", "1.0.0").permission("use_model");
    hub.publish(&spec);
    other.publish(&spec).add(&sandbox);
    sandbox.run(&["install", "alpha", "--grant", "all"]).ok();
    let before = sandbox.tree();
    let refused = sandbox.run(&["install", "--registry", "other", "alpha"]);
    insta::assert_snapshot!(refused, @"
    2> error: `alpha` is not granted what it asks for:
    2>   alpha: use_model (ask your chat model)
    2> hint: to agree, run `leahpm install --registry other alpha --grant alpha:use_model`; `--deny` refuses one
    exit 8
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> ~ alpha 1.0.0 (hub) -> 1.0.0 (other)
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.locked("alpha").registry, other.origin);
    sandbox.assert_no_leftovers();
}

#[test]
fn asks_for_consent_to_the_key_of_a_folder_that_was_not_added() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    let refused = sandbox.run(&["install", "--registry", "hub", "alpha"]);
    insta::assert_snapshot!(refused, @"
    2> error: the root key of `[DIR]/hub` is `[hub root key]`, and nobody agreed to it yet
    2> hint: if you know that key to be the right one, run `leahpm install --registry hub alpha --key [hub root key]`
    exit 8
    ");
    assert!(!sandbox.home().exists());
    sandbox.run(&hub.with(&["install", "alpha"])).ok();
    let list = sandbox.run(&["registry", "list", "--json"]).json();
    assert_eq!(list["registries"][1]["url"], "[DIR]/hub");
    sandbox.run(&["install", "hub/alpha"]).ok();
}
