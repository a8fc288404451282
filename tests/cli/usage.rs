//! What holds for every command: help, wrong usage, quiet, JSON, closed pipes, and where the home is.

use std::process::Stdio;

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::{Sandbox, start},
};

/// Every command with arguments that make it succeed where `alpha` is installed from `hub`, and that change
/// nothing.
const HARMLESS: [&[&str]; 25] = [
    &["install", "alpha", "--dry-run"],
    &["uninstall", "alpha", "--dry-run"],
    &["update", "--dry-run"],
    &["enable", "alpha", "--dry-run"],
    &["disable", "alpha", "--dry-run"],
    &["list"],
    &["search"],
    &["info", "alpha"],
    &["permissions", "list"],
    &["permissions", "revoke", "mail", "use_model", "--dry-run"],
    &["history"],
    &["rollback", "1", "--dry-run"],
    &["diff"],
    &["tree"],
    &["why", "alpha"],
    &["export"],
    &["verify"],
    &["gc", "--dry-run"],
    &["registry", "list"],
    &["registry", "remove", "spare", "--dry-run"],
    &["key", "generate", "me.key", "--without-password", "--dry-run"],
    &["pack", "source", "--dry-run"],
    &["check", "source"],
    &["sign", "alpha.tar.gz", "--key", "signing.key", "--for", "hub", "--dry-run"],
    &["completions", "bash"],
];

fn ready() -> Sandbox {
    let (sandbox, hub) = hub();
    let spec = PackageSpec::new("alpha", "1.0.0");
    hub.publish(&spec).publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    TestRegistry::new(&sandbox, "spare").add(&sandbox);
    sandbox.run(&["install", "alpha", "mail", "--grant", "all"]).ok();
    for (path, bytes) in spec.source() {
        sandbox.write(format!("source/{path}"), bytes);
    }
    sandbox.write("alpha.tar.gz", spec.archive());
    sandbox.write("signing.key", hub.publisher.to_file_text("a key").unwrap());
    sandbox
}

#[test]
fn no_command_speaks_or_changes_anything_when_told_to_be_quiet_and_dry() {
    let sandbox = ready();
    let before = sandbox.tree();
    for command in HARMLESS {
        let output = sandbox.run(&[command, &["--quiet"]].concat()).ok();
        assert_eq!(output.stderr, "", "{command:?}");
    }
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn every_command_prints_one_json_object_with_its_name() {
    let sandbox = ready();
    for command in HARMLESS {
        if command[0] == "completions" {
            continue;
        }
        let output = sandbox.run(&[command, &["--json"]].concat()).ok();
        assert_eq!((output.stdout.lines().count(), output.stderr.as_str()), (1, ""), "{command:?}");
        let (json, name) = (output.json(), command.join(" "));
        assert_eq!(json["schema"], 1, "{command:?}");
        let said = json["command"].as_str().unwrap();
        assert!(name.starts_with(said) && !said.is_empty(), "{command:?} calls itself {said}");
    }
}

#[test]
fn no_command_panics_when_nobody_reads() {
    let sandbox = ready();
    for command in HARMLESS {
        let mut child = start(&mut sandbox.command(command));
        // Closed before a byte is written or after; neither may be told as an error.
        drop(child.stdout.take());
        let output = sandbox.wait(child);
        assert!(!output.stderr.contains("error"), "{command:?}: {output}");
        assert_eq!(output.code, 0, "{command:?}: {output}");
    }
}

#[test]
fn a_full_device_behind_standard_output_is_an_error() {
    let sandbox = ready();
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return crate::sandbox::skipped("this system has no /dev/full");
    };
    let output = sandbox.finish(sandbox.command(&["list"]).stdout(Stdio::from(full)));
    insta::assert_snapshot!(output, @"
    2> error: cannot write to standard output
    2> caused by: No space left on device (os error 28)
    exit 1
    ");
}

#[test]
fn the_help_of_a_command_is_the_same_from_both_sides() {
    let sandbox = Sandbox::new();
    for command in leahpm::cli::command().get_subcommands().map(clap::Command::get_name) {
        if command == "help" {
            continue;
        }
        let (behind, before) = (sandbox.run(&[command, "--help"]), sandbox.run(&["help", command]));
        assert_eq!(behind.ok(), before.ok(), "{command}");
    }
}

#[test]
fn shows_what_there_is_to_do() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["--version"]), @"
    1> leahpm 0.1.0
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["-h"]), @"
    1> The plugin package manager of LEAH
    1>
    1> Usage: leahpm [OPTIONS] <COMMAND>
    1>
    1> Commands:
    1>   install      Install plugins with what they need
    1>   uninstall    Take plugins out of the set [alias: remove]
    1>   update       Move plugins to the newest versions that fit
    1>   enable       Switch plugins on
    1>   disable      Switch plugins off
    1>   hold         Keep plugins at their versions
    1>   unhold       Let plugins that are held move again
    1>   list         Show the installed plugins
    1>   search       Find plugins by a word or a category
    1>   info         Show a plugin: its versions, what it asks for, who publishes it
    1>   outdated     Show for which plugins there is a newer version, and what an update would bring
    1>   config       Show and change the settings of plugins
    1>   permissions  Show and change what plugins may do
    1>   history      Show the generations that were live
    1>   rollback     Make an earlier generation live again
    1>   lock         Write down which plugins a project needs, to the byte
    1>   sync         Make the installation equal to a lock
    1>   diff         Show what differs between two sets of plugins
    1>   tree         Show what is installed as a tree: below each plugin what it needs
    1>   why          Show why a plugin is installed
    1>   export       Print the lock of what is installed, or the wishes behind it
    1>   bundle       Put a lock and all its packages into one file
    1>   verify       Check the installed files against their content hashes
    1>   gc           Free the space of old generations
    1>   registry     Show and change the registries that plugins may come from
    1>   host         Look at the running host and what its plugins say
    1>   pack         Make a package of a folder
    1>   check        Check a folder or a package
    1>   sign         Sign a package for a registry
    1>   key          Make keys to sign packages with
    1>   cache        Show or empty the cache
    1>   completions  Print the script that completes commands and plugin names in your shell
    1>   help         Print this message or the help of the given subcommand(s)
    1>
    1> Options:
    1>   -h, --help     Print help (see more with '--help')
    1>   -V, --version  Print version
    1>
    1> Global options:
    1>       --home <DIR>              Folder of plugins, settings and store [default: the platform's data
    1>                                 folder]
    1>       --cache <DIR>             Folder of what was fetched once [default: the platform's cache
    1>                                 folder]
    1>       --config-file <FILE>      File with defaults of your own for these options [default:
    1>                                 config.yaml in the platform's configuration folder]
    1>       --dry-run                 Say what would be done and do nothing
    1>       --offline                 Use no network, only what is in the cache
    1>       --keep-packages           Keep packages in the cache as well, for another machine or home, and
    1>                                 for `--offline`
    1>   -y, --yes                     Answer yes to every question but those about permissions and keys
    1>       --grant <PERMISSION>      Grant a permission: PERMISSION, PLUGIN:PERMISSION or all
    1>       --deny <PERMISSION>       Deny a permission; the plugin runs without it
    1>       --accept-key <KEY>        Accept that plugins have another publisher than before, with this
    1>                                 key
    1>       --host-version <VERSION>  Version of leah-host that plugins must fit [default: the running
    1>                                 host's, else the one of this release]
    1>       --no-host                 Make the change without asking the running host
    1>       --host-wait <SECONDS>     Seconds that the running host may take to try a change, and to
    1>                                 switch to it [default: 120]
    1>       --lock-wait <SECONDS>     Seconds to wait for another leahpm that is changing the same home
    1>                                 [default: 60]
    1>       --timeout <SECONDS>       Seconds that a server may be silent [default: 30]
    1>       --proxy <URL>             Proxy for registries on the network [default: that of the system]
    1>       --ca-cert <FILE>          File of certificates (PEM) to believe besides those of the system
    1>       --json                    Print one JSON object, errors included
    1>   -q, --quiet                   Say nothing but errors and warnings
    1>   -v, --verbose                 Tell each step
    1>       --color <WHEN>            When to use colour [default: auto] [possible values: auto, always,
    1>                                 never]
    1>
    1> Examples:
    1>   leahpm install translator              find, check and install a plugin
    1>   leahpm install translator --grant all  the same in a script, permissions agreed to
    1>   leahpm list                            what is installed
    1>   leahpm rollback                        undo the last change
    1>
    1> Every global option has an environment variable: LEAHPM_OFFLINE=1 is --offline, and so on.
    1> The home folder is LEAH_HOME. Defaults of your own stand in config.yaml in your folder for
    1> configuration, such as `offline: true`; options come first, then variables, then this file.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "-h"]), @"
    1> Install plugins with what they need
    1>
    1> Usage: leahpm install [OPTIONS] <PLUGIN>...
    1>
    1> Arguments:
    1>   <PLUGIN>...  Plugins: NAME, NAME@RANGE or REGISTRY/NAME@RANGE
    1>
    1> Options:
    1>       --set <KEY=VALUE>           Give a setting a value at once: KEY=VALUE, or PLUGIN.KEY=VALUE;
    1>                                   `-` asks for the value
    1>       --registry <NAME|URL|PATH>  Registry of bare names: one that was added, a URL or a folder
    1>                                   [default: where a plugin is from, else the default one]
    1>       --key <KEY>                 Root key of a registry that was not added yet
    1>   -h, --help                      Print help (see more with '--help')
    1>
    1> Global options:
    1>       --home <DIR>              Folder of plugins, settings and store [default: the platform's data
    1>                                 folder]
    1>       --cache <DIR>             Folder of what was fetched once [default: the platform's cache
    1>                                 folder]
    1>       --config-file <FILE>      File with defaults of your own for these options [default:
    1>                                 config.yaml in the platform's configuration folder]
    1>       --dry-run                 Say what would be done and do nothing
    1>       --offline                 Use no network, only what is in the cache
    1>       --keep-packages           Keep packages in the cache as well, for another machine or home, and
    1>                                 for `--offline`
    1>   -y, --yes                     Answer yes to every question but those about permissions and keys
    1>       --grant <PERMISSION>      Grant a permission: PERMISSION, PLUGIN:PERMISSION or all
    1>       --deny <PERMISSION>       Deny a permission; the plugin runs without it
    1>       --accept-key <KEY>        Accept that plugins have another publisher than before, with this
    1>                                 key
    1>       --host-version <VERSION>  Version of leah-host that plugins must fit [default: the running
    1>                                 host's, else the one of this release]
    1>       --no-host                 Make the change without asking the running host
    1>       --host-wait <SECONDS>     Seconds that the running host may take to try a change, and to
    1>                                 switch to it [default: 120]
    1>       --lock-wait <SECONDS>     Seconds to wait for another leahpm that is changing the same home
    1>                                 [default: 60]
    1>       --timeout <SECONDS>       Seconds that a server may be silent [default: 30]
    1>       --proxy <URL>             Proxy for registries on the network [default: that of the system]
    1>       --ca-cert <FILE>          File of certificates (PEM) to believe besides those of the system
    1>       --json                    Print one JSON object, errors included
    1>   -q, --quiet                   Say nothing but errors and warnings
    1>   -v, --verbose                 Tell each step
    1>       --color <WHEN>            When to use colour [default: auto] [possible values: auto, always,
    1>                                 never]
    1>
    1> Examples:
    1>   leahpm install translator
    1>   leahpm install translator@^1.0 hello-world
    1>   leahpm install translator --grant all                     agree to all it asks for
    1>   leahpm install translator --grant use_model --deny network_access
    1>   leahpm install translator --set target=tr --set api_key=- with settings; `-` asks for the value
    1>   leahpm install --registry ./my-registry my-plugin         from a folder
    exit 0
    ");
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_meant() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["instal", "alpha"]), @"
    2> error: unrecognized subcommand 'instal'
    2>
    2>   tip: some similar subcommands exist: 'disable', 'list', 'uninstall', 'install'
    2>
    2> Usage: leahpm [OPTIONS] <COMMAND>
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["install"]), @"
    2> error: the following required arguments were not provided:
    2>   <PLUGIN>...
    2>
    2> Usage: leahpm install --home <DIR> --cache <DIR> <PLUGIN>...
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--dry"]), @"
    2> error: unexpected argument '--dry' found
    2>
    2>   tip: a similar argument exists: '--dry-run'
    2>
    2> Usage: leahpm install --dry-run <PLUGIN>...
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "alpha"]), @"
    2> error: unexpected argument 'alpha' found
    2>
    2> Usage: leahpm list [OPTIONS]
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "--quiet", "--verbose"]), @"
    2> error: the argument '--quiet' cannot be used with '--verbose'
    2>
    2> Usage: leahpm list --quiet --home <DIR> --cache <DIR>
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--key", "RW"]), @"
    2> error: invalid value 'RW' for '--key <KEY>': a public key has 56 characters and starts with `RW`, this text has 2
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run_env(&["list"], &[("LEAHPM_LOCK_WAIT", "soon")]), @"
    2> error: invalid value 'soon' for '--lock-wait <SECONDS>': invalid digit found in string
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    assert_eq!(sandbox.run::<&str>(&[]).code, 2);
    assert!(!sandbox.home().exists());
}

#[test]
fn wrong_usage_is_json_too_where_json_was_asked_for() {
    let sandbox = Sandbox::new();
    let usage = |arguments: &[&str]| sandbox.run(arguments).to_string();
    insta::assert_snapshot!(usage(&["install", "--json"]), @r#"
    1> {"error":{"causes":[],"code":2,"details":{},"hint":"`leahpm --help` shows the commands","hints":["`leahpm --help` shows the commands"],"message":"the following required arguments were not provided:\n  <PLUGIN>..."},"schema":1}
    exit 2
    "#);
    insta::assert_snapshot!(usage(&["--json", "instal", "alpha"]), @r#"
    1> {"error":{"causes":[],"code":2,"details":{},"hint":"some similar subcommands exist: 'disable', 'list', 'uninstall', 'install'","hints":["some similar subcommands exist: 'disable', 'list', 'uninstall', 'install'","`leahpm --help` shows the commands"],"message":"unrecognized subcommand 'instal'"},"schema":1}
    exit 2
    "#);
    insta::assert_snapshot!(usage(&["--json"]), @r#"
    1> {"error":{"causes":[],"code":2,"details":{},"hint":"`leahpm --help` shows the commands","hints":["`leahpm --help` shows the commands"],"message":"no command was given"},"schema":1}
    exit 2
    "#);
    insta::assert_snapshot!(usage(&["config", "--json"]), @r#"
    1> {"error":{"causes":[],"code":2,"details":{},"hint":"`leahpm config --help` shows the commands","hints":["`leahpm config --help` shows the commands"],"message":"no command was given"},"schema":1}
    exit 2
    "#);
    insta::assert_snapshot!(usage(&["install", "alpha", "--key", "RW", "--json"]), @r#"
    1> {"error":{"causes":[],"code":2,"details":{},"hint":"`leahpm --help` shows the commands","hints":["`leahpm --help` shows the commands"],"message":"invalid value 'RW' for '--key <KEY>': a public key has 56 characters and starts with `RW`, this text has 2"},"schema":1}
    exit 2
    "#);
    let nothing = sandbox.run_env::<&str>(&[], &[("LEAHPM_JSON", "1")]);
    assert_eq!(nothing, sandbox.run(&["--json"]));
    let by_variable = sandbox.run_env(&["install"], &[("LEAHPM_JSON", "1")]);
    assert_eq!(by_variable, sandbox.run(&["install", "--json"]));
    // It is no flag behind `--`, and `no` is no.
    assert_eq!(sandbox.run(&["list", "--", "--json"]).stdout, "");
    assert_eq!(sandbox.run_env(&["install"], &[("LEAHPM_JSON", "no")]).stdout, "");
}

#[test]
fn help_and_version_are_text_with_json_as_without() {
    let sandbox = Sandbox::new();
    for asked in [&["--help"][..], &["--version"], &["list", "--help"], &["help", "list"]] {
        let plain = sandbox.run(asked).ok();
        assert_eq!(sandbox.run_env(asked, &[("LEAHPM_JSON", "1")]), plain, "{asked:?}");
        assert_eq!(sandbox.run(&[&["--json"], asked].concat()), plain, "{asked:?}");
    }
}

#[test]
fn options_may_stand_before_the_command_and_come_from_the_environment() {
    let sandbox = ready();
    let before = sandbox.tree();
    let behind = sandbox.run(&["uninstall", "alpha", "--dry-run", "--json"]).ok();
    assert_eq!(sandbox.run(&["--dry-run", "--json", "uninstall", "alpha"]), behind);
    let variables = [("LEAHPM_DRY_RUN", "true"), ("LEAHPM_JSON", "true")];
    assert_eq!(sandbox.run_env(&["uninstall", "alpha"], &variables), behind);
    assert_eq!(sandbox.tree(), before);
    sandbox
        .run_env(&["uninstall", "alpha"], &[("LEAHPM_DRY_RUN", "false"), ("LEAHPM_OFFLINE", "false")])
        .ok();
    assert_eq!(sandbox.live_line(), "mail 1.0.0");
}

#[test]
fn a_switch_of_the_environment_takes_the_words_that_people_write() {
    let sandbox = ready();
    for (word, json) in
        [("1", true), ("yes", true), ("on", true), ("0", false), ("no", false), ("off", false)]
    {
        let output = sandbox.run_env(&["list"], &[("LEAHPM_JSON", word)]).ok();
        assert_eq!(output.stdout.starts_with('{'), json, "LEAHPM_JSON={word}: {output}");
    }
}

#[test]
fn the_home_is_the_one_of_the_option_then_of_the_variable_then_of_the_platform() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&hub.with(&["install", "alpha", "--home", "elsewhere"])).ok();
    assert!(sandbox.path("elsewhere/plugins/alpha/plugin.yaml").exists());
    let mut command = sandbox.command(&hub.with(&["install", "alpha"]));
    sandbox.finish(command.env_remove("LEAH_HOME")).ok();
    let platform = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    assert!(sandbox.path(format!("user/{platform}/leah/plugins/alpha/plugin.yaml")).exists());
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn a_home_can_be_moved() {
    let sandbox = ready();
    std::fs::rename(sandbox.home(), sandbox.path("moved")).unwrap();
    let output = sandbox.run(&["list", "--home", "moved", "--json"]);
    assert_eq!(output.json()["plugins"][0]["name"], "alpha");
    sandbox.run(&["verify", "--home", "moved"]).ok();
    sandbox.run(&["disable", "alpha", "--home", "moved"]).ok();
}
