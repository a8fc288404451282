//! The one way in which JSON of a registry is read and written: one line a value, and one spelling of it.
//! What was read is written again and must come out the same, which refuses duplicate keys, spaces,
//! other orders and other escapes with a single comparison.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Why a line is not the value that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Longer than the caller allows.
    #[error("the text has {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Length in bytes.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The last line does not end with LF.
    #[error("the last line does not end with a line feed")]
    Unfinished,
    /// More or fewer than one line.
    #[error("the text is not a single line")]
    NotOneLine,
    /// Not JSON, or not of this shape.
    #[error("{}{reason}", place(*.column))]
    Invalid {
        /// From 1; bytes.
        column: usize,
        /// What is wrong, one line without control characters.
        reason: String,
    },
    /// The same value in another spelling.
    #[error("the line is not in its canonical form, which is `{}`", canonical.escape_debug())]
    NotCanonical {
        /// How the line should read; at most 200 characters of it.
        canonical: String,
    },
}

/// The place in front of a message, where it is known.
fn place(column: usize) -> String {
    if column == 0 { String::new() } else { format!("column {column}: ") }
}

/// Reads one line, given without its end.
///
/// # Errors
/// When it is not JSON, does not fit `T`, or is not the canonical text of the value.
pub(crate) fn from_line<T: DeserializeOwned + Serialize>(line: &[u8]) -> Result<T, JsonError> {
    let value: T = serde_json::from_slice(line).map_err(|error| invalid(&error))?;
    let canonical = to_line(&value);
    if &canonical[..canonical.len() - 1] == line {
        return Ok(value);
    }
    let canonical = String::from_utf8_lossy(&canonical).trim_end().chars().take(200).collect();
    Err(JsonError::NotCanonical { canonical })
}

/// Writes one line with its end.
pub(crate) fn to_line<T: Serialize>(value: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("types of a registry have string keys only");
    line.push(b'\n');
    line
}

/// The lines of a text of at most `limit` bytes, without their ends. An empty text has none.
///
/// # Errors
/// When it is longer or its last line does not end.
pub(crate) fn lines(bytes: &[u8], limit: usize) -> Result<impl Iterator<Item = &[u8]>, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge { found: bytes.len(), limit });
    }
    let body = match bytes {
        [] => None,
        [body @ .., b'\n'] => Some(body),
        _ => return Err(JsonError::Unfinished),
    };
    Ok(body.into_iter().flat_map(|body| body.split(|b| *b == b'\n')))
}

/// The `format` of a document, read before anything else is, so that a newer one is told from a broken one.
pub(crate) fn format_of(line: &[u8]) -> Result<u64, JsonError> {
    #[derive(Deserialize)]
    struct Probe {
        format: u64,
    }
    serde_json::from_slice(line).map(|probe: Probe| probe.format).map_err(|error| invalid(&error))
}

/// The body of a signed document: one line and nothing else.
pub(crate) fn single_line(bytes: &[u8], limit: usize) -> Result<&[u8], JsonError> {
    let mut lines = lines(bytes, limit)?;
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line),
        _ => Err(JsonError::NotOneLine),
    }
}

fn invalid(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    // The library ends its texts with the place, and quotes foreign text as it stands.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let escape =
        |c: char| if matches!(c, '"' | '\'' | '\\') { c.to_string() } else { c.escape_debug().to_string() };
    JsonError::Invalid { column: error.column(), reason: text.chars().take(300).map(escape).collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Map = BTreeMap<String, u64>;

    #[test]
    fn refuses_every_spelling_but_one() {
        assert!(from_line::<Map>(br#"{"a":1,"b":2}"#).is_ok());
        for text in [r#"{"b":2,"a":1}"#, r#"{"a":1, "b":2}"#, r#"{"a":0,"a":1}"#, "{\"\\u0061\":1}", "{} "] {
            assert!(
                matches!(from_line::<Map>(text.as_bytes()), Err(JsonError::NotCanonical { .. })),
                "{text}"
            );
        }
        assert!(from_line::<Map>(&b"[".repeat(100_000)).is_err());
    }

    #[test]
    fn keeps_foreign_text_out_of_the_terminal() {
        #[derive(Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let error = from_line::<Empty>("{\"\u{1b}[31m\u{202e}\":1}".as_bytes()).unwrap_err().to_string();
        assert!(!error.contains(['\u{1b}', '\u{202e}']), "{error}");
    }

    #[test]
    fn counts_lines_strictly() {
        let count = |text: &str| lines(text.as_bytes(), 10).map(Iterator::count);
        assert_eq!(count(""), Ok(0));
        assert_eq!(count("a\nb\n"), Ok(2));
        assert_eq!(count("\n"), Ok(1));
        assert_eq!(count("a"), Err(JsonError::Unfinished));
        assert_eq!(count("aaaaaaaaaa\n"), Err(JsonError::TooLarge { found: 11, limit: 10 }));
        assert_eq!(single_line(b"a\n\n", 10), Err(JsonError::NotOneLine));
    }
}
