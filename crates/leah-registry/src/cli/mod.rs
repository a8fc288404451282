//! The command line of `leah-registry`: one file a command, over a library that never prints.

mod check;
mod context;
mod failure;
mod init;
mod mirror;
mod owner;
mod publish;
mod refresh;
mod revoke;
mod rotate;
mod serve;
mod unyank;
mod yank;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{context::Context, failure::Failure};

/// Make, change and check a registry of LEAH plugins in a folder
///
/// The folder holds nothing but files. Any web server can serve it, and leahpm can use it as it is.
#[derive(Debug, Parser)]
#[command(name = "leah-registry", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    global: context::GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Publish(publish::PublishArgs),
    Yank(yank::YankArgs),
    Unyank(unyank::UnyankArgs),
    Owner(owner::OwnerArgs),
    Revoke(revoke::RevokeArgs),
    Refresh(refresh::RefreshArgs),
    Rotate(rotate::RotateArgs),
    Check(check::CheckArgs),
    Serve(serve::ServeArgs),
    Mirror(mirror::MirrorArgs),
}

const EXAMPLES: &str = "\
Examples:
  leah-registry init ./hub --origin hub --keys ./keys
  leah-registry publish ./hub notes-1.0.0.tar.gz --index-key keys/index.key --publisher-key me.key
  leah-registry rotate ./hub --root-key keys/root.key --new-index-key keys/index-2.key
  leah-registry check ./hub

Exit codes:
  0 done, 1 unexpected, 2 usage, 3 expired, 4 password or access, 5 not found,
  6 network, 7 signature, hash or trust, 8 consent needed, 9 refused by policy,
  12 locked by another process, 13 invalid package or key file";

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let code = run(std::env::args_os());
    ExitCode::from(code)
}

/// Runs one command and returns its exit code.
fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let context = match Context::new(&cli.global) {
        Ok(context) => context,
        Err(failure) => return failure.report(cli.global.json),
    };
    match dispatch(&context, &cli.command) {
        Ok(()) => 0,
        Err(failure) => failure.report(cli.global.json),
    }
}

fn dispatch(ctx: &Context, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(ctx, args),
        Command::Publish(args) => publish::run(ctx, args),
        Command::Yank(args) => yank::run(ctx, args),
        Command::Unyank(args) => unyank::run(ctx, args),
        Command::Owner(args) => owner::run(ctx, args),
        Command::Revoke(args) => revoke::run(ctx, args),
        Command::Refresh(args) => refresh::run(ctx, args),
        Command::Rotate(args) => rotate::run(ctx, args),
        Command::Check(args) => check::run(ctx, args),
        Command::Serve(args) => serve::run(ctx, args),
        Command::Mirror(args) => mirror::run(ctx, args),
    }
}

/// Help and version are answers, everything else is a mistake.
fn usage(error: &clap::Error) -> u8 {
    let code = if error.use_stderr() { 2 } else { 0 };
    // Nobody is left to tell when the terminal itself is gone.
    let _ = error.print();
    code
}
