//! Words out of a fixed list, such as permissions, hooks and keys: what to say when one is not in it.

/// A word that is not in the list it should come from, with the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {what}{}", .word.escape_debug(), advice(*.suggestion, .known))]
pub struct UnknownWord {
    /// The word as given, cut after 80 characters.
    pub word: String,
    /// What it should have been, with its article: `a permission`.
    pub what: &'static str,
    /// The closest word of the list, if one is close.
    pub suggestion: Option<&'static str>,
    /// All words of the list.
    pub known: Vec<&'static str>,
}

impl UnknownWord {
    /// Describes `word`, which is none of `known`.
    pub(crate) fn new(word: &str, what: &'static str, known: &[&'static str]) -> Self {
        Self {
            word: word.chars().take(80).collect(),
            what,
            suggestion: closest(word, known),
            known: known.to_vec(),
        }
    }
}

fn advice(suggestion: Option<&str>, known: &[&str]) -> String {
    match suggestion {
        Some(word) => format!("; did you mean `{word}`?"),
        None => format!("; known are `{}`", known.join("`, `")),
    }
}

fn closest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // The comparison takes time in the product of the lengths, and the word comes from a stranger.
    if word.len() > 64 {
        return None;
    }
    let score = |known: &str| strsim::jaro_winkler(&word.to_ascii_lowercase().replace('-', "_"), known);
    let best = known.iter().map(|known| (score(known), *known)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.84).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expect: &str) {
        assert_eq!(UnknownWord::new(word, "a fruit", &["apple", "pear_tree"]).to_string(), expect);
    }

    #[test]
    fn suggests_what_is_close_and_lists_the_rest_otherwise() {
        check("aple", "`aple` is not a fruit; did you mean `apple`?");
        check("Pear-Tree", "`Pear-Tree` is not a fruit; did you mean `pear_tree`?");
        check("x", "`x` is not a fruit; known are `apple`, `pear_tree`");
    }

    #[test]
    fn cuts_and_escapes_what_a_stranger_wrote() {
        let text = UnknownWord::new(&"\u{1b}".repeat(100_000), "a fruit", &["apple"]).to_string();
        assert!(text.len() < 800 && !text.contains('\u{1b}'));
    }
}
