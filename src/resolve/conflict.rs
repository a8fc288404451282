//! From the solver's proof that nothing fits to the facts that it rests on. Each fact alone is true of
//! the index or of what the user asked for; together they cannot hold. Wording is not done here.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use leah_plugin::name::{Origin, PluginName};
use pubgrub::{DerivationTree, External, VersionSet as _};
use semver::{Version, VersionReq};

use super::{
    explain::{Explanation, Fact},
    index::{Candidate, Record, Unusable},
    provider::Node,
    universe::{Plugin, Universe},
    versions::Positions,
};

type Proof = DerivationTree<Node, Positions, Infallible>;
type Leaf = External<Node, Positions, Infallible>;

/// Who needs, whom, and which versions of it do; the root is nobody.
type Edge = (Option<u32>, u32, Positions);

/// What a proof rests on: for each edge the versions that have it, and who claims which name.
#[derive(Default)]
struct Grounds {
    edges: BTreeMap<Edge, Positions>,
    claims: BTreeMap<u32, BTreeSet<u32>>,
}

/// The facts behind `proof`, in an order that can be read.
pub(super) fn explain(universe: &Universe<'_>, proof: Proof) -> Explanation {
    let grounds = Grounds::of(leaves(proof));
    let mut facts = asked(universe, &grounds);
    facts.extend(needs(universe, &grounds));
    facts.extend(two_registries(universe, &grounds));
    facts.extend(nothing_fits(universe, &grounds));
    facts.extend(passed_over(universe, &grounds));
    Explanation { facts, bare: universe.requirements.bare.clone() }
}

/// The leaves of a proof, each once. Takes the proof apart without recursion: it shares nodes and can
/// be a hundred thousand deep, and to walk or even to drop it as a tree would overflow the stack.
fn leaves(proof: Proof) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut stack = vec![proof];
    while let Some(node) = stack.pop() {
        match node {
            DerivationTree::External(leaf) => leaves.push(leaf),
            // Of a shared node only the last holder gets the content, so it is visited once.
            DerivationTree::Derived(derived) => {
                stack.extend([derived.cause1, derived.cause2].into_iter().filter_map(Arc::into_inner));
            }
        }
    }
    leaves
}

impl Grounds {
    fn of(leaves: Vec<Leaf>) -> Self {
        let mut grounds = Self::default();
        for leaf in leaves {
            let External::FromDependencyOf(from, versions, to, set) = leaf else { continue };
            let edge = match (from, to) {
                (Node::Root, Node::Plugin(to)) => (None, to, set),
                (Node::Plugin(from), Node::Plugin(to)) => (Some(from), to, set),
                (Node::Plugin(from), Node::Name(name)) => {
                    grounds.claims.entry(name).or_default().insert(from);
                    continue;
                }
                _ => continue,
            };
            let all = grounds.edges.entry(edge).or_insert_with(Positions::empty);
            *all = all.union(&versions);
        }
        grounds
    }

    /// Plugins in the order in which the user comes upon them, starting at what was asked for.
    fn reading_order(&self) -> BTreeMap<u32, usize> {
        let mut needs: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for (from, to, _) in self.edges.keys() {
            needs.entry(*from).or_default().push(*to);
        }
        let mut order = BTreeMap::new();
        let mut queue = VecDeque::from([None]);
        while let Some(from) = queue.pop_front() {
            for to in needs.get(&from).into_iter().flatten() {
                let next = order.len();
                order.entry(*to).or_insert_with(|| {
                    queue.push_back(Some(*to));
                    next
                });
            }
        }
        order
    }

    /// True when versions of `plugin` are in the proof because of what they need.
    fn leads_on(&self, plugin: u32) -> bool {
        self.edges.keys().any(|(from, ..)| *from == Some(plugin))
    }
}

/// What the user asked for, except where loosening it could not matter: the whole of a plugin that is
/// part of the proof by what it needs, and ranges that nothing fits, which have a fact of their own.
fn asked(universe: &Universe<'_>, grounds: &Grounds) -> Vec<Fact> {
    let matters = |to: u32, set: &Positions| {
        let all = Positions::of(universe.plugin(to).usable.iter().map(|_| true));
        !set.is_empty() && (*set != all || !grounds.leads_on(to))
    };
    let asked = grounds.edges.keys().filter_map(|(from, to, set)| {
        let range = range(universe, *from, &Positions::empty(), *to)?;
        let fact = Fact::Asked { plugin: universe.plugin(*to).id(), range: range.clone() };
        (from.is_none() && matters(*to, set)).then_some(fact)
    });
    asked.collect()
}

fn needs(universe: &Universe<'_>, grounds: &Grounds) -> Vec<Fact> {
    let order = grounds.reading_order();
    let mut edges: Vec<_> = grounds.edges.iter().filter_map(|(edge, it)| Some((edge.0?, edge, it))).collect();
    edges.sort_by_key(|(from, edge, versions)| (order.get(from).copied(), *from, versions.lowest(), edge.1));
    let needs = edges.into_iter().filter_map(|(from, (_, to, _), versions)| {
        let plugin = universe.plugin(from);
        let range = range(universe, Some(from), versions, *to)?;
        let some = |position: &u32| versions.contains(position);
        let positions: Vec<u32> = (0..plugin.usable.len() as u32).filter(some).collect();
        Some(Fact::Needs {
            plugin: plugin.id(),
            versions: positions.iter().map(|position| plugin.at(*position).version.clone()).collect(),
            every: positions.len() == plugin.record.versions().len(),
            gaps: positions.windows(2).any(|pair| pair[0] + 1 != pair[1]),
            dependency: universe.plugin(*to).id(),
            range: range.clone(),
        })
    });
    needs.collect()
}

/// The range that the newest of `versions` states, or the user.
fn range<'a>(
    universe: &Universe<'a>,
    from: Option<u32>,
    versions: &Positions,
    to: u32,
) -> Option<&'a VersionReq> {
    let name = universe.plugin(to).name;
    match from {
        None => universe.requirements.wanted.get(name).map(|wanted| &wanted.range),
        Some(from) => {
            let plugin = universe.plugin(from);
            let newest = versions.highest_first(plugin.usable.len() as u32).next()?;
            plugin.at(newest).dependencies.get(name)
        }
    }
}

/// The ranges that `versions` state, or the user, each once, that of the newest first; a few where there are many.
fn ranges<'a>(
    universe: &Universe<'a>,
    from: Option<u32>,
    versions: &Positions,
    to: u32,
) -> Vec<&'a VersionReq> {
    const MOST: usize = 8;
    let name = universe.plugin(to).name;
    let Some(from) = from else { return range(universe, None, versions, to).into_iter().collect() };
    let plugin = universe.plugin(from);
    let mut ranges: Vec<&VersionReq> = Vec::new();
    for version in versions.highest_first(plugin.usable.len() as u32) {
        match plugin.at(version).dependencies.get(name) {
            Some(range) if ranges.len() < MOST && !ranges.contains(&range) => ranges.push(range),
            _ => {}
        }
    }
    ranges
}

fn two_registries(universe: &Universe<'_>, grounds: &Grounds) -> Vec<Fact> {
    let contested = grounds.claims.values().filter(|claims| claims.len() > 1);
    let fact = |claims: &BTreeSet<u32>| {
        let plugins: Vec<&Plugin<'_>> = claims.iter().map(|number| universe.plugin(*number)).collect();
        let name: PluginName = plugins.first()?.name.clone();
        let registries: BTreeSet<Origin> = plugins.iter().map(|plugin| plugin.registry.clone()).collect();
        Some(Fact::TwoRegistries { name, registries })
    };
    contested.filter_map(fact).collect()
}

fn nothing_fits(universe: &Universe<'_>, grounds: &Grounds) -> Vec<Fact> {
    let mut facts = Vec::new();
    for ((from, to, set), versions) in &grounds.edges {
        if !set.is_empty() {
            continue;
        }
        let plugin = universe.plugin(*to);
        // Versions of one plugin are taken together when nothing fits any of their ranges. That of the newest is what there
        // is to say; of the others only those for which something would be there.
        for (place, range) in ranges(universe, *from, versions, *to).into_iter().enumerate() {
            let unusable = unusable(universe, plugin, |version| range.matches(version));
            if place > 0 && unusable.is_empty() {
                continue;
            }
            let fact = match plugin.record {
                Record::Unknown => Fact::Unknown { plugin: plugin.id() },
                Record::Versions(versions) => Fact::NoVersion {
                    plugin: plugin.id(),
                    range: range.clone(),
                    there: versions.iter().map(|candidate| candidate.version.clone()).collect(),
                    unusable,
                },
            };
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    facts
}

/// Versions that would satisfy every range of the proof, were they not unusable.
fn passed_over(universe: &Universe<'_>, grounds: &Grounds) -> Vec<Fact> {
    let mut ranges: BTreeMap<u32, Option<Vec<&VersionReq>>> = BTreeMap::new();
    for ((from, to, set), versions) in &grounds.edges {
        let range = range(universe, *from, versions, *to).filter(|_| !set.is_empty());
        let all = ranges.entry(*to).or_insert_with(|| Some(Vec::new()));
        *all = all.take().zip(range).map(|(mut all, range)| {
            all.push(range);
            all
        });
    }
    let mut facts = Vec::new();
    // Where nothing fits one of the ranges the fact about that says all there is to say.
    for (number, ranges) in ranges.into_iter().filter_map(|(number, ranges)| Some((number, ranges?))) {
        let plugin = universe.plugin(number);
        let fits_all = |version: &Version| ranges.iter().all(|range| range.matches(version));
        for (reason, versions) in unusable(universe, plugin, fits_all) {
            facts.push(Fact::PassedOver { plugin: plugin.id(), versions, reason });
        }
    }
    facts
}

/// The unusable versions that `fits` takes, by what is wrong with them.
fn unusable(
    universe: &Universe<'_>,
    plugin: &Plugin<'_>,
    fits: impl Fn(&Version) -> bool,
) -> Vec<(Unusable, Vec<Version>)> {
    let mut groups: Vec<(Unusable, Vec<Version>)> = Vec::new();
    let lock = universe.requirements.preferred.get(plugin.name);
    let fitting = |candidate: &&Candidate| fits(&candidate.version);
    for candidate in plugin.record.versions().iter().filter(fitting) {
        let reason = Unusable::check(candidate, plugin.registry, plugin.name, lock, universe.requirements);
        let Some(reason) = reason else { continue };
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, versions)) => versions.push(candidate.version.clone()),
            None => groups.push((reason, vec![candidate.version.clone()])),
        }
    }
    groups
}
