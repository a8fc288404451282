//! `leah-host call`: a hook or a tool, tried by hand.

use std::io::{self, Read};

use leah_host::config::Time;
use leah_plugin::{
    manifest::{Hook, ToolName},
    message::{Call, HookCall, HookEvent, MAX_LINE_BYTES, Outcome, ToolAnswer, ToolCall},
};
use serde::de::DeserializeOwned;

use super::{
    args::PlaceArgs,
    client,
    failure::{Failure, Kind},
    ui,
};

/// Call a hook or a tool in the running host and print what comes of it
///
/// The whole chain of the hook runs, as it does for a chat. The outcome is one JSON object on standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CallArgs {
    /// on_chat_message, on_before_response, on_after_response or on_tool_call
    hook: Hook,
    /// What the hook is shown, as JSON; `-` reads it from standard input
    json: String,
    /// How long to wait, such as `500ms` or `10s`; the host's limits hold as well
    #[arg(long, value_name = "TIME", default_value = "60s")]
    deadline: Time,
}

const EXAMPLES: &str = "\
Examples:
  leah-host call on_chat_message '{\"content\": \"good morning\"}'
  leah-host call on_before_response '{\"content\": \"Guten Morgen\", \"prompt\": \"good morning\"}'
  leah-host call on_tool_call '{\"name\": \"translate\", \"arguments\": {\"text\": \"hi\"}}'

Exit codes: 0 whatever the plugins decided, 5 no host or no such tool, 6 no answer in time, 13 not the JSON of this hook";

/// The JSON is not what the hook is shown.
#[derive(Debug, thiserror::Error)]
#[error("the JSON is not what `{hook}` is shown")]
struct BadJson {
    hook: Hook,
    source: serde_json::Error,
}

/// Standard input cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read from standard input")]
struct Input(#[source] io::Error);

/// No plugin knows the tool.
#[derive(Debug, thiserror::Error)]
#[error("no plugin knows the tool `{0}`")]
struct NoTool(ToolName);

pub(super) fn run(place: &PlaceArgs, args: &CallArgs) -> Result<(), Failure> {
    let text = if args.json == "-" { standard_input()? } else { args.json.clone() };
    match args.hook {
        Hook::OnChatMessage => event(place, args, HookEvent::OnChatMessage(read(args.hook, &text)?)),
        Hook::OnBeforeResponse => event(place, args, HookEvent::OnBeforeResponse(read(args.hook, &text)?)),
        Hook::OnAfterResponse => event(place, args, HookEvent::OnAfterResponse(read(args.hook, &text)?)),
        Hook::OnToolCall => tool(place, args, read(args.hook, &text)?),
    }
}

fn event(place: &PlaceArgs, args: &CallArgs, event: HookEvent) -> Result<(), Failure> {
    let call = Call::HooksCall(HookCall { event, deadline_ms: Some(milliseconds(args)) });
    ui::object(&ask::<Outcome>(place, args, &call)?)
}

fn tool(place: &PlaceArgs, args: &CallArgs, call: ToolCall) -> Result<(), Failure> {
    let name = call.name.clone();
    let call = Call::ToolsCall(ToolCall { deadline_ms: Some(milliseconds(args)), ..call });
    match ask::<ToolAnswer>(place, args, &call)?.result {
        Some(result) => ui::object(&result),
        None => {
            let tools = "`leah-host status --json` lists the tools of each plugin";
            Err(Failure::new(Kind::NotFound, NoTool(name)).hint(tools))
        }
    }
}

fn ask<T: DeserializeOwned>(place: &PlaceArgs, args: &CallArgs, call: &Call) -> Result<T, Failure> {
    let mut connected = client::connect(place)?;
    // The host keeps the deadline; whoever waits gives up only if it does not.
    Ok(connected.client.call(call, args.deadline.0 + client::PATIENCE)?)
}

fn milliseconds(args: &CallArgs) -> u64 {
    u64::try_from(args.deadline.0.as_millis()).unwrap_or(u64::MAX)
}

fn read<T: DeserializeOwned>(hook: Hook, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|source| {
        Failure::new(Kind::Invalid, BadJson { hook, source }).hint("`leah-host call --help` shows examples")
    })
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_LINE_BYTES as u64).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Kind::Unexpected, Input(error)))?;
    Ok(text)
}
