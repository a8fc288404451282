//! `leahpm sync`: make the installation equal to a lock. The lock is compared with what the registries say, and never
//! written.

mod differences;
mod grants;
mod refused;
mod roots;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use leah_plugin::{
    key::PublicKey,
    lock::{Lock, Locked},
    name::{Origin, PluginName},
    version::PLUGIN_API,
    yaml::MAX_YAML_BYTES,
};
use serde_json::json;

use super::{
    context::{self, Context},
    failure::{Failure, Kind},
    moves, notes, render, ways,
};
use crate::{
    apply,
    config::NetworkConfig,
    fs,
    plan::{self, Around, Chosen, Plan},
    registry::Session,
    requirements::PluginId,
    restore::{self, Platform},
};

/// Make the installation equal to a lock
///
/// Installs exactly the packages that the lock names, each compared with what its registry says and with what was
/// signed, and takes out what the lock does not name. Nothing is resolved and the lock is not changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm sync                      what `leah.lock` in this folder says
  leahpm sync --locked             the same in a script: the lock that was committed is the consent
  leahpm sync --check              only say what differs
  leahpm sync team.lock --keep-extra")]
pub(super) struct SyncArgs {
    /// The lock
    #[arg(value_name = "FILE", default_value = "leah.lock", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Leave plugins that the lock does not name
    #[arg(long)]
    keep_extra: bool,
    /// Only say what differs; exits with 3 if anything does
    #[arg(long)]
    check: bool,
    /// Take the lock for the consent to its registries and permissions
    #[arg(long)]
    locked: bool,
    /// The same, and use no network
    #[arg(long)]
    frozen: bool,
    /// Root key of a registry that was not added yet
    #[arg(long = "key", value_name = "KEY", value_delimiter = ',')]
    keys: Vec<PublicKey>,
}

/// Whether the lock is the consent: whoever runs `--locked` has read it, or has it from those who did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    Asked,
    ByLock,
}

impl SyncArgs {
    fn consent(&self) -> Consent {
        if self.locked || self.frozen { Consent::ByLock } else { Consent::Asked }
    }

    /// The command that carries out what `--check` only looks at, quoted for a shell.
    fn command(&self) -> String {
        let mut words = vec!["leahpm", "sync"];
        let file = fs::shown(&self.file);
        words.extend((self.file != Path::new("leah.lock")).then_some(file.as_str()));
        words.extend(self.keep_extra.then_some("--keep-extra"));
        shlex::try_join(words).unwrap_or_default()
    }
}

/// The text is no lock.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", fs::shown(.path))]
struct NoLock {
    path: PathBuf,
    source: leah_plugin::lock::LockError,
}

pub(super) fn run(ctx: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let lock = read(&args.file)?;
    let live = ctx.live()?;
    let live = live.as_ref().map(|live| live.lock());
    let next = wanted(args, &lock, live)?;
    if args.check {
        return differences::check(ctx, args, live, &next);
    }
    // Decided before any registry is opened: what is there needs no index, no key and no hash.
    if is_there(live, &next) {
        return finish(ctx, args, &apply::Outcome::Unchanged, &BTreeSet::new());
    }
    let mut session = session(ctx, args)?;
    let added = roots::settle(ctx, args, &mut session, live, &next)?;
    let outcome = ctx.deploy("sync", &session, |live| {
        let before = live.map(|live| live.lock());
        let next = wanted(args, &lock, before)?;
        check(ctx, args, &session, before, &next)?;
        grants::agree(ctx, args, before, &next)?;
        Ok(Plan::between(live.map(|live| (live.number(), live.lock())), next, "sync", Vec::new()))
    });
    let outcome = outcome.map_err(|failure| ways::of_lock(ctx, &session, &args.file, failure))?;
    if let apply::Outcome::Planned(plan) | apply::Outcome::Live { plan, .. } = &outcome
        && plan.changes.is_empty()
    {
        Around::between(live, &next).lines().into_iter().for_each(|line| ctx.ui.done(line));
    }
    finish(ctx, args, &outcome, &added)
}

fn read(path: &Path) -> Result<Lock, Failure> {
    let bytes = fs::read(path, MAX_YAML_BYTES as u64)?;
    Lock::read(&bytes).map_err(|source| Failure::new(Kind::Invalid, NoLock { path: path.to_owned(), source }))
}

/// The set that is to be live.
fn wanted(args: &SyncArgs, lock: &Lock, live: Option<&Lock>) -> Result<Lock, Failure> {
    match live {
        Some(live) if args.keep_extra => restore::with_extra(lock, live).map_err(refused::misfit),
        _ => Ok(lock.clone()),
    }
}

fn is_there(live: Option<&Lock>, next: &Lock) -> bool {
    live.map_or(next.plugins.is_empty(), |live| live == next)
}

fn session(ctx: &Context, args: &SyncArgs) -> Result<Session, Failure> {
    let offline = ctx.config.network.offline || args.frozen;
    let network = NetworkConfig { offline, ..ctx.config.network.clone() };
    let session = Session::new(ctx.layout.clone(), context::now(), network)?;
    Ok(session.accepting(ctx.config.accept_keys.clone()))
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

/// Refuses a set that is not what the registries say, or must not take the place of what is installed.
fn check(
    ctx: &Context,
    args: &SyncArgs,
    session: &Session,
    live: Option<&Lock>,
    next: &Lock,
) -> Result<(), Failure> {
    let refused = |error| refused::lock(args, error);
    restore::check_set(next).map_err(refused)?;
    if let Some(live) = live {
        let moves = |name: &PluginName, before: &Locked| {
            let place = |locked: &Locked| (locked.version.clone(), locked.registry.clone());
            next.plugins.get(name).is_none_or(|locked| place(locked) != place(before))
        };
        plan::check_held(live, live.plugins.keys(), moves)?;
    }
    for (name, locked) in &next.plugins {
        if let Some(before) = same(live, name, locked) {
            let asked = before.granted.union(&before.denied);
            restore::check_decided(name, locked, &asked).map_err(refused)?;
        }
    }
    let chosen = chosen(ctx, args, session, live, next)?;
    notes::tell(ctx, session, live, &chosen)?;
    if args.consent() == Consent::Asked {
        moves::agree(ctx, &chosen, live)?;
    }
    check_tools(ctx, live, next, &chosen)
}

/// What the index says of the packages that are not installed.
fn chosen(
    ctx: &Context,
    args: &SyncArgs,
    session: &Session,
    live: Option<&Lock>,
    next: &Lock,
) -> Result<BTreeMap<PluginName, Chosen>, Failure> {
    let id =
        |name: &PluginName, registry: &Origin| PluginId { registry: registry.clone(), name: name.clone() };
    let ids: BTreeSet<PluginId> =
        unproven(live, next).map(|(name, locked)| id(name, &locked.registry)).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    session.read_records(&ids)?;
    let host = ctx.host_version()?;
    let platform = Platform { api: &PLUGIN_API, host: &host };
    let mut chosen = BTreeMap::new();
    for (name, locked) in unproven(live, next) {
        let record = session.record(&id(name, &locked.registry))?;
        let line = restore::check_package(name, locked, record.as_deref(), platform)
            .map_err(|error| refused::lock(args, error))?
            .clone();
        let (registry, owner) = (locked.registry.clone(), locked.owner);
        chosen.insert(name.clone(), Chosen { registry, line, owner });
    }
    Ok(chosen)
}

fn check_tools(
    ctx: &Context,
    live: Option<&Lock>,
    next: &Lock,
    chosen: &BTreeMap<PluginName, Chosen>,
) -> Result<(), Failure> {
    let mut installed = next.clone();
    installed.plugins.retain(|name, _| !chosen.contains_key(name));
    let installed = apply::tools(&ctx.layout, &installed)?;
    let tools = |name: &PluginName| match chosen.get(name) {
        Some(one) => Some(one.line.interface.tools.as_slice()),
        None => installed.get(name).map(Vec::as_slice),
    };
    plan::check_tools(next, live, tools).map_err(refused::tools)
}

fn finish(
    ctx: &Context,
    args: &SyncArgs,
    outcome: &apply::Outcome,
    added: &BTreeSet<Origin>,
) -> Result<(), Failure> {
    let unchanged = format!("Everything is as `{}` says; nothing changed.", fs::shown(&args.file));
    render::outcome_with(ctx, "sync", outcome, &unchanged, json!({ "registries_added": added }))
}
