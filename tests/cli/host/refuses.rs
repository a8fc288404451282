//! A set that the running host does not take never becomes live, and leaves nothing behind.

use std::{fs, os::unix::fs::PermissionsExt};

use leah_plugin::message::{Call, FaultCode, HelloResult, HomeId, PROTOCOL, Prepared};

use super::{
    fake::{self, Answer, FakeHost},
    with_alpha,
};
use crate::{
    fixture::{TestRegistry, hub},
    sandbox::{Output, Sandbox},
};

/// A host that refuses every set because of `plugin`.
fn refusing(sandbox: &Sandbox, plugin: Option<&'static str>, reason: &'static str) -> FakeHost {
    fake::host(sandbox, move |id, call| match call {
        Call::Prepare(_) => {
            let plugin = plugin.map(|name| name.parse().unwrap());
            Some(fake::result(id, &Prepared::Refused { plugin, reason: reason.into() }))
        }
        _ => None,
    })
}

/// Runs a command that must change nothing at all.
#[track_caller]
pub(super) fn changes_nothing(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let before = sandbox.tree();
    let output = sandbox.run(arguments);
    assert_eq!(output.code, 11, "{output}");
    assert_eq!(sandbox.tree(), before);
    sandbox.assert_no_leftovers();
    output
}

#[test]
fn names_the_plugin_and_the_reason_and_changes_nothing() {
    let (sandbox, hub) = with_alpha();
    hub.publish_all(&[("alpha", "1.1.0")]);
    let _host = refusing(&sandbox, Some("beta"), "its `initialize` failed: no luck today");
    insta::assert_snapshot!(changes_nothing(&sandbox, &["install", "beta"]), @"
    2> error: `beta` does not start in the running host, so nothing was changed
    2> caused by: its `initialize` failed: no luck today
    2> hint: `leahpm host logs beta` shows what it logged
    exit 11
    ");
    insta::assert_snapshot!(changes_nothing(&sandbox, &["install", "beta", "--json"]).json(), @r#"{"error":{"causes":["its `initialize` failed: no luck today"],"code":11,"details":{},"hint":"`leahpm host logs beta` shows what it logged","hints":["`leahpm host logs beta` shows what it logged"],"message":"`beta` does not start in the running host, so nothing was changed"},"schema":1}"#);
    for change in [&["update"][..], &["disable", "alpha"], &["hold", "alpha"], &["uninstall", "alpha"]] {
        changes_nothing(&sandbox, change);
    }
}

#[test]
fn a_rollback_that_is_refused_leaves_the_live_set_live() {
    let (sandbox, _hub) = with_alpha();
    sandbox.run(&["install", "beta"]).ok();
    let _host = refusing(&sandbox, Some("alpha"), "it is too slow");
    changes_nothing(&sandbox, &["rollback"]);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn a_first_install_that_is_refused_leaves_neither_plugin_nor_registry_nor_pin() {
    let (sandbox, hub) = hub();
    let other = TestRegistry::new(&sandbox, "other");
    other.publish_all(&[("zeta", "1.0.0")]);
    hub.publish_all(&[("alpha", "1.0.0")]);
    let host = refusing(&sandbox, Some("zeta"), "no");
    let pins = |name: &str| sandbox.layout().registry_state(&name.parse().unwrap()).exists();
    let registries = sandbox.read("home/registries.yaml");
    assert_eq!(sandbox.run(&other.with(&["install", "zeta"])).code, 11);
    assert_eq!((sandbox.live_line().as_str(), pins("other")), ("", false));
    assert_eq!(sandbox.read("home/registries.yaml"), registries);
    sandbox.assert_no_leftovers();
    drop(host);
    sandbox.run(&other.with(&["install", "zeta"])).ok();
    assert!(pins("other"));
}

#[test]
fn what_the_host_says_cannot_drive_the_terminal_or_forge_a_hint() {
    let (sandbox, _hub) = with_alpha();
    let _host = refusing(&sandbox, None, "\u{1b}[31mno\nhint: run `rm -rf /`");
    insta::assert_snapshot!(changes_nothing(&sandbox, &["install", "beta"]), @r#"
    2> error: the running host cannot try the new set, so nothing was changed
    2> caused by: \u{1b}[31mno\u{a}hint: run `rm -rf /`
    2> hint: `leahpm host logs` shows what the host logged
    exit 11
    "#);
}

#[test]
fn a_host_of_another_home_is_not_asked_to_try_anything() {
    let (sandbox, _hub) = with_alpha();
    let sound = fake::hello(&sandbox);
    let home = HomeId { inode: sound.home.inode + 1, ..sound.home };
    let host = FakeHost::start(&sandbox, HelloResult { home, ..sound }, Box::new(|_, _| None));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host at `[HOME]/run/[SOCKET]` serves another folder than `[HOME]`
    2> hint: start `leah-host serve` anew
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    assert_eq!(host.heard(), ["hello"]);
}

#[test]
fn a_host_of_another_protocol_is_told_apart_by_its_answer_or_its_refusal() {
    let (sandbox, _hub) = with_alpha();
    let newer = HelloResult { protocol: PROTOCOL + 1, ..fake::hello(&sandbox) };
    let host = FakeHost::start(&sandbox, newer, Box::new(|_, _| None));
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host does not speak version 1 of the protocol, as this leahpm does
    2> hint: start `leah-host serve` anew
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    drop(host);
    let _host = fake::host(&sandbox, |_, call| {
        matches!(call, Call::Hello(_)).then_some(Answer::Fault(FaultCode::Protocol))
    });
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: the host does not speak version 1 of the protocol, as this leahpm does
    2> hint: start `leah-host serve` anew
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
}

#[test]
fn a_socket_in_a_folder_that_others_may_write_is_not_used() {
    let (sandbox, _hub) = with_alpha();
    let host = fake::sound(&sandbox);
    fs::set_permissions(sandbox.path("home/run"), fs::Permissions::from_mode(0o777)).unwrap();
    insta::assert_snapshot!(changes_nothing(&sandbox, &["disable", "alpha"]), @"
    2> error: the running host did not take the change, so nothing was changed
    2> caused by: cannot use `[HOME]/run/[SOCKET]`
    2> caused by: `[HOME]/run` is open to other users (its mode is 777)
    2> hint: close it to others: `chmod 700 [HOME]/run`
    2> hint: `--no-host` makes the change without asking the host, which takes over what is live by itself
    exit 11
    ");
    assert_eq!(host.heard(), Vec::<String>::new());
    sandbox.run(&["disable", "alpha", "--no-host"]).ok();
}
