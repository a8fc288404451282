//! Keys that were stolen, lost, replaced, that are weak or past their time. The thief may also write to the
//! server; the people of the registry answer with the commands that they have for it. Here are the keys of the
//! registry itself.

mod publisher;
mod weak;

use std::{fs, path::Path};

use leah_plugin::{
    head::Head,
    key::SecretKey,
    record::{Line, OwnerLine, Record, Signer},
    root::Root,
};
use leah_registry::{
    rotate::{Epoch, Key, NewRoot, Rotation},
    serve::Server,
};

use crate::{
    fixture::{PackageSpec, TestRegistry, locking, now},
    http,
    sandbox::Sandbox,
    tampering::Scene,
};

const DAY: u64 = 24 * 3600;

/// A key that is shown as `[<word>]` and `[<word> id]`.
fn key(sandbox: &Sandbox, word: &str) -> SecretKey {
    let key = SecretKey::generate().unwrap();
    sandbox.redact(key.public(), &format!("[{word}]"));
    sandbox.redact(key.public().id(), &format!("[{word} id]"));
    key
}

/// What the people of the registry do about a key of theirs.
#[derive(Default)]
struct Change<'a> {
    root_key: Option<&'a SecretKey>,
    index_key: Option<&'a SecretKey>,
    new_epoch: bool,
}

fn rotate(hub: &TestRegistry, change: &Change) {
    let _locking = locking();
    let new = NewRoot {
        root_key: &hub.root_key,
        new_root_key: change.root_key,
        index_key: change.index_key.map_or(Key::Keep(&hub.index_key), Key::New),
        epoch: if change.new_epoch { Epoch::New } else { Epoch::Keep },
        head_lifetime: None,
        lifetime: 365 * DAY,
    };
    Rotation::begin(&hub.folder, now()).unwrap().run(&new).unwrap();
}

/// A new index key and a new epoch, since the key before was stolen; returns that one.
fn shut_out(hub: &mut TestRegistry, sandbox: &Sandbox) -> SecretKey {
    let new = key(sandbox, "new index key");
    rotate(hub, &Change { index_key: Some(&new), new_epoch: true, ..Change::default() });
    std::mem::replace(&mut hub.index_key, new)
}

/// Hands the root key over; returns the one before.
pub fn hand_over(hub: &mut TestRegistry, sandbox: &Sandbox) -> SecretKey {
    let new = key(sandbox, "new root key");
    rotate(hub, &Change { root_key: Some(&new), ..Change::default() });
    std::mem::replace(&mut hub.root_key, new)
}

/// The head as a thief of `index_key` changes and signs it.
fn forge_head(hub: &TestRegistry, index_key: &SecretKey, change: impl FnOnce(&mut Head)) {
    let mut head = hub.head();
    change(&mut head);
    hub.write("head", head.sign(index_key).unwrap());
}

/// The record of `notes` with an owner line on top, whoever signed it, served under a new head.
fn give_notes_to(hub: &TestRegistry, thief: &SecretKey, (signer, by): (Signer, &SecretKey)) {
    let text = hub.record_text("notes");
    let name = "notes".parse().unwrap();
    let owners = Record::read(text.as_bytes(), &hub.origin, &name, &hub.root_key()).unwrap();
    let of = (&hub.origin, &name, Some(owners.owner().digest));
    let line = OwnerLine::sign([thief.public()].into(), of, (signer, by), hub.head().serial + 1).unwrap();
    let line = serde_json::to_string(&Line::Owner(line)).unwrap();
    hub.serve_record("notes", format!("{text}{line}\n").as_bytes());
}

/// `keeper` and `notes` 1.0.0 are installed.
fn notes() -> Scene {
    let scene = Scene::new();
    scene.hub.publish_all(&[("notes", "1.0.0")]);
    scene.installs("notes");
    scene
}

#[test]
fn a_stolen_index_key_signs_nothing_more_that_counts_after_a_new_epoch() {
    let mut scene = notes();
    let old_root = scene.hub.read("root/1");
    let old_head = scene.hub.read("head");
    let stolen = shut_out(&mut scene.hub, &scene.sandbox);
    scene.run(&["update"]).ok();
    // The real head as the thief would like it, with the newest root and the newest epoch.
    let real = scene.hub.read("head");
    forge_head(&scene.hub, &stolen, |head| head.serial += 1);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: signed with another key: [hub index key id], expected [new index key id] (`[new index key]`)
    ");
    // All of yesterday, with the root of yesterday.
    scene.hub.write("head", &old_head);
    fs::remove_file(scene.hub.path("root/2")).unwrap();
    assert_eq!(scene.hub.read("root/1"), old_root);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: root 2 of registry `hub` is missing or another one than was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    let mut ahead = Head::read(&old_head, &stolen.public()).unwrap();
    ahead.serial = 1_000_000_000;
    scene.hub.write("head", ahead.sign(&stolen).unwrap());
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: root 2 of registry `hub` is missing or another one than was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    scene.hub.write("head", real);
}

#[test]
fn a_mirror_that_shows_what_a_stolen_index_key_signed_is_believed_by_nobody() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("notes", "1.0.0")]);
    let mut scene = Scene { sandbox, hub };
    let thief = TestRegistry::at(&scene.sandbox, "hub", "mirror");
    scene.copy_of(&scene.hub).put_back_all(&thief);
    let serve = |folder: &Path| Server::start(folder.to_owned(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let (server, mirror) = (serve(&scene.hub.folder), serve(&thief.folder));
    scene.sandbox.redact(server.url(), "[URL]");
    let key = scene.hub.root_key().to_string();
    let add =
        ["registry", "add", "hub", &server.url(), "--mirror", &mirror.url(), "--key", &key, "--default"];
    scene.run(&add).ok();
    scene.installs("notes");
    let stolen = shut_out(&mut scene.hub, &scene.sandbox);
    let mut head = Head::read(&thief.read("head"), &stolen.public()).unwrap();
    head.serial = 1_000_000_000;
    thief.write("head", head.sign(&stolen).unwrap());
    scene.hub.publish_all(&[("notes", "1.1.0")]);
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "notes 1.1.0");
    // Now the mirror is all that there is.
    drop(server);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: root 2 of registry `hub` is missing or another one than was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn a_fast_forwarded_serial_is_overtaken_by_a_new_epoch() {
    let mut scene = notes();
    let honest = scene.hub.read("head");
    forge_head(&scene.hub, &scene.hub.index_key, |head| head.serial = 1_000_000_000);
    scene.run(&["update"]).ok();
    // The thief is gone and the real state is back, which is older than what was seen.
    scene.hub.write("head", honest);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: registry `hub` shows state 1.3, but 1.1000000000 was seen before: it is older than it should be
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    shut_out(&mut scene.hub, &scene.sandbox);
    scene.hub.publish_all(&[("notes", "1.1.0")]);
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
}

#[test]
fn a_root_key_that_is_handed_over_is_followed_over_http_and_nobody_is_asked() {
    let sandbox = Sandbox::new();
    let mut hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("notes", "1.0.0")]);
    let server = Server::start(hub.folder.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    http::add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "notes"]).ok();
    let old = hand_over(&mut hub, &sandbox);
    hub.publish_all(&[("notes", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "notes 1.1.0");
    // A stranger with either key in hand.
    for key in [&old, &hub.root_key] {
        let other = Sandbox::new();
        let key = key.public().to_string();
        other.run(&["registry", "add", "hub", &server.url(), "--key", &key, "--default"]).ok();
        other.run(&["install", "notes"]).ok();
    }
}

#[test]
fn a_root_key_that_was_handed_over_gives_no_name_away() {
    let mut scene = notes();
    let old = hand_over(&mut scene.hub, &scene.sandbox);
    let thief = key(&scene.sandbox, "thief's key");
    // The thief has the index key as well.
    give_notes_to(&scene.hub, &thief, (Signer::Root, &old));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: the change of owners does not count
    caused by: signed by key [hub root key id] (`[hub root key]`), the root key of the registry is [new root key id] (`[new root key]`)
    ");
    // Not even to somebody who has never seen the name.
    scene.run(&["uninstall", "notes"]).ok();
    scene.refuses_to_install(7, "notes");
}

#[test]
fn an_owner_whom_the_root_named_is_still_the_owner_after_the_root_key_was_handed_over() {
    let mut scene = notes();
    let heir = key(&scene.sandbox, "heir's key");
    give_notes_to(&scene.hub, &heir, (Signer::Root, &scene.hub.root_key));
    hand_over(&mut scene.hub, &scene.sandbox);
    scene.hub.publish_signed_by(&heir, &PackageSpec::new("notes", "1.1.0"));
    // Who has seen none of it.
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
    // Who pins the new key and never saw the old one.
    let other = Sandbox::new();
    scene.hub.add_as_default(&other);
    other.run(&["install", "notes"]).ok();
}

/// A chain from the second root on that the thief of the old root key made: own index key, higher epoch.
fn forked_by(scene: &Scene, old: &SecretKey, thief: &SecretKey) {
    let first = scene.hub.first_root_by(old);
    let second = Root { serial: 2, epoch: 9, index_key: thief.public(), ..first };
    scene.hub.write("root/2", second.sign(old).unwrap());
    fs::remove_file(scene.hub.path("root/3")).unwrap();
    let head = Head {
        epoch: 9,
        root: 2,
        serial: scene.hub.head().serial + 1,
        expires: now() + DAY,
        ..scene.hub.head()
    };
    scene.hub.write("head", head.sign(thief).unwrap());
}

#[test]
fn a_root_key_that_was_handed_over_signs_no_other_chain() {
    let mut scene = notes();
    let old = hand_over(&mut scene.hub, &scene.sandbox);
    scene.run(&["update"]).ok();
    let thief = key(&scene.sandbox, "thief's key");
    forked_by(&scene, &old, &thief);
    insta::assert_snapshot!(scene.convicts(&["update"]), @"
    error: root 3 of registry `hub` is missing or another one than was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
}

#[test]
fn a_root_signed_with_a_key_that_was_handed_over_is_no_next_root() {
    let mut scene = notes();
    let old = hand_over(&mut scene.hub, &scene.sandbox);
    let first = scene.hub.first_root_by(&old);
    scene.hub.write("root/4", Root { serial: 4, ..first }.sign(&old).unwrap());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: root 4 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: signed with another key: [hub root key id], expected [new root key id] (`[new root key]`)
    ");
}

#[test]
fn an_expired_root_allows_nothing_new_until_it_is_renewed() {
    let scene = notes();
    scene.hub.publish_all(&[("other", "1.0.0")]);
    let root = Root { serial: 2, expires: now() - 3 * DAY, ..scene.hub.first_root() };
    scene.hub.write("root/2", root.sign(&scene.hub.root_key).unwrap());
    scene.hub.change_head(|head| (head.root, head.serial) = (2, head.serial + 1));
    insta::assert_snapshot!(scene.refuses_to_install(7, "other"), @"
    error: the root of registry `hub` expired 3 days ago
    hint: its people sign a new root with the root key; then run the command again
    ");
    // What is installed goes on working.
    scene.run(&["verify"]).ok();
    rotate(&scene.hub, &Change::default());
    scene.installs("other");
}
