//! A registry whose server misbehaves, at every request of an install in turn: it takes no longer, reads no more and
//! needs no more memory than it must, says so with exit code 6, leaves nothing behind, and the same install works as
//! soon as the server does.

pub mod server;

use std::{
    collections::BTreeSet,
    fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use crate::{
    attacks::server::{Liar, body},
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Output, Sandbox, start, tree_of},
};
use server::{Hostile, Misdeed, Plot, Times};

/// What a run may take at most. The program waits a second for a byte and asks four times, with pauses; the rest is for
/// a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// What a server gets rid of at most, in bytes: what the client reads and what the system holds for both.
const MOST_SENT: u64 = 16 << 20;

/// What a run may have in memory, in bytes, stacks of threads included; an endless answer would need more.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 128 << 20;

/// A registry in a sandbox of its own, with what an install asks of it.
struct Scene {
    _sandbox: Sandbox,
    hub: TestRegistry,
    paths: BTreeSet<String>,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let hub = TestRegistry::new(&sandbox, "hub");
        hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1.0"));
        hub.publish_all(&[("beta", "1.0.0")]);
        let server = Hostile::start(&hub.folder, None);
        install(&Sandbox::new(), &hub, &server).ok();
        let paths = server.asked().into_iter().collect();
        Self { _sandbox: sandbox, hub, paths }
    }

    /// Installs once for each of these misdeeds in place of each answer, all at the same time, and checks that the
    /// program ends with `code`.
    #[track_caller]
    fn check(&self, misdeeds: &[Misdeed], times: Times, code: i32) {
        let plots = misdeeds.iter().flat_map(|misdeed| {
            self.paths.iter().map(|path| Plot { path: path.clone(), misdeed: *misdeed, times })
        });
        thread::scope(|scope| {
            let all: Vec<_> = plots.map(|plot| scope.spawn(|| self.check_one(plot, code))).collect();
            let failed = all.into_iter().filter_map(|one| one.join().err()).count();
            assert_eq!(failed, 0, "{misdeeds:?} {times:?}");
        });
    }

    fn check_one(&self, plot: Plot, code: i32) {
        let name = format!("{plot:?}");
        let sandbox = Sandbox::new();
        let server = Hostile::start(&self.hub.folder, Some(plot));
        let started = Instant::now();
        let output = install(&sandbox, &self.hub, &server);
        assert!(started.elapsed() < LONGEST, "{name}: {:?}", started.elapsed());
        assert!(server.sent() < MOST_SENT, "{name}: {}", server.sent());
        assert_eq!(output.code, code, "{name}: {output}");
        assert!(server.has_struck(), "{name}");
        if code != 0 {
            assert_eq!(sandbox.live_line(), "", "{name}");
            assert_eq!(left_behind(&sandbox), Vec::<String>::new(), "{name}");
            server.repent();
            install(&sandbox, &self.hub, &server).ok();
        }
        assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0", "{name}");
        assert_eq!(left_behind(&sandbox), Vec::<String>::new(), "{name}");
    }
}

/// Installs from a server, with little patience and little memory.
fn install(sandbox: &Sandbox, hub: &TestRegistry, server: &Hostile) -> Output {
    let (url, key) = (server.url(), hub.root_key().to_string());
    let line = ["install", "alpha", "--registry", &url, "--key", &key];
    let child = start(sandbox.command(&line).env("LEAHPM_TIMEOUT", "1"));
    limit_memory(&child);
    sandbox.wait(child)
}

/// Limits what a program that has just started may have in memory: beyond it, it is ended by an abort.
#[cfg(target_os = "linux")]
fn limit_memory(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let limit = Rlimit { current: Some(MOST_MEMORY), maximum: Some(MOST_MEMORY) };
    prlimit(Some(Pid::from_child(child)), Resource::Data, limit).unwrap();
}

/// Only Linux can limit another process.
#[cfg(not(target_os = "linux"))]
fn limit_memory(_: &Child) {}

/// What is in the home or the cache and should not be: unfinished files have hidden names.
fn left_behind(sandbox: &Sandbox) -> Vec<String> {
    let user = tree_of(&sandbox.path("user"));
    let unfinished = user.into_keys().filter(|path| path.contains("/."));
    sandbox.leftovers().into_iter().chain(unfinished).collect()
}

#[test]
fn an_install_asks_for_roots_head_nodes_records_and_archives() {
    let kinds: BTreeSet<String> =
        Scene::new().paths.iter().map(|path| path.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["head", "objects", "packages", "root"].map(str::to_owned).into());
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    Scene::new().check(&[Misdeed::Hang, Misdeed::HangAfterHead, Misdeed::Drip], Times::Always, 6);
}

#[test]
fn a_server_that_breaks_off_is_given_up() {
    Scene::new().check(&[Misdeed::Cut, Misdeed::Reset], Times::Always, 6);
}

#[test]
fn a_server_that_breaks_off_without_a_length_is_given_up() {
    // Nobody can know that it was cut, but it is not what was signed.
    Scene::new().check(&[Misdeed::CutWithoutLength], Times::Always, 6);
}

#[test]
fn a_server_that_sends_in_circles_is_given_up() {
    Scene::new().check(&[Misdeed::Circle], Times::Always, 6);
}

#[test]
fn a_server_that_sends_without_end_is_given_up() {
    Scene::new().check(&[Misdeed::Endless, Misdeed::EndlessHead], Times::Always, 6);
}

#[test]
fn a_server_that_is_always_busy_or_broken_is_given_up() {
    let misdeeds = [None, Some(1), Some(3600)].map(Misdeed::Busy);
    Scene::new().check(&[&misdeeds[..], &[Misdeed::Broken]].concat(), Times::Always, 6);
}

#[test]
fn a_server_that_misbehaves_once_is_asked_again() {
    let silent =
        [Misdeed::Hang, Misdeed::HangAfterHead, Misdeed::Cut, Misdeed::CutWithoutLength, Misdeed::Reset];
    let busy = [Misdeed::Broken, Misdeed::Busy(None), Misdeed::Busy(Some(1))];
    Scene::new().check(&[silent.as_slice(), &busy].concat(), Times::Once, 0);
}

#[test]
fn a_server_that_always_has_another_root_and_takes_its_time_is_given_up() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    let root = fs::read(hub.path("root/1")).unwrap();
    let server = Liar::start(&hub.folder, move |path| {
        let is_more = path.strip_prefix("root/").is_some_and(|serial| serial != "1");
        is_more.then(|| {
            thread::sleep(Duration::from_millis(400));
            body(&root)
        })
    });
    sandbox.redact(&server.url, "[URL]");
    let key = hub.root_key().to_string();
    let line = ["registry", "add", "hub", &server.url, "--key", &key];
    insta::assert_snapshot!(sandbox.run_env(&line, &[("LEAHPM_TIMEOUT", "1")]), @"
    2> error: `[URL]` takes too long to show its roots
    2> hint: run the command again; if it says the same, tell the registry's people
    exit 6
    ");
    assert!(server.asked().len() < 30, "{:?}", server.asked());
}
