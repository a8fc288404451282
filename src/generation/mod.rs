//! Generations: sets of plugins with their settings, each in a folder that never changes. Making another
//! one live is one rename; reading one keeps it from being collected.

pub mod switch;

pub mod check;
pub mod gc;

#[cfg(test)]
mod reading_tests;
#[cfg(test)]
pub(crate) mod sandbox;
#[cfg(test)]
mod switch_tests;

pub use leah_home::generation::{Generation, Past, ReadError, digest, history};

pub use self::switch::{Draft, Pending, SwitchError, Writer};
