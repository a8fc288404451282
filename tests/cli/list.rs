//! `leahpm list`, `search` and `info`: what is there and what could be.

use std::fs;

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

fn mail() -> PackageSpec {
    PackageSpec::new("mail", "1.0.0")
        .description("Reads mail aloud")
        .needs("text-tools", "^1.2")
        .permission("read_messages")
        .permission("network_access: [mail.example]")
        .hook("on_chat_message")
        .tool("read_mail")
        .host(">=0.1")
        .manifest("category: language\ntags: [post, voice]\n")
}

fn with_mail() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("text-tools", "1.2.0")]).publish(&mail());
    (sandbox, hub)
}

#[test]
fn lists_what_is_installed() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    2> No plugins are installed. `leahpm search` shows what there is.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "--json"]), @r#"
    1> {"command":"list","generation":null,"plugins":[],"schema":1}
    exit 0
    "#);
    sandbox.run(&["install", "mail", "--grant", "read_messages", "--deny", "network_access"]).ok();
    sandbox.run(&["disable", "mail"]).ok();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME        VERSION  STATUS    REGISTRY
    1> mail        1.0.0    disabled  hub
    1> text-tools  1.2.0    enabled   hub
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "--json"]).pretty(), @r#"
    {
      "command": "list",
      "generation": 2,
      "plugins": [
        {
          "denied": [
            {
              "network_access": [
                "mail.example"
              ]
            }
          ],
          "enabled": false,
          "granted": [
            "read_messages"
          ],
          "held": false,
          "name": "mail",
          "registry": "hub",
          "requested": true,
          "state": null,
          "version": "1.0.0"
        },
        {
          "denied": [],
          "enabled": true,
          "granted": [],
          "held": false,
          "name": "text-tools",
          "registry": "hub",
          "requested": false,
          "state": null,
          "version": "1.2.0"
        }
      ],
      "schema": 1
    }
    "#);
}

#[test]
fn lists_without_a_registry_and_without_the_list_of_registries() {
    let (sandbox, hub) = with_mail();
    sandbox.run(&["install", "text-tools"]).ok();
    fs::remove_dir_all(&hub.folder).unwrap();
    sandbox.write("home/registries.yaml", "broken: [");
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    1> NAME        VERSION  STATUS   REGISTRY
    1> text-tools  1.2.0    enabled  hub
    exit 0
    ");
}

#[test]
fn refuses_to_list_by_a_lock_that_is_damaged() {
    let (sandbox, _hub) = with_mail();
    sandbox.run(&["install", "text-tools"]).ok();
    let lock = sandbox.layout().lock_file(1);
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "format: 1\nplugins: 3\n").unwrap();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    2> error: cannot read `[HOME]/generations/1/leah.lock`
    2> caused by: line 2, column 10: expected mapping start
    exit 13
    ");
    fs::write(&lock, "format: 99\n").unwrap();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    2> error: cannot read `[HOME]/generations/1/leah.lock`
    2> caused by: the lock is of format 99, which needs a newer leahpm
    exit 13
    ");
}

#[test]
fn finds_plugins_by_word_and_by_category() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["search", "--registry", "hub"]), @"
    1> NAME        VERSION  REGISTRY  DESCRIPTION
    1> mail        1.0.0    hub       Reads mail aloud
    1> text-tools  1.2.0    hub       A plugin for tests
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["search", "--registry", "hub", "ALOUD"]), @"
    1> NAME  VERSION  REGISTRY  DESCRIPTION
    1> mail  1.0.0    hub       Reads mail aloud
    exit 0
    ");
    for (arguments, names) in [
        (&["voice"][..], &["mail"][..]),
        (&["--category", "language"], &["translator", "mail"]),
        (&["--category", "language", "mail"], &["mail"]),
        (&["hello-world"], &["hello-world"]),
    ] {
        let json = sandbox.run(&[&["search", "--json"], arguments].concat()).ok().json();
        let found = json["plugins"].as_array().unwrap().iter().map(|plugin| plugin["name"].as_str().unwrap());
        assert_eq!(found.collect::<Vec<_>>(), names, "{arguments:?}");
    }
    insta::assert_snapshot!(sandbox.run(&["search", "nothing-like-it"]), @"
    2> No plugin fits.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["search", "mail", "--json"]).pretty(), @r#"
    {
      "command": "search",
      "plugins": [
        {
          "author": "Tests",
          "category": "language",
          "description": "Reads mail aloud",
          "name": "mail",
          "registry": "hub",
          "tags": [
            "post",
            "voice"
          ],
          "version": "1.0.0"
        }
      ],
      "schema": 1,
      "unavailable": []
    }
    "#);
    insta::assert_snapshot!(sandbox.run(&["search", "--registry", "elsewhere"]), @"
    2> error: there is no registry `elsewhere`, only `bundled`, `hub`
    2> hint: `leahpm registry add NAME URL` adds one
    exit 5
    ");
}

#[test]
fn finds_what_is_installed_from_the_bundled_registry_in_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["search"]), @"
    1> NAME         VERSION  REGISTRY  DESCRIPTION
    1> hello-world  1.1.0    bundled   Greets you in the chat and counts your messages
    1> translator   1.1.0    bundled   Translates messages and offers a translate tool
    exit 0
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn one_registry_that_is_gone_does_not_hide_the_others() {
    let (sandbox, hub) = with_mail();
    fs::remove_dir_all(&hub.folder).unwrap();
    let output = sandbox.run(&["search", "translator"]);
    assert!(output.stdout.contains("translator"), "{output}");
}

#[test]
fn tells_all_about_a_plugin() {
    let (sandbox, hub) = with_mail();
    hub.publish_all(&[("mail", "0.9.0"), ("mail", "1.1.0"), ("mail", "2.0.0-rc.1")]).yank("mail", "1.1.0");
    insta::assert_snapshot!(sandbox.run(&["info", "mail"]), @"
    1> mail 1.0.0 (hub)
    1> Reads mail aloud
    1>
    1> author       Tests
    1> category     language
    1> plugin API   ^1.0
    1> host         >=0.1
    1> needs        text-tools ^1.2
    1> asks for     read_messages: read your messages and the model's answers
    1> asks for     network_access: send requests to mail.example
    1> tool         read_mail
    1> size         437 B
    1> publisher    [hub publisher key]
    1> versions     2.0.0-rc.1, 1.1.0 (yanked), 1.0.0, 0.9.0
    exit 0
    ");
    sandbox.run(&["install", "mail@0.9"]).ok();
    insta::assert_snapshot!(sandbox.run(&["info", "hub/mail@0.9"]), @"
    1> mail 0.9.0 (hub)
    1> Reads mail aloud
    1>
    1> author       Tests
    1> category     language
    1> plugin API   ^1.0
    1> size         233 B
    1> publisher    [hub publisher key]
    1> versions     2.0.0-rc.1, 1.1.0 (yanked), 1.0.0, 0.9.0
    1> installed    0.9.0, enabled
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["info", "mail@1.1.0"]), @"
    1> mail 1.1.0 (hub)
    1> Reads mail aloud
    1>
    1> author       Tests
    1> category     language
    1> plugin API   ^1.0
    1> size         234 B
    1> publisher    [hub publisher key]
    1> versions     2.0.0-rc.1, 1.1.0 (yanked), 1.0.0, 0.9.0
    1> installed    0.9.0, enabled
    exit 0
    ");
}

#[test]
fn tells_scripts_all_about_a_plugin() {
    let (sandbox, _hub) = with_mail();
    let mut json = sandbox.run(&["info", "mail", "--json"]).ok().json();
    for differs in ["sha256", "content", "published", "size"] {
        json[differs] = "[…]".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "author": "Tests",
      "category": "language",
      "command": "info",
      "content": "[…]",
      "description": "Reads mail aloud",
      "installed": null,
      "interface": {
        "api": "^1.0",
        "dependencies": {
          "text-tools": "^1.2"
        },
        "hooks": [
          "on_chat_message",
          "on_tool_call"
        ],
        "host": ">=0.1",
        "permissions": [
          "read_messages",
          {
            "network_access": [
              "mail.example"
            ]
          }
        ],
        "tools": [
          "read_mail"
        ]
      },
      "key": "[hub publisher key]",
      "name": "mail",
      "published": "[…]",
      "registry": "hub",
      "schema": 1,
      "sha256": "[…]",
      "size": "[…]",
      "state": null,
      "tags": [
        "post",
        "voice"
      ],
      "version": "1.0.0",
      "versions": [
        {
          "revoked": false,
          "version": "1.0.0",
          "yanked": false
        }
      ],
      "yanked": false
    }
    "#);
}

#[test]
fn says_what_there_is_not() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["info", "male"]), @"
    2> error: there is no plugin `male` in registry `hub`
    2> hint: `leahpm search` shows what there is
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["info", "mail@3"]), @"
    2> error: there is no version of `mail@^3` in registry `hub`
    2> hint: `leahpm info mail` shows its versions
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["info", "Mail"]), @"
    2> error: invalid value 'Mail' for '<PLUGIN>': `Mail` names no plugin; write it like `translator`, `translator@^1.2` or `hub/translator@1.0.0`
    2>
    2> For more information, try '--help'.
    exit 2
    ");
}

#[test]
fn shows_a_plugin_of_a_folder_without_remembering_it() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&hub.with(&["info", "alpha"])).ok();
    assert!(!sandbox.home().exists());
}
