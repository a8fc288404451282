//! Every global option has a variable of the environment, and each variable does what its option does.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fixture::{PackageSpec, TestRegistry},
    host::fake,
    http,
    sandbox::{Output, Sandbox},
};

/// An option with a value, if it takes one, and a command whose answer depends on it.
type Effect = (&'static str, Option<&'static str>, &'static str);

const EFFECTS: &[Effect] = &[
    ("home", Some("elsewhere"), "list"),
    ("cache", Some("elsewhere"), "cache info"),
    ("dry-run", None, "pack source"),
    ("offline", None, "search --cache cold"),
    ("yes", None, "install spare/alpha --dry-run"),
    ("grant", Some("mail:use_model"), "install mail --dry-run"),
    ("deny", Some("mail:use_model"), "install mail --dry-run"),
    ("accept-key", Some("nonsense"), "list"),
    ("host-version", Some("9.0.0"), "install future --dry-run"),
    ("no-host", None, "list"),
    ("host-wait", Some("0"), "list"),
    ("lock-wait", Some("soon"), "list"),
    ("timeout", Some("0"), "list"),
    ("proxy", Some("ftp://proxy"), "list"),
    ("ca-cert", Some("nowhere.pem"), "search --cache colder"),
    ("config-file", Some("mine.yaml"), "list"),
    ("json", None, "list"),
    ("quiet", None, "pack source --dry-run"),
    ("verbose", None, "list --quiet"),
    ("color", Some("always"), "install nope"),
];

/// The variable of an option. The host has a home and a cache as well, and shares both by their variables.
fn variable(option: &str) -> String {
    match option {
        "home" | "cache" => format!("LEAH_{}", option.to_uppercase()),
        "config-file" => "LEAHPM_CONFIG".to_owned(),
        option => format!("LEAHPM_{}", option.replace('-', "_").to_uppercase()),
    }
}

/// The options that each command takes and people are told of, with the variables that clap reads for them.
fn options() -> BTreeMap<String, String> {
    let command = leahpm::cli::command();
    let shown =
        command.get_arguments().filter(|argument| argument.is_global_set() && !argument.is_hide_set());
    let named = shown.map(|argument| {
        let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
        (argument.get_long().unwrap().to_owned(), variable.unwrap_or_default())
    });
    named.filter(|(option, _)| !["help", "version"].contains(&option.as_str())).collect()
}

#[test]
fn every_global_option_has_a_variable_that_is_named_after_it() {
    for (option, read) in options() {
        assert_eq!(read, variable(&option), "--{option}");
    }
}

#[test]
fn every_variable_does_what_its_option_does() {
    let mut tried: BTreeSet<String> = EFFECTS.iter().map(|(option, ..)| (*option).to_owned()).collect();
    // What it does is seen in the cache alone: `http::packages_are_kept_where_that_is_wanted`.
    tried.insert("keep-packages".to_owned());
    assert_eq!(tried, options().into_keys().collect());
    let (sandbox, hub, server) = http::served();
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    hub.publish(&PackageSpec::new("future", "1.0.0").host(">=9"));
    http::add(&sandbox, &hub, &server.url());
    TestRegistry::new(&sandbox, "spare").publish_all(&[("alpha", "1.0.0")]).add(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    for (path, bytes) in PackageSpec::new("beta", "1.0.0").source() {
        sandbox.write(format!("source/{path}"), bytes);
    }
    sandbox.write("mine.yaml", "format: 1\njson: true\n");
    let _host = fake::sound(&sandbox);
    for effect in EFFECTS {
        check(&sandbox, effect);
    }
}

/// The run with neither comes last: it may bring into the cache what the others must miss.
#[track_caller]
fn check(sandbox: &Sandbox, (option, value, command): &Effect) {
    let words: Vec<&str> = command.split(' ').collect();
    let flag = format!("--{option}");
    let by_option = sandbox.run(&[&words[..], &[flag.as_str()], value.as_slice()].concat());
    let by_variable = sandbox.run_env(&words, &[(&variable(option), value.unwrap_or("1"))]);
    let neither = sandbox.run(&words);
    assert_eq!(seen(&by_variable), seen(&by_option), "{flag}: {by_variable}");
    assert_ne!(seen(&neither), seen(&by_option), "{flag} does nothing to `{command}`: {neither}");
}

/// What does not repeat the line that was typed, as the usage below an error does.
fn seen(output: &Output) -> (i32, &str, Option<&str>) {
    (output.code, &output.stdout, output.stderr.lines().next())
}
