//! Questions on a terminal. A Ctrl-C in one gives the cursor back before the process ends.

use std::{
    io::{IsTerminal, Read, Write},
    sync::Once,
};

use leah_plugin::yaml::MAX_YAML_BYTES;

use super::{
    failure::{Failure, Kind},
    ui::Ui,
};

/// The user did not want to go on.
#[derive(Debug, thiserror::Error)]
#[error("cancelled; nothing changed")]
pub(super) struct Cancelled;

/// The terminal could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask on this terminal")]
struct NoAnswer(#[source] dialoguer::Error);

/// Index of the chosen item.
pub(super) fn select(question: &str, items: &[&str]) -> Result<usize, Failure> {
    guard_cursor();
    let answer =
        dialoguer::Select::new().with_prompt(question).items(items).default(items.len() - 1).interact_opt();
    // Escape and `q` mean no more than the last item, which is always the way out.
    answer.map(|index| index.unwrap_or(items.len() - 1)).map_err(failed)
}

/// Yes or no, no by default.
pub(super) fn confirm(question: &str) -> Result<bool, Failure> {
    guard_cursor();
    dialoguer::Confirm::new().with_prompt(question).default(false).interact().map_err(failed)
}

/// The same; a no ends the command.
pub(super) fn agree(question: &str) -> Result<(), Failure> {
    if confirm(question)? { Ok(()) } else { Err(Failure::new(Kind::Consent, Cancelled)) }
}

/// A password, not shown; asked for twice when it is a new one.
pub(super) fn password(question: &str, repeat: Option<&str>) -> Result<String, Failure> {
    guard_cursor();
    let mut prompt = dialoguer::Password::new().with_prompt(question);
    if let Some(again) = repeat {
        prompt = prompt.with_confirmation(again, "The two differ.").allow_empty_password(true);
    }
    prompt.interact().map_err(failed)
}

/// The value of a setting, which may be a secret: typed without being shown, or the whole standard input but the line
/// break at its end.
pub(super) fn value(ui: &Ui, setting: &str) -> Result<String, Failure> {
    if ui.interactive {
        return password(&format!("Value for {setting}, not shown"), None);
    }
    let mut input = std::io::stdin();
    // Who types here would see what is typed.
    if input.is_terminal() {
        let hint = "take the value from a file with `<`, or run it without `--json` on a terminal";
        return Err(
            Failure::new(Kind::Usage, NoValue { setting: setting.to_owned(), source: None }).hint(hint)
        );
    }
    let mut text = String::new();
    let unread = |source| NoValue { setting: setting.to_owned(), source: Some(source) };
    let read = input.by_ref().take(MAX_YAML_BYTES as u64).read_to_string(&mut text);
    if read.map_err(|source| Failure::new(Kind::Usage, unread(source)))? == 0 {
        let hint = "take it from a file with `<`, or run the command on a terminal, which asks for it";
        return Err(
            Failure::new(Kind::Usage, NoValue { setting: setting.to_owned(), source: None }).hint(hint)
        );
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Nothing came where a value was expected.
#[derive(Debug, thiserror::Error)]
#[error("there is no value for {setting}: nothing came from standard input")]
struct NoValue {
    setting: String,
    source: Option<std::io::Error>,
}

fn failed(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(io) = &error;
    if io.kind() == std::io::ErrorKind::Interrupted {
        return Failure::new(Kind::Interrupted, Cancelled);
    }
    Failure::new(Kind::Unexpected, NoAnswer(error))
}

/// dialoguer hides the cursor while it asks, and a Ctrl-C would leave it hidden.
fn guard_cursor() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let restore = || {
            let mut err = std::io::stderr().lock();
            drop(err.write_all(b"\x1b[?25h\n").and_then(|()| err.flush()));
            std::process::exit(i32::from(Kind::Interrupted.code()));
        };
        // Without the handler Ctrl-C still ends the process, only less tidily.
        drop(ctrlc::set_handler(restore));
    });
}
