//! `leahpm completions`, and the answers that a shell gets while somebody types.

use crate::{
    fixture::{PackageSpec, hub},
    sandbox::{Output, Sandbox},
};

/// What bash is offered for the last of these words.
fn offered(sandbox: &Sandbox, words: &[&str]) -> Output {
    let index = (words.len() - 1).to_string();
    let variables = [
        ("LEAHPM_COMPLETE", "bash"),
        ("_CLAP_COMPLETE_INDEX", index.as_str()),
        ("_CLAP_COMPLETE_COMP_TYPE", "9"),
        ("_CLAP_COMPLETE_SPACE", "true"),
        ("_CLAP_IFS", "\n"),
    ];
    sandbox.run_env(&[&["--"], words].concat(), &variables)
}

#[test]
fn offers_the_names_that_the_command_can_take() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(offered(&sandbox, &["leahpm", "install", "be"]).ok().stdout, "beta");
    assert_eq!(offered(&sandbox, &["leahpm", "install", "bundled/tr"]).ok().stdout, "bundled/translator");
    assert_eq!(offered(&sandbox, &["leahpm", "uninstall", "a"]).ok().stdout, "alpha");
    assert_eq!(offered(&sandbox, &["leahpm", "disable", "b"]).ok().stdout, "");
    assert_eq!(offered(&sandbox, &["leahpm", "hold", "a"]).ok().stdout, "alpha");
    assert_eq!(offered(&sandbox, &["leahpm", "unhold", "a"]).ok().stdout, "");
    sandbox.run(&["hold", "alpha"]).ok();
    assert_eq!(offered(&sandbox, &["leahpm", "unhold", "a"]).ok().stdout, "alpha");
    let config = "config:\n  speed: { type: integer }\n  target: { type: string, enum: [en, tr] }\n  enabled: { type: boolean }\n";
    hub.publish(&PackageSpec::new("speak", "1.0.0").manifest(config));
    sandbox.run(&["install", "speak"]).ok();
    assert_eq!(offered(&sandbox, &["leahpm", "config", "set", "sp"]).ok().stdout, "speak");
    assert_eq!(offered(&sandbox, &["leahpm", "config", "get", "speak", "s"]).ok().stdout, "speed");
    assert_eq!(offered(&sandbox, &["leahpm", "config", "unset", "speak", "ta"]).ok().stdout, "target");
    assert_eq!(offered(&sandbox, &["leahpm", "config", "set", "speak", "target", "t"]).ok().stdout, "tr");
    assert_eq!(offered(&sandbox, &["leahpm", "config", "set", "alpha", "s"]).ok().stdout, "");
    assert_eq!(offered(&sandbox, &["leahpm", "tree", "a"]).ok().stdout, "alpha");
    assert_eq!(offered(&sandbox, &["leahpm", "why", "s"]).ok().stdout, "speak");
    sandbox.write("3.lock", "");
    assert_eq!(offered(&sandbox, &["leahpm", "diff", "3"]).ok().stdout, "3\n3.lock");
    assert_eq!(offered(&sandbox, &["leahpm", "perm"]).ok().stdout, "permissions");
    assert_eq!(offered(&sandbox, &["leahpm", "permissions", "gr"]).ok().stdout, "grant");
    assert_eq!(offered(&sandbox, &["leahpm", "list", "--js"]).ok().stdout, "--json");
}

#[test]
fn offers_nothing_and_makes_nothing_in_an_empty_home_or_a_broken_one() {
    let sandbox = Sandbox::new();
    assert_eq!(offered(&sandbox, &["leahpm", "uninstall", "a"]).ok().stdout, "");
    assert!(!sandbox.home().exists());
    sandbox.write("home/plugins", "no link");
    let output = offered(&sandbox, &["leahpm", "uninstall", "a"]);
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
}

#[test]
fn every_script_is_one_that_its_shell_can_read() {
    let sandbox = Sandbox::new();
    for (shell, check) in [("bash", &["bash", "-n"][..]), ("zsh", &["zsh", "-n"]), ("fish", &["fish", "-n"])]
    {
        let file = format!("script.{shell}");
        sandbox.write(&file, sandbox.run(&["completions", shell]).ok().stdout);
        let line = format!("command -v {shell} >/dev/null || exit 0; {} {file}", check.join(" "));
        sandbox.run_line(&line).ok();
    }
}

#[test]
fn refuses_a_shell_that_it_does_not_know() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["completions", "tcsh"]), @"
    2> error: invalid value 'tcsh' for '<SHELL>'
    2>   [possible values: bash, elvish, fish, powershell, zsh]
    2>
    2>   tip: a similar value exists: 'zsh'
    2>
    2> For more information, try '--help'.
    exit 2
    ");
}
