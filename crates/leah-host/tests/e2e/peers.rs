//! Peers that are wrong, huge, slow, half gone, too many or deaf: each harms itself alone.

use std::{
    io::{ErrorKind, Write},
    net::Shutdown,
};

use leah_plugin::message::{Call, MAX_LINE_BYTES, ToolList};
use leah_socket::Client;

use crate::sandbox::{HELLO, Sandbox, TIME};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"plugins/list"}"#;

#[test]
fn nothing_is_answered_before_hello_and_another_protocol_is_told_so() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut peer = host.peer();
    assert_eq!(
        peer.asks(LIST),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"the first request is `hello`"}}"#
    );
    assert!(peer.asks(HELLO).starts_with(r#"{"jsonrpc":"2.0","id":0,"result":{"protocol":1,"#));
    assert_eq!(peer.asks(LIST), r#"{"jsonrpc":"2.0","id":1,"result":{"plugins":[]}}"#);
    let mut peer = host.peer();
    assert_eq!(
        peer.asks(&HELLO.replace(r#""protocol":1"#, r#""protocol":7"#)),
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32006,"message":"this host speaks version 1 of the messages, not 7"}}"#
    );
    assert!(peer.is_at_its_end());
}

#[test]
fn malformed_lines_are_answered_and_the_connection_lives() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut peer = host.greeted();
    for line in ["", "{", "[]", "null", "\u{0}", r#"{"jsonrpc":"2.0"}"#, &"[".repeat(100_000)] {
        let answer = peer.asks(line);
        assert!(answer.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32"#), "{line}: {answer}");
    }
    peer.stream.write_all(b"\xff\xfe\n").unwrap();
    assert!(peer.hears().contains("-32700"));
    let unknown = r#"{"jsonrpc":"2.0","id":"x","method":"rm"}"#;
    assert!(peer.asks(unknown).starts_with(r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"#));
    // What needs no answer gets none.
    peer.says(r#"{"jsonrpc":"2.0","method":"rm"}"#);
    peer.says(r#"{"jsonrpc":"2.0","method":"cancel","params":{"id":9}}"#);
    peer.says(r#"{"jsonrpc":"2.0","id":5,"result":{}}"#);
    assert!(peer.asks(LIST).contains(r#""plugins":[]"#));
    host.still_answers();
}

#[test]
fn a_line_without_end_is_cut_off_at_the_limit() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut peer = host.greeted();
    let piece = vec![b'x'; 1 << 20];
    let written = (0..=MAX_LINE_BYTES >> 20).try_for_each(|_| peer.stream.write_all(&piece));
    // The host may have cut the connection before all was written.
    assert!(written.is_ok_and(|()| true) || peer.stream.take_error().is_ok());
    assert!(peer.hears().contains(r#""id":null,"error":{"code":-32007,"#));
    assert!(peer.is_at_its_end());
    host.still_answers();
}

#[test]
fn a_line_that_never_ends_holds_up_nobody() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut slow: Vec<_> = (0..20).map(|_| host.greeted()).collect();
    slow.iter_mut().for_each(|peer| peer.stream.write_all(b"{\"jsonrpc\":").unwrap());
    host.still_answers();
    // One of them goes on after all.
    slow[0].stream.write_all(b"\"2.0\",\"id\":3,\"method\":\"tools/list\"}\n").unwrap();
    assert_eq!(slow[0].hears(), r#"{"jsonrpc":"2.0","id":3,"result":{"tools":[]}}"#);
}

#[test]
fn who_asks_no_more_gets_the_answers_to_what_it_asked() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut peer = host.peer();
    peer.stream.write_all(format!("{HELLO}\n{LIST}\n{LIST}\n").as_bytes()).unwrap();
    peer.stream.shutdown(Shutdown::Write).unwrap();
    assert!(peer.hears().contains(r#""protocol":1"#));
    assert!(peer.hears().contains("plugins") && peer.hears().contains("plugins"));
    assert!(peer.is_at_its_end());
    // Half a line is none.
    let mut peer = host.greeted();
    peer.stream.write_all(b"{\"jsonrpc\"").unwrap();
    peer.stream.shutdown(Shutdown::Write).unwrap();
    assert!(
        peer.hears().contains(r#""code":-32700,"message":"the connection ended in the middle of a line""#)
    );
    assert!(peer.is_at_its_end());
    host.still_answers();
}

#[test]
fn a_thousand_connections_in_a_burst_are_all_served() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..125 {
                    let mut client = Client::connect(&host.socket).unwrap().unwrap();
                    client.hello("burst 1", TIME).unwrap();
                    assert_eq!(client.call::<ToolList>(&Call::ToolsList, TIME).unwrap().tools, []);
                }
            });
        }
    });
    host.still_answers();
}

#[test]
fn a_thousand_connections_that_come_and_go_without_a_word_harm_nobody() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut known = host.greeted();
    for _ in 0..10 {
        let silent: Vec<_> = (0..100).map(|_| host.peer()).collect();
        assert!(known.asks(LIST).contains("plugins"));
        drop(silent);
    }
    host.still_answers();
}

#[test]
fn silent_connections_give_way_and_others_do_not() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut known: Vec<_> = (0..4).map(|_| host.greeted()).collect();
    let _silent: Vec<_> = (0..100).map(|_| host.peer()).collect();
    host.still_answers();
    known.iter_mut().for_each(|peer| assert!(peer.asks(LIST).contains("plugins")));
    // Where all have said who they are, the next one is told that there is no place.
    let known: Vec<_> = (0..60).map(|_| host.greeted()).chain(known).collect();
    let mut one_more = host.peer();
    assert_eq!(
        one_more.hears(),
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32003,"message":"64 connections are open, which is all there may be"}}"#
    );
    assert!(one_more.is_at_its_end());
    drop(known);
    host.still_answers();
}

#[test]
fn a_peer_that_reads_no_answers_holds_up_nobody() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut deaf = host.greeted();
    deaf.stream.set_nonblocking(true).unwrap();
    let lines = format!("{LIST}\n").repeat(1_000);
    // Until neither side takes a byte any more.
    let error = loop {
        if let Err(error) = deaf.stream.write_all(lines.as_bytes()) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    host.still_answers();
}

#[test]
fn the_log_is_told_from_its_last_lines_on_and_to_its_end() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve_with(&["--log-level", "debug"]);
    let mut listener = host.greeted();
    let connected = r#""level":"debug","message":"`test 1` connected"}}"#;
    listener.says(r#"{"jsonrpc":"2.0","id":1,"method":"log/tail","params":{"lines":1}}"#);
    // What was there comes before the answer.
    assert!(listener.hears().ends_with(connected));
    assert_eq!(listener.hears(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    drop(host.greeted());
    assert!(listener.hears().ends_with(connected));
    // A connection that listens is asked like any other, as often as there may be subscriptions.
    for _ in 0..7 {
        let subscribe = r#"{"jsonrpc":"2.0","id":2,"method":"events/subscribe"}"#;
        assert_eq!(listener.asks(subscribe), r#"{"jsonrpc":"2.0","id":2,"result":{}}"#);
    }
    assert!(listener.asks(r#"{"jsonrpc":"2.0","id":3,"method":"events/subscribe"}"#).contains("-32003"));
    host.signal(rustix::process::Signal::TERM);
    let (code, told) = host.ended();
    assert_eq!((code, told.matches("debug `test 1` connected").count()), (Some(0), 2), "{told}");
    assert!(listener.is_at_its_end());
}

#[test]
fn a_generation_that_is_not_there_is_refused_and_one_that_was_not_tried_is_not_switched_to() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let mut peer = host.greeted();
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let step = |method: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"generation":3,"digest":"{digest}"}}}}"#
        )
    };
    assert_eq!(
        peer.asks(&step("prepare")),
        r#"{"jsonrpc":"2.0","id":1,"result":{"outcome":"refused","plugin":null,"reason":"there is no generation 3"}}"#
    );
    for method in ["commit", "abort"] {
        assert_eq!(
            peer.asks(&step(method)),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"generation 3 was not prepared on this connection"}}"#
        );
    }
}
