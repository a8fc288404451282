//! The only place that prints. Data goes to standard output, talk to standard error; text that comes
//! from a package or a registry is escaped; a closed pipe ends the command quietly.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use leah_plugin::name::PluginName;
use serde_json::{Value, json};

use super::failure::{Failure, Kind};

/// Number of the shape of every `--json` object; raised when a field changes its meaning.
pub const JSON_SCHEMA: u32 = 1;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that can, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors and warnings alone.
    Quiet,
    /// What was done.
    Normal,
    /// Each step on the way.
    Verbose,
}

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// One JSON object on standard output, in place of tables and sentences.
    pub json: bool,
    /// How much to say.
    pub verbosity: Verbosity,
    /// Colour on standard error.
    pub color: bool,
    /// A person can be asked: standard input and standard error are terminals and `--json` was not given.
    pub interactive: bool,
}

impl Ui {
    /// Decides colour and prompts from flags and the kind of the standard streams.
    #[must_use]
    pub fn new(json: bool, verbosity: Verbosity, color: ColorChoice, plain_terminal: bool) -> Self {
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
    pub fn data(&self, text: impl fmt::Display) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(closed)
    }

    /// Prints the one object of a `--json` run: `value` with `schema` and `command` in front.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn object(&self, command: &str, value: Value) -> Result<(), Failure> {
        let mut object = json!({ "schema": JSON_SCHEMA, "command": command });
        if let (Value::Object(whole), Value::Object(fields)) = (&mut object, value) {
            whole.extend(fields);
        }
        self.data(object)
    }

    /// The sentence that says what was done.
    pub fn done(&self, sentence: impl fmt::Display) {
        if self.verbosity > Verbosity::Quiet && !self.json {
            self.talk(&sentence.to_string());
        }
    }

    /// Something that a person who waits wants to know.
    pub fn note(&self, sentence: impl fmt::Display) {
        if self.verbosity > Verbosity::Quiet {
            self.talk(&sentence.to_string());
        }
    }

    /// What a question is about, printed before it is asked.
    pub fn ask(&self, text: &str) {
        self.talk(text);
    }

    /// A step on the way, for `--verbose`.
    pub fn step(&self, sentence: impl fmt::Display) {
        if self.verbosity == Verbosity::Verbose {
            self.talk(&sentence.to_string());
        }
    }

    /// Something the user should know although the command goes on.
    pub fn warn(&self, sentence: impl fmt::Display) {
        self.talk(&format!("{} {sentence}", self.paint("warning:", "33;1")));
    }

    /// Prints a failure and gives its exit code.
    pub fn failure(&self, failure: &Failure) -> u8 {
        if self.json {
            let messages = failure.messages();
            let object = json!({
                "code": failure.kind.code(),
                "message": messages.first(),
                "causes": messages.get(1..).unwrap_or_default(),
                "hint": failure.hints.first(),
                "hints": failure.hints,
            });
            // Nobody is left to tell when standard output is gone; the exit code still tells.
            drop(self.data(json!({ "schema": JSON_SCHEMA, "error": object })));
        } else {
            for (index, message) in failure.messages().iter().enumerate() {
                let label = if index == 0 { "error:" } else { "caused by:" };
                self.talk(&format!("{} {message}", self.paint(label, "31;1")));
            }
            for hint in &failure.hints {
                self.talk(&format!("{} {hint}", self.paint("hint:", "36;1")));
            }
        }
        failure.kind.code()
    }

    /// A progress bar over `total` bytes on standard error; hidden unless a person is watching.
    #[must_use]
    pub fn bar(&self, total: u64) -> indicatif::ProgressBar {
        if self.verbosity == Verbosity::Quiet || self.json || !io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let style = indicatif::ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
        indicatif::ProgressBar::new(total).with_style(style)
    }

    fn talk(&self, text: &str) {
        let mut err = io::stderr().lock();
        // Standard error may be closed; there is no other place to complain to.
        drop(writeln!(err, "{text}").and_then(|()| err.flush()));
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Text from outside, made safe to print: control characters, and the invisible characters that turn
/// the direction of text, are written as escapes, so that no package can draw on the terminal.
#[must_use]
pub fn escaped(text: &str) -> String {
    let unsafe_char = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if unsafe_char(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

/// `a, b and c`.
#[must_use]
pub fn listed<'a>(names: impl IntoIterator<Item = &'a PluginName>) -> String {
    let names: Vec<&str> = names.into_iter().map(PluginName::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// `1 package`, `2 packages`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Rows under a header, columns aligned, without a frame: easy to read and to cut.
#[must_use]
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
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
pub struct Closed {
    source: io::Error,
}

impl Closed {
    /// True when the reader went away, as `head` does: no error in a shell's eyes.
    #[must_use]
    pub fn by_reader(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_move_a_cursor_or_turn_text_around() {
        assert_eq!(escaped("a\u{1b}[31m\u{202e}b\nc"), "a\\u{1b}[31m\\u{202e}b\\u{a}c");
        assert_eq!(escaped("grüße 漢字 ✓"), "grüße 漢字 ✓");
    }

    #[test]
    fn lists_names_as_a_sentence_does() {
        let names: Vec<PluginName> = ["a", "b", "c"].iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(listed(&names), "a, b and c");
        assert_eq!(listed(&names[..1]), "a");
    }
}
