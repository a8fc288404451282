//! Changes while a host runs: the real one, and, for what a real one never does, one that is made for it and speaks the
//! real protocol on a real socket.

mod canary;
pub mod daemon;
pub mod fake;

mod at_once;
mod commands;
mod damaged;
mod deploys;
mod faults;
mod homes;
mod killed;
mod languages;
mod load;
mod reach;
mod real;
mod refuses;
mod silent;
mod states;
mod translated;

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// A sandbox with plugins to choose from, `alpha` installed.
fn with_alpha() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    (sandbox, hub)
}

/// A plugin that does not start before it has a key.
fn mail() -> PackageSpec {
    PackageSpec::new("mail", "1.0.0").manifest(
        "config:\n  key: { type: string, required: true, secret: true, description: A key }\n  place: { type: string, required: true, description: A place }\n",
    )
}
