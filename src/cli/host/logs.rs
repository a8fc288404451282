//! `leahpm host logs`: what plugins and the host wrote into the log.

use std::{slice, time::Duration};

use leah_plugin::{
    message::{Level, LogLine},
    name::PluginName,
};
use serde_json::json;

use super::super::{context::Context, failure::Failure, ui};
use crate::host::{Host, HostError};

/// Show what plugins and the host wrote into the log
///
/// The host keeps the last lines in memory; they are gone when it ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm host logs                 the last 100 lines
  leahpm host logs translator -n 20
  leahpm host logs --follow        until Ctrl-C
  leahpm host logs --json | jq -r '.lines[] | select(.level == \"error\").message'")]
pub(super) struct LogsArgs {
    /// Plugin whose lines to show [default: all plugins and the host]
    #[arg(value_name = "PLUGIN", add = crate::cli::completions::installed())]
    name: Option<PluginName>,
    /// How many of the last lines to begin with
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 100)]
    lines: u32,
    /// Show also what comes, until Ctrl-C or the end of the host
    #[arg(short, long)]
    follow: bool,
}

pub(super) fn run(ctx: &Context, args: &LogsArgs) -> Result<(), Failure> {
    let mut host = Host::running(&ctx.layout, &ctx.config.host)?;
    host.tail(args.name.clone(), args.lines)?;
    // The lines that there are come before the answer to the question for them; nothing has to be waited for.
    let mut lines = Vec::new();
    while let Some(line) = host.next_line(Some(Duration::ZERO))? {
        lines.push(line);
    }
    show(ctx, &lines)?;
    if args.follow { follow(ctx, &mut host) } else { Ok(()) }
}

/// Shows what comes until the host ends, or Ctrl-C ends this process; each line is out by then.
fn follow(ctx: &Context, host: &mut Host) -> Result<(), Failure> {
    loop {
        match host.next_line(None) {
            Ok(line) => line.iter().try_for_each(|line| show(ctx, slice::from_ref(line)))?,
            Err(HostError::Ended { .. }) => {
                ctx.ui.note("The host ended.");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// For a script one object, whose shape does not depend on the number of lines.
fn show(ctx: &Context, lines: &[LogLine]) -> Result<(), Failure> {
    if ctx.ui.json {
        return ctx.ui.object("host logs", json!({ "lines": lines }));
    }
    lines.iter().try_for_each(|line| {
        let who = line.plugin.as_ref().map_or("host", PluginName::as_str);
        let (time, level, message) = (time(line.time_ms), word(line.level), ui::escaped(&line.message));
        ctx.ui.data(format_args!("{time} {level} {who}: {message}"))
    })
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info ",
        Level::Warn => "warn ",
        Level::Error => "error",
    }
}

fn time(milliseconds: u64) -> String {
    ui::time(Duration::from_millis(milliseconds), humantime::format_rfc3339_millis)
}
