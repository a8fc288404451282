//! `leahpm diff`: generations and lock files side by side.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// Generation 1 has `alpha` 1.0.0, 2 has 1.1.0, 3 has `mail` beside it.
fn three() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    sandbox.run(&["install", "mail@^1", "--deny", "all"]).ok();
    (sandbox, hub)
}

#[test]
fn tells_what_the_last_change_did() {
    let (sandbox, _hub) = three();
    insta::assert_snapshot!(sandbox.run(&["diff"]), @"
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: none; denied: use_model
    2> From generation 2 to generation 3: 2 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "1"]), @"
    1> ~ alpha 1.0.0 -> 1.1.0
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: none; denied: use_model
    2> From generation 1 to generation 3: 3 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "3", "1"]), @"
    1> ~ alpha 1.1.0 -> 1.0.0
    1> - mail 1.0.0
    2> From generation 3 to generation 1: 2 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "2", "2"]), @"
    2> From generation 2 to generation 2: no difference.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "1", "2", "--json"]).pretty(), @r#"
    {
      "changes": [
        {
          "change": "update",
          "from": {
            "registry": "hub",
            "version": "1.0.0"
          },
          "name": "alpha",
          "registry": "hub",
          "version": "1.1.0"
        }
      ],
      "command": "diff",
      "from": {
        "file": null,
        "generation": 1
      },
      "registries": [],
      "resolved_for": null,
      "schema": 1,
      "to": {
        "file": null,
        "generation": 2
      }
    }
    "#);
}

#[test]
fn a_first_generation_comes_from_nothing() {
    let (sandbox, _hub) = three();
    sandbox.run(&["rollback", "1"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff"]), @"
    1> + alpha 1.0.0 (hub)
    1> + registry hub, root key [hub root key]
    2> From nothing to generation 1: 2 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "--json"]).pretty(), @r#"
    {
      "changes": [
        {
          "change": "install",
          "name": "alpha",
          "registry": "hub",
          "version": "1.0.0"
        }
      ],
      "command": "diff",
      "from": null,
      "registries": [
        {
          "from": null,
          "name": "hub",
          "to": {
            "root_key": "[hub root key]",
            "url": null
          }
        }
      ],
      "resolved_for": {
        "from": null,
        "to": {
          "api": "1.0.0",
          "host": "0.1.0"
        }
      },
      "schema": 1,
      "to": {
        "file": null,
        "generation": 1
      }
    }
    "#);
}

#[test]
fn tells_of_switches_holds_and_permissions() {
    let (sandbox, _hub) = three();
    sandbox.run(&["disable", "alpha"]).ok();
    sandbox.run(&["hold", "mail"]).ok();
    sandbox.run(&["permissions", "grant", "mail", "use_model"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff", "3"]), @"
    1> ~ alpha disabled
    1> ~ mail held
    1> ~ mail granted: use_model; denied: none
    2> From generation 3 to generation 6: 3 differences.
    exit 0
    ");
}

#[test]
fn tells_of_settings_between_generations_and_never_of_secrets() {
    let (sandbox, hub) = hub();
    let config = "config:\n  speed: { type: integer, default: 1 }\n  token: { type: string, secret: true }\n";
    hub.publish(&PackageSpec::new("speak", "1.0.0").manifest(config));
    sandbox.run(&["install", "speak"]).ok();
    sandbox.run(&["config", "set", "speak", "speed", "3"]).ok();
    sandbox.write("secret", "hunter2");
    sandbox.run_line("leahpm config set speak token < secret").ok();
    insta::assert_snapshot!(sandbox.run(&["diff", "1"]), @"
    1> ~ speak speed: 3
    1> ~ speak token: set, a secret
    2> From generation 1 to generation 3: 2 differences.
    exit 0
    ");
    let json = sandbox.run(&["diff", "1", "--json"]).ok();
    assert!(!json.stdout.contains("hunter2"));
    insta::assert_snapshot!(json.pretty(), @r#"
    {
      "changes": [
        {
          "change": "setting",
          "key": "speed",
          "name": "speak",
          "state": "set",
          "value": 3
        },
        {
          "change": "setting",
          "key": "token",
          "name": "speak",
          "secret": true,
          "state": "set"
        }
      ],
      "command": "diff",
      "from": {
        "file": null,
        "generation": 1
      },
      "registries": [],
      "resolved_for": null,
      "schema": 1,
      "to": {
        "file": null,
        "generation": 3
      }
    }
    "#);
}

#[test]
fn compares_lock_files_with_what_is_installed_and_with_each_other() {
    let (sandbox, _hub) = three();
    sandbox.run(&["export", "-o", "now.lock"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff", "now.lock"]), @"
    2> From `now.lock` to generation 3: no difference.
    exit 0
    ");
    sandbox.run(&["rollback", "1"]).ok();
    sandbox.run(&["export", "-o", "then.lock"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff", "then.lock", "now.lock"]), @"
    1> ~ alpha 1.0.0 -> 1.1.0
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: none; denied: use_model
    2> From `then.lock` to `now.lock`: 3 differences.
    exit 0
    ");
    std::os::unix::fs::symlink("now.lock", sandbox.path("link.lock")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["diff", "2", "link.lock"]), @"
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: none; denied: use_model
    2> From generation 2 to `link.lock`: 2 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "then.lock", "--json"]).pretty(), @r#"
    {
      "changes": [],
      "command": "diff",
      "from": {
        "file": "then.lock",
        "generation": null
      },
      "registries": [],
      "resolved_for": null,
      "schema": 1,
      "to": {
        "file": null,
        "generation": 1
      }
    }
    "#);
}

#[test]
fn looks_into_a_bundle_for_its_lock() {
    let (sandbox, _hub) = three();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff", "set.leah"]), @"
    2> From `set.leah` to generation 3: no difference.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "2", "set.leah"]), @"
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: none; denied: use_model
    2> From generation 2 to `set.leah`: 2 differences.
    exit 0
    ");
}

#[test]
fn tells_of_another_root_key_and_another_host() {
    let (sandbox, hub) = three();
    let spare = TestRegistry::new(&sandbox, "spare");
    sandbox.run(&["export", "-o", "one.lock"]).ok();
    let text = String::from_utf8(sandbox.read("one.lock")).unwrap();
    let other = text
        .replace(&hub.root_key().to_string(), &spare.root_key().to_string())
        .replace("    root_key", "    url: https://plugins.example.org\n    root_key")
        .replace("  host: ", "  host: \"9.9.9\" #");
    sandbox.write("two.lock", other);
    sandbox.redact(leah_plugin::version::HOST_VERSION, "[HOST]");
    insta::assert_snapshot!(sandbox.run(&["diff", "one.lock", "two.lock"]), @"
    1> ~ registry hub: no URL -> https://plugins.example.org, root key [hub root key] -> [spare root key]
    1> ~ resolved for leah-host [HOST] -> 9.9.9
    2> From `one.lock` to `two.lock`: 2 differences.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "one.lock", "two.lock", "--json"]).pretty(), @r#"
    {
      "changes": [],
      "command": "diff",
      "from": {
        "file": "one.lock",
        "generation": null
      },
      "registries": [
        {
          "from": {
            "root_key": "[hub root key]",
            "url": null
          },
          "name": "hub",
          "to": {
            "root_key": "[spare root key]",
            "url": "https://plugins.example.org"
          }
        }
      ],
      "resolved_for": {
        "from": {
          "api": "1.0.0",
          "host": "[HOST]"
        },
        "to": {
          "api": "1.0.0",
          "host": "9.9.9"
        }
      },
      "schema": 1,
      "to": {
        "file": "two.lock",
        "generation": null
      }
    }
    "#);
}

#[test]
fn refuses_what_is_no_set() {
    let (sandbox, _hub) = three();
    insta::assert_snapshot!(sandbox.run(&["diff", "9"]), @"
    2> error: there is no generation 9
    2> hint: `leahpm history` shows the generations that are still there; `leahpm gc` removes old ones
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "no.lock"]), @"
    2> error: cannot find `no.lock`
    2> caused by: No such file or directory (os error 2)
    2> hint: name a lock file, a bundle, or a generation by its number, as `leahpm history` shows it
    exit 5
    ");
    sandbox.write("bad.lock", "format: 1\nrequested: {}\n");
    insta::assert_snapshot!(sandbox.run(&["diff", "bad.lock"]), @"
    2> error: cannot read `bad.lock`
    2> caused by: line 2, column 1: missing field `plugins`
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "home"]), @"
    2> error: cannot read `home`
    2> caused by: it is not a regular file
    2> hint: name a file; what comes through a pipe can be saved in one first
    exit 13
    ");
    sandbox.run(&["gc", "--keep", "0"]).ok();
    insta::assert_snapshot!(sandbox.run(&["diff"]), @"
    2> error: there is no generation 2
    2> hint: `leahpm history` shows the generations that are still there; `leahpm gc` removes old ones
    exit 5
    ");
    let empty = Sandbox::new();
    insta::assert_snapshot!(empty.run(&["diff"]), @"
    2> error: nothing was ever installed here
    2> hint: `leahpm search` shows what there is to install
    exit 5
    ");
    assert!(!empty.home().exists());
}
