//! What `install` and `update` share: from requirements to the next lock, with the consent in between,
//! and the choice of a registry.

use std::collections::BTreeMap;

use leah_plugin::{
    key::PublicKey,
    lock::{Lock, LockedRegistry},
    name::{Origin, PluginName},
    version::PLUGIN_API,
};

use super::{consent, context::Context, failure::Failure, moves, notes, registry, ways};
use crate::{
    plan::{self, Chosen},
    registry::Session,
    requirements::{BareNames, Place, PluginId, Preferred, Requirement, Requirements, Stays, Update},
};

/// Which registry bare names come from.
#[derive(Debug, clap::Args)]
pub(super) struct FromArgs {
    /// Registry of bare names: one that was added, a URL or a folder [default: where a plugin is from, else the default one]
    #[arg(long, value_name = "NAME|URL|PATH")]
    registry: Option<String>,
    /// Root key of a registry that was not added yet
    #[arg(long, value_name = "KEY", requires = "registry")]
    key: Option<PublicKey>,
}

impl FromArgs {
    /// The registry that bare names are to come from, if the user says so; one that is new is added to the
    /// session after consent to its key.
    pub(super) fn registry(&self, ctx: &Context, session: &mut Session) -> Result<Option<Origin>, Failure> {
        let text = self.registry.as_ref();
        text.map(|text| registry::named_or_added(ctx, session, text, self.key.as_ref())).transpose()
    }

    /// True when the user says nothing of a registry.
    pub(super) fn is_silent(&self) -> bool {
        self.registry.is_none()
    }
}

/// What the live set asks for, to be added to.
pub(super) fn requirements(
    ctx: &Context,
    session: &Session,
    live: Option<&Lock>,
    update: Update,
) -> Result<Requirements, Failure> {
    let requested = live.iter().flat_map(|lock| &lock.requested);
    let locked = live.iter().flat_map(|lock| &lock.plugins);
    Ok(Requirements {
        wanted: requested
            .map(|(name, request)| {
                let (registry, range) = (request.registry.clone(), request.range.clone());
                (name.clone(), Requirement { registry, range })
            })
            .collect(),
        api: PLUGIN_API,
        host: ctx.host_version()?,
        preferred: locked
            .map(|(name, locked)| {
                let (version, registry) = (locked.version.clone(), locked.registry.clone());
                let stays = locked.held.then_some(Stays::Held);
                (name.clone(), Preferred { version, registry, stays })
            })
            .collect(),
        update,
        bare: BareNames::new(session.known().default_origin(), live),
        place: Place::default(),
    })
}

/// Resolves, asks for what is not granted yet, and gives the next lock. `named` are the plugins that the
/// command speaks of: what `--grant` and `--deny` say holds for them and for what is new or changed.
pub(super) fn next(
    ctx: &Context,
    session: &Session,
    live: Option<&Lock>,
    requirements: &Requirements,
    named: &[PluginName],
) -> Result<Lock, Failure> {
    let chosen = choose(session, requirements).map_err(|failure| ways::told(ctx, failure))?;
    notes::tell(ctx, session, live, &chosen)?;
    moves::agree(ctx, &chosen, live)?;
    let decisions = consent::settle(ctx, &unsettled(&chosen, live, named), live)?;
    let registries = locked_registries(session, &chosen)?;
    let next = plan::next_lock(live, requirements, &chosen, &decisions, &registries);
    plan::check_tools(&next, live, |name| chosen.get(name).map(|one| one.line.interface.tools.as_slice()))?;
    Ok(next)
}

/// The versions that fit, with what the index says of them.
pub(super) fn choose(
    session: &Session,
    requirements: &Requirements,
) -> Result<BTreeMap<PluginName, Chosen>, Failure> {
    let resolution = session.resolve(requirements)?;
    let mut chosen = BTreeMap::new();
    for (name, resolved) in &resolution.plugins {
        let id = PluginId { registry: resolved.registry.clone(), name: name.clone() };
        chosen.insert(name.clone(), session.chosen(&id, &resolved.version)?);
    }
    Ok(chosen)
}

/// The plugins whose permissions are to be decided on: those that are named, new or another package than before.
pub(super) fn unsettled<'a>(
    chosen: &'a BTreeMap<PluginName, Chosen>,
    live: Option<&Lock>,
    named: &[PluginName],
) -> BTreeMap<&'a PluginName, &'a Chosen> {
    let before = |name: &PluginName| live.and_then(|lock| lock.plugins.get(name));
    let is_new = |name: &PluginName, one: &Chosen| before(name).is_none_or(|old| !plan::is_same(old, one));
    chosen.iter().filter(|(name, one)| named.contains(name) || is_new(name, one)).collect()
}

/// The registries of what was chosen, as they stand in a lock.
pub(super) fn locked_registries(
    session: &Session,
    chosen: &BTreeMap<PluginName, Chosen>,
) -> Result<BTreeMap<Origin, LockedRegistry>, Failure> {
    let mut registries = BTreeMap::new();
    for one in chosen.values() {
        registries.insert(one.registry.clone(), session.locked(&one.registry)?);
    }
    Ok(registries)
}
