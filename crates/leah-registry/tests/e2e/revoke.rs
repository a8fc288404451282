//! `revoke`: what a stolen key can still do, which is nothing.

use leah_plugin::key::SecretKey;
use leah_registry::registry::Registry;

use crate::sandbox::{Answer, NOW, Sandbox};

/// `notes` 1.0.0 and 1.1.0, with heads 2 and 3.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.publish("notes", "1.1.0").ok();
    sandbox
}

fn revoke(sandbox: &Sandbox, more: &[&str]) -> Answer {
    let key = sandbox.publisher.public().to_string();
    sandbox.change("revoke", &[&["notes", &key], more].concat())
}

/// The version that the catalog shows, if any.
fn shown(sandbox: &Sandbox) -> Option<String> {
    let catalog = Registry::open(&sandbox.path("hub"), None, NOW).unwrap().catalog().unwrap();
    catalog.get("notes").map(|entry| entry.version.to_string())
}

#[test]
fn what_was_published_stays_unless_an_earlier_head_is_named() {
    let sandbox = published();
    insta::assert_snapshot!(revoke(&sandbox, &[]).ok().out, @r"
    Revoked key [publisher id] for notes from head 4 on (head 4)
    No key is left for notes; `leah-registry owner recover` gives it a new one
    ");
    assert_eq!(shown(&sandbox).as_deref(), Some("1.1.0"));
    insta::assert_snapshot!(revoke(&sandbox, &["--from", "3"]).ok().out, @r"
    Revoked key [publisher id] for notes from head 3 on (head 5)
    Refused from now on: 1.1.0
    No key is left for notes; `leah-registry owner recover` gives it a new one
    ");
    assert_eq!(shown(&sandbox).as_deref(), Some("1.0.0"));
    revoke(&sandbox, &["--from", "1"]).ok();
    assert_eq!(shown(&sandbox), None);
    let check = sandbox.run(&["check", "hub"]).ok().out;
    assert!(check.contains("\nwarning: all keys of the owner of notes are revoked; "), "{check}");
}

#[test]
fn a_revoked_key_publishes_nothing_and_changes_no_owner() {
    let sandbox = published();
    let second = SecretKey::generate().unwrap();
    sandbox.write("second.key", second.to_file_text("second").unwrap());
    let me = ["--publisher-key", "me.key"];
    let text = second.public().to_string();
    let owner = |command: &str, more: &[&str]| {
        let index = ["--index-key", "keys/index.key"];
        sandbox.run(&[&["owner", command, "hub", "notes"], more, &index].concat())
    };
    owner("add", &[&[text.as_str()], &me[..]].concat()).ok();
    revoke(&sandbox, &[]).ok();
    let before = sandbox.snapshot();
    let error = sandbox.publish("notes", "1.2.0").fails(7);
    insta::assert_snapshot!(error, @r"
    error: key [publisher id] (`[publisher]`) was revoked
    hint: its author needs another key: `leah-registry owner list DIR NAME` shows who owns the name
    ");
    let error = owner("remove", &[&[text.as_str()], &me[..]].concat());
    // Without the second key, only a revoked one would be left.
    assert_eq!(
        error.fails(9).lines().next().unwrap(),
        "error: no key would be left that can publish `notes`"
    );
    let third = SecretKey::generate().unwrap().public().to_string();
    let error = owner("add", &[&[third.as_str()], &me[..]].concat()).fails(7);
    assert!(error.starts_with("error: signed by key [publisher id]; "), "{error}");
    assert_eq!(sandbox.snapshot(), before);
    // The other one goes on, and puts it out.
    let mine = sandbox.publisher.public().to_string();
    owner("remove", &[mine.as_str(), "--publisher-key", "second.key"]).ok();
    let error = owner("add", &[mine.as_str(), "--publisher-key", "second.key"]).fails(9);
    assert_eq!(error, "error: key [publisher id] (`[publisher]`) was revoked\n");
    let file = sandbox.pack_signed("notes", "1.2.0", &second);
    sandbox.change("publish", &[&file]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn says_as_json_what_it_revoked_and_twice_changes_nothing() {
    let sandbox = published();
    let expect = |changed: bool, serial: Option<u64>| {
        serde_json::json!({
            "schema": 1, "name": "notes", "key": "[publisher]", "from": 3, "refused": ["1.1.0"],
            "ownerless": true, "changed": changed, "serial": serial
        })
    };
    assert_eq!(revoke(&sandbox, &["--from", "3", "--json"]).ok().json(), expect(true, Some(4)));
    let before = sandbox.snapshot();
    for from in [&["--json"][..], &["--json", "--from", "3"]] {
        assert_eq!(revoke(&sandbox, from).ok().json(), expect(false, None));
    }
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_keys_and_heads_that_never_were() {
    let sandbox = published();
    let before = sandbox.snapshot();
    let other = SecretKey::generate().unwrap().public();
    let error = sandbox.change("revoke", &["notes", &other.to_string()]).fails(5);
    insta::assert_snapshot!(error.replace(&other.to_string(), "[key]").replace(&other.id(), "[id]"), @r"
    error: key [id] (`[key]`) never owned the plugin
    hint: `leah-registry owner list DIR NAME` shows the keys that did
    ");
    let error = revoke(&sandbox, &["--from", "5"]).fails(9);
    assert_eq!(error, "error: serial 5 is still to come; the next head has serial 4\n");
    let error = sandbox.change("revoke", &["votes", &other.to_string()]).fails(5);
    assert_eq!(error, "error: the registry has no plugin `votes`\n");
    assert_eq!(sandbox.snapshot(), before);
}
