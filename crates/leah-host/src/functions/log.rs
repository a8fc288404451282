//! `log`: lines for whoever runs the host, cut and at a pace that leaves room for the lines of others.

use std::{sync::PoisonError, time::Instant};

use leah_plugin::{message::Level, terminal::escaped};

use super::Caller;
use crate::{
    bindings::leah::plugin::log::{Host, Level as Theirs},
    services::Passed,
};

/// Longest line in bytes, before it is made safe to show.
const LINE: usize = 4000;

impl Host for Caller<'_> {
    fn write(&mut self, level: Theirs, message: String) {
        write(self, of(level), &message);
    }
}

pub(super) fn write(caller: &Caller<'_>, level: Level, message: &str) {
    let (journal, plugin) = (&caller.services.journal, Some(&caller.plugin.name));
    if !journal.keeps(level) {
        return;
    }
    let per_second = caller.plugin.limits.log_lines;
    let passed = {
        let mut rate = caller.kept().rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(per_second, Instant::now())
    };
    let dropped = match passed {
        Passed::Yes { dropped } => dropped,
        Passed::First => {
            let text = format!("it logs more than {per_second} lines a second, some of them are dropped");
            return journal.log(plugin, Level::Warn, text);
        }
        Passed::No => return,
    };
    if dropped > 0 {
        journal.log(plugin, Level::Warn, format!("{dropped} lines were dropped"));
    }
    let end = message.floor_char_boundary(LINE);
    let cut = if end < message.len() { "…" } else { "" };
    journal.log(plugin, level, escaped(&message[..end]) + cut);
}

fn of(level: Theirs) -> Level {
    match level {
        Theirs::Trace => Level::Trace,
        Theirs::Debug => Level::Debug,
        Theirs::Info => Level::Info,
        Theirs::Warn => Level::Warn,
        Theirs::Error => Level::Error,
    }
}
