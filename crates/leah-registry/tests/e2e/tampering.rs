//! What somebody does who can write to the web server, or hold one of the keys. Each test bears the name
//! of the attack.

use std::fs;

use leah_plugin::{
    digest::Digest,
    head::Head,
    registry_layout::RegistryLayout,
    root::Root,
    tree::{INNER_BYTES, belongs},
};
use leah_registry::registry::Registry;

use crate::sandbox::{NOW, Sandbox};

fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.publish("notes", "1.1.0").ok();
    sandbox.publish("translator", "0.1.0").ok();
    sandbox
}

/// Files that the registry refers to.
fn referenced(sandbox: &Sandbox) -> Vec<String> {
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    let unreferenced = report["unreferenced"].as_array().unwrap().clone();
    sandbox
        .registry_files()
        .into_iter()
        .filter(|file| !unreferenced.contains(&file.as_str().into()))
        .collect()
}

#[test]
fn a_byte_changed_anywhere_is_found_and_named() {
    let sandbox = published();
    for file in referenced(&sandbox) {
        let path = format!("hub/{file}");
        let bytes = sandbox.read(&path);
        // The first, the last, and some between: whichever part of a file it is.
        for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let Some(byte) = bytes.get(at) else { continue };
            let mut changed = bytes.clone();
            changed[at] = byte ^ 1;
            sandbox.write(&path, &changed);
            let error = sandbox.run(&["check", "hub"]).fails(7);
            // A changed root key is told by the root that it did not sign.
            let named = error.contains(&file) || (file == "root.pub" && error.contains("root/1"));
            assert!(named, "byte {at} of {file}: {error}");
        }
        sandbox.write(&path, &bytes);
    }
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn every_single_byte_of_head_and_root_counts() {
    let sandbox = Sandbox::new();
    for file in ["hub/head", "hub/root/1", "hub/root.pub"] {
        let bytes = sandbox.read(file);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 2;
            sandbox.write(file, &changed);
            let report = leah_registry::check::check(&sandbox.path("hub"), None, NOW).unwrap();
            assert!(!report.problems.is_empty(), "byte {at} of {file}");
        }
        sandbox.write(file, &bytes);
    }
}

#[test]
fn a_file_taken_away_is_missed() {
    let sandbox = published();
    for file in referenced(&sandbox).into_iter().filter(|file| file != "head") {
        let path = sandbox.path(&format!("hub/{file}"));
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = sandbox.run(&["check", "hub"]).fails(7);
        assert!(error.contains(&format!("cannot read `hub/{file}`")), "{file}: {error}");
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn an_archive_swapped_for_another_of_the_same_publisher_is_refused() {
    let sandbox = published();
    for end in ["", ".minisig"] {
        let old = sandbox.read(&format!("hub/packages/notes/notes-1.0.0.tar.gz{end}"));
        sandbox.write(&format!("hub/packages/notes/notes-1.1.0.tar.gz{end}"), old);
    }
    insta::assert_snapshot!(sandbox.run(&["check", "hub"]).fails(7), @r"
    error: `packages/notes/notes-1.1.0.tar.gz.minisig` differs from the signature in the record
    error: 1 problem in `hub`
    ");
}

#[test]
fn problems_are_all_reported_and_as_json_too() {
    let sandbox = published();
    for name in ["notes/notes-1.0.0", "translator/translator-0.1.0"] {
        sandbox.write(&format!("hub/packages/{name}.tar.gz"), "gone");
    }
    let answer = sandbox.run(&["check", "hub", "--json"]);
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.code, &error["code"], &error["message"]),
        (7, &7.into(), &"2 problems in `hub`".into())
    );
    assert_eq!(error["problems"].as_array().unwrap().len(), 2);
}

#[test]
fn a_registry_made_anew_with_other_keys_fails_the_pinned_one() {
    let sandbox = published();
    let pinned = sandbox.secret("keys/root.key").public().to_string();
    sandbox.run(&["check", "hub", "--root-key", &pinned]).ok();
    fs::rename(sandbox.path("hub"), sandbox.path("old")).unwrap();
    sandbox.run(&["init", "hub", "--origin", "hub", "--keys", "thief"]).ok();
    sandbox.run(&["check", "hub"]).ok();
    let error = sandbox.run(&["check", "hub", "--root-key", &pinned]).fails(7);
    assert!(
        error.starts_with("error: `root/1` is refused\ncaused by: the root is not signed as it must be\n")
    );
}

#[test]
fn a_root_signed_by_the_index_key_is_refused() {
    let sandbox = published();
    let (index, root) = (sandbox.secret("keys/index.key"), sandbox.secret("keys/root.key"));
    let first = Root::read(&sandbox.read("hub/root/1"), &root.public()).unwrap();
    let forged = Root { serial: 2, next_root_key: index.public(), ..first };
    let path = format!("hub/{}", RegistryLayout::root(2));
    sandbox.write(&path, forged.sign(&index).unwrap());
    let error = sandbox.run(&["check", "hub"]).fails(7);
    assert!(error.starts_with("error: `root/2` is refused\n") && error.contains("signed with another key"));
    // Nor does a root that nobody asked for go unnoticed.
    fs::rename(sandbox.path(&path), sandbox.path("hub/root/7")).unwrap();
    let error = sandbox.run(&["check", "hub"]).fails(7);
    assert_eq!(error, "error: `root/7` is not part of the chain of roots\nerror: 1 problem in `hub`\n");
}

#[test]
fn a_head_put_back_to_an_older_one_leaves_the_newer_files_unnamed() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let old = sandbox.read("hub/head");
    sandbox.publish("notes", "1.1.0").ok();
    sandbox.write("hub/head", old);
    // A head alone cannot tell that there was a newer one; clients remember, and here the files tell.
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    let files = report["unreferenced"].as_array().unwrap();
    assert!(files.contains(&"packages/notes/notes-1.1.0.tar.gz".into()), "{files:?}");
}

#[test]
fn a_catalog_that_shows_something_else_is_found() {
    let sandbox = published();
    let mut catalog = Registry::open(&sandbox.path("hub"), None, NOW).unwrap().catalog().unwrap();
    let entry = catalog.get_mut("notes").unwrap();
    entry.description = "Now with a friendly description".into();
    sandbox.change_by_library(|change| change.set_catalog(&catalog));
    insta::assert_snapshot!(sandbox.run(&["check", "hub"]).fails(7), @r"
    error: the catalog is wrong about `notes`: it does not show its newest version
    error: 1 problem in `hub`
    ");
}

#[test]
fn a_name_hidden_in_a_leaf_where_no_client_looks_is_found() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let key = sandbox.secret("keys/index.key");
    let head = Head::read(&sandbox.read("hub/head"), &key.public()).unwrap();
    let wrong = (0..).find(|slot| !belongs(&"notes".parse().unwrap(), &[*slot])).unwrap();
    let mut node = vec![0; INNER_BYTES];
    node[usize::from(wrong) * 32..][..32].copy_from_slice(head.tree.as_bytes());
    let tree = Digest::of(&node);
    leah_registry::fs::write(&sandbox.path("hub").join(RegistryLayout::object(&tree)), &node).unwrap();
    let leaf = RegistryLayout::object(&head.tree);
    sandbox.write("hub/head", Head { format: 2, tree, depth: 1, ..head }.sign(&key).unwrap());
    let error = sandbox.run(&["check", "hub"]).fails(7);
    assert!(error.starts_with(&format!("error: `{leaf}` lists `notes`, which belongs into another leaf\n")));
}
