//! The client against servers that behave badly, over real sockets.

use std::{
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Answer, Caches, Client, Encoding, End, HttpError, Problem, RedirectProblem, Request, Settings, Token,
    Validators,
    test_server::{Server, Then, drip, hang, ok, question, reset, say},
};

const SHORT: Duration = Duration::from_millis(300);

fn client() -> Client {
    Client::new(Settings { timeout: SHORT, ..Settings::default() })
}

/// Asks a server for `x`, which must not take for ever.
#[track_caller]
fn ask(server: &Server) -> Result<Answer, HttpError> {
    let started = Instant::now();
    let answer = client().get(&question(&server.base()));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    answer
}

pub(crate) fn text(answer: Result<Answer, HttpError>) -> String {
    match answer.unwrap() {
        Answer::Body { bytes, .. } => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn fails(answer: Result<Answer, HttpError>, attempts: u32, is: impl Fn(&Problem) -> bool) {
    let error = answer.unwrap_err();
    assert!(is(&error.source), "{:?}", error.source);
    assert_eq!(error.attempts, attempts, "{:?}", error.source);
}

/// What a person reads of an error.
pub(crate) fn sentences(error: &HttpError) -> String {
    let mut all = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(next) = source {
        all += &format!(": {next}");
        source = next.source();
    }
    all
}

/// A question that follows at the heels of an answer may begin a connection beside the one that is about to be free.
#[track_caller]
fn few_connections(server: &Server) {
    assert!(server.connections() * 2 <= server.questions().len(), "{}", server.connections());
}

#[test]
fn gets_a_file_over_a_connection_that_is_kept() {
    let server = Server::saying(&ok("all of it"));
    let client = client();
    for _ in 0..20 {
        assert_eq!(text(client.get(&question(&server.base()))), "all of it");
    }
    few_connections(&server);
}

#[test]
fn gets_many_files_at_once_from_many_threads() {
    let server = Server::start(|question, stream| {
        let path = question.head.split(' ').nth(1).unwrap();
        say(stream, &ok(path))
    });
    let (client, base) = (Arc::new(client()), Arc::new(server.base()));
    let asking: Vec<_> = (0..32)
        .map(|number| {
            let (client, base) = (Arc::clone(&client), Arc::clone(&base));
            thread::spawn(move || {
                let path = format!("packages/{number}");
                let answer = client.get(&Request { path: &path, ..question(&base) });
                assert_eq!(text(answer), format!("/{path}"));
            })
        })
        .collect();
    asking.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(server.questions().len(), 32);
}

#[test]
fn a_server_that_nobody_listens_at_is_asked_four_times() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{address}/").parse().unwrap();
    let error = client().get(&question(&base)).unwrap_err();
    assert_eq!(
        sentences(&error),
        format!(
            "cannot get `http://{address}/x` (asked 4 times): no connection to the server: Connection refused (os error 111)"
        )
    );
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = Server::start(|_, stream| hang(stream));
    fails(ask(&server), 4, |problem| matches!(problem, Problem::Timeout { seconds: 1 }));
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let server = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n");
        drip(stream, b"x", Duration::from_millis(20))
    });
    fails(ask(&server), 4, |problem| matches!(problem, Problem::Timeout { .. }));
}

#[test]
fn a_head_without_end_is_not_stored() {
    let server = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n");
        drip(stream, "x-filler: 0123456789\r\n".repeat(5000).as_bytes(), Duration::ZERO)
    });
    fails(ask(&server), 1, |problem| matches!(problem, Problem::Protocol { .. }));
}

#[test]
fn a_body_that_stops_is_given_up() {
    let server = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        hang(stream)
    });
    fails(ask(&server), 4, |problem| matches!(problem, Problem::Timeout { .. }));
}

#[test]
fn a_body_that_drips_is_given_up_at_once() {
    let server = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        drip(stream, b"x", Duration::from_millis(20))
    });
    fails(ask(&server), 1, |problem| matches!(problem, Problem::TooSlow { per_second: 4096 }));
}

#[test]
fn a_body_that_is_cut_is_asked_for_again() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour";
    let server = Server::start(move |question, stream| {
        if question.number < 2 {
            say(stream, cut);
            return Then::Close;
        }
        say(stream, &ok("all of it"))
    });
    assert_eq!(text(ask(&server)), "all of it");
    assert_eq!(server.questions().len(), 3);
}

#[test]
fn a_body_that_is_always_cut_is_a_failure() {
    for cut in
        ["Content-Length: 10\r\n\r\nfour", "Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", "Content-Le"]
    {
        let cut = format!("HTTP/1.1 200 OK\r\n{cut}");
        let server = Server::start(move |_, stream| {
            say(stream, &cut);
            Then::Close
        });
        fails(ask(&server), 4, |problem| matches!(problem, Problem::Cut { .. }));
    }
}

#[track_caller]
fn check_end(answer: &str, expect: End) {
    let answer = answer.to_owned();
    let server = Server::start(move |_, stream| {
        say(stream, &answer);
        Then::Close
    });
    let Answer::Body { bytes, end, .. } = ask(&server).unwrap() else { panic!("a body") };
    assert_eq!((bytes.as_slice(), end), (b"half of ".as_slice(), expect));
}

#[test]
fn a_body_without_a_length_is_taken_as_it_is_and_said_to_be_so() {
    check_end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of ", End::Closed);
    check_end("HTTP/1.0 200 OK\r\n\r\nhalf of ", End::Closed);
    check_end("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf of ", End::Stated);
    let chunks = "8\r\nhalf of \r\n0\r\n\r\n";
    check_end(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), End::Stated);
}

#[test]
fn a_reset_is_asked_again() {
    let server = Server::start(|question, stream| match question.number {
        0 => reset(stream),
        1 => {
            say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour");
            reset(stream)
        }
        _ => say(stream, &ok("all of it")),
    });
    assert_eq!(text(ask(&server)), "all of it");
    let server = Server::start(|_, stream| reset(stream));
    fails(ask(&server), 4, |problem| matches!(problem, Problem::Cut { .. }));
}

#[test]
fn a_body_without_end_is_left_at_the_limit() {
    for head in ["Connection: close\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n400\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}");
        let server = Server::start(move |_, stream| {
            say(stream, &head);
            drip(stream, &[b'x'; 1 << 10], Duration::ZERO)
        });
        fails(ask(&server), 1, |problem| matches!(problem, Problem::TooLarge { limit: 1000 }));
    }
}

#[test]
fn a_body_over_the_limit_is_refused_by_its_length_and_one_of_the_limit_is_not() {
    let server = Server::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
        hang(stream)
    });
    fails(ask(&server), 1, |problem| matches!(problem, Problem::TooLarge { limit: 1000 }));
    let server = Server::saying(&ok(&"x".repeat(1000)));
    assert_eq!(text(ask(&server)).len(), 1000);
}

#[test]
fn what_is_no_http_is_refused() {
    for text in ["SSH-2.0-OpenSSH_9.7\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"] {
        let server = Server::saying(text);
        fails(ask(&server), 1, |problem| matches!(problem, Problem::Protocol { .. }));
    }
}

#[test]
fn a_busy_server_is_asked_again_when_it_wants() {
    let server = Server::start(|question, stream| match question.number {
        0 => say(stream, "HTTP/1.1 429 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
        _ => say(stream, &ok("all of it")),
    });
    let started = Instant::now();
    assert_eq!(text(ask(&server)), "all of it");
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let server = Server::saying("HTTP/1.1 503 Later\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
    let error = ask(&server).unwrap_err();
    assert_eq!(error.attempts, 1);
    assert_eq!(
        error.source.to_string(),
        "the server answered with status 503 and wants to be asked again in 3600 s"
    );
}

#[test]
fn a_broken_server_is_asked_four_times() {
    let server = Server::saying("HTTP/1.1 500 Oh no\r\nContent-Length: 0\r\n\r\n");
    fails(ask(&server), 4, |problem| matches!(problem, Problem::Busy { status: 500, retry_after: None }));
    assert_eq!(server.questions().len(), 4);
}

#[test]
fn other_failures_are_final() {
    for (status, expect) in [(400, false), (206, false), (304, false), (401, true), (403, true)] {
        let server = Server::saying(&format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"));
        let error = ask(&server).unwrap_err();
        assert_eq!((error.attempts, error.is_denied()), (1, expect), "{status}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_answer_and_keeps_the_connection() {
    for status in [404, 410] {
        let server = Server::saying(&ok(&"x".repeat(500)).replace("200 OK", &format!("{status} No")));
        let client = client();
        for _ in 0..20 {
            assert_eq!(client.get(&question(&server.base())).unwrap(), Answer::Missing);
        }
        few_connections(&server);
    }
}

#[test]
fn asks_with_what_is_known_unless_caches_are_passed_by() {
    let server = Server::start(|question, stream| {
        let known = question.head.contains("if-none-match: \"1\"\r\n");
        let unchanged = "HTTP/1.1 304 Not Modified\r\n\r\n";
        say(
            stream,
            if known { unchanged } else { "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n" },
        )
    });
    let base = server.base();
    let known = Validators { etag: Some("\"1\"".into()), last_modified: None };
    let body = Answer::Body { bytes: Vec::new(), validators: Some(known.clone()), end: End::Stated };
    assert_eq!(ask(&server).unwrap(), body);
    let again = Request { known: Some(&known), ..question(&base) };
    assert_eq!(client().get(&again).unwrap(), Answer::Unchanged);
    let bypass = Request { caches: Caches::Bypass, ..again };
    assert_eq!(client().get(&bypass).unwrap(), body);
    assert!(server.questions()[2].contains("cache-control: no-cache\r\npragma: no-cache\r\n"));
}

#[test]
fn follows_five_redirects_and_not_six() {
    let server = Server::start(|question, stream| {
        let path = question.head.split(' ').nth(1).unwrap();
        match path.strip_prefix("/x").unwrap() {
            "yyyyy" => say(stream, &ok("all of it")),
            more => {
                say(stream, &format!("HTTP/1.1 302 Go\r\nLocation: /x{more}y\r\nContent-Length: 0\r\n\r\n"))
            }
        }
    });
    assert_eq!(text(ask(&server)), "all of it");
    let server = Server::saying("HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    fails(ask(&server), 1, |problem| matches!(problem, Problem::Redirect(RedirectProblem::TooMany)));
    assert_eq!(server.questions().len(), 6);
}

#[test]
fn a_redirect_to_plain_http_elsewhere_is_not_followed() {
    let server =
        Server::saying("HTTP/1.1 302 Go\r\nLocation: http://10.0.0.1/x?secret\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        sentences(&ask(&server).unwrap_err()),
        format!(
            "cannot get `{}x`: the server sent somewhere else, which was not followed: a redirect to `http://10.0.0.1/x`, which is not encrypted",
            server.base()
        )
    );
}

#[test]
fn the_token_goes_to_its_own_server_alone() {
    let other = Server::saying(&ok("all of it"));
    let to = other.base().join("x");
    let server = Server::saying(&format!("HTTP/1.1 302 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"));
    let token: Token = "hunter2".parse().unwrap();
    let base = server.base();
    let answer = client().get(&Request { token: Some(&token), ..question(&base) });
    assert_eq!(text(answer), "all of it");
    assert!(server.questions()[0].contains("authorization: bearer hunter2\r\n"));
    assert!(!other.questions()[0].contains("authorization"), "{:?}", other.questions());
}

#[test]
fn the_token_is_in_no_error() {
    let token: Token = "hunter2".parse().unwrap();
    for text in ["HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "no HTTP hunter\r\n\r\n"] {
        let server = Server::saying(text);
        let base = server.base();
        let question = Request { token: Some(&token), ..question(&base) };
        let error = client().get(&question).unwrap_err();
        assert!(!format!("{error:?} {} {question:?}", sentences(&error)).contains("hunter2"));
    }
}

#[test]
fn a_packed_body_is_unpacked_within_the_limit_where_it_was_asked_for() {
    let bomb = gzip(&[0; 1001]);
    let server = Server::start(move |_, stream| {
        say(
            stream,
            &format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len()),
        );
        std::io::Write::write_all(stream, &bomb).unwrap();
        Then::Keep
    });
    let base = server.base();
    let packed = Request { encoding: Encoding::Gzip, ..question(&base) };
    fails(client().get(&packed), 1, |problem| matches!(problem, Problem::TooLarge { limit: 1000 }));
    let Answer::Body { bytes, .. } = client().get(&Request { limit: 1001, ..packed }).unwrap() else {
        panic!("a body");
    };
    assert_eq!(bytes, [0; 1001]);
    let Answer::Body { bytes, .. } = client().get(&question(&base)).unwrap() else { panic!("a body") };
    assert_eq!(bytes, gzip(&[0; 1001]));
    let asked: Vec<bool> =
        server.questions().iter().map(|head| head.contains("accept-encoding: gzip\r\n")).collect();
    assert_eq!(asked, [true, true, false]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_proxy_is_not_used_for_this_machine() {
    let (proxy, server) = (Server::saying(&ok("from the proxy")), Server::saying(&ok("all of it")));
    let settings = Settings {
        proxy: Some(proxy.base().as_str().parse().unwrap()),
        timeout: SHORT,
        ..Settings::default()
    };
    assert_eq!(text(Client::new(settings).get(&question(&server.base()))), "all of it");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_is_used_for_the_rest_and_its_password_is_in_no_error() {
    let proxy = Server::saying("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    let url = proxy.base().as_str().replace("http://", "http://ann:hunter2@");
    let settings = Settings { proxy: Some(url.parse().unwrap()), timeout: SHORT, ..Settings::default() };
    assert!(!format!("{settings:?}").contains("hunter2"));
    let base = "https://plugins.example.org".parse().unwrap();
    let error = Client::new(settings).get(&question(&base)).unwrap_err();
    assert_eq!(
        sentences(&error),
        "cannot get `https://plugins.example.org/x` (asked 4 times): no connection to the server: tunnel error: proxy authorization required"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
    assert!(proxy.questions()[0].starts_with("CONNECT plugins.example.org:443 "));
}
