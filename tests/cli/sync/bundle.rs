//! `leahpm sync` of a bundle: all that is needed is in one file, and nothing of it is believed for that.

use std::fs;

use crate::{
    bundle::installed,
    fixture::{PackageSpec, TestRegistry},
    http,
    publishers::revoke,
    sandbox::Sandbox,
};

use super::lock_of;

/// The home of somebody who gets a bundle.
fn stranger(hub: &TestRegistry, bundle: &[u8]) -> Sandbox {
    let stranger = Sandbox::new();
    stranger.redact(hub.root_key(), "[hub root key]");
    stranger.write("set.leah", bundle);
    stranger
}

/// A bundle of `app` and `lib` of a registry in a folder, which is gone by now, and somebody who knew it.
fn bundled() -> (Sandbox, TestRegistry, Sandbox) {
    let (author, hub) = installed();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    let user = stranger(&hub, &author.read("set.leah"));
    (author, hub, user)
}

#[test]
fn installs_without_its_registry_what_the_machine_can_check() {
    let (author, hub, user) = bundled();
    hub.add_as_default(&user);
    fs::remove_dir_all(&hub.folder).unwrap();
    insta::assert_snapshot!(user.run(&["sync", "set.leah", "--check"]), @"
    1> + app 1.0.0 (hub)
    1> + lib 1.0.0 (hub)
    1> + registry hub, root key [hub root key]
    2> error: the installation is not as `set.leah` says
    2> hint: `leahpm sync set.leah` makes it so
    exit 3
    ");
    insta::assert_snapshot!(user.run(&["sync", "set.leah"]), @"
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(lock_of(&user), lock_of(&author));
    insta::assert_snapshot!(user.run(&["sync", "set.leah"]), @"
    2> Everything is as `set.leah` says; nothing changed.
    exit 0
    ");
    user.run(&["verify"]).ok();
    user.assert_no_leftovers();
}

#[test]
fn a_bundle_is_no_consent_to_the_registries_that_it_carries() {
    let (_author, hub, user) = bundled();
    fs::remove_dir_all(&hub.folder).unwrap();
    let refused = user.run(&["sync", "set.leah", "--locked"]);
    insta::assert_snapshot!(refused, @"
    2> error: the lock brings registry `hub` at `set.leah`, and nobody agreed to its root key `[hub root key]` here
    2> hint: if you know that key to be the right one, run `leahpm sync set.leah --locked --key [hub root key]`
    exit 8
    ");
    assert!(!user.home().exists());
    insta::assert_snapshot!(user.run_hint(&refused), @"
    2> Registry hub is not added, since the lock does not say where it is; `leahpm registry add` adds it.
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    // Nobody knows where it is, so it was not added, but what it showed is remembered.
    assert!(!user.path("home/registries.yaml").exists());
    assert!(user.path("home/registries/hub").exists());
    user.assert_no_leftovers();
}

#[test]
fn a_bundle_of_a_server_s_registry_adds_it_and_asks_no_server() {
    let (author, hub, server) = http::served();
    http::add(&author, &hub, &server.url());
    author.run(&["install", "alpha"]).ok();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    let user = stranger(&hub, &author.read("set.leah"));
    user.redact(server.url(), "[URL]");
    drop(server);
    insta::assert_snapshot!(user.run(&["sync", "set.leah"]), @"
    2> error: the lock brings registry `hub` at `[URL]`, and nobody agreed to its root key `[hub root key]` here
    2> hint: if you know that key to be the right one, run `leahpm sync set.leah --key [hub root key]`
    exit 8
    ");
    let key = hub.root_key().to_string();
    insta::assert_snapshot!(user.run(&["sync", "set.leah", "--key", &key, "--frozen"]), @"
    2> + registry hub at [URL], root key [hub root key]
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(user.run(&["registry", "list", "--json"]).json()["registries"][1]["name"], "hub");
    assert!(!user.path("cache").exists());
}

#[test]
fn a_bundle_of_a_lock_of_a_newer_revision_is_installed_with_a_warning() {
    let (author, hub, user) = bundled();
    let newer = lock_of(&author).replacen("format: 1\n", "format: 1\nrevision: 7\nnew: {}\n", 1);
    author.write("leah.lock", newer);
    author.run(&["bundle", "-o", "newer.leah", "leah.lock"]).ok();
    user.write("set.leah", author.read("newer.leah"));
    hub.add(&user);
    insta::assert_snapshot!(user.run(&["sync", "set.leah"]), @"
    2> warning: `set.leah` is of revision 7, and this leahpm knows revision 0: what it does not know is left out
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
}

#[test]
fn grants_of_a_bundle_are_asked_for() {
    let (author, hub) = installed();
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    author.run(&["install", "mail", "--grant", "all"]).ok();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    let user = stranger(&hub, &author.read("set.leah"));
    hub.add(&user);
    let refused = user.run(&["sync", "set.leah"]);
    insta::assert_snapshot!(refused, @"
    2> error: the lock grants what nobody agreed to here:
    2>   mail: use_model (ask your chat model)
    2> hint: to agree, run `leahpm sync set.leah --grant mail:use_model`
    2> hint: `leahpm sync set.leah --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    user.run_second_hint(&refused).ok();
    assert_eq!(user.live_line(), "app 1.0.0, lib 1.0.0, mail 1.0.0");
}

#[test]
fn a_bundle_with_another_root_is_refused() {
    let (_author, _hub, user) = bundled();
    TestRegistry::at(&user, "hub", "fake").publish_all(&[("lib", "1.0.0")]).add(&user);
    let before = user.tree();
    insta::assert_snapshot!(user.run(&["sync", "set.leah", "--locked"]), @"
    2> error: the lock says that the root key of registry `hub` is `[hub root key]`, but it is `[fake root key]` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
    assert_eq!(user.tree(), before);
}

#[test]
fn a_registry_that_a_bundle_brought_keeps_its_root_though_it_was_never_added() {
    let (_author, hub, user) = bundled();
    let key = hub.root_key().to_string();
    user.run(&["sync", "set.leah", "--key", &key]).ok();
    let fake = TestRegistry::at(&user, "hub", "fake").root_key().to_string();
    user.write("leah.lock", lock_of(&user).replace(&key, &fake));
    let before = user.tree();
    insta::assert_snapshot!(user.run(&["sync", "--locked"]), @"
    2> error: the lock says that the root key of registry `hub` is `[fake root key]`, but what is installed came with `[hub root key]`
    2> hint: ask whoever made the lock which key is the right one; `leahpm export` shows what is installed
    exit 7
    ");
    assert_eq!(user.tree(), before);
}

#[test]
fn a_bundle_from_before_what_was_seen_is_refused() {
    let (_author, hub, user) = bundled();
    hub.add_as_default(&user);
    user.run(&["install", "lib"]).ok();
    revoke(&hub, "app", 1);
    user.run(&["update"]).ok();
    let before = user.tree();
    insta::assert_snapshot!(user.run(&["sync", "set.leah", "--locked"]), @"
    2> error: the bundle `set.leah` is too old
    2> caused by: registry `hub` shows state 1.3, but 1.4 was seen before: it is older than it should be
    2> hint: `leahpm bundle -o FILE` makes a new one where the registry can be reached
    exit 7
    ");
    assert_eq!(user.tree(), before);
}

#[test]
fn no_byte_of_a_bundle_can_turn_unnoticed() {
    let (_author, hub, user) = bundled();
    hub.add(&user);
    let bundle = user.read("set.leah");
    // A place in each part, and more: headers, the lock, the head, objects, archives, padding.
    for at in (0..bundle.len()).step_by(211) {
        let mut changed = bundle.clone();
        changed[at] ^= 1;
        user.write("set.leah", &changed);
        let output = user.run(&["sync", "set.leah", "--locked"]);
        if output.code == 0 {
            // Of what this installation has no use for, such as a signature beside its archive, nothing is read.
            user.run(&["verify"]).ok();
            user.run(&["uninstall", "app"]).ok();
        } else {
            assert!([7, 13].contains(&output.code), "byte {at}: {output}");
        }
        assert_eq!(user.live_line(), "", "byte {at}: {output}");
    }
}
