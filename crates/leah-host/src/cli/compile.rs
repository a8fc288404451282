//! `leah-host compile`: the process in which a component becomes machine code. Started by the host, with limits that it
//! sets to itself first.

use std::io;

use leah_host::compile;

use super::failure::{Failure, Kind};

/// Compile the component on standard input to standard output
#[derive(Debug, clap::Args)]
pub(super) struct CompileArgs {}

pub(super) fn run(_args: &CompileArgs) -> Result<(), Failure> {
    compile::serve(io::stdin().lock(), io::stdout().lock())
        .map_err(|error| Failure::new(Kind::Unexpected, error))
}
