//! Records by a thief of the index key, who can sign any head: what the publishers signed still binds him.

use leah_plugin::{
    catalog::{self, SegmentRef},
    key::SecretKey,
    record::{Line, OwnerLine, RevokeLine, Signer},
    registry_layout::RegistryLayout,
};

use super::{Scene, forge::Claim};
use crate::fixture::PackageSpec;

/// A registry with two versions of `notes`, the older one installed.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    scene.installs("notes");
    scene.hub.offer(&PackageSpec::new("notes", "1.1.0"));
    scene
}

/// The message of an update over the record of `notes` after this change of its text.
#[track_caller]
fn check(change: impl FnOnce(Vec<&str>) -> Vec<String>) -> String {
    let scene = scene();
    let text = scene.hub.record_text("notes");
    let lines = change(text.lines().collect());
    let changed: String = lines.into_iter().map(|line| line + "\n").collect();
    assert_ne!(changed, text, "the change changes nothing");
    scene.hub.serve_record("notes", changed.as_bytes());
    scene.refuses(7, &["update"])
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn a_catalog_of_more_segments_than_any_needs_is_not_read() {
    let scene = Scene::new();
    let list = scene.hub.read(&RegistryLayout::object(&scene.hub.head().catalog));
    let segment = catalog::read_list(&list).unwrap().remove(0);
    let large = vec![SegmentRef { size: 16 << 20, ..segment }; 5];
    let digest = scene.hub.add_object(&catalog::write_list(&large));
    scene.hub.change_head(|head| (head.catalog, head.serial) = (digest, head.serial + 1));
    insta::assert_snapshot!(scene.refuses(7, &["search", "keeper"]), @r"
    error: `objects/[sha256]` of `[DIR]/hub` is larger than the 67108864 bytes that it may have
    hint: `leahpm search --registry NAME` searches another one
    ");
}

#[test]
fn an_owner_line_removed_is_refused() {
    insta::assert_snapshot!(check(|lines| owned(&lines[1..])), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 1 of the record of `notes` is refused
    caused by: the first line of a record must be that of its owner
    ");
}

#[test]
fn version_lines_in_another_order_are_refused() {
    insta::assert_snapshot!(check(|lines| owned(&[lines[0], lines[2], lines[1]])), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: serial 3 follows serial 4; serials never fall
    ");
}

#[test]
fn a_version_that_stands_twice_is_refused() {
    insta::assert_snapshot!(check(|lines| owned(&[lines[0], lines[1], lines[2], lines[2]])), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 4 of the record of `notes` is refused
    caused by: version 1.1.0 is there already
    ");
}

#[test]
fn an_empty_record_is_refused() {
    insta::assert_snapshot!(check(|_| Vec::new()), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: the record of `notes` is refused
    caused by: a record has at least one owner and one line that says so
    ");
}

#[test]
fn an_owner_of_the_thief_s_own_is_refused_where_the_publisher_was_pinned() {
    let scene = scene();
    let mut thief = crate::fixture::TestRegistry::at(&scene.sandbox, "hub", "thief");
    thief.index_key = SecretKey::generate().unwrap();
    let name = "notes".parse().unwrap();
    let archive = PackageSpec::new("notes", "2.0.0").archive();
    let line = thief.version_line(&Claim::of(&archive), &archive, 9);
    let record = thief.new_record(&name);
    let record = record.append(&Line::Version(Box::new(line)), &thief.root_key()).unwrap();
    scene.hub.serve_record("notes", record.as_bytes());
    scene.hub.write("packages/notes/notes-2.0.0.tar.gz", &archive);
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the publisher of `notes` in registry `hub` is not the one that was pinned when it was first installed
    hint: if its people confirm their new key to you, run the command again with `--accept-key [thief publisher key]`
    ");
    insta::assert_snapshot!(scene.refuses_to_install(7, "notes@2.0.0"), @"
    error: the publisher of `notes` in registry `hub` is not the one that was pinned when it was first installed
    hint: if its people confirm their new key to you, run the command again with `--accept-key [thief publisher key]`
    ");
}

#[test]
fn a_pinned_publisher_outlives_the_uninstall() {
    let scene = scene();
    scene.run(&["uninstall", "notes"]).ok();
    let thief = crate::fixture::TestRegistry::at(&scene.sandbox, "hub", "thief");
    let record = thief.new_record(&"notes".parse().unwrap());
    scene.hub.serve_record("notes", record.as_bytes());
    insta::assert_snapshot!(scene.refuses_to_install(7, "notes"), @"
    error: the publisher of `notes` in registry `hub` is not the one that was pinned when it was first installed
    hint: if its people confirm their new key to you, run the command again with `--accept-key [thief publisher key]`
    ");
}

#[test]
fn an_owner_line_that_the_owner_before_did_not_sign_is_refused() {
    let scene = scene();
    let thief = SecretKey::generate().unwrap();
    let name = "notes".parse().unwrap();
    let record = scene.hub.new_record(&name);
    let previous = record.owner().digest;
    // The registry's own root key counts as the way out when a publisher lost his keys; the index key does not.
    for (signer, key) in [(Signer::Publisher, &thief), (Signer::Root, &scene.hub.index_key)] {
        let line = OwnerLine::sign(
            [thief.public()].into(),
            (&scene.hub.origin, &name, Some(previous)),
            (signer, key),
            9,
        );
        let line = serde_json::to_string(&Line::Owner(line.unwrap())).unwrap();
        let text = format!("{}{line}\n", String::from_utf8_lossy(record.as_bytes()));
        scene.hub.serve_record("notes", text.as_bytes());
        let error = scene.refuses(7, &["update"]);
        match signer {
            Signer::Publisher => insta::assert_snapshot!(error, @"
            error: the record of `notes` in registry `hub` is not valid
            caused by: line 2 of the record of `notes` is refused
            caused by: the change of owners does not count
            caused by: signed by key [id] (`[key]`), which the owner before does not have
            "),
            Signer::Root => insta::assert_snapshot!(error, @"
            error: the record of `notes` in registry `hub` is not valid
            caused by: line 2 of the record of `notes` is refused
            caused by: the change of owners does not count
            caused by: signed by key [hub index key id] (`[hub index key]`), the root key of the registry is [hub root key id] (`[hub root key]`)
            "),
        }
    }
}

#[test]
fn a_version_by_somebody_who_does_not_own_the_name_is_refused() {
    let scene = scene();
    let mut thief = crate::fixture::TestRegistry::at(&scene.sandbox, "hub", "thief");
    std::mem::swap(&mut thief.publisher, &mut thief.index_key);
    let archive = PackageSpec::new("notes", "2.0.0").archive();
    let line = Line::Version(Box::new(thief.version_line(&Claim::of(&archive), &archive, 9)));
    let line = serde_json::to_string(&line).unwrap();
    let text = format!("{}{line}\n", scene.hub.record_text("notes"));
    scene.hub.serve_record("notes", text.as_bytes());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 4 of the record of `notes` is refused
    caused by: version 2.0.0 is signed by key [thief index key id] (`[thief index key]`), which does not own the plugin
    ");
}

#[test]
fn versions_of_a_revoked_key_are_not_chosen() {
    let scene = scene();
    let key = scene.hub.publisher.public();
    scene.hub.add_line("notes", |serial| Line::Revoke(RevokeLine { key, from: 1, serial }));
    let before = scene.sandbox.live_line();
    insta::assert_snapshot!(scene.refuses(7, &["install", "notes@1.1.0"]), @"
    error: `notes` 1.1.0, the only version that fits `=1.1.0`, is signed with a revoked key
    hint: `leahpm info notes` shows all its versions
    ");
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: all versions of `notes` are signed with a revoked key
    hint: after `leahpm uninstall notes`, `leahpm update` would work
    hint: `leahpm info notes` shows all its versions
    ");
    assert_eq!(scene.sandbox.live_line(), before);
}

#[test]
fn a_plugin_hidden_from_the_directory_is_unknown_and_stays_installed() {
    let scene = scene();
    let mut names = scene.hub.names();
    names.remove("notes");
    let built = leah_plugin::tree::build(&names);
    for (_, bytes) in &built.objects {
        scene.hub.add_object(bytes);
    }
    scene.hub.change_head(|head| (head.tree, head.serial) = (built.root, head.serial + 1));
    insta::assert_snapshot!(scene.refuses(5, &["update"]), @"
    error: registry `hub` has no plugin `notes`
    hint: `leahpm search notes` looks in names and descriptions
    ");
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.0.0");
}

#[test]
fn the_lines_of_a_record_in_other_spellings_are_refused() {
    let check =
        |from: &str, to: &str| check(|lines| lines.iter().map(|line| line.replacen(from, to, 1)).collect());
    // What follows is the line as it should be, with hashes.
    let canonical = |error: String| error.split_once("`{").map(|(front, _)| front.to_owned()).unwrap();
    insta::assert_snapshot!(canonical(check("\"kind\":\"version\",", "\"kind\": \"version\",")), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 2 of the record of `notes` is refused
    caused by: the line is not in its canonical form, which is
    ");
    insta::assert_snapshot!(canonical(check("\"hooks\":[]", "\"hooks\":[],\"x\":1")), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 2 of the record of `notes` is refused
    caused by: the line is not in its canonical form, which is
    ");
    insta::assert_snapshot!(check("\"kind\":\"version\"", "\"kind\":\"versoin\""), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 2 of the record of `notes` is refused
    caused by: column 17: unknown variant `versoin`, expected one of `owner`, `version`, `yank`, `unyank`, `revoke`
    ");
    insta::assert_snapshot!(check("\"hooks\":[]", "\"hooks\":[],\"hooks\":[]"), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 2 of the record of `notes` is refused
    caused by: duplicate field `hooks`
    ");
    insta::assert_snapshot!(check("\"size\":", "\"size\":1"), @r"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 2 of the record of `notes` is refused
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature says `leahpm:package:1\tregistry:hub\tname:notes\tversion:1.0.0\tfile:notes-1.0.0.tar.gz\tsize:242\tsha256:[sha256]`, expected `leahpm:package:1\tregistry:hub\tname:notes\tversion:1.0.0\tfile:notes-1.0.0.tar.gz\tsize:1242\tsha256:[sha256]`
    ");
}

#[test]
fn a_serial_that_falls_is_refused() {
    let fall = |line: &str| {
        let end = line.find(",\"published\"").unwrap();
        let start = line[..end].rfind("\"serial\":").unwrap();
        format!("{}\"serial\":1{}", &line[..start], &line[end..])
    };
    let error = check(|lines| vec![lines[0].into(), lines[1].into(), fall(lines[2])]);
    insta::assert_snapshot!(error, @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: serial 1 follows serial 3; serials never fall
    ");
}

#[test]
fn a_line_that_was_seen_cannot_be_taken_back_by_who_has_the_index_key() {
    let scene = scene();
    let whole = scene.hub.record_text("notes");
    scene.run(&["update"]).ok();
    scene.hub.yank("notes", "1.1.0");
    let yanked = scene.hub.record_text("notes");
    scene.run(&["update"]).ok();
    // A good head over the record as it was before the yank.
    scene.hub.serve_record("notes", whole.as_bytes());
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"error: the record of `notes` in registry `hub` lacks lines that were seen before");
    // It comes back, and more with it.
    scene.hub.serve_record("notes", yanked.as_bytes());
    scene.hub.offer(&PackageSpec::new("notes", "1.2.0"));
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.2.0");
    // Only the root key can begin an epoch, for a registry that was put back from a copy.
    scene.hub.serve_record("notes", whole.as_bytes());
    let mut second = scene.hub.first_root();
    (second.serial, second.epoch) = (2, 2);
    scene.hub.write("root/2", second.sign(&scene.hub.root_key).unwrap());
    scene.hub.change_head(|head| (head.root, head.epoch, head.serial) = (2, 2, 1));
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
}

#[test]
fn a_registry_too_large_for_a_catalog_says_so_and_still_installs_by_name() {
    let scene = scene();
    let none = scene.hub.add_object(b"");
    scene.hub.change_head(|head| (head.catalog, head.serial) = (none, head.serial + 1));
    insta::assert_snapshot!(scene.run(&["search", "--registry", "hub"]), @"
    2> error: registry `hub` has too many plugins for a catalog, so it cannot be searched from here
    2> hint: `leahpm info hub/NAME` shows a plugin whose name you know
    exit 5
    ");
    insta::assert_snapshot!(scene.run(&["search", "hello"]), @"
    1> NAME         VERSION  REGISTRY  DESCRIPTION
    1> hello-world  1.1.0    bundled   Greets you in the chat and counts your messages
    2> warning: cannot search registry hub: registry `hub` has too many plugins for a catalog, so it cannot be searched from here
    exit 0
    ");
    assert!(scene.run(&["info", "notes"]).ok().stdout.starts_with("notes 1.1.0 (hub)\n"));
    scene.run(&["update"]).ok();
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
}
