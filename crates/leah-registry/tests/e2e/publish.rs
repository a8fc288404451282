//! `publish`: what is taken, and every reason not to.

use leah_plugin::{digest::Digest, key::SecretKey, package::pack};

use crate::{fixture, sandbox::Sandbox};

#[test]
fn publishes_versions_and_the_catalog_shows_the_newest() {
    let sandbox = Sandbox::new();
    let first = sandbox.publish("notes", "1.0.0").ok();
    assert_eq!(first.out, "Published notes 1.0.0, signed by key [publisher id] (head 2)\n");
    sandbox.publish("notes", "1.2.0").ok();
    sandbox.publish("notes", "1.1.0").ok();
    sandbox.publish("notes", "2.0.0-rc.1").ok();
    sandbox.publish("text-tools", "0.1.0").ok();
    assert_eq!(catalog(&sandbox), ["notes 1.2.0", "text-tools 0.1.0"]);
    let check = sandbox.run(&["check", "hub", "--json"]).ok().json();
    assert_eq!((&check["plugins"], &check["versions"]), (&2.into(), &5.into()));
}

#[test]
fn copies_archive_and_signature_byte_for_byte() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    for file in ["notes-1.0.0.tar.gz", "notes-1.0.0.tar.gz.minisig"] {
        assert_eq!(sandbox.read(&format!("hub/packages/notes/{file}")), sandbox.read(file));
    }
}

#[test]
fn says_as_json_what_it_published() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    let answer = sandbox.publish_file(&file, &["--json"]).ok().json();
    let sha256 = Digest::of(&sandbox.read(&file)).to_string();
    let expect = serde_json::json!({
        "schema": 1, "name": "notes", "version": "1.0.0", "sha256": sha256,
        "key": "[publisher]", "new_name": true, "serial": 2
    });
    assert_eq!(answer, expect);
}

#[test]
fn later_versions_need_no_publisher_key() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    insta::assert_snapshot!(sandbox.change("publish", &[&file]).fails(9), @r"
    error: `notes` is a new name, and its owner line must be signed by its publisher
    hint: name its key file with `--publisher-key FILE`, or what it signed elsewhere with `--publisher KEY --owner-signature FILE`
    ");
    sandbox.publish_file(&file, &[]).ok();
    let file = sandbox.pack_signed("notes", "1.1.0", &sandbox.publisher);
    sandbox.change("publish", &[&file]).ok();
}

/// Publishes and asserts that the registry did not change.
#[track_caller]
fn refuses(sandbox: &Sandbox, file: &str, code: i32) -> String {
    let before = sandbox.snapshot();
    let error = sandbox.publish_file(file, &[]).fails(code);
    assert_eq!(sandbox.snapshot(), before);
    error
}

#[test]
fn refuses_a_version_that_is_there() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0-rc.1").ok();
    let file = sandbox.pack_signed("notes", "1.0.0-rc.1", &sandbox.publisher);
    insta::assert_snapshot!(refuses(&sandbox, &file, 9), @r"
    error: `notes` 1.0.0-rc.1 is published already; a version is never replaced
    hint: raise the version in `plugin.yaml`, then pack and sign again
    ");
    let file = sandbox.pack_signed("notes", "1.0.0-RC.1", &sandbox.publisher);
    assert_eq!(
        refuses(&sandbox, &file, 9),
        "error: `notes` 1.0.0-RC.1 cannot be told from 1.0.0-rc.1, which is published already\n"
    );
}

#[test]
fn refuses_what_somebody_else_signed() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let thief = SecretKey::generate().unwrap();
    let file = sandbox.pack_signed("notes", "1.1.0", &thief);
    let error = refuses(&sandbox, &file, 7).replace(&thief.public().id(), "[thief]");
    assert_eq!(
        error,
        "error: `notes` is signed by key [thief], its owner is [publisher id] (`[publisher]`)\n"
    );
}

#[test]
fn refuses_a_package_without_its_signature_or_with_that_of_another() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    let signature = sandbox.read(&format!("{file}.minisig"));
    std::fs::remove_file(sandbox.path(&format!("{file}.minisig"))).unwrap();
    insta::assert_snapshot!(refuses(&sandbox, &file, 7), @r"
    error: the package is not signed: there is no `notes-1.0.0.tar.gz.minisig`
    hint: sign it with `leahpm sign PACKAGE --key FILE --for REGISTRY`
    ");
    // The right archive under the name of a newer version, to roll users back.
    sandbox.write("notes-1.1.0.tar.gz", sandbox.read(&file));
    sandbox.write("notes-1.1.0.tar.gz.minisig", signature);
    insta::assert_snapshot!(refuses(&sandbox, "notes-1.1.0.tar.gz", 7), @r"
    error: the signature `notes-1.1.0.tar.gz.minisig` is refused
    caused by: the signature is for version `1.0.0`, not for `1.1.0`
    ");
}

#[test]
fn refuses_a_changed_archive_before_it_is_unpacked() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    sandbox.write(&file, b"not even gzip");
    let error = refuses(&sandbox, &file, 7);
    assert!(error.contains("does not fit: the bytes or the comment were changed"), "{error}");
}

#[test]
fn refuses_what_is_signed_and_yet_no_package_of_that_name() {
    let sandbox = Sandbox::new();
    let file = sandbox.sign("notes", "1.0.0", b"not gzip", &sandbox.publisher);
    let error = refuses(&sandbox, &file, 13);
    assert!(error.starts_with("error: `notes-1.0.0.tar.gz` is not a valid package\ncaused by: "), "{error}");
    let files = fixture::plugin("other", "1.0.0").into_iter();
    let archive = pack(files.map(|(path, bytes)| (path.parse().unwrap(), bytes))).unwrap();
    let file = sandbox.sign("notes", "1.0.0", &archive, &sandbox.publisher);
    assert_eq!(
        refuses(&sandbox, &file, 13),
        "error: the manifest says `other 1.0.0`, the file name `notes 1.0.0`\n"
    );
    sandbox.write("notes.tar.gz", b"");
    assert_eq!(
        refuses(&sandbox, "notes.tar.gz", 13),
        "error: `notes.tar.gz` is not named as a package: `<name>-<version>.tar.gz`\n"
    );
}

#[test]
fn refuses_a_name_that_looks_like_one_of_somebody_else() {
    let sandbox = Sandbox::new();
    sandbox.publish("translator", "1.0.0").ok();
    // Its own owner may take a name beside it.
    sandbox.publish("translators", "1.0.0").ok();
    let thief = SecretKey::generate().unwrap();
    sandbox.write("thief.key", thief.to_file_text("thief").unwrap());
    let file = sandbox.pack_signed("trans1ator", "1.0.0", &thief);
    let before = sandbox.snapshot();
    let publish = ["publish", "hub", &file, "--index-key", "keys/index.key", "--publisher-key", "thief.key"];
    insta::assert_snapshot!(sandbox.run(&publish).fails(9), @r"
    error: the name `trans1ator` looks like `translator`, which is somebody else's
    hint: if nobody will mistake them, add `--similar-ok`
    ");
    assert_eq!(sandbox.snapshot(), before);
    sandbox.run(&[&publish[..], &["--similar-ok"]].concat()).ok();
}

#[test]
fn refuses_another_key_than_the_index_key() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    let error = sandbox.run(&["publish", "hub", &file, "--index-key", "me.key"]).fails(7);
    assert!(error.starts_with("error: key [publisher id] is not the index key of the registry"), "{error}");
    let missing = sandbox.run(&["publish", "hub", &file, "--index-key", "none.key"]).fails(5);
    assert!(missing.starts_with("error: cannot read `none.key`\ncaused by: "), "{missing}");
}

#[test]
fn refuses_to_change_a_registry_that_another_process_changes() {
    let sandbox = Sandbox::new();
    let _lock = leah_registry::fs::lock(&sandbox.path("hub/.lock")).unwrap();
    let error = sandbox.publish("notes", "1.0.0").fails(12);
    assert!(error.starts_with("error: cannot lock `hub/.lock`"), "{error}");
    // Reading needs no lock.
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn errors_are_json_when_asked_for() {
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    let answer = sandbox.change("publish", &[&file, "--json"]);
    assert_eq!((answer.code, answer.err.as_str()), (9, ""));
    let error = &answer.json()["error"];
    assert_eq!(error["code"], 9);
    assert!(error["hints"][0].as_str().unwrap().starts_with("name its key file with `--publisher-key FILE`"));
}

/// Name and version of every entry of the catalog.
fn catalog(sandbox: &Sandbox) -> Vec<String> {
    let registry = leah_registry::registry::Registry::open(&sandbox.path("hub"), None, crate::sandbox::NOW);
    let catalog = registry.unwrap().catalog().unwrap();
    catalog.values().map(|entry| format!("{} {}", entry.name, entry.version)).collect()
}
