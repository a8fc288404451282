//! A host that is late, busy, confused or dies at some point of a change: leahpm ends in bounded time, and what it says
//! of the live set is so.

use std::{fs, os::unix::net::UnixListener};

use leah_plugin::message::{Call, Committed, FaultCode};

use super::{
    fake::{self, Answer, FakeHost},
    refuses::changes_nothing,
    with_alpha,
};
use crate::{fixture::hub, sandbox::Sandbox};

/// What a call is, for a script that does something at one of them.
fn method(call: &Call) -> &'static str {
    match call {
        Call::Hello(_) => "hello",
        Call::Prepare(_) => "prepare",
        Call::Commit(_) => "commit",
        _ => "another",
    }
}

/// A host that does `answer` at `point` and is sound before.
fn failing(sandbox: &Sandbox, point: &'static str, answer: impl Fn() -> Answer + Send + 'static) -> FakeHost {
    fake::host(sandbox, move |_, call| (method(call) == point).then(&answer))
}

#[test]
fn a_host_that_does_not_answer_in_time_changes_nothing() {
    let (sandbox, _hub) = with_alpha();
    let host = failing(&sandbox, "hello", || Answer::Silence);
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha", "--host-wait", "1"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host did not say who it is within 1s
    2> hint: `--host-wait SECONDS` waits longer
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    let host = failing(&sandbox, "prepare", || Answer::Silence);
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha", "--host-wait", "1"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host did not try generation 2 within 1s
    2> hint: `--host-wait SECONDS` waits longer
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    assert_eq!(host.heard(), ["hello", "prepare 2 while 1 is live"]);
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha", "--no-host"]), @"
    2> ~ alpha disabled
    2> Generation 2 is live.
    exit 0
    ");
}

#[test]
fn a_host_that_dies_before_the_switch_changes_nothing() {
    let (sandbox, _hub) = with_alpha();
    let host = failing(&sandbox, "hello", || Answer::End);
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host ended before it could say who it is
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    let host = failing(&sandbox, "prepare", || Answer::End);
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host ended before it could try generation 2
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    // What a dead host leaves is a file that nobody listens at.
    let socket = sandbox.layout().socket(None, &sandbox.home());
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha"]), @"
    2> ~ alpha disabled
    2> Generation 2 is live.
    exit 0
    ");
}

#[test]
fn a_host_that_dies_or_falls_silent_behind_the_switch_leaves_a_change_that_is_live() {
    let (sandbox, _hub) = with_alpha();
    let host = failing(&sandbox, "commit", || Answer::End);
    insta::assert_snapshot!(sandbox.run(&["install", "beta"]), @"
    2> + beta 1.0.0 (hub)
    2> Generation 2 is live.
    2> Generation 2 is live, but the host ended before it could confirm that it runs generation 2. A host finds by itself what is live; `leahpm host status` shows what it runs.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    drop(host);
    let host = failing(&sandbox, "commit", || Answer::Silence);
    insta::assert_snapshot!(sandbox.run(&["disable", "beta", "--host-wait", "1"]), @"
    2> ~ beta disabled
    2> Generation 3 is live.
    2> Generation 3 is live, but the host did not confirm that it runs generation 3 within 1s. A host finds by itself what is live; `leahpm host status` shows what it runs.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    drop(host);
    let _host = failing(&sandbox, "commit", || Answer::Fault(FaultCode::NotPrepared));
    insta::assert_snapshot!(sandbox.run(&["rollback", "--json"]), @r#"
    1> {"changed":true,"changes":[{"change":"enable","name":"beta"}],"command":"rollback","dry_run":false,"failed":[],"from":3,"generation":2,"host":"unconfirmed","needs_settings":{},"schema":1}
    2> Generation 2 is live, but the host could not confirm that it runs generation 2: as the test wants it. A host finds by itself what is live; `leahpm host status` shows what it runs.
    exit 0
    "#);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    sandbox.assert_no_leftovers();
}

#[test]
fn nonsense_from_a_host_is_told_as_such() {
    let (sandbox, _hub) = with_alpha();
    for nonsense in
        [&b"nonsense\n"[..], b"\n", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n", b"\xff\xfe\n"]
    {
        let host = failing(&sandbox, "hello", move || Answer::Line(nonsense.into()));
        changes_nothing(&sandbox, &["disable", "alpha"]);
        drop(host);
    }
    let host = failing(&sandbox, "prepare", || {
        Answer::Line(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":7}\n".into())
    });
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host could not try generation 2
    2> caused by: the host and this program do not understand each other
    2> caused by: the line is not JSON
    2> caused by: invalid type: integer `7`, expected internally tagged enum Prepared at line 1 column 1
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    let host = failing(&sandbox, "prepare", || Answer::Fault(FaultCode::Internal));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host could not try generation 2
    2> caused by: as the test wants it
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    // A line without an end.
    let _host = failing(&sandbox, "hello", || Answer::Line(vec![b' '; 5 << 20]));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha", "--host-wait", "2"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host could not say who it is
    2> caused by: cannot read from the host
    2> caused by: a line has at most 4194304 bytes
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
}

#[test]
fn waits_for_a_host_that_is_busy_and_not_for_ever() {
    let (sandbox, _hub) = with_alpha();
    let mut busy = 2;
    let host = fake::host(&sandbox, move |_, call| {
        let is_busy = method(call) == "prepare" && busy > 0;
        busy -= i32::from(is_busy);
        is_busy.then_some(Answer::Fault(FaultCode::Busy))
    });
    insta::assert_snapshot!(sandbox.run(&["disable", "alpha"]), @"
    2> Waiting for the host to finish another change …
    2> ~ alpha disabled
    2> Generation 2 is live.
    exit 0
    ");
    let tried = "prepare 2 while 1 is live";
    assert_eq!(host.heard(), ["hello", tried, tried, tried, "commit 2 while 2 is live"]);
    drop(host);
    let _host = failing(&sandbox, "prepare", || Answer::Fault(FaultCode::Busy));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["enable", "alpha", "--host-wait", "1"]), @"
    2> Waiting for the host to finish another change …
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host is busy with another change, for more than 1s
    2> hint: `--host-wait SECONDS` waits longer
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
}

#[test]
fn a_home_whose_path_no_socket_can_have_is_no_obstacle() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    let home = sandbox.path("long".repeat(30));
    fs::create_dir(&home).unwrap();
    let home = home.to_str().unwrap();
    sandbox.run(&hub.with(&["--home", home, "install", "alpha"])).ok();
    sandbox.run(&["--home", home, "list"]).ok();
}

#[test]
fn answers_that_a_later_release_adds_to_are_understood() {
    let (sandbox, _hub) = with_alpha();
    let _host = fake::host(&sandbox, |id, call| match call {
        Call::Commit(_) => {
            let mut more = serde_json::to_value(Committed::default()).unwrap();
            more["later"] = true.into();
            Some(fake::result(id, &more))
        }
        _ => None,
    });
    sandbox.run(&["disable", "alpha"]).ok();
}
