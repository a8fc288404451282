//! Signatures of packages that are real and of something else, or in another form than the one that is allowed.
//! A thief of the index key puts them into the record; each is refused in its own words.

use leah_plugin::{
    digest::Digest,
    key::SecretKey,
    name::Origin,
    record::Line,
    signature::{UNTRUSTED_COMMENT, package_comment},
};
use serde_json::Value;

use super::{Scene, forge::Claim};
use crate::fixture::PackageSpec;

/// A registry whose record of `notes` has this signature in its version line, or no line of that name.
fn scene_with(signature: impl FnOnce(&Scene, &Claim, &[u8]) -> Option<String>) -> Scene {
    let scene = Scene::new();
    let archive = PackageSpec::new("notes", "1.0.0").archive();
    let claim = Claim::of(&archive);
    let signature = signature(&scene, &claim, &archive);
    let line = Line::Version(Box::new(scene.hub.version_line(&claim, &archive, 2)));
    let text = serde_json::to_string(&line).unwrap();
    let valid = serde_json::to_value(&line).unwrap()["signature"].to_string();
    let text = match signature {
        Some(signature) => text.replace(&valid, &Value::from(signature).to_string()),
        None => text.replace(&format!("\"signature\":{valid},"), ""),
    };
    let record = scene.hub.new_record(&claim.name);
    let record = format!("{}{text}\n", String::from_utf8_lossy(record.as_bytes()));
    scene.hub.serve_record("notes", record.as_bytes());
    scene.hub.write("packages/notes/notes-1.0.0.tar.gz", archive);
    scene
}

/// The message of an install of `notes` with this signature, without the lines that are the same for all.
#[track_caller]
fn check(signature: impl FnOnce(&Scene, &Claim, &[u8]) -> Option<String>) -> String {
    scene_with(signature).refuses_to_install(7, "notes").lines().skip(2).collect::<Vec<_>>().join("\n")
}

/// The same for the right signature after a change of its text.
#[track_caller]
fn check_text(change: impl FnOnce(String) -> String) -> String {
    check(|scene, claim, archive| Some(change(valid(scene, claim, archive))))
}

fn valid(scene: &Scene, claim: &Claim, archive: &[u8]) -> String {
    scene.hub.sign(claim, archive, &scene.hub.publisher).as_text().to_owned()
}

#[test]
fn the_right_signature_is_taken() {
    let scene = scene_with(|scene, claim, archive| Some(valid(scene, claim, archive)));
    scene.installs("notes");
}

#[test]
fn a_signature_by_another_key_is_refused() {
    insta::assert_snapshot!(check(|scene, claim, archive| {
        let thief = SecretKey::generate().unwrap();
        Some(scene.hub.sign(claim, archive, &thief).as_text().to_owned())
    }), @"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: signed with another key: [id], expected [hub publisher key id] (`[hub publisher key]`)
    ");
}

#[test]
fn a_signature_by_another_key_that_states_the_id_of_the_right_one_is_refused() {
    let scene = scene_with(|scene, claim, archive| {
        let thief = SecretKey::generate().unwrap();
        let forged = scene.hub.sign(claim, archive, &thief).as_text().to_owned();
        Some(with_id_of(&forged, &valid(scene, claim, archive)))
    });
    insta::assert_snapshot!(scene.refuses_to_install(7, "notes"), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: the signature of key [hub publisher key id] (`[hub publisher key]`) does not fit: the bytes or the comment were changed
    caused by: The signature verification failed
    ");
}

/// A signature with the first ten bytes, algorithm and id, of another one.
fn with_id_of(forged: &str, right: &str) -> String {
    let lines: Vec<&str> = forged.lines().collect();
    let other = right.lines().nth(1).unwrap();
    // Ten bytes are 80 bits: 13 characters and two bits of the next one.
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |text: &str| digits.iter().position(|digit| *digit == text.as_bytes()[13]).unwrap();
    let mixed = digits[(value(other) & 0b11_0000) | (value(lines[1]) & 0b00_1111)];
    let second = format!("{}{}{}", &other[..13], char::from(mixed), &lines[1][14..]);
    format!("{}\n{second}\n{}\n{}\n", lines[0], lines[2], lines[3])
}

#[test]
fn a_signature_for_another_name_version_or_registry_is_refused() {
    let signed_for = |origin: &'static str, name: &'static str, version: &'static str| {
        move |scene: &Scene, _: &Claim, archive: &[u8]| {
            let origin: Origin = origin.parse().unwrap();
            let (name, version) = (name.parse().unwrap(), version.parse().unwrap());
            let comment =
                package_comment(&origin, &name, &version, archive.len() as u64, &Digest::of(archive));
            Some(scene.hub.publisher.sign(archive, &comment, UNTRUSTED_COMMENT).unwrap().as_text().to_owned())
        }
    };
    insta::assert_snapshot!(check(signed_for("hub", "votes", "1.0.0")), @"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature is for the plugin `votes`, not for `notes`
    ");
    insta::assert_snapshot!(check(signed_for("hub", "notes", "0.9.0")), @"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature is for version `0.9.0`, not for `1.0.0`
    ");
    insta::assert_snapshot!(check(signed_for("bub", "notes", "1.0.0")), @"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature is for the registry `bub`, not for `hub`
    ");
}

#[test]
fn a_signature_of_other_bytes_of_the_same_plugin_is_refused() {
    let error = check(|scene, claim, _| Some(valid(scene, claim, b"other bytes")));
    let (front, expected) = error.split_once(", expected ").unwrap();
    insta::assert_snapshot!(front, @r"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature says `leahpm:package:1\tregistry:hub\tname:notes\tversion:1.0.0\tfile:notes-1.0.0.tar.gz\tsize:11\tsha256:[sha256]`
    ");
    assert!(
        expected.starts_with(r"`leahpm:package:1\tregistry:hub\tname:notes\tversion:1.0.0\t"),
        "{expected}"
    );
}

#[test]
fn a_signature_that_was_made_for_a_head_is_refused_for_a_package() {
    insta::assert_snapshot!(check(|scene, _, archive| {
        let comment = "leahpm:head:1\tregistry:hub\tepoch:1\tserial:3\texpires:4000000000";
        let block = scene.hub.publisher.sign(archive, comment, UNTRUSTED_COMMENT).unwrap();
        Some(block.as_text().to_owned())
    }).split(", expected").next().unwrap(), @r"
    caused by: the signature of version 1.0.0 does not fit its line
    caused by: the signature says `leahpm:head:1\tregistry:hub\tepoch:1\tserial:3\texpires:4000000000`
    ");
}

#[test]
fn a_signature_whose_comment_was_exchanged_is_refused() {
    // The comment is the right one, but what signs it is that of another comment.
    let scene = scene_with(|scene, claim, archive| {
        let block = scene.hub.publisher.sign(archive, "another comment", UNTRUSTED_COMMENT).unwrap();
        let right = valid(scene, claim, archive);
        let comment = right.lines().nth(2).unwrap();
        Some(block.as_text().replace("trusted comment: another comment", comment))
    });
    insta::assert_snapshot!(scene.refuses_to_install(7, "notes"), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: the signature of key [hub publisher key id] (`[hub publisher key]`) does not fit: the bytes or the comment were changed
    caused by: The signature verification failed
    ");
}

#[test]
fn a_legacy_signature_is_refused() {
    // `ED` and `Ed` are the base64 of `RU` and `RW`.
    insta::assert_snapshot!(check_text(|text| text.replacen("\nRU", "\nRW", 1)), @"caused by: this is a legacy signature (`Ed`); only prehashed ones (`ED`) are accepted");
}

#[test]
fn a_signature_of_an_unknown_algorithm_is_refused() {
    insta::assert_snapshot!(check_text(|text| text.replacen("\nRU", "\nRV", 1)), @"caused by: the signature has an unknown algorithm");
}

#[test]
fn extra_lines_are_refused() {
    insta::assert_snapshot!(check_text(|text| text + "one more\n"), @"caused by: there are extra lines after the four of the signature");
    insta::assert_snapshot!(check_text(|text| text + "\n"), @"caused by: there are extra lines after the four of the signature");
    insta::assert_snapshot!(check_text(|text| format!("\n{text}")), @"caused by: line 4 of the signature holds a byte that is not printable ASCII (0x09)");
}

#[test]
fn line_ends_of_windows_are_refused() {
    insta::assert_snapshot!(check_text(|text| text.replace('\n', "\r\n")), @"caused by: line 1 of the signature holds a byte that is not printable ASCII (0x0d)");
}

#[test]
fn a_signature_that_is_cut_off_is_refused() {
    insta::assert_snapshot!(check_text(|text| text.trim_end().to_owned()), @"caused by: a signature is four lines that each end with a line feed, this one has 3");
    insta::assert_snapshot!(check_text(|text| text.lines().take(2).map(|line| line.to_owned() + "\n").collect()), @"caused by: a signature is four lines that each end with a line feed, this one has 2");
    insta::assert_snapshot!(check_text(|text| text.replacen("=\n", "\n", 1)), @"caused by: line 2 of the signature is not 74 bytes of base64");
}

#[test]
fn a_comment_with_escapes_of_a_terminal_is_refused_and_not_printed() {
    let error = check_text(|text| text.replacen("untrusted comment: ", "untrusted comment: \u{1b}[2J", 1));
    insta::assert_snapshot!(error, @"caused by: line 1 of the signature holds a byte that is not printable ASCII (0x1b)");
}

#[test]
fn a_version_without_a_signature_is_refused() {
    insta::assert_snapshot!(check(|_, _, _| None), @"caused by: missing field `signature`");
    insta::assert_snapshot!(check_text(|_| String::new()), @"caused by: the signature is missing: the file is empty");
}

#[test]
fn a_small_order_key_with_a_signature_that_holds_for_everything_is_refused() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    let (weak, path) = (weak_key(), scene.hub.folder.display().to_string());
    let owner = scene.hub.publisher.public().to_string();
    // Nobody's secret key is needed for this record: the owner, his line and his package are all forged.
    let forge = |line: &str| {
        let signature = serde_json::from_str::<Value>(line).unwrap()["signature"].clone();
        let comment = signature.as_str().unwrap().lines().nth(2).unwrap().to_owned();
        let forged = Value::from(weak_signature(&comment)).to_string();
        line.replace(&signature.to_string(), &forged).replace(&owner, &weak) + "\n"
    };
    let record: String = scene.hub.record_text("notes").lines().map(forge).collect();
    scene.hub.serve_record("notes", record.as_bytes());
    insta::assert_snapshot!(scene.refuses_to_install(7, "notes"), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 1 of the record of `notes` is refused
    caused by: the change of owners does not count
    caused by: the owner line is not signed as it must be
    caused by: the key that signed is not a sound one
    caused by: the key is a point of small order: a signature of it proves nothing
    ");
    insta::assert_snapshot!(scene.refuses(2, &["registry", "add", "bub", &path, "--key", &weak]), @"
    error: invalid value '[key]' for '--key <KEY>': the key is a point of small order: a signature of it proves nothing

    For more information, try '--help'.
    ");
}

#[test]
fn a_small_order_index_key_with_a_head_that_nobody_signed_is_refused() {
    let scene = Scene::new();
    let root = String::from_utf8(scene.hub.read("root/1")).unwrap();
    let body =
        root.lines().last().unwrap().replace(&scene.hub.index_key.public().to_string(), &weak_key()) + "\n";
    let signed =
        scene.hub.root_key.sign(body.as_bytes(), "leahpm:root:1\tregistry:hub\tserial:1", UNTRUSTED_COMMENT);
    scene.hub.write("root/1", signed.unwrap().as_text().to_owned() + &body);
    scene.forget_what_was_seen();
    let head = String::from_utf8(scene.hub.read("head")).unwrap();
    let lines: Vec<&str> = head.lines().collect();
    scene.hub.write("head", format!("{}{}\n", weak_signature(lines[2]), lines[4]));
    insta::assert_snapshot!(scene.refuses(7, &["update"]), @"
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: the key that signed is not a sound one
    caused by: the key is a point of small order: a signature of it proves nothing
    ");
}

/// A signature by the weak key, which a verifier that knows no small orders takes for any bytes: its point is
/// the neutral element and so is its multiple of the base point.
fn weak_signature(trusted: &str) -> String {
    let mut signature = [0; 64];
    signature[0] = 1;
    let first = [&b"ED12345678"[..], &signature].concat();
    format!("untrusted comment: {UNTRUSTED_COMMENT}\n{}\n{trusted}\n{}\n", base64(&first), base64(&signature))
}

/// `Ed`, an id, and the neutral element of the curve: one, little end first.
fn weak_key() -> String {
    let mut bytes = [0; 42];
    bytes[..2].copy_from_slice(b"Ed");
    bytes[2..10].copy_from_slice(b"12345678");
    bytes[10] = 1;
    base64(&bytes)
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| -> String {
        let bits = [0, 1, 2].iter().fold(0, |bits, at| bits << 8 | u32::from(*group.get(*at).unwrap_or(&0)));
        let digit = |at: usize| char::from(digits[(bits >> (18 - 6 * at) & 63) as usize]);
        (0..4).map(|at| if at <= group.len() { digit(at) } else { '=' }).collect()
    };
    bytes.chunks(3).map(group).collect()
}
