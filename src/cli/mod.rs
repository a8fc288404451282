//! The command line: what flags mean, one line of dispatch a command, and the process's exit code.
//! A command's file holds its help, its arguments and its `run`; the work is the library's.

mod args;
mod context;
mod failure;
mod reasons;
mod refused;
mod ui;

mod consent;
mod moves;
mod notes;
mod project;
mod prompt;
mod relock;
mod render;
mod resolve;
mod rest;
mod switched;
mod ways;

mod bundle;
mod cache;
mod check;
mod completions;
mod config;
mod diff;
mod disable;
mod enable;
mod export;
mod gc;
mod history;
mod hold;
mod host;
mod info;
mod install;
mod key;
mod list;
mod lock;
mod outdated;
mod pack;
mod permissions;
mod registry;
mod rollback;
mod search;
mod sign;
mod sync;
mod tree;
mod unhold;
mod uninstall;
mod update;
mod verify;
mod why;

use std::{ffi::OsStr, mem::ManuallyDrop, process::ExitCode};

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use self::{
    args::{GlobalArgs, Said},
    context::Context,
    failure::Failure,
    ui::Closed,
};

/// The plugin package manager of LEAH
///
/// Finds plugins in signed registries, checks every byte, and installs them as a set that is switched by
/// one rename, so that every change can be rolled back.
#[derive(Parser)]
#[command(name = "leahpm", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  leahpm install translator              find, check and install a plugin
  leahpm install translator --grant all  the same in a script, permissions agreed to
  leahpm list                            what is installed
  leahpm rollback                        undo the last change

Every global option has an environment variable: LEAHPM_OFFLINE=1 is --offline, and so on.
The home folder is LEAH_HOME. Defaults of your own stand in config.yaml in your folder for
configuration, such as `offline: true`; options come first, then variables, then this file.";

#[derive(clap::Subcommand)]
#[command(defer = true)]
enum Command {
    Install(install::InstallArgs),
    Uninstall(uninstall::UninstallArgs),
    Update(update::UpdateArgs),
    Enable(enable::EnableArgs),
    Disable(disable::DisableArgs),
    Hold(hold::HoldArgs),
    Unhold(unhold::UnholdArgs),
    List(list::ListArgs),
    Search(search::SearchArgs),
    Info(info::InfoArgs),
    Outdated(outdated::OutdatedArgs),
    Config(config::ConfigArgs),
    Permissions(permissions::PermissionsArgs),
    History(history::HistoryArgs),
    Rollback(rollback::RollbackArgs),
    Lock(lock::LockArgs),
    Sync(sync::SyncArgs),
    Diff(diff::DiffArgs),
    Tree(tree::TreeArgs),
    Why(why::WhyArgs),
    Export(export::ExportArgs),
    Bundle(bundle::BundleArgs),
    Verify(verify::VerifyArgs),
    Gc(gc::GcArgs),
    Registry(registry::RegistryArgs),
    Host(host::HostArgs),
    Pack(pack::PackArgs),
    Check(check::CheckArgs),
    Sign(sign::SignArgs),
    Key(key::KeyArgs),
    Cache(cache::CacheArgs),
    Completions(completions::CompletionsArgs),
}

/// The whole command line as clap knows it; man pages and completions are made from it.
#[must_use]
pub fn command() -> clap::Command {
    let mut command = Cli::command();
    // What `defer` puts off is needed here, down to the one-line descriptions.
    command.build();
    command
}

/// The part of the command line that is needed to read these arguments. clap copies every global option
/// into every subcommand, which takes longer than `leahpm list` itself, so the others are left out where the
/// first argument names one.
fn parser(first: Option<&OsStr>) -> clap::Command {
    let whole = Cli::command();
    match first.and_then(|name| whole.find_subcommand(name)).cloned() {
        Some(named) => {
            let top = clap::Command::new("leahpm").version(env!("CARGO_PKG_VERSION"));
            GlobalArgs::augment_args(top).subcommand(named)
        }
        None => command(),
    }
}

/// Runs leahpm with the process's arguments and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    completions::answer_shell();
    let first = std::env::args_os().nth(1);
    // Never freed: the process ends with the command, and taking the tree apart takes longer than a `list`.
    let mut parser = ManuallyDrop::new(parser(first.as_deref()));
    let matches = parser.try_get_matches_from_mut(std::env::args_os());
    let parsed = matches.and_then(|mut matches| {
        let said = Said::of(&matches);
        Ok((Cli::from_arg_matches_mut(&mut matches)?, said))
    });
    let (Cli { global, command }, said) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return ExitCode::from(args::report(&error)),
    };
    let global = match global.user_file() {
        Ok(file) => global.or(file, &said),
        Err(error) => return ExitCode::from(global.ui().failure(&error.into())),
    };
    let ui = global.ui();
    let result = global.config().map_err(Failure::from).and_then(|config| {
        let ctx = Context::new(config, ui, args::invocation(std::env::args_os().skip(1)));
        run(&ctx, command)
    });
    match result {
        Ok(code) => code,
        // `leahpm list | head -1` is no error.
        Err(failure) if failure.source.downcast_ref::<Closed>().is_some_and(Closed::by_reader) => {
            ExitCode::SUCCESS
        }
        Err(failure) => ExitCode::from(ui.failure(&failure)),
    }
}

fn run(ctx: &Context, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Install(args) => install::run(ctx, &args),
        Command::Uninstall(args) => uninstall::run(ctx, &args),
        Command::Update(args) => update::run(ctx, &args),
        Command::Enable(args) => enable::run(ctx, &args),
        Command::Disable(args) => disable::run(ctx, &args),
        Command::Hold(args) => hold::run(ctx, &args),
        Command::Unhold(args) => unhold::run(ctx, &args),
        Command::List(args) => list::run(ctx, &args),
        Command::Search(args) => search::run(ctx, &args),
        Command::Info(args) => info::run(ctx, &args),
        Command::Outdated(args) => outdated::run(ctx, &args),
        Command::Config(args) => config::run(ctx, &args),
        Command::Permissions(args) => permissions::run(ctx, &args),
        Command::History(args) => history::run(ctx, &args),
        Command::Rollback(args) => rollback::run(ctx, &args),
        Command::Lock(args) => lock::run(ctx, &args),
        Command::Sync(args) => sync::run(ctx, &args),
        Command::Diff(args) => diff::run(ctx, &args),
        Command::Tree(args) => tree::run(ctx, &args),
        Command::Why(args) => why::run(ctx, &args),
        Command::Export(args) => export::run(ctx, &args),
        Command::Bundle(args) => bundle::run(ctx, &args),
        Command::Verify(args) => verify::run(ctx, &args),
        Command::Gc(args) => gc::run(ctx, &args),
        Command::Registry(args) => registry::run(ctx, &args),
        Command::Host(args) => host::run(ctx, &args),
        Command::Pack(args) => pack::run(ctx, &args),
        Command::Check(args) => check::run(ctx, &args),
        Command::Sign(args) => sign::run(ctx, &args),
        Command::Key(args) => key::run(ctx, &args),
        Command::Cache(args) => cache::run(ctx, &args),
        Command::Completions(args) => completions::run(ctx, &args),
    }
    .map(|()| ExitCode::SUCCESS)
}
