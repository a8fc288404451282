//! Two at once: one waits and says for whom, or gives up with a code of its own; the set is that of one or the other.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    process::Child,
};

use crate::{
    fixture::{TestRegistry, hub},
    sandbox::{FORKS, Sandbox},
};

/// A sandbox with `alpha` and `beta` installed, and the home's lock in the hands of somebody else.
pub fn held() -> (Sandbox, TestRegistry, File) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    TestRegistry::new(&sandbox, "spare").add(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    let path = sandbox.layout().lock();
    fs::write(&path, "pid 4711: leahpm update\n").unwrap();
    let _forking = FORKS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lock = File::options().read(true).write(true).open(path).unwrap();
    lock.lock().unwrap();
    (sandbox, hub, lock)
}

/// What the lock stands in front of. A verified package may come into the store without it.
fn generations(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let mut tree = sandbox.tree();
    tree.retain(|path, _| !path.starts_with("store/"));
    tree
}

/// Reads standard error up to the line that begins so.
#[track_caller]
pub fn wait_for_line(child: &mut Child, start: &str) {
    let stderr = child.stderr.as_mut().unwrap();
    // A byte at a time would be read by nobody else: the rest is not looked at.
    let line =
        BufReader::with_capacity(1, stderr).lines().map(Result::unwrap).find(|line| line.starts_with(start));
    assert!(line.is_some(), "it ended without `{start}`");
}

#[test]
fn gives_up_after_the_time_it_was_given_and_names_who_is_at_work() {
    let (sandbox, _hub, lock) = held();
    let before = generations(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "beta", "--lock-wait", "0"]), @"
    2> error: another leahpm is at work (pid [PID]: leahpm update)
    2> hint: wait until it has finished, or wait longer with `--lock-wait SECONDS`
    exit 12
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "beta", "--lock-wait", "0", "--json"]).json()["error"], @r#"{"causes":[],"code":12,"details":{},"hint":"wait until it has finished, or wait longer with `--lock-wait SECONDS`","hints":["wait until it has finished, or wait longer with `--lock-wait SECONDS`"],"message":"another leahpm is at work (pid [PID]: leahpm update)"}"#);
    for command in [
        &["uninstall", "alpha"][..],
        &["disable", "alpha"],
        &["registry", "remove", "spare"],
        &["gc"],
        &["rollback", "1"],
    ] {
        let output = sandbox.run_env(command, &[("LEAHPM_LOCK_WAIT", "0")]);
        let expected = if command[0] == "rollback" { 0 } else { 12 };
        assert_eq!(output.code, expected, "{command:?}: {output}");
    }
    assert_eq!(generations(&sandbox), before);
    drop(lock);
    sandbox.run(&["install", "beta", "--lock-wait", "0"]).ok();
}

#[test]
fn waits_and_says_for_whom_and_goes_on_when_the_other_has_finished() {
    let (sandbox, _hub, lock) = held();
    let mut child = sandbox.spawn(&["install", "beta"]);
    wait_for_line(&mut child, "Waiting for another leahpm (pid 4711: leahpm update)");
    drop(lock);
    assert_eq!(sandbox.wait(child).code, 0);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn who_only_looks_waits_for_nobody() {
    let (sandbox, _hub, _lock) = held();
    for command in [
        &["list"][..],
        &["history"],
        &["verify"],
        &["info", "alpha"],
        &["search"],
        &["registry", "list"],
        &["install", "alpha"],
        &["update", "--dry-run"],
        &["gc", "--dry-run"],
    ] {
        let output = sandbox.run_env(command, &[("LEAHPM_LOCK_WAIT", "0")]).ok();
        assert!(!output.stderr.contains("Waiting"), "{command:?}: {output}");
    }
}

#[test]
fn makes_its_plan_again_when_another_generation_became_live_meanwhile() {
    let (sandbox, hub, lock) = held();
    hub.publish_all(&[("gamma", "1.0.0")]);
    let mut first = sandbox.spawn(&["install", "beta"]);
    wait_for_line(&mut first, "Waiting for");
    let mut second = sandbox.spawn(&["install", "gamma"]);
    wait_for_line(&mut second, "Waiting for");
    drop(lock);
    assert_eq!((sandbox.wait(first).code, sandbox.wait(second).code), (0, 0));
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0, gamma 1.0.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn many_at_once_end_as_if_they_had_come_one_by_one() {
    let (sandbox, hub) = hub();
    let names: Vec<String> = (0..6).map(|number| format!("plugin-{number}")).collect();
    for name in &names {
        hub.publish_all(&[(name, "1.0.0")]);
    }
    let installs: Vec<Child> = names.iter().map(|name| sandbox.spawn(&["install", name])).collect();
    let collecting = sandbox.spawn(&["gc", "--keep", "0"]);
    for child in installs.into_iter().chain([collecting]) {
        let output = sandbox.wait(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!(sandbox.live().into_keys().collect::<Vec<_>>(), names);
    sandbox.run(&["verify", "--all"]).ok();
    sandbox.run(&["gc"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn a_lock_that_somebody_changed_while_it_was_made_anew_is_left_as_it_is() {
    let (sandbox, hub, lock) = held();
    sandbox.write("plugins.yaml", "format: 1\nplugins:\n  alpha: \"*\"\n");
    hub.publish_all(&[("gamma", "1.0.0")]);
    let mut child = sandbox.spawn(&["lock"]);
    wait_for_line(&mut child, "Waiting for");
    // As `git pull` may do while a person is asked, also with a lock that this leahpm could not write.
    sandbox.write("leah.lock", "format: 1\nrevision: 7\n");
    drop(lock);
    insta::assert_snapshot!(sandbox.wait(child), @"
    2> error: `leah.lock` was changed by somebody else meanwhile, and is left as it is now
    2> hint: run the command again
    exit 12
    ");
    assert_eq!(sandbox.read("leah.lock"), b"format: 1\nrevision: 7\n");
}
