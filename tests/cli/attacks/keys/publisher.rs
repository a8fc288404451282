//! The keys of publishers: stolen, replaced, revoked, and names that somebody else is to have.

use leah_plugin::{
    key::SecretKey,
    record::{Line, Signer},
};
use leah_registry::{
    owner::{self, Signing, Wish},
    revoke::revoke,
};

use super::{give_notes_to, key, notes};
use crate::{
    fixture::{PackageSpec, locking, now},
    tampering::{Scene, forge::Claim},
};

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
            hint: `leahpm install notes@^1.0.0` would work, with notes 1.0.0
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
