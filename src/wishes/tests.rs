//! Wish lists as people write them, and locks beside them.

use insta::assert_snapshot;
use leah_plugin::{
    digest::Digest,
    lock::{LOCK_REVISION, LockedRegistry, Request, ResolvedFor},
};
use proptest::prelude::*;

use super::*;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn read(text: &str) -> Wishes {
    Wishes::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A list with these lines below `plugins`.
fn list(plugins: &str) -> String {
    let lines: String = plugins.lines().map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { "format: 1\nplugins: {}\n".into() } else { format!("format: 1\nplugins:\n{lines}") }
}

#[track_caller]
fn check_range(written: &str, expect: &str) {
    for text in [list(&format!("a: {written}")), list(&format!("a:\n  range: {written}"))] {
        assert_eq!(read(&text).plugins["a"].range.to_string(), expect, "{text}");
    }
}

fn refused(text: &str) -> String {
    Wishes::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn takes_a_range_or_a_map_with_all_that_can_be_said() {
    let wishes = read(&list(
        "translator: ^1.0\nhello-world:\n  registry: hub\n  grant: [use_model, read_messages]\n  deny: all",
    ));
    let wish = &wishes.plugins["hello-world"];
    assert_eq!((wish.range.to_string().as_str(), wish.deny.clone()), ("*", Some(Picked::All)));
    assert_snapshot!(wishes.to_text().unwrap(), @r#"
    format: 1
    plugins:
      hello-world:
        range: "*"
        registry: hub
        grant:
        - read_messages
        - use_model
        deny: all
      translator: ^1.0
    "#);
}

#[test]
fn takes_a_bare_full_version_for_that_version_alone() {
    check_range("1.0.0", "=1.0.0");
    check_range("\"1.0.0\"", "=1.0.0");
    check_range("2.0.0-beta.1", "=2.0.0-beta.1");
    check_range("\"1.0\"", "^1.0");
    check_range("\"*\"", "*");
    check_range("\">=1, <3\"", ">=1, <3");
    check_range("~1.2", "~1.2");
    assert_eq!(read(&list("a:")), read(&list("a: \"*\"")));
}

#[test]
fn says_where_and_what_is_wrong() {
    let all = [
        list("a: 1.10"),
        list("a: 1"),
        list("a:\n  range: 1.0"),
        list("a: *"),
        list("a: >=1"),
        list("a: latest"),
        list("a:\n  range:"),
        list("A: ^1"),
        list("a: ^1\na: ^2"),
        list("a: { grnat: all }"),
        list("a: { grant: read_messages }"),
        list("a: { grant: [fly] }"),
        list("a: { grant: [use_model, use_model] }"),
        list("a: { grant: [use_model], deny: [use_model] }"),
        list("a: { grant: all, deny: all }"),
        list("a: { registry: Hub }"),
        "format: 1\nplugin: {}\n".to_owned(),
        "format: 1\nhost: 0.1\nplugins: {}\n".to_owned(),
        "format: 1\n".to_owned(),
        "format: 1\nplugins:\n".to_owned(),
        "plugins: {}\n".to_owned(),
        "format: 2\nplugins: {}\nnew: x\n".to_owned(),
        "format: one\nplugins: {}\n".to_owned(),
        String::new(),
        "# nothing yet\n".to_owned(),
        "- a\n".to_owned(),
    ];
    let told: Vec<String> = all.iter().map(|text| format!("{text:?}: {}", refused(text))).collect();
    assert_snapshot!(told.join("\n"), @r##"
    "format: 1\nplugins:\n  a: 1.10\n": line 3, column 6: the range is a number here; put it into quotes
    "format: 1\nplugins:\n  a: 1\n": line 3, column 6: the range is a number here; put it into quotes
    "format: 1\nplugins:\n  a:\n    range: 1.0\n": line 4, column 12: the range is a number here; put it into quotes
    "format: 1\nplugins:\n  a: *\n": line 3, column 6: while scanning an anchor or alias, did not find expected alphabetic or numeric character; put a text that begins with `*` or `&` into quotes
    "format: 1\nplugins:\n  a: >=1\n": line 3, column 6: while scanning a block scalar, did not find expected comment or line break; put a text that begins with `>` or `|` into quotes
    "format: 1\nplugins:\n  a: latest\n": line 3, column 6: `latest` is not a version range: unexpected character 'l' while parsing major version number
    "format: 1\nplugins:\n  a:\n    range:\n": line 4, column 5: invalid type: unit value, expected a range such as ^1.2
    "format: 1\nplugins:\n  A: ^1\n": line 3, column 3: `A` is not a name: use lower-case letters and digits, with single hyphens between them
    "format: 1\nplugins:\n  a: ^1\n  a: ^2\n": line 4, column 3: `a` stands here twice
    "format: 1\nplugins:\n  a: { grnat: all }\n": line 3, column 8: `grnat` is not a key that is known here; did you mean `grant`?
    "format: 1\nplugins:\n  a: { grant: read_messages }\n": line 3, column 15: write `all` or a list of permissions, such as `[read_messages]`
    "format: 1\nplugins:\n  a: { grant: [fly] }\n": line 3, column 16: `fly` is not a permission; known are `read_messages`, `modify_messages`, `modify_responses`, `read_files`, `write_files`, `network_access`, `use_model`
    "format: 1\nplugins:\n  a: { grant: [use_model, use_model] }\n": line 3, column 15: `use_model` stands here twice
    "format: 1\nplugins:\n  a: { grant: [use_model], deny: [use_model] }\n": `use_model` of `a` is both granted and denied
    "format: 1\nplugins:\n  a: { grant: all, deny: all }\n": `all` of `a` is both granted and denied
    "format: 1\nplugins:\n  a: { registry: Hub }\n": line 3, column 18: `Hub` is not a name: use lower-case letters and digits, with single hyphens between them
    "format: 1\nplugin: {}\n": line 2, column 1: `plugin` is not a key that is known here; did you mean `plugins`?
    "format: 1\nhost: 0.1\nplugins: {}\n": line 2, column 7: `0.1` is not a version: unexpected end of input while parsing minor version number
    "format: 1\n": line 1, column 1: missing field `plugins`
    "format: 1\nplugins:\n": line 2, column 8: expected mapping start
    "plugins: {}\n": line 1, column 1: missing field `format`
    "format: 2\nplugins: {}\nnew: x\n": the wish list is of format 2, which needs a newer leahpm
    "format: one\nplugins: {}\n": line 1, column 9: invalid u64
    "": line 1, column 1: unexpected end of input
    "# nothing yet\n": line 2, column 1: unexpected end of input
    "- a\n": line 1, column 1: expected mapping start
    "##);
}

#[test]
fn reads_names_that_yaml_takes_for_something_else() {
    let text = list("123: ^1\ntrue: ^1\n\"null\": ^1\n1e3: ^1\n\"0x1f\": ^1");
    let names: Vec<String> = read(&text).plugins.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["0x1f", "123", "1e3", "null", "true"]);
    let wishes = read(&text);
    assert_eq!(read(&wishes.to_text().unwrap()), wishes);
}

#[test]
fn reads_a_byte_order_mark_and_the_line_ends_of_windows() {
    let wishes = read(&list("a: ^1\nb:\n  grant: all"));
    let text = format!("\u{feff}{}", wishes.to_text().unwrap().replace('\n', "\r\n"));
    assert_eq!(read(&text), wishes);
}

fn lock(text: &str) -> Lock {
    let wishes = read(text);
    let key = KEY.parse().unwrap();
    let permissions = |kinds: &[PermissionKind]| -> Permissions {
        serde_json::from_value(serde_json::to_value(kinds).unwrap()).unwrap()
    };
    let locked = |wish: &Wish| {
        let picked = |picked: &Option<Picked>| match picked {
            Some(Picked::These(kinds)) => permissions(&kinds.iter().copied().collect::<Vec<_>>()),
            _ => Permissions::empty(),
        };
        Locked {
            version: "1.0.0".parse().unwrap(),
            registry: Origin::bundled(),
            sha256: Digest::of(b"archive"),
            content: Digest::of(b"content"),
            size: 1,
            key,
            owner: Digest::of(b"owner"),
            dependencies: BTreeMap::new(),
            enabled: true,
            held: false,
            granted: picked(&wish.grant),
            denied: picked(&wish.deny),
        }
    };
    let request = |wish: &Wish| Request { range: wish.range.clone(), registry: Origin::bundled() };
    let plugins = wishes.plugins.iter();
    Lock {
        requested: plugins.clone().map(|(name, wish)| (name.clone(), request(wish))).collect(),
        plugins: plugins.map(|(name, wish)| (name.clone(), locked(wish))).collect(),
        registries: BTreeMap::from([(Origin::bundled(), LockedRegistry { url: None, root_key: key })]),
        resolved_for: ResolvedFor { api: Version::new(1, 0, 0), host: Version::new(0, 1, 0) },
        revision: LOCK_REVISION,
    }
}

#[track_caller]
fn check_stale(wishes: &str, locked: &str, expect: &str) {
    let wishes = read(&list(wishes));
    let found = stale(&wishes, &lock(&list(locked)), wishes.host.as_ref());
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.join("\n"), expect);
}

#[test]
fn a_lock_is_fresh_while_it_is_what_is_asked_for() {
    check_stale("a: ^1\nb: 1.0.0", "b: =1.0.0\na: ^1", "");
    check_stale("a:\n  grant: all", "a: { range: '*', grant: [use_model, read_messages] }", "");
    check_stale("a: ^1", "a: { range: ^1, grant: [use_model], deny: [read_messages] }", "");
    check_stale(
        "a: { grant: [use_model], deny: all }",
        "a: { grant: [use_model], deny: [read_messages] }",
        "",
    );
}

#[test]
fn says_in_what_a_lock_is_stale() {
    check_stale("a: ^1", "", "`a` is asked for, and the lock was made without it");
    check_stale("", "a: ^1", "`a` is no longer asked for");
    check_stale("a: ^1.0", "a: ^1", "`a` is asked for as ^1.0, the lock was made for ^1");
    check_stale("a: ^2", "a: ^2", "the lock has `a` 1.0.0, which is not in the range ^2");
    check_stale(
        "a: { range: ^1, registry: hub }",
        "a: ^1",
        "`a` is asked for from registry `hub`, the lock has it from `bundled`",
    );
    check_stale(
        "a: { grant: [use_model], deny: [read_messages] }",
        "a: { grant: [read_messages], deny: [use_model] }",
        "`a` is granted `read_messages`, which the wish list denies\n\
         `a` is denied `use_model`, which the wish list grants",
    );
    check_stale(
        "a: { grant: [] }",
        "a: { grant: [read_messages], deny: [use_model] }",
        "`a` asks for `read_messages`, `use_model`, of which the wish list says nothing",
    );
}

#[test]
fn finds_plugins_that_nobody_needs_and_another_host() {
    let wishes = read(&list("a: ^1"));
    let mut lock = lock(&list("a: ^1\nb: ^1\nc: ^1"));
    lock.requested.retain(|name, _| name.as_str() == "a");
    let needs_b = BTreeMap::from([("b".parse().unwrap(), VersionReq::STAR)]);
    lock.plugins.get_mut("a").unwrap().dependencies = needs_b;
    let found = stale(&wishes, &lock, Some(&Version::new(0, 2, 0)));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "the plugins are to fit host 0.2.0, the lock was made for 0.1.0",
            "`c` is in the lock, and nothing asks for it",
        ]
    );
}

#[test]
fn the_wishes_of_a_lock_are_fulfilled_by_it() {
    let lock = lock(&list("a: ^1\nb: { range: 1.0.0, grant: [use_model], deny: [read_messages] }"));
    let wishes = Wishes::of(&lock);
    assert_eq!(stale(&wishes, &lock, None), []);
    assert_eq!(read(&wishes.to_text().unwrap()), wishes);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_what_it_takes_is_written_as_it_is_meant(text in "\\PC{0,60}") {
        for text in [text.clone(), list(&text), list(&format!("a: {text}"))] {
            if let Ok(wishes) = Wishes::read(text.as_bytes()) {
                prop_assert_eq!(read(&wishes.to_text().unwrap()), wishes);
            }
        }
    }
}
