//! `leahpm gc`: what is freed, and that nothing goes which a rollback was promised.

use crate::{
    fixture::{TestRegistry, hub},
    sandbox::{Sandbox, names_in},
};

/// Four generations: `alpha` 1.0.0, 1.1.0, 1.2.0, and the last with `beta` as well.
fn four() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        hub.publish_all(&[("alpha", version)]);
        sandbox.run(&["install", &format!("alpha@{version}")]).ok();
    }
    hub.publish_all(&[("beta", "1.0.0")]);
    sandbox.run(&["install", "beta"]).ok();
    (sandbox, hub)
}

/// The entries of the store without their hashes.
fn entries(sandbox: &Sandbox) -> Vec<String> {
    let names = names_in(&sandbox.layout().store()).into_iter().filter(|name| name != "lock");
    names.map(|name| name.rsplit_once('-').unwrap().0.to_owned()).collect()
}

#[test]
fn keeps_the_live_one_and_as_many_as_were_asked_for() {
    let (sandbox, _hub) = four();
    insta::assert_snapshot!(sandbox.run(&["gc"]), @"
    2> Nothing to remove.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["gc", "--keep", "2"]), @"
    2> Removed 1 generation and 1 package, 168 B in all.
    exit 0
    ");
    assert_eq!(names_in(&sandbox.layout().generations()), ["2", "3", "4"]);
    assert_eq!(entries(&sandbox), ["alpha-1.1.0", "alpha-1.2.0", "beta-1.0.0"]);
    insta::assert_snapshot!(sandbox.run(&["gc", "--keep", "0"]), @"
    2> Removed 2 generations and 1 package, 168 B in all.
    exit 0
    ");
    assert_eq!(entries(&sandbox), ["alpha-1.2.0", "beta-1.0.0"]);
    assert_eq!(sandbox.live_line(), "alpha 1.2.0, beta 1.0.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn says_before_what_it_would_remove() {
    let (sandbox, _hub) = four();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["gc", "--keep", "1", "--dry-run"]), @"
    2> Would remove 2 generations and 2 packages, 336 B in all.
    exit 0
    ");
    let dry = sandbox.run(&["gc", "--keep", "1", "--dry-run", "--json"]).json();
    assert_eq!(sandbox.tree(), before);
    let mut done = sandbox.run(&["gc", "--keep", "1", "--json"]).json();
    assert_eq!((&dry["dry_run"], done["dry_run"].take()), (&true.into(), false.into()));
    done["dry_run"] = true.into();
    assert_eq!(dry, done, "a dry run must tell what is done then");
    for entry in done["entries"].as_array_mut().unwrap() {
        *entry = entry.as_str().unwrap().rsplit_once('-').unwrap().0.into();
    }
    insta::assert_snapshot!(done, @r#"{"bytes":336,"command":"gc","dry_run":true,"entries":["alpha-1.0.0","alpha-1.1.0"],"generations":[1,2],"schema":1,"settings":0}"#);
}

#[test]
fn keeps_the_line_that_a_rollback_leads_to() {
    let (sandbox, _hub) = four();
    sandbox.run(&["rollback", "2"]).ok();
    sandbox.run(&["gc", "--keep", "1"]).ok();
    assert_eq!(names_in(&sandbox.layout().generations()), ["1", "2"]);
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn takes_away_what_killed_runs_left_behind() {
    let (sandbox, _hub) = four();
    sandbox.write("home/store/.staging-0123456789abcdef/plugin.yaml", "half");
    sandbox.write("home/generations/.staging-0123456789abcdef/leah.lock", "half");
    std::os::unix::fs::symlink("generations/9", sandbox.path("home/.plugins-0123456789abcdef")).unwrap();
    sandbox.run(&["gc"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn has_nothing_to_do_in_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["gc"]), @"
    2> Nothing to remove.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["gc", "--dry-run"]), @"
    2> Nothing to remove.
    exit 0
    ");
}

#[test]
fn refuses_a_number_that_is_none() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["gc", "--keep", "-1"]), @"
    2> error: unexpected argument '-1' found
    2>
    2> Usage: leahpm gc [OPTIONS]
    2>
    2> For more information, try '--help'.
    exit 2
    ");
}
