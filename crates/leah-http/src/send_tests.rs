//! What is sent for somebody who is not trusted, against servers that behave badly, over real sockets.

use std::{
    cell::Cell,
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use url::Url;

use crate::{
    Bounds, Client, Incoming, Invalid, Outgoing, Problem, Reach, SendError, Settings, send,
    test_server::{Question, Server, Then, drip, hang, ok, say},
};

const LONG: Duration = Duration::from_secs(20);

fn everywhere(_: &Url) -> Option<Reach> {
    Some(Reach::Any)
}

fn bounds<'a>(allowed: &'a dyn Fn(&Url) -> Option<Reach>) -> Bounds<'a> {
    Bounds { allowed, limit: 1000, time: LONG, stopped: &|| false }
}

fn client() -> Client {
    Client::new(Settings::default())
}

fn get(url: &str) -> Outgoing<'_> {
    Outgoing { method: "GET", url, headers: &[], body: None }
}

fn fields(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn ask(outgoing: Outgoing<'_>) -> Result<Incoming, SendError> {
    client().send(outgoing, &bounds(&everywhere))
}

/// Reads the body that follows a head.
fn read_body(question: &Question, stream: &mut TcpStream) -> String {
    let length = question.head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    std::io::Read::read_exact(stream, &mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// Says what it was asked with, the body included.
fn echo() -> Server {
    Server::start(|question, stream| {
        let body = read_body(question, stream);
        say(stream, &ok(&format!("{}{body}", question.head)))
    })
}

fn url_of(server: &Server, path: &str) -> String {
    format!("{}{path}", server.base())
}

/// Leads to `to` with this status, whatever is asked.
fn leading(status: u16, to: &str) -> Server {
    let answer = format!("HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    Server::start(move |question, stream| {
        read_body(question, stream);
        say(stream, &answer)
    })
}

fn body(reply: Result<Incoming, SendError>) -> String {
    String::from_utf8(reply.unwrap().body).unwrap()
}

#[test]
fn sends_method_fields_and_body_and_gives_back_the_whole_response() {
    let answer = "HTTP/1.1 418 Teapot\r\nX-One: 1\r\nx-two: 2\r\nContent-Length: 3\r\n\r\nhot";
    let server = Server::start(move |question, stream| {
        assert_eq!(read_body(question, stream), "leaves");
        say(stream, answer)
    });
    let headers = fields(&[("X-Kind", "green"), ("x-kind", "black"), ("Content-Type", "text/plain")]);
    let url = url_of(&server, "pot?size=2");
    let reply = ask(Outgoing { method: "PATCH", url: &url, headers: &headers, body: Some("leaves".into()) });
    let expect = fields(&[("x-one", "1"), ("x-two", "2"), ("content-length", "3")]);
    assert_eq!(reply.unwrap(), Incoming { status: 418, headers: expect, body: "hot".into() });
    let [head] = &server.questions()[..] else { panic!() };
    assert!(head.starts_with("PATCH /pot?size=2 HTTP/1.1\r\n"), "{head}");
    for line in ["x-kind: green", "x-kind: black", "content-type: text/plain", "accept-encoding: identity"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
}

#[test]
fn fields_of_the_connection_and_the_length_are_made_here() {
    let headers = fields(&[
        ("Host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close, authorization"),
        ("Upgrade", "websocket"),
        ("Proxy-Authorization", "x"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
    ]);
    let server = echo();
    let url = url_of(&server, "x");
    let outgoing = Outgoing { method: "POST", url: &url, headers: &headers, body: Some("12345".into()) };
    let seen = body(ask(outgoing));
    assert!(seen.contains("\r\ncontent-length: 5\r\n") && seen.ends_with("12345"), "{seen}");
    let host = server.base().to_string();
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    assert!(seen.contains(&format!("\r\nhost: {host}\r\n")), "{seen}");
    for name in ["evil", "transfer-encoding", "connection", "upgrade", "proxy-", "expect", "te:"] {
        assert!(!seen.contains(&format!("\r\n{name}")) && !seen.contains("evil"), "{name}: {seen}");
    }
}

#[track_caller]
fn check_invalid(outgoing: Outgoing<'_>, expect: Invalid) {
    match ask(outgoing) {
        Err(SendError::Invalid(found)) => assert_eq!(found, expect),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_what_is_no_request() {
    let url = "http://127.0.0.1:1/";
    for method in ["", "get", "GET /x HTTP/1.1\r\nX: y\r\n\r\nGET", "CONNECT", "TRACE", "G ET"] {
        check_invalid(Outgoing { method, ..get(url) }, Invalid::Method);
    }
    for url in [
        "",
        "x",
        "/x",
        "file:///etc/passwd",
        "ftp://a.example/",
        "http://",
        "http://a\r\nX: y/",
        " http://a/",
    ] {
        check_invalid(get(url), Invalid::Url);
    }
    check_invalid(get(&format!("http://a.example/{}", "x".repeat(20_000))), Invalid::Url);
    check_invalid(get("http://ann:hunter2@a.example/"), Invalid::Credentials);
    check_invalid(get("http://a.example@127.0.0.1:1/"), Invalid::Credentials);
    for (name, value) in
        [("a b", "c"), ("a:", "c"), ("", "c"), ("a", "b\r\nX: y"), ("a\r\nb", "c"), ("a", "b\0")]
    {
        check_invalid(Outgoing { headers: &fields(&[(name, value)]), ..get(url) }, Invalid::Header);
    }
    let many = vec![("a".to_owned(), "b".to_owned()); 101];
    check_invalid(Outgoing { headers: &many, ..get(url) }, Invalid::Headers);
    let large = fields(&[("a", &"b".repeat(70_000))]);
    check_invalid(Outgoing { headers: &large, ..get(url) }, Invalid::Headers);
}

#[track_caller]
fn check_not_allowed(url: &str, allowed: impl Fn(&Url) -> Option<Reach>, expect: &str) {
    match client().send(get(url), &bounds(&allowed)) {
        Err(SendError::NotAllowed { to }) => assert_eq!(to, expect),
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn a_host_that_is_not_allowed_is_not_connected_to() {
    let server = Server::saying(&ok(""));
    let url = url_of(&server, "x");
    check_not_allowed(&format!("{url}?token=1"), |_| None, &url);
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_address_that_is_not_public_is_not_connected_to_where_a_public_one_is_meant() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/");
        check_not_allowed(&url, |_| Some(Reach::Public), Url::parse(&url).unwrap().as_str());
    }
    for host in
        ["localhost", "0.0.0.0", "10.0.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "[fe80::1]"]
    {
        let url = format!("http://{host}:{port}/");
        check_not_allowed(&url, |_| Some(Reach::Public), &url);
    }
    assert!(listener.accept().is_err());
}

#[test]
fn a_redirect_to_a_host_that_is_not_allowed_is_not_followed() {
    let target = Server::saying(&ok("secret"));
    for to in [url_of(&target, "x"), format!("//{}", url_of(&target, "x").trim_start_matches("http://"))] {
        let first = leading(307, &to);
        let port = first.base().as_str().to_owned();
        check_not_allowed(
            &url_of(&first, "x"),
            |url| url.as_str().starts_with(&port).then_some(Reach::Any),
            &url_of(&target, "x"),
        );
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn a_redirect_is_checked_by_the_addresses_of_its_own_host() {
    let first = leading(302, "http://127.0.0.1:9/inside");
    let port = first.base().as_str().to_owned();
    let allowed = |url: &Url| Some(if url.as_str().starts_with(&port) { Reach::Any } else { Reach::Public });
    check_not_allowed(&url_of(&first, "x"), allowed, "http://127.0.0.1:9/inside");
}

#[track_caller]
fn check_problem(url: &str, is: impl Fn(&Problem) -> bool) {
    match ask(get(url)) {
        Err(SendError::Failed(problem)) => assert!(is(&problem), "{problem:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_that_leads_nowhere_or_round_in_circles_is_not_followed() {
    for to in ["file:///etc/passwd", "http://ann:hunter2@127.0.0.1/", "https://"] {
        check_problem(&url_of(&leading(302, to), "x"), |problem| matches!(problem, Problem::Redirect(_)));
    }
    let circle = leading(302, "/again");
    check_problem(&url_of(&circle, "x"), |problem| matches!(problem, Problem::Redirect(_)));
    assert_eq!(circle.questions().len(), 6);
}

#[test]
fn a_redirect_out_of_tls_is_not_followed() {
    let target = |from: &str, to: &str| {
        send::target(&Url::parse(from).unwrap(), &to.parse().unwrap()).map(|to| to.to_string()).ok()
    };
    assert_eq!(target("https://a.example/", "http://a.example/"), None);
    assert_eq!(target("https://a.example/x", "//b.example/y"), Some("https://b.example/y".into()));
    assert_eq!(target("http://a.example/", "https://a.example/"), Some("https://a.example/".into()));
    assert_eq!(target("http://a.example/", "http://b.example/"), Some("http://b.example/".into()));
}

/// What the server at the end of a redirect with this status saw of a request with a body and a secret.
fn after_redirect(method: &str, status: u16) -> String {
    let target = echo();
    let first = leading(status, &url_of(&target, "there"));
    let headers = fields(&[
        ("Authorization", "s3cret"),
        ("Cookie", "s3cret"),
        ("Content-Type", "text/x"),
        ("X-Kind", "a"),
    ]);
    let url = url_of(&first, "here");
    body(ask(Outgoing { method, url: &url, headers: &headers, body: Some("leaves".into()) }))
}

#[test]
fn what_is_meant_for_one_server_goes_to_no_other() {
    for status in [301, 302, 303, 307, 308] {
        let seen = after_redirect("POST", status);
        assert!(!seen.contains("s3cret") && seen.contains("x-kind: a"), "{seen}");
    }
}

#[test]
fn a_secret_stays_with_a_redirect_on_its_own_server() {
    let server = Server::start(|question, stream| match question.number {
        0 => say(stream, "HTTP/1.1 302 X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"),
        _ => say(stream, &ok(&question.head)),
    });
    let (url, headers) = (url_of(&server, "here"), fields(&[("Authorization", "s3cret")]));
    assert!(body(ask(Outgoing { headers: &headers, ..get(&url) })).contains("authorization: s3cret"));
}

#[test]
fn method_and_body_change_as_the_status_of_a_redirect_says() {
    for (method, status, expect) in [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 302, "PUT"),
    ] {
        let seen = after_redirect(method, status);
        assert!(seen.starts_with(&format!("{expect} /there ")), "{method} {status}: {seen}");
        assert_eq!(seen.ends_with("leaves"), expect != "GET", "{method} {status}: {seen}");
        assert_eq!(seen.contains("text/x"), expect != "GET", "{method} {status}: {seen}");
    }
}

#[track_caller]
fn check_too_large(server: &Server) {
    let reply = ask(get(&url_of(server, "x")));
    assert!(matches!(reply, Err(SendError::TooLarge)), "{reply:?}");
}

#[test]
fn a_response_that_is_too_large_is_left() {
    check_too_large(&Server::saying(&ok(&"x".repeat(1001))));
    check_too_large(&Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\n");
        drip(stream, &[b'x'; 500], Duration::from_millis(1))
    }));
    let fields = "X-Large: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(90);
    check_too_large(&Server::saying(&format!(
        "HTTP/1.1 200 OK\r\nX-Large: {}\r\n{fields}Content-Length: 0\r\n\r\n",
        "x".repeat(64 << 10)
    )));
}

#[test]
fn a_body_is_given_back_as_it_came_however_it_is_packed() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd");
    assert_eq!(body(ask(get(&url_of(&server, "x")))), "abcd");
}

#[test]
fn a_question_for_the_head_alone_has_no_body() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    let url = url_of(&server, "x");
    assert_eq!(body(ask(Outgoing { method: "HEAD", ..get(&url) })), "");
}

#[test]
fn a_server_that_says_nothing_or_drips_is_left_when_the_time_is_up() {
    let silent = Server::start(|_, stream| hang(stream));
    let slow = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\n");
        drip(stream, b"x", Duration::from_millis(20))
    });
    for server in [silent, slow] {
        let started = Instant::now();
        let url = url_of(&server, "x");
        let short = Bounds { time: Duration::from_millis(200), ..bounds(&everywhere) };
        let reply = client().send(get(&url), &short);
        assert!(matches!(reply, Err(SendError::Late)), "{reply:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn nobody_waits_for_a_request_that_was_cancelled() {
    let server = Server::start(|_, stream| hang(stream));
    let url = url_of(&server, "x");
    let (client, looks) = (client(), Cell::new(0));
    let stopped = || {
        looks.set(looks.get() + 1);
        looks.get() > 3
    };
    let reply = client.send(get(&url), &Bounds { stopped: &stopped, ..bounds(&everywhere) });
    assert!(matches!(reply, Err(SendError::Stopped)), "{reply:?}");
}

#[test]
fn a_proxy_is_never_asked() {
    let proxy = Server::start(|_, _| Then::Close);
    let server = echo();
    let settings = Settings { proxy: Some(proxy.base().as_str().parse().unwrap()), ..Settings::default() };
    let client = Client::new(settings);
    let url = url_of(&server, "x");
    assert!(client.send(get(&url), &bounds(&everywhere)).is_ok());
    assert_eq!(proxy.connections(), 0);
}
