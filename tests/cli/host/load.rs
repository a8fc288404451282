//! Deploys while clients call as fast as they can: every call has its answer, and every answer comes from one set as a
//! whole. Some deploys here; a thousand, with a million calls, where LEAHPM_TEST_ALL is set.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use leah_plugin::message::{
    Answer, Call, ChatMessage, HookCall, HookEvent, Outcome, PluginList, PluginState, Role, Verdict,
};
use leah_socket::Client;

use super::daemon::{Daemon, PATIENCE};
use crate::{
    fixture::{TestRegistry, hub},
    plugins::good,
    sandbox::Sandbox,
};

/// Clients that call at the same time.
const CLIENTS: usize = 4;

/// The two sets, each in the order in which its plugins are asked. `zeta` is in both and runs on with its instances.
const SETS: [[&str; 3]; 2] = [["alpha", "beta", "zeta"], ["delta", "gamma", "zeta"]];

/// How much is done: deploys, and calls meanwhile.
fn amount() -> (u64, u64) {
    if std::env::var_os("LEAHPM_TEST_ALL").is_some() { (1_000, 1_000_000) } else { (20, 1_000) }
}

/// A home with a generation for each set: 1 for the first, which is not live, and 3 for the second, which is.
fn two_sets() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    for name in ["alpha", "beta", "delta", "gamma", "zeta"] {
        hub.publish(&good(name, "1.0.0"));
    }
    sandbox.run(&["install", "alpha", "beta", "zeta", "--grant", "all"]).ok();
    sandbox.run(&["install", "delta", "gamma", "--grant", "all"]).ok();
    sandbox.run(&["uninstall", "alpha", "beta"]).ok();
    (sandbox, hub)
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    /// Answers of each of the sets.
    by: [u64; 2],
    /// The longest that one answer took.
    longest: Duration,
}

fn event(number: u64, text: &str) -> HookEvent {
    if number.is_multiple_of(2) {
        HookEvent::OnChatMessage(ChatMessage {
            conversation: "test".into(),
            role: Role::User,
            content: text.into(),
            meta: [].into(),
        })
    } else {
        HookEvent::OnBeforeResponse(Answer {
            conversation: "test".into(),
            prompt: "hi".into(),
            model: "none".into(),
            content: text.into(),
            meta: [].into(),
        })
    }
}

/// What a set makes of a text; every plugin changes it once.
fn changed(set: &[&str], event: &HookEvent, text: &str) -> String {
    set.iter().fold(text.to_owned(), |text, name| match event {
        HookEvent::OnChatMessage(_) => format!("{name}: {text}"),
        _ => format!("{text} ({name})"),
    })
}

/// Which of the sets gave an answer. Ends the test unless it was one of them, and none but it.
#[track_caller]
fn set_of(outcome: &Outcome, event: &HookEvent, text: &str) -> usize {
    let by: Vec<&str> = outcome.by.iter().map(|name| name.as_str()).collect();
    let set = SETS.iter().position(|set| by == set);
    let set = set.unwrap_or_else(|| panic!("not one of the sets answered: {outcome:?}"));
    let content = changed(&SETS[set], event, text);
    assert_eq!(outcome.verdict, Verdict::Replace { content }, "{outcome:?}");
    set
}

fn call(client: &mut Client, event: HookEvent) -> Outcome {
    let call = HookCall { event, deadline_ms: None };
    client.call(&Call::HooksCall(call), PATIENCE).unwrap()
}

/// Calls on one connection until it is over. Every call counts into `calls`.
fn call_on(host: &Daemon, calls: &AtomicU64, over: &AtomicBool) -> Seen {
    let (mut client, _) = host.client();
    let mut seen = Seen::default();
    while !over.load(Ordering::Relaxed) {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        let text = format!("text {number}");
        let event = event(number, &text);
        let began = Instant::now();
        let outcome = call(&mut client, event.clone());
        seen.longest = seen.longest.max(began.elapsed());
        seen.by[set_of(&outcome, &event, &text)] += 1;
    }
    seen
}

/// Says that it is over, also where a deploy ends the test.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes the one set live and the other in turn, until there were so many deploys and calls. Answers the deploys.
fn deploy_on(sandbox: &Sandbox, host: &Daemon, calls: &AtomicU64, over: &AtomicBool) -> u64 {
    let (deploys, enough) = amount();
    let _over = Over(over);
    let (mut client, _) = host.client();
    let mut done = 0;
    while done < deploys || calls.load(Ordering::Relaxed) < enough {
        let set = if done.is_multiple_of(2) { 0 } else { 1 };
        let told = sandbox.run(&["rollback", ["1", "3"][set], "--json"]).ok().json();
        assert_eq!((&told["host"], &told["failed"]), (&"runs".into(), &serde_json::json!([])));
        // Who was told that it runs finds it so.
        let event = event(done, "hi");
        let outcome = call(&mut client, event.clone());
        assert_eq!(set_of(&outcome, &event, "hi"), set);
        done += 1;
    }
    done
}

/// Memory in KiB and open files of the host.
fn holds(host: &Daemon) -> Option<(u64, usize)> {
    let process = format!("/proc/{}", host.id());
    let status = std::fs::read_to_string(format!("{process}/status")).ok()?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let memory = memory.trim().trim_end_matches(" kB").parse().unwrap();
    Some((memory, std::fs::read_dir(format!("{process}/fd")).ok()?.count()))
}

#[test]
fn no_call_fails_and_none_is_answered_by_half_a_set_while_sets_change() {
    let (sandbox, _hub) = two_sets();
    let host = Daemon::start(&sandbox);
    let before = holds(&host);
    let (calls, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let began = Instant::now();
    let (deploys, seen) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| call_on(&host, &calls, &over))).collect();
        let deploys = deploy_on(&sandbox, &host, &calls, &over);
        (deploys, clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>())
    });
    let by = seen.iter().fold([0, 0], |[a, b], seen| [a + seen.by[0], b + seen.by[1]]);
    let longest = seen.iter().map(|seen| seen.longest).max().unwrap();
    println!(
        "{deploys} deploys, {} calls of {CLIENTS} clients in {:.1} s: {by:?} by each set, 0 failed, 0 by half a set, \
         the slowest {longest:.1?}; memory and open files {before:?} before, {:?} behind",
        by[0] + by[1],
        began.elapsed().as_secs_f32(),
        holds(&host)
    );
    assert!(by[0] > 0 && by[1] > 0, "both sets answered: {by:?}");
    let list: PluginList = host.client().0.call(&Call::PluginsList, PATIENCE).unwrap();
    for plugin in list.plugins {
        assert_eq!((plugin.state, plugin.faults), (PluginState::Running, 0), "{}", plugin.name);
    }
    // What left is gone with its files and its locks.
    if let (Some((_, before)), Some((_, now))) = (before, holds(&host)) {
        assert!(now <= before + 4, "{before} files were open, and now {now}");
    }
    sandbox.assert_no_leftovers();
}
