//! The languages translator knows: codes as LibreTranslate has them, and names as models understand them.

/// The languages, by code. The manifest offers the same codes; a test compares them.
const LANGUAGES: &[(&str, &str)] = &[
    ("ar", "Arabic"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// One of the languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Language {
    code: &'static str,
    name: &'static str,
}

impl Language {
    /// The language of a code or an English name, in whatever case.
    pub(crate) fn find(word: &str) -> Option<Self> {
        LANGUAGES
            .iter()
            .find(|(code, name)| word.eq_ignore_ascii_case(code) || word.eq_ignore_ascii_case(name))
            .map(|&(code, name)| Self { code, name })
    }

    /// Its code, as in `tr`.
    pub(crate) fn code(self) -> &'static str {
        self.code
    }

    /// Its name in English, as in `Turkish`.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }
}

/// Says that a word names no language, and which ones there are: the reader may be a model that tries again.
pub(crate) fn unknown(word: &str) -> String {
    let codes: Vec<&str> = LANGUAGES.iter().map(|(code, _)| *code).collect();
    format!("`{word}` is not a language translator knows; use one of {}", codes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(Language::find(word).map(Language::name), expect);
    }

    #[test]
    fn a_language_has_a_code_and_a_name() {
        check("tr", Some("Turkish"));
        check("TR", Some("Turkish"));
        check("turkish", Some("Turkish"));
        check("tur", None);
        check("", None);
    }

    #[test]
    fn the_manifest_offers_exactly_these_languages() {
        let codes: Vec<&str> = LANGUAGES.iter().map(|(code, _)| *code).collect();
        let line = format!("enum: [{}]", codes.join(", "));
        let manifest = include_str!("../plugin.yaml");
        assert_eq!(manifest.matches(&line).count(), 2, "the tool and the setting both need `{line}`");
    }

    #[test]
    fn an_unknown_language_is_told_with_those_there_are() {
        assert!(unknown("xx").starts_with("`xx` is not a language translator knows; use one of ar, cs,"));
    }
}
