//! The command line of `leah-host`: one file a command, over a library that never prints.

mod args;
mod client;
mod failure;
mod ui;

mod call;
mod compile;
mod log;
mod serve;
mod status;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use self::failure::Failure;

/// The running host of LEAH
///
/// Loads the plugins that leahpm installed, runs their hooks in a sandbox, and changes them without losing a call.
#[derive(Debug, Parser)]
#[command(name = "leah-host", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    place: args::PlaceArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Call(call::CallArgs),
    Status(status::StatusArgs),
    #[command(hide = true)]
    Compile(compile::CompileArgs),
}

const EXAMPLES: &str = "\
Examples:
  leah-host serve
  leah-host status
  leah-host call on_chat_message '{\"content\": \"good morning\"}'

Exit codes:
  0 done, 1 unexpected, 2 usage, 5 no host or no such tool, 6 the host did not answer,
  10 another version of the messages, 12 another host serves this home, 13 host.yaml or JSON is not valid";

/// Runs the program with the arguments of the process.
pub(crate) fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs one command and returns its exit code.
fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(&cli) {
        Ok(()) => 0,
        Err(failure) => ui::failure(&failure),
    }
}

fn dispatch(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Serve(args) => serve::run(&cli.place, args),
        Command::Call(args) => call::run(&cli.place, args),
        Command::Status(args) => status::run(&cli.place, args),
        Command::Compile(args) => compile::run(args),
    }
}

/// Help and version are answers, everything else is a mistake.
fn usage(error: &clap::Error) -> u8 {
    let code = if error.use_stderr() { 2 } else { 0 };
    // Nobody is left to tell when the terminal itself is gone.
    let _ = error.print();
    code
}
