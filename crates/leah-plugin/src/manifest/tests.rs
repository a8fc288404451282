//! Tests of the manifest as a whole: a valid one, and what is said about each rule that is broken.

use proptest::prelude::*;

use super::*;
use crate::settings::Settings;

const VALID: &str = r#"name: translator
version: 1.0.0
author: LEAH contributors
description: Translates messages and offers a translate tool
license: MIT
homepage: https://example.com/translator
category: language
tags: [language, text]
api: "^1.0"
host: ">=0.1"
dependencies: { text-tools: "^1.2" }
permissions:
  - read_messages
  - use_model
  - network_access: [libretranslate.com, "setting:server"]
  - write_files
hooks: [on_chat_message, on_tool_call]
priority: -5
tools:
  - name: translate
    description: |
      Translates a text.
      Keeps its tone.
    parameters: { type: object, properties: { text: { type: string } }, required: [text] }
config:
  api_key: { type: string, required: true, secret: true, description: "The key of the service" }
  enabled: { type: boolean, default: true }
  target: { type: string, enum: [en, tr, de], default: en }
  server: { type: string }
  limits: { type: list, items: integer, min: 1, max: 10, default: [1, 2] }
"#;

/// The valid manifest with one piece of text replaced must fail with this message.
#[track_caller]
fn check(piece: &str, replacement: &str, expect: &str) {
    assert!(VALID.contains(piece), "{piece}");
    let text = VALID.replacen(piece, replacement, 1);
    match Manifest::read(text.as_bytes()) {
        Ok(_) => panic!("taken with {replacement:?}"),
        Err(error) => assert_eq!(error.to_string(), expect),
    }
}

#[test]
fn reads_every_field() {
    let manifest = Manifest::read(VALID.as_bytes()).unwrap();
    assert_eq!(manifest.name.as_str(), "translator");
    assert_eq!(manifest.priority, -5);
    assert_eq!(manifest.tools[0].description, "Translates a text.\nKeeps its tone.");
    assert_eq!(manifest.tools[0].parameters["properties"]["text"]["type"], "string");
    assert_eq!(manifest.permissions.iter().count(), 4);
    assert_eq!(manifest.config["target"].default, Some("en".into()));
    assert_eq!(Settings::default().effective(&manifest.config).missing, ["api_key"]);
    insta::assert_snapshot!(serde_json::to_string(&manifest.interface()).unwrap(), @r#"{"api":"^1.0","host":">=0.1","dependencies":{"text-tools":"^1.2"},"permissions":["read_messages","write_files",{"network_access":["libretranslate.com","setting:server"]},"use_model"],"hooks":["on_chat_message","on_tool_call"],"tools":["translate"]}"#);
    insta::assert_snapshot!(serde_json::to_string(&manifest.config["limits"]).unwrap(), @r#"{"type":"list","items":"integer","required":false,"default":[1,2],"min":1.0,"max":10.0,"secret":false}"#);
}

#[test]
fn reads_the_least_there_can_be() {
    let text = "name: a\nversion: 0.1.0\nauthor: b\ndescription: c\napi: '1'\n";
    let manifest = Manifest::read(text.as_bytes()).unwrap();
    assert!(manifest.hooks.is_empty() && manifest.permissions.is_empty());
}

#[test]
fn refuses_keys_and_words_it_does_not_know_with_the_one_that_was_meant() {
    check(
        "author:",
        "autor:",
        "line 3, column 1: `autor` is not a key of a manifest; did you mean `author`?",
    );
    check(
        "use_model",
        "use_modal",
        "line 14, column 5: `use_modal` is not a permission; did you mean `use_model`?",
    );
    check(
        "network_access:",
        "network:",
        "line 15, column 5: `network` is not a permission; did you mean `network_access`?",
    );
    check(
        "on_tool_call",
        "on_tools_call",
        "line 17, column 26: `on_tools_call` is not a hook; did you mean `on_tool_call`?",
    );
    check(
        "category: language",
        "category: languages",
        "line 7, column 11: `languages` is not a category; did you mean `language`?",
    );
    check(
        "type: boolean",
        "type: bool",
        "line 27, column 20: `bool` is not a type of setting; did you mean `boolean`?",
    );
    check(
        "secret: true",
        "secrets: true",
        "line 26, column 44: `secrets` is not a key of a setting; did you mean `secret`?",
    );
    check(
        "    description: |",
        "    text: |",
        "line 21, column 5: `text` is not a key of a tool; known are `name`, `description`, `parameters`",
    );
}

#[test]
fn refuses_values_of_another_type() {
    check(
        "version: 1.0.0",
        "version: 1.0",
        "line 2, column 10: expected text, found a number (quotes make it text)",
    );
    check("version: 1.0.0", "version: \"1.0\"", "line 2, column 10: `1.0` is not a version");
    check("priority: -5", "priority: high", "line 18, column 11: expected a whole number, found text");
    check("priority: -5", "priority: 5000", "line 18, column 11: the number is outside -1000 to 1000");
    check(
        "hooks: [on_chat_message, on_tool_call]",
        "hooks: on_chat_message",
        "line 17, column 8: expected a list, found text",
    );
    check(
        "required: true",
        "required: 1",
        "line 26, column 38: expected `true` or `false`, found a number (quotes make it text)",
    );
    check("author: LEAH contributors", "author:", "line 3, column 7: expected text, found nothing");
}

#[test]
fn refuses_what_is_missing_or_stands_twice() {
    check("author: LEAH contributors\n", "", "line 1, column 1: `author` is missing");
    check("[language, text]", "[text, text]", "line 8, column 14: `text` stands here twice");
    check(
        "on_chat_message, on_tool_call",
        "on_tool_call, on_tool_call",
        "line 17, column 23: `on_tool_call` stands here twice",
    );
    check("- use_model", "- read_messages", "line 14, column 5: `read_messages` stands here twice");
    check("[libretranslate.com,", "[a.com, a.com,", "line 15, column 21: `a.com` is listed twice");
    let again = "config:\n";
    let tool = "  - { name: translate, description: x, parameters: { type: object } }\nconfig:\n";
    check(again, tool, "line 25, column 13: `translate` stands here twice");
}

#[test]
fn refuses_scopes_that_say_something_else_than_they_seem_to() {
    check(
        "libretranslate.com",
        "https://a.com",
        "line 15, column 22: `https://a.com` is not a host: write it without scheme, user and path, as in `example.com`",
    );
    check(
        "- write_files",
        "- read_files",
        "line 16, column 5: `read_files` needs the list of its folders, as in `read_files: [~/Documents]`",
    );
    check(
        "- write_files",
        "- write_files: [../x]",
        "line 16, column 19: `../x` is not a folder: it begins neither with `/` nor with `~/`",
    );
    check("- write_files", "- write_files: []", "line 16, column 18: the list of `write_files` is empty");
    check(
        "  - use_model\n  - network",
        "  - use_model: [a]\n    network",
        "line 14, column 5: one permission an entry: begin another with `- `",
    );
    check(
        "setting:server",
        "setting:sever",
        "line 15, column 42: the scope names the setting `sever`, and `config` declares no string of that name",
    );
    check(
        "setting:server",
        "setting:limits",
        "line 15, column 42: the scope names the setting `limits`, and `config` declares no string of that name",
    );
    check(
        "setting:server",
        "setting:target",
        "line 15, column 42: the scope names the setting `target`, which has a default: list that in the scope itself, so that users are asked for it",
    );
}

#[test]
fn refuses_hooks_without_their_permission_and_tools_without_their_hook() {
    check(
        "  - read_messages\n",
        "",
        "line 16, column 9: the hook `on_chat_message` needs the permission `read_messages`",
    );
    check(", on_tool_call", "", "line 20, column 3: `tools` needs the hook `on_tool_call`");
    let text = "name: a\nversion: 0.1.0\nauthor: b\ndescription: c\napi: '1'\nhooks: [on_tool_call]\n";
    let error = Manifest::read(text.as_bytes()).unwrap_err();
    insta::assert_snapshot!(error, @"line 6, column 9: the hook `on_tool_call` needs `tools`, or `read_messages` for tools that nobody declared");
}

#[test]
fn refuses_settings_that_contradict_themselves() {
    check(
        "default: en",
        "default: fr",
        "line 28, column 56: `\"fr\"` is none of `\"en\"`, `\"tr\"`, `\"de\"`",
    );
    check("default: en", "default: 5", "line 28, column 56: `5` is not of type string");
    check("[en, tr, de]", "[en, en]", "line 28, column 38: `en` stands here twice");
    check("[1, 2]", "[0]", "line 30, column 67: `0` is out of range: at least 1");
    check("min: 1", "min: 11", "line 30, column 46: `min` is above `max`, so no value fits");
    check(
        "secret: true",
        "secret: true, default: x",
        "line 26, column 67: a secret has no default: everybody can read the package",
    );
    check(
        "server: { type: string }",
        "server: { type: string, items: string }",
        "line 29, column 34: `items` is only for `type: list`",
    );
    check(
        "server: { type: string }",
        "server: { type: string, pattern: '(' }",
        "line 29, column 36: `(` is not a regular expression",
    );
    check(
        "  server:",
        "  Server:",
        "line 29, column 3: `Server` is not a key of a setting: lower-case letters, digits, `_` and `-`, at most 64, a letter first",
    );
    let switch = "line 27, column 12: `enabled` is the switch of `leahpm enable` and `leahpm disable`: it can only be `{ type: boolean, default: true }`";
    check("default: true", "default: false", switch);
    check("type: boolean, default: true", "type: string", switch);
}

#[test]
fn refuses_dependencies_on_itself_and_on_what_is_no_name() {
    check("text-tools", "translator", "line 11, column 15: a plugin cannot depend on itself");
    check(
        "text-tools",
        "Text",
        "line 11, column 17: `Text` is not a name: use lower-case letters and digits, with single hyphens between them",
    );
    check("\"^1.2\"", "newest", "line 11, column 29: `newest` is not a version range");
}

#[test]
fn refuses_yaml_that_two_readers_could_read_in_two_ways() {
    for text in [
        "name: &a x\nauthor: *a\n",
        "name: a\nname: b\n",
        "a: 1\n<<: { b: 1 }\n",
        "config: { a: { type: string }, a: {} }\n",
    ] {
        let error = Manifest::read(text.as_bytes()).unwrap_err();
        assert!(error.line > 0 && matches!(error.problem, Problem::Yaml(_)), "{text}: {error}");
    }
    assert!(Manifest::read(b"").is_err());
    assert!(Manifest::read(&vec![b'a'; MAX_MANIFEST_BYTES + 1]).is_err());
}

proptest! {
    #[test]
    fn takes_or_refuses_any_bytes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::read(&bytes);
    }

    #[test]
    fn takes_or_refuses_a_damaged_manifest_without_a_panic(at in 0..VALID.len(), byte in any::<u8>(), cut in 0..4_usize) {
        let mut bytes = VALID.as_bytes().to_vec();
        bytes.splice(at..(at + cut).min(VALID.len()), [byte]);
        if let Err(error) = Manifest::read(&bytes) {
            prop_assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
}
