//! What is to be translated into what, read from a message or from a tool call.

use leah_sdk::ToolCall;
use serde::Deserialize;

use crate::language::{self, Language};

/// How the command is written; the answer to one that lacks its text.
const USAGE: &str = "write `/translate [language] text`, as in `/translate tr Good morning`";

/// One text to translate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) text: String,
    pub(crate) target: Language,
}

/// The arguments of the tool, as the manifest declares them.
#[derive(Deserialize)]
struct Arguments {
    text: String,
    target: Option<String>,
}

impl Task {
    /// The task of a message `/translate [language] text`. `None` for any other message, an error for the
    /// user to read where the text is missing.
    pub(crate) fn from_message(message: &str, usual: Language) -> Option<Result<Self, String>> {
        let rest = message.trim().strip_prefix("/translate")?;
        // `/translated` may be the command of another plugin.
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        let rest = rest.trim_start();
        let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (target, text) = match Language::find(first) {
            Some(language) => (language, after.trim_start()),
            None => (usual, rest),
        };
        Some(Self::new(text, target).ok_or_else(|| USAGE.to_owned()))
    }

    /// The task of a call of the tool. The error is for the model to read.
    pub(crate) fn from_tool_call(call: &ToolCall, usual: Language) -> Result<Self, String> {
        let arguments: Arguments = call
            .parse_arguments()
            .map_err(|error| format!("the arguments are not as declared: {}", error.explanation()))?;
        let target = match arguments.target.as_deref() {
            None | Some("") => usual,
            Some(word) => Language::find(word).ok_or_else(|| language::unknown(word))?,
        };
        Self::new(&arguments.text, target).ok_or_else(|| "`text` is empty".to_owned())
    }

    /// The task of a message that is to be translated though it has no command. `None` where there is nothing to
    /// translate, or the command of another plugin.
    pub(crate) fn from_any_message(message: &str, target: Language) -> Option<Self> {
        if message.trim_start().starts_with('/') { None } else { Self::new(message, target) }
    }

    fn new(text: &str, target: Language) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { text: text.to_owned(), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &str) -> Language {
        Language::find(code).expect("a code of the list")
    }

    fn task(target: &str, text: &str) -> Task {
        Task { text: text.to_owned(), target: language(target) }
    }

    #[track_caller]
    fn check_message(message: &str, expect: Option<Result<Task, &str>>) {
        let expect = expect.map(|task| task.map_err(str::to_owned));
        assert_eq!(Task::from_message(message, language("en")), expect);
    }

    #[track_caller]
    fn check_call(arguments: &str, expect: Result<Task, &str>) {
        let call = ToolCall::new("translate", arguments);
        assert_eq!(Task::from_tool_call(&call, language("en")), expect.map_err(str::to_owned));
    }

    #[test]
    fn a_command_may_name_the_language() {
        check_message("/translate tr Good morning", Some(Ok(task("tr", "Good morning"))));
        check_message("/translate German Good morning", Some(Ok(task("de", "Good morning"))));
        check_message("/translate Günaydın dünya", Some(Ok(task("en", "Günaydın dünya"))));
        check_message("/translate en de la tierra", Some(Ok(task("en", "de la tierra"))));
    }

    #[test]
    fn the_lines_of_a_text_are_kept() {
        check_message("/translate tr\n  one\n\n  two\n", Some(Ok(task("tr", "one\n\n  two"))));
    }

    #[test]
    fn a_command_without_text_is_told_how_to_write_it() {
        check_message("/translate", Some(Err(USAGE)));
        check_message("/translate tr ", Some(Err(USAGE)));
    }

    #[test]
    fn other_messages_are_not_meant() {
        check_message("/translated tr x", None);
        check_message("what does /translate do?", None);
    }

    #[test]
    fn a_tool_call_may_name_the_language() {
        check_call(r#"{"text": "Hi", "target": "tr"}"#, Ok(task("tr", "Hi")));
        check_call(r#"{"text": "Salut"}"#, Ok(task("en", "Salut")));
        check_call(r#"{"text": "Salut", "target": null}"#, Ok(task("en", "Salut")));
    }

    #[test]
    fn a_model_that_calls_wrongly_is_told_what_is_wrong() {
        check_call(r#"{"text": " "}"#, Err("`text` is empty"));
        check_call(
            r#"{"target": "tr"}"#,
            Err("the arguments are not as declared: missing field `text` at line 1 column 16"),
        );
    }

    #[test]
    fn any_message_is_a_task_unless_it_is_a_command_or_empty() {
        let usual = language("en");
        assert_eq!(Task::from_any_message(" Günaydın\n", usual), Some(task("en", "Günaydın")));
        assert_eq!(Task::from_any_message("/hello Ada", usual), None);
        assert_eq!(Task::from_any_message("\n", usual), None);
    }
}
