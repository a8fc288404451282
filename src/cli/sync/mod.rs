//! `leahpm sync`: make the installation equal to a lock, which is compared with what the registries say and never
//! changed for it. Only where its wish list asks for something else by now is it made anew first, as `lock` does it.

mod compared;
mod differences;
mod grants;
mod roots;
mod source;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use leah_plugin::{
    key::PublicKey,
    lock::{Lock, Locked},
    name::{Origin, PluginName},
};
use serde_json::json;

use self::source::Source;
use super::{
    context::Context,
    failure::Failure,
    project::{CurrentLock, LOCK, StrictArgs, Strictness},
    refused, render, ui, ways,
};
use crate::{
    apply::Outcome,
    fs,
    generation::Generation,
    plan::{Around, Plan},
    restore,
};

/// Make the installation equal to a lock
///
/// Installs exactly the packages that the lock names, each compared with what its registry says and with what was
/// signed, and takes out what the lock does not name. Nothing newer is looked for. What the lock grants and the registries
/// that it brings are asked for; `--locked` takes the lock for the consent, since somebody committed it.
///
/// Where the plugins.yaml beside it asks for something else, or there is no lock yet, the lock is made first, as `leahpm
/// lock` does it; with `--locked` that is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm sync                      what `leah.lock` in this folder says
  leahpm sync --locked             the same in a script
  leahpm sync --check              only say what differs
  leahpm sync team.lock --keep-extra
  leahpm sync plugins.bundle       without a network, from what `leahpm bundle` made")]
pub(super) struct SyncArgs {
    /// The lock, or a bundle
    #[arg(value_name = "FILE", default_value = LOCK, value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Leave plugins that the lock does not name
    #[arg(long)]
    keep_extra: bool,
    /// Only say what differs; exits with 3 if anything does, or if the lock is stale
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    strict: StrictArgs,
    /// Root key of a registry that was not added yet
    #[arg(long = "key", value_name = "KEY", value_delimiter = ',')]
    keys: Vec<PublicKey>,
}

impl SyncArgs {
    /// True where the lock is the consent: whoever says so has read it, or has it from those who did.
    fn lock_is_consent(&self) -> bool {
        self.strict.strictness() != Strictness::Free
    }

    /// The set that is to be live.
    fn wanted(&self, lock: &Lock, live: Option<&Lock>) -> Result<Lock, Failure> {
        match live {
            Some(live) if self.keep_extra => restore::with_extra(lock, live).map_err(refused::misfit),
            _ => Ok(lock.clone()),
        }
    }

    /// The command that carries out what `--check` only looks at, quoted for a shell.
    fn command(&self) -> String {
        let file = fs::shown(&self.file);
        let mut words = vec!["leahpm", "sync"];
        words.extend((self.file != Path::new(LOCK)).then_some(file.as_str()));
        words.extend(self.keep_extra.then_some("--keep-extra"));
        shlex::try_join(words).unwrap_or_default()
    }
}

pub(super) fn run(ctx: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let source = Source::find(&args.file, live.as_ref())?;
    let live = live.as_ref().map(Generation::lock);
    if args.check {
        return differences::check(ctx, args, &source, live);
    }
    let strictness = args.strict.strictness();
    let mut session = source.session(ctx, strictness)?;
    let current = source.current(ctx, &session, strictness)?;
    if current.written {
        let plugins = ui::counted(current.lock.plugins.len(), "plugin");
        ctx.ui.done(format_args!("Wrote `{}`: {plugins}.", fs::shown(&args.file)));
    }
    let next = args.wanted(&current.lock, live)?;
    // Decided before any registry is opened: what is there needs no index, no key and no hash.
    if is_there(live, &next) {
        return finish(ctx, args, &current, &Outcome::Unchanged, &BTreeSet::new());
    }
    let added = roots::settle(ctx, args, &source, &mut session, live, &next)?;
    let outcome = ctx.deploy("sync", &session, |live| {
        let before = live.map(Generation::lock);
        let next = args.wanted(&current.lock, before)?;
        compared::check(ctx, args, &source, &session, before, &next)?;
        grants::agree(ctx, args, before, &next, &current.decided)?;
        Ok(Plan::between(live.map(|live| (live.number(), live.lock())), next, "sync", Vec::new()))
    });
    let outcome = outcome.map_err(|failure| match &source {
        Source::Project(_) => ways::of_lock(ctx, &session, &args.file, failure),
        Source::Bundle(..) => failure,
    })?;
    if let Outcome::Planned(plan) | Outcome::Live { plan, .. } = &outcome {
        tell_around(ctx, &Around::between(live, &next), plan, &added);
    }
    finish(ctx, args, &current, &outcome, &added)
}

fn is_there(live: Option<&Lock>, next: &Lock) -> bool {
    live.map_or(next.plugins.is_empty(), |live| live == next)
}

/// What the live set has of a plugin, where that is the very package that the lock names.
fn same<'a>(live: Option<&'a Lock>, name: &PluginName, locked: &Locked) -> Option<&'a Locked> {
    live?.plugins.get(name).filter(|before| restore::is_same_package(before, locked))
}

/// The plugins of which the index is to be asked.
fn unproven<'a>(
    live: Option<&'a Lock>,
    next: &'a Lock,
) -> impl Iterator<Item = (&'a PluginName, &'a Locked)> {
    next.plugins.iter().filter(move |(name, locked)| same(live, name, locked).is_none())
}

/// The hint for a script that nobody can be asked in.
fn commit_is_consent(ctx: &Context) -> String {
    format!(
        "`{} --locked` takes the lock for the consent, as a script may: who committed it has agreed",
        ctx.invocation
    )
}

/// Tells what is no change of a plugin: all of it where nothing else is told, else the registries that are new here.
fn tell_around(ctx: &Context, around: &Around, plan: &Plan, added: &BTreeSet<Origin>) {
    if plan.changes.is_empty() {
        around.lines().into_iter().for_each(|line| ctx.ui.done(line));
    } else {
        around.registries.iter().filter(|it| added.contains(&it.origin)).for_each(|it| ctx.ui.done(it));
    }
}

fn finish(
    ctx: &Context,
    args: &SyncArgs,
    current: &CurrentLock,
    outcome: &Outcome,
    added: &BTreeSet<Origin>,
) -> Result<(), Failure> {
    let file = fs::shown(&args.file);
    let unchanged = format!("Everything is as `{file}` says; nothing changed.");
    let more = json!({ "file": file, "lock_written": current.written, "registries_added": added });
    render::outcome_with(ctx, "sync", outcome, &unchanged, more)
}
