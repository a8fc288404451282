//! Text from outside, made safe to show: no package, registry or file name may move a cursor, change a colour
//! or turn the direction of writing.

/// Control characters, the separators of lines and paragraphs, and the marks that turn the direction of writing
/// (Unicode Standard Annex 9): with them a text can look like another.
#[must_use]
pub fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text with every treacherous character written as an escape such as `\u{1b}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    escaped_but(text, |_| false)
}

/// As [`escaped`], for a text of several lines: line feeds stay.
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    escaped_but(text, |c| c == '\n')
}

fn escaped_but(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_treacherous(c) && !stays(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_move_a_cursor_or_turn_text_around() {
        assert_eq!(escaped("a\u{1b}[31m\u{202e}b\nc\u{9b}"), "a\\u{1b}[31m\\u{202e}b\\u{a}c\\u{9b}");
        assert_eq!(escaped_lines("a\nb\u{7}"), "a\nb\\u{7}");
        assert_eq!(escaped("grüße 漢字 ✓"), "grüße 漢字 ✓");
    }
}
