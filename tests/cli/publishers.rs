//! What is told when a publisher changes, and what becomes of versions whose key was revoked.

use std::fs;

use leah_plugin::{
    key::SecretKey,
    record::{Line, OwnerLine, RevokeLine, Signer},
};

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// Gives `notes` to new keys; `key` signs that.
pub fn give(hub: &TestRegistry, keys: &[&SecretKey], signer: (Signer, &SecretKey)) {
    give_name(hub, "notes", keys, signer);
}

/// Gives a name that the publisher has to a new key.
pub fn give_to(hub: &TestRegistry, name: &str, heir: &SecretKey) {
    give_name(hub, name, &[heir], (Signer::Publisher, &hub.publisher));
}

fn give_name(hub: &TestRegistry, plugin: &str, keys: &[&SecretKey], (signer, key): (Signer, &SecretKey)) {
    let name = plugin.parse().unwrap();
    let change = hub.begin();
    let previous = change.record(&name).unwrap().unwrap().owner().digest;
    drop(change);
    hub.add_line(plugin, |serial| {
        let keys = keys.iter().map(|key| key.public()).collect();
        let line = OwnerLine::sign(keys, (&hub.origin, &name, Some(previous)), (signer, key), serial);
        Line::Owner(line.unwrap())
    });
}

/// Revokes the publisher's key from this serial on.
pub fn revoke(hub: &TestRegistry, name: &str, from: u64) {
    let key = hub.publisher.public();
    hub.add_line(name, |serial| Line::Revoke(RevokeLine { key, from, serial }));
}

/// `notes` 1.0.0, installed.
fn notes() -> (Sandbox, TestRegistry, SecretKey) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("notes", "1.0.0")]);
    sandbox.run(&["install", "notes"]).ok();
    let heir = SecretKey::generate().unwrap();
    sandbox.redact(heir.public().id(), "[heir's key id]");
    (sandbox, hub, heir)
}

#[test]
fn an_update_tells_of_a_publisher_who_gave_the_name_away() {
    let (sandbox, hub, heir) = notes();
    give(&hub, &[&heir], (Signer::Publisher, &hub.publisher));
    hub.publish_signed_by(&heir, &PackageSpec::new("notes", "1.1.0"));
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> the publisher of `notes` in registry `hub` changed: key [heir's key id] is new, key [hub publisher key id] is gone; the publisher before signed that with key [hub publisher key id]
    2> ~ notes 1.0.0 -> 1.1.0
    2> ~ notes publisher changed
    2> Generation 2 is live.
    exit 0
    ");
    // It is pinned now, and no news any more.
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
}

#[test]
fn an_update_tells_of_a_key_that_the_registry_s_root_replaced() {
    let (sandbox, hub, heir) = notes();
    give(&hub, &[&heir], (Signer::Root, &hub.root_key));
    insta::assert_snapshot!(sandbox.run(&["update", "--dry-run"]), @"
    1> ~ notes publisher changed
    2> the publisher of `notes` in registry `hub` changed: key [heir's key id] is new, key [hub publisher key id] is gone; the root of the registry, as for a lost key, signed that with key [hub root key id]
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> the publisher of `notes` in registry `hub` changed: key [heir's key id] is new, key [hub publisher key id] is gone; the root of the registry, as for a lost key, signed that with key [hub root key id]
    2> ~ notes publisher changed
    2> Generation 2 is live.
    exit 0
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn an_install_tells_of_a_publisher_who_changed_since_the_plugin_was_taken_out() {
    let (sandbox, hub, heir) = notes();
    sandbox.run(&["uninstall", "notes"]).ok();
    give(&hub, &[&hub.publisher, &heir], (Signer::Publisher, &hub.publisher));
    give(&hub, &[&heir], (Signer::Publisher, &heir));
    insta::assert_snapshot!(sandbox.run(&["install", "notes"]), @"
    2> the publisher of `notes` in registry `hub` changed: key [heir's key id] is new; the publisher before signed that with key [hub publisher key id]
    2> the publisher of `notes` in registry `hub` changed: key [hub publisher key id] is gone; the publisher before signed that with key [heir's key id]
    2> + notes 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
}

#[test]
fn an_update_leaves_a_version_whose_key_was_revoked_and_says_so() {
    let (sandbox, hub, _) = notes();
    hub.publish_all(&[("notes", "1.1.0"), ("other", "1.0.0")]);
    sandbox.run(&["update"]).ok();
    // Serial 2 brought 1.0.0, serial 3 brought 1.1.0.
    revoke(&hub, "notes", 3);
    insta::assert_snapshot!(sandbox.run(&["install", "other"]), @"
    2> `notes` 1.1.0 is signed with a key that was revoked since it was installed; another version takes its place
    2> ~ notes 1.1.0 -> 1.0.0
    2> + other 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "notes 1.0.0, other 1.0.0");
}

#[test]
fn a_revoked_version_without_another_is_refused_with_the_command_that_takes_it_out() {
    let (sandbox, hub, _) = notes();
    hub.publish_all(&[("other", "1.0.0")]);
    revoke(&hub, "notes", 1);
    let before = sandbox.tree();
    let refused = sandbox.run(&["install", "other"]);
    insta::assert_snapshot!(refused, @"
    2> error: `notes` 1.0.0, the only version that there is, is signed with a revoked key
    2> hint: after `leahpm uninstall notes`, `leahpm install other` would work, with other 1.0.0
    2> hint: `leahpm info notes` shows all its versions
    exit 7
    ");
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> error: `notes` 1.0.0, the only version that there is, is signed with a revoked key
    2> hint: `leahpm uninstall notes` takes it out
    2> hint: `leahpm info notes` shows all its versions
    exit 7
    ");
    assert_eq!(sandbox.tree(), before);
    sandbox.run_hint(&refused).ok();
    sandbox.run(&["install", "other"]).ok();
    assert_eq!(sandbox.live_line(), "other 1.0.0");
}

#[test]
fn a_revoked_version_that_another_plugin_needs_is_taken_out_with_that() {
    let (sandbox, hub, _) = notes();
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("notes", "^1"));
    sandbox.run(&["install", "app"]).ok();
    revoke(&hub, "notes", 1);
    let refused = sandbox.run(&["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `notes` 1.0.0, the only version that there is, is signed with a revoked key
    2> hint: `leahpm uninstall app notes` takes them out
    2> hint: `leahpm info notes` shows all its versions
    exit 7
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn a_revoked_version_that_is_held_is_told_with_the_command_that_lets_it_go() {
    let (sandbox, hub, _) = notes();
    sandbox.run(&["hold", "notes"]).ok();
    hub.publish_all(&[("notes", "1.1.0")]);
    let key = SecretKey::generate().unwrap();
    give(&hub, &[&key], (Signer::Publisher, &hub.publisher));
    hub.publish_signed_by(&key, &PackageSpec::new("notes", "1.2.0"));
    revoke(&hub, "notes", 1);
    let refused = sandbox.run(&["update"]);
    insta::assert_snapshot!(sandbox.redacted(&refused.stderr), @"
    error: no version of `notes` can be used: 1.0.0 to 1.1.0 are signed with a revoked key; 1.2.0 is ruled out, since 1.0.0 is held
    hint: after `leahpm unhold notes`, `leahpm update` would work, with notes 1.2.0
    hint: `leahpm uninstall notes` takes it out
    hint: `leahpm info notes` shows all its versions
    ");
    assert_eq!(refused.code, 7);
    sandbox.run_hint(&refused).ok();
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "notes 1.2.0");
}

#[test]
fn a_repair_does_not_fetch_a_version_whose_key_was_revoked() {
    let (sandbox, hub, _) = notes();
    revoke(&hub, "notes", 1);
    let entry = sandbox.layout().entry(&sandbox.locked("notes").entry(&"notes".parse().unwrap()));
    let manifest = entry.join("plugin.yaml");
    fs::remove_file(&manifest).unwrap();
    fs::write(&manifest, "damaged").unwrap();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair"]), @"
    2> error: `notes` 1.0.0 of registry `hub` is signed with a key that was revoked
    2> hint: `leahpm uninstall notes` takes it out
    exit 7
    ");
    assert_eq!(sandbox.tree(), before);
}
