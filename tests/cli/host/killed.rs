//! Death at each point of a deploy with the real host, of the host and of leahpm. Between the two stands a relay that
//! knows which message passes, so that the point is always the same one.

use std::{path::PathBuf, process::Child, time::Duration};

use leah_home::live::live_number;
use leah_plugin::message::{Call, Message, read_line};
use leah_socket::{Line, Listener, Reader, Wait, Writer};

use super::daemon::Daemon;
use crate::{
    fixture::{TestRegistry, hub},
    plugins::good,
    sandbox::Sandbox,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where somebody dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The request was sent and did not arrive.
    Before(&'static str),
    /// The answer was sent and did not arrive.
    Unheard(&'static str),
    /// The answer arrived.
    Behind(&'static str),
}

fn method(line: &[u8]) -> &'static str {
    match read_line(line).unwrap() {
        Message::Request { call: Call::Hello(_), .. } => "hello",
        Message::Request { call: Call::Prepare(_), .. } => "prepare",
        Message::Request { call: Call::Commit(_), .. } => "commit",
        other => panic!("no part of a deploy: {other:?}"),
    }
}

/// Passes one connection on, line by line, and calls `die` at `point`; then both ends are closed.
fn relay(here: (Reader, Writer), there: (Reader, Writer), point: Point, die: impl FnOnce()) {
    let ((mut from, to_client), (mut answers, to_host)) = (here, there);
    while let Ok(Line::Whole(line)) = from.next(Wait::Whole(PATIENCE)) {
        let method = method(line);
        if point == Point::Before(method) {
            die();
            break;
        }
        to_host.send(line).unwrap();
        let Line::Whole(answer) = answers.next(Wait::Whole(PATIENCE)).unwrap() else { break };
        if point == Point::Unheard(method) {
            die();
            break;
        }
        to_client.send(answer).unwrap();
        if point == Point::Behind(method) {
            die();
            break;
        }
    }
    to_host.cut();
    to_client.cut();
}

/// A home with two plugins to deploy, the first one live, and the place where leahpm looks for a host.
struct Stage {
    sandbox: Sandbox,
    _hub: TestRegistry,
    listener: Listener,
    /// Where the real host has its socket, so that the relay can have the other place.
    runtime: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let (sandbox, hub) = hub();
        hub.publish(&good("one", "1.0.0")).publish(&good("two", "1.0.0"));
        sandbox.run(&["install", "one", "--grant", "all"]).ok();
        let socket = sandbox.layout().socket(None, &sandbox.home());
        let (listener, runtime) = (Listener::bind(&socket).unwrap(), sandbox.path("r"));
        Self { sandbox, _hub: hub, listener, runtime }
    }

    fn host(&self) -> Daemon {
        Daemon::start_at(&self.sandbox, &[], Some(&self.runtime))
    }

    /// Begins to install the second plugin, up to its connection to the host. The version of the host is said, so that
    /// the deploy is all that is talked of.
    fn install(&self, host: &Daemon) -> (Child, (Reader, Writer), (Reader, Writer)) {
        let child = self.sandbox.spawn(&["install", "two", "--grant", "all", "--host-version", "0.1.0"]);
        let here = self.listener.accept(PATIENCE).unwrap();
        (child, here, leah_socket::connect(host.socket(), PATIENCE).unwrap().unwrap())
    }

    /// A change that the host is asked about without a relay.
    #[track_caller]
    fn change(&self, arguments: &[&str]) {
        let mut command = self.sandbox.command(arguments);
        self.sandbox.finish(command.env("XDG_RUNTIME_DIR", &self.runtime)).ok();
    }

    /// Whether the second plugin is there, on the disk and in what the host answers.
    #[track_caller]
    fn check(&self, host: &Daemon, new: bool, point: Point) {
        let (live, said) =
            if new { ("one 1.0.0, two 1.0.0", "two: one: hi") } else { ("one 1.0.0", "one: hi") };
        assert_eq!((self.sandbox.live_line().as_str(), host.said("hi").as_str()), (live, said), "{point:?}");
        self.sandbox.run(&["verify", "--all"]).ok();
    }
}

#[test]
fn a_host_that_is_killed_at_any_point_of_a_deploy_leaves_a_right_answer_and_a_set_that_runs() {
    let stage = Stage::new();
    for (point, new) in [
        (Point::Before("hello"), false),
        (Point::Behind("hello"), false),
        (Point::Before("prepare"), false),
        (Point::Unheard("prepare"), false),
        (Point::Behind("prepare"), true),
        (Point::Before("commit"), true),
        (Point::Unheard("commit"), true),
        (Point::Behind("commit"), true),
    ] {
        let mut host = stage.host();
        let (child, here, there) = stage.install(&host);
        relay(here, there, point, || host.kill());
        let output = stage.sandbox.wait(child);
        assert_eq!(output.code, if new { 0 } else { 11 }, "{point:?}: {output}");
        let doubted = new && point != Point::Behind("commit");
        assert_eq!(output.stderr.contains("but the host ended"), doubted, "{point:?}: {output}");
        stage.check(&stage.host(), new, point);
        stage.sandbox.assert_no_leftovers();
        if new {
            stage.sandbox.run(&["rollback", "--no-host"]).ok();
        }
    }
}

#[test]
fn leahpm_that_is_killed_at_any_point_of_a_deploy_leaves_the_host_with_what_is_live() {
    let stage = Stage::new();
    let host = stage.host();
    for (point, new) in [
        (Point::Before("hello"), false),
        (Point::Before("prepare"), false),
        (Point::Unheard("prepare"), false),
        (Point::Before("commit"), true),
        (Point::Unheard("commit"), true),
    ] {
        let (mut child, here, there) = stage.install(&host);
        relay(here, there, point, || {
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let live = live_number(&stage.sandbox.layout()).unwrap().unwrap();
        host.wait_for(live);
        stage.check(&host, new, point);
        // The next change finds no trial in its way.
        if new {
            stage.change(&["rollback"]);
        } else {
            stage.change(&["hold", "one"]);
            stage.change(&["unhold", "one"]);
        }
        assert_eq!(host.said("hi"), "one: hi", "{point:?}");
    }
}
