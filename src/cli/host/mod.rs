//! `leahpm host`: the running host, as far as the user of plugins is concerned with it. Starting it is `leah-host`'s.

mod logs;
mod reload;
mod states;
mod status;

pub(super) use self::states::States;
use super::{context::Context, failure::Failure};

/// Look at the running host and what its plugins say
///
/// `leah-host serve` is the host: it runs the installed plugins. While it runs, every change of the set is tried in it
/// before it becomes live; `--no-host` leaves that out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm host status
  leahpm host reload               load anew what failed or is quarantined
  leahpm host logs translator -n 20
  leahpm host logs --follow        all plugins and the host, until Ctrl-C")]
pub(super) struct HostArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Status(status::StatusArgs),
    Reload(reload::ReloadArgs),
    Logs(logs::LogsArgs),
}

pub(super) fn run(ctx: &Context, args: &HostArgs) -> Result<(), Failure> {
    match &args.action {
        Action::Status(args) => status::run(ctx, args),
        Action::Reload(args) => reload::run(ctx, args),
        Action::Logs(args) => logs::run(ctx, args),
    }
}
