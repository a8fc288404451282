//! Every change of the live set goes through the running host: tried, made live, switched to.

use std::fs;

use leah_plugin::{
    message::{Call, Committed, FailedPlugin, HelloResult, Prepared},
    version::HOST_VERSION,
};

use super::{
    fake::{self, FakeHost},
    mail, with_alpha,
};
use crate::{
    bundled::is_quiet,
    fixture::{PackageSpec, hub},
    sandbox::Sandbox,
};

/// The three calls of a change from generation `from` to generation `to`.
#[track_caller]
fn check(host: &FakeHost, from: u64, to: u64) {
    let mut heard = host.heard();
    // What is resolved anew is resolved for the host that runs.
    if heard.iter().filter(|heard| *heard == "hello").count() == 2 {
        heard.remove(0);
    }
    let prepare = format!("prepare {to} while {from} is live");
    let commit = format!("commit {to} while {to} is live");
    assert_eq!(heard, ["hello", &prepare, &commit]);
}

#[test]
fn every_change_is_tried_while_the_set_before_is_live_and_committed_when_it_is_live() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    let host = fake::sound(&sandbox);
    sandbox.run(&["install", "alpha", "mail", "--deny", "use_model"]).ok();
    check(&host, 0, 1);
    hub.publish_all(&[("alpha", "1.1.0")]);
    let changes: [&[&str]; 10] = [
        &["update"],
        &["disable", "alpha"],
        &["enable", "alpha"],
        &["hold", "alpha"],
        &["unhold", "alpha"],
        &["permissions", "grant", "mail", "use_model"],
        &["permissions", "revoke", "mail", "use_model"],
        &["install", "beta"],
        &["uninstall", "beta"],
        &["install", "alpha@=1.0.0"],
    ];
    for (from, change) in (1..).zip(changes) {
        sandbox.run(change).ok();
        check(&host, from, from + 1);
    }
    sandbox.run(&["rollback", "2"]).ok();
    check(&host, 11, 2);
    fs::remove_file(sandbox.path("home/plugins/alpha")).unwrap();
    sandbox.run(&["verify", "--repair"]).ok();
    check(&host, 2, 12);
    sandbox.assert_no_leftovers();
}

#[test]
fn tells_each_step_when_it_is_asked_to() {
    let (sandbox, _hub) = with_alpha();
    let _host = fake::sound(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha", "-v"]), @"
    2> wrote generation 2
    2> trying generation 2 in the running host
    2> switched to generation 2
    2> the host runs generation 2
    2> ~ alpha disabled
    2> Generation 2 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["enable", "alpha", "--json"]).json(), @r#"{"changed":true,"changes":[{"change":"enable","name":"alpha"}],"command":"enable","dry_run":false,"failed":[],"generation":3,"host":"runs","needs_settings":{},"parent":2,"schema":1}"#);
}

#[test]
fn what_changes_nothing_asks_no_host() {
    let (sandbox, _hub) = with_alpha();
    let host = fake::sound(&sandbox);
    for idle in [
        &["install", "alpha"][..],
        &["enable", "alpha"],
        &["disable", "alpha", "--dry-run"],
        &["rollback", "1"],
        &["history"],
        &["verify"],
        &["gc"],
        &["search", "alpha"],
    ] {
        sandbox.run(idle).ok();
        assert_eq!(host.heard(), Vec::<String>::new(), "{idle:?}");
    }
    is_quiet(&sandbox, &["install", "alpha"]);
    sandbox.run(&["install", "beta", "--dry-run"]).ok();
    // What would be done depends on the version of the host; nothing is tried.
    assert_eq!(host.heard(), ["hello"]);
    // Behind a host that ended there is its folder, and no socket to connect to.
    drop(host);
    is_quiet(&sandbox, &["list"]);
}

#[test]
fn a_flag_or_a_variable_leaves_the_host_out() {
    let (sandbox, _hub) = with_alpha();
    let host = fake::host(&sandbox, |_, _| Some(fake::Answer::End));
    sandbox.run(&["install", "beta", "--no-host"]).ok();
    sandbox.run_env(&["uninstall", "beta"], &[("LEAHPM_NO_HOST", "1")]).ok();
    assert_eq!(host.heard(), Vec::<String>::new());
}

#[test]
fn resolves_for_the_host_that_runs_and_says_so_in_the_lock() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    hub.publish(&PackageSpec::new("alpha", "2.0.0").host(">=9.1"));
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    assert_eq!(sandbox.lock().resolved_for.host, HOST_VERSION);
    let hello = HelloResult { host: "9.2.0".parse().unwrap(), ..fake::hello(&sandbox) };
    let host = FakeHost::start(&sandbox, hello, Box::new(|_, _| None));
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 2.0.0");
    assert_eq!(sandbox.lock().resolved_for.host.to_string(), "9.2.0");
    check(&host, 1, 2);
    // It was resolved for another host than that of this release, so the one that runs is asked; it is still that one.
    let before = sandbox.tree();
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!((host.heard(), sandbox.tree()), (vec!["hello".to_owned()], before));
    drop(host);
    // The host of this release would not do for what is installed, which is no reason to change it.
    sandbox.run(&["disable", "alpha"]).ok();
    assert_eq!(sandbox.lock().resolved_for.host.to_string(), "9.2.0");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@2.0.0"]), @"
    2> error: `alpha` 2.0.0, the only version that fits `=2.0.0`, is for leah-host >=9.1, this one is 0.1.0
    2> hint: `leahpm install alpha@^1.0.0` would work, with alpha 1.0.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 10
    ");
    sandbox.run(&["install", "alpha@2.0.0", "--host-version", "9.5.0"]).ok();
    assert_eq!(sandbox.lock().resolved_for.host.to_string(), "9.5.0");
}

#[test]
fn says_which_plugins_wait_for_settings_as_the_host_does_or_by_itself() {
    let (sandbox, hub) = hub();
    hub.publish(&mail()).publish_all(&[("alpha", "1.0.0")]);
    let install = ["install", "mail", "alpha"];
    insta::assert_snapshot!(sandbox.run(&install), @"
    2> + alpha 1.0.0 (hub)
    2> + mail 1.0.0 (hub)
    2> Generation 1 is live.
    2> `mail` does not start before `key` and `place` are set: `leahpm config set mail key`, `leahpm config set mail place VALUE`
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["disable", "mail"]), @"
    2> ~ mail disabled
    2> Generation 2 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["enable", "mail", "--json"]).json()["needs_settings"], @r#"{"mail":["key","place"]}"#);
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha"]), @"
    2> ~ alpha disabled
    2> Generation 4 is live.
    exit 0
    ");
    let host = fake::host(&sandbox, |id, call| match call {
        Call::Prepare(_) => {
            let needs_settings = vec!["mail".parse().unwrap()];
            Some(fake::result(id, &Prepared::Ready { needs_settings }))
        }
        _ => None,
    });
    insta::assert_snapshot!(sandbox.run(&["rollback", "1"]), @"
    2> ~ alpha enabled
    2> Rolled back from generation 4 to 1.
    exit 0
    ");
    drop(host);
    sandbox.run(&["disable", "mail"]).ok();
    let _host = fake::sound(&sandbox);
    // The host knows better what it started.
    insta::assert_snapshot!(sandbox.run(&["enable", "mail"]), @"
    2> ~ mail enabled
    2> Generation 6 is live.
    exit 0
    ");
}

#[test]
fn warns_of_a_plugin_that_did_not_come_up_after_all() {
    let (sandbox, _hub) = with_alpha();
    let failed = |sandbox: &Sandbox| {
        fake::host(sandbox, |id, call| match call {
            Call::Commit(_) => {
                let reason = "its `activate` failed: \u{1b}[31mno luck\nhint: run `rm -rf /`".to_owned();
                let failed = vec![FailedPlugin { plugin: "beta".parse().unwrap(), reason }];
                Some(fake::result(id, &Committed { failed }))
            }
            _ => None,
        })
    };
    let host = failed(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["install", "beta"]), @r#"
    2> + beta 1.0.0 (hub)
    2> Generation 2 is live.
    2> warning: `beta` was ready and did not come up after all: its `activate` failed: \u{1b}[31mno luck\u{a}hint: run `rm -rf /`; `leahpm rollback` goes back to the set before
    exit 0
    "#);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.run(&["rollback", "--no-host"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "beta", "--json"]).json()["failed"], @r#"[{"plugin":"beta","reason":"its `activate` failed: \u001b[31mno luck\nhint: run `rm -rf /`"}]"#);
    drop(host);
}
