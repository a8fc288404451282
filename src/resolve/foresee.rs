//! Which records the solver is going to ask for: what the newest fitting versions need, layer by layer,
//! so that one round of fetching brings a whole layer. A guess that costs nothing when it is wrong.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::universe::Universe;
use crate::requirements::PluginId;

/// The records that are missing to follow the newest fitting versions; empty when all are there, or when
/// the time is up, which the solver then finds out first thing.
pub(super) fn missing(universe: &mut Universe<'_>, deadline: &dyn Fn() -> bool) -> BTreeSet<PluginId> {
    let mut missing = BTreeSet::new();
    let wanted = &universe.requirements.wanted;
    let mut queue: VecDeque<_> =
        wanted.iter().map(|(name, wanted)| (&wanted.registry, name, &wanted.range)).collect();
    let mut seen = HashSet::new();
    while let Some((registry, name, range)) = queue.pop_front() {
        if deadline() {
            return BTreeSet::new();
        }
        let Some(number) = universe.number(registry, name) else {
            missing.insert(PluginId { registry: registry.clone(), name: name.clone() });
            continue;
        };
        let plugin = universe.plugin(number);
        let fits = |position| range.matches(&plugin.at(position).version);
        let Some(best) = plugin.best(fits, universe.requirements) else { continue };
        if seen.insert((number, best)) {
            queue.extend(plugin.at(best).dependencies.iter().map(|(name, range)| (registry, name, range)));
        }
    }
    missing
}
