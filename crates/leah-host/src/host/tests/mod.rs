//! The host as a whole, in homes of its own, with plugins that behave and plugins that do not.

mod calls;
mod deploys;
mod faults;
mod odd;
mod starts;

use std::sync::mpsc::Receiver;

use leah_plugin::message::{Event, Notice, Outcome, PluginState, ToolAnswer, ToolCall, Verdict};
use serde_json::json;

use super::Host;
use crate::test_home::{TestHome, message, patient};

fn start(home: &TestHome) -> Host {
    Host::start(home.config()).unwrap()
}

/// What becomes of a message.
fn chat(host: &Host, content: &str) -> Outcome {
    host.call_hook(message(content), &patient()).unwrap()
}

/// The text that goes on, whoever changed it.
#[track_caller]
fn text(outcome: &Outcome) -> &str {
    match &outcome.verdict {
        Verdict::Pass => "pass",
        Verdict::Replace { content } => content,
        Verdict::Reject { reason } => panic!("rejected: {reason}"),
    }
}

fn tool(host: &Host, name: &str, word: &str) -> ToolAnswer {
    let arguments = json!({ "word": word }).as_object().unwrap().clone();
    let call = ToolCall {
        conversation: String::new(),
        name: name.parse().unwrap(),
        arguments,
        meta: [].into(),
        deadline_ms: None,
    };
    host.call_tool(call, &patient()).unwrap()
}

/// How a plugin is.
#[track_caller]
fn state(host: &Host, name: &str) -> PluginState {
    let plugins = host.plugins().plugins;
    let found = plugins.into_iter().find(|plugin| plugin.name.as_str() == name);
    found.unwrap_or_else(|| panic!("`{name}` is part of the set")).state
}

/// Why a plugin does not run.
#[track_caller]
fn failure(host: &Host, name: &str) -> String {
    match state(host, name) {
        PluginState::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// The next event.
#[track_caller]
fn next_event(events: &Receiver<Notice>) -> Event {
    match events.recv_timeout(std::time::Duration::from_secs(10)).unwrap() {
        Notice::Event(event) => event,
        other => panic!("{other:?}"),
    }
}
