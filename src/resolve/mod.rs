//! Which versions: from what is wanted and what there is to one version of each plugin, or to the reason
//! why there is none. Pure: what is missing of the index is asked for in the answer, the caller fetches
//! it and calls again; time is a question put to the caller.
//!
//! The answer is the newest that fits, with a locked version before a newer one unless it is to be
//! updated. It does not depend on the order of the input, nor on how much more of the index is there.

mod conflict;
mod explain;
mod foresee;
mod hints;
mod index;
mod order;
mod provider;
mod skipped;
mod universe;
mod versions;
mod ways;

#[cfg(test)]
mod case;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::name::{Origin, PluginName};
use pubgrub::PubGrubError;
use semver::{Version, VersionReq};

pub use self::{
    explain::{Explanation, Fact},
    hints::{Commands, similar},
    index::{Candidate, Index, Unusable},
    skipped::{SkipReason, Skipped},
    ways::{Change, Found, Way, ways},
};
use self::{
    provider::{Node, Provider, Stop},
    skipped::Chosen,
    universe::Universe,
};
use crate::requirements::{PluginId, Requirements};

/// One version of each plugin that is wanted or needed, and of no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The plugins by name.
    pub plugins: BTreeMap<PluginName, Resolved>,
    /// The names in the order of getting ready: dependencies first, otherwise by name.
    pub order: Vec<PluginName>,
}

/// The version chosen of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The registry it comes from.
    pub registry: Origin,
    /// The version.
    pub version: Version,
    /// What it needs, from the same registry.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// True when it was asked for by name, false when another plugin needs it.
    pub requested: bool,
    /// The newer versions, newest first and a hundred at most, each with what stands in its way.
    pub skipped: Vec<Skipped>,
}

/// Why there is no resolution, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No failure: these records, or that there are none, are to be added to the index; then call again.
    #[error("{} records of the index are still to be fetched", .0.len())]
    Needs(BTreeSet<PluginId>),
    /// Plugins were asked for that their registry does not have.
    #[error("{}", explain::unknown(.0))]
    Unknown(Vec<PluginId>),
    /// No choice of versions satisfies everyone.
    #[error("{0}")]
    NoSolution(Explanation),
    /// The plugins of the resolution need each other in a ring, each the next and the last the first.
    #[error("{}", explain::ring(.0))]
    Cycle(Vec<PluginName>),
    /// The deadline came before an answer.
    #[error("{}", explain::undecided(busiest))]
    Deadline {
        /// The plugins whose versions conflicted most, with their newest usable version.
        busiest: Vec<(PluginId, Version)>,
    },
}

/// Chooses a version of each plugin that is wanted or needed. `deadline` is asked often, and answers
/// true when the time is up.
///
/// # Errors
/// [`ResolveError::Needs`] while records are missing, which comes to an end, as each round names only
/// records that the index lacks; otherwise the reason why there is no resolution.
pub fn resolve(
    requirements: &Requirements,
    index: &Index,
    deadline: &dyn Fn() -> bool,
) -> Result<Resolution, ResolveError> {
    let mut universe = Universe::new(requirements, index);
    let missing = foresee::missing(&mut universe, deadline);
    if !missing.is_empty() {
        return Err(ResolveError::Needs(missing));
    }
    let unknown: Vec<PluginId> = universe.unknown_wanted().collect();
    if !unknown.is_empty() {
        return Err(ResolveError::Unknown(unknown));
    }
    let provider = Provider::new(universe, deadline);
    let solved = pubgrub::resolve(&provider, Node::Root, 0_u32);
    let universe = provider.into_universe();
    match solved {
        Ok(selected) => resolution(&universe, selected.into_iter()),
        Err(PubGrubError::NoSolution(tree)) => {
            Err(ResolveError::NoSolution(conflict::explain(&universe, tree)))
        }
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => Err(match source {
            Stop::Missing(records) => ResolveError::Needs(records),
            Stop::Deadline => ResolveError::Deadline { busiest: universe.busiest() },
        }),
    }
}

fn resolution(
    universe: &Universe<'_>,
    selected: impl Iterator<Item = (Node, u32)>,
) -> Result<Resolution, ResolveError> {
    let plugins = selected.filter_map(|(node, position)| match node {
        Node::Plugin(number) => Some((universe.plugin(number), position)),
        Node::Root | Node::Name(_) => None,
    });
    let chosen: Chosen<'_, '_> =
        plugins.map(|(plugin, position)| (plugin.name, (plugin, position))).collect();
    let needs = chosen
        .iter()
        .map(|(name, (plugin, position))| (*name, plugin.at(*position).dependencies.keys().collect()));
    let order = order::order(&needs.collect()).map_err(ResolveError::Cycle)?;
    let ranges = skipped::ranges(&chosen, universe.requirements);
    let resolved = chosen.iter().map(|(name, (plugin, position))| {
        let candidate = plugin.at(*position);
        let resolved = Resolved {
            registry: plugin.registry.clone(),
            version: candidate.version.clone(),
            dependencies: candidate.dependencies.clone(),
            requested: plugin.asked,
            skipped: skipped::skipped(name, &chosen, &ranges, universe.requirements),
        };
        ((*name).clone(), resolved)
    });
    Ok(Resolution { plugins: resolved.collect(), order })
}
