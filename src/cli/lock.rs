//! `leahpm lock`: from the wish list of a project to its lock.

use std::path::PathBuf;

use leah_plugin::{lock::Lock, name::PluginName};
use serde_json::json;

use super::{
    context::Context,
    failure::{Failure, Kind},
    project::{self, CurrentLock, Project, State, StrictArgs, Strictness},
    relock::Order,
    render, ui,
};
use crate::{
    consent, fs,
    plan::Around,
    requirements::Update,
    wishes::{Stale, Wish},
};

/// Write down which plugins a project needs, to the byte
///
/// Finds the newest versions that fit a wish list and writes them with their hashes, keys and permissions into
/// `leah.lock` beside it. Versions that are locked already stay while they fit. Commit both files, and `leahpm
/// sync --locked` installs exactly these plugins on every machine. Nothing is installed by this command.
///
/// A plugin must fit the version of leah-host of `--host-version`, else that of the wish list, of the lock that is there,
/// or of this machine, in this order.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm lock
  leahpm lock --update                     everything to the newest versions that fit
  leahpm lock --update=translator          this one alone, with what it needs
  leahpm lock --locked                     only check that leah.lock is what plugins.yaml asks for

A wish list looks like this:
  format: 1
  plugins:
    translator: ^1.0
    hello-world: { range: \"*\", registry: hub, grant: [read_messages], deny: [use_model] }")]
pub(super) struct LockArgs {
    /// The wish list
    #[arg(value_name = "FILE", default_value = super::project::WISHES, value_hint = clap::ValueHint::FilePath)]
    wishes: PathBuf,
    /// Take newer versions of these plugins than are locked [default: of all]
    #[arg(long, value_name = "PLUGIN", num_args = 0.., require_equals = true, value_delimiter = ',')]
    update: Option<Vec<PluginName>>,
    #[command(flatten)]
    strict: StrictArgs,
}

/// A plugin is to be updated that is neither locked nor asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is not in `{}`", fs::shown(lock))]
struct NotLocked {
    name: PluginName,
    lock: PathBuf,
}

/// A lock is to be changed and not to be changed.
#[derive(Debug, thiserror::Error)]
#[error("`--update` makes the lock anew, and `--locked` and `--frozen` leave it as it is")]
struct UpdateAndStrict;

pub(super) fn run(ctx: &Context, args: &LockArgs) -> Result<(), Failure> {
    let project = Project::of_wishes(&args.wishes).map_err(|failure| or_update(args, failure))?;
    project.warn(ctx);
    let state = project.state(ctx.config.host_version.as_ref());
    let strictness = args.strict.strictness();
    // Not for clap to say: `LEAHPM_LOCKED=0` is no contradiction.
    if strictness != Strictness::Free && args.update.is_some() {
        return Err(Failure::new(Kind::Usage, UpdateAndStrict));
    }
    if strictness != Strictness::Free {
        project.check(&state)?;
    }
    let update = update(args, &project)?;
    let stays = |lock: &Lock| {
        strictness != Strictness::Free || (update == Update::None && !is_decided_anew(ctx, &project, lock))
    };
    let current = match (&state, &project.lock) {
        (State::Fresh, Some(lock)) if stays(lock) => CurrentLock::unchanged(lock),
        _ => project.made(ctx, &strictness.session(ctx)?, &Order { update, speaks_of_all: true })?,
    };
    show(ctx, &project, &state, &current)
}

/// Without `=` the name behind `--update` is taken for the wish list.
fn or_update(args: &LockArgs, failure: Failure) -> Failure {
    let name = args.wishes.to_str().and_then(|text| text.parse::<PluginName>().ok());
    match name {
        Some(name) if failure.kind == Kind::NotFound && args.update.as_ref().is_some_and(Vec::is_empty) => {
            let hint = format!("`leahpm lock --update={name}` takes a newer version of the plugin `{name}`");
            Failure { hints: vec![hint], ..failure }
        }
        _ => failure,
    }
}

fn update(args: &LockArgs, project: &Project) -> Result<Update, Failure> {
    let names = match args.update.as_deref() {
        None => return Ok(Update::None),
        Some([]) => return Ok(Update::All),
        Some(names) => names,
    };
    let is_known = |name: &PluginName| {
        let locked = project.lock.as_ref().is_some_and(|lock| lock.plugins.contains_key(name));
        locked || project.wishes.as_ref().is_some_and(|wishes| wishes.plugins.contains_key(name))
    };
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(Update::Names(names.iter().cloned().collect())),
        Some(name) => {
            let error = NotLocked { name: name.clone(), lock: project.lock_path.clone() };
            Err(Failure::new(Kind::NotFound, error)
                .hint("`leahpm lock --update` takes newer versions of all"))
        }
    }
}

/// True where `--grant` or `--deny` say something else of a plugin than its lock, and the wish list says nothing.
fn is_decided_anew(ctx: &Context, project: &Project, lock: &Lock) -> bool {
    let is_open = |name: &PluginName| {
        let wish = project.wishes.as_ref().and_then(|wishes| wishes.plugins.get(name));
        !wish.is_some_and(Wish::decides)
    };
    lock.plugins.iter().filter(|(name, _)| is_open(name)).any(|(name, locked)| {
        let asked = locked.granted.union(&locked.denied);
        let decision = consent::decide(name, &asked, Some(locked), &ctx.config.choices);
        decision.granted != locked.granted
    })
}

fn show(ctx: &Context, project: &Project, state: &State, current: &CurrentLock) -> Result<(), Failure> {
    let lock = fs::shown(&project.lock_path);
    if ctx.ui.json {
        let stale: &[Stale] = if let State::Stale(stale) = state { stale } else { &[] };
        let resolved_for = &current.lock.resolved_for;
        return ctx.ui.object(
            "lock",
            json!({
                "file": lock, "wishes": fs::shown(&project.wishes_path),
                "changed": current.written, "dry_run": ctx.config.dry_run,
                "missing": matches!(state, State::Missing), "stale": project::stale_json(stale),
                "changes": render::changes_json(&current.changes), "plugins": current.lock.plugins.len(),
                "resolved_for": { "api": resolved_for.api, "host": resolved_for.host },
            }),
        );
    }
    render::changes(ctx, &current.changes)?;
    let around = current.differs.then(|| Around::between(project.lock.as_ref(), &current.lock).lines());
    render::changes(ctx, around.into_iter().flatten())?;
    let plugins = ui::counted(current.lock.plugins.len(), "plugin");
    match (current.written, current.differs) {
        (true, _) => ctx.ui.done(format_args!("Wrote `{lock}`: {plugins}.")),
        (false, true) => ctx.ui.done(format_args!("`{lock}` was not written: this was a dry run.")),
        (false, false) => ctx.ui.done(format_args!("`{lock}` is up to date: {plugins}.")),
    }
    Ok(())
}
