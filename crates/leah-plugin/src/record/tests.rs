//! Records that hold and records that do not: each test breaks one rule.

use proptest::prelude::*;

use super::*;
use crate::{key::SecretKey, signature::UNTRUSTED_COMMENT};

const INTERFACE: &str =
    r#"{"api":"^1.0","dependencies":{},"permissions":["use_model"],"hooks":[],"tools":[]}"#;

fn hub() -> Origin {
    "hub".parse().unwrap()
}

fn name() -> PluginName {
    "translator".parse().unwrap()
}

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

/// A root key that signed nothing here: the one of minisign's own releases.
fn nobody() -> PublicKey {
    "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse().unwrap()
}

fn owner(keys: &[&SecretKey], previous: Option<Digest>, signer: (Signer, &SecretKey), serial: u64) -> Line {
    let keys = keys.iter().map(|key| key.public()).collect();
    Line::Owner(OwnerLine::sign(keys, (&hub(), &name(), previous), signer, serial).unwrap())
}

fn version_line(version: &str, key: &SecretKey, serial: u64) -> VersionLine {
    let version: Version = version.parse().unwrap();
    let archive = version.to_string().into_bytes();
    let (size, sha256) = (archive.len() as u64, Digest::of(&archive));
    let comment = package_comment(&hub(), &name(), &version, size, &sha256);
    VersionLine {
        format: VERSION_FORMAT,
        version,
        interface: serde_json::from_str(INTERFACE).unwrap(),
        size,
        sha256,
        content: Digest::of(b"tar"),
        key: key.public(),
        signature: key.sign(&archive, &comment, UNTRUSTED_COMMENT).unwrap(),
        serial,
        published: 1_700_000_000,
    }
}

fn version(text: &str, key: &SecretKey, serial: u64) -> Line {
    Line::Version(Box::new(version_line(text, key, serial)))
}

fn started(key: &SecretKey) -> Record {
    let Line::Owner(line) = owner(&[key], None, (Signer::Publisher, key), 1) else { unreachable!() };
    Record::start(line, &hub(), &name()).unwrap()
}

fn with(record: &Record, lines: &[Line]) -> Result<Record, RecordError> {
    lines.iter().try_fold(record.clone(), |record, line| record.append(line, &nobody()))
}

#[track_caller]
fn refuses(result: Result<Record, RecordError>, line: usize, expect: fn(&RecordProblem) -> bool) {
    let error = result.unwrap_err();
    assert!(error.line == line && expect(&error.source), "line {}: {}", error.line, error.source);
}

#[test]
fn keeps_every_version_and_what_was_said_about_it() {
    let key = key();
    let yank = |version: &str, reason: Option<&str>, serial| {
        Line::Yank(YankLine { version: version.parse().unwrap(), reason: reason.map(Into::into), serial })
    };
    let record = with(
        &started(&key),
        &[
            version("1.0.0", &key, 1),
            version("1.1.0", &key, 2),
            version("1.2.0", &key, 3),
            yank("1.0.0", Some("loses text"), 4),
            yank("1.1.0", None, 4),
            Line::Unyank(UnyankLine { version: "1.1.0".parse().unwrap(), serial: 5 }),
            Line::Revoke(RevokeLine { key: key.public(), from: 3, serial: 6 }),
        ],
    )
    .unwrap();
    let said: Vec<_> = record
        .versions()
        .iter()
        .map(|r| (r.line.version.to_string(), r.yanked, r.yank_reason.map(str::to_owned), r.revoked))
        .collect();
    assert_eq!(
        said,
        [
            ("1.0.0".into(), true, Some("loses text".into()), false),
            ("1.1.0".into(), false, None, false),
            ("1.2.0".into(), false, None, true),
        ]
    );
    assert_eq!(record.version(&Version::new(1, 1, 0)).unwrap().line.serial, 2);
    assert_eq!(record.as_bytes().iter().filter(|b| **b == b'\n').count(), record.lines().len());
}

#[test]
fn the_written_form_repeats_the_interface_in_the_line() {
    let text = serde_json::to_string(&version("1.0.0", &key(), 2)).unwrap();
    let (front, rest) = text.split_once("\"size\"").unwrap();
    assert_eq!(
        front,
        r#"{"kind":"version","format":1,"version":"1.0.0","api":"^1.0","dependencies":{},"permissions":["use_model"],"hooks":[],"tools":[],"#
    );
    assert!(rest.ends_with(r#","serial":2,"published":1700000000}"#), "{rest}");
}

#[test]
fn a_version_of_a_newer_format_is_skipped_and_kept() {
    let key = key();
    let record = started(&key);
    let newer = b"{\"kind\":\"version\",\"format\":2,\"version\":\"9.0.0\",\"shape\":[]}\n";
    let text = [record.as_bytes(), newer].concat();
    let record = Record::read(&text, &hub(), &name(), &nobody()).unwrap();
    assert!(record.versions().is_empty() && record.has_newer_versions());
    // What is said about the skipped version is no error either, and appending keeps the line.
    let yank = Line::Yank(YankLine { version: Version::new(9, 0, 0), reason: None, serial: 2 });
    let record = with(&record, &[version("1.0.0", &key, 1), yank]).unwrap();
    assert!(record.as_bytes().starts_with(&text));
}

#[test]
fn refuses_unknown_lines_and_keys() {
    let record = started(&key());
    for line in [
        r#"{"kind":"transfer","format":2}"#,
        r#"{"kind":"yank","version":"1.0.0","serial":1,"more":1}"#,
        r#"{"kind":"version","version":"1.0.0"}"#,
        r#"{"kind":"version","kind":"version","format":2}"#,
        "",
        "{}",
    ] {
        let text = [record.as_bytes(), line.as_bytes(), b"\n"].concat();
        let read = Record::read(&text, &hub(), &name(), &nobody());
        refuses(read, 2, |p| matches!(p, RecordProblem::Text(_)));
    }
    let version = String::from_utf8(json::to_line(&version("1.0.0", &key(), 1))).unwrap();
    let extra = version.replace("\"size\"", "\"more\":1,\"size\"");
    let text = [record.as_bytes(), extra.as_bytes()].concat();
    let read = Record::read(&text, &hub(), &name(), &nobody());
    refuses(read, 2, |p| matches!(p, RecordProblem::Text(JsonError::NotCanonical { .. })));
}

#[test]
fn refuses_a_record_without_an_owner_in_front() {
    let key = key();
    let read = |bytes: &[u8]| Record::read(bytes, &hub(), &name(), &nobody());
    refuses(read(b""), 0, |p| matches!(p, RecordProblem::Empty));
    let line = json::to_line(&version("1.0.0", &key, 1));
    refuses(read(&line), 1, |p| matches!(p, RecordProblem::OwnerFirst));
    refuses(read(b"{\"kind\":\"version\",\"format\":2}\n"), 1, |p| matches!(p, RecordProblem::OwnerFirst));
}

#[test]
fn refuses_versions_that_the_owner_did_not_sign() {
    let (owner, thief) = (key(), key());
    let append = |line: VersionLine| with(&started(&owner), &[Line::Version(Box::new(line))]);
    refuses(append(version_line("1.0.0", &thief, 1)), 2, |p| matches!(p, RecordProblem::NotOwner { .. }));
    let claimed = VersionLine { key: owner.public(), ..version_line("1.0.0", &thief, 1) };
    refuses(append(claimed), 2, |p| {
        matches!(p, RecordProblem::Signature { source: SignatureError::AnotherKey { .. }, .. })
    });
    let good = version_line("1.0.0", &owner, 1);
    let renamed = VersionLine { version: Version::new(2, 0, 0), ..good.clone() };
    refuses(append(renamed), 2, |p| {
        matches!(p, RecordProblem::Signature { source: SignatureError::OtherVersion { .. }, .. })
    });
    let swapped = VersionLine { sha256: Digest::of(b"other"), ..good.clone() };
    refuses(append(swapped), 2, |p| {
        matches!(p, RecordProblem::Signature { source: SignatureError::OtherComment { .. }, .. })
    });
    append(good).unwrap();
}

#[test]
fn refuses_a_record_of_another_name_or_registry() {
    let key = key();
    let record = with(&started(&key), &[version("1.0.0", &key, 1)]).unwrap();
    let read = |origin: &str, name: &str| {
        let (origin, name) = (origin.parse().unwrap(), name.parse().unwrap());
        Record::read(record.as_bytes(), &origin, &name, &nobody()).map(drop)
    };
    read("hub", "translator").unwrap();
    for (origin, name) in [("bub", "translator"), ("hub", "translater")] {
        let error = read(origin, name).unwrap_err();
        assert!(matches!(*error.source, RecordProblem::Owner(OwnerError::Signature(_))), "{error}");
    }
}

#[test]
fn refuses_serials_that_fall_and_versions_that_come_twice() {
    let key = key();
    let one = with(&started(&key), &[version("1.0.0", &key, 5)]).unwrap();
    refuses(with(&one, &[version("1.1.0", &key, 4)]), 3, |p| {
        matches!(p, RecordProblem::SerialFell { serial: 4, before: 5 })
    });
    refuses(with(&one, &[version("1.0.0", &key, 5)]), 3, |p| matches!(p, RecordProblem::Duplicate(_)));
    let yank = Line::Yank(YankLine { version: Version::new(3, 0, 0), reason: None, serial: 5 });
    refuses(with(&one, &[yank]), 3, |p| matches!(p, RecordProblem::NoSuchVersion(_)));
}

#[test]
fn a_name_passes_on_by_the_key_of_its_owner() {
    let (first, second) = (key(), key());
    let record = started(&first);
    let pinned = record.owner().digest;
    let change = owner(&[&second], Some(pinned), (Signer::Publisher, &first), 2);
    let record = with(&record, &[change, version("2.0.0", &second, 3)]).unwrap();
    assert_eq!(record.owner().keys, [second.public()]);
    let since = record.owners_since(&pinned).unwrap();
    assert_eq!((since.len(), since[0].key, since[0].signer), (1, first.public(), Signer::Publisher));
    assert_eq!(record.owners_since(&Digest::of(b"")), None);
    // The old key signs nothing any more.
    refuses(with(&record, &[version("2.1.0", &first, 3)]), 4, |p| {
        matches!(p, RecordProblem::NotOwner { .. })
    });
}

#[test]
fn refuses_a_name_that_is_taken() {
    let (first, thief) = (key(), key());
    let record = started(&first);
    let previous = Some(record.owner().digest);
    let by = |line: Line| with(&record, &[line]);
    refuses(by(owner(&[&thief], previous, (Signer::Publisher, &thief), 2)), 2, |p| {
        matches!(p, RecordProblem::Owner(OwnerError::Stranger(_)))
    });
    refuses(by(owner(&[&thief], previous, (Signer::Root, &thief), 2)), 2, |p| {
        matches!(p, RecordProblem::Owner(OwnerError::NotRoot { .. }))
    });
    refuses(by(owner(&[&thief], None, (Signer::Publisher, &thief), 2)), 2, |p| {
        matches!(p, RecordProblem::Owner(OwnerError::Previous { .. }))
    });
    let Line::Owner(forged) = owner(&[&thief], previous, (Signer::Publisher, &thief), 2) else {
        unreachable!()
    };
    refuses(by(Line::Owner(OwnerLine { key: first.public(), ..forged })), 2, |p| {
        matches!(p, RecordProblem::Owner(OwnerError::Signature(SignatureError::AnotherKey { .. })))
    });
}

#[test]
fn refuses_another_list_of_keys_than_was_signed() {
    let (first, thief) = (key(), key());
    let record = started(&first);
    let Line::Owner(good) = owner(&[&first], Some(record.owner().digest), (Signer::Publisher, &first), 2)
    else {
        unreachable!()
    };
    let keys = |keys: Vec<PublicKey>| with(&record, &[Line::Owner(OwnerLine { keys, ..good.clone() })]);
    let mut both = vec![first.public(), thief.public()];
    both.sort();
    refuses(keys(both.clone()), 2, |p| matches!(p, RecordProblem::Owner(OwnerError::Signature(_))));
    both.reverse();
    refuses(keys(both), 2, |p| matches!(p, RecordProblem::Owner(OwnerError::KeyOrder)));
    refuses(keys(vec![]), 2, |p| matches!(p, RecordProblem::Owner(OwnerError::KeyCount(0))));
}

#[test]
fn the_root_key_gives_a_name_back_after_a_lost_key() {
    let (lost, new, root) = (key(), key(), key());
    let record = started(&lost);
    let revoke = Line::Revoke(RevokeLine { key: lost.public(), from: 2, serial: 2 });
    let record = with(&record, &[revoke]).unwrap();
    let previous = Some(record.owner().digest);
    refuses(with(&record, &[owner(&[&new], previous, (Signer::Publisher, &lost), 3)]), 3, |p| {
        matches!(p, RecordProblem::Owner(OwnerError::Revoked(_)))
    });
    let change = owner(&[&new], previous, (Signer::Root, &root), 3);
    let record = record.append(&change, &root.public()).unwrap();
    assert_eq!((record.owner().signer, record.owner().key), (Signer::Root, root.public()));
}

#[test]
fn what_an_earlier_root_key_signed_counts_once_the_one_in_force_has_confirmed_it() {
    let (lost, new, old_root, root) = (key(), key(), key(), key());
    let record = started(&lost);
    let recovery = owner(&[&new], Some(record.owner().digest), (Signer::Root, &old_root), 2);
    let record = record.append(&recovery, &old_root.public()).unwrap();
    let record = record.append(&version("2.0.0", &new, 3), &old_root.public()).unwrap();
    let read = |bytes: &[u8]| Record::read(bytes, &hub(), &name(), &root.public());
    refuses(read(record.as_bytes()), 2, |p| matches!(p, RecordProblem::Owner(OwnerError::NotRoot { .. })));
    let confirmation = owner(&[&new], Some(record.owner().digest), (Signer::Root, &root), 4);
    let record = record.append(&confirmation, &root.public()).unwrap();
    assert_eq!(record.owner().keys, [new.public()]);
    // The publisher goes on as before.
    record.append(&version("2.1.0", &new, 5), &root.public()).unwrap();
}

#[test]
fn refuses_a_name_that_a_replaced_root_key_gives_away() {
    let (publisher, thief, old_root, root) = (key(), key(), key(), key());
    let confirmed = |record: &Record, by: &SecretKey| {
        owner(&[&publisher], Some(record.owner().digest), (Signer::Root, by), 2)
    };
    let untouched = started(&publisher);
    let recovered = untouched.append(&confirmed(&untouched, &root), &root.public()).unwrap();
    for record in [untouched, recovered] {
        let theft = owner(&[&thief], Some(record.owner().digest), (Signer::Root, &old_root), 3);
        let line = record.lines().len() + 1;
        refuses(record.append(&theft, &root.public()), line, |p| {
            matches!(p, RecordProblem::Owner(OwnerError::NotRoot { .. }))
        });
        // Nor does it help to let the stolen name sign something behind it.
        let text = [record.as_bytes(), &json::to_line(&theft)].concat();
        let stolen = Record::read(&text, &hub(), &name(), &old_root.public()).unwrap();
        let behind = owner(&[&thief], Some(stolen.owner().digest), (Signer::Publisher, &thief), 3);
        let text = [text, json::to_line(&behind)].concat();
        refuses(Record::read(&text, &hub(), &name(), &root.public()), line, |p| {
            matches!(p, RecordProblem::Owner(OwnerError::NotRoot { .. }))
        });
    }
}

#[test]
fn refuses_a_revocation_that_begins_later_than_it_was_said() {
    let key = key();
    let revoke = |from| Line::Revoke(RevokeLine { key: key.public(), from, serial: 3 });
    with(&started(&key), &[revoke(3)]).unwrap();
    refuses(with(&started(&key), &[revoke(4)]), 2, |p| {
        matches!(p, RecordProblem::RevokedAhead { from: 4, serial: 3 })
    });
}

#[test]
fn a_revoked_key_publishes_nothing_more_that_counts() {
    let key = key();
    let revoke = Line::Revoke(RevokeLine { key: key.public(), from: 3, serial: 3 });
    let record =
        with(&started(&key), &[version("1.0.0", &key, 2), revoke, version("1.1.0", &key, 3)]).unwrap();
    let revoked: Vec<_> = record.versions().iter().map(|release| release.revoked).collect();
    assert_eq!(revoked, [false, true]);
}

#[test]
fn refuses_a_first_owner_that_somebody_else_signed() {
    let (one, other) = (key(), key());
    for (signer, by) in [(Signer::Publisher, &other), (Signer::Root, &other), (Signer::Root, &one)] {
        let Line::Owner(line) = owner(&[&one], None, (signer, by), 1) else { unreachable!() };
        refuses(Record::start(line, &hub(), &name()), 1, |p| {
            matches!(p, RecordProblem::Owner(OwnerError::FirstSigner))
        });
    }
}

#[test]
fn refuses_a_record_with_a_line_taken_out() {
    let (first, second) = (key(), key());
    let record = started(&first);
    let change = owner(&[&second], Some(record.owner().digest), (Signer::Publisher, &first), 2);
    let record = with(&record, &[change, version("1.0.0", &second, 3)]).unwrap();
    let lines: Vec<_> = record.as_bytes().split_inclusive(|b| *b == b'\n').collect();
    for out in 0..2 {
        let text = lines
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != out)
            .flat_map(|(_, l)| l.to_vec())
            .collect::<Vec<_>>();
        assert!(Record::read(&text, &hub(), &name(), &nobody()).is_err(), "without line {}", out + 1);
    }
    let cut = &record.as_bytes()[..record.as_bytes().len() - 1];
    assert!(Record::read(cut, &hub(), &name(), &nobody()).is_err());
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Record::read(&bytes, &hub(), &name(), &nobody());
    }

    #[test]
    fn never_panics_on_a_flipped_byte(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = key();
        let record = with(&started(&key), &[version("1.0.0", &key, 1)]).unwrap();
        let mut text = record.as_bytes().to_vec();
        let at = at.index(text.len());
        text[at] ^= 1 << bit;
        let _ = Record::read(&text, &hub(), &name(), &nobody());
    }
}
