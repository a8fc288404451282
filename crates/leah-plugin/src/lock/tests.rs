//! Locks as they are written, and texts that are no locks.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::manifest::{PermissionKind, Scope};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn plugin(version: &str) -> Locked {
    Locked {
        version: version.parse().unwrap(),
        registry: Origin::bundled(),
        sha256: Digest::of(b"archive"),
        content: Digest::of(b"content"),
        size: 48_211,
        key: KEY.parse().unwrap(),
        owner: Digest::of(b"owner"),
        dependencies: BTreeMap::new(),
        enabled: true,
        held: false,
        granted: Permissions::empty(),
        denied: Permissions::empty(),
    }
}

pub(super) fn lock() -> Lock {
    let version = |text: &str| Version::parse(text).unwrap();
    let mut translator = plugin("1.0.0");
    translator.dependencies.insert("text-tools".parse().unwrap(), "^1.2".parse().unwrap());
    translator.granted.insert(PermissionKind::ReadMessages, Scope::Bare).unwrap();
    let hosts = ["libretranslate.com".to_owned(), "setting:server".to_owned()];
    translator.granted.insert(PermissionKind::NetworkAccess, Scope::Only(hosts.into())).unwrap();
    translator.denied.insert(PermissionKind::WriteFiles, Scope::Bare).unwrap();
    let request = Request { range: "^1.0".parse().unwrap(), registry: Origin::bundled() };
    Lock {
        requested: BTreeMap::from([("translator".parse().unwrap(), request)]),
        plugins: BTreeMap::from([
            ("translator".parse().unwrap(), translator),
            ("text-tools".parse().unwrap(), plugin("1.2.3")),
        ]),
        registries: BTreeMap::from([(
            Origin::bundled(),
            LockedRegistry { url: None, root_key: KEY.parse().unwrap() },
        )]),
        resolved_for: ResolvedFor { api: version("1.0.0"), host: version("0.1.0") },
        revision: LOCK_REVISION,
    }
}

#[track_caller]
fn check_error(from: &str, to: &str, expect: &str) {
    let text = lock().to_text().unwrap();
    assert!(text.contains(from), "{text}");
    let error = Lock::read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[track_caller]
fn check_url(url: &str, shareable: bool) {
    let mut lock = lock();
    for registry in lock.registries.values_mut() {
        registry.url = Some(url.to_owned());
    }
    assert_eq!(lock.to_text().is_ok(), shareable, "{url}");
}

#[test]
fn is_pleasant_to_read_in_a_diff() {
    assert_snapshot!(lock().to_text().unwrap(), @r#"
    format: 1
    requested:
      translator:
        range: ^1.0
        registry: bundled
    plugins:
      text-tools:
        version: "1.2.3"
        registry: bundled
        sha256: 0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3
        content: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
        size: 48211
        key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
        owner: 4c1029697ee358715d3a14a2add817c4b01651440de808371f78165ac90dc581
        dependencies: {}
        enabled: true
        granted: []
        denied: []
      translator:
        version: "1.0.0"
        registry: bundled
        sha256: 0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3
        content: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
        size: 48211
        key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
        owner: 4c1029697ee358715d3a14a2add817c4b01651440de808371f78165ac90dc581
        dependencies:
          text-tools: ^1.2
        enabled: true
        granted:
        - read_messages
        - network_access:
          - libretranslate.com
          - setting:server
        denied:
        - write_files
    registries:
      bundled:
        root_key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
    resolved_for:
      api: "1.0.0"
      host: "0.1.0"
    "#);
}

#[test]
fn keeps_what_was_written_byte_for_byte() {
    let text = lock().to_text().unwrap();
    let again = Lock::read(text.as_bytes()).unwrap();
    assert_eq!(again, lock());
    assert_eq!(again.to_text().unwrap(), text);
    let empty = Lock::empty(lock().resolved_for);
    assert_eq!(Lock::read(empty.to_text().unwrap().as_bytes()).unwrap(), empty);
}

#[test]
fn quotes_what_would_be_read_as_something_else() {
    let mut lock = lock();
    for name in ["1e3", "123", "null", "true", "0x1f", "yes"] {
        lock.plugins.insert(name.parse().unwrap(), plugin("1.0.0"));
    }
    // Hexadecimal digits that are a number in decimal, in octal and with an exponent.
    let exponent = |i: usize| if i == 1 { 0xe1 } else { 0x11 };
    for bytes in [[0x12; 32], [0x01; 32], std::array::from_fn(exponent)] {
        lock.plugins.insert(
            "digits".parse().unwrap(),
            Locked { sha256: Digest::from_bytes(bytes), ..plugin("1.0.0") },
        );
        assert_eq!(Lock::read(lock.to_text().unwrap().as_bytes()).unwrap(), lock);
    }
    for range in ["1", "1.0", "*", ">=1, <3", "~1", "=1.0.0-rc.1", "<2"] {
        let request = Request { range: range.parse().unwrap(), registry: Origin::bundled() };
        lock.requested.insert("null".parse().unwrap(), request);
        assert_eq!(Lock::read(lock.to_text().unwrap().as_bytes()).unwrap(), lock, "{range}");
    }
}

#[test]
fn says_of_a_plugin_that_it_is_held_and_nothing_of_one_that_is_not() {
    let mut held = lock();
    held.plugins.get_mut("text-tools").unwrap().held = true;
    let text = held.to_text().unwrap();
    assert!(text.starts_with("format: 2\n"));
    let same = text.replacen("    held: true\n", "", 1).replacen("format: 2", "format: 1", 1);
    assert_eq!(same, lock().to_text().unwrap());
    assert_eq!(Lock::read(text.as_bytes()).unwrap(), held);
    let free = text.replace("held: true", "held: false");
    assert_eq!(Lock::read(free.as_bytes()).unwrap(), lock());
}

#[test]
fn refuses_a_newer_format_before_anything_else() {
    check_error("format: 1", "format: 3\nnew: x", "the lock is of format 3, which needs a newer leahpm");
}

#[test]
fn leaves_out_what_a_newer_revision_adds_and_never_writes_such_a_lock() {
    let text = lock().to_text().unwrap().replace("format: 1\n", "format: 1\nrevision: 1\nlicences: [MIT]\n");
    let text = text.replace("    enabled: true\n", "    enabled: true\n    mood: { good: 1.5 }\n");
    let newer = Lock::read(text.as_bytes()).unwrap();
    assert_eq!(newer, Lock { revision: 1, ..lock() });
    assert_eq!(
        newer.to_text().unwrap_err().to_string(),
        "the lock is of revision 1, and this leahpm writes none above 0"
    );
    let plain = lock().to_text().unwrap().replace("format: 1\n", "revision: 7\nformat: 1\n");
    assert_eq!(Lock::read(plain.as_bytes()).unwrap().revision, 7);
}

#[test]
fn is_strict_with_all_that_a_newer_revision_cannot_excuse() {
    let line = "line 3, column 1: `licences` is not a key that is known here; known are `format`, `revision`, \
                `requested`, `plugins`, `registries`, `resolved_for`";
    check_error("format: 1", "format: 1\nrevision: 0\nlicences: []", line);
    check_error("format: 1", "format: 3\nrevision: 1", "the lock is of format 3, which needs a newer leahpm");
    let mut text = lock().to_text().unwrap().replace("format: 1\n", "format: 1\nrevision: 1\nnew: 1\n");
    text = text.replace("sha256: ", "sha512: ");
    assert_eq!(Lock::read(text.as_bytes()).unwrap_err().to_string(), "missing field `sha256`");
}

#[test]
fn says_of_conflict_markers_that_a_merge_left_them() {
    for (mark, rest) in [("<<<<<<<", " HEAD"), ("=======", ""), (">>>>>>>", " theirs"), ("|||||||", " base")]
    {
        let text = lock().to_text().unwrap().replace("requested:", &format!("{mark}{rest}\nrequested:"));
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let LockError::Yaml(error) = Lock::read(text.as_bytes()).unwrap_err() else { panic!("{text}") };
            assert!(error.is_conflict());
            assert_eq!(error.to_string(), "line 2, column 1: a merge left a conflict marker here");
        }
    }
}

#[test]
fn refuses_what_contradicts_itself() {
    check_error(
        "  translator:\n    range",
        "  other:\n    range",
        "`other` is requested, but the lock has no version of it",
    );
    check_error(
        "registries:\n  bundled:",
        "registries:\n  hub:",
        "`text-tools` comes from the registry `bundled`, which the lock does not list",
    );
    check_error(
        "      text-tools: ^1.2",
        "      other: ^1.2",
        "`translator` needs `other`, which is not in the lock",
    );
    check_error(
        "      text-tools: ^1.2",
        "      text-tools: ^1.3",
        "`translator` needs `text-tools` ^1.3, but the lock has 1.2.3",
    );
    check_error(
        "- write_files",
        "- read_messages",
        "`read_messages` is both granted to `translator` and denied to it",
    );
}

#[test]
fn tells_line_and_column_of_what_it_does_not_understand() {
    check_error(
        "enabled: true",
        "enabled: yes",
        "line 16, column 14: invalid boolean (strict mode expects true/false)",
    );
    check_error(
        "enabled: true",
        "enabeld: true",
        "line 16, column 5: `enabeld` is not a key that is known here; did you mean `enabled`?",
    );
    check_error("size: 48211", "size: -1", "line 12, column 11: invalid u64");
}

#[test]
fn keeps_paths_and_credentials_out() {
    check_url("https://plugins.example.org/leah", true);
    check_url("http://127.0.0.1:8080", true);
    for url in [
        "file:///home/me/registry",
        "/home/me/registry",
        "https://",
        "https://me:secret@example.org",
        "https://example.org?token=secret",
        "https://example.org\\@other",
        "https://example.org/\u{1b}[0m",
    ] {
        check_url(url, false);
    }
}

#[test]
fn refuses_a_version_that_no_folder_can_be_called() {
    let mut lock = lock();
    lock.plugins.insert("long".parse().unwrap(), plugin(&format!("1.0.0-{}", "x".repeat(200))));
    assert_eq!(
        lock.to_text().unwrap_err().to_string(),
        "the lock holds a version of `long` that cannot be used"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(at in 0_usize..1_400, bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
        let mut text = lock().to_text().unwrap().into_bytes();
        let at = at.min(text.len());
        text.splice(at..(at + bytes.len()).min(text.len()), bytes);
        let _ = Lock::read(&text);
    }
}
