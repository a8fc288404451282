//! The reference implementation as judge: what stock minisign signs is accepted here, what is signed here
//! stock minisign accepts, and its key files open. Without the program `minisign` they say so and pass.

#![allow(clippy::unwrap_used, reason = "a test may end at the line that surprises it")]
#![allow(clippy::print_stdout, reason = "a test that cannot run here says why")]
#![allow(clippy::disallowed_methods, reason = "tests look at the disk themselves")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use leah_plugin::{
    digest::Digest,
    key::{KeyError, PublicKey, SecretKey},
    name::{Origin, PluginName},
    record::{OwnerLine, Record, Signer, owner_statement},
    signature::{
        SignatureBlock, SignatureError, UNTRUSTED_COMMENT, archive_file_name, owner_comment, package_comment,
    },
};

/// True where there is no minisign, which is then said. A machine with Rust and a C compiler alone can run the
/// tests; the gate, which sets CI, must have it.
fn is_missing() -> bool {
    let missing = Command::new("minisign").arg("-v").stdout(Stdio::null()).status().is_err();
    assert!(!missing || std::env::var_os("CI").is_none(), "the gate needs the program `minisign`");
    if missing {
        println!("not run: there is no program `minisign`");
    }
    missing
}

/// Runs minisign in `folder`, with `input` on its standard input, and tells whether it succeeded.
fn minisign(folder: &Path, arguments: &[&str], input: &str) -> bool {
    let mut child = Command::new("minisign")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the program `minisign`");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

#[track_caller]
fn run(folder: &Path, arguments: &[&str], input: &str) {
    assert!(minisign(folder, arguments, input), "minisign {arguments:?}");
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// A folder with a plain key pair that minisign made.
fn with_keys() -> (tempfile::TempDir, PublicKey, SecretKey) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["-G", "-W", "-p", "a.pub", "-s", "a.key"], "");
    let public = PublicKey::from_file_text(&read(folder.path(), "a.pub")).unwrap();
    let secret = SecretKey::read(&read(folder.path(), "a.key"), None).unwrap();
    (folder, public, secret)
}

fn hub() -> (Origin, PluginName) {
    ("hub".parse().unwrap(), "translator".parse().unwrap())
}

#[test]
fn opens_the_key_files_of_minisign() {
    if is_missing() {
        return;
    }
    let (folder, public, secret) = with_keys();
    assert_eq!(secret.public(), public);
    // The line before the key is for people; minisign leaves zeros at the begin of the id out.
    let key = |text: String| text.lines().nth(1).map(str::to_owned);
    assert_eq!(key(public.to_file_text()), key(read(folder.path(), "a.pub")));
}

#[test]
fn opens_a_key_that_minisign_protected() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["-G", "-p", "a.pub", "-s", "a.key"], "secret\nsecret\n");
    let text = read(folder.path(), "a.key");
    assert!(SecretKey::is_encrypted(&text));
    assert!(matches!(SecretKey::read(&text, None), Err(KeyError::PasswordNeeded)));
    let public = PublicKey::from_file_text(&read(folder.path(), "a.pub")).unwrap();
    assert_eq!(SecretKey::read(&text, Some("secret")).unwrap().public(), public);
}

#[test]
fn minisign_accepts_what_is_signed_here() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ((origin, name), version) = (hub(), "1.0.0-rc.1+build".parse().unwrap());
    let archive = b"the bytes of an archive";
    let comment = package_comment(&origin, &name, &version, archive.len() as u64, &Digest::of(archive));
    let key = SecretKey::generate().unwrap();
    let block = key.sign(archive, &comment, UNTRUSTED_COMMENT).unwrap();
    let file = archive_file_name(&name, &version);
    fs::write(folder.path().join(&file), archive).unwrap();
    fs::write(folder.path().join(format!("{file}.minisig")), block.as_text()).unwrap();
    let public = key.public().to_string();
    run(folder.path(), &["-Vm", &file, "-P", &public], "");
    fs::write(folder.path().join(&file), b"other bytes").unwrap();
    assert!(!minisign(folder.path(), &["-Vm", &file, "-P", &public], ""));
}

#[test]
fn minisign_signs_with_key_files_made_here() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plain = SecretKey::generate().unwrap();
    let (protected, text) = SecretKey::generate_protected("a key", "secret").unwrap();
    fs::write(folder.path().join("plain.key"), plain.to_file_text("a key").unwrap()).unwrap();
    fs::write(folder.path().join("protected.key"), text).unwrap();
    fs::write(folder.path().join("file"), b"data").unwrap();
    for (key, secret, input) in [("plain.key", plain, ""), ("protected.key", protected, "secret\n")] {
        run(folder.path(), &["-Sm", "file", "-s", key, "-t", "said"], input);
        let block: SignatureBlock = read(folder.path(), "file.minisig").parse().unwrap();
        block.verify(&secret.public(), b"data").unwrap();
        block.expect_comment("said").unwrap();
    }
}

#[test]
fn accepts_what_minisign_signs_and_refuses_its_legacy_signatures() {
    if is_missing() {
        return;
    }
    let (folder, public, _) = with_keys();
    fs::write(folder.path().join("file"), b"data").unwrap();
    run(folder.path(), &["-Sm", "file", "-s", "a.key"], "");
    let block: SignatureBlock = read(folder.path(), "file.minisig").parse().unwrap();
    block.verify(&public, b"data").unwrap();
    run(folder.path(), &["-Slm", "file", "-s", "a.key"], "");
    let legacy = read(folder.path(), "file.minisig").parse::<SignatureBlock>();
    assert!(matches!(legacy, Err(SignatureError::Legacy)));
}

#[test]
fn an_owner_can_sign_a_change_with_minisign_alone() {
    if is_missing() {
        return;
    }
    let (folder, public, _) = with_keys();
    let (origin, name) = hub();
    let keys = [public];
    fs::write(folder.path().join("keys"), owner_statement(&keys)).unwrap();
    let comment = owner_comment(&origin, &name, None);
    run(folder.path(), &["-Sm", "keys", "-s", "a.key", "-t", &comment], "");
    let signature = read(folder.path(), "keys.minisig").parse().unwrap();
    let signer = Signer::Publisher;
    let line = OwnerLine { keys: keys.to_vec(), previous: None, signer, key: public, signature, serial: 1 };
    assert_eq!(Record::start(line, &origin, &name).unwrap().owner().keys, keys);
}
