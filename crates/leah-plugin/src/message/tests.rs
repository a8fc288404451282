//! Tests of the messages: their form on the wire, and what is answered to lines that are none.

use proptest::prelude::*;

use super::*;
use crate::digest::Digest;

/// A line is read and written again as it was.
#[track_caller]
fn check(line: &str) {
    let message = read_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let written = String::from_utf8(write_line(&message).unwrap()).unwrap();
    assert_eq!(written, format!("{line}\n"));
}

#[test]
fn every_call_has_one_form_on_the_wire() {
    let digest = Digest::of(b"");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1,"client":"leahpm 0.1.0"}}"#);
    for method in ["prepare", "commit", "abort"] {
        let params = format!(r#"{{"generation":13,"digest":"{digest}","deadline_ms":5000}}"#);
        check(&format!(r#"{{"jsonrpc":"2.0","id":"a","method":"{method}","params":{params}}}"#));
    }
    for method in ["plugins/list", "tools/list", "events/subscribe"] {
        check(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{method}"}}"#));
    }
    check(
        r#"{"jsonrpc":"2.0","id":3,"method":"hooks/call","params":{"hook":"on_chat_message","payload":{"conversation":"c","role":"user","content":"hi","meta":{}},"deadline_ms":100}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":3,"method":"hooks/call","params":{"hook":"on_before_response","payload":{"conversation":"c","prompt":"hi","model":"m","content":"ho","meta":{"a":"b"}}}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"conversation":"c","name":"translate","arguments":{"text":"hi"},"meta":{}}}"#,
    );
    check(r#"{"jsonrpc":"2.0","id":4,"method":"log/tail","params":{"plugin":"translator","lines":10}}"#);
}

#[test]
fn every_notice_has_one_form_on_the_wire() {
    check(r#"{"jsonrpc":"2.0","method":"cancel","params":{"id":7}}"#);
    check(
        r#"{"jsonrpc":"2.0","method":"event","params":{"event":"live","generation":3,"hooks":["on_tool_call"]}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","method":"event","params":{"event":"plugin","name":"a","state":"failed","reason":"b"}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","method":"log","params":{"time_ms":5,"plugin":"a","level":"warn","message":"b"}}"#,
    );
}

#[test]
fn responses_carry_a_result_or_a_fault() {
    check(r#"{"jsonrpc":"2.0","id":1,"result":{"verdict":"replace","content":"x","by":["a"]}}"#);
    check(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"another deploy is under way"}}"#);
    check(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"of a later version"}}"#);
    let ready = Prepared::Ready { needs_settings: Vec::new() };
    let line = write_result(&Id::Number(1), &ready).unwrap();
    let Message::Response { outcome: Ok(result), .. } = read_line(&line).unwrap() else {
        panic!("a result is a response");
    };
    assert_eq!(result.get(), r#"{"outcome":"ready","needs_settings":[]}"#);
    assert_eq!(read_result::<Prepared>(&result).unwrap(), ready);
    assert!(read_result::<HelloResult>(&result).is_err());
}

#[test]
fn skips_fields_of_a_later_release() {
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","trace":5}"#;
    assert!(read_line(line.as_bytes()).is_ok());
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":2,"client":"x","more":{}}}"#;
    assert!(read_line(line.as_bytes()).is_ok());
}

#[test]
fn fields_come_in_any_order_and_a_method_without_parameters_takes_any() {
    let line = r#"{"params":{"payload":{"content":"hi"},"hook":"on_chat_message"},"method":"hooks/call","id":1,"jsonrpc":"2.0"}"#;
    let Ok(Message::Request { call: Call::HooksCall(call), .. }) = read_line(line.as_bytes()) else {
        panic!("it is a call of a hook");
    };
    assert!(matches!(call.event, HookEvent::OnChatMessage(message) if message.content == "hi"));
    for params in ["{}", "[]", "null"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        assert!(matches!(read_line(line.as_bytes()), Ok(Message::Request { call: Call::ToolsList, .. })));
    }
    // A method may be spelled with escapes like any text.
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools\/list"}"#;
    assert!(read_line(line.as_bytes()).is_ok());
}

#[track_caller]
fn refuses(line: &str, expect: &str) {
    let answer = match read_line(line.as_bytes()) {
        Ok(message) => panic!("{line} is taken as {message:?}"),
        Err(error) => error.response(),
    };
    let answer = answer.map_or(Vec::new(), |message| write_line(&message).unwrap());
    assert_eq!(String::from_utf8(answer).unwrap().trim_end(), expect);
}

#[test]
fn refuses_lines_that_are_no_messages_with_the_answer_that_belongs_to_them() {
    refuses("{", r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"the line is not JSON"}}"#);
    refuses(
        r#"{"jsonrpc":"1.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"the line is not a JSON-RPC 2.0 message: `jsonrpc` is not `2.0`"}}"#,
    );
    refuses(
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"the line is not a JSON-RPC 2.0 message: it has not just one of `method`, `result` and `error`"}}"#,
    );
    for line in ["[]", "7", "null", r#"{"jsonrpc":"2.0","id":-1,"method":"hello"}"#] {
        refuses(
            line,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the line is not a JSON-RPC 2.0 message: it is no object with fields of the right types"}}"#,
        );
    }
    refuses(
        r#"{"jsonrpc":"2.0","id":1,"method":"hello"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"the parameters do not fit `hello`: missing field `protocol` at line 1 column 2"}}"#,
    );
    refuses(
        r#"{"jsonrpc":"2.0","id":1,"method":"hooks/call","params":{"hook":"on_tool_call","payload":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"the parameters do not fit `hooks/call`: unknown variant `on_tool_call`, expected one of `on_chat_message`, `on_before_response`, `on_after_response` at line 1 column 22"}}"#,
    );
    refuses(
        r#"{"jsonrpc":"2.0","id":1,"method":"rm"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"there is no method `rm`"}}"#,
    );
    refuses(
        r#"{"jsonrpc":"2.0","id":1,"method":"cancel","params":{"id":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"there is no method `cancel`"}}"#,
    );
    refuses(
        r#"{"jsonrpc":"2.0","id":1,"method":"prepare","params":{"generation":-1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"the parameters do not fit `prepare`: invalid value: integer `-1`, expected u64 at line 1 column 16"}}"#,
    );
    refuses(r#"{"jsonrpc":"2.0","method":"rm"}"#, "");
}

#[test]
fn refuses_lines_beyond_the_limit_in_both_directions() {
    assert!(matches!(read_line(&vec![b' '; MAX_LINE_BYTES + 1]), Err(MessageError::TooLarge(_))));
    let large = Message::fault(Id::Number(1), FaultCode::Internal, "x".repeat(MAX_LINE_BYTES));
    assert!(matches!(write_line(&large), Err(MessageError::TooLarge(_))));
}

#[test]
fn codes_survive_a_round_trip() {
    for (code, number) in CODES {
        assert_eq!((FaultCode::from(number), i64::from(code)), (code, number));
    }
    assert_eq!(i64::from(FaultCode::from(-7)), -7);
}

proptest! {
    #[test]
    fn takes_or_refuses_any_bytes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = read_line(&bytes) {
            let _ = error.response();
        }
    }
}
