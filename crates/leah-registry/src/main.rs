//! The program `leah-registry`: see [`leah_registry::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    leah_registry::cli::main()
}
