//! The journal of the host on standard error, one line each, as the system's own journal wants it.

use std::{
    fmt::Write,
    sync::{Arc, mpsc::Receiver},
    thread::{self, JoinHandle},
    time::{Duration, UNIX_EPOCH},
};

use leah_host::journal::{Journal, Subscription, Topic};
use leah_plugin::{
    message::{Level, LogLine, Notice},
    terminal::escaped,
};

use super::{
    failure::{Failure, Kind},
    ui,
};

/// The journal as it is printed, until [`Printing::end`].
pub(super) struct Printing {
    subscription: Subscription,
    thread: JoinHandle<()>,
}

/// The thread that prints cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread")]
struct Thread(#[source] std::io::Error);

/// The last millisecond that has a date: the end of the year 9999.
const LAST: u64 = 253_402_300_799_999;

/// How a line begins.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// With its time and level, for a person or a file.
    Plain,
    /// With the number of its level; the system's journal has the time by itself.
    Journald,
}

/// Prints what the journal has kept and what follows.
pub(super) fn print(journal: &Arc<Journal>) -> Result<Printing, Failure> {
    let (subscription, notices) = journal.listen(Topic::Log(None), usize::MAX);
    let form = form();
    let thread = thread::Builder::new()
        .name("log".into())
        .spawn(move || follow(form, &notices))
        .map_err(|error| Failure::new(Kind::Unexpected, Thread(error)))?;
    Ok(Printing { subscription, thread })
}

impl Printing {
    /// Prints what has come so far and ends.
    pub(super) fn end(self) {
        drop(self.subscription);
        // It ends without an answer only where it panicked, which was told then.
        let _ = self.thread.join();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system says so to the process that it starts, nobody else"
)]
fn form() -> Form {
    if std::env::var_os("JOURNAL_STREAM").is_some() { Form::Journald } else { Form::Plain }
}

fn follow(form: Form, notices: &Receiver<Notice>) {
    for notice in notices {
        if let Notice::Log(line) = notice {
            ui::say(&text(form, &line));
        }
    }
}

fn text(form: Form, line: &LogLine) -> String {
    let mut text = match form {
        Form::Plain => {
            let time = UNIX_EPOCH + Duration::from_millis(line.time_ms.min(LAST));
            format!("{} {:5} ", humantime::format_rfc3339_millis(time), word(line.level))
        }
        Form::Journald => format!("<{}>", priority(line.level)),
    };
    if let Some(plugin) = &line.plugin {
        // A text grows without an error.
        let _ = write!(text, "{plugin}: ");
    }
    text + &escaped(&line.message)
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// The numbers of syslog (RFC 5424, 6.2.1).
fn priority(level: Level) -> u8 {
    match level {
        Level::Trace | Level::Debug => 7,
        Level::Info => 6,
        Level::Warn => 4,
        Level::Error => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_a_plugin_writes() {
        let line = LogLine {
            time_ms: 1_700_000_000_123,
            plugin: Some("loud".parse().unwrap()),
            level: Level::Warn,
            message: "a\n<0>b\u{1b}[2J".into(),
        };
        assert_eq!(text(Form::Plain, &line), "2023-11-14T22:13:20.123Z warn  loud: a\\u{a}<0>b\\u{1b}[2J");
        assert_eq!(text(Form::Journald, &line), "<4>loud: a\\u{a}<0>b\\u{1b}[2J");
        let own = LogLine { plugin: None, level: Level::Info, message: "up".into(), ..line };
        assert_eq!(text(Form::Journald, &own), "<6>up");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_no_panic() {
        let line = LogLine { time_ms: u64::MAX, plugin: None, level: Level::Info, message: String::new() };
        assert_eq!(text(Form::Plain, &line), "9999-12-31T23:59:59.999Z info  ");
    }
}
