//! `owner`: who may publish, and on whose word that changes.

use std::process::{Command, Stdio};

use leah_plugin::key::{PublicKey, SecretKey};
use serde_json::json;

use crate::sandbox::{Answer, Sandbox, start};

const INDEX: [&str; 2] = ["--index-key", "keys/index.key"];
const ME: [&str; 2] = ["--publisher-key", "me.key"];

/// A registry with `notes` 1.0.0, whose owner has the key in `me.key`.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox
}

fn owner(sandbox: &Sandbox, command: &str, more: &[&[&str]]) -> Answer {
    sandbox.run(&[&["owner", command, "hub", "notes"], &more.concat()[..]].concat())
}

/// A new key in a file of that name, and its public half as text.
fn new_key(sandbox: &Sandbox, file: &str) -> (SecretKey, String) {
    let key = SecretKey::generate().unwrap();
    sandbox.write(file, key.to_file_text(file).unwrap());
    let text = key.public().to_string();
    (key, text)
}

/// The keys of the owner in force.
fn keys(sandbox: &Sandbox) -> serde_json::Value {
    let list = owner(sandbox, "list", &[&["--json"]]).ok().json();
    list["owners"].as_array().unwrap().last().unwrap()["keys"].clone()
}

fn sorted(keys: &[&SecretKey]) -> serde_json::Value {
    let mut keys: Vec<PublicKey> = keys.iter().map(|key| key.public()).collect();
    keys.sort();
    json!(keys)
}

/// Publishes a version of `notes` that this key signed.
fn publish(sandbox: &Sandbox, version: &str, key: &SecretKey) -> Answer {
    let file = sandbox.pack_signed("notes", version, key);
    sandbox.change("publish", &[&file])
}

/// The same as in `keys`, but with what the sandbox hides put back.
fn shown(sandbox: &Sandbox, value: &serde_json::Value) -> serde_json::Value {
    let text = value.to_string().replace("[publisher]", &sandbox.publisher.public().to_string());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn two_keys_can_publish_and_one_of_them_can_go() {
    let sandbox = published();
    let (second, text) = new_key(&sandbox, "second.key");
    let answer = owner(&sandbox, "add", &[&[&text], &ME, &INDEX]).ok();
    assert!(answer.out.starts_with("notes is owned by (head 3)\n"), "{}", answer.out);
    assert_eq!(shown(&sandbox, &keys(&sandbox)), sorted(&[&second, &sandbox.publisher]));
    publish(&sandbox, "1.1.0", &second).ok();
    publish(&sandbox, "1.2.0", &sandbox.publisher).ok();
    let me = sandbox.publisher.public().to_string();
    owner(&sandbox, "remove", &[&[&me], &["--publisher-key", "second.key"], &INDEX]).ok();
    assert_eq!(keys(&sandbox), sorted(&[&second]));
    publish(&sandbox, "1.3.0", &sandbox.publisher).fails(7);
    publish(&sandbox, "1.3.0", &second).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_publisher_takes_a_new_key_in_one_change() {
    let sandbox = published();
    let (new, text) = new_key(&sandbox, "new.key");
    let me = sandbox.publisher.public().to_string();
    let answer = owner(&sandbox, "rotate", &[&[&me, &text], &ME, &INDEX, &["--json"]]).ok().json();
    let expect =
        json!({ "schema": 1, "name": "notes", "keys": [text], "signer": "[publisher]", "serial": 3 });
    assert_eq!(answer, expect);
    publish(&sandbox, "1.1.0", &sandbox.publisher).fails(7);
    publish(&sandbox, "1.1.0", &new).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn refuses_a_change_that_no_owner_has_signed() {
    let sandbox = published();
    let before = sandbox.snapshot();
    let (_, text) = new_key(&sandbox, "thief.key");
    for key in ["thief.key", "keys/root.key", "keys/index.key"] {
        let error = owner(&sandbox, "add", &[&[&text], &["--publisher-key", key], &INDEX]).fails(7);
        let id = sandbox.secret(key).public().id();
        assert_eq!(error, format!("error: signed by key {id}; [publisher id] (`[publisher]`) may sign\n"));
    }
    // Nor can an owner do what only the root key may.
    let error = owner(&sandbox, "recover", &[&["--new-key", &text, "--root-key", "me.key"], &INDEX]).fails(7);
    assert!(error.starts_with("error: signed by key [publisher id]; "), "{error}");
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_changes_that_change_nothing_and_a_name_without_keys() {
    let sandbox = published();
    let before = sandbox.snapshot();
    let (_, other) = new_key(&sandbox, "other.key");
    let me = sandbox.publisher.public().to_string();
    let error = owner(&sandbox, "add", &[&[&me], &ME, &INDEX]).fails(9);
    assert_eq!(error, "error: key [publisher id] (`[publisher]`) owns the plugin already\n");
    let error = owner(&sandbox, "remove", &[&[&other], &ME, &INDEX]).fails(5);
    assert!(error.contains("does not own the plugin\nhint: `leah-registry owner list DIR NAME`"), "{error}");
    insta::assert_snapshot!(owner(&sandbox, "remove", &[&[&me], &ME, &INDEX]).fails(9), @r"
    error: no key would be left that can publish `notes`
    hint: put a new key in its place with `leah-registry owner rotate DIR NAME OLD NEW`
    ");
    let error = sandbox.run(&["owner", "list", "hub", "votes"]).fails(5);
    assert_eq!(error, "error: the registry has no plugin `votes`\n");
    assert_eq!(owner(&sandbox, "add", &[&[&other], &INDEX]).code, 2);
    assert_eq!(owner(&sandbox, "add", &[&[&other], &ME]).code, 2);
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn refuses_keys_that_prove_nothing() {
    let sandbox = published();
    // A point of small order, and a text that is one letter short.
    for key in [
        "RWQAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO",
    ] {
        assert_eq!(owner(&sandbox, "add", &[&[key], &ME, &INDEX]).code, 2, "{key}");
    }
}

#[test]
fn the_root_key_gives_a_lost_name_new_keys() {
    let sandbox = published();
    let (new, text) = new_key(&sandbox, "new.key");
    let recover = ["--new-key", &text, "--root-key", "keys/root.key"];
    owner(&sandbox, "recover", &[&recover, &INDEX]).ok();
    assert_eq!(keys(&sandbox), sorted(&[&new]));
    publish(&sandbox, "1.1.0", &sandbox.publisher).fails(7);
    publish(&sandbox, "1.1.0", &new).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_handed_over_root_key_confirms_the_owners_that_the_one_before_has_named() {
    let sandbox = published();
    sandbox.publish("other", "1.0.0").ok();
    let (new, text) = new_key(&sandbox, "new.key");
    owner(&sandbox, "recover", &[&["--new-key", &text, "--root-key", "keys/root.key"], &INDEX]).ok();
    publish(&sandbox, "1.1.0", &new).ok();
    let hand_over = ["rotate", "hub", "--root-key", "keys/root.key", "--new-root-key", "keys/root-2.key"];
    let answer = sandbox.run(&[&hand_over, &INDEX[..]].concat()).ok();
    let told = "\nConfirmed the owner of notes, whom an earlier root key had named\n";
    assert!(answer.out.contains(told), "{}", answer.out);
    assert_eq!(keys(&sandbox), sorted(&[&new]));
    sandbox.run(&["check", "hub"]).ok();
    publish(&sandbox, "1.2.0", &new).ok();
    // The old root key moves no name any more.
    let (_, thief) = new_key(&sandbox, "thief.key");
    let before = sandbox.snapshot();
    let stolen = ["--new-key", &thief, "--root-key", "keys/root.key"];
    let error = owner(&sandbox, "recover", &[&stolen, &INDEX]).fails(7);
    assert!(error.starts_with("error: signed by key "), "{error}");
    assert_eq!(sandbox.snapshot(), before);
    let (_, next) = new_key(&sandbox, "next.key");
    owner(&sandbox, "recover", &[&["--new-key", &next, "--root-key", "keys/root-2.key"], &INDEX]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn lists_owners_versions_and_what_was_revoked() {
    let sandbox = published();
    let (second, text) = new_key(&sandbox, "second.key");
    let me = sandbox.publisher.public().to_string();
    owner(&sandbox, "rotate", &[&[&me, &text], &ME, &INDEX]).ok();
    publish(&sandbox, "1.1.0", &second).ok();
    sandbox.change("revoke", &["notes", &text, "--from", "4"]).ok();
    let (_, third) = new_key(&sandbox, "third.key");
    owner(&sandbox, "recover", &[&["--new-key", &third, "--root-key", "keys/root.key"], &INDEX]).ok();
    let list = owner(&sandbox, "list", &[]).ok().out;
    let list = list.replace(&text, "[second]").replace(&second.public().id(), "[second id]");
    insta::assert_snapshot!(list.replace(&third, "[third]"), @r"
    notes is owned by
      [third] since head 6, signed by the root key
    before by
      [second] since head 3
      [publisher] since head 2
    1.0.0 signed by [publisher id] with head 2
    1.1.0 signed by [second id] with head 4, refused
    [second id] is revoked from head 4 on
    ");
}

/// True where there is no minisign, which is then said; the gate, which sets CI, must have it.
#[expect(clippy::print_stdout, reason = "a test that cannot run here says why")]
fn minisign_is_missing() -> bool {
    let missing = Command::new("minisign").arg("-v").stdout(Stdio::null()).status().is_err();
    assert!(!missing || std::env::var_os("CI").is_none(), "the gate needs the program `minisign`");
    if missing {
        println!("not run: there is no program `minisign`");
    }
    missing
}

/// Runs the line that was printed, as an author would paste it, with the file of a key.
fn sign_elsewhere(sandbox: &Sandbox, printed: &str, key: &str) {
    let line = printed.lines().find(|line| line.trim_start().starts_with("minisign ")).unwrap();
    let line = line.replace("KEYFILE", key);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(sandbox.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let signed = start(&mut command).wait_with_output().unwrap();
    assert!(signed.status.success(), "{line}: {}", String::from_utf8_lossy(&signed.stderr));
}

#[test]
fn an_author_signs_a_change_elsewhere_with_minisign() {
    if minisign_is_missing() {
        return;
    }
    let sandbox = published();
    let before = sandbox.snapshot();
    let (new, text) = new_key(&sandbox, "new.key");
    let me = sandbox.publisher.public().to_string();
    // Neither the index key nor the author's is needed to write down what is to be signed.
    let printed = owner(&sandbox, "rotate", &[&[&me, &text, "--statement", "notes.owner"]]).ok().out;
    assert_eq!(sandbox.read("notes.owner"), format!("{text}\n").as_bytes());
    assert_eq!(sandbox.snapshot(), before);
    sign_elsewhere(&sandbox, &printed, "me.key");
    let signature = ["--signature", "notes.owner.minisig"];
    owner(&sandbox, "rotate", &[&[&me, &text], &signature, &INDEX]).ok();
    assert_eq!(keys(&sandbox), sorted(&[&new]));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn an_author_owns_a_new_name_without_giving_the_key_away() {
    if minisign_is_missing() {
        return;
    }
    let sandbox = Sandbox::new();
    let file = sandbox.pack_signed("notes", "1.0.0", &sandbox.publisher);
    sandbox.write("me.pub", sandbox.publisher.public().to_file_text());
    // As the guide tells authors; what was signed for another name is worth nothing.
    for (name, code) in [("votes", 7), ("notes", 0)] {
        let comment = format!("$(printf 'leahpm:owner:1\\tregistry:hub\\tname:{name}\\tprevious:-')");
        let line = format!("tail -n 1 me.pub >o; minisign -Sm o -s me.key -t \"{comment}\"");
        let signed = Command::new("sh").args(["-c", &line]).current_dir(sandbox.path(".")).output().unwrap();
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        let me = sandbox.publisher.public().to_string();
        let publish = ["publish", "hub", &file, "--publisher", &me, "--owner-signature", "o.minisig"];
        let answer = sandbox.run(&[&publish, &INDEX[..]].concat());
        assert_eq!(answer.code, code, "{}", answer.err);
        let told = "caused by: the signature is for the plugin `votes`, not for `notes`\n";
        assert_eq!(answer.err.ends_with(told), code == 7, "{}", answer.err);
    }
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn the_root_key_signs_a_recovery_where_it_is_kept() {
    if minisign_is_missing() {
        return;
    }
    let sandbox = published();
    let (new, text) = new_key(&sandbox, "new.key");
    let recovery = ["--new-key", &text];
    let printed = owner(&sandbox, "recover", &[&recovery, &["--statement", "notes.owner"]]).ok().out;
    sign_elsewhere(&sandbox, &printed, "keys/root.key");
    owner(&sandbox, "recover", &[&recovery, &["--signature", "notes.owner.minisig"], &INDEX]).ok();
    assert_eq!(keys(&sandbox), sorted(&[&new]));
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_signature_made_elsewhere_counts_for_one_change_and_no_other() {
    let sandbox = published();
    let (_, new) = new_key(&sandbox, "new.key");
    let (_, other) = new_key(&sandbox, "other.key");
    let written = owner(&sandbox, "add", &[&[&new, "--statement", "s", "--json"]]).ok().json();
    let sign = |key: &SecretKey| {
        let comment = written["comment"].as_str().unwrap();
        let block = key.sign(&sandbox.read("s"), comment, "from elsewhere").unwrap();
        sandbox.write("s.minisig", block.as_text());
    };
    let add = |key: &str| owner(&sandbox, "add", &[&[key, "--signature", "s.minisig"], &INDEX]);
    let before = sandbox.snapshot();
    sign(&sandbox.secret("other.key"));
    assert!(add(&new).fails(7).starts_with("error: signed by key "));
    sign(&sandbox.publisher);
    insta::assert_snapshot!(add(&other).fails(7), @r"
    error: the signature of the change is refused
    caused by: the signature of key [publisher id] (`[publisher]`) does not fit: the bytes or the comment were changed
    caused by: The signature verification failed
    ");
    assert_eq!(sandbox.snapshot(), before);
    add(&new).ok();
    // The owner has changed since, even if back to what it was.
    owner(&sandbox, "remove", &[&[&new], &ME, &INDEX]).ok();
    let error = add(&new).fails(7);
    assert!(
        error.starts_with("error: the signature of the change is refused\ncaused by: the signature says `")
    );
    assert!(error.ends_with(
        "hint: the owner has changed since; write what is to be signed anew with `--statement FILE`\n"
    ));
}

#[test]
fn a_statement_is_never_written_over_a_file() {
    let sandbox = published();
    let (_, new) = new_key(&sandbox, "new.key");
    let error = owner(&sandbox, "add", &[&[&new, "--statement", "me.key"]]).fails(1);
    assert!(error.starts_with("error: cannot create `me.key`\n"), "{error}");
    assert_eq!(sandbox.secret("me.key").public(), sandbox.publisher.public());
}
