//! Texts of strangers with what moves a cursor, sets a title, clears a screen or turns the direction of writing.
//! Whoever holds a key can sign them; nobody's terminal gets to see them.

use leah_plugin::{
    catalog::CatalogEntry,
    record::{Line, YankLine},
};

use super::{Scene, forge::Claim};
use crate::{
    fixture::PackageSpec,
    sandbox::{Output, Sandbox},
};

/// Clears the screen, sets a title, rings the bell, breaks the line, turns the direction, hides a space.
const EVIL: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\r\nb\u{9b}31m\u{202e}c\u{200b}d\u{2028}";

/// Ends the test if a byte of the output could do something to a terminal.
#[track_caller]
fn check(output: &Output) -> &Output {
    for text in [&output.stdout, &output.stderr] {
        let acts = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        assert!(!text.contains(acts), "{output:?}");
    }
    output
}

/// A registry whose catalog holds evil texts about `notes`.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    let mut change = scene.hub.begin();
    let claim = Claim::new("notes", "1.0.0");
    let entry = CatalogEntry {
        name: claim.name,
        version: claim.version,
        author: EVIL.into(),
        description: EVIL.into(),
        category: Some(EVIL.into()),
        tags: vec![EVIL.into()],
    };
    change.set_catalog_entry(entry);
    change.commit().unwrap();
    scene
}

#[test]
fn descriptions_in_a_search_are_escaped() {
    let scene = scene();
    let output = scene.run(&["search", "notes", "--registry", "hub"]).ok();
    insta::assert_snapshot!(check(&output).stdout, @r"
    NAME   VERSION  REGISTRY  DESCRIPTION
    notes  1.0.0    hub       a\u{1b}[2J\u{1b}]0;owned\u{7}\u{d}\u{a}b\u{9b}31m\u{202e}c\u{200b}d\u{2028}
    ");
}

#[test]
fn author_description_and_category_in_info_are_escaped() {
    let scene = scene();
    let output = scene.run(&["info", "notes"]).ok();
    let lines: Vec<&str> = check(&output).stdout.lines().take(5).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    notes 1.0.0 (hub)
    a\u{1b}[2J\u{1b}]0;owned\u{7}\u{d}\u{a}b\u{9b}31m\u{202e}c\u{200b}d\u{2028}

    author       a\u{1b}[2J\u{1b}]0;owned\u{7}\u{d}\u{a}b\u{9b}31m\u{202e}c\u{200b}d\u{2028}
    category     a\u{1b}[2J\u{1b}]0;owned\u{7}\u{d}\u{a}b\u{9b}31m\u{202e}c\u{200b}d\u{2028}
    ");
}

#[test]
fn json_holds_the_texts_as_escapes_of_json() {
    let scene = scene();
    for arguments in [["search", "notes", "--json"], ["info", "notes", "--json"]] {
        let output = scene.run(&arguments).ok();
        assert!(!output.stdout.trim_end().contains(char::is_control), "{output}");
        assert!(output.stdout.contains(r"a\u001b[2J\u001b]0;owned\u0007\r\nb"), "{output}");
    }
}

#[test]
fn an_evil_reason_of_a_yank_is_never_printed_raw() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    scene.hub.add_line("notes", |serial| {
        Line::Yank(YankLine { version: "1.0.0".parse().unwrap(), reason: Some(EVIL.into()), serial })
    });
    check(&scene.run(&["info", "notes"]).ok());
    let output = scene.run(&["install", "notes"]);
    insta::assert_snapshot!(check(&output), @"
    2> error: `notes` 1.0.0, the only version that there is, is yanked
    2> hint: `leahpm info notes` shows all its versions
    exit 5
    ");
}

#[test]
fn an_evil_folder_in_a_permission_is_shown_escaped_where_it_is_asked_for() {
    let scene = Scene::new();
    let archive =
        PackageSpec::new("notes", "1.0.0").permission("read_files: [\"/tmp/\\u202ea\\u200bb\"]").archive();
    scene.hub.forge(&Claim::of(&archive), &archive);
    let output = scene.run(&["install", "notes"]);
    insta::assert_snapshot!(check(&output), @r"
    2> error: `notes` is not granted what it asks for:
    2>   notes: read_files (read files in /tmp/\u{202e}a\u{200b}b)
    2> hint: to agree, run `leahpm install notes --grant notes:read_files`; `--deny` refuses one
    exit 8
    ");
    for arguments in
        [&["info", "notes"][..], &["install", "notes", "--grant", "all"], &["permissions", "list", "notes"]]
    {
        check(&scene.run(arguments).ok());
    }
}

#[test]
fn evil_words_in_a_record_are_escaped_in_the_error() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    let valid = scene.hub.record_text("notes");
    let evil = serde_json::to_string(EVIL).unwrap();
    let changes = [
        ("\"version\",", format!("{evil},")),
        ("\"hooks\":[]", format!("\"hooks\":[{evil}]")),
        ("\"permissions\":[]", format!("\"permissions\":[{evil}]")),
        ("\"permissions\":[]", format!("\"permissions\":[{{\"network_access\":[{evil}]}}]")),
        ("\"tools\":[]", format!("\"tools\":[{evil}]")),
        ("\"dependencies\":{}", format!("\"dependencies\":{{{evil}:\"1\"}}")),
        ("\"api\":\"^1.0\"", format!("\"api\":{evil}")),
        ("\"version\":\"1.0.0\"", format!("\"version\":{evil}")),
        ("\"size\"", evil.clone()),
        ("\"signature\":\"untrusted", format!("\"signature\":{evil},\"x\":\"untrusted")),
    ];
    for (from, to) in changes {
        // The second line is the version's; the first, the owner's, stays.
        let (owner, version) = valid.split_once('\n').unwrap();
        assert!(version.contains(from), "{from}");
        let record = format!("{owner}\n{}", version.replacen(from, &to, 1));
        scene.hub.serve_record("notes", record.as_bytes());
        let output = scene.run(&["install", "notes"]);
        assert_eq!(check(&output).code, 7, "{from} as {to}: {output}");
    }
}

#[test]
fn evil_bytes_in_every_file_of_a_registry_are_escaped_in_the_error() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    let record = scene.hub.record_path("notes");
    for file in ["head", "root/1", &record] {
        let valid = scene.hub.read(file);
        for text in [EVIL.to_owned(), format!("untrusted comment: {EVIL}\n{EVIL}\n{EVIL}\n{EVIL}\n{EVIL}")] {
            scene.hub.write(file, text);
            let output = scene.run(&["install", "notes"]);
            assert_eq!(check(&output).code, 7, "{output}");
        }
        scene.hub.write(file, valid);
    }
    let stranger = scene.sandbox.path("stranger").display().to_string();
    scene.sandbox.write("stranger/root/1", EVIL);
    scene.sandbox.write("stranger/root.pub", EVIL);
    check(&scene.run(&["registry", "add", "stranger", &stranger]));
    check(&scene.run(&[
        "registry",
        "add",
        "stranger",
        &stranger,
        "--key",
        &scene.hub.root_key().to_string(),
    ]));
}

#[test]
fn evil_paths_on_the_command_line_are_escaped_in_the_error() {
    let scene = Scene::new();
    for arguments in
        [&["install", "notes", "--registry", EVIL][..], &["registry", "add", "x", EVIL], &["check", EVIL]]
    {
        let output = scene.run(arguments);
        assert_ne!(check(&output).code, 0, "{arguments:?}: {output}");
    }
    check(&scene.run(&["--home", EVIL, "list"]));
}

#[test]
fn evil_names_of_files_in_a_plugin_s_folder_are_escaped_in_the_error() {
    let sandbox = Sandbox::new();
    for (path, bytes) in PackageSpec::new("notes", "1.0.0").source() {
        sandbox.write(format!("notes/{path}"), bytes);
    }
    sandbox.write(format!("notes/{EVIL}"), "x");
    for command in ["check", "pack"] {
        let output = sandbox.run(&[command, "notes"]);
        assert_eq!(check(&output).code, 13);
        assert!(output.stderr.starts_with(r"error: `notes/a\u{1b}[2J\u{1b}]0;owned\u{7}"), "{output}");
        assert!(
            output.stderr.contains("` cannot go into a package\ncaused by: the path has a character"),
            "{output}"
        );
    }
}

#[test]
fn a_registry_in_a_folder_with_an_evil_name_is_named_escaped() {
    let scene = Scene::new();
    let evil = scene.sandbox.path(EVIL.replace('/', "_"));
    std::fs::rename(&scene.hub.folder, &evil).unwrap();
    let (path, key) = (evil.display().to_string(), scene.hub.root_key().to_string());
    scene.run(&["uninstall", "keeper"]).ok();
    check(&scene.run(&["registry", "remove", "hub"]).ok());
    check(&scene.run(&["registry", "add", "hub", &path]));
    check(&scene.run(&["registry", "add", "hub", &path, "--key", &key, "--default"]).ok());
    check(&scene.run(&["registry", "list"]).ok());
    std::fs::remove_file(evil.join("head")).unwrap();
    check(&scene.run(&["update"]));
    std::fs::remove_file(evil.join("root/1")).unwrap();
    check(&scene.run(&["update"]));
}
