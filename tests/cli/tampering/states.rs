//! States of a registry: older ones served again, two mixed, another registry's in its place, two under one
//! number, one past its time.

use std::fs;

use super::Scene;
use crate::{
    fixture::{HEAD_LIFETIME, PackageSpec, TestRegistry, now},
    sandbox::Sandbox,
};

#[test]
fn a_registry_put_back_to_an_older_state_is_refused_with_both_states() {
    let scene = Scene::new();
    let older = scene.copy_of(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    scene.run(&["update"]).ok();
    older.put_back_all(&scene.hub);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: registry `hub` shows state 1.2, but 1.3 was seen before: it is older than it should be
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    scene.refuses_to_install(7, "keeper@1.0.0");
    // What is installed does not depend on what is served.
    assert_eq!(scene.sandbox.live_line(), "keeper 1.1.0");
    scene.run(&["verify"]).ok();
    scene.run(&["rollback"]).ok();
}

#[test]
fn a_registry_cannot_go_back_behind_what_it_showed_when_it_was_added() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.offer(&PackageSpec::new("keeper", "1.0.0"));
    let scene = Scene { sandbox, hub };
    let older = scene.copy_of(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    scene.hub.add_as_default(&scene.sandbox);
    older.put_back_all(&scene.hub);
    insta::assert_snapshot!(scene.convicts(&["install", "keeper"]), @"
    error: registry `hub` shows state 1.2, but 1.3 was seen before: it is older than it should be
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn an_old_head_over_new_objects_is_refused() {
    let scene = Scene::new();
    let older = scene.copy_of(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    scene.run(&["update"]).ok();
    older.put_back(&scene.hub, "head");
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: registry `hub` shows state 1.2, but 1.3 was seen before: it is older than it should be
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn an_old_record_under_a_new_head_is_refused() {
    let scene = Scene::new();
    let old = scene.hub.read(&scene.hub.record_path("keeper"));
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    scene.hub.write(&scene.hub.record_path("keeper"), old);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]");
}

#[test]
fn a_new_head_without_its_objects_is_refused() {
    let scene = Scene::new();
    let older = scene.copy_of(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    let head = scene.hub.read("head");
    older.put_back_all(&scene.hub);
    scene.hub.write("head", head);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"error: `[DIR]/hub` lacks `objects/[sha256]`");
}

#[test]
fn two_states_under_one_number_are_refused() {
    let scene = Scene::new();
    let common = scene.copy_of(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.1.0"));
    scene.run(&["update"]).ok();
    // The same keys sign another story under the same number, as for somebody else.
    common.put_back_all(&scene.hub);
    scene.hub.offer(&PackageSpec::new("keeper", "1.2.0"));
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: registry `hub` shows another state 1.3 than the one that was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn another_registry_in_its_place_is_refused() {
    let scene = Scene::new();
    let thief = TestRegistry::at(&scene.sandbox, "hub", "thief");
    thief.offer(&PackageSpec::new("keeper", "2.0.0"));
    scene.copy_of(&thief).put_back_all(&scene.hub);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: root 1 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: signed with another key: [thief root key id], expected [hub root key id] (`[hub root key]`)
    ");
}

#[test]
fn another_registry_of_the_same_people_is_refused_in_its_place() {
    let scene = Scene::new();
    // The same root key, but a registry of another name: its packages are not meant for this one.
    let mut root = scene.hub.first_root();
    root.origin = "bub".parse().unwrap();
    scene.hub.write("root/1", root.sign(&scene.hub.root_key).unwrap());
    scene.hub.change_head(|head| (head.origin, head.serial) = ("bub".parse().unwrap(), head.serial + 1));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"error: the registry calls itself `bub`, not `hub`");
}

#[test]
fn the_head_of_another_registry_with_the_same_index_key_is_refused() {
    let scene = Scene::new();
    scene.hub.change_head(|head| (head.origin, head.serial) = ("bub".parse().unwrap(), head.serial + 1));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is of the registry `bub`, not of `hub`
    ");
}

#[test]
fn a_head_signed_with_another_key_is_refused() {
    let scene = Scene::new();
    let mut head = scene.hub.head();
    head.serial += 1;
    scene.hub.write("head", head.sign(&scene.hub.publisher).unwrap());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: signed with another key: [hub publisher key id], expected [hub index key id] (`[hub index key]`)
    ");
}

#[test]
fn a_root_signed_with_the_index_key_is_refused() {
    let scene = Scene::new();
    let mut root = scene.hub.first_root();
    root.serial = 2;
    root.next_root_key = scene.hub.index_key.public();
    scene.hub.write("root/2", root.sign(&scene.hub.index_key).unwrap());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: root 2 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: signed with another key: [hub index key id], expected [hub root key id] (`[hub root key]`)
    ");
}

#[test]
fn a_root_left_out_of_the_chain_is_refused() {
    let scene = Scene::new();
    let first = scene.hub.first_root();
    let mut third = first;
    third.serial = 3;
    scene.hub.write("root/2", third.sign(&scene.hub.root_key).unwrap());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: root 2 of the registry is not valid
    caused by: root 3 does not follow root 1
    ");
}

#[test]
fn a_newest_root_held_back_is_noticed_by_the_head() {
    let scene = Scene::new();
    let mut second = scene.hub.first_root();
    (second.serial, second.epoch) = (2, 2);
    scene.hub.write("root/2", second.sign(&scene.hub.root_key).unwrap());
    scene.hub.change_head(|head| (head.root, head.epoch, head.serial) = (2, 2, 1));
    scene.run(&["update"]).ok();
    fs::remove_file(scene.hub.path("root/2")).unwrap();
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head names root 2 as the newest, which is root 1
    hint: its people may be changing keys just now; run the command again in a while
    ");
}

#[test]
fn a_smaller_serial_of_a_greater_epoch_is_newer_and_of_a_smaller_one_is_not() {
    let scene = Scene::new();
    let before = scene.copy_of(&scene.hub);
    let mut second = scene.hub.first_root();
    (second.serial, second.epoch) = (2, 2);
    scene.hub.write("root/2", second.sign(&scene.hub.root_key).unwrap());
    scene.hub.change_head(|head| (head.root, head.epoch, head.serial) = (2, 2, 1));
    scene.run(&["update"]).ok();
    before.put_back_all(&scene.hub);
    scene.hub.change_head(|head| head.serial = 1_000);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: root 2 of registry `hub` is missing or another one than was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn a_head_past_its_time_is_refused_with_how_long_and_what_helps() {
    let scene = Scene::new();
    scene.hub.change_head(|head| (head.expires, head.serial) = (now() - 3 * 24 * 3600 - 60, head.serial + 1));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` expired 3 days ago
    hint: its people publish a new head with `leah-registry refresh`; then run the command again
    ");
    // What is installed goes on working.
    scene.run(&["verify"]).ok();
    scene.run(&["disable", "keeper"]).ok();
}

#[test]
fn a_root_past_its_time_is_refused() {
    let scene = Scene::new();
    let mut root = scene.hub.first_root();
    root.expires = now() - 2 * 24 * 3600;
    scene.forget_what_was_seen();
    scene.hub.write("root/1", root.sign(&scene.hub.root_key).unwrap());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the root of registry `hub` expired 2 days ago
    hint: its people sign a new root with the root key; then run the command again
    ");
}

#[test]
fn a_head_that_would_outlive_its_root_s_rule_is_refused() {
    let scene = Scene::new();
    let expires = 4_000_000_000 + HEAD_LIFETIME;
    scene.hub.change_head(|head| (head.expires, head.serial) = (expires, head.serial + 1));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head expires at 4002592000, later than the 2592000 seconds that the root allows
    ");
}

#[test]
fn the_record_of_another_name_served_under_this_one_is_refused() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("evil", "1.0.0"));
    let evil = scene.hub.record_text("evil");
    scene.hub.serve_record("friend", evil.as_bytes());
    insta::assert_snapshot!(scene.refuses_to_install(7, "friend"), @"
    error: the record of `friend` in registry `hub` is not valid
    caused by: line 1 of the record of `friend` is refused
    caused by: the change of owners does not count
    caused by: the owner line is not signed as it must be
    caused by: the signature is for the plugin `evil`, not for `friend`
    ");
}

#[test]
fn the_archive_of_another_version_in_its_place_is_refused() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    scene.hub.offer(&PackageSpec::new("notes", "1.1.0").file("new.txt", "more"));
    let archive = |version: &str| fs::read(scene.hub.archive_path("notes", version)).unwrap();
    let (old, new) = (archive("1.0.0"), archive("1.1.0"));
    fs::write(scene.hub.archive_path("notes", "1.1.0"), &old).unwrap();
    let error = scene.refuses_to_install(7, "notes");
    let sizes = format!("the archive has {} bytes, the index says {}", old.len(), new.len());
    assert_eq!(error, format!("error: refused `notes` 1.1.0 of registry `hub`\ncaused by: {sizes}\n"));
}
