//! Finds the translation in what a model said: some models think aloud before they answer.

use leah_sdk::{Error, Result};

/// The translation in a model's reply. [`Error::Failed`] if there is none.
pub(crate) fn translation(reply: &str) -> Result<String> {
    let text = without_thoughts(reply).trim();
    if text.is_empty() {
        return Err(Error::Failed("the model gave no translation".to_owned()));
    }
    Ok(text.to_owned())
}

/// What follows the thoughts of a model that thinks aloud. Thoughts without an end were cut off before the
/// answer.
fn without_thoughts(reply: &str) -> &str {
    let Some(thoughts) = reply.trim_start().strip_prefix("<think>") else { return reply };
    thoughts.split_once("</think>").map_or("", |(_, answer)| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reply: &str, expect: Option<&str>) {
        assert_eq!(translation(reply).ok().as_deref(), expect);
    }

    #[test]
    fn a_translation_stands_alone() {
        check(" Günaydın\n", Some("Günaydın"));
        check("\"Evet\" dedi.", Some("\"Evet\" dedi."));
    }

    #[test]
    fn thoughts_are_left_out() {
        check("<think>\nMorning is sabah.\n</think>\n\nGünaydın", Some("Günaydın"));
        check("The tag <think> opens a thought", Some("The tag <think> opens a thought"));
    }

    #[test]
    fn a_reply_without_a_translation_is_a_failure() {
        check("  ", None);
        check("<think>Morning is", None);
    }
}
