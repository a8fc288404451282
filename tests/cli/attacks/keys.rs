//! Keys that were stolen, lost, replaced, that are weak or past their time. The thief may also write to the
//! server; the people of the registry answer with the commands that they have for it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use leah_plugin::{
    head::Head,
    key::SecretKey,
    record::{Line, OwnerLine, Record, Signer},
    root::Root,
    signature::{UNTRUSTED_COMMENT, head_comment, root_comment},
};
use leah_registry::{
    owner::{self, Signing, Wish},
    revoke::revoke,
    rotate::{Epoch, Key, NewRoot, Rotated, Rotation},
    serve::Server,
};

use crate::{
    fixture::{PackageSpec, TestRegistry, locking, now},
    http,
    sandbox::{Sandbox, skipped},
    tampering::{Scene, forge::Claim},
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

fn rotate(hub: &TestRegistry, change: &Change) -> Rotated {
    let _locking = locking();
    let new = NewRoot {
        root_key: &hub.root_key,
        new_root_key: change.root_key,
        index_key: change.index_key.map_or(Key::Keep(&hub.index_key), Key::New),
        epoch: if change.new_epoch { Epoch::New } else { Epoch::Keep },
        head_lifetime: None,
        lifetime: 365 * DAY,
    };
    Rotation::begin(&hub.folder, now()).unwrap().run(&new).unwrap()
}

/// A new index key and a new epoch, since the key before was stolen; returns that one.
fn shut_out(hub: &mut TestRegistry, sandbox: &Sandbox) -> SecretKey {
    let new = key(sandbox, "new index key");
    rotate(hub, &Change { index_key: Some(&new), new_epoch: true, ..Change::default() });
    std::mem::replace(&mut hub.index_key, new)
}

/// Hands the root key over; returns the one before.
fn hand_over(hub: &mut TestRegistry, sandbox: &Sandbox) -> SecretKey {
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
fn a_stolen_publisher_key_that_was_revoked_installs_nothing() {
    let scene = notes();
    let hub = &scene.hub;
    let before = hub.head().serial;
    // The thief's version, and another one after the key was revoked, which takes the index key as well.
    hub.offer(&PackageSpec::new("notes", "1.1.0"));
    let name = "notes".parse().unwrap();
    let revoked = {
        let _locking = locking();
        let key = hub.publisher.public();
        revoke(&hub.folder, &hub.index_key, (&name, &key), Some(before + 1), now()).unwrap()
    };
    assert_eq!(revoked.refused, ["1.1.0".parse().unwrap()]);
    hub.offer(&PackageSpec::new("notes", "1.2.0"));
    for version in ["1.1.0", "1.2.0"] {
        insta::allow_duplicates! {
            let error = scene.refuses(7, &["install", &format!("notes@{version}")]);
            insta::assert_snapshot!(error.replace(version, "[version]"), @"
            error: `notes` [version], the only version that fits `=[version]`, is signed with a revoked key
            hint: `leahpm install notes@^1.0.0` would work
            hint: `leahpm info notes` shows all its versions
            ");
        }
    }
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.0.0");
}

#[test]
fn a_stolen_publisher_key_that_was_replaced_signs_nothing_more() {
    let scene = notes();
    let hub = &scene.hub;
    let new = key(&scene.sandbox, "new publisher key");
    let (name, old) = ("notes".parse().unwrap(), hub.publisher.public());
    {
        let _locking = locking();
        let wish = Wish::Change { add: [new.public()].into(), remove: [old].into() };
        let signing = Signing::Key(&hub.publisher);
        owner::change(&hub.folder, &hub.index_key, (&name, &wish), &signing, now()).unwrap();
    }
    // The thief has the index key too, so that no tool stands in the way.
    let archive = PackageSpec::new("notes", "1.1.0").archive();
    let claim = Claim::of(&archive);
    let line = Line::Version(Box::new(hub.version_line(&claim, &archive, hub.head().serial + 1)));
    let text = format!("{}{}\n", hub.record_text("notes"), serde_json::to_string(&line).unwrap());
    hub.serve_record("notes", text.as_bytes());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 4 of the record of `notes` is refused
    caused by: version 1.1.0 is signed by key [hub publisher key id] (`[hub publisher key]`), which does not own the plugin
    ");
}

#[test]
fn a_stolen_name_that_the_root_gave_back_is_updated_to_its_author_again() {
    let scene = notes();
    let hub = &scene.hub;
    let (thief, new) = (key(&scene.sandbox, "thief's key"), key(&scene.sandbox, "new publisher key"));
    give_notes_to(hub, &thief, (Signer::Publisher, &hub.publisher));
    let name = "notes".parse().unwrap();
    {
        let _locking = locking();
        let wish = Wish::Recover([new.public()].into());
        let signing = Signing::Key(&hub.root_key);
        owner::change(&hub.folder, &hub.index_key, (&name, &wish), &signing, now()).unwrap();
        for stolen in [&thief, &hub.publisher] {
            revoke(&hub.folder, &hub.index_key, (&name, &stolen.public()), None, now()).unwrap();
        }
    }
    hub.publish_signed_by(&new, &PackageSpec::new("notes", "1.1.0"));
    insta::assert_snapshot!(scene.run(&["update"]), @"
    2> the publisher of `notes` in registry `hub` changed: key [thief's key id] is new, key [hub publisher key id] is gone; the publisher before signed that with key [hub publisher key id]
    2> the publisher of `notes` in registry `hub` changed: key [new publisher key id] is new, key [thief's key id] is gone; the root of the registry, as for a lost key, signed that with key [hub root key id]
    2> ~ notes 1.0.0 -> 1.1.0
    2> ~ notes publisher changed
    2> Generation 3 is live.
    exit 0
    ");
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
}

#[test]
fn a_name_that_the_registry_alone_gives_to_somebody_else_is_refused() {
    let scene = notes();
    let thief = key(&scene.sandbox, "thief's key");
    give_notes_to(&scene.hub, &thief, (Signer::Publisher, &thief));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: the change of owners does not count
    caused by: signed by key [thief's key id] (`[thief's key]`), which the owner before does not have
    ");
    // Nor is the index key one that could do it in the name of the root.
    let scene = notes();
    let thief = key(&scene.sandbox, "thief's key");
    give_notes_to(&scene.hub, &thief, (Signer::Root, &scene.hub.index_key));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: the change of owners does not count
    caused by: signed by key [hub index key id] (`[hub index key]`), the root key of the registry is [hub root key id] (`[hub root key]`)
    ");
}

/// The record of `notes` made anew by a thief of the index key: an owner and a version 2.0.0 of its own.
fn replace_notes(scene: &mut Scene, thief: SecretKey) -> SecretKey {
    let publisher = std::mem::replace(&mut scene.hub.publisher, thief);
    let hub = &scene.hub;
    let archive = PackageSpec::new("notes", "2.0.0").archive();
    let claim = Claim::of(&archive);
    let line = Line::Version(Box::new(hub.version_line(&claim, &archive, hub.head().serial + 1)));
    let record = String::from_utf8(hub.new_record(&claim.name).as_bytes().to_vec()).unwrap();
    hub.serve_record("notes", format!("{record}{}\n", serde_json::to_string(&line).unwrap()).as_bytes());
    hub.write("packages/notes/notes-2.0.0.tar.gz", archive);
    publisher
}

#[test]
fn a_publisher_s_key_that_changed_without_the_chain_is_refused_until_the_user_accepts_it() {
    let mut scene = notes();
    let thief = key(&scene.sandbox, "other key");
    let text = thief.public().to_string();
    let publisher = replace_notes(&mut scene, thief);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the publisher of `notes` in registry `hub` is not the one that was pinned when it was first installed
    hint: if its people confirm their new key to you, run the command again with `--accept-key [other key]`
    ");
    // The one before, which everybody knows, is not the one that is asked about; nor is an id a key.
    scene.refuses(7, &["update", "--accept-key", &publisher.public().to_string()]);
    scene.refuses(2, &["update", "--accept-key", &scene.hub.publisher.public().id()]);
    // What was taken out is pinned as well.
    scene.run(&["uninstall", "notes"]).ok();
    scene.refuses_to_install(7, "notes");
    insta::assert_snapshot!(scene.run(&["install", "notes", "--accept-key", &text]), @"
    2> the publisher of `notes` in registry `hub` is another one than was pinned; you accepted its key
    2> + notes 2.0.0 (hub)
    2> Generation 4 is live.
    exit 0
    ");
    // It is pinned from now on, and needs no more words.
    scene.run(&["uninstall", "notes"]).ok();
    scene.installs("notes");
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

#[test]
fn a_key_of_small_order_is_no_root_key() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    // Its signatures fit any text.
    let weak = "RWQBAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let folder = hub.folder.display().to_string();
    let add = sandbox.run(&["registry", "add", "hub", &folder, "--key", weak]);
    insta::assert_snapshot!(add, @"
    2> error: invalid value 'RWQBAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' for '--key <KEY>': the key is a point of small order: a signature of it proves nothing
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn an_index_key_of_small_order_signs_nothing_that_counts() {
    let scene = notes();
    // Somebody got the root key to sign a root with a weak index key: the point 0, 1. Whatever is signed with
    // it, this signature fits: R is the same point and S is 0.
    let weak = "RWQBAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let fits_all = format!("RUQBAAAAAAAAAAE{}=", "A".repeat(84));
    let fits_all_comments = format!("AQ{}==", "A".repeat(84));
    let root = Root { serial: 2, ..scene.hub.first_root() };
    let body = serde_json::to_string(&root).unwrap().replace(&root.index_key.to_string(), weak) + "\n";
    let block = scene.hub.root_key.sign(body.as_bytes(), &root_comment(&root.origin, 2), UNTRUSTED_COMMENT);
    scene.hub.write("root/2", format!("{}{body}", block.unwrap().as_text()));
    let head = Head { root: 2, serial: scene.hub.head().serial + 1, ..scene.hub.head() };
    let comment = head_comment(&head.origin, head.epoch, head.serial, head.expires);
    let body = serde_json::to_string(&head).unwrap();
    let head = format!(
        "untrusted comment: {UNTRUSTED_COMMENT}\n{fits_all}\ntrusted comment: {comment}\n{fits_all_comments}\n{body}\n"
    );
    scene.hub.write("head", head);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: the key that signed is not a sound one
    caused by: the key is a point of small order: a signature of it proves nothing
    ");
}

/// Signs a file the way of old minisign, with the program itself; false where there is none.
fn sign_legacy(folder: &Path, file: &str, key: &SecretKey, comment: &str) -> bool {
    let missing = Command::new("minisign").arg("-v").stdout(Stdio::null()).status().is_err();
    assert!(!missing || std::env::var_os("CI").is_none(), "the gate needs the program `minisign`");
    if missing {
        skipped("there is no program `minisign`");
        return false;
    }
    fs::write(folder.join("key"), key.to_file_text("a key").unwrap()).unwrap();
    let mut sign = Command::new("minisign");
    sign.args(["-S", "-l", "-m", file, "-s", "key", "-t", comment, "-c", UNTRUSTED_COMMENT]);
    sign.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    assert!(sign.status().unwrap().success());
    true
}

#[test]
fn a_legacy_signature_is_refused_although_the_right_key_made_it() {
    let scene = notes();
    let head = Head { serial: scene.hub.head().serial + 1, ..scene.hub.head() };
    let body = serde_json::to_string(&head).unwrap() + "\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("body"), &body).unwrap();
    let comment = head_comment(&head.origin, head.epoch, head.serial, head.expires);
    if !sign_legacy(folder.path(), "body", &scene.hub.index_key, &comment) {
        return;
    }
    let signature = fs::read_to_string(folder.path().join("body.minisig")).unwrap();
    scene.hub.write("head", format!("{signature}{body}"));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: this is a legacy signature (`Ed`); only prehashed ones (`ED`) are accepted
    ");
    // The same key, the same body, prehashed: it was the form alone.
    scene.hub.write("head", head.sign(&scene.hub.index_key).unwrap());
    scene.run(&["update"]).ok();
}
