//! `leahpm lock`: what is written for a wish list, when a lock is left as it is, and what a strict run refuses.

use std::{fs, os::unix::fs::PermissionsExt};

use leah_plugin::lock::Lock;

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    http::{add, served},
    sandbox::{Output, Sandbox, is_missing, names_in, tree_of},
};

/// Writes a wish list with these lines below `plugins`.
pub fn wish(sandbox: &Sandbox, plugins: &str) {
    let lines: String = plugins.lines().map(|line| format!("  {line}\n")).collect();
    sandbox.write("plugins.yaml", format!("format: 1\nplugins:\n{lines}"));
}

fn locked(sandbox: &Sandbox) -> Lock {
    Lock::read(&sandbox.read("leah.lock")).unwrap()
}

/// The plugins of the lock in one line, such as `alpha 1.0.0, beta 1.2.0`.
fn lock_line(sandbox: &Sandbox) -> String {
    let lock = locked(sandbox);
    let plugins = lock.plugins.iter().map(|(name, locked)| format!("{name} {}", locked.version));
    plugins.collect::<Vec<_>>().join(", ")
}

/// Names of what the lock grants to a plugin, then of what it denies.
fn permissions(sandbox: &Sandbox, name: &str) -> String {
    let plugin = locked(sandbox).plugins.remove(name).unwrap();
    let names = |set: &leah_plugin::manifest::Permissions| {
        set.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(" ")
    };
    format!("+{} -{}", names(&plugin.granted), names(&plugin.denied))
}

/// A plugin that reads messages and asks the model.
fn mail(version: &str) -> PackageSpec {
    PackageSpec::new("mail", version).permission("read_messages").permission("use_model")
}

/// A registry with `alpha`, which needs `beta`, both in several versions.
fn project() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    hub.publish_all(&[("beta", "1.0.0"), ("beta", "1.1.0"), ("gamma", "1.0.0")]);
    wish(&sandbox, "alpha: ^1");
    (sandbox, hub)
}

#[track_caller]
fn check_untouched(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let (before, files) = (sandbox.tree(), tree_of(&sandbox.path("project")));
    let bytes = fs::read(sandbox.path("leah.lock")).ok();
    let output = sandbox.run(arguments);
    assert_eq!(fs::read(sandbox.path("leah.lock")).ok(), bytes, "{output}");
    assert_eq!((sandbox.tree(), tree_of(&sandbox.path("project"))), (before, files), "{output}");
    output
}

#[test]
fn writes_the_newest_versions_that_fit_beside_the_wish_list_and_touches_nothing_installed() {
    let (sandbox, _hub) = project();
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.1.0 (hub)
    2> + registry hub, root key [hub root key]
    2> Wrote `leah.lock`: 2 plugins.
    exit 0
    ");
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.1.0");
    let requested: Vec<_> = locked(&sandbox).requested.into_keys().map(|name| name.to_string()).collect();
    assert_eq!(requested, ["alpha"]);
    assert_eq!(sandbox.live_line(), "");
    assert_eq!(names_in(&sandbox.layout().store()), ["lock"]);
    assert!(!sandbox.layout().plugins().exists());
    // Like any file that is to be shared, as far as the mask of the process lets it.
    let mode = |file: &str| fs::metadata(sandbox.path(file)).unwrap().permissions().mode() & 0o644;
    assert_eq!(mode("leah.lock"), mode("plugins.yaml"));
}

#[test]
fn a_lock_made_in_another_home_has_the_same_bytes() {
    let (sandbox, hub) = project();
    sandbox.run(&["lock"]).ok();
    let first = sandbox.read("leah.lock");
    let other = Sandbox::new();
    hub.add_as_default(&other);
    other.write("plugins.yaml", sandbox.read("plugins.yaml"));
    // What is installed there has no part in it.
    other.run(&["install", "beta@1.0.0", "gamma"]).ok();
    other.run(&["hold", "beta"]).ok();
    other.run(&["lock"]).ok();
    assert_eq!(other.read("leah.lock"), first);
    fs::remove_file(sandbox.path("leah.lock")).unwrap();
    sandbox.run(&["lock"]).ok();
    assert_eq!(sandbox.read("leah.lock"), first);
}

#[test]
fn a_lock_that_is_up_to_date_is_not_touched_and_no_registry_is_opened() {
    let (sandbox, hub) = project();
    sandbox.run(&["lock"]).ok();
    let text = String::from_utf8(sandbox.read("leah.lock")).unwrap();
    // Whatever a person or an editor made of it, it says the same.
    sandbox.write("leah.lock", format!("\u{feff}# ours\n{text}").replace('\n', "\r\n"));
    fs::rename(&hub.folder, sandbox.path("away")).unwrap();
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> `leah.lock` is up to date: 2 plugins.
    exit 0
    ");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--json"]).ok().pretty(), @r#"
    {
      "changed": false,
      "changes": [],
      "command": "lock",
      "dry_run": false,
      "file": "leah.lock",
      "missing": false,
      "plugins": 2,
      "resolved_for": {
        "api": "1.0.0",
        "host": "0.1.0"
      },
      "schema": 1,
      "stale": [],
      "wishes": "plugins.yaml"
    }
    "#);
    check_untouched(&sandbox, &["lock", "--locked"]).ok();
    check_untouched(&sandbox, &["lock", "--frozen"]).ok();
    check_untouched(&sandbox, &["lock", "--locked", "--dry-run"]).ok();
    assert_eq!(sandbox.run(&["lock", "--update"]).code, 5);
}

#[test]
fn an_update_that_brings_nothing_leaves_the_bytes() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    let text = String::from_utf8(sandbox.read("leah.lock")).unwrap();
    sandbox.write("leah.lock", format!("# ours\n{text}"));
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--update"]), @"
    2> `leah.lock` is up to date: 2 plugins.
    exit 0
    ");
}

#[test]
fn locked_versions_stay_until_an_update_names_them() {
    let (sandbox, hub) = project();
    sandbox.run(&["lock"]).ok();
    hub.publish_all(&[("beta", "1.2.0"), ("gamma", "1.1.0")]);
    hub.publish(&PackageSpec::new("alpha", "1.1.0").needs("beta", "^1"));
    wish(&sandbox, "alpha: ^1\ngamma: ^1");
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> + gamma 1.1.0 (hub)
    2> Wrote `leah.lock`: 3 plugins.
    exit 0
    ");
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.1.0, gamma 1.1.0");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--update=beta", "--dry-run"]), @"
    1> ~ beta 1.1.0 -> 1.2.0
    2> `leah.lock` was not written: this was a dry run.
    exit 0
    ");
    sandbox.run(&["lock", "--update=beta"]).ok();
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.2.0, gamma 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["lock", "--update=alpah"]), @"
    2> error: `alpah` is not in `leah.lock`
    2> hint: `leahpm lock --update` takes newer versions of all
    exit 5
    ");
    sandbox.run(&["lock", "--update"]).ok();
    assert_eq!(lock_line(&sandbox), "alpha 1.1.0, beta 1.2.0, gamma 1.1.0");
}

#[test]
fn a_strict_run_says_what_is_missing_or_stale_and_writes_nothing() {
    let (sandbox, _hub) = project();
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--locked"]), @"
    2> error: there is no `leah.lock`
    2> hint: `leahpm lock` makes it
    exit 5
    ");
    sandbox.run(&["lock"]).ok();
    wish(&sandbox, "beta: ^1.1\ngamma: '*'");
    let stale = check_untouched(&sandbox, &["lock", "--frozen"]);
    insta::assert_snapshot!(stale, @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `alpha` is no longer asked for
    2>   `beta` is asked for, and the lock was made without it
    2>   `gamma` is asked for, and the lock was made without it
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--locked", "--json"]).pretty(), @r#"
    {
      "error": {
        "causes": [],
        "code": 3,
        "details": {
          "stale": [
            {
              "message": "`alpha` is no longer asked for",
              "name": "alpha",
              "reason": "gone"
            },
            {
              "message": "`beta` is asked for, and the lock was made without it",
              "name": "beta",
              "reason": "new"
            },
            {
              "message": "`gamma` is asked for, and the lock was made without it",
              "name": "gamma",
              "reason": "new"
            }
          ]
        },
        "hint": "`leahpm lock` makes it anew",
        "hints": [
          "`leahpm lock` makes it anew"
        ],
        "message": "`leah.lock` is not what `plugins.yaml` asks for:\n  `alpha` is no longer asked for\n  `beta` is asked for, and the lock was made without it\n  `gamma` is asked for, and the lock was made without it"
      },
      "schema": 1
    }
    "#);
    let by_variable = sandbox.run_env(&["lock"], &[("LEAHPM_LOCKED", "1")]);
    assert_eq!(by_variable.code, 3);
    assert_eq!(sandbox.run_env(&["lock"], &[("LEAHPM_FROZEN", "1")]), by_variable);
    insta::assert_snapshot!(sandbox.run(&["lock", "--locked", "--update"]), @"
    2> error: `--update` makes the lock anew, and `--locked` and `--frozen` leave it as it is
    exit 2
    ");
    assert_eq!(sandbox.run_env(&["lock", "--dry-run", "--update"], &[("LEAHPM_LOCKED", "0")]).code, 0);
    insta::assert_snapshot!(sandbox.run_hint(&stale), @"
    2> - alpha 1.0.0
    2> ~ beta asked for as ^1.1 from hub
    2> + gamma 1.0.0 (hub)
    2> Wrote `leah.lock`: 2 plugins.
    exit 0
    ");
    assert_eq!(lock_line(&sandbox), "beta 1.1.0, gamma 1.0.0");
    sandbox.run(&["lock", "--locked"]).ok();
}

#[test]
fn the_host_of_a_lock_stays_until_another_is_asked_for() {
    let (sandbox, hub) = project();
    hub.publish(&PackageSpec::new("alpha", "1.1.0").host(">=0.2"));
    sandbox.run(&["lock"]).ok();
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.1.0");
    sandbox.write("plugins.yaml", "format: 1\nhost: 0.2.0\nplugins:\n  alpha: ^1\n");
    insta::assert_snapshot!(sandbox.run(&["lock", "--locked"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   the plugins are to fit host 0.2.0, the lock was made for 0.1.0
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "--update"]), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> - beta 1.1.0
    2> ~ resolved for leah-host 0.1.0 -> 0.2.0
    2> Wrote `leah.lock`: 1 plugin.
    exit 0
    ");
    wish(&sandbox, "alpha: ^1");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> `leah.lock` is up to date: 1 plugin.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "--host-version", "0.1.0"]), @"
    2> ~ alpha 1.1.0 -> 1.0.0
    2> + beta 1.1.0 (hub)
    2> ~ resolved for leah-host 0.2.0 -> 0.1.0
    2> Wrote `leah.lock`: 2 plugins.
    exit 0
    ");
}

#[test]
fn grants_and_denials_of_the_wish_list_need_no_question() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    wish(&sandbox, "mail: { grant: [read_messages], deny: [use_model] }");
    sandbox.run(&["lock"]).ok();
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -use_model");
    sandbox.run(&["lock", "--locked"]).ok();
    wish(&sandbox, "mail: { grant: all, deny: [read_messages] }");
    insta::assert_snapshot!(sandbox.run(&["lock", "--locked"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `mail` is granted `read_messages`, which the wish list denies
    2>   `mail` is denied `use_model`, which the wish list grants
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> ~ mail granted: use_model; denied: read_messages
    2> Wrote `leah.lock`: 1 plugin.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+use_model -read_messages");
    // What the list denies stays denied, whatever the command line says.
    check_untouched(&sandbox, &["lock", "--grant", "all"]).ok();
    check_untouched(&sandbox, &["lock", "--update", "--grant", "mail:all"]).ok();
}

#[test]
fn a_permission_that_the_wish_list_leaves_out_is_nobodys_to_give() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    wish(&sandbox, "mail: { grant: [read_messages] }");
    insta::assert_snapshot!(sandbox.run(&["lock", "--grant", "all"]), @"
    2> error: the wish list says what `mail` may do, but nothing of:
    2>   mail: use_model (ask your chat model)
    2> hint: write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "--json"]).pretty(), @r#"
    {
      "error": {
        "causes": [],
        "code": 8,
        "details": {
          "permissions": [
            {
              "meaning": "ask your chat model",
              "permission": "use_model",
              "plugin": "mail",
              "scope": null,
              "version": "1.0.0"
            }
          ]
        },
        "hint": "write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`",
        "hints": [
          "write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`"
        ],
        "message": "the wish list says what `mail` may do, but nothing of:\n  mail: use_model (ask your chat model)"
      },
      "schema": 1
    }
    "#);
    wish(&sandbox, "mail: { grant: all }");
    sandbox.run(&["lock"]).ok();
    // Whoever takes a grant back from the list takes it back from the lock.
    wish(&sandbox, "mail: { grant: [read_messages] }");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--locked"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `mail` asks for `use_model`, of which the wish list says nothing
    2> hint: write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`
    exit 8
    ");
    assert_eq!(check_untouched(&sandbox, &["lock"]).code, 8);
}

#[test]
fn what_the_wish_list_says_nothing_of_is_asked_for_once_and_kept_in_the_lock() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    hub.publish(&PackageSpec::new("post", "1.0.0").needs("mail", "^1").permission("read_files: [~/notes]"));
    wish(&sandbox, "post: '*'");
    let refused = sandbox.run(&["lock"]);
    insta::assert_snapshot!(refused, @"
    2> error: `mail` and `post` are not granted what they ask for:
    2>   mail: read_messages (read your messages and the model's answers)
    2>   mail: use_model (ask your chat model)
    2>   post: read_files (read files in ~/notes)
    2> hint: to agree, run `leahpm lock --grant mail:read_messages,mail:use_model,post:read_files`; `--deny` refuses one
    2> hint: or write it under `grant` or `deny` of the plugin in the wish list
    exit 8
    ");
    assert!(!sandbox.path("leah.lock").exists());
    sandbox.run_hint(&refused).ok();
    check_untouched(&sandbox, &["lock"]).ok();
    check_untouched(&sandbox, &["lock", "--locked"]).ok();
    insta::assert_snapshot!(sandbox.run(&["lock", "--deny", "mail:use_model"]), @"
    2> ~ mail granted: read_messages; denied: use_model
    2> Wrote `leah.lock`: 2 plugins.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -use_model");
    check_untouched(&sandbox, &["lock", "--update"]).ok();
    // An update that wants more asks again.
    hub.publish(&mail("1.1.0").permission("write_files"));
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--update"]), @"
    2> error: `mail` asks for more than it was granted:
    2>   mail 1.0.0 -> 1.1.0: write_files (keep files in a folder of its own)
    2> hint: to agree, run `leahpm lock --update --grant mail:write_files`; `--deny` refuses one
    exit 8
    ");
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    wish(&sandbox, "mail: '*'");
    // Up from `cancel` to `to none of it`.
    let Some(output) = sandbox.at_a_terminal("leahpm lock", "\u{1b}[A\r") else { return };
    assert!(output.stdout.contains("mail wants to:"), "{output}");
    assert_eq!(permissions(&sandbox, "mail"), "+ -read_messages use_model");
}

#[test]
fn plugins_come_from_the_registry_that_is_named_and_what_they_need_from_there_too() {
    let (sandbox, hub) = project();
    let work = TestRegistry::new(&sandbox, "work");
    work.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    work.publish_all(&[("beta", "1.0.5")]);
    wish(&sandbox, "alpha: { registry: work }");
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> error: there is no registry `work`, only `bundled`, `hub`
    2> hint: `leahpm registry add NAME URL` adds one
    exit 5
    ");
    work.add(&sandbox);
    sandbox.run(&["lock"]).ok();
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.0.5");
    let origins: Vec<String> =
        locked(&sandbox).registries.into_keys().map(|origin| origin.to_string()).collect();
    assert_eq!(origins, ["work"]);
    // A wish that names no registry means the one that the lock has it from, whatever the default is.
    wish(&sandbox, "alpha: '*'");
    check_untouched(&sandbox, &["lock"]).ok();
    // Naming another one is agreeing to it, for what is named; what comes along is asked for.
    wish(&sandbox, "alpha: { registry: hub }");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> error: `beta` would come from another registry, where somebody else may have the name:
    2>   beta 1.0.5 (work) -> 1.1.0 (hub), needed by `alpha`
    2> hint: to agree, run `leahpm lock --yes`
    exit 8
    ");
    sandbox.run(&["lock", "--yes"]).ok();
    assert_eq!(lock_line(&sandbox), "alpha 1.0.0, beta 1.1.0");
    drop(hub);
}

#[test]
fn a_lock_from_elsewhere_is_not_made_anew_from_a_registry_of_the_same_name() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    let other = Sandbox::new();
    TestRegistry::at(&other, "hub", "mallory").publish_all(&[("gamma", "2.0.0")]).add_as_default(&other);
    other.write("leah.lock", sandbox.read("leah.lock"));
    wish(&other, "alpha: ^1\ngamma: '*'");
    sandbox.redact(other.path("").display(), "");
    let refused = check_untouched(&other, &["lock"]);
    insta::assert_snapshot!(sandbox.redacted(&refused.to_string()), @"
    2> error: the lock says that the root key of registry `hub` is `[hub root key]`, but it is `[mallory root key]` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
}

#[test]
fn two_plugins_with_one_tool_are_no_set() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0").tool("clock"));
    hub.publish(&PackageSpec::new("beta", "1.0.0").tool("clock"));
    wish(&sandbox, "alpha: '*'\nbeta: '*'");
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> error: `alpha` and `beta` both offer the tool `clock`
    2> hint: take `alpha` or `beta` out of the wish list, or what needs it
    exit 5
    ");
    assert!(!sandbox.path("leah.lock").exists());
}

#[test]
fn makes_no_home_and_takes_bundled_plugins_without_one() {
    let sandbox = Sandbox::new();
    wish(&sandbox, "hello-world: { grant: all }");
    sandbox.run(&["lock"]).ok();
    assert!(!sandbox.home().exists());
    assert!(lock_line(&sandbox).starts_with("hello-world "));
}

#[test]
fn remembers_what_it_saw_of_a_registry() {
    let (sandbox, hub) = project();
    let older = tree_of(&hub.folder);
    let copy = sandbox.path("copy");
    assert!(
        std::process::Command::new("cp").arg("-a").arg(&hub.folder).arg(&copy).status().unwrap().success()
    );
    hub.publish_all(&[("gamma", "1.1.0")]);
    sandbox.run(&["lock"]).ok();
    fs::remove_dir_all(&hub.folder).unwrap();
    fs::rename(&copy, &hub.folder).unwrap();
    assert_eq!(tree_of(&hub.folder), older);
    assert_eq!(sandbox.run(&["lock", "--update"]).code, 7);
}

#[test]
fn the_lock_lies_where_the_wish_list_is_named_also_when_that_is_a_link() {
    let (sandbox, _hub) = project();
    sandbox.write("shared/wishes.yaml", sandbox.read("plugins.yaml"));
    sandbox.write("project/readme", "");
    std::os::unix::fs::symlink("../shared/wishes.yaml", sandbox.path("project/plugins.yaml")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["lock", "project/plugins.yaml", "--locked"]), @"
    2> error: there is no `project/leah.lock`
    2> hint: `leahpm lock project/plugins.yaml` makes it
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "project/plugins.yaml"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.1.0 (hub)
    2> + registry hub, root key [hub root key]
    2> Wrote `project/leah.lock`: 2 plugins.
    exit 0
    ");
    assert!(sandbox.path("project/leah.lock").exists() && !sandbox.path("shared/leah.lock").exists());
    // A link in the place of the lock is replaced; what it leads to belongs to somebody else.
    sandbox.write("precious", "");
    fs::remove_file(sandbox.path("project/leah.lock")).unwrap();
    std::os::unix::fs::symlink("../nothing", sandbox.path("project/leah.lock")).unwrap();
    sandbox.run(&["lock", "project/plugins.yaml"]).ok();
    assert!(!sandbox.path("nothing").exists());
    assert!(fs::symlink_metadata(sandbox.path("project/leah.lock")).unwrap().is_file());
}

#[test]
fn says_which_file_cannot_be_used_and_why() {
    let (sandbox, _hub) = project();
    fs::remove_file(sandbox.path("plugins.yaml")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> error: there is no `plugins.yaml`
    2> hint: write into it what you want, as in `format: 1` and, on the next line, `plugins: { translator: ^1.0 }`
    exit 5
    ");
    let told = ["", "format: 1\nplugins:\n  alpha: 1.10\n", "format: 2\nplugins: {}\n"].map(|text| {
        sandbox.write("plugins.yaml", text);
        sandbox.run(&["lock"]).to_string()
    });
    insta::assert_snapshot!(told.join("\n"), @"
    2> error: cannot read `plugins.yaml`
    2> caused by: line 1, column 1: unexpected end of input
    exit 13
    2> error: cannot read `plugins.yaml`
    2> caused by: line 3, column 10: the range is a number here; put it into quotes
    exit 13
    2> error: cannot read `plugins.yaml`
    2> caused by: the wish list is of format 2, which needs a newer leahpm
    2> hint: update leahpm, then run the command again
    exit 13
    ");
    sandbox.write("plugins.yaml", "a".repeat((4 << 20) + 1));
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> error: cannot read `[DIR]/plugins.yaml`
    2> caused by: it is larger than 4194304 bytes
    exit 13
    ");
    fs::remove_file(sandbox.path("plugins.yaml")).unwrap();
    fs::create_dir(sandbox.path("plugins.yaml")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["lock"]), @"
    2> error: cannot read `plugins.yaml`
    2> caused by: it is not a regular file
    2> hint: name a file; what comes through a pipe can be saved in one first
    exit 13
    ");
}

#[test]
fn says_what_it_should_have_been_asked_where_the_file_is_none_that_it_reads() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    insta::assert_snapshot!(sandbox.run(&["lock", "leah.lock"]), @"
    2> error: `leah.lock` is a lock, and no wish list
    2> hint: `leahpm sync leah.lock` installs what it says
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["sync", "plugins.yaml"]), @"
    2> error: `plugins.yaml` is a wish list, and no lock
    2> hint: `leahpm lock` makes a lock from it
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah", "plugins.yaml"]), @"
    2> error: `plugins.yaml` is a wish list, and no lock
    2> hint: `leahpm lock` makes a lock from it
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["diff", "plugins.yaml", "leah.lock"]), @"
    2> error: `plugins.yaml` is a wish list, and no lock
    2> hint: `leahpm lock` makes a lock from it
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["sync", "hub"]), @"
    2> error: cannot read `hub`
    2> caused by: it is not a regular file
    2> hint: name a file; what comes through a pipe can be saved in one first
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["sync", "team.lock"]), @"
    2> error: there is no `team.lock`
    2> hint: run it in the folder of a project, or name a lock; `leahpm lock` makes one from `plugins.yaml`
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "--update", "beta"]), @"
    2> error: there is no `beta`
    2> hint: `leahpm lock --update=beta` takes a newer version of the plugin `beta`
    exit 5
    ");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (sandbox, _hub) = project();
    sandbox.write("project/plugins.yaml", sandbox.read("plugins.yaml"));
    fs::set_permissions(sandbox.path("project"), fs::Permissions::from_mode(0o555)).unwrap();
    insta::assert_snapshot!(random_names(&sandbox.run_as_user(&["lock", "project/plugins.yaml"])), @"
    2> error: cannot write `project/leah.lock`
    2> caused by: cannot create `project/.new-[RANDOM]`
    2> caused by: Permission denied (os error 13)
    2> hint: check who may write to the folder of the wish list
    exit 1
    ");
}

#[test]
fn a_full_disk_keeps_the_lock_and_is_told_of() {
    if is_missing("strace") {
        return;
    }
    let (sandbox, _hub) = project();
    let wishes = |text: &str| sandbox.write("project/plugins.yaml", text);
    wishes("format: 1\nplugins: { alpha: ^1 }\n");
    sandbox.run(&["lock", "project/plugins.yaml"]).ok();
    let before = sandbox.read("project/leah.lock");
    wishes("format: 1\nplugins: { gamma: ^1 }\n");
    let strace =
        ["strace", "-f", "-qq", "-o", "trace", "--trace=fsync", "--inject=fsync:error=ENOSPC:when=1"];
    let full = sandbox.run_under(&strace, &["lock", "project/plugins.yaml", "--quiet"]);
    insta::assert_snapshot!(random_names(&full), @"
    2> error: cannot write `project/leah.lock`
    2> caused by: cannot sync `project/.new-[RANDOM]`
    2> caused by: No space left on device (os error 28)
    2> hint: free some space on this disk, then run the command again
    exit 1
    ");
    assert_eq!(sandbox.read("project/leah.lock"), before);
    assert_eq!(names_in(&sandbox.path("project")), ["leah.lock", "plugins.yaml"]);
}

/// Temporary names have sixteen digits that nobody can foresee.
fn random_names(output: &Output) -> String {
    let text = output.to_string();
    match text.split_once("/.new-") {
        Some((front, rest)) => format!("{front}/.new-[RANDOM]{}", &rest[16..]),
        None => text,
    }
}

#[test]
fn a_merge_that_met_a_conflict_is_told_of_and_what_to_do() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    let text = String::from_utf8(sandbox.read("leah.lock")).unwrap();
    let conflict = "<<<<<<< HEAD\n  beta:\n=======\n  gamma:\n>>>>>>> theirs\n";
    sandbox.write("leah.lock", text.replacen("  beta:\n", conflict, 1));
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> error: cannot read `leah.lock`
    2> caused by: line 20, column 1: a merge left a conflict marker here
    2> hint: `git checkout --ours leah.lock` takes one side of it, and `leahpm lock` then makes it fit the wish list
    exit 13
    ");
    sandbox.write(
        "plugins.yaml",
        "format: 1\nplugins:\n<<<<<<< HEAD\n  alpha: ^1\n=======\n  alpha: ^2\n>>>>>>> theirs\n",
    );
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> error: cannot read `plugins.yaml`
    2> caused by: line 3, column 1: a merge left a conflict marker here
    exit 13
    ");
}

#[test]
fn a_lock_of_a_newer_revision_is_taken_as_it_is_and_never_written() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    let text = String::from_utf8(sandbox.read("leah.lock")).unwrap();
    sandbox.write("leah.lock", text.replacen("format: 1\n", "format: 1\nrevision: 3\nmood: good\n", 1));
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--locked"]), @"
    2> warning: `leah.lock` is of revision 3, and this leahpm knows revision 0: what it does not know is left out
    2> `leah.lock` is up to date: 2 plugins.
    exit 0
    ");
    wish(&sandbox, "alpha: ^1\ngamma: ^1");
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock"]), @"
    2> warning: `leah.lock` is of revision 3, and this leahpm knows revision 0: what it does not know is left out
    2> error: cannot write `leah.lock`
    2> caused by: the lock is of revision 3, and this leahpm writes none above 0
    2> hint: update leahpm, then run the command again
    exit 10
    ");
    assert_eq!(check_untouched(&sandbox, &["lock", "--dry-run"]).code, 10);
    // It can be installed; what lies in the home then is a lock of this release.
    wish(&sandbox, "alpha: ^1");
    insta::assert_snapshot!(sandbox.run(&["sync", "--locked"]), @"
    2> warning: `leah.lock` is of revision 3, and this leahpm knows revision 0: what it does not know is left out
    2> + alpha 1.0.0 (hub)
    2> + beta 1.1.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(sandbox.run(&["export"]).ok().stdout, sandbox.redacted(&text));
    // Without a newer revision an unknown key is a mistake.
    sandbox.write("leah.lock", text.replacen("format: 1\n", "format: 1\nmood: good\n", 1));
    insta::assert_snapshot!(check_untouched(&sandbox, &["lock", "--locked"]), @"
    2> error: cannot read `leah.lock`
    2> caused by: line 2, column 1: `mood` is not a key that is known here; known are `format`, `revision`, `requested`, `plugins`, `registries`, `resolved_for`
    exit 13
    ");
}

#[test]
fn a_lock_of_an_older_format_is_read_and_left_until_something_changes() {
    let (sandbox, _hub) = project();
    sandbox.run(&["lock"]).ok();
    let text = String::from_utf8(sandbox.read("leah.lock")).unwrap();
    // What is held makes a lock one of format 2; the format before knew nothing of it.
    sandbox.write("leah.lock", text.replacen("format: 1\n", "format: 2\n", 1));
    check_untouched(&sandbox, &["lock"]).ok();
    wish(&sandbox, "alpha: ^1\ngamma: ^1");
    sandbox.run(&["lock"]).ok();
    assert!(sandbox.read("leah.lock").starts_with(b"format: 1\n"));
}

#[test]
fn asks_no_server_and_opens_no_folder_of_a_registry_when_all_is_as_it_should_be() {
    let (sandbox, hub) = project();
    sandbox.run(&["lock"]).ok();
    if is_missing("strace") {
        return;
    }
    let trace = sandbox.path("trace");
    let strace =
        ["strace", "-f", "-qq", "-e", "trace=open,openat,socket,connect", "-o", trace.to_str().unwrap()];
    sandbox.run_under(&strace, &["lock", "--locked"]).ok();
    let calls = fs::read_to_string(&trace).unwrap();
    let opened =
        calls.lines().filter(|line| line.contains(hub.folder.to_str().unwrap()) || line.contains("socket("));
    assert_eq!(opened.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn says_where_the_registry_of_a_lock_is_that_was_not_added_here() {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    wish(&sandbox, "beta: { registry: hub }");
    sandbox.run(&["lock"]).ok();
    let other = Sandbox::new();
    other.redact(server.url(), "[URL]");
    other.write("leah.lock", sandbox.read("leah.lock"));
    wish(&other, "beta: { registry: hub }");
    check_untouched(&other, &["lock"]).ok();
    insta::assert_snapshot!(other.run(&["lock", "--update"]), @"
    2> error: there is no registry `hub`, only `bundled`
    2> hint: `leahpm registry add hub [URL]` adds the one that the lock was made from
    exit 5
    ");
    assert!(!other.home().exists());
}
