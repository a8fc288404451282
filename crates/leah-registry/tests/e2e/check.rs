//! `check`: what it says of a sound registry, and of one that has merely aged.

use leah_plugin::{
    key::SecretKey,
    record::{OwnerLine, Record, Signer},
};
use leah_registry::change::Change;

use crate::sandbox::{DAY, NOW, Sandbox};

#[test]
fn lists_files_that_nothing_names_without_calling_them_an_error() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.change("refresh", &[]).ok();
    sandbox.write("hub/packages/notes/.unfinished-x\u{1b}[31m", "");
    sandbox.write("hub/stats.json", "{}");
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    let files = report["unreferenced"].as_array().unwrap();
    assert!(files.iter().any(|file| file == "packages/notes/.unfinished-x\u{1b}[31m"), "{files:?}");
    let text = sandbox.run(&["check", "hub"]).ok().out;
    assert!(text.contains("\nFiles that nothing names:\n") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn an_expired_head_ends_with_3() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run_at(NOW + 31 * DAY, &["check", "hub"]).fails(3), @r"
    error: `head` has expired; sign a new one with `refresh`
    error: 1 problem in `hub`
    ");
}

#[test]
fn warns_before_a_head_or_a_root_expires() {
    let sandbox = Sandbox::new();
    let rotate = ["rotate", "hub", "--root-key", "keys/root.key", "--index-key", "keys/index.key"];
    sandbox.run(&[&rotate[..], &["--expires-days", "91"]].concat()).ok();
    let check = |days: u64| sandbox.run_at(NOW + days * DAY, &["check", "hub"]).ok().out;
    assert_eq!(check(0), "Everything holds: 0 plugins, 0 versions, head 2\n");
    insta::assert_snapshot!(check(29), @r"
    Everything holds: 0 plugins, 0 versions, head 2
    warning: root 2 expires in 62 days; renew it with `rotate` and the root key
    warning: the head expires in a day; sign a new one with `refresh`
    ");
    let json = sandbox.run_at(NOW + 29 * DAY, &["check", "hub", "--json"]).ok().json();
    assert_eq!(json["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_secret_key_in_the_folder_is_found_protected_or_not() {
    let sandbox = Sandbox::new();
    sandbox.write("hub/forgotten", sandbox.read("keys/root.key"));
    let (_, text) = SecretKey::generate_protected("a key", "secret").unwrap();
    sandbox.write("hub/packages.key", text);
    insta::assert_snapshot!(sandbox.run(&["check", "hub"]).fails(7), @r"
    error: `forgotten` is a secret key, and published with the registry; replace that key
    error: `packages.key` is a secret key, and published with the registry; replace that key
    error: 2 problems in `hub`
    ");
}

#[test]
fn a_root_key_that_was_handed_over_and_is_still_shown_is_found() {
    let sandbox = Sandbox::new();
    let old = sandbox.read("hub/root.pub");
    let rotate = ["rotate", "hub", "--root-key", "keys/root.key", "--index-key", "keys/index.key"];
    sandbox.run(&[&rotate[..], &["--new-root-key", "keys/root-2.key"]].concat()).ok();
    sandbox.write("hub/root.pub", old);
    let mut error = sandbox.run(&["check", "hub"]).fails(7);
    for (file, name) in [("keys/root.key", "old"), ("keys/root-2.key", "new")] {
        let key = sandbox.secret(file).public();
        error =
            error.replace(&key.to_string(), &format!("[{name}]")).replace(&key.id(), &format!("[{name} id]"));
    }
    insta::assert_snapshot!(error, @r"
    error: `root.pub` shows key [old id], the root key in force is [new id] (`[new]`)
    error: 1 problem in `hub`
    ");
}

#[test]
fn a_folder_that_is_no_registry_ends_with_5() {
    let sandbox = Sandbox::empty();
    for folder in [".", "nowhere"] {
        let error = sandbox.run(&["check", folder]).fails(5);
        assert_eq!(error, format!("error: `{folder}` is not a registry: it has no `head`\n"));
    }
}

#[test]
fn a_directory_of_more_than_a_hundred_names_is_walked_through_its_inner_node() {
    let sandbox = Sandbox::new();
    let head = sandbox.change_by_library(|change| add_names(&sandbox, change, 101));
    assert_eq!(head.depth, 1);
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    assert_eq!(report["plugins"], 101);
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.run(&["check", "hub"]).ok();
}

/// Adds names that have an owner and no version.
pub fn add_names(sandbox: &Sandbox, change: &mut Change, count: usize) {
    let origin = change.registry().origin().clone();
    for number in 0..count {
        let name = format!("plugin-{number}").parse().unwrap();
        let (keys, signer) = ([sandbox.publisher.public()].into(), (Signer::Publisher, &sandbox.publisher));
        let owner = OwnerLine::sign(keys, (&origin, &name, None), signer, change.serial()).unwrap();
        change.set_record(&Record::start(owner, &origin, &name).unwrap());
    }
}
