//! Locks that say something else than the registries: every field, one at a time.

use leah_plugin::{
    digest::Digest,
    key::SecretKey,
    lock::{Lock, Locked},
    manifest::{PermissionKind, Scope},
};

use super::Team;
use crate::{
    fixture::{PackageSpec, TestRegistry},
    publishers,
};

/// The user has `lib` already; the lock names `app`, `lib` and `mail`, and something of `mail` was changed.
#[track_caller]
fn refuses(code: i32, change: impl FnOnce(&mut Locked)) -> String {
    let team = Team::new();
    team.user.run(&["install", "lib"]).ok();
    team.hub.publish(&PackageSpec::new("mail", "1.1.0").permission("use_model"));
    let text = team.lock(&["app", "mail@1.0.0"]);
    team.hand_changed(&text, |lock| change(lock.plugins.get_mut("mail").unwrap()));
    let refused = team.refused(&["sync", "--locked"]);
    // A hint, not the registry, says what else could be done.
    refused.fails(code).lines().next().unwrap().to_owned()
}

#[test]
fn no_field_of_a_package_can_be_another_than_the_index_has() {
    let differs = |field: &str, change: fn(&mut Locked)| {
        let expect =
            format!("error: `{field}` of `mail` 1.0.0 in the lock differs from what registry `hub` says");
        assert_eq!(refuses(7, change), expect);
    };
    differs("sha256", |mail| mail.sha256 = Digest::of(b"other"));
    differs("content", |mail| mail.content = Digest::of(b"other"));
    differs("size", |mail| mail.size += 1);
    differs("key", |mail| mail.key = SecretKey::generate().unwrap().public());
    differs("owner", |mail| mail.owner = Digest::of(b"other"));
    differs("dependencies", |mail| {
        mail.dependencies.insert("lib".parse().unwrap(), "^1".parse().unwrap());
    });
}

#[test]
fn no_version_can_be_put_in_place_of_the_one_that_was_locked() {
    insta::assert_snapshot!(refuses(7, |mail| mail.version = "1.1.0".parse().unwrap()), @"error: `sha256` of `mail` 1.1.0 in the lock differs from what registry `hub` says");
    insta::assert_snapshot!(refuses(5, |mail| mail.version = "9.0.0".parse().unwrap()), @"error: registry `hub` has no `mail` 9.0.0");
}

#[test]
fn no_permission_can_be_slipped_in_or_left_out() {
    let read = (PermissionKind::ReadMessages, Scope::Bare);
    insta::assert_snapshot!(refuses(13, |mail| drop(mail.granted.insert(read.0, read.1.clone()))), @"error: the lock says of `mail` 1.0.0 whether it is granted `read_messages`, for which it does not ask");
    insta::assert_snapshot!(refuses(13, |mail| drop(mail.denied.insert(read.0, read.1.clone()))), @"error: the lock says of `mail` 1.0.0 whether it is granted `read_messages`, for which it does not ask");
    insta::assert_snapshot!(refuses(8, |mail| mail.granted = Default::default()), @"error: the lock does not say whether `mail` 1.0.0 is granted `use_model`");
}

#[test]
fn what_a_lock_has_by_hand_is_told_with_what_to_do() {
    let team = Team::new();
    let text = team.lock(&["mail"]);
    team.hand_changed(&text, |lock| lock.plugins.get_mut("mail").unwrap().size = 1);
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `size` of `mail` 1.0.0 in the lock differs from what registry `hub` says
    2> hint: the lock was changed, or made from another registry of that name; ask whoever made the lock for a new one
    exit 7
    ");
    team.hand_changed(&text, |lock| lock.plugins.get_mut("mail").unwrap().granted = Default::default());
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: the lock does not say whether `mail` 1.0.0 is granted `use_model`
    2> hint: ask whoever made the lock for a new one
    exit 8
    ");
    team.hand_changed(&text, |lock| lock.plugins.get_mut("mail").unwrap().version = "9.0.0".parse().unwrap());
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: registry `hub` has no `mail` 9.0.0
    2> hint: `leahpm info hub/mail` shows the versions that there are
    exit 5
    ");
}

/// A lock in which the packages of one registry are said to be of another one.
fn of_another_registry(lock: &mut Lock, names: &[&str]) {
    for name in names {
        lock.plugins.get_mut(*name).unwrap().registry = "other".parse().unwrap();
    }
}

#[test]
fn no_package_comes_from_another_registry_than_the_one_that_has_it() {
    let team = Team::new();
    let other = TestRegistry::new(&team.author, "other");
    other.publish(&PackageSpec::new("mail", "1.0.0").description("Not the same").permission("use_model"));
    other.publish(&PackageSpec::new("lib", "1.0.0").description("Not the same"));
    other.add(&team.user).add(&team.author);
    let mut lock = team.lock(&["app", "mail"]);
    team.author.run(&["install", "other/mail", "--yes", "--grant", "all"]).ok();
    lock = {
        drop(lock);
        super::lock_of(&team.author)
    };
    team.author.run(&["install", "hub/mail", "--yes", "--grant", "all"]).ok();
    let with_other = Lock::read(lock.as_bytes()).unwrap();
    let text = super::lock_of(&team.author);
    let add_registry = |lock: &mut Lock| lock.registries.extend(with_other.registries.clone());
    team.hand_changed(&text, |lock| {
        add_registry(lock);
        of_another_registry(lock, &["mail"]);
    });
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `sha256` of `mail` 1.0.0 in the lock differs from what registry `other` says
    2> hint: the lock was changed, or made from another registry of that name; ask whoever made the lock for a new one
    exit 7
    ");
    // What a plugin needs comes from its own registry and from nowhere else.
    team.hand_changed(&text, |lock| {
        add_registry(lock);
        of_another_registry(lock, &["lib"]);
    });
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: in the lock `app` of registry `hub` needs `lib`, which comes from registry `other`
    2> hint: ask whoever made the lock for a new one
    exit 13
    ");
}

#[test]
fn what_is_on_has_what_it_needs_on() {
    let team = Team::new();
    let text = team.lock(&["app"]);
    team.hand_changed(&text, |lock| lock.plugins.get_mut("lib").unwrap().enabled = false);
    insta::assert_snapshot!(team.refused(&["sync"]), @"
    2> error: in the lock `app` is switched on and needs `lib`, which is switched off
    2> hint: ask whoever made the lock for a new one
    exit 13
    ");
}

#[test]
fn two_plugins_with_one_tool_are_refused() {
    let team = Team::new();
    team.hub.publish(&PackageSpec::new("one", "1.0.0").tool("translate"));
    team.hub.publish(&PackageSpec::new("two", "1.0.0").tool("translate"));
    team.author.run(&["install", "one"]).ok();
    team.author.run(&["disable", "one"]).ok();
    let text = team.lock(&["two"]);
    team.hand_changed(&text, |lock| lock.plugins.get_mut("one").unwrap().enabled = true);
    insta::assert_snapshot!(team.refused(&["sync"]), @"
    2> error: `one` and `two` both offer the tool `translate`
    2> hint: the lock has to switch one of them off, or leave it out
    exit 5
    ");
    // The same where one of them is there already.
    team.hand(&text);
    team.sync().ok();
    team.hand_changed(&text, |lock| lock.plugins.get_mut("one").unwrap().enabled = true);
    insta::assert_snapshot!(team.refused(&["sync"]), @"
    2> error: `two` and `one` both offer the tool `translate`
    2> hint: the lock has to switch one of them off, or leave it out
    exit 5
    ");
}

#[test]
fn a_plugin_that_is_there_gets_no_grants_beyond_what_it_asks_for() {
    let team = Team::new();
    let text = team.lock(&["mail"]);
    team.sync().ok();
    team.hand_changed(&text, |lock| {
        let mail = lock.plugins.get_mut("mail").unwrap();
        mail.granted.insert(PermissionKind::ReadMessages, Scope::Bare).unwrap();
    });
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: the lock says of `mail` 1.0.0 whether it is granted `read_messages`, for which it does not ask
    2> hint: ask whoever made the lock for a new one
    exit 13
    ");
    team.hand_changed(&text, |lock| lock.plugins.get_mut("mail").unwrap().granted = Default::default());
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: the lock does not say whether `mail` 1.0.0 is granted `use_model`
    2> hint: ask whoever made the lock for a new one
    exit 8
    ");
}

#[test]
fn a_version_whose_key_was_revoked_since_is_refused() {
    let team = Team::new();
    team.lock(&["mail"]);
    publishers::revoke(&team.hub, "mail", 1);
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `mail` 1.0.0 of registry `hub` is signed with a key that was revoked
    2> hint: ask whoever made the lock for one with a version of `mail` that was not revoked
    exit 7
    ");
}
