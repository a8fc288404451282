//! Who agrees to what a lock grants and to the registries that it brings: a person, a flag that names it, or, with
//! `--locked`, whoever committed the lock. Never `--yes`.

use leah_registry::serve::Server;

use super::{Team, lock_of};
use crate::{
    fixture::{PackageSpec, TestRegistry},
    http,
    sandbox::Sandbox,
};

#[test]
fn new_grants_are_told_and_agreed_to_by_name_or_by_the_lock() {
    let team = Team::new();
    team.lock(&["mail"]);
    let refused = team.refused(&["sync"]);
    insta::assert_snapshot!(refused, @"
    2> error: the lock grants what nobody agreed to here:
    2>   mail: use_model (ask your chat model)
    2> hint: to agree, run `leahpm sync --grant mail:use_model`
    2> hint: `leahpm sync --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    assert_eq!(team.refused(&["sync", "--yes"]).code, 8);
    assert_eq!(team.refused(&["sync", "--dry-run"]).code, 8);
    insta::assert_snapshot!(team.user.run_hint(&refused), @"
    2> + mail 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    team.user.run(&["uninstall", "mail"]).ok();
    insta::assert_snapshot!(team.user.run_second_hint(&refused), @"
    2> + mail 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
}

#[test]
fn what_was_granted_before_is_not_asked_for_again() {
    let team = Team::new();
    team.user.run(&["install", "mail", "--grant", "all"]).ok();
    team.hub.publish(&PackageSpec::new("mail", "1.1.0").permission("use_model"));
    team.lock(&["mail@1.1.0"]);
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> ~ mail 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    team.hub.publish(&PackageSpec::new("mail", "1.2.0").permission("use_model").permission("read_messages"));
    team.lock(&["mail@1.2.0"]);
    insta::assert_snapshot!(team.refused(&["sync"]), @"
    2> error: the lock grants what nobody agreed to here:
    2>   mail: read_messages (read your messages and the model's answers)
    2> hint: to agree, run `leahpm sync --grant mail:read_messages`
    2> hint: `leahpm sync --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
}

#[test]
fn what_was_denied_before_and_is_granted_by_the_lock_is_asked_for() {
    let team = Team::new();
    team.lock(&["mail"]);
    team.user.run(&["install", "mail", "--deny", "all"]).ok();
    insta::assert_snapshot!(team.refused(&["sync"]), @"
    2> error: the lock grants what nobody agreed to here:
    2>   mail: use_model (ask your chat model)
    2> hint: to agree, run `leahpm sync --grant mail:use_model`
    2> hint: `leahpm sync --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    insta::assert_snapshot!(team.sync(), @"
    2> ~ mail granted: use_model; denied: none
    2> Generation 2 is live.
    exit 0
    ");
}

#[test]
fn a_lock_that_grants_what_the_user_denies_is_refused_whole() {
    let team = Team::new();
    team.lock(&["mail", "app"]);
    insta::assert_snapshot!(team.refused(&["sync", "--locked", "--deny", "use_model"]), @"
    2> error: the lock grants what `--deny` refuses:
    2>   mail: use_model (ask your chat model)
    2> hint: whoever makes the lock can deny it there: `deny` in plugins.yaml, then `leahpm lock`
    exit 9
    ");
}

#[test]
fn a_person_is_asked_once_and_may_refuse() {
    let team = Team::new();
    team.lock(&["mail"]);
    let before = team.user.tree();
    let Some(refused) = team.user.at_a_terminal("leahpm sync", "n") else { return };
    assert!(refused.stdout.contains("  mail: use_model (ask your chat model)"), "{refused}");
    assert_eq!((refused.code, team.user.tree()), (8, before));
    team.user.at_a_terminal("leahpm sync", "y").unwrap().ok();
    assert_eq!(team.user.live_line(), "mail 1.0.0");
}

/// A lock of somebody who has the registry on a web server, and the home of somebody who does not know it.
struct Served {
    user: Sandbox,
    hub: TestRegistry,
    server: Server,
    /// The registry lies in the sandbox of its author.
    _author: Sandbox,
}

fn served() -> Served {
    let (author, hub, server) = http::served();
    http::add(&author, &hub, &server.url());
    author.run(&["install", "alpha"]).ok();
    let user = Sandbox::new();
    user.redact(server.url(), "[URL]");
    user.redact(hub.root_key(), "[hub root key]");
    user.write("leah.lock", lock_of(&author));
    Served { user, hub, server, _author: author }
}

#[test]
fn a_new_registry_is_told_and_agreed_to_by_its_key_or_by_the_lock() {
    let Served { user, .. } = &served();
    let refused = user.run(&["sync", "--yes"]);
    insta::assert_snapshot!(refused, @"
    2> error: the lock brings registry `hub` at `[URL]`, and nobody agreed to its root key `[hub root key]` here
    2> hint: if you know that key to be the right one, run `leahpm sync --yes --key [hub root key]`
    2> hint: `leahpm sync --yes --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    assert!(!user.home().exists());
    insta::assert_snapshot!(user.run_hint(&refused), @"
    2> + registry hub at [URL], root key [hub root key]
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(user.run(&["registry", "list", "--json"]).json()["registries"][1]["name"], "hub");
}

#[test]
fn a_commit_is_the_consent_to_a_new_registry() {
    let Served { user, hub, server, .. } = &served();
    insta::assert_snapshot!(user.run(&["sync", "--locked", "--json"]).json()["registries_added"], @r#"["hub"]"#);
    let url = format!("{}/", server.url().trim_end_matches('/'));
    let list = user.run(&["registry", "list", "--json"]).json();
    assert_eq!(list["registries"][1]["root_key"], "[hub root key]");
    assert_eq!(list["registries"][1]["url"], user.redacted(&url));
    // Its state and its publishers are remembered as of any registry.
    let seen = String::from_utf8(user.read("home/registries/hub")).unwrap();
    assert!(seen.contains("signed_head:") && seen.contains("alpha:") && seen.contains("beta:"), "{seen}");
    // Bare names still mean what they meant.
    assert_eq!(list["registries"][0]["default"], true);
    hub.publish_all(&[("beta", "1.1.0")]);
    user.run(&["update"]).ok();
    assert_eq!(user.live_line(), "alpha 1.0.0, beta 1.1.0");
    user.assert_no_leftovers();
}

#[test]
fn keys_that_the_user_names_are_the_only_ones() {
    let Served { user, .. } = &served();
    let other = TestRegistry::new(user, "other").root_key().to_string();
    insta::assert_snapshot!(user.run(&["sync", "--locked", "--key", &other]), @"
    2> error: the lock says that the root key of registry `hub` is `[hub root key]`, which `--key` does not name
    2> hint: ask whoever made the lock, and the registry's people, which key is the right one
    exit 7
    ");
    assert!(!user.home().exists());
}

#[test]
fn a_person_is_asked_about_a_new_registry() {
    let Served { user, .. } = &served();
    let Some(agreed) = user.at_a_terminal("leahpm sync", "y") else { return };
    assert!(agreed.stdout.contains("The lock brings registry hub at [URL]"), "{agreed}");
    assert_eq!((agreed.code, user.live_line().as_str()), (0, "alpha 1.0.0, beta 1.0.0"));
}

#[test]
fn a_registry_without_an_address_must_be_added_first() {
    let team = Team::new();
    team.lock(&["app"]);
    let stranger = Sandbox::new();
    team.redact(&stranger);
    stranger.write("leah.lock", lock_of(&team.author));
    insta::assert_snapshot!(stranger.run(&["sync", "--locked"]), @"
    2> error: registry `hub` of the lock was not added here, and the lock does not say where it is
    2> hint: `leahpm registry add hub PLACE --key [hub root key]` adds it, PLACE being a URL or a folder
    exit 5
    ");
    assert!(!stranger.home().exists());
    team.hub.add(&stranger);
    stranger.run(&["sync", "--locked"]).ok();
    assert_eq!(stranger.live_line(), "app 1.0.0, lib 1.0.0");
}

#[test]
fn an_address_that_no_registry_is_read_from_is_refused() {
    let Served { user, server, .. } = &served();
    let text = String::from_utf8(user.read("leah.lock")).unwrap();
    let far = text.replace(server.url().trim_end_matches('/'), "http://plugins.example.com");
    user.write("leah.lock", far);
    insta::assert_snapshot!(user.run(&["sync", "--locked"]), @"
    2> error: cannot use the address that the lock has of registry `hub`
    2> caused by: `http://` is only for this machine itself, use `https://`
    exit 13
    ");
    assert!(!user.home().exists());
}
