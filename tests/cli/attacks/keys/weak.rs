//! Keys and signatures that prove nothing although everything else about them is right.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use leah_plugin::{
    head::Head,
    key::SecretKey,
    root::Root,
    signature::{UNTRUSTED_COMMENT, head_comment, root_comment},
};

use super::notes;
use crate::{
    fixture::TestRegistry,
    sandbox::{Sandbox, skipped},
};

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
