//! The only place that prints. Data goes to standard output, talk to standard error; text that comes
//! from a package or a registry is escaped; a closed pipe ends the command quietly.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    time::{Duration, SystemTime},
};

use leah_plugin::{
    name::PluginName,
    terminal::{escaped_lines, is_treacherous},
};

pub(super) use leah_plugin::terminal::escaped;
use serde_json::{Value, json};

use super::failure::{Failure, Kind};

/// Number of the shape of every `--json` object; raised when a field changes its meaning.
pub(super) const JSON_SCHEMA: u32 = 1;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal that can, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Errors and warnings alone.
    Quiet,
    /// What was done.
    Normal,
    /// Each step on the way.
    Verbose,
}

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ui {
    /// One JSON object on standard output, in place of tables and sentences.
    pub(super) json: bool,
    /// How much to say.
    pub(super) verbosity: Verbosity,
    /// Colour on standard error.
    pub(super) color: bool,
    /// A person can be asked: standard input and standard error are terminals and `--json` was not given.
    pub(super) interactive: bool,
}

impl Ui {
    /// Decides colour and prompts from flags and the kind of the standard streams.
    #[must_use]
    pub(super) fn new(json: bool, verbosity: Verbosity, color: ColorChoice, plain_terminal: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            json,
            verbosity,
            color: match color {
                ColorChoice::Auto => terminal && !plain_terminal,
                ColorChoice::Always => true,
                ColorChoice::Never => false,
            },
            interactive: terminal && io::stdin().is_terminal() && !json,
        }
    }

    /// Prints lines of data.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn data(&self, text: impl fmt::Display) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(closed)
    }

    /// Prints one value as it is, for a script; where a terminal would obey it, escaped.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn value(&self, text: &str) -> Result<(), Failure> {
        if io::stdout().is_terminal() { self.data(escaped_lines(text)) } else { self.data(text) }
    }

    /// Prints the bytes of a file of ours and nothing else; where a terminal would obey them, escaped.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn file(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = if out.is_terminal() {
            out.write_all(escaped_lines(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            out.write_all(bytes)
        };
        written.and_then(|()| out.flush()).map_err(closed)
    }

    /// Prints the one object of a `--json` run: `value` with `schema` and `command` in front.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn object(&self, command: &str, value: Value) -> Result<(), Failure> {
        self.data(safe_json(&merged(json!({ "schema": JSON_SCHEMA, "command": command }), value)))
    }

    /// The sentence that says what was done.
    pub(super) fn done(&self, sentence: impl fmt::Display) {
        if self.verbosity > Verbosity::Quiet && !self.json {
            self.talk(&sentence.to_string());
        }
    }

    /// Something that a person who waits wants to know.
    pub(super) fn note(&self, sentence: impl fmt::Display) {
        if self.verbosity > Verbosity::Quiet {
            self.talk(&sentence.to_string());
        }
    }

    /// What a question is about, printed before it is asked.
    pub(super) fn ask(&self, text: &str) {
        self.talk(text);
    }

    /// Something that the user should know although the command goes on.
    pub(super) fn warn(&self, sentence: impl fmt::Display) {
        self.say(Some(("warning:", "33;1")), &sentence.to_string());
    }

    /// A step on the way, for `--verbose`.
    pub(super) fn step(&self, sentence: impl fmt::Display) {
        if self.verbosity == Verbosity::Verbose {
            self.talk(&sentence.to_string());
        }
    }

    /// Prints a failure and gives its exit code.
    pub(super) fn failure(&self, failure: &Failure) -> u8 {
        if self.json {
            let messages = failure.messages();
            let object = json!({
                "code": failure.kind.code(),
                "message": messages.first(),
                "causes": messages.get(1..).unwrap_or_default(),
                "hint": failure.hints.first(),
                "hints": failure.hints,
                "details": failure.details,
            });
            // Nobody is left to tell when standard output is gone; the exit code still tells.
            drop(self.data(safe_json(&json!({ "schema": JSON_SCHEMA, "error": object }))));
        } else {
            for (index, message) in failure.messages().iter().enumerate() {
                let label = if index == 0 { "error:" } else { "caused by:" };
                self.say(Some((label, "31;1")), message);
            }
            for hint in &failure.hints {
                self.say(Some(("hint:", "36;1")), hint);
            }
        }
        failure.kind.code()
    }

    /// A progress bar over `total` bytes on standard error; hidden unless a person is watching.
    #[must_use]
    pub(super) fn bar(&self, total: u64) -> indicatif::ProgressBar {
        if self.verbosity == Verbosity::Quiet || self.json || !io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let style = indicatif::ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
        indicatif::ProgressBar::new(total).with_style(style)
    }

    /// A sign on standard error that something is going on that has no measure; hidden unless a person is watching.
    #[must_use]
    pub(super) fn spinner(&self, message: String) -> indicatif::ProgressBar {
        if self.verbosity == Verbosity::Quiet || self.json || !io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let spinner = indicatif::ProgressBar::new_spinner().with_message(message);
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    }

    fn talk(&self, text: &str) {
        self.say(None, text);
    }

    /// Prints to standard error, behind a label in colour. Every text passes here, so no error can forget
    /// to make safe what it repeats.
    fn say(&self, label: Option<(&str, &str)>, text: &str) {
        let text = escaped_lines(text);
        let mut err = io::stderr().lock();
        let written = match label {
            None => writeln!(err, "{text}"),
            Some((label, code)) if self.color => writeln!(err, "\u{1b}[{code}m{label}\u{1b}[0m {text}"),
            Some((label, _)) => writeln!(err, "{label} {text}"),
        };
        // Standard error may be closed; there is no other place to complain to.
        drop(written.and_then(|()| err.flush()));
    }
}

/// `` `a`, `b` and `c` ``.
#[must_use]
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a PluginName>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// An object with the fields of another one behind its own.
#[must_use]
pub(super) fn merged(mut object: Value, more: Value) -> Value {
    if let (Value::Object(whole), Value::Object(fields)) = (&mut object, more) {
        whole.extend(fields);
    }
    object
}

/// JSON on one line in which the characters that a terminal would obey are escapes; JSON itself demands that
/// only below U+0020.
fn safe_json(value: &Value) -> String {
    let mut safe = String::new();
    for c in value.to_string().chars() {
        if is_treacherous(c) {
            let mut units = [0; 2];
            safe.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A time since 1970 as people and programs read it. One that no year of four digits holds is shown as the number it is.
#[must_use]
pub(super) fn time(
    since: Duration,
    format: impl FnOnce(SystemTime) -> humantime::Rfc3339Timestamp,
) -> String {
    match SystemTime::UNIX_EPOCH.checked_add(since) {
        Some(time) if since.as_secs() < 253_402_300_800 => format(time).to_string(),
        _ => since.as_secs().to_string(),
    }
}

/// `1 package`, `2 packages`.
#[must_use]
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Rows under a header, columns aligned, without a frame: easy to read and to cut.
#[must_use]
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().map(|h| h.to_uppercase()));
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn closed(source: io::Error) -> Failure {
    Failure::new(Kind::Unexpected, Closed { source })
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub(super) struct Closed {
    source: io::Error,
}

impl Closed {
    /// True when the reader went away, as `head` does: no error in a shell's eyes.
    #[must_use]
    pub(super) fn by_reader(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_names_as_a_sentence_does() {
        let names: Vec<PluginName> = ["a", "b", "c"].iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(listed(&names), "`a`, `b` and `c`");
        assert_eq!(listed(&names[..1]), "`a`");
    }
}
