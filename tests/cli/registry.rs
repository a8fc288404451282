//! `leahpm registry`: whom to trust is decided once and by key.

use crate::{
    fixture::{TestRegistry, hub},
    sandbox::{Output, Sandbox},
};

fn with_hub() -> (Sandbox, TestRegistry) {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    (sandbox, hub)
}

/// The width of a column is that of a path, which is another one in each run.
fn without_columns(output: &Output) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    output.to_string().lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_key_that_nobody_agreed_to_is_not_trusted() {
    let (sandbox, hub) = with_hub();
    let refused = sandbox.run(&["registry", "add", "hub", "./hub"]);
    insta::assert_snapshot!(refused, @"
    2> error: the root key of `[DIR]/hub` is `[hub root key]`, and nobody agreed to it yet
    2> hint: if you know that key to be the right one, run `leahpm registry add hub ./hub --key [hub root key]`
    exit 8
    ");
    sandbox.run(&["registry", "add", "hub", "./hub", "--yes"]).fails(8);
    assert!(!sandbox.home().exists());
    let key = hub.root_key().to_string();
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "./hub", "--key", &key]), @"
    2> Added registry hub.
    exit 0
    ");
    sandbox.run(&["install", "hub/alpha"]).ok();
}

#[test]
fn shows_the_registries_and_which_one_bare_names_come_from() {
    let (sandbox, hub) = with_hub();
    insta::assert_snapshot!(without_columns(&sandbox.run(&["registry", "list"])), @"
    1> NAME PLACE ROOT KEY
    1> bundled default compiled in RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9
    exit 0
    ");
    hub.add(&sandbox);
    insta::assert_snapshot!(without_columns(&sandbox.run(&["registry", "list"])), @"
    1> NAME PLACE ROOT KEY
    1> bundled default compiled in RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9
    1> hub [DIR]/hub [hub root key]
    exit 0
    ");
    hub.add_as_default(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["registry", "list", "--json"]).pretty(), @r#"
    {
      "command": "registry list",
      "registries": [
        {
          "by_lock": false,
          "default": false,
          "mirrors": [],
          "name": "bundled",
          "root_key": "RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9",
          "url": null
        },
        {
          "by_lock": false,
          "default": true,
          "mirrors": [],
          "name": "hub",
          "root_key": "[hub root key]",
          "url": "[DIR]/hub"
        }
      ],
      "schema": 1
    }
    "#);
    sandbox.run(&["install", "alpha"]).ok();
}

#[test]
fn a_registry_is_not_forgotten_while_plugins_of_it_are_installed() {
    let (sandbox, hub) = with_hub();
    hub.add_as_default(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    let refused = sandbox.run(&["registry", "remove", "hub"]);
    insta::assert_snapshot!(refused, @"
    2> error: plugins of registry `hub` are installed: `alpha`
    2> hint: `leahpm uninstall alpha` takes them out
    exit 9
    ");
    sandbox.run_hint(&refused).ok();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["registry", "remove", "hub", "--dry-run"]), @"
    2> Would remove registry hub.
    exit 0
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run(&["registry", "remove", "hub"]), @"
    2> Removed registry hub.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "remove", "hub"]), @"
    2> error: no registry `hub` was added
    2> hint: `leahpm registry list` shows the registries
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "remove", "bundled"]), @"
    2> error: no registry `bundled` was added
    2> hint: `leahpm registry list` shows the registries
    exit 5
    ");
    sandbox.run(&["install", "translator", "--grant", "all"]).ok();
}

#[test]
fn a_rollback_needs_no_registry_that_was_forgotten_since() {
    let (sandbox, hub) = with_hub();
    hub.add_as_default(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["registry", "remove", "hub"]).ok();
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    sandbox.run(&["verify"]).ok();
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> error: there is no registry `hub`, only `bundled`
    2> hint: `leahpm registry add NAME URL` adds one
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "translator", "--grant", "all"]), @"
    2> error: there is no registry `hub`, only `bundled`
    2> hint: `leahpm registry add NAME URL` adds one
    exit 5
    ");
    sandbox.run(&["disable", "alpha"]).ok();
    sandbox.run(&["uninstall", "alpha"]).ok();
}

#[test]
fn refuses_another_key_another_name_and_what_is_no_registry() {
    let (sandbox, hub) = with_hub();
    let other = TestRegistry::new(&sandbox, "other");
    let (key, foreign) = (hub.root_key().to_string(), other.root_key().to_string());
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "./hub", "--key", &foreign]), @"
    2> error: root 1 of the registry is not valid
    2> caused by: the root is not signed as it must be
    2> caused by: signed with another key: [hub root key id], expected [other root key id] (`[other root key]`)
    exit 7
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "work", "./hub", "--key", &key]), @"
    2> error: the registry calls itself `hub`, not `work`
    exit 7
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "./nowhere", "--key", &key]), @"
    2> error: cannot find `./nowhere`
    2> caused by: No such file or directory (os error 2)
    exit 5
    ");
    sandbox.write("empty/file", "");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "./empty", "--key", &key]), @"
    2> error: there is no registry in `[DIR]/empty`: it has no `root/1`
    2> hint: `leahpm registry list` shows the registries and where they are
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "./hub", "--key", "RWnokey"]), @"
    2> error: invalid value 'RWnokey' for '--key <KEY>': a public key has 56 characters and starts with `RW`, this text has 7
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "http://example.com", "--key", &key]), @"
    2> error: cannot take that for the URL of a registry
    2> caused by: `http://` is only for this machine itself, use `https://`
    2> hint: it looks like `https://plugins.example.com/registry`
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "https://ann:secret@localhost", "--key", &key]), @"
    2> error: cannot take that for the URL of a registry
    2> caused by: a URL with a user name or password in it, which would be shown and stored in the clear
    2> hint: `leahpm registry login NAME` takes a token once the registry is added
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "hub", "--mirror", "https://localhost"]), @"
    2> error: `[DIR]/hub` is a folder, and a folder has no mirrors
    exit 2
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn a_name_that_is_taken_stays_with_its_key() {
    let (sandbox, hub) = hub();
    let twin = TestRegistry::at(&sandbox, "hub", "twin");
    let (key, other) = (hub.root_key().to_string(), twin.root_key().to_string());
    let before = sandbox.tree();
    sandbox.run(&["registry", "add", "hub", "hub", "--key", &key]).ok();
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", "twin", "--key", &other]), @"
    2> error: there is a registry `hub` already, at another place or with another key
    2> hint: `leahpm registry remove hub` forgets the one that is there
    exit 7
    ");
    insta::assert_snapshot!(sandbox.run(&twin.with(&["install", "alpha"])), @"
    2> error: there is a registry `hub` already, at another place or with another key
    2> hint: `leahpm registry remove hub` forgets the one that is there
    exit 7
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn says_when_the_list_of_registries_is_broken_and_where() {
    let sandbox = Sandbox::new();
    sandbox.write("home/registries.yaml", "format: 1\nregistires: {}\n");
    insta::assert_snapshot!(sandbox.run(&["registry", "list"]), @"
    2> error: cannot read `[HOME]/registries.yaml`
    2> caused by: line 2, column 1: `registires` is not a key that is known here; did you mean `registries`?
    exit 13
    ");
    sandbox.write("home/registries.yaml", "format: 4\n");
    insta::assert_snapshot!(sandbox.run(&["install", "translator"]), @"
    2> error: cannot read `[HOME]/registries.yaml`
    2> caused by: line 1, column 9: format 4 is not known, this leahpm knows format 3; a newer leahpm may have written it
    exit 13
    ");
}

#[test]
fn a_registry_that_was_made_anew_gets_its_name_back_only_when_the_old_one_is_forgotten() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["registry", "remove", "hub"]).ok();
    let anew = TestRegistry::at(&sandbox, "hub", "anew");
    let key = anew.root_key().to_string();
    let refused = sandbox.run(&["registry", "add", "hub", "anew", "--key", &key]);
    insta::assert_snapshot!(refused.fails(7).lines().next().unwrap(), @"error: root 1 of registry `hub` is missing or another one than was seen before");
    insta::assert_snapshot!(refused.fails(7).lines().last().unwrap(), @"hint: if you know that its people made it anew, `leahpm registry remove hub --forget` forgets the old one");
    insta::assert_snapshot!(sandbox.run(&["registry", "remove", "hub", "--forget"]), @"
    2> Removed registry hub and what was seen of it.
    exit 0
    ");
    sandbox.run(&["registry", "remove", "hub", "--forget"]).fails(5);
    sandbox.run(&["registry", "add", "hub", "anew", "--key", &key]).ok();
}
