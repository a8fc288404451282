//! Manifests that break a rule, as their author meets them at `leahpm check`; and manifests that say another
//! thing than the index, to which a user consented.

use leah_plugin::manifest::Interface;

use super::{Scene, forge::Claim};
use crate::{fixture::PackageSpec, sandbox::Sandbox};

const VALID: &str = r#"name: translator
version: 1.0.0
author: Tests
description: Translates messages
api: "^1.0"
dependencies: { text-tools: "^1.2" }
permissions:
  - read_messages
  - network_access: [example.com]
hooks: [on_chat_message, on_tool_call]
tools:
  - { name: translate, description: Translates, parameters: { type: object } }
config:
  target: { type: string, default: en }
"#;

/// What `leahpm check` says of a plugin whose manifest is the valid one with a piece replaced.
#[track_caller]
fn check(piece: &str, replacement: &str) -> String {
    assert!(VALID.contains(piece), "{piece}");
    check_text(&VALID.replacen(piece, replacement, 1))
}

#[track_caller]
fn check_text(text: &str) -> String {
    let sandbox = Sandbox::new();
    let spec = PackageSpec::new("translator", "1.0.0").hook("on_chat_message").hook("on_tool_call");
    for (path, bytes) in spec.source() {
        sandbox.write(format!("translator/{path}"), bytes);
    }
    sandbox.write("translator/plugin.yaml", text);
    if text == VALID {
        return sandbox.run(&["check", "translator"]).ok().stderr;
    }
    let output = sandbox.run(&["check", "translator"]);
    let error = output.fails(13);
    assert!(!sandbox.home().exists(), "a check made a home");
    error
        .strip_prefix("error: `plugin.yaml` is not a valid manifest\ncaused by: ")
        .unwrap_or(error)
        .trim_end()
        .to_owned()
}

#[test]
fn the_valid_manifest_is_taken() {
    assert!(check_text(VALID).starts_with("translator 1.0.0 is a valid package: 2 files, "));
}

#[test]
fn typing_errors_are_told_with_what_was_meant() {
    insta::assert_snapshot!(check("author:", "autor:"), @"line 3, column 1: `autor` is not a key of a manifest; did you mean `author`?");
    insta::assert_snapshot!(check("permissions:", "permission:"), @"line 7, column 1: `permission` is not a key of a manifest; did you mean `permissions`?");
    insta::assert_snapshot!(check("description: Translates,", "descripton: Translates,"), @"line 12, column 24: `descripton` is not a key of a tool; did you mean `description`?");
    insta::assert_snapshot!(check("default: en", "defualt: en"), @"line 14, column 27: `defualt` is not a key of a setting; did you mean `default`?");
    insta::assert_snapshot!(check("type: string", "type: text"), @"line 14, column 19: `text` is not a type of setting; known are `string`, `boolean`, `integer`, `number`, `list`");
    insta::assert_snapshot!(check("on_tool_call", "on_tools_call"), @"line 10, column 26: `on_tools_call` is not a hook; did you mean `on_tool_call`?");
}

#[test]
fn an_unknown_permission_is_told_with_the_one_that_was_meant() {
    insta::assert_snapshot!(check("network_access:", "network:"), @"line 9, column 5: `network` is not a permission; did you mean `network_access`?");
    insta::assert_snapshot!(check("- read_messages", "- read_message"), @"line 8, column 5: `read_message` is not a permission; did you mean `read_messages`?");
    insta::assert_snapshot!(check("- read_messages", "- root"), @"line 8, column 5: `root` is not a permission; known are `read_messages`, `modify_messages`, `modify_responses`, `read_files`, `write_files`, `network_access`, `use_model`");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    insta::assert_snapshot!(check("author: Tests\n", "author: Tests\nauthor: Me\n"), @"line 4, column 1: `author` stands here twice");
    insta::assert_snapshot!(check("{ type: string,", "{ type: string, type: integer,"), @"line 14, column 27: `type` stands here twice");
    insta::assert_snapshot!(check("- read_messages", "- read_messages\n  - read_messages"), @"line 9, column 5: `read_messages` stands here twice");
}

#[test]
fn a_bad_range_or_version_is_refused() {
    insta::assert_snapshot!(check("\"^1.2\"", "newest"), @"
    line 6, column 29: `newest` is not a version range
    caused by: unexpected character 'n' while parsing major version number
    ");
    insta::assert_snapshot!(check("\"^1.2\"", "\">1 <2\""), @"
    line 6, column 29: `>1 <2` is not a version range
    caused by: expected comma after major version number, found '<'
    ");
    insta::assert_snapshot!(check("\"^1.0\"", "\"^1.0.0.0\""), @"
    line 5, column 6: `^1.0.0.0` is not a version range
    caused by: expected comma after patch version number, found '.'
    ");
    insta::assert_snapshot!(check("version: 1.0.0", "version: 1.0"), @"line 2, column 10: expected text, found a number (quotes make it text)");
    insta::assert_snapshot!(check("version: 1.0.0", "version: v1.0.0"), @"
    line 2, column 10: `v1.0.0` is not a version
    caused by: unexpected character 'v' while parsing major version number
    ");
}

#[test]
fn a_hook_without_its_permission_is_refused() {
    insta::assert_snapshot!(check("  - read_messages\n", ""), @"line 9, column 9: the hook `on_chat_message` needs the permission `read_messages`");
}

#[test]
fn a_tool_that_stands_twice_or_without_its_hook_is_refused() {
    let tool = "  - { name: translate, description: Translates, parameters: { type: object } }\n";
    insta::assert_snapshot!(check(tool, &tool.repeat(2)), @"line 13, column 13: `translate` stands here twice");
    insta::assert_snapshot!(check("hooks: [on_chat_message, on_tool_call]", "hooks: [on_chat_message]"), @"line 12, column 3: `tools` needs the hook `on_tool_call`");
}

#[test]
fn anchors_aliases_and_merges_are_refused() {
    insta::assert_snapshot!(check("author: Tests", "author: &me Tests"), @"line 3, column 13: anchors and aliases are not allowed: write the value out");
    insta::assert_snapshot!(check("author: Tests", "author: *me"), @"line 3, column 9: alias references unknown anchor");
    insta::assert_snapshot!(check("{ type: string, default: en }", "{ <<: { type: string } }"), @"line 14, column 13: merge keys (`<<`) are not allowed: write the keys out");
    insta::assert_snapshot!(check("author: Tests", "author: !!python/object Tests"), @"line 3, column 25: unsupported tag `!!python/object`");
    insta::assert_snapshot!(check("author: Tests", "author: Tests\n---\nauthor: Me"), @"line 4, column 1: a file holds one document: remove the `---`");
}

#[test]
fn text_that_could_draw_on_a_terminal_is_refused_and_not_printed() {
    insta::assert_snapshot!(check("author: Tests", r#"author: "Te\e[31msts""#), @r"line 3, column 9: the text has the character `\u{1b}`, which could change how a terminal shows it");
    insta::assert_snapshot!(check("author: Tests", "author: \"Te\u{202e}sts\""), @r"line 3, column 9: the text has the character `\u{202e}`, which could change how a terminal shows it");
    insta::assert_snapshot!(check("author: Tests", "author: Te\u{1b}[2Jsts"), @r"line 3, column 9: unexpected character: `\u{1b}'");
    insta::assert_snapshot!(check("author:", "\"au\u{202e}thor\":"), @r"line 3, column 1: `au\u{202e}thor` is not a key of a manifest; did you mean `author`?");
    insta::assert_snapshot!(check("author: Tests", "author: Tests\n\"a\u{202e}b\": 1\n\"a\u{202e}b\": 1"), @r"line 5, column 1: `a\u{202e}b` stands here twice");
    insta::assert_snapshot!(check("author: Tests", "author: &a\u{202e}b Tests"), @"line 3, column 14: anchors and aliases are not allowed: write the value out");
    insta::assert_snapshot!(check("target: {", r#""\e[2J": {"#), @r"line 14, column 3: `\u{1b}[2J` is not a key of a setting: lower-case letters, digits, `_` and `-`, at most 64, a letter first");
    insta::assert_snapshot!(check("[example.com]", r#"["\e[2Jexample.com"]"#), @r"line 9, column 22: `\u{1b}[2Jexample.com` is not a host: write the name alone, in lower case, as in `example.com` or `example.com:8443`");
    insta::assert_snapshot!(check("name: translate,", r#"name: "\e[2J","#), @r"line 12, column 13: `\u{1b}[2J` is not the name of a tool: lower-case letters, digits, `_` and `-`, at most 64, a letter or digit first");
    insta::assert_snapshot!(check("version: 1.0.0", r#"version: "1.0.0\e[2J""#), @r"
    line 2, column 10: `1.0.0\u{1b}[2J` is not a version
    caused by: unexpected character '\u{1b}' after patch version number
    ");
}

#[test]
fn a_manifest_that_is_no_text_is_refused() {
    insta::assert_snapshot!(check_text(""), @"line 1, column 1: expected a map of keys and values, found nothing");
    insta::assert_snapshot!(check_text("just words"), @"line 1, column 1: expected a map of keys and values, found text");
    insta::assert_snapshot!(check_text("- a\n- list"), @"line 1, column 1: expected a map of keys and values, found a list");
    insta::assert_snapshot!(check_text("\u{0}\u{1}"), @r"line 1, column 1: unexpected character: `\u{0}'");
}

/// The message of an install of a package about whose interface the index says something else.
#[track_caller]
fn check_claim(change: impl FnOnce(&mut Interface)) -> String {
    let scene = Scene::new();
    let spec =
        PackageSpec::new("notes", "1.0.0").host(">=0.1").permission("read_messages").permission("use_model");
    let archive = spec.hook("on_chat_message").tool("note").archive();
    let mut claim = Claim::of(&archive);
    change(&mut claim.interface);
    scene.hub.forge(&claim, &archive);
    scene.refuses_to_install(7, "notes").trim_end().to_owned()
}

#[test]
fn a_manifest_that_says_another_thing_than_the_index_is_refused() {
    let none = || Claim::new("x", "1.0.0").interface;
    insta::assert_snapshot!(check_claim(|says| says.api = ">=1".parse().unwrap()), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `api` in its manifest differs from what the index says
    ");
    insta::assert_snapshot!(check_claim(|says| says.host = None), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `host` in its manifest differs from what the index says
    ");
    insta::assert_snapshot!(check_claim(|says| drop(says.dependencies.insert("keeper".parse().unwrap(), ">=1".parse().unwrap()))), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `dependencies` in its manifest differs from what the index says
    ");
    insta::assert_snapshot!(check_claim(|says| says.permissions = none().permissions), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `permissions` in its manifest differs from what the index says
    ");
    insta::assert_snapshot!(check_claim(|says| says.hooks.clear()), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `hooks` in its manifest differs from what the index says
    ");
    insta::assert_snapshot!(check_claim(|says| says.tools.clear()), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: `tools` in its manifest differs from what the index says
    ");
}

#[test]
fn a_package_of_another_name_version_or_content_than_the_index_says_is_refused() {
    let check = |change: fn(&mut Claim)| {
        let scene = Scene::new();
        let archive = PackageSpec::new("notes", "1.0.0").archive();
        let mut claim = Claim::of(&archive);
        change(&mut claim);
        scene.hub.forge(&claim, &archive);
        scene.refuses_to_install(7, claim.name.as_str())
    };
    insta::assert_snapshot!(check(|claim| claim.name = "votes".parse().unwrap()), @"
    error: refused `votes` 1.0.0 of registry `hub`
    caused by: its manifest says it is `notes` 1.0.0
    ");
    insta::assert_snapshot!(check(|claim| claim.version = "1.0.1".parse().unwrap()), @"
    error: refused `notes` 1.0.1 of registry `hub`
    caused by: its manifest says it is `notes` 1.0.0
    ");
    insta::assert_snapshot!(check(|claim| claim.content = leah_plugin::digest::Digest::of(b"else")), @"
    error: refused `notes` 1.0.0 of registry `hub`
    caused by: the content hash of the files is [sha256], the index says [sha256]
    ");
}
