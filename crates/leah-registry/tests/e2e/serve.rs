//! `serve`: what a browser or a client of this machine gets to see, and what nobody does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use leah_registry::serve::{ServeError, Server};

use crate::sandbox::{NOW, Sandbox, start};

fn served(sandbox: &Sandbox) -> Server {
    Server::start(sandbox.path("hub"), "127.0.0.1:0".parse().unwrap()).unwrap()
}

/// Sends a request as it is written, and returns status and headers in one text, and the body.
pub fn ask(url: &str, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let address: SocketAddr = url["http://".len()..url.len() - 1].parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

#[track_caller]
fn check(server: &Server, method: &str, path: &str, status: u16) {
    let (head, body) = ask(&server.url(), method, path, "");
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{method} {path}: {head}");
    assert!(status == 200 || body.is_empty(), "{method} {path}: {body:?}");
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

#[test]
fn gives_every_file_of_the_registry_byte_for_byte() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0+build").ok();
    let server = served(&sandbox);
    for (file, bytes) in sandbox.snapshot() {
        for path in [format!("/{file}"), format!("/{}", file.replace('+', "%2B"))] {
            let (head, body) = ask(&server.url(), "GET", &path, "");
            assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
            assert_eq!(body, bytes, "{path}");
            let cache = header(&head, "cache-control").unwrap();
            let expect = if file == "head" || file == "root.pub" { "no-cache" } else { "immutable" };
            assert!(cache.ends_with(expect), "{path}: {cache}");
        }
        let (head, body) = ask(&server.url(), "HEAD", &format!("/{file}"), "");
        assert_eq!(header(&head, "content-length"), Some(bytes.len().to_string()), "{file}");
        assert!(body.is_empty(), "{file}");
    }
}

#[test]
fn an_unchanged_head_is_not_sent_again_and_a_changed_one_is() {
    let sandbox = Sandbox::new();
    let server = served(&sandbox);
    let tag = header(&ask(&server.url(), "GET", "/head", "").0, "etag").unwrap();
    let known = format!("if-none-match: \"other\", {tag}\r\n");
    let (head, body) = ask(&server.url(), "GET", "/head", &known);
    assert!(head.starts_with("http/1.1 304 ") && body.is_empty(), "{head}");
    sandbox.change("refresh", &[]).ok();
    let (head, body) = ask(&server.url(), "GET", "/head", &known);
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(body, sandbox.read("hub/head"));
}

#[test]
fn gives_nothing_that_is_hidden_outside_or_no_path_of_a_registry() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    for file in [".unfinished-1", "objects/.unfinished-2", "notes.txt", "index.html", "root/index.html"] {
        sandbox.write(&format!("hub/{file}"), "not for others");
    }
    sandbox.write("head", "not for others");
    let server = served(&sandbox);
    let hidden =
        ["/.lock", "/%2elock", "/.unfinished-1", "/objects/.unfinished-2", "/objects/%2eunfinished-2"];
    let outside = [
        "/../head",
        "/root/../../head",
        "/root/../head",
        "/objects/..%2f..%2fhead",
        "/%2e%2e/head",
        "//head",
        "/objects//head",
        "/objects/%2fetc/passwd",
        "/..\\head",
        "/objects/%00",
    ];
    let others =
        ["/", "/root", "/root/", "/objects", "/packages/notes", "/notes.txt", "/index.html", "/me.key"];
    for path in hidden.iter().chain(&outside).chain(&others) {
        check(&server, "GET", path, 404);
    }
    check(&server, "GET", "/root/2", 404);
    let (head, _) = ask(&server.url(), "GET", "/root/2", "");
    assert_eq!(header(&head, "cache-control").unwrap(), "no-store");
}

#[test]
fn takes_no_request_that_could_change_something() {
    let sandbox = Sandbox::new();
    let server = served(&sandbox);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in ["/head", "/nothing"] {
            check(&server, method, path, 405);
        }
    }
    assert_eq!(header(&ask(&server.url(), "PUT", "/head", "").0, "allow").unwrap(), "get, head");
}

#[test]
fn listens_on_this_machine_alone() {
    let sandbox = Sandbox::new();
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let error = Server::start(sandbox.path("hub"), address.parse().unwrap()).unwrap_err();
        assert!(matches!(error, ServeError::NotLoopback(_)), "{error}");
    }
}

#[test]
fn a_server_that_was_dropped_is_gone() {
    let sandbox = Sandbox::new();
    let server = served(&sandbox);
    let url = server.url();
    let address: SocketAddr = url["http://".len()..url.len() - 1].parse().unwrap();
    let mut idle = TcpStream::connect(address).unwrap();
    drop(server);
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn says_where_it_serves_and_ends_with_ctrl_c() {
    let sandbox = Sandbox::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leah-registry"));
    command
        .args(["serve", "hub", "--port", "0"])
        .current_dir(sandbox.path(""))
        .env_clear()
        .env("SOURCE_DATE_EPOCH", NOW.to_string())
        .stdout(Stdio::piped());
    let mut child = start(&mut command);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let text = [lines.next().unwrap(), lines.next().unwrap()].join("\n");
    let url = text.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let key = sandbox.secret("keys/root.key").public();
    assert_eq!(
        text,
        format!(
            "Serving `hub` at {url} until Ctrl-C. To use it:\n  leahpm registry add hub {url} --key {key}"
        )
    );
    assert_eq!(ask(url, "GET", "/head", "").1, sandbox.read("hub/head"));
    start(Command::new("kill").args(["-INT", &child.id().to_string()])).wait().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn refuses_a_folder_that_is_no_registry_and_a_port_that_is_taken() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox.run(&["serve", "nowhere"]).fails(5),
        "error: `nowhere` is not a registry: it has no `head`\n"
    );
    let server = served(&sandbox);
    let url = server.url();
    let port = url.rsplit(':').next().unwrap().trim_end_matches('/');
    let error = sandbox.run(&["serve", "hub", "--port", port]).fails(12);
    assert!(
        error.starts_with(&format!("error: cannot listen at `127.0.0.1:{port}`\ncaused by: ")),
        "{error}"
    );
    assert!(
        error.ends_with("hint: another program has that port; take any free one with `--port 0`\n"),
        "{error}"
    );
}
