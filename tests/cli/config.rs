//! `leahpm config` and `install --set`: settings are shown, changed, rolled back and dropped; secrets stay where they are.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, process::Stdio};

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::{Output, Sandbox, is_missing, names_in, start},
};

const SECRET: &str = "sk-hunter2";

const SETTINGS: &str = r#"config:
  api_key: { type: string, secret: true, pattern: "sk-.*", description: Key of the service }
  enabled: { type: boolean, default: true }
  limits: { type: list, items: integer, min: 1 }
  server: { type: string, description: Where to ask }
  target: { type: string, enum: [en, tr], default: en, description: Language to translate into }
"#;

fn spec(version: &str, settings: &str) -> PackageSpec {
    PackageSpec::new("speak", version).permission("network_access: [\"setting:server\"]").manifest(settings)
}

fn installed() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&spec("1.0.0", SETTINGS));
    sandbox.run(&["install", "speak", "--grant", "all"]).ok();
    (sandbox, hub)
}

fn with_input(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Output {
    let mut child = start(sandbox.command(arguments).stdin(Stdio::piped()));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    sandbox.wait(child)
}

/// The settings files, with their text.
fn files(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.layout().settings();
    names_in(&folder).iter().map(|name| fs::read_to_string(folder.join(name)).unwrap()).collect()
}

/// The text of every file in the home that is not a settings file.
#[track_caller]
fn assert_secret_is_in_settings_alone(sandbox: &Sandbox) {
    let mut open = vec![sandbox.path("")];
    while let Some(folder) = open.pop() {
        for name in names_in(&folder) {
            let path = folder.join(name);
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_file()
                && fs::read(&path).unwrap().windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
            {
                assert!(path.starts_with(sandbox.layout().settings()), "{}", path.display());
                assert_eq!(meta.permissions().mode() & 0o777, 0o600);
            }
        }
    }
}

#[test]
fn shows_every_setting_and_how_it_stands() {
    let (sandbox, _hub) = installed();
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak"]), @"
    1> KEY      VALUE             TYPE             DESCRIPTION
    1> api_key  not set           string, secret   Key of the service
    1> limits   not set           list of integer
    1> server   not set           string           Where to ask
    1> target   en       default  string           Language to translate into
    exit 0
    ");
    with_input(&sandbox, &["config", "set", "speak", "api_key"], SECRET).ok();
    sandbox.run(&["config", "set", "speak", "limits=1,2", "target=tr"]).ok();
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak"]), @"
    1> KEY      VALUE       TYPE             DESCRIPTION
    1> api_key  set         string, secret   Key of the service
    1> limits   [1,2]       list of integer
    1> server   not set     string           Where to ask
    1> target   tr          string           Language to translate into
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak", "--json"]).json(), @r#"{"command":"config list","name":"speak","schema":1,"settings":[{"description":"Key of the service","key":"api_key","pattern":"sk-.*","required":false,"secret":true,"state":"set","type":"string","value":null},{"items":"integer","key":"limits","min":1.0,"required":false,"secret":false,"state":"set","type":"list","value":[1,2]},{"description":"Where to ask","key":"server","required":false,"secret":false,"state":"unset","type":"string","value":null},{"default":"en","description":"Language to translate into","enum":["en","tr"],"key":"target","required":false,"secret":false,"state":"set","type":"string","value":"tr"}],"unused":[],"version":"1.0.0"}"#);
}

#[test]
fn prints_one_value_for_a_script() {
    let (sandbox, _hub) = installed();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "en\n");
    with_input(&sandbox, &["config", "set", "speak", "server"], "two\nlines \n").ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "server"]).ok().stdout, "two\nlines \n");
    sandbox.run(&["config", "set", "speak", "limits", "1, 2"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "limits"]).ok().stdout, "[1,2]\n");
    insta::assert_snapshot!(sandbox.run(&["config", "get", "speak", "limits", "--json"]).json(), @r#"{"command":"config get","key":"limits","name":"speak","schema":1,"value":[1,2]}"#);
    insta::assert_snapshot!(sandbox.run(&["config", "get", "speak", "api_key"]), @"
    2> error: `api_key` of `speak` is a secret, which is never shown
    2> hint: `leahpm config list speak` tells whether it is set
    exit 9
    ");
    sandbox.run(&["config", "unset", "speak", "server"]).ok();
    insta::assert_snapshot!(sandbox.run(&["config", "get", "speak", "server"]), @"
    2> error: `server` of `speak` is not set, and has no default
    2> hint: `leahpm config set speak server` asks for it
    exit 5
    ");
}

#[test]
fn a_change_is_a_generation_and_is_rolled_back_like_any_other() {
    let (sandbox, _hub) = installed();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "tr"]), @"
    2> ~ speak target: tr
    2> Generation 2 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "tr"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target=en", "limits=[3]", "--json"]).json(), @r#"{"changed":true,"changes":[{"change":"setting","key":"limits","name":"speak","state":"set","value":[3]},{"change":"setting","key":"target","name":"speak","state":"set","value":"en"}],"command":"config set","dry_run":false,"failed":[],"generation":3,"host":"not_asked","needs_settings":{},"parent":2,"schema":1}"#);
    insta::assert_snapshot!(sandbox.run(&["config", "unset", "speak", "target", "limits"]), @"
    2> ~ speak limits: not set
    2> ~ speak target: en, its default
    2> Generation 4 is live.
    exit 0
    ");
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "en\n");
    insta::assert_snapshot!(sandbox.run(&["rollback", "2"]), @"
    2> ~ speak target: tr
    2> Rolled back from generation 4 to 2.
    exit 0
    ");
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "tr\n");
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 4       3       [TIME]        config speak
    1> 3       2       [TIME]        config speak
    1> 2       1       [TIME]  live  config speak
    1> 1       -       [TIME]        install speak
    exit 0
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn a_dry_run_changes_nothing() {
    let (sandbox, _hub) = installed();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "tr", "--dry-run"]), @"
    1> ~ speak target: tr
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "fr", "--dry-run"]), @r#"
    2> error: this value is none for `target` of `speak`
    2> caused by: `"fr"` is none of `"en"`, `"tr"`
    2> hint: `leahpm config list speak` shows what each setting is for
    exit 13
    "#);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn the_settings_of_a_plugin_that_is_switched_off_can_be_changed() {
    let (sandbox, _hub) = installed();
    sandbox.run(&["disable", "speak"]).ok();
    sandbox.run(&["config", "set", "speak", "target", "tr"]).ok();
    sandbox.run(&["enable", "speak"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "tr\n");
}

#[test]
fn refuses_what_the_manifest_does_not_allow() {
    let (sandbox, _hub) = installed();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "fr"]), @r#"
    2> error: this value is none for `target` of `speak`
    2> caused by: `"fr"` is none of `"en"`, `"tr"`
    2> hint: `leahpm config list speak` shows what each setting is for
    exit 13
    "#);
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "limits", "0"]), @"
    2> error: this value is none for `limits` of `speak`
    2> caused by: `0` is out of range: at least 1
    2> hint: `leahpm config list speak` shows what each setting is for
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "targt", "tr"]), @"
    2> error: `speak` has no setting `targt`
    2> hint: did you mean `target`?
    2> hint: `leahpm config list speak` shows its settings
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "unset", "speak", "x"]), @"
    2> error: `speak` has no setting `x`
    2> hint: `leahpm config list speak` shows its settings
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "get", "speak", "tar\u{1b}"]), @r#"
    2> error: `speak` has no setting `tar\u{1b}`
    2> hint: `leahpm config list speak` shows its settings
    exit 5
    "#);
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "enabled", "false"]), @"
    2> error: `enabled` is not a setting of `speak` but its switch
    2> hint: `leahpm enable speak` switches it on, `leahpm disable speak` off
    exit 9
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "other", "target", "tr"]), @"
    2> error: `other` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "list", "other"]), @"
    2> error: `other` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target", "tr", "tr"]), @"
    2> error: give either one key and its value, or any number of KEY=VALUE
    2> hint: a value with spaces stands in quotes
    2> hint: `leahpm config list speak` shows the keys
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "target=tr", "limits"]), @"
    2> error: give either one key and its value, or any number of KEY=VALUE
    2> hint: a value with spaces stands in quotes
    2> hint: `leahpm config list speak` shows the keys
    exit 2
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_secret_comes_from_standard_input_and_is_never_seen_again() {
    let (sandbox, _hub) = installed();
    let mut said =
        vec![with_input(&sandbox, &["config", "set", "speak", "api_key"], &format!("{SECRET}\n")).ok()];
    insta::assert_snapshot!(said[0], @"
    2> ~ speak api_key: set, a secret
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(files(&sandbox), [format!("format: 1\nvalues:\n  api_key: {SECRET}\n")]);
    let other = format!("{SECRET}-2");
    said.push(with_input(&sandbox, &["config", "set", "speak", "api_key=-", "target=tr", "-v"], &other).ok());
    let json = ["config", "unset", "speak", "api_key", "--json", "--dry-run"];
    for arguments in [
        &["config", "list", "speak"][..],
        &["config", "list", "speak", "--json"],
        &["config", "get", "speak", "api_key"],
        &["config", "get", "speak", "api_key", "--json"],
        &json,
        &["history", "--json"],
        &["rollback", "--json", "-v"],
        &["list", "--json"],
        &["info", "speak", "--json"],
        &["verify", "--json"],
        &["gc", "--json", "-v"],
    ] {
        said.push(sandbox.run(arguments));
    }
    for output in said {
        assert!(!output.to_string().contains("hunter2"), "{output}");
    }
    assert_secret_is_in_settings_alone(&sandbox);
}

#[test]
fn takes_no_secret_from_a_command_line() {
    let (sandbox, hub) = installed();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "api_key", SECRET]), @"
    2> error: `api_key` of `speak` is a secret, and what stands on a command line can be read by others
    2> hint: `leahpm config set speak api_key` asks for it
    2> hint: `leahpm config set speak api_key < FILE` reads it from a file
    exit 9
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "api_key="]), @"
    2> error: `api_key` of `speak` is a secret, and what stands on a command line can be read by others
    2> hint: `leahpm config set speak api_key` asks for it
    2> hint: `leahpm config set speak api_key < FILE` reads it from a file
    exit 9
    ");
    let wrong = "no-hunter2";
    insta::assert_snapshot!(with_input(&sandbox, &["config", "set", "speak", "api_key"], wrong), @"
    2> error: this value is none for `api_key` of `speak`
    2> caused by: the value (a secret, not shown) does not match the pattern `sk-.*`
    2> hint: `leahpm config list speak` shows what each setting is for
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "api_key"]), @"
    2> error: there is no value for `api_key` of speak: nothing came from standard input
    2> hint: take it from a file with `<`, or run the command on a terminal, which asks for it
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "api_key=-", "server=-"]), @"
    2> error: more than one value is to come from standard input
    2> hint: `leahpm config set PLUGIN KEY < FILE` sets one at a time
    exit 2
    ");
    let json = sandbox.run(&["config", "set", "speak", "api_key", SECRET, "--json"]);
    assert!(json.code == 9 && !json.to_string().contains("hunter2"), "{json}");
    assert_eq!(sandbox.tree(), before);
    hub.publish(&PackageSpec::new("other", "1.0.0").permission("use_model").manifest(SETTINGS));
    let set = format!("api_key={SECRET}");
    insta::assert_snapshot!(sandbox.run(&["install", "other", "--set", &set]), @"
    2> error: `other` is not granted what it asks for:
    2>   other: use_model (ask your chat model)
    2> hint: to agree, run `leahpm install other --set 'api_key=-' --grant other:use_model`; `--deny` refuses one
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "other", &format!("--set={set}"), "--grant", "all"]), @"
    2> error: `api_key` of `other` is a secret, and what stands on a command line can be read by others
    2> hint: `--set api_key=-` asks for it
    exit 9
    ");
    sandbox.run(&["install", "other", "--set", &set, "--grant", "all", "--dry-run"]).ok();
    assert_secret_is_in_settings_alone(&sandbox);
    sandbox.assert_no_leftovers();
}

#[test]
fn install_takes_settings_with_it() {
    let (sandbox, hub) = hub();
    hub.publish(&spec("1.0.0", SETTINGS)).publish(&PackageSpec::new("alpha", "1.0.0").needs("speak", "^1"));
    let install = ["install", "speak", "--grant", "all", "--set", "target=tr", "--set", "speak.api_key=-"];
    insta::assert_snapshot!(with_input(&sandbox, &[&install[..], &["--dry-run"]].concat(), SECRET), @"
    1> + speak 1.0.0 (hub)
    1> ~ speak target: checked when the package is here
    1> ~ speak api_key: checked when the package is here
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    insta::assert_snapshot!(with_input(&sandbox, &install, SECRET), @"
    2> + speak 1.0.0 (hub)
    2> ~ speak api_key: set, a secret
    2> ~ speak target: tr
    2> Generation 1 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "speak", "--set", "target=tr"]), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "speak", "--set", "target=en"]), @"
    2> ~ speak target: en
    2> Generation 2 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "speak", "--set", "target=en"]), @"
    2> error: the setting `target` could be one of each of `alpha` and `speak`
    2> hint: write `--set PLUGIN.KEY=VALUE`
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--set", "speak.target=tr"]), @"
    2> + alpha 1.0.0 (hub)
    2> ~ speak target: tr
    2> Generation 3 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--set", "other.target=tr"]), @"
    2> error: `other` is not in the set that is to be installed, and cannot have settings
    2> hint: `leahpm install other` installs it
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--set", "hunter2"]), @"
    2> error: `--set` takes KEY=VALUE, or PLUGIN.KEY=VALUE
    2> hint: `--set KEY=-` asks for the value
    exit 2
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn an_install_with_a_wrong_setting_changes_nothing() {
    let (sandbox, hub) = hub();
    hub.publish(&spec("1.0.0", SETTINGS));
    insta::assert_snapshot!(sandbox.run(&["install", "speak", "--grant", "all", "--set", "target=fr"]), @r#"
    2> error: this value is none for `target` of `speak`
    2> caused by: `"fr"` is none of `"en"`, `"tr"`
    2> hint: without `--set` it can be installed, and `leahpm config list` shows its settings
    exit 13
    "#);
    insta::assert_snapshot!(sandbox.run(&["install", "speak", "--grant", "all", "--set", "color=red"]), @"
    2> error: `speak` has no setting `color`
    2> hint: without `--set` it can be installed, and `leahpm config list` shows its settings
    exit 5
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.assert_no_leftovers();
}

#[test]
fn an_uninstall_drops_settings_and_a_rollback_brings_them_back() {
    let (sandbox, _hub) = installed();
    sandbox.run(&["config", "set", "speak", "target", "tr"]).ok();
    sandbox.run(&["uninstall", "speak"]).ok();
    sandbox.run(&["install", "speak", "--grant", "all"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "en\n");
    sandbox.run(&["rollback", "2"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "tr\n");
    assert_eq!(files(&sandbox).len(), 1);
    sandbox.run(&["uninstall", "speak"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    assert_eq!(files(&sandbox).len(), 0);
}

#[test]
fn an_update_keeps_what_it_does_not_use() {
    let (sandbox, hub) = installed();
    with_input(&sandbox, &["config", "set", "speak", "api_key"], SECRET).ok();
    sandbox.run(&["config", "set", "speak", "target=tr", "limits=1", "server=https://speak.example"]).ok();
    let newer = r#"config:
  limits: { type: list, items: integer, min: 2 }
  server: { type: string }
  target: { type: string, enum: [en, de], default: en }
  voice: { type: string, required: true }
"#;
    hub.publish(&spec("1.1.0", newer));
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ speak 1.0.0 -> 1.1.0
    2> Generation 4 is live.
    2> `speak` does not start before `voice` is set: `leahpm config set speak voice VALUE`
    2> `speak` does not use what was set for `api_key` and `limits` and `target`; `leahpm config list speak` tells why
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak"]), @r#"
    1> KEY     VALUE                            TYPE             DESCRIPTION
    1> limits  not set                          list of integer
    1> server  https://speak.example            string
    1> target  en                     default   string
    1> voice   not set                required  string
    2> what was set for `api_key` is not used: version 1.1.0 has no such setting
    2> what was set for `limits` is not used: `1` is out of range: at least 2
    2> what was set for `target` is not used: `"tr"` is none of `"en"`, `"de"`
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["config", "get", "speak", "target"]), @r#"
    1> en
    2> warning: the value that was set is not used: `"tr"` is none of `"en"`, `"de"`
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak", "--json"]).json()["unused"], @r#"[{"key":"api_key","reason":"version 1.1.0 has no such setting"},{"key":"limits","reason":"`1` is out of range: at least 2"},{"key":"target","reason":"`\"tr\"` is none of `\"en\"`, `\"de\"`"}]"#);
    sandbox.run(&["config", "unset", "speak", "api_key"]).ok();
    sandbox.run(&["config", "set", "speak", "voice", "low"]).ok();
    sandbox.run(&["rollback", "3"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "tr\n");
    assert!(sandbox.run(&["config", "list", "speak"]).ok().stdout.contains("api_key  set"));
}

#[test]
fn another_publisher_is_not_given_the_settings() {
    let (sandbox, _hub) = installed();
    with_input(&sandbox, &["config", "set", "speak", "api_key"], SECRET).ok();
    let other = TestRegistry::new(&sandbox, "other");
    other.publish(&spec("2.0.0", SETTINGS)).add(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "other/speak", "--grant", "all", "--yes"]), @"
    2> ~ speak 1.0.0 (hub) -> 2.0.0 (other)
    2> ~ speak starts without its settings, which another publisher is not given
    2> Generation 3 is live.
    exit 0
    ");
    assert!(sandbox.run(&["config", "list", "speak"]).ok().stdout.contains("api_key  not set"));
    sandbox.run(&["rollback"]).ok();
    assert!(sandbox.run(&["config", "list", "speak"]).ok().stdout.contains("api_key  set"));
}

#[test]
fn says_what_a_plugin_reaches_by_a_setting() {
    let (sandbox, _hub) = installed();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "server", "https://speak.example:8443/v1"]), @"
    2> ~ speak server: https://speak.example:8443/v1
    2> Generation 2 is live.
    2> `speak` may now send requests to speak.example:8443, as its setting `server` says.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "server", "two words"]), @"
    2> ~ speak server: two words
    2> Generation 3 is live.
    2> `speak` reaches nothing by its setting `server`: `two words` is not a host: write the name alone, in lower case, as in `example.com` or `example.com:8443`
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "unset", "speak", "server"]), @"
    2> ~ speak server: not set
    2> Generation 4 is live.
    2> `speak` reaches nothing by its setting `server` any more.
    exit 0
    ");
    sandbox.run(&["permissions", "revoke", "speak", "network_access"]).ok();
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "server", "speak.example"]), @"
    2> ~ speak server: speak.example
    2> Generation 6 is live.
    exit 0
    ");
}

/// Types what stands in the file `typed` once the terminal does not show it any more: what is typed ahead of that is
/// thrown away.
const TYPIST: &str = r#"
import os, pty, select, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("leahpm", ["leahpm", "config", "set", "speak", "api_key"])
seen = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
    if b"not shown" in seen and os.path.exists("typed"):
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            select.select([], [], [], 0.001)
        os.write(terminal, open("typed", "rb").read())
        os.remove("typed")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_secret_is_typed_without_being_shown() {
    let (sandbox, _hub) = installed();
    if is_missing("python3") {
        return;
    }
    sandbox.write("typist.py", TYPIST);
    sandbox.write("typed", format!("{SECRET}\n"));
    let seen = sandbox.run_line("python3 typist.py").ok();
    assert!(seen.stdout.contains("Value for `api_key` of speak, not shown"), "{seen}");
    assert!(!seen.stdout.contains("hunter2"), "{seen}");
    assert_eq!(files(&sandbox), [format!("format: 1\nvalues:\n  api_key: {SECRET}\n")]);
}

#[test]
fn a_plugin_without_settings_has_none_to_change() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["config", "list", "alpha"]), @"
    2> `alpha` has no settings.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "alpha", "a", "1"]), @"
    2> error: `alpha` has no setting `a`
    2> hint: `leahpm config list alpha` shows its settings
    exit 5
    ");
}

#[test]
fn settings_that_are_gone_or_damaged_are_told_of_and_left_out() {
    let (sandbox, _hub) = installed();
    sandbox.run(&["config", "set", "speak", "target", "tr"]).ok();
    let name = names_in(&sandbox.layout().settings()).remove(0);
    let path = sandbox.layout().settings().join(&name);
    sandbox.redact(name, "[FILE]");
    fs::write(&path, "format: 1\nvalues: hunter2\n").unwrap();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> error: installed files are not as they were signed:
    2>   the settings `[HOME]/settings/[FILE]` are damaged
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "set", "speak", "limits", "1"]), @"
    2> error: cannot read `[HOME]/settings/[FILE]`
    2> caused by: line 2, column 9: expected mapping start
    2> hint: `leahpm verify --repair` gives the plugin its defaults again
    exit 3
    ");
    fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> error: installed files are not as they were signed:
    2>   the settings `[HOME]/settings/[FILE]` are missing
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "list", "speak"]), @"
    2> error: the settings of `speak` are gone: `[HOME]/settings/[FILE]`
    2> hint: `leahpm verify --repair` gives the plugin its defaults again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair"]), @"
    2> The settings of `speak` are gone, and its defaults count; `leahpm config list speak` shows them.
    2> 1 package checked; all files are as they were signed.
    exit 0
    ");
    sandbox.run(&["config", "set", "speak", "limits", "1"]).ok();
    assert_eq!(sandbox.run(&["config", "get", "speak", "target"]).ok().stdout, "en\n");
}

#[test]
fn a_set_that_the_disk_refuses_leaves_no_secret_behind() {
    let (sandbox, _hub) = installed();
    // In the way of the link: the settings are written, the generation is, and then it cannot become live.
    fs::remove_file(sandbox.layout().plugins()).unwrap();
    fs::create_dir(sandbox.layout().plugins()).unwrap();
    let refused = with_input(&sandbox, &["config", "set", "speak", "api_key"], SECRET);
    assert_ne!(refused.code, 0);
    assert!(files(&sandbox).is_empty());
}
