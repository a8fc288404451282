//! An install is a deploy: what became live answers at once, without a restart. Measured from the rename of the link.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::daemon::Daemon;
use crate::{fixture::hub, plugins::good, sandbox::Sandbox};

/// The most that may lie between the rename and the first answer of the new set, on a machine with nothing else to do;
/// where tests run there is always something else, and half of the changes may take longer.
const SOON: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 100 });

/// Makes a change while `hi` is said to the host all the time, until it answers `expected`. Answers how long that was
/// after the rename, at most.
#[track_caller]
fn takes(sandbox: &Sandbox, host: &Daemon, arguments: &[&str], expected: &str) -> Duration {
    let link = sandbox.layout().plugins();
    let before = fs::read_link(&link).ok();
    let mut client = host.client().0;
    let mut child = sandbox.spawn(arguments);
    let mut not_renamed = Instant::now();
    loop {
        let over = child.try_wait().unwrap().is_some();
        let looked = Instant::now();
        if fs::read_link(&link).ok() == before {
            not_renamed = looked;
        }
        if Daemon::said_on(&mut client, "hi") == expected {
            break;
        }
        assert!(!over, "`leahpm {}` ended, and the answer is not there", arguments.join(" "));
    }
    let took = not_renamed.elapsed();
    assert_ne!(fs::read_link(&link).ok(), before, "it answered before it was live");
    sandbox.wait(child).ok();
    println!("{:>7.1} ms behind the rename: leahpm {}", took.as_secs_f64() * 1e3, arguments.join(" "));
    took
}

#[test]
fn what_is_made_live_answers_at_once_and_never_before() {
    let (sandbox, hub) = hub();
    hub.publish(&good("good", "1.0.0")).publish(&good("other", "1.0.0"));
    let host = Daemon::start(&sandbox);
    let changes: [(&[&str], &str); 9] = [
        (&["install", "good", "--grant", "all"], "good: hi"),
        (&["config", "set", "good", "word", "nice"], "nice: hi"),
        (&["disable", "good"], "hi"),
        (&["rollback"], "nice: hi"),
        (&["install", "other", "--grant", "all"], "other: nice: hi"),
        (&["rollback"], "nice: hi"),
        (&["rollback", "1"], "good: hi"),
        (&["permissions", "revoke", "good", "modify_messages"], "hi"),
        (&["rollback", "2"], "nice: hi"),
    ];
    let mut times = changes.map(|(arguments, expected)| takes(&sandbox, &host, arguments, expected));
    times.sort();
    println!("{:>7.1} ms in the middle", times[times.len() / 2].as_secs_f64() * 1e3);
    assert!(times[times.len() / 2] <= SOON, "{times:?}");
    sandbox.assert_no_leftovers();
}
