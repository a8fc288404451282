//! Tests of calls that take long: what else is read meanwhile, and what ends them.

mod served;

use std::sync::mpsc::{Receiver, channel};

use leah_plugin::message::{Done, Fault, Id};
use leah_socket::{Line, Wait, connect};

use super::*;
use crate::{config::Config, control::Control};

const TIME: Duration = Duration::from_secs(20);

/// A connection to a host without plugins, and the end of its peer.
struct Pair {
    connection: Arc<Connection>,
    reader: Option<Reader>,
    peer: (Reader, Writer),
    _home: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let layout = leah_plugin::layout::Layout::new(home.path().join("home"));
        let cache = leah_plugin::layout::CacheLayout::new(home.path().join("cache"));
        let host = Host::start(Config::new(layout, cache)).unwrap();
        let path = home.path().join("run/s");
        let listener = Listener::bind(&path).unwrap();
        let peer = connect(&path, TIME).unwrap().unwrap();
        let (reader, writer) = listener.accept(TIME).unwrap();
        let connection = Connection::new(host, TIME, writer, Slots::new(1).take().unwrap());
        Self { connection, reader: Some(reader), peer, _home: home }
    }

    /// Runs call 1 on a thread of its own, slow until it is interrupted. The receiver hears when it is slow, and at its
    /// end.
    fn slow_call(&mut self) -> Receiver<()> {
        let (tell, told) = channel();
        let connection = Arc::clone(&self.connection);
        let lent = serve::lend(self.reader.take().unwrap());
        thread::spawn(move || {
            serve::run::<Done>(&connection, &lent, Id::Number(1), TIME, |control: &Arc<Control>| {
                control.going_slow();
                tell.send(()).unwrap();
                loop {
                    match control.interrupt() {
                        Some(why) => return Err(Fault::from(why)),
                        None => thread::yield_now(),
                    }
                }
            });
        });
        told
    }

    fn send(&self, line: &str) {
        self.peer.1.send(format!("{line}\n").as_bytes()).unwrap();
    }

    #[track_caller]
    fn hears(&mut self, expect: &str) {
        let Line::Whole(line) = self.peer.0.next(Wait::Whole(TIME)).unwrap() else {
            panic!("the connection ended before {expect}");
        };
        assert_eq!(std::str::from_utf8(line).unwrap().trim_end(), expect);
    }
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
const EMPTY: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}"#;
const CANCEL: &str = r#"{"jsonrpc":"2.0","method":"cancel","params":{"id":1}}"#;
const CANCELLED: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"it was cancelled"}}"#;

#[test]
fn other_requests_are_answered_while_a_call_is_slow_and_it_can_be_cancelled() {
    let mut pair = Pair::new();
    let told = pair.slow_call();
    told.recv().unwrap();
    pair.send(LIST);
    pair.hears(EMPTY);
    pair.send(r#"{"jsonrpc":"2.0","method":"cancel","params":{"id":7}}"#);
    pair.send(LIST);
    pair.hears(EMPTY);
    pair.send(CANCEL);
    pair.hears(CANCELLED);
    pair.send(LIST);
    pair.hears(EMPTY);
    assert_eq!(pair.connection.calls(), 0);
}

#[test]
fn the_end_of_a_connection_ends_its_calls() {
    let mut pair = Pair::new();
    let told = pair.slow_call();
    told.recv().unwrap();
    pair.peer.1.cut();
    // The other end of the channel is dropped with the call.
    assert!(told.recv().is_err());
}

#[test]
fn who_asks_no_more_still_hears_how_its_calls_ended() {
    let mut pair = Pair::new();
    let told = pair.slow_call();
    told.recv().unwrap();
    // The peer's end of reading stays open.
    pair.connection.end();
    pair.hears(CANCELLED);
}

#[test]
fn a_call_beyond_the_limit_is_refused_and_the_connection_lives() {
    let mut pair = Pair::new();
    let controls: Vec<_> = (0..MAX_CALLS).map(|_| Arc::new(Control::new(TIME))).collect();
    controls.iter().for_each(|control| pair.connection.begin(Id::Number(9), control));
    let lent = serve::lend(pair.reader.take().unwrap());
    serve::run::<Done>(&pair.connection, &lent, Id::Number(1), TIME, |_| panic!("it is not run"));
    pair.hears(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"32 calls are under way on this connection, which is all there may be"}}"#,
    );
    pair.connection.finish(&controls[0]);
    serve::run(&pair.connection, &lent, Id::Number(1), TIME, |_| Ok(Done {}));
    pair.hears(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
}

#[test]
fn a_call_that_begins_when_its_connection_has_ended_is_over_at_once() {
    let pair = Pair::new();
    pair.connection.end();
    let control = Arc::new(Control::new(TIME));
    pair.connection.begin(Id::Number(1), &control);
    assert!(control.interrupt().is_some());
    assert_eq!(pair.connection.calls(), 0);
}
