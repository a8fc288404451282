//! `leahpm history`: the generations that were live, newest first.

use std::time::Duration;

use serde_json::{Value, json};

use super::{context::Context, failure::Failure, ui};
use crate::generation;

/// Show the generations that were live
///
/// Every change makes a generation: the whole set of plugins with its settings. `leahpm rollback` makes an
/// earlier one live again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm history\n  leahpm rollback 3     go back to generation 3")]
pub(super) struct HistoryArgs {}

pub(super) fn run(ctx: &Context, _: &HistoryArgs) -> Result<(), Failure> {
    let generations = generation::history(&ctx.layout)?;
    if ctx.ui.json {
        let generations: Vec<Value> = generations
            .iter()
            .map(|past| {
                json!({
                    "number": past.record.number, "parent": past.record.parent, "created": past.record.created,
                    "verb": past.record.verb.as_str(), "names": past.record.names,
                    "live": past.live,
                })
            })
            .collect();
        return ctx.ui.object("history", json!({ "generations": generations }));
    }
    if generations.is_empty() {
        ctx.ui.done("Nothing was ever installed here.");
        return Ok(());
    }
    let rows = generations.iter().map(|past| {
        let mark = if past.live { "live" } else { "" };
        let parent = past.record.parent.map_or_else(|| "-".into(), |parent| parent.to_string());
        let names: Vec<&str> = past.record.names.iter().map(|name| name.as_str()).collect();
        let what = format!("{} {}", past.record.verb, names.join(" "));
        vec![
            past.record.number.to_string(),
            parent,
            time(past.record.created),
            mark.into(),
            what.trim().to_owned(),
        ]
    });
    ctx.ui.data(ui::table(&["number", "parent", "time", "", "what"], rows))
}

fn time(seconds: u64) -> String {
    ui::time(Duration::from_secs(seconds), humantime::format_rfc3339_seconds)
}
