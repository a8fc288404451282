//! Tests of the client against a peer that plays the host: right, late, odd, silent, gone.

use std::thread;

use leah_plugin::message::{Event, FaultCode, Prepared, ToolList};

use super::*;
use crate::place::Listener;

const PATIENT: Duration = Duration::from_secs(20);

/// Calls `tools/list` of a host that answers the first request with these lines, `$` standing for its id.
fn ask(
    lines: &str,
    patience: Duration,
) -> (Client, Result<ToolList, ClientError>, thread::JoinHandle<String>) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    let listener = Listener::bind(&path).unwrap();
    let mut client = Client::connect(&path).unwrap().unwrap();
    let lines = lines.replace('$', "1");
    let host = thread::spawn(move || {
        let (mut reader, writer) = listener.accept(PATIENT).unwrap();
        let mut heard = String::new();
        while let Ok(Line::Whole(line)) = reader.next(Wait::Whole(PATIENT)) {
            heard.push_str(std::str::from_utf8(line).unwrap());
            if !lines.is_empty() {
                writer.send(lines.as_bytes()).unwrap();
            }
        }
        heard
    });
    let result = client.call(&Call::ToolsList, patience);
    (client, result, host)
}

const EMPTY: &str = "{\"jsonrpc\":\"2.0\",\"id\":$,\"result\":{\"tools\":[]}}\n";

#[test]
fn waits_for_the_response_that_belongs_to_the_call() {
    let odd = "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n";
    let event = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"event\":\"live\",\"generation\":3,\"hooks\":[]}}\n";
    let (mut client, result, _) = ask(&format!("{odd}{event}{EMPTY}"), PATIENT);
    assert_eq!(result.unwrap().tools, []);
    let notice = client.next_notice(Some(Duration::ZERO)).unwrap();
    assert!(matches!(notice, Some(Notice::Event(Event::Live { generation: 3, .. }))));
    assert_eq!(client.next_notice(Some(Duration::from_millis(1))).unwrap(), None);
}

#[test]
fn tells_why_there_is_no_result() {
    let busy = "{\"jsonrpc\":\"2.0\",\"id\":$,\"error\":{\"code\":-32003,\"message\":\"not now\"}}\n";
    let (_client, result, _) = ask(busy, PATIENT);
    assert!(matches!(result, Err(ClientError::Fault(Fault { code: FaultCode::Busy, .. }))));
    let (_client, result, _) = ask(&busy.replace('$', "null"), PATIENT);
    assert!(matches!(result, Err(ClientError::Fault(_))));
    let (_client, result, _) = ask("not JSON\n", PATIENT);
    assert!(matches!(result, Err(ClientError::Message(_))));
    let (_client, result, _) = ask("{\"jsonrpc\":\"2.0\",\"id\":$,\"result\":{\"tools\":7}}\n", PATIENT);
    assert!(matches!(result, Err(ClientError::Message(_))));
}

#[test]
fn a_call_that_nobody_answers_is_cancelled() {
    let (client, result, host) = ask("", Duration::from_millis(20));
    assert!(matches!(result, Err(ClientError::Late(_))));
    drop(client);
    let heard = host.join().unwrap();
    assert!(
        heard.ends_with("{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"id\":1}}\n"),
        "{heard}"
    );
}

#[test]
fn a_host_that_closes_at_once_is_closed_or_says_why() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    let listener = Listener::bind(&path).unwrap();
    let mut client = Client::connect(&path).unwrap().unwrap();
    let (_, writer) = listener.accept(PATIENT).unwrap();
    let full = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32003,\"message\":\"full\"}}\n";
    writer.send(full.as_bytes()).unwrap();
    writer.cut();
    assert!(matches!(client.hello("a 1", PATIENT), Err(ClientError::Fault(_))));
    let error = client.call::<Prepared>(&Call::PluginsList, PATIENT).unwrap_err();
    assert!(matches!(error, ClientError::Closed | ClientError::Write(_)));
}
