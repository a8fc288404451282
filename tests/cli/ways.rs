//! When a set does not fit: the sentence, the newest set that would work, and the command for it, which is run and
//! brings that set.

use std::fs;

use leah_plugin::lock::Lock;

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    publishers::revoke,
    sandbox::{Output, Sandbox},
    tampering::forge::Claim,
};

/// `a` and `b` of which the newest need two versions of `lib`.
fn torn() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("lib", "1.0.0"), ("lib", "1.3.0"), ("lib", "2.0.0")]);
    hub.publish(&PackageSpec::new("a", "1.5.0").needs("lib", "^1"));
    hub.publish(&PackageSpec::new("a", "2.0.0").needs("lib", "^2"));
    hub.publish(&PackageSpec::new("b", "2.0.0").needs("lib", "^1"));
    (sandbox, hub)
}

/// The set of the first way in the error object.
#[track_caller]
fn shown(refused: &Output) -> String {
    let set = refused.json()["error"]["details"]["ways"][0]["set"].clone();
    let set = set.as_object().unwrap().iter();
    set.map(|(name, version)| format!("{name} {}", version.as_str().unwrap())).collect::<Vec<_>>().join(", ")
}

/// The live set of what a wish list and its lock bring.
#[track_caller]
fn locked(sandbox: &Sandbox) -> String {
    sandbox.run(&["sync", "--locked"]).ok();
    sandbox.live_line()
}

#[test]
fn a_conflict_of_two_wishes_is_told_with_a_command_that_brings_both() {
    let (sandbox, _hub) = torn();
    let refused = sandbox.run(&["install", "a@^2", "b"]);
    insta::assert_snapshot!(refused, @"
    2> error: no versions fit together:
    2>   you asked for `a` ^2
    2>   `a` 2.0.0 needs `lib` ^2
    2>   `b` 2.0.0 needs `lib` ^1
    2> hint: `leahpm install a@^1.5.0 b` would work, with a 1.5.0, b 2.0.0 and lib 1.3.0
    exit 5
    ");
    let set = shown(&sandbox.run(&["install", "a@^2", "b", "--json"]));
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), set);
    assert_eq!(set, "a 1.5.0, b 2.0.0, lib 1.3.0");
}

#[test]
fn a_conflict_with_what_is_installed_is_told_with_both_commands() {
    let (sandbox, _hub) = torn();
    sandbox.run(&["install", "b"]).ok();
    let refused = sandbox.run(&["install", "a@^2"]);
    insta::assert_snapshot!(refused, @"
    2> error: no versions fit together:
    2>   you asked for `a` ^2
    2>   `a` 2.0.0 needs `lib` ^2
    2>   `b` 2.0.0 needs `lib` ^1
    2> hint: `leahpm install a@^1.5.0` would work, with a 1.5.0
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "a 1.5.0, b 2.0.0, lib 1.3.0");
}

#[test]
fn what_is_installed_and_in_the_way_is_uninstalled_with_what_needs_it() {
    let (sandbox, hub) = torn();
    hub.publish(&PackageSpec::new("more", "1.0.0").needs("b", "^2"));
    hub.publish(&PackageSpec::new("c", "1.0.0").needs("lib", "^2"));
    sandbox.run(&["install", "more"]).ok();
    let refused = sandbox.run(&["install", "c"]);
    insta::assert_snapshot!(refused, @"
    2> error: no versions fit together:
    2>   `c` 1.0.0 needs `lib` ^2
    2>   `more` 1.0.0 needs `b` ^2
    2>   `b` 2.0.0 needs `lib` ^1
    2> hint: after `leahpm uninstall more`, `leahpm install c` would work, with c 1.0.0 and lib 2.0.0
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    sandbox.run_second_command(&refused).ok();
    assert_eq!(sandbox.live_line(), "c 1.0.0, lib 2.0.0");
}

#[test]
fn what_the_way_needs_is_looked_up_though_the_failure_did_not_need_it() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("deep", "1.0.0")]);
    hub.publish(&PackageSpec::new("middle", "1.0.0").needs("deep", "^1"));
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("middle", "^1"));
    let refused = sandbox.run(&["install", "app@^2"]);
    insta::assert_snapshot!(refused, @"
    2> error: no version of `app` fits `^2`: it has 1.0.0
    2> hint: `leahpm install app@^1.0.0` would work, with app 1.0.0, deep 1.0.0 and middle 1.0.0
    2> hint: `leahpm info app` shows all its versions
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "app 1.0.0, deep 1.0.0, middle 1.0.0");
}

#[test]
fn the_command_keeps_the_options_that_were_given() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&PackageSpec::new("a", "1.0.0").permission("use_model")).publish_all(&[("b", "1.0.0")]);
    let [registry, path, key, value] = &hub.install_args();
    let words = ["--quiet", "install", "--grant=all", registry, path, key, value, "--", "a@^2", "b"];
    let refused = sandbox.run(&words);
    insta::assert_snapshot!(refused, @"
    2> error: no version of `hub/a` fits `^2`: it has 1.0.0
    2> hint: `leahpm install --registry [DIR]/hub --key [hub root key] --quiet --grant=all a@^1.0.0 b` would work, with a 1.0.0 and b 1.0.0
    2> hint: `leahpm info hub/a` shows all its versions
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "a 1.0.0, b 1.0.0");
}

#[test]
fn a_newer_host_is_told_with_its_smallest_version_and_the_command_that_resolves_for_it() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("future", "1.0.0").host(">=0.3"));
    hub.publish(&PackageSpec::new("future", "2.0.0").host(">=0.5"));
    let refused = sandbox.run(&["install", "future"]);
    insta::assert_snapshot!(refused, @"
    2> error: no version of `future` can be used: 1.0.0 is for leah-host >=0.3, this one is 0.1.0; 2.0.0 is for leah-host >=0.5, this one is 0.1.0
    2> hint: a newer leah-host is needed: for 0.3.0, `leahpm install --host-version 0.3.0 future` would work, with future 1.0.0
    2> hint: `leahpm info future` shows all its versions
    exit 10
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "future 1.0.0");
    assert_eq!(sandbox.lock().resolved_for.host.to_string(), "0.3.0");
}

#[test]
fn a_newer_plugin_api_is_told_and_no_command_is_promised() {
    let (sandbox, hub) = hub();
    let mut newer = Claim::new("newer", "1.0.0");
    newer.interface.api = "^1.7".parse().unwrap();
    hub.forge(&newer, b"nothing");
    insta::assert_snapshot!(sandbox.run(&["install", "newer"]), @"
    2> error: `newer` has only versions for plugin API ^1.7, this host has 1.0.0
    2> hint: a newer leahpm and leah-host are needed, with plugin API 1.7.0; then this would fit: newer 1.0.0
    2> hint: `leahpm info newer` shows all its versions
    exit 10
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "newer", "--json"]).pretty(), @r#"
    {
      "error": {
        "causes": [],
        "code": 10,
        "details": {
          "ways": [
            {
              "change": "api",
              "commands": [],
              "names": [],
              "ranges": {},
              "set": {
                "newer": "1.0.0"
              },
              "version": "1.7.0"
            }
          ]
        },
        "hint": "a newer leahpm and leah-host are needed, with plugin API 1.7.0; then this would fit: newer 1.0.0",
        "hints": [
          "a newer leahpm and leah-host are needed, with plugin API 1.7.0; then this would fit: newer 1.0.0",
          "`leahpm info newer` shows all its versions"
        ],
        "message": "`newer` has only versions for plugin API ^1.7, this host has 1.0.0"
      },
      "schema": 1
    }
    "#);
}

#[test]
fn a_revoked_version_is_told_with_what_an_update_brings() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("notes", "1.0.0"), ("notes", "1.1.0")]);
    sandbox.run(&["install", "notes"]).ok();
    revoke(&hub, "notes", 3);
    let refused = sandbox.run(&["install", "notes@1.1.0"]);
    insta::assert_snapshot!(refused, @"
    2> error: `notes` 1.1.0, the only version that fits `=1.1.0`, is signed with a revoked key
    2> hint: `leahpm install notes@^1.0.0` would work, with notes 1.0.0
    2> hint: `leahpm info notes` shows all its versions
    exit 7
    ");
    let entry = sandbox.layout().entry(&sandbox.locked("notes").entry(&"notes".parse().unwrap()));
    fs::remove_file(entry.join("plugin.yaml")).unwrap();
    let refused = sandbox.run(&["verify", "--repair"]);
    insta::assert_snapshot!(refused, @"
    2> error: `notes` 1.1.0 of registry `hub` is signed with a key that was revoked
    2> hint: `leahpm update notes` would work, with notes 1.0.0
    exit 7
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "notes 1.0.0");
}

#[test]
fn a_wish_list_that_conflicts_is_told_with_what_to_write() {
    let (sandbox, _hub) = torn();
    sandbox.write("plugins.yaml", "format: 1\nplugins: { a: ^2, b: \"*\" }\n");
    let refused = sandbox.run(&["lock"]);
    insta::assert_snapshot!(refused, @"
    2> error: no versions fit together:
    2>   you asked for `a` ^2
    2>   `a` 2.0.0 needs `lib` ^2
    2>   `b` 2.0.0 needs `lib` ^1
    2> hint: write `a: ^1.5.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.5.0, b 2.0.0 and lib 1.3.0
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "--json"]).pretty(), @r#"
    {
      "error": {
        "causes": [],
        "code": 5,
        "details": {
          "ways": [
            {
              "change": "ask",
              "commands": [
                "leahpm lock --json"
              ],
              "names": [],
              "ranges": {
                "a": "^1.5.0"
              },
              "set": {
                "a": "1.5.0",
                "b": "2.0.0",
                "lib": "1.3.0"
              },
              "version": null
            }
          ]
        },
        "hint": "write `a: ^1.5.0` into `plugins.yaml`; `leahpm lock --json` would then work, with a 1.5.0, b 2.0.0 and lib 1.3.0",
        "hints": [
          "write `a: ^1.5.0` into `plugins.yaml`; `leahpm lock --json` would then work, with a 1.5.0, b 2.0.0 and lib 1.3.0"
        ],
        "message": "no versions fit together:\n  you asked for `a` ^2\n  `a` 2.0.0 needs `lib` ^2\n  `b` 2.0.0 needs `lib` ^1"
      },
      "schema": 1
    }
    "#);
    sandbox.write("plugins.yaml", "format: 1\nplugins: { a: ^1.5.0, b: \"*\" }\n");
    sandbox.run_hint(&refused).ok();
    assert_eq!(locked(&sandbox), "a 1.5.0, b 2.0.0, lib 1.3.0");
}

#[test]
fn a_wish_list_that_nothing_fits_is_told_which_wish_to_take_out() {
    let (sandbox, hub) = torn();
    hub.publish(&PackageSpec::new("c", "1.0.0").needs("lib", "^2"));
    sandbox.write("ci/plugins.yaml", "format: 1\nplugins: { b: \"*\", c: \"*\" }\n");
    let refused = sandbox.run(&["lock", "ci/plugins.yaml"]);
    insta::assert_snapshot!(refused, @"
    2> error: `b` 2.0.0 needs `lib` ^1, but `c` 1.0.0 needs `lib` ^2
    2> hint: take `b` out of `ci/plugins.yaml`; `leahpm lock ci/plugins.yaml` would then work, with c 1.0.0 and lib 2.0.0
    exit 5
    ");
}

#[test]
fn a_wish_list_that_needs_a_newer_host_is_told_with_the_command_that_locks_for_it() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("future", "1.0.0").host(">=0.3"));
    sandbox.write("plugins.yaml", "format: 1\nplugins: { future: \"*\" }\n");
    let refused = sandbox.run(&["lock"]);
    insta::assert_snapshot!(refused, @"
    2> error: `future` has only versions for leah-host >=0.3, this one is 0.1.0
    2> hint: a newer leah-host is needed: for 0.3.0, `leahpm lock --host-version 0.3.0` would work, with future 1.0.0
    2> hint: `leahpm info future` shows all its versions
    exit 10
    ");
    sandbox.run_hint(&refused).ok();
    let lock = Lock::read(&sandbox.read("leah.lock")).unwrap();
    assert_eq!(lock.resolved_for.host.to_string(), "0.3.0");
}

#[test]
fn a_lock_that_lost_a_version_to_a_revocation_is_told_with_the_update_that_makes_it_whole() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("notes", "1.0.0"), ("notes", "1.1.0"), ("other", "1.0.0")]);
    sandbox.write("plugins.yaml", "format: 1\nplugins: { notes: \"*\", other: \"*\" }\n");
    sandbox.run(&["lock"]).ok();
    revoke(&hub, "notes", 3);
    hub.publish_all(&[("other", "1.1.0")]);
    let refused = sandbox.run(&["sync", "--locked"]);
    insta::assert_snapshot!(refused, @"
    2> error: `notes` 1.1.0 of registry `hub` is signed with a key that was revoked
    2> hint: `leahpm lock --update=notes` would work, with notes 1.0.0
    exit 7
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(locked(&sandbox), "notes 1.0.0, other 1.0.0");
}

#[test]
fn a_lock_that_was_made_for_a_newer_host_is_told_with_the_newest_set_for_this_one() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("app", "1.0.0"), ("app", "1.1.0")]);
    hub.publish(&PackageSpec::new("app", "2.0.0").host(">=0.3"));
    sandbox.write("plugins.yaml", "format: 1\nplugins: { app: \"*\" }\n");
    sandbox.run(&["lock", "--host-version", "0.3.0"]).ok();
    let refused = sandbox.run(&["sync", "--locked"]);
    insta::assert_snapshot!(refused, @"
    2> error: `app` 2.0.0 is for leah-host >=0.3, this one is 0.1.0
    2> hint: `leahpm lock --host-version 0.1.0 --update=app` would work, with app 1.1.0
    exit 10
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(locked(&sandbox), "app 1.1.0");
}
