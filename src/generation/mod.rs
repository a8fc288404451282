//! Generations: sets of plugins with their settings, each in a folder that never changes. Making another
//! one live is one rename; reading one keeps it from being collected.

pub mod history;
pub mod switch;

pub mod check;
pub mod gc;

#[cfg(test)]
pub(crate) mod sandbox;

pub use self::{
    history::{Generation, Past, ReadError, history},
    switch::{Draft, Pending, SwitchError, Writer},
};
