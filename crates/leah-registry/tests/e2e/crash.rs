//! A change that was interrupted: whatever was written before the head must harm nothing.

use crate::sandbox::Sandbox;

#[test]
fn everything_but_the_head_can_be_there_already() {
    let sandbox = Sandbox::new();
    let head = sandbox.read("hub/head");
    sandbox.publish("notes", "1.0.0").ok();
    // As if the power had gone before the last rename.
    sandbox.write("hub/head", &head);
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    assert_eq!((&report["serial"], &report["versions"]), (&1.into(), &0.into()));
    assert!(report["unreferenced"].as_array().unwrap().len() >= 4);
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn an_object_that_was_damaged_is_written_again() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let head = sandbox.read("hub/head");
    let before = sandbox.registry_files();
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    let new: Vec<_> = sandbox.registry_files().into_iter().filter(|file| !before.contains(file)).collect();
    for file in &new {
        sandbox.write(&format!("hub/{file}"), "half of i");
    }
    sandbox.write("hub/head", &head);
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn init_goes_on_where_it_was_interrupted() {
    let sandbox = Sandbox::new();
    std::fs::remove_file(sandbox.path("hub/head")).unwrap();
    let keys = ["--root-key", "keys/root.key", "--index-key", "keys/index.key"];
    sandbox.run(&[&["init", "hub", "--origin", "hub"], &keys[..]].concat()).ok();
    sandbox.run(&["check", "hub"]).ok();
}
