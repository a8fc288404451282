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
    2> hint: after `leahpm uninstall beta`, `leahpm install alpha` would work, with alpha 1.0.0 and beta 1.1.0
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
    2> error: `alpha` would come from another registry, where somebody else may have the name:
    2>   alpha 1.0.0 (hub) -> 1.0.0 (other)
    2> hint: to agree, run `leahpm install --registry other alpha --yes`
    exit 8
    ");
    // Who agrees to the move has not agreed to any permission: nothing that was granted moves along.
    let asked = sandbox.run_hint(&refused);
    insta::assert_snapshot!(asked, @"
    2> error: `alpha` is not granted what it asks for:
    2>   alpha: use_model (ask your chat model)
    2> hint: to agree, run `leahpm install --registry other alpha --yes --grant alpha:use_model`; `--deny` refuses one
    exit 8
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&asked), @"
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

#[test]
fn a_bare_name_of_an_installed_plugin_keeps_its_registry_when_the_default_changes() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    hub.publish_all(&[("alpha", "1.0.0"), ("lib", "1.0.0")]);
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    other.publish_all(&[("alpha", "9.0.0"), ("lib", "9.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "app"]).ok();
    other.add_as_default(&sandbox);
    hub.publish_all(&[("alpha", "1.1.0")]);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> `alpha` is installed already; nothing changed. `leahpm update` looks for newer versions of it.
    exit 0
    ");
    sandbox.run(&["install", "alpha@^1.1", "lib", "beta"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, app 1.0.0, beta 1.0.0, lib 1.0.0");
    assert_eq!(sandbox.locked("lib").registry, hub.origin);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@^9"]), @"
    2> error: no version of `alpha` fits `^9`: it has 1.0.0 to 1.1.0
    2> hint: `leahpm install alpha@^1.1.0` would work, with alpha 1.1.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    assert_eq!(sandbox.run(&["info", "alpha"]).ok().stdout.lines().next(), Some("alpha 1.1.0 (hub)"));
    // What is not there any more is a name like any other.
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.locked("alpha").registry, other.origin);
}

#[test]
fn what_would_move_along_with_a_plugin_is_named_before_anything_moves() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    for registry in [&hub, &other] {
        registry
            .publish_all(&[("lib", "1.0.0")])
            .publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    }
    other.add(&sandbox);
    sandbox.run(&["install", "app"]).ok();
    let before = sandbox.tree();
    let refused = sandbox.run(&["install", "other/app"]);
    insta::assert_snapshot!(refused, @"
    2> error: `app` and `lib` would come from another registry, where somebody else may have the name:
    2>   app 1.0.0 (hub) -> 1.0.0 (other)
    2>   lib 1.0.0 (hub) -> 1.0.0 (other), needed by `app`
    2> hint: to agree, run `leahpm install other/app --yes`
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "other/app", "--dry-run"]), @"
    2> error: `app` and `lib` would come from another registry, where somebody else may have the name:
    2>   app 1.0.0 (hub) -> 1.0.0 (other)
    2>   lib 1.0.0 (hub) -> 1.0.0 (other), needed by `app`
    2> hint: to agree, run `leahpm install other/app --dry-run --yes`
    exit 8
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> ~ app 1.0.0 (hub) -> 1.0.0 (other)
    2> ~ lib 1.0.0 (hub) -> 1.0.0 (other)
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.locked("lib").registry, other.origin);
    // The way back is a rollback, which asks nobody: that set was agreed to.
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.locked("app").registry, hub.origin);
}

#[test]
fn an_update_that_would_take_a_plugin_from_another_registry_asks_first() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    hub.publish_all(&[("lib", "1.0.0")]).publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    other.publish_all(&[("lib", "1.0.0"), ("tool", "1.0.0")]).add(&sandbox);
    sandbox.run(&["install", "app", "other/tool"]).ok();
    // `app` lets the name go, and `tool` of the other registry takes it.
    hub.publish_all(&[("app", "1.1.0")]);
    other.publish(&PackageSpec::new("tool", "1.1.0").needs("lib", "^1"));
    let before = sandbox.tree();
    let refused = sandbox.run(&["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `lib` would come from another registry, where somebody else may have the name:
    2>   lib 1.0.0 (hub) -> 1.0.0 (other), needed by `tool`
    2> hint: to agree, run `leahpm update --yes`
    exit 8
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> ~ app 1.0.0 -> 1.1.0
    2> ~ lib 1.0.0 (hub) -> 1.0.0 (other)
    2> ~ tool 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
}

#[test]
fn a_person_is_asked_before_a_plugin_moves() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    for registry in [&hub, &other] {
        registry.publish_all(&[("alpha", "1.0.0")]);
    }
    other.add(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    let before = sandbox.tree();
    let Some(no) = sandbox.at_a_terminal("leahpm install other/alpha", "n") else { return };
    let asked = "`alpha` would come from another registry, where somebody else may have the name:\r\n  \
                 alpha 1.0.0 (hub) -> 1.0.0 (other)\r\nDo you want that? [y/N] ";
    assert!(no.stdout.contains(asked), "{no}");
    assert_eq!((no.code, sandbox.tree()), (8, before));
    let yes = sandbox.at_a_terminal("leahpm install other/alpha", "y").unwrap();
    assert_eq!((yes.code, sandbox.locked("alpha").registry), (0, other.origin));
}
