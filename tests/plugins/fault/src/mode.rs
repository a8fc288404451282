//! The ways to fail.

use std::hint::black_box;

use leah_sdk::{Error, Result, log};
use serde::Deserialize;

/// A text with this word makes a plugin fail that waits for it.
const NOW: &str = "now";

/// How many lines `flood` logs in one call.
const LINES: u32 = 100_000;

/// Bytes of what `huge` answers.
const HUGE: usize = 32 << 20;

/// Bytes that `hog` asks for at a time.
const BITE: usize = 1 << 20;

/// How to fail.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Not at all.
    None,
    /// `initialize` never ends.
    SlowStart,
    /// `initialize` answers an error.
    FailingStart,
    /// `activate` answers an error.
    FailingActivate,
    /// A trap.
    Trap,
    /// A call that never ends.
    Loop,
    /// All memory there is.
    Hog,
    /// All stack there is.
    Overflow,
    /// More lines for the log than anybody reads.
    Flood,
    /// An answer that is too large.
    Huge,
    /// An error, which is no fault.
    Error,
}

impl Mode {
    /// Whether the plugin fails in a hook, and lets texts pass until then.
    pub(crate) fn waits_for_now(self) -> bool {
        use Mode::{Error, Flood, Hog, Huge, Loop, Overflow, Trap};
        matches!(self, Trap | Loop | Hog | Overflow | Flood | Huge | Error)
    }

    /// Fails if the text says so. Answers what is to be answered where failing is that.
    pub(crate) fn fail(self, text: &str) -> Result<Option<String>> {
        if !text.contains(NOW) {
            return Ok(None);
        }
        match self {
            Self::Trap => std::process::abort(),
            Self::Loop => run_forever(),
            Self::Hog => eat(),
            Self::Overflow => Ok(Some(dig(black_box(1)).to_string())),
            Self::Flood => {
                (0..LINES).for_each(|line| log::info(format!("line {line} of a flood")));
                Ok(None)
            }
            Self::Huge => Ok(Some("x".repeat(HUGE))),
            Self::Error => Err(Error::Failed("no luck today".to_owned())),
            Self::None | Self::SlowStart | Self::FailingStart | Self::FailingActivate => Ok(None),
        }
    }
}

/// Never ends, whatever the optimizer thinks of it.
pub(crate) fn run_forever() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Takes memory until there is none.
fn eat() -> ! {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; BITE]);
        black_box(&eaten);
    }
}

/// Calls itself without end, with nothing in memory: it is the stack of the engine that runs out.
fn dig(depth: u64) -> u64 {
    if depth == 0 { 0 } else { dig(black_box(depth).wrapping_add(1) | 1).wrapping_add(depth) }
}
