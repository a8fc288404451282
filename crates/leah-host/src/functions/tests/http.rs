//! `http`: exactly the hosts that were granted.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use super::*;
use crate::bindings::leah::plugin::http::Host;

/// A server that gives each question the same answer, and its address.
pub(super) fn server(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            read_request(&mut stream);
            // A client that is gone wants no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads a head, and as much body as it says.
pub(super) fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        text.push(byte[0]);
    }
    let mut text = String::from_utf8(text).unwrap().to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    text += std::str::from_utf8(&body).unwrap();
    text
}

#[test]
fn a_granted_address_is_reached_and_its_neighbours_are_not() {
    let (granted, other) = (server(ok("hello")), server(ok("secret")));
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([{ "network_access": [granted] }]));
    let reply = plugin.live().send(request(&format!("http://{granted}/x"))).unwrap();
    assert_eq!((reply.status, reply.body), (200, b"hello".to_vec()));
    let port = granted.rsplit_once(':').unwrap().1;
    for host in [other, format!("127.0.0.2:{port}"), format!("localhost:{port}"), "127.0.0.1".to_owned()] {
        let reply = plugin.live().send(request(&format!("http://{host}/x")));
        assert!(matches!(reply, Err(Error::Denied)), "{host}: {reply:?}");
    }
}

#[test]
fn a_plugin_that_may_reach_public_hosts_reaches_none_inside() {
    let inside = server(ok("secret"));
    let port = inside.rsplit_once(':').unwrap().1;
    let bench = Bench::new();
    let plugin = bench.plugin(&json!(["network_access"]));
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.1", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"]
    {
        let reply = plugin.live().send(request(&format!("http://{host}:{port}/")));
        assert!(matches!(reply, Err(Error::Denied)), "{host}: {reply:?}");
    }
    let (level, line) = bench.lines().remove(0);
    assert_eq!((level, line), (Level::Info, format!("a request to `http://127.0.0.1:{port}/` was denied")));
}

#[test]
fn a_redirect_to_a_host_that_was_not_granted_is_denied() {
    let secret = server(ok("secret"));
    let first = server(format!("HTTP/1.1 302 X\r\nLocation: http://{secret}/\r\nContent-Length: 0\r\n\r\n"));
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([{ "network_access": [first] }]));
    let reply = plugin.live().send(request(&format!("http://{first}/")));
    assert!(matches!(reply, Err(Error::Denied)), "{reply:?}");
}

#[test]
fn what_makes_no_sense_is_invalid_and_what_is_too_large_is_that() {
    let large = server(ok(&"x".repeat(2_000)));
    let bench = Bench::new();
    let limits = Limits { response: 1_000, ..Limits::default() };
    let plugin = bench.limited(&json!([{ "network_access": [large] }]), limits);
    let url = format!("http://{large}/");
    assert!(matches!(plugin.live().send(request(&url)), Err(Error::TooLarge)));
    let header = ("a".to_owned(), "b\r\nhost: evil".to_owned());
    let evil = http_api::Request { headers: vec![header], ..request(&url) };
    assert!(matches!(plugin.live().send(evil), Err(Error::Invalid(_))));
    assert!(matches!(plugin.live().send(request("file:///etc/passwd")), Err(Error::Invalid(_))));
}

#[test]
fn a_server_that_is_not_there_is_a_failure_with_a_reason() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([{ "network_access": [address] }]));
    let Err(Error::Failed(text)) = plugin.live().send(request(&format!("http://{address}/"))) else {
        panic!()
    };
    assert!(text.starts_with("no connection to the server: Connection refused"), "{text}");
}
