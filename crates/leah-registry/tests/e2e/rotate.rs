//! `rotate`: which keys count afterwards, and what an interrupted run leaves behind.

use leah_plugin::{head::Head, key::PublicKey, root::Root};

use crate::sandbox::{Answer, DAY, NOW, Sandbox};

const YEAR: u64 = 365 * DAY;

fn rotate(sandbox: &Sandbox, more: &[&str]) -> Answer {
    sandbox.run(&[&["rotate", "hub", "--root-key", "keys/root.key"], more].concat())
}

fn keep_index(sandbox: &Sandbox, more: &[&str]) -> Answer {
    rotate(sandbox, &[&["--index-key", "keys/index.key"], more].concat())
}

fn public(sandbox: &Sandbox, file: &str) -> PublicKey {
    sandbox.secret(file).public()
}

fn head(sandbox: &Sandbox, index_key: &str) -> Head {
    Head::read(&sandbox.read("hub/head"), &public(sandbox, index_key)).unwrap()
}

fn root(sandbox: &Sandbox, serial: u64, signer: &str) -> Root {
    Root::read(&sandbox.read(&format!("hub/root/{serial}")), &public(sandbox, signer)).unwrap()
}

#[test]
fn a_root_is_renewed_before_and_after_it_expires() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let answer = keep_index(&sandbox, &["--expires-days", "10", "--head-days", "7"]).ok();
    assert_eq!(answer.out, "Signed root 2, which lasts 10 days, and head 3\n");
    let second = root(&sandbox, 2, "keys/root.key");
    assert_eq!((second.expires, second.head_lifetime, second.epoch), (NOW + 10 * DAY, 7 * DAY, 1));
    let late = ["rotate", "hub", "--root-key", "keys/root.key", "--index-key", "keys/index.key"];
    let answer = sandbox.run_at(NOW + 2 * YEAR, &late).ok();
    assert_eq!(answer.out, "Signed root 3, which lasts 1825 days, and head 4\n");
    assert_eq!(root(&sandbox, 3, "keys/root.key").head_lifetime, 7 * DAY);
    sandbox.run_at(NOW + 2 * YEAR, &["check", "hub"]).ok();
}

#[cfg(unix)]
#[test]
fn the_index_key_is_replaced_and_the_one_before_changes_nothing_any_more() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let answer = rotate(&sandbox, &["--new-index-key", "keys/index-2.key"]).ok();
    let new = public(&sandbox, "keys/index-2.key");
    assert_eq!(
        answer.out.replace(&new.to_string(), "[new]").lines().skip(1).collect::<Vec<_>>(),
        ["The index key is now [new]", "New secret key: keys/index-2.key",]
    );
    let file = std::fs::metadata(sandbox.path("keys/index-2.key")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        PublicKey::from_file_text(&String::from_utf8(sandbox.read("keys/index-2.pub")).unwrap()).unwrap(),
        new
    );
    assert_eq!(head(&sandbox, "keys/index-2.key").order(), (1, 3));
    let error = sandbox.change("refresh", &[]).fails(7);
    assert!(error.contains("is not the index key of the registry, which is"), "{error}");
    sandbox.run(&["refresh", "hub", "--index-key", "keys/index-2.key"]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_stolen_index_key_is_shut_out_with_a_new_epoch() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let answer = rotate(&sandbox, &["--new-index-key", "keys/index-2.key", "--new-epoch"]).ok();
    assert!(answer.out.contains("\nHeads from before epoch 2 count no more\n"), "{}", answer.out);
    let head = head(&sandbox, "keys/index-2.key");
    assert_eq!((head.order(), head.root), ((2, 3), 2));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_serial_that_a_thief_has_used_up_begins_again_in_a_new_epoch() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let last = Head { serial: u64::MAX, ..head(&sandbox, "keys/index.key") };
    sandbox.write("hub/head", last.sign(&sandbox.secret("keys/index.key")).unwrap());
    for error in [sandbox.change("refresh", &[]).fails(7), keep_index(&sandbox, &[]).fails(7)] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @r"
            error: head 18446744073709551615 has the highest serial there can be, so no other can follow it in this epoch
            hint: begin a new epoch: `leah-registry rotate DIR --root-key FILE --new-index-key FILE --new-epoch`
            ");
        }
    }
    rotate(&sandbox, &["--new-index-key", "keys/index-2.key", "--new-epoch"]).ok();
    // Behind the line that brought the version.
    assert_eq!(head(&sandbox, "keys/index-2.key").order(), (2, 3));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn the_root_key_is_handed_over_and_the_one_before_signs_nothing_any_more() {
    let sandbox = Sandbox::new();
    let old = public(&sandbox, "keys/root.key");
    let answer = keep_index(&sandbox, &["--new-root-key", "keys/root-2.key"]).ok();
    let new = public(&sandbox, "keys/root-2.key");
    assert_eq!(
        answer.out.replace(&new.to_string(), "[new]"),
        "Signed root 2 and 3, which lasts 1825 days, and head 2\n\
         The root key, for users to compare, is now\n  [new]\nNew secret key: keys/root-2.key\n"
    );
    assert_eq!(root(&sandbox, 2, "keys/root.key").next_root_key, new);
    assert_eq!(root(&sandbox, 3, "keys/root-2.key").next_root_key, new);
    assert_eq!(sandbox.read("hub/root.pub"), new.to_file_text().as_bytes());
    // Whichever of the two a user has pinned.
    for key in [old, new] {
        sandbox.run(&["check", "hub", "--root-key", &key.to_string()]).ok();
    }
    let error = keep_index(&sandbox, &[]).fails(7);
    assert!(error.contains("is not the root key of the registry, which is"), "{error}");
    sandbox.run(&["rotate", "hub", "--root-key", "keys/root-2.key", "--index-key", "keys/index.key"]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn all_keys_are_replaced_at_once() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let new = ["--new-root-key", "new/root.key", "--new-index-key", "new/index.key", "--new-epoch", "--json"];
    let answer = rotate(&sandbox, &new).ok().json();
    let expect = serde_json::json!({
        "schema": 1, "roots": [2, 3], "root_key": public(&sandbox, "new/root.key"),
        "index_key": public(&sandbox, "new/index.key"), "key_files": ["new/root.key", "new/index.key"],
        "root_expires": NOW + 5 * YEAR, "epoch": 2, "serial": 3, "expires": NOW + 30 * DAY, "confirmed": []
    });
    assert_eq!(answer, expect);
    sandbox.run(&["check", "hub"]).ok();
}

/// The registry as a power cut leaves it between the last root and the head.
fn without_its_head(sandbox: &Sandbox, new: &[&str]) {
    let old = ["head", "root.pub"].map(|file| (file, sandbox.read(&format!("hub/{file}"))));
    rotate(sandbox, new).ok();
    std::fs::rename(sandbox.path("hub/head"), sandbox.path("hub/.next-head")).unwrap();
    for (file, bytes) in old {
        sandbox.write(&format!("hub/{file}"), bytes);
    }
}

const ALL_NEW: [&str; 5] =
    ["--new-root-key", "new/root.key", "--new-index-key", "new/index.key", "--new-epoch"];

#[test]
fn after_a_crash_between_root_and_head_the_same_command_finishes() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    without_its_head(&sandbox, &ALL_NEW);
    let error = sandbox.run(&["check", "hub"]).fails(7);
    assert!(error.starts_with("error: a change of keys was interrupted; "), "{error}");
    let answer = rotate(&sandbox, &ALL_NEW).ok();
    assert!(answer.out.starts_with("Signed root 3, which lasts 1825 days, and head 3\n"), "{}", answer.out);
    assert!(!sandbox.path("hub/.next-head").exists() && !sandbox.path("hub/root/4").exists());
    assert_eq!(head(&sandbox, "new/index.key").order(), (2, 3));
    sandbox.run(&["check", "hub", "--root-key", &public(&sandbox, "new/root.key").to_string()]).ok();
}

#[test]
fn after_a_crash_between_root_and_head_a_refresh_with_the_new_index_key_finishes() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    without_its_head(&sandbox, &ALL_NEW);
    // With the old one nothing is signed, and the head that was prepared is in place all the same.
    sandbox.change("refresh", &[]).fails(7);
    sandbox.run(&["refresh", "hub", "--index-key", "new/index.key"]).ok();
    assert_eq!(head(&sandbox, "new/index.key").order(), (2, 4));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_clock_that_is_wrong_after_a_crash_costs_nothing() {
    let sandbox = Sandbox::new();
    without_its_head(&sandbox, &ALL_NEW);
    let early = sandbox.run_at(NOW - 9 * DAY, &["refresh", "hub", "--index-key", "new/index.key"]).fails(7);
    assert!(early.contains("caused by: the head expires at "), "{early}");
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn after_a_crash_before_the_first_of_two_roots_everything_is_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    without_its_head(&sandbox, &ALL_NEW);
    std::fs::remove_file(sandbox.path("hub/root/2")).unwrap();
    sandbox.run(&["check", "hub"]).fails(7);
    sandbox.change("refresh", &[]).ok();
    assert!(!sandbox.path("hub/.next-head").exists() && !sandbox.path("hub/root/3").exists());
    sandbox.run(&["check", "hub"]).ok();
    rotate(&sandbox, &ALL_NEW).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_root_that_an_interrupted_hand_over_left_never_gets_into_the_chain() {
    let sandbox = Sandbox::new();
    without_its_head(&sandbox, &ALL_NEW);
    std::fs::remove_file(sandbox.path("hub/root/2")).unwrap();
    std::fs::remove_file(sandbox.path("hub/.next-head")).unwrap();
    keep_index(&sandbox, &[]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn the_head_of_a_stolen_key_put_back_after_a_crash_is_not_signed_anew() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    without_its_head(&sandbox, &ALL_NEW);
    std::fs::remove_file(sandbox.path("hub/.next-head")).unwrap();
    let error = sandbox.run(&["refresh", "hub", "--index-key", "new/index.key"]).fails(7);
    assert!(error.starts_with("error: `head` is refused\ncaused by: the head is not signed as it must be\n"));
}

#[test]
fn a_run_with_a_wrong_index_key_is_repaired_by_another() {
    let sandbox = Sandbox::new();
    rotate(&sandbox, &["--new-index-key", "me.key"]).ok();
    rotate(&sandbox, &["--new-index-key", "keys/index-2.key"]).ok();
    sandbox.run(&["refresh", "hub", "--index-key", "keys/index-2.key"]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn refuses_another_root_key_and_makes_no_new_ones() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    let with =
        |root: &str, more: &[&str]| sandbox.run(&[&["rotate", "hub", "--root-key", root], more].concat());
    let error = with("me.key", &ALL_NEW).fails(7);
    assert!(error.starts_with("error: key [publisher id] is not the root key of the registry, which is "));
    assert!(!sandbox.path("new").exists());
    let error = with("keys/root.key", &["--index-key", "me.key"]).fails(7);
    assert!(error.starts_with("error: key [publisher id] is not the index key of the registry, which is "));
    assert_eq!(with("keys/root.key", &[]).code, 2);
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_new_keys_that_are_none() {
    let sandbox = Sandbox::new();
    rotate(&sandbox, &["--new-index-key", "keys/index-2.key"]).ok();
    let before = sandbox.snapshot();
    for file in ["keys/index-2.key", "keys/index.key", "keys/root.key"] {
        let error = rotate(&sandbox, &["--new-index-key", file]).fails(9);
        let id = public(&sandbox, file).id();
        assert!(error.starts_with(&format!("error: key {id} (`")), "{error}");
        assert!(error.contains("is not new: a root of the registry has named it before\n"), "{error}");
    }
    let same = rotate(&sandbox, &["--new-index-key", "me.key", "--new-root-key", "me.key"]).fails(9);
    assert_eq!(same, "error: root key and index key must be two keys\n");
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_key_files_where_they_would_be_published() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    std::fs::create_dir(sandbox.path("other")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(sandbox.path("hub"), sandbox.path("other/link")).unwrap();
    for file in ["hub/new.key", "hub/keys/new.key", "keys/../hub/new.key", "other/link/new.key"] {
        insta::allow_duplicates! {
            let error = rotate(&sandbox, &["--new-index-key", file]).fails(9);
            insta::assert_snapshot!(error.replace(file, "[file]"), @r"
            error: the key file `[file]` would be published with the registry
            hint: keep keys in a folder that is not served, such as `./keys`
            ");
        }
    }
    let error = rotate(&sandbox, &["--new-index-key", "keys/new.pub"]).fails(13);
    assert_eq!(error, "error: `keys/new.pub` is the name of a public key; name the secret one `….key`\n");
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn a_new_key_is_protected_with_a_password() {
    let sandbox = Sandbox::new();
    let arguments =
        ["rotate", "hub", "--root-key", "keys/root.key", "--new-index-key", "keys/safe.key", "--protect"];
    sandbox.run_with(&arguments, &[("LEAH_REGISTRY_PASSWORD", "secret")]).ok();
    let refresh = ["refresh", "hub", "--index-key", "keys/safe.key"];
    sandbox.run(&refresh).fails(4);
    sandbox.run_with(&refresh, &[("LEAH_REGISTRY_PASSWORD", "secret")]).ok();
}
