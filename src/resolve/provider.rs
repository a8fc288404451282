//! The solver's only door to the world: which version it tries next, what that version needs, and when
//! to stop. Beside the plugins stand two kinds of node that are no plugins: what the user asked for, and
//! names that only one registry can fill.
//!
//! Versions are positions among the usable ones of a plugin, so that neighbours that need the same
//! become one span, and the solver merges them into one rule.

use std::{cell::RefCell, cmp::Reverse, collections::BTreeSet, convert::Infallible, fmt};

use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, PackageResolutionStatistics, VersionSet as _,
};

use super::{index::Candidate, universe::Universe, versions::Positions};
use crate::requirements::{PluginId, Requirement};

/// A node of the solver's graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    /// All that was asked for.
    Root,
    /// A plugin, by its number in the universe.
    Plugin(u32),
    /// The right to a name; its versions are the registries.
    Name(u32),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Why the solver was stopped before it had an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("records are missing")]
    Missing(BTreeSet<PluginId>),
    #[error("the time is up")]
    Deadline,
}

/// What is decided when; the last variant first. It makes the answer the best one in that order: no
/// plugin could be made better without making one that was decided before it worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Needed by another plugin, and not locked, or locked to what no longer fits.
    Needed,
    /// Asked for by name, and not locked, or locked to what no longer fits.
    Asked,
    /// Locked to a version that still fits: an install changes nothing else unless it must.
    Locked,
    /// Named in an update: it comes first, and the locked ones make room for it.
    Updated,
    /// No choice at all.
    Structure,
}

/// Tier, then what was asked for in the order of names, then who conflicts most.
pub(super) type Priority = (Tier, Reverse<u32>, u32);

pub(super) struct Provider<'a> {
    universe: RefCell<Universe<'a>>,
    deadline: &'a dyn Fn() -> bool,
}

type Needs = DependencyConstraints<Node, Positions>;

impl<'a> Provider<'a> {
    pub(super) fn new(universe: Universe<'a>, deadline: &'a dyn Fn() -> bool) -> Self {
        Self { universe: RefCell::new(universe), deadline }
    }

    pub(super) fn into_universe(self) -> Universe<'a> {
        self.universe.into_inner()
    }

    fn needs_of_root(&self) -> Result<Needs, Stop> {
        let mut universe = self.universe.borrow_mut();
        let mut needs = Vec::new();
        let mut missing = BTreeSet::new();
        for (name, wanted) in &universe.requirements.wanted {
            let Requirement { registry, range } = wanted;
            if let Some(number) = universe.number(registry, name) {
                needs.push((Node::Plugin(number), universe.plugin(number).fitting(range)));
            } else {
                missing.insert(PluginId { registry: registry.clone(), name: name.clone() });
            }
        }
        if !missing.is_empty() {
            return Err(Stop::Missing(missing));
        }
        Ok(needs.into_iter().collect())
    }

    fn needs_of_plugin(&self, number: u32, position: u32) -> Result<Needs, Stop> {
        let mut universe = self.universe.borrow_mut();
        let registry = universe.plugin(number).registry;
        let candidate = universe.plugin(number).at(position);
        let mut needs = Vec::with_capacity(candidate.dependencies.len() + 1);
        let claim = universe.name_claim(number);
        needs.extend(claim.map(|(name, registry)| (Node::Name(name), Positions::singleton(registry))));
        for (name, range) in &candidate.dependencies {
            // One hostile version can need thousands of plugins with thousands of versions each.
            self.should_cancel()?;
            match universe.number(registry, name) {
                Some(needed) => needs.push((Node::Plugin(needed), universe.plugin(needed).fitting(range))),
                None => return Err(Stop::Missing(missing_of(&mut universe, number))),
            }
        }
        Ok(needs.into_iter().collect())
    }
}

impl DependencyProvider for Provider<'_> {
    type P = Node;
    type V = u32;
    type VS = Positions;
    type Priority = Priority;
    type M = Infallible;
    type Err = Stop;

    fn prioritize(&self, node: &Node, set: &Positions, conflicts: &PackageResolutionStatistics) -> Priority {
        let Node::Plugin(number) = *node else {
            return (Tier::Structure, Reverse(0), 0);
        };
        let mut universe = self.universe.borrow_mut();
        let requirements = universe.requirements;
        let plugin = universe.plugin_mut(number);
        plugin.conflicts = plugin.conflicts.max(conflicts.conflict_count());
        let tier = if requirements.update.names(plugin.name) {
            Tier::Updated
        } else if plugin.kept(|it| set.contains(&it), requirements).is_some() {
            Tier::Locked
        } else if plugin.asked {
            Tier::Asked
        } else {
            Tier::Needed
        };
        // What was asked for is numbered first, in the order of names, which must decide: then the
        // answer does not depend on how the search went.
        let place = if plugin.asked { number } else { u32::MAX };
        (tier, Reverse(place), plugin.conflicts)
    }

    fn choose_version(&self, node: &Node, set: &Positions) -> Result<Option<u32>, Stop> {
        let universe = self.universe.borrow();
        Ok(match *node {
            Node::Plugin(number) => {
                universe.plugin(number).best(|it| set.contains(&it), universe.requirements)
            }
            Node::Root | Node::Name(_) => set.lowest(),
        })
    }

    fn get_dependencies(
        &self,
        node: &Node,
        version: &u32,
    ) -> Result<Dependencies<Node, Positions, Infallible>, Stop> {
        Ok(Dependencies::Available(match *node {
            Node::Root => self.needs_of_root()?,
            Node::Plugin(number) => self.needs_of_plugin(number, *version)?,
            Node::Name(_) => Needs::default(),
        }))
    }

    fn should_cancel(&self) -> Result<(), Stop> {
        if (self.deadline)() { Err(Stop::Deadline) } else { Ok(()) }
    }
}

/// The records that any usable version of a plugin needs and that are not there. The newest version
/// was looked at in advance; if that one did not do, asking for one older version at a time would cost
/// a round trip each.
fn missing_of<'a>(universe: &mut Universe<'a>, number: u32) -> BTreeSet<PluginId> {
    let registry = universe.plugin(number).registry;
    let usable: Vec<&'a Candidate> = universe.plugin(number).usable.clone();
    let names: BTreeSet<_> = usable.iter().flat_map(|candidate| candidate.dependencies.keys()).collect();
    let missing = names.into_iter().filter(|name| universe.number(registry, name).is_none());
    missing.map(|name| PluginId { registry: registry.clone(), name: name.clone() }).collect()
}
