//! Making the lock of a project anew: the newest set that its wish list allows, with the locked versions before newer
//! ones. What is installed here has no part in it.

use std::{collections::BTreeMap, path::Path};

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::Permissions,
    name::{Origin, PluginName},
    version::PLUGIN_API,
};
use semver::Version;
use serde_json::json;

use super::{
    consent,
    context::Context,
    failure::{Failure, Kind},
    moves, notes, resolve, ui, ways,
};
use crate::{
    apply,
    consent::Decision,
    fs,
    plan::{self, Change, Chosen, PlanError},
    registry::{Session, SessionError},
    requirements::{BareNames, Place, Preferred, Requirement, Requirements, Update},
    restore,
    wishes::{Wish, Wishes},
};

type ByName<T> = BTreeMap<PluginName, T>;

/// How a lock is to be made.
#[derive(Debug)]
pub(super) struct Order {
    /// Which plugins may leave their locked version though it still fits.
    pub(super) update: Update,
    /// True where `--grant` and `--deny` speak of all plugins, and not only of those that are new or another package.
    pub(super) speaks_of_all: bool,
}

/// A lock that was made and is not written.
#[derive(Debug)]
pub(super) struct Made {
    /// The lock.
    pub(super) lock: Lock,
    /// How it differs from the one before.
    pub(super) changes: Vec<Change>,
    /// The permissions about which a person was asked. What was granted in the lock before is not among them.
    pub(super) decided: BTreeMap<PluginName, Permissions>,
}

/// A wish says what a plugin may do, and leaves out something that it asks for.
#[derive(Debug, thiserror::Error)]
#[error("the wish list says what {} may do, but nothing of:{}", ui::listed(.0.keys()), consent::lines(.0))]
struct Undecided(BTreeMap<PluginName, Permissions>);

/// Makes the lock that a wish list asks for.
pub(super) fn make(
    ctx: &Context,
    session: &Session,
    (file, wishes): (&Path, &Wishes),
    before: Option<&Lock>,
    order: &Order,
) -> Result<Made, Failure> {
    check_roots(session, before)?;
    let requirements = requirements(ctx, session, (file, wishes), before, &order.update)?;
    for wanted in requirements.wanted.values() {
        session.locked(&wanted.registry).map_err(|error| with_place(before, error))?;
    }
    let chosen = resolve::choose(session, &requirements).map_err(|failure| ways::told(ctx, failure))?;
    notes::tell(ctx, session, before, &chosen)?;
    moves::agree(ctx, &chosen, but_moved_by(wishes, before).as_ref())?;
    let (decisions, decided) = decide(ctx, wishes, &chosen, before, order)?;
    let registries = resolve::locked_registries(session, &chosen)?;
    let mut lock = plan::next_lock(before, &requirements, &chosen, &decisions, &registries);
    for (name, locked) in &mut lock.plugins {
        let same = |old: &Locked| old.version == locked.version && old.registry == locked.registry;
        locked.held &= before.and_then(|before| before.plugins.get(name)).is_some_and(same);
    }
    plan::check_tools(&lock, before, |name| chosen.get(name).map(|one| one.line.interface.tools.as_slice()))
        .map_err(one_of_two)?;
    ctx.with_watch("lock", |watch| ctx.applying(watch, |apply| apply::remember_seen(apply, session)))?;
    Ok(Made { changes: plan::difference(before, &lock), lock, decided })
}

/// What a wish list asks for, with the versions of the lock before newer ones.
pub(super) fn requirements(
    ctx: &Context,
    session: &Session,
    (file, wishes): (&Path, &Wishes),
    before: Option<&Lock>,
    update: &Update,
) -> Result<Requirements, Failure> {
    let bare = BareNames::new(session.known().default_origin(), before);
    let wanted = wishes.plugins.iter().map(|(name, wish)| {
        let registry = wish.registry.as_ref().unwrap_or_else(|| bare.registry(name)).clone();
        (name.clone(), Requirement { registry, range: wish.range.clone() })
    });
    let preferred = before.into_iter().flat_map(|lock| &lock.plugins).map(|(name, locked)| {
        let (version, registry) = (locked.version.clone(), locked.registry.clone());
        (name.clone(), Preferred { version, registry, stays: None })
    });
    Ok(Requirements {
        wanted: wanted.collect(),
        api: PLUGIN_API,
        host: host(ctx, wishes, before)?,
        preferred: preferred.collect(),
        update: update.clone(),
        bare,
        place: Place::WishList { file: fs::shown(file) },
    })
}

/// The version of the host: what the command line says, the wish list, the lock, in this order; then what runs here.
fn host(ctx: &Context, wishes: &Wishes, before: Option<&Lock>) -> Result<Version, Failure> {
    let said = ctx.config.host_version.as_ref().or(wishes.host.as_ref());
    match said.or(before.map(|lock| &lock.resolved_for.host)) {
        Some(version) => Ok(version.clone()),
        None => ctx.host_version(),
    }
}

/// The lock before, without the plugins whose registry the wish list names: who writes it there has agreed to it.
fn but_moved_by(wishes: &Wishes, before: Option<&Lock>) -> Option<Lock> {
    let mut lock = before?.clone();
    let names = |name: &PluginName| wishes.plugins.get(name).is_some_and(|wish| wish.registry.is_some());
    lock.plugins.retain(|name, _| !names(name));
    Some(lock)
}

/// What becomes of the permissions of each plugin, and about which of them a person was asked.
fn decide(
    ctx: &Context,
    wishes: &Wishes,
    chosen: &BTreeMap<PluginName, Chosen>,
    before: Option<&Lock>,
    order: &Order,
) -> Result<(ByName<Decision>, ByName<Permissions>), Failure> {
    let by_wish = decided_by_wishes(wishes, chosen)?;
    let named: Vec<PluginName> =
        if order.speaks_of_all { chosen.keys().cloned().collect() } else { Vec::new() };
    let mut rest = resolve::unsettled(chosen, before, &named);
    rest.retain(|name, _| !by_wish.contains_key(*name));
    let asked = consent::asked(ctx, &rest, before);
    let mut decisions =
        consent::settle(ctx, &rest, before).map_err(|failure| or_into_the_list(wishes, failure))?;
    decisions.extend(by_wish);
    Ok((decisions, asked))
}

/// The decisions of the wish list, for the plugins of which it says what they may do.
fn decided_by_wishes(
    wishes: &Wishes,
    chosen: &BTreeMap<PluginName, Chosen>,
) -> Result<BTreeMap<PluginName, Decision>, Failure> {
    let wish = |name: &PluginName| wishes.plugins.get(name).filter(|wish| wish.decides());
    let decision = |name: &PluginName, one: &Chosen, wish: &Wish| {
        crate::consent::decide(name, &one.line.interface.permissions, None, &wish.choices())
    };
    let decisions: BTreeMap<PluginName, Decision> = chosen
        .iter()
        .filter_map(|(name, one)| Some((name.clone(), decision(name, one, wish(name)?))))
        .collect();
    let open = |(name, decision): (&PluginName, &Decision)| (name.clone(), decision.open.clone());
    let open: BTreeMap<_, _> = decisions.iter().map(open).filter(|(_, open)| !open.is_empty()).collect();
    if open.is_empty() {
        return Ok(decisions);
    }
    let objects = |(name, open)| consent::objects(name, &chosen[name].line.version, open);
    let details = json!({ "permissions": open.iter().flat_map(objects).collect::<Vec<_>>() });
    Err(Failure::new(Kind::Consent, Undecided(open)).hint(INTO_THE_LIST).details(details))
}

/// What helps where a wish says something of permissions and leaves one out.
pub(super) const INTO_THE_LIST: &str =
    "write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`";

/// Adds to a refusal that the answer can stand in the wish list, too.
fn or_into_the_list(wishes: &Wishes, failure: Failure) -> Failure {
    let needs = failure.source.downcast_ref::<consent::NeedsConsent>();
    let is_there = needs.is_some_and(|needs| needs.plugins().any(|name| wishes.plugins.contains_key(name)));
    failure
        .hint_if_any(is_there.then_some("or write it under `grant` or `deny` of the plugin in the wish list"))
}

/// Refuses registries that are others here than where the lock was made: whoever has the name here may be somebody else.
fn check_roots(session: &Session, before: Option<&Lock>) -> Result<(), Failure> {
    for (origin, locked) in before.into_iter().flat_map(|lock| &lock.registries) {
        if let Ok(known) = session.locked(origin) {
            restore::check_root(origin, locked, &known)?;
        }
    }
    Ok(())
}

/// What helps where two plugins are in each other's way is a shorter list.
fn one_of_two(error: PlanError) -> Failure {
    let names = if let PlanError::SameTool { first, second, .. } = &error {
        Some(format!("take `{first}` or `{second}` out of the wish list, or what needs it"))
    } else {
        None
    };
    Failure { hints: names.into_iter().collect(), ..error.into() }
}

/// Where the lock says a registry is that was not added here.
fn with_place(before: Option<&Lock>, error: SessionError) -> Failure {
    let unknown = if let SessionError::Unknown { origin, .. } = &error { Some(origin.clone()) } else { None };
    let failure = Failure::from(error);
    let locked = |origin: Origin| Some((before?.registries.get(&origin)?.url.clone()?, origin));
    match unknown.and_then(locked) {
        Some((url, origin)) => {
            let url = shlex::try_quote(&url).unwrap_or_default();
            let hint =
                format!("`leahpm registry add {origin} {url}` adds the one that the lock was made from");
            Failure { hints: vec![hint], ..failure }
        }
        None => failure,
    }
}
