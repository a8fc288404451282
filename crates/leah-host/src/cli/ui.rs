//! The only place that prints. Data goes to standard output, talk to standard error; text that comes from a plugin or a
//! host is escaped.

use std::io::{self, Write};

use leah_plugin::terminal::escaped;
use serde::Serialize;

use super::failure::{Failure, Kind};

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct Closed(#[source] io::Error);

/// Prints data.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| Failure::new(Kind::Unexpected, Closed(error)))
}

/// Prints a value as JSON on one line. JSON escapes control characters; the other ones that can deceive are escaped
/// here, which leaves the same value.
pub(super) fn object(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(Kind::Unexpected, error))?;
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if leah_plugin::terminal::is_treacherous(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    data(&safe)
}

/// Says one line.
pub(super) fn say(line: &str) {
    // A host whose log nobody reads any more goes on serving.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints a failure and gives its exit code.
pub(super) fn failure(failure: &Failure) -> u8 {
    for (index, message) in failure.messages().iter().enumerate() {
        let label = if index == 0 { "error" } else { "caused by" };
        say(&format!("{label}: {}", escaped(message)));
    }
    if let Some(hint) = &failure.hint {
        say(&format!("hint: {}", escaped(hint)));
    }
    failure.kind as u8
}

/// Rows under a header, columns aligned, without a frame: easy to read and to cut.
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
