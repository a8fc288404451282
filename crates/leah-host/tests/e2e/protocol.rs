//! docs/host-protocol.md: every example in it is a message of this release, and every method, error and state is told.

use std::collections::BTreeMap;

use leah_plugin::message::{
    Call, Committed, Done, HelloResult, Id, Message, Notice, Outcome, PluginList, Prepared, ToolAnswer,
    ToolList, read_line, read_result, write_line,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

const PAGE: &str = include_str!("../../../../docs/host-protocol.md");

const METHODS: [&str; 13] = [
    "hello",
    "prepare",
    "commit",
    "abort",
    "plugins/list",
    "hooks/call",
    "tools/list",
    "tools/call",
    "events/subscribe",
    "log/tail",
    "cancel",
    "event",
    "log",
];

/// The lines of each block of JSON.
fn blocks() -> Vec<Vec<&'static str>> {
    let block = |block: &'static str| block.split("\n```").next().unwrap().lines().collect();
    PAGE.split("```json\n").skip(1).map(block).collect()
}

/// True when all that stands in an example stands in what this release makes of it.
fn is_within(example: &Value, made: &Value) -> bool {
    match (example, made) {
        (Value::Object(example), Value::Object(made)) => {
            example.iter().all(|(key, value)| made.get(key).is_some_and(|made| is_within(value, made)))
        }
        (Value::Array(example), Value::Array(made)) => {
            example.len() == made.len() && example.iter().zip(made).all(|(a, b)| is_within(a, b))
        }
        _ => example == made,
    }
}

#[track_caller]
fn result_as<T: DeserializeOwned + Serialize>(result: &RawValue) {
    let typed: T = read_result(result).unwrap_or_else(|error| panic!("{result}: {error:?}"));
    let example: Value = serde_json::from_str(result.get()).unwrap();
    let made = serde_json::to_value(&typed).unwrap();
    assert!(is_within(&example, &made), "{example}\n{made}");
}

fn check_result(call: &Call, result: &RawValue) {
    match call {
        Call::Hello(_) => result_as::<HelloResult>(result),
        Call::Prepare(_) => result_as::<Prepared>(result),
        Call::Commit(_) => result_as::<Committed>(result),
        Call::PluginsList => result_as::<PluginList>(result),
        Call::HooksCall(_) => result_as::<Outcome>(result),
        Call::ToolsList => result_as::<ToolList>(result),
        Call::ToolsCall(_) => result_as::<ToolAnswer>(result),
        Call::Abort(_) | Call::EventsSubscribe | Call::LogTail(_) => result_as::<Done>(result),
    }
}

#[test]
fn every_example_is_a_message_and_every_response_belongs_to_its_request() {
    let mut read = 0;
    for block in blocks() {
        let mut open: BTreeMap<String, Call> = BTreeMap::new();
        let alone = block.len() == 1;
        for line in block {
            let message = read_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            let (example, made) = (serde_json::from_str(line).unwrap(), write_line(&message).unwrap());
            let made = serde_json::from_slice(&made).unwrap();
            assert!(is_within(&example, &made), "{example}\n{made}");
            match message {
                Message::Request { id, call } => drop(open.insert(format!("{id:?}"), call)),
                Message::Response { id: Some(id), outcome } => {
                    let call = open.remove(&format!("{id:?}"));
                    assert!(call.is_some() || alone, "nothing was asked before {line}");
                    if let (Some(call), Ok(result)) = (call, outcome) {
                        check_result(&call, &result);
                    }
                }
                Message::Notice(Notice::Cancel { id: Id::Number(_) } | Notice::Event(_) | Notice::Log(_)) => {
                }
                other => panic!("{other:?} is in no example"),
            }
            read += 1;
        }
        assert!(open.is_empty(), "nothing answers {open:?}");
    }
    assert!(read > 30, "{read}");
}

#[test]
fn every_method_has_an_example_and_every_word_its_line() {
    for method in METHODS {
        assert!(PAGE.contains(&format!(r#""method":"{method}""#)), "{method}");
    }
    for code in
        [-32700, -32600, -32601, -32602, -32603, -32001, -32002, -32003, -32004, -32005, -32006, -32007]
    {
        assert!(PAGE.contains(&format!("| `{code}` |")), "{code}");
    }
    for state in ["running", "needs_settings", "failed", "quarantined"] {
        assert!(PAGE.contains(&format!("| `{state}` |")), "{state}");
    }
}

#[test]
fn limits_on_the_page_are_those_of_the_code() {
    let limits = [
        (leah_host::listener::MAX_CONNECTIONS, "| connections | 64;"),
        (leah_host::listener::MAX_CALLS, "| calls under way on a connection | 32,"),
        (leah_host::listener::MAX_SUBSCRIPTIONS, "| subscriptions of a connection | 8,"),
        (leah_plugin::message::MAX_LINE_BYTES >> 20, "| a line | 4 MiB,"),
    ];
    for (limit, line) in limits {
        assert!(PAGE.contains(line) && line.contains(&limit.to_string()), "{line}: {limit}");
    }
    assert!(PAGE.contains(&format!("this page is version {}", leah_plugin::message::PROTOCOL)));
}
