//! What a lock cannot talk anybody into, and what it may still have: keys that are trusted here, hosts, holds, yanks,
//! heads past their time.

use leah_plugin::key::SecretKey;

use super::{Team, lock_of};
use crate::{
    fixture::{PackageSpec, TestRegistry},
    http::questions::expire,
    publishers::give_to,
    sandbox::Sandbox,
};

#[test]
fn a_lock_with_another_root_key_than_the_one_that_is_trusted_here_is_refused() {
    let team = Team::new();
    team.lock(&["app"]);
    let stranger = Sandbox::new();
    team.redact(&stranger);
    TestRegistry::at(&stranger, "hub", "fake").publish_all(&[("lib", "1.0.0")]).add(&stranger);
    stranger.write("leah.lock", lock_of(&team.author));
    let before = stranger.tree();
    insta::assert_snapshot!(stranger.run(&["sync", "--locked"]), @"
    2> error: the lock says that the root key of registry `hub` is `[hub root key]`, but it is `[fake root key]` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
    assert_eq!(stranger.tree(), before);
}

#[test]
fn a_root_key_that_was_handed_over_is_the_one_that_is_trusted_here() {
    let team = Team::new();
    let next = SecretKey::generate().unwrap();
    let mut second = team.hub.first_root();
    (second.serial, second.next_root_key) = (2, next.public());
    team.hub.write("root/2", second.sign(&team.hub.root_key).unwrap());
    team.hub.change_head(|head| (head.root, head.serial) = (2, head.serial + 1));
    team.author.run(&["install", "lib"]).ok();
    // Who added the registry later begins with the newer key.
    let text = lock_of(&team.author);
    team.hand_changed(&text, |lock| lock.registries.get_mut("hub").unwrap().root_key = next.public());
    insta::assert_snapshot!(team.sync(), @"
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(lock_of(&team.user).as_bytes(), team.user.read("leah.lock"));
}

#[test]
fn the_root_key_of_what_is_compiled_in_is_no_matter_of_a_lock() {
    let team = Team::new();
    team.author.run(&["install", "bundled/hello-world", "--grant", "all"]).ok();
    let text = lock_of(&team.author);
    let key = SecretKey::generate().unwrap().public();
    team.user.redact(key, "[another key]");
    team.hand_changed(&text, |lock| lock.registries.get_mut("bundled").unwrap().root_key = key);
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: the lock says that the root key of registry `bundled` is `[another key]`, but it is `RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
    team.hand_changed(&text, |lock| {
        lock.plugins.get_mut("hello-world").unwrap().version = "9.0.0".parse().unwrap();
    });
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `hello-world` 9.0.0 of registry `bundled` needs a newer leahpm
    2> hint: ask whoever made the lock for one with a version of `hello-world` that this leahpm can read
    exit 10
    ");
    team.hand(&text);
    team.sync().ok();
}

#[test]
fn what_is_made_for_a_newer_host_is_refused() {
    let team = Team::new();
    team.hub.publish(&PackageSpec::new("late", "1.0.0").host(">=0.2"));
    team.author.run(&["install", "late", "--host-version", "0.2.0"]).ok();
    team.hand(&lock_of(&team.author));
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `late` 1.0.0 is for leah-host >=0.2, this one is 0.1.0
    2> hint: ask whoever made the lock for one with a version of `late` that fits
    exit 10
    ");
    insta::assert_snapshot!(team.user.run(&["sync", "--host-version", "0.2.0"]), @"
    2> + late 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    // It is there; for which host it was is not asked again.
    insta::assert_snapshot!(team.sync(), @"
    2> Everything is as `leah.lock` says; nothing changed.
    exit 0
    ");
}

#[test]
fn what_is_held_here_does_not_move() {
    let team = Team::new();
    team.user.run(&["install", "lib"]).ok();
    team.user.run(&["hold", "lib"]).ok();
    team.hub.publish_all(&[("lib", "1.1.0")]);
    team.lock(&["app"]);
    let refused = team.refused(&["sync", "--locked"]);
    insta::assert_snapshot!(refused, @"
    2> error: `lib` is held at 1.0.0
    2> hint: `leahpm unhold lib` lets it move
    exit 9
    ");
    team.lock(&["lib@1.0.0", "mail"]);
    team.author.run(&["uninstall", "lib", "app"]).ok();
    team.hand(&lock_of(&team.author));
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `lib` is held at 1.0.0
    2> hint: `leahpm unhold lib` lets it move
    exit 9
    ");
    team.user.run_hint(&refused).ok();
    team.sync().ok();
    assert_eq!(team.user.live_line(), "mail 1.0.0");
}

#[test]
fn a_hold_of_the_lock_comes_along() {
    let team = Team::new();
    team.author.run(&["install", "app"]).ok();
    team.author.run(&["hold", "lib"]).ok();
    team.hand(&lock_of(&team.author));
    insta::assert_snapshot!(team.sync(), @"
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(lock_of(&team.user), lock_of(&team.author));
    assert!(team.user.locked("lib").held);
}

#[test]
fn a_version_that_was_yanked_since_is_installed() {
    let team = Team::new();
    team.lock(&["app"]);
    team.hub.yank("lib", "1.0.0");
    insta::assert_snapshot!(team.sync(), @"
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
}

#[test]
fn a_registry_past_its_time_still_has_what_the_lock_names() {
    let team = Team::new();
    let text = team.lock(&["app"]);
    expire(&team.hub);
    team.user.run(&["install", "app"]).fails(7);
    insta::assert_snapshot!(team.sync(), @"
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(lock_of(&team.user), text);
}

#[test]
fn a_name_that_was_given_away_since_is_installed_and_told() {
    let team = Team::new();
    team.lock(&["lib"]);
    team.user.run(&["install", "lib"]).ok();
    team.user.run(&["uninstall", "lib"]).ok();
    let heir = SecretKey::generate().unwrap();
    team.user.redact(heir.public().id(), "[heir's key id]");
    team.user.redact(team.hub.publisher.public().id(), "[hub publisher key id]");
    give_to(&team.hub, "lib", &heir);
    let pinned = || String::from_utf8(team.user.read("home/registries/hub")).unwrap();
    insta::assert_snapshot!(team.sync(), @"
    2> the publisher of `lib` in registry `hub` changed: key [heir's key id] is new, key [hub publisher key id] is gone; the publisher before signed that with key [hub publisher key id]
    2> + lib 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
    assert!(pinned().contains(&team.user.locked("lib").owner.to_string()));
    // Who has seen the new owner is not brought back to the one before by an old lock.
    team.author.run(&["update"]).ok();
    let newer = team.author.locked("lib").owner.to_string();
    let older = lock_of(&team.user);
    team.hand(&lock_of(&team.author));
    team.sync().ok();
    assert!(pinned().contains(&newer));
    team.hand(&older);
    team.sync().ok();
    assert!(pinned().contains(&newer));
}
