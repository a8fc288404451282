//! The user's `config.yaml`: what it says counts where neither the command line nor the environment says something.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    fixture::{PackageSpec, hub},
    http,
    sandbox::{Output, Sandbox, is_missing},
};

/// Where the file is by default.
const DEFAULT: &str = if cfg!(target_os = "macos") {
    "user/Library/Application Support/leah/config.yaml"
} else {
    "user/.config/leah/config.yaml"
};

/// A sandbox in which the file is shown as `[FILE]`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    // The folder of the sandbox is replaced before.
    sandbox.redact(format!("[DIR]/{DEFAULT}"), "[FILE]");
    sandbox
}

/// What `leahpm list` says where the file holds this.
fn list(text: &str) -> Output {
    let sandbox = sandbox();
    sandbox.write(DEFAULT, text);
    sandbox.run(&["list"])
}

#[test]
fn every_global_option_can_stand_in_it_or_is_refused_with_a_reason() {
    let command = leahpm::cli::command();
    let options = command.get_arguments().filter(|option| option.is_global_set());
    let mut refused = Vec::new();
    for option in options {
        let key = option.get_long().unwrap().replace('-', "_");
        // Of all types the text is the wrong one for most keys; what matters is whether the key is known.
        let said = list(&format!("{key}: 1\n")).stderr;
        assert!(!said.contains("is not a key"), "{key}: {said}");
        if said.contains("cannot stand here") {
            refused.push(key);
        }
    }
    assert_eq!(refused, ["config_file", "dry_run", "yes", "grant", "deny", "accept_key"]);
}

#[test]
fn all_keys_together_are_read() {
    let sandbox = Sandbox::new();
    let text = "\
format: 1
home: elsewhere
cache: cached
offline: true
host_version: 0.2.0
no_host: true
host_wait: 10
lock_wait: 0
timeout: 3600
proxy: http://proxy.example.com:8080
ca_cert: [one.pem, /two.pem]
json: true
quiet: true
verbose: false
color: never
";
    sandbox.write(DEFAULT, text);
    let output = sandbox
        .finish(sandbox.command(&["install", "hello-world", "--grant", "all"]).env_remove("LEAH_HOME"));
    assert_eq!(output.ok().json()["generation"], 1);
    // A relative folder begins where the file is.
    let home = sandbox.path(DEFAULT).with_file_name("elsewhere");
    let lock = fs::read_to_string(home.join("plugins/leah.lock")).unwrap();
    assert!(lock.contains("host: \"0.2.0\"\n") || lock.contains("host: 0.2.0\n"), "{lock}");
    assert!(!sandbox.home().exists());
}

#[test]
fn the_command_line_comes_before_the_environment_and_that_before_the_file() {
    let sandbox = Sandbox::new();
    sandbox.write(DEFAULT, "host_version: 0.3.0\ntimeout: 5\n");
    let said = |flag: &[&str], variable: &str| {
        let line = [&["install", "hello-world", "--grant", "all", "--json"], flag].concat();
        let home = sandbox.path("fresh");
        drop(fs::remove_dir_all(&home));
        let variables = [("LEAH_HOME", home.to_str().unwrap()), ("LEAHPM_HOST_VERSION", variable)];
        let count = if variable == "unset" { 1 } else { 2 };
        sandbox.run_env(&line, &variables[..count]).ok();
        let lock = leah_plugin::lock::Lock::read(&fs::read(home.join("plugins/leah.lock")).unwrap()).unwrap();
        lock.resolved_for.host.to_string()
    };
    assert_eq!(said(&["--host-version", "0.1.0"], "0.2.0"), "0.1.0");
    assert_eq!(said(&[], "0.2.0"), "0.2.0");
    assert_eq!(said(&[], "unset"), "0.3.0");
}

#[test]
fn a_switch_of_the_file_is_put_off_by_a_variable_and_by_no_empty_one() {
    let (sandbox, hub, server) = http::served();
    http::add(&sandbox, &hub, &server.url());
    sandbox.write(DEFAULT, "offline: true\n");
    sandbox.run(&["install", "alpha"]).fails(6);
    sandbox.run_env(&["install", "alpha"], &[("LEAHPM_OFFLINE", "")]).fails(6);
    sandbox.run_env(&["install", "alpha"], &[("LEAHPM_OFFLINE", "0")]).ok();
}

#[test]
fn home_and_cache_may_be_in_it_and_give_way_to_variables() {
    let sandbox = Sandbox::new();
    sandbox.write(DEFAULT, format!("home: ~/../theirs\ncache: {}\n", sandbox.path("kept").display()));
    let info = |empty: &[&str]| {
        let mut command = sandbox.command(&["cache", "info", "--json"]);
        command.envs(empty.iter().map(|name| (name, "")));
        sandbox.finish(&mut command).ok().json()["folder"].clone()
    };
    assert_eq!(info(&[]), "[DIR]/cache");
    assert_eq!(info(&["LEAH_CACHE"]), "[DIR]/kept");
    let mut install = sandbox.command(&["install", "hello-world", "--grant", "all"]);
    sandbox.finish(install.env("LEAH_HOME", "")).ok();
    assert!(sandbox.path("theirs/plugins").exists() && !sandbox.home().exists());
    // A shell that completes names looks into the same home.
    let mut offered = sandbox.command(&["--", "leahpm", "uninstall", "he"]);
    let offered =
        offered.env("LEAH_HOME", "").env("LEAHPM_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    assert_eq!(sandbox.finish(offered.env("_CLAP_IFS", "\n")).ok().stdout, "hello-world");
}

#[test]
fn says_how_to_speak_and_gives_way_to_whoever_says_the_opposite() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    sandbox.write(DEFAULT, "quiet: true\n");
    assert_eq!(sandbox.run(&["install", "alpha"]).ok().stderr, "");
    assert!(
        sandbox.run(&["uninstall", "alpha", "--verbose"]).ok().stderr.contains("switched to generation 2")
    );
    sandbox.write(DEFAULT, "json: true\n");
    assert_eq!(sandbox.run(&["list"]).ok().json()["command"], "list");
    assert_eq!(sandbox.run(&["why", "alpha"]).json()["error"]["code"], 5);
    assert!(sandbox.run_env(&["list"], &[("LEAHPM_JSON", "0")]).ok().stderr.contains("No plugins"));
    sandbox.write(DEFAULT, "color: always\n");
    assert!(sandbox.run(&["why", "alpha"]).stderr.contains("\u{1b}["));
    assert!(!sandbox.run(&["why", "alpha", "--color", "never"]).stderr.contains("\u{1b}["));
    insta::assert_snapshot!(list("quiet: true\nverbose: true\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: `quiet` and `verbose` cannot both be true
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
}

#[test]
fn refuses_what_agrees_to_something_and_what_is_for_one_run() {
    insta::assert_snapshot!(list("offline: true\nyes: true\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 2, column 6: this key cannot stand here: what is agreed to is said each time, with the option or its variable
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("grant: [use_model]\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 8: this key cannot stand here: what is agreed to is said each time, with the option or its variable
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("dry_run: false\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 10: this key cannot stand here: it is for one run, with the option or its variable
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
}

#[test]
fn refuses_what_it_does_not_understand_with_line_and_column() {
    insta::assert_snapshot!(list("ofline: true\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 1: `ofline` is not a key that is known here; did you mean `offline`?
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("offline: yes\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 10: invalid boolean (strict mode expects true/false)
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("timeout: 0\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 10: expected 1 to 3600 seconds
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("host_version: newest\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 15: unexpected character 'n' while parsing major version number
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("color: sometimes\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 8: unknown variant `sometimes`, expected one of auto, always, never
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("proxy: socks5://me:hunter2@proxy.example\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 8: expected a proxy: a proxy is reached by `http://` or `https://`
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("format: 2\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 9: format 2 is not known, this leahpm knows format 1; a newer leahpm may have written it
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("offline: true\noffline: false\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 2, column 1: `offline` stands here twice
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    insta::assert_snapshot!(list("- offline\n"), @"
    2> error: cannot read the configuration `[FILE]`
    2> caused by: line 1, column 1: expected mapping start
    2> hint: `leahpm --help` shows the global options; their long names are the keys, with `_` for `-`
    exit 13
    ");
    list("# nothing yet\n").ok();
    list("").ok();
}

#[test]
fn the_file_can_be_named_and_then_must_be_there() {
    let sandbox = Sandbox::new();
    sandbox.write(DEFAULT, "nonsense");
    sandbox.write("mine.yaml", "json: true\n");
    assert_eq!(sandbox.run(&["list", "--config-file", "mine.yaml"]).ok().json()["command"], "list");
    sandbox.write("none.yaml", "{}\n");
    let named = [("LEAHPM_CONFIG", "none.yaml")];
    assert_eq!(sandbox.run_env(&["list"], &named).ok().stdout, "");
    assert_eq!(
        sandbox.run_env(&["list", "--config-file", "mine.yaml"], &named).ok().json()["command"],
        "list"
    );
    // An empty name is none.
    assert_eq!(sandbox.run_env(&["list"], &[("LEAHPM_CONFIG", "")]).code, 13);
    insta::assert_snapshot!(sandbox.run(&["list", "--config-file", "no.yaml"]), @"
    2> error: cannot read the configuration
    2> caused by: cannot find `no.yaml`
    2> caused by: No such file or directory (os error 2)
    2> hint: `--config-file FILE` or LEAHPM_CONFIG names another file
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "--config-file", "no.yaml", "--json"]), @r#"
    1> {"error":{"causes":["cannot find `no.yaml`","No such file or directory (os error 2)"],"code":5,"details":{},"hint":"`--config-file FILE` or LEAHPM_CONFIG names another file","hints":["`--config-file FILE` or LEAHPM_CONFIG names another file"],"message":"cannot read the configuration"},"schema":1}
    exit 5
    "#);
}

#[test]
fn a_link_is_followed_and_what_cannot_be_read_is_told() {
    let sandbox = sandbox();
    sandbox.write("dotfiles/leah.yaml", "json: true\n");
    let file = sandbox.path(DEFAULT);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(sandbox.path("dotfiles/leah.yaml"), &file).unwrap();
    assert_eq!(sandbox.run(&["list"]).ok().json()["command"], "list");
    fs::set_permissions(sandbox.path("dotfiles/leah.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
    insta::assert_snapshot!(sandbox.run_as_user(&["list"]), @"
    2> error: cannot read the configuration
    2> caused by: cannot open `[DIR]/dotfiles/leah.yaml`
    2> caused by: Permission denied (os error 13)
    2> hint: `--config-file FILE` or LEAHPM_CONFIG names another file
    exit 1
    ");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    2> error: cannot read the configuration
    2> caused by: cannot open `[FILE]`
    2> caused by: it is not a regular file
    2> hint: `--config-file FILE` or LEAHPM_CONFIG names another file
    exit 1
    ");
}

#[test]
fn nobody_needs_a_folder_for_it() {
    let sandbox = Sandbox::new();
    sandbox.finish(sandbox.command(&["list"]).env_remove("HOME")).ok();
    sandbox.write("file", "");
    sandbox.finish(sandbox.command(&["list"]).env("HOME", sandbox.path("file"))).ok();
    sandbox.finish(sandbox.command(&["list"]).env("HOME", "/dev/null")).ok();
}

#[test]
fn where_there_is_none_it_costs_one_open() {
    if !cfg!(target_os = "linux") || is_missing("strace") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.run_under(&["strace", "-o", "calls", "--"], &["list"]).ok();
    let calls = String::from_utf8(sandbox.read("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().filter(|call| call.contains("/.config")).collect();
    assert!(matches!(calls[..], [call] if call.starts_with("open") && call.contains("ENOENT")), "{calls:?}");
}
