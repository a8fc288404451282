//! Hosts and homes: a host that is there before its home or before any plugin, two hosts at one home, homes that move.

use std::{fs, os::unix::fs::symlink};

use super::daemon::{Daemon, command};
use crate::{
    fixture::{TestRegistry, hub},
    plugins::good,
    sandbox::Sandbox,
};

const INSTALL: [&str; 4] = ["install", "good", "--grant", "all"];

#[test]
fn a_host_that_was_there_before_its_home_runs_the_first_install() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.home().exists());
    let host = Daemon::start(&sandbox);
    let hello = host.client().1;
    assert_eq!((hello.generation, hello.hooks.len()), (None, 0));
    assert_eq!(host.said("hi"), "hi");
    insta::assert_snapshot!(sandbox.run(&["list"]), @"
    2> No plugins are installed. `leahpm search` shows what there is.
    exit 0
    ");
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&good("good", "1.0.0"));
    hub.add_as_default(&sandbox);
    insta::assert_snapshot!(sandbox.run(&INSTALL), @"
    2> + good 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!((host.said("hi").as_str(), host.client().1.generation), ("good: hi", Some(1)));
    sandbox.run(&["uninstall", "good"]).ok();
    assert_eq!((host.said("hi").as_str(), host.client().1.generation), ("hi", Some(2)));
    sandbox.assert_no_leftovers();
}

#[test]
fn a_second_host_at_a_home_says_who_is_first_and_changes_nothing_for_it() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0"));
    sandbox.run(&INSTALL).ok();
    let host = Daemon::start(&sandbox);
    let refused = sandbox.finish(&mut command(&sandbox, &["serve"]));
    insta::assert_snapshot!(refused, @"
    2> error: another host serves `[HOME]` already
    2> hint: one host serves a home: `leah-host status` shows what it runs
    exit 12
    ");
    symlink(sandbox.home(), sandbox.path("link")).unwrap();
    sandbox.finish(&mut command(&sandbox, &["serve", "--home", "link"])).fails(12);
    assert_eq!(host.said("hi"), "good: hi");
    // By either name of the home it is this host that is asked.
    sandbox.run(&["disable", "good", "--home", "link"]).ok();
    assert_eq!(host.said("hi"), "hi");
}

#[test]
fn a_host_whose_home_was_moved_away_goes_on_and_takes_no_other_for_it() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0")).publish(&good("other", "1.0.0"));
    sandbox.run(&INSTALL).ok();
    let runtime = sandbox.path("r");
    let host = Daemon::start_at(&sandbox, &[], Some(&runtime));
    let environment = [("XDG_RUNTIME_DIR", runtime.to_str().unwrap())];
    sandbox.redact(host.socket().file_name().unwrap().display(), "[SOCKET]");
    let log = host.log();
    let moved = sandbox.path("moved");
    fs::rename(sandbox.home(), &moved).unwrap();
    // Another home comes to the place; the socket belongs to the path, and the host does not serve this folder.
    hub.add_as_default(&sandbox);
    insta::assert_snapshot!(sandbox.run_env(&["install", "other", "--grant", "all"], &environment), @"
    2> error: the host at `[DIR]/r/leah/[SOCKET]` serves another folder than `[HOME]`
    2> hint: start `leah-host serve` anew
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    sandbox.run_env(&["install", "other", "--grant", "all", "--no-host"], &environment).ok();
    sandbox.run_env(&["install", "good", "--grant", "all", "--no-host"], &environment).ok();
    Daemon::wait_for_line(log, "another folder stands where its home was");
    assert_eq!((host.said("hi").as_str(), host.client().1.generation), ("good: hi", Some(1)));
    // The first one ends well, and takes nothing with it that is not its own.
    let here = Daemon::start_at(&sandbox, &[], Some(&runtime));
    assert_eq!(here.said("hi"), "other: good: hi");
    host.end();
    assert_eq!(here.said("hi"), "other: good: hi");
    drop(here);
    fs::rename(sandbox.home(), sandbox.path("another")).unwrap();
    fs::rename(&moved, sandbox.home()).unwrap();
    let host = Daemon::start_at(&sandbox, &[], Some(&runtime));
    sandbox.run_env(&["disable", "good"], &environment).ok();
    assert_eq!(host.said("hi"), "hi");
}
