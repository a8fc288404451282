//! Rules for the free texts of a manifest. They are shown in terminals, in listings and to the model, so they have
//! limits and no character that moves a cursor or turns the direction of what follows.

use crate::terminal::is_treacherous;

/// Longest author, license or other short text, in bytes.
pub(super) const SHORT: usize = 128;
/// Longest description, in bytes.
pub(super) const LONG: usize = 512;
/// Longest description of a tool, which the model reads, in bytes.
pub(super) const TOOL: usize = 4096;

/// Whether a text may have more than one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Longer than its field allows.
    #[error("the text has {found} bytes, at most {most} are allowed")]
    TooLong {
        /// The limit.
        most: usize,
        /// What it has.
        found: usize,
    },
    /// A control character, or one that turns the direction of writing.
    #[error("the text has the character `{}`, which could change how a terminal shows it", .0.escape_unicode())]
    Character(char),
    /// Not an HTTP(S) URL.
    #[error("`{}` is not a URL that begins with `https://` or `http://`", .0.escape_debug())]
    Url(String),
    /// Characters that no SPDX expression has.
    #[error("`{}` is not a license expression such as `MIT` or `Apache-2.0 OR MIT`", .0.escape_debug())]
    License(String),
}

/// The text without white space at its end (which YAML's block texts have), if it keeps the rules.
pub(super) fn check(text: &str, most: usize, lines: Lines) -> Result<&str, TextError> {
    let text = text.trim_end();
    if text.trim_start().is_empty() {
        return Err(TextError::Empty);
    }
    if text.len() > most {
        return Err(TextError::TooLong { most, found: text.len() });
    }
    let newline = |c: char| c == '\n' && lines == Lines::Many;
    match text.chars().find(|c| is_treacherous(*c) && !newline(*c)) {
        Some(character) => Err(TextError::Character(character)),
        None => Ok(text),
    }
}

/// A URL of a page. Not parsed further: it is shown and never fetched.
pub(super) fn check_url(text: &str) -> Result<&str, TextError> {
    let text = check(text, LONG, Lines::One)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()) => Ok(text),
        _ => Err(TextError::Url(text.to_owned())),
    }
}

/// An SPDX license expression, as far as its characters tell.
pub(super) fn check_license(text: &str) -> Result<&str, TextError> {
    let text = check(text, SHORT, Lines::One)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".+-:() ".contains(&b);
    let good = text.bytes().all(allowed) && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '(');
    if good { Ok(text) } else { Err(TextError::License(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_texts_that_could_play_with_a_terminal() {
        assert_eq!(check("Übersetzt Nachrichten 🌍\n", SHORT, Lines::One), Ok("Übersetzt Nachrichten 🌍"));
        assert_eq!(check("a\nb\n", SHORT, Lines::Many), Ok("a\nb"));
        for c in ['\u{1b}', '\n', '\t', '\0', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}'] {
            assert_eq!(check(&format!("a{c}b"), SHORT, Lines::One), Err(TextError::Character(c)));
        }
        assert_eq!(check(" \n", SHORT, Lines::Many), Err(TextError::Empty));
        let error = TextError::TooLong { most: SHORT, found: 129 };
        assert_eq!(check(&"a".repeat(129), SHORT, Lines::One), Err(error));
    }

    #[test]
    fn takes_plausible_licenses_and_pages_only() {
        for text in ["MIT", "Apache-2.0 OR MIT", "(GPL-2.0+ WITH x)", "LicenseRef-mine"] {
            assert!(check_license(text).is_ok(), "{text}");
        }
        for text in ["MIT/Apache", "see file", "<b>"] {
            assert_eq!(check_license(text).is_ok(), text == "see file", "{text}");
        }
        assert!(check_url("https://example.com/a?b=c#d").is_ok());
        for text in ["example.com", "javascript:alert(1)", "https://", "https://a b", "https://ä"] {
            assert!(check_url(text).is_err(), "{text}");
        }
    }
}
