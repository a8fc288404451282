//! `leahpm verify`: damage is found, named and repaired.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use crate::{
    fixture::{TestRegistry, hub},
    sandbox::Sandbox,
};

/// `alpha` and `beta`, installed; the hashes in the names of their entries are hidden.
fn installed() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    for name in ["alpha", "beta"] {
        sandbox.redact(sandbox.locked(name).content.short(), "[CONTENT]");
    }
    (sandbox, hub)
}

/// The entry of a plugin, made writable as an attacker or a clumsy user would.
fn opened_entry(sandbox: &Sandbox, name: &str) -> PathBuf {
    let entry = sandbox.layout().entry(&sandbox.locked(name).entry(&name.parse().unwrap()));
    fs::set_permissions(&entry, Permissions::from_mode(0o755)).unwrap();
    for file in fs::read_dir(&entry).unwrap() {
        fs::set_permissions(file.unwrap().path(), Permissions::from_mode(0o644)).unwrap();
    }
    entry
}

#[test]
fn says_that_all_is_well() {
    let (sandbox, _hub) = installed();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--all"]), @"
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair"]), @"
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--json"]).json(), @r#"{"command":"verify","generations":[1],"packages":2,"repaired":[],"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn has_nothing_to_check_in_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> Nothing is installed.
    exit 0
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn names_a_changed_file_and_puts_the_signed_one_back() {
    let (sandbox, _hub) = installed();
    let file = opened_entry(&sandbox, "alpha").join("plugin.yaml");
    let signed = fs::read(&file).unwrap();
    fs::write(&file, [&signed[..], b"# more\n"].concat()).unwrap();
    let before = sandbox.tree();
    let found = sandbox.run(&["verify"]);
    insta::assert_snapshot!(found, @"
    2> error: installed files are not as they were signed:
    2>   the files of `alpha-1.0.0-[CONTENT]` have changed
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair", "--dry-run"]), @"
    2> error: installed files are not as they were signed:
    2>   the files of `alpha-1.0.0-[CONTENT]` have changed
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&found), @"
    2> Repaired alpha.
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    assert_eq!(fs::read(&file).unwrap(), signed);
    sandbox.run(&["verify"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn names_what_is_missing_and_what_is_too_much() {
    let (sandbox, _hub) = installed();
    fs::write(opened_entry(&sandbox, "alpha").join("extra"), "x").unwrap();
    fs::remove_dir_all(opened_entry(&sandbox, "beta")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> error: installed files are not as they were signed:
    2>   the files of `alpha-1.0.0-[CONTENT]` have changed
    2>   `beta-1.0.0-[CONTENT]` is missing from the store
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--json"]).json(), @r#"{"error":{"causes":[],"code":3,"details":{"damage":[{"damage":"entry-changed","message":"the files of `alpha-1.0.0-[CONTENT]` have changed","path":"[HOME]/store/alpha-1.0.0-[CONTENT]","plugin":"alpha"},{"damage":"entry-missing","message":"`beta-1.0.0-[CONTENT]` is missing from the store","path":null,"plugin":"beta"}]},"hint":"`leahpm verify --repair` fetches the damaged plugins again","hints":["`leahpm verify --repair` fetches the damaged plugins again"],"message":"installed files are not as they were signed:\n  the files of `alpha-1.0.0-[CONTENT]` have changed\n  `beta-1.0.0-[CONTENT]` is missing from the store"},"schema":1}"#);
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair", "--json"]).json(), @r#"{"command":"verify","generations":[2],"packages":2,"repaired":["alpha","beta"],"schema":1}"#);
    sandbox.run(&["verify", "--all"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn names_a_link_that_leads_elsewhere_and_makes_it_new() {
    let (sandbox, _hub) = installed();
    let link = sandbox.path("home/generations/1/alpha");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/nowhere", &link).unwrap();
    let found = sandbox.run(&["verify"]);
    insta::assert_snapshot!(found, @"
    2> error: installed files are not as they were signed:
    2>   `[HOME]/generations/1/alpha` does not lead to `alpha-1.0.0-[CONTENT]`
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run_hint(&found), @"
    2> Made the links of the live generation new.
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.run(&["verify"]).ok();
}

#[test]
fn says_so_when_the_registry_has_nothing_to_repair_with() {
    let (sandbox, hub) = installed();
    fs::write(opened_entry(&sandbox, "alpha").join("plugin.wasm"), "x").unwrap();
    fs::remove_dir_all(&hub.folder).unwrap();
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair"]), @"
    2> error: there is no registry in `[DIR]/hub`: it has no `root/1`
    2> hint: `leahpm registry list` shows the registries and where they are
    exit 5
    ");
    sandbox.run(&["verify"]).fails(3);
}

#[test]
fn looks_at_earlier_generations_when_asked_to() {
    let (sandbox, _hub) = installed();
    fs::write(opened_entry(&sandbox, "alpha").join("plugin.wasm"), "x").unwrap();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["verify"]).ok();
    insta::assert_snapshot!(sandbox.run(&["verify", "--all"]), @"
    2> error: installed files are not as they were signed:
    2>   the files of `alpha-1.0.0-[CONTENT]` have changed
    2> hint: `leahpm verify --repair` repairs the live generation; `leahpm gc --keep 0` removes the earlier ones
    exit 3
    ");
}

#[test]
fn finds_damage_that_a_later_install_brought_back() {
    let (sandbox, _hub) = installed();
    fs::write(opened_entry(&sandbox, "alpha").join("plugin.wasm"), "x").unwrap();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["verify"]).fails(3);
    sandbox.run(&["verify", "--repair"]).ok();
    sandbox.run(&["verify", "--all"]).ok();
}
