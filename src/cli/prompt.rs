//! Questions on a terminal. A Ctrl-C in one gives the cursor back before the process ends.

use std::{io::Write, sync::Once};

use super::failure::{Failure, Kind};

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

/// A password, not shown; asked for twice when it is a new one.
pub(super) fn password(question: &str, repeat: Option<&str>) -> Result<String, Failure> {
    guard_cursor();
    let mut prompt = dialoguer::Password::new().with_prompt(question);
    if let Some(again) = repeat {
        prompt = prompt.with_confirmation(again, "The two differ.").allow_empty_password(true);
    }
    prompt.interact().map_err(failed)
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
