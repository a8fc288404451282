//! `yank` and `unyank`: what users are offered afterwards.

use leah_registry::registry::Registry;

use crate::sandbox::{NOW, Sandbox};

fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.publish("notes", "1.1.0").ok();
    sandbox
}

/// The version that the catalog shows, if any.
fn shown(sandbox: &Sandbox) -> Option<String> {
    let catalog = Registry::open(&sandbox.path("hub"), None, NOW).unwrap().catalog().unwrap();
    catalog.get("notes").map(|entry| entry.version.to_string())
}

#[test]
fn the_catalog_falls_back_to_the_newest_version_that_is_left() {
    let sandbox = published();
    let answer = sandbox.change("yank", &["notes", "1.1.0", "--reason", "loses notes"]).ok();
    assert_eq!(answer.out, "Yanked notes 1.1.0 (head 4)\n");
    assert_eq!(shown(&sandbox).as_deref(), Some("1.0.0"));
    sandbox.run(&["check", "hub"]).ok();
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    assert_eq!(shown(&sandbox), None);
    sandbox.run(&["check", "hub"]).ok();
    let answer = sandbox.change("unyank", &["notes", "1.0.0"]).ok();
    assert_eq!(answer.out, "Offered notes 1.0.0 again (head 6)\n");
    assert_eq!(shown(&sandbox).as_deref(), Some("1.0.0"));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn keeps_the_archive_of_a_yanked_version_for_those_who_have_it_locked() {
    let sandbox = published();
    sandbox.change("yank", &["notes", "1.1.0"]).ok();
    assert!(sandbox.path("hub/packages/notes/notes-1.1.0.tar.gz").exists());
}

#[test]
fn saying_it_twice_changes_nothing() {
    let sandbox = published();
    sandbox.change("yank", &["notes", "1.1.0"]).ok();
    let before = sandbox.snapshot();
    assert_eq!(sandbox.change("yank", &["notes", "1.1.0"]).ok().out, "notes 1.1.0 was yanked already\n");
    assert_eq!(sandbox.change("unyank", &["notes", "1.0.0"]).ok().out, "notes 1.0.0 was not yanked\n");
    let json = sandbox.change("yank", &["notes", "1.1.0", "--json"]).ok().json();
    assert_eq!((&json["changed"], &json["serial"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_what_is_not_there_and_reasons_of_two_lines() {
    let sandbox = published();
    let version = sandbox.change("yank", &["notes", "3.0.0"]).fails(5);
    assert_eq!(version, "error: the registry has no version 3.0.0 of `notes`\n");
    let name = sandbox.change("unyank", &["votes", "1.0.0"]).fails(5);
    assert_eq!(name, "error: the registry has no plugin `votes`\n");
    let reason = sandbox.change("yank", &["notes", "1.0.0", "--reason", "a\nb"]).fails(13);
    assert_eq!(reason, "error: a reason is one line of at most 500 bytes\n");
}
