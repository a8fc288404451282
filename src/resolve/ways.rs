//! The sets that would work where none does: what would have to be otherwise, found by trying it out, so that nobody
//! is sent into the next failure. Only finds them; `hints` puts them into words.

mod bounds;
mod trials;

#[cfg(test)]
mod said_tests;
#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use leah_plugin::name::PluginName;
use semver::{Version, VersionReq};

use self::trials::Trials;
use super::{Explanation, Fact, Index, Resolution, ResolveError, Unusable, skipped::matches_released};
use crate::requirements::{Place, PluginId, Requirements, Stays, exactly};

/// A set that would work, and what has to be otherwise for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What has to be otherwise.
    pub change: Change,
    /// The newest set that there is then.
    pub set: BTreeMap<PluginName, Version>,
}

/// What has to be otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These are asked for in these ranges.
    Ask(BTreeMap<PluginId, VersionReq>),
    /// Plugins that stay are let go.
    LetGo(BTreeMap<PluginName, Stays>),
    /// These are not asked for, and where they are installed they go, with what needs them.
    Without(BTreeSet<PluginName>),
    /// The host has this version, the smallest that will do.
    Host(Version),
    /// The host offers this version of the plugin API, the smallest that will do.
    Api(Version),
    /// These leave the versions that the lock holds.
    Update(BTreeSet<PluginName>),
}

/// What trying found out.
#[derive(Debug, Default)]
pub struct Found {
    /// The ways, the newest sets of each kind first.
    pub ways: Vec<Way>,
    /// Records that were missing to try more.
    pub missing: BTreeSet<PluginId>,
}

/// What would work in place of `requirements`, which failed with `error`. Tries a bounded number of times, none of
/// them long, and not at all once `deadline` says that the time is up.
#[must_use]
pub fn ways(
    requirements: &Requirements,
    index: &Index,
    error: &ResolveError,
    deadline: &dyn Fn() -> bool,
) -> Found {
    let trials = Trials::new(requirements, index, deadline);
    let ways = match error {
        ResolveError::NoSolution(explanation) => of_conflict(&trials, explanation),
        ResolveError::Cycle(ring) => out_of_ring(&trials, index, ring),
        ResolveError::Needs(_) | ResolveError::Unknown(_) | ResolveError::Deadline { .. } => Vec::new(),
    };
    Found { ways, missing: trials.into_missing() }
}

impl Way {
    pub(super) fn new(change: Change, resolution: &Resolution) -> Self {
        let set = resolution.plugins.iter().map(|(name, it)| (name.clone(), it.version.clone()));
        Self { change, set: set.collect() }
    }

    /// What an update of `names` would bring.
    #[must_use]
    pub fn of_update(names: BTreeSet<PluginName>, resolution: &Resolution) -> Self {
        Self::new(Change::Update(names), resolution)
    }

    /// The resolver's order: first who keeps more of what is locked, then who has the newer versions of what is
    /// asked for, by name. Releases come before pre-releases, which nobody asked for.
    fn order(&self, requirements: &Requirements) -> impl Ord + use<> {
        let of = |name: &PluginName| self.set.get(name).cloned();
        let names = || requirements.wanted.keys();
        let is_kept =
            |name: &PluginName| requirements.preferred.get(name).map(|it| &it.version) == self.set.get(name);
        let kept: Vec<bool> = names().map(is_kept).collect();
        let is_release = |name: &PluginName| of(name).is_some_and(|version| version.pre.is_empty());
        let newest: Vec<_> = names().map(|name| (is_release(name), of(name))).collect();
        Reverse((kept, newest))
    }
}

fn of_conflict(trials: &Trials<'_>, explanation: &Explanation) -> Vec<Way> {
    let mut ways = asking(trials, explanation);
    let is_asked = !ways.is_empty();
    let is_live = matches!(trials.requirements.place, Place::Live { .. });
    trials.afresh();
    if is_live {
        ways.extend(letting_go(trials, explanation));
    }
    trials.afresh();
    if !is_asked {
        ways.extend(newer_host(trials, explanation));
    }
    if is_live {
        ways.extend(without_revoked(trials, explanation));
    }
    trials.afresh();
    if ways.is_empty() {
        ways.extend(newer_api(trials, explanation));
    }
    trials.afresh();
    if ways.is_empty() {
        ways.extend(without_one(trials));
    }
    ways
}

/// One other wish; where no single one is enough, as few as will do together.
fn asking(trials: &Trials<'_>, explanation: &Explanation) -> Vec<Way> {
    const SINGLE: usize = 8;
    let base = trials.asking();
    let single = |(plugin, range)| trials.asked(&base, &BTreeMap::from([(plugin, range)]));
    let mut ways: Vec<Way> =
        other_ranges(explanation, &base, &base).into_iter().take(SINGLE).filter_map(single).collect();
    if ways.is_empty() {
        let others = |explanation: &Explanation, tried: &Requirements| {
            // The first range that is proposed for a plugin is the wider.
            let mut others = other_ranges(explanation, tried, &base);
            others.reverse();
            others.into_iter().collect()
        };
        let relaxed = trials.relaxed(explanation, &base, others, |ranges| with_ranges(&base, ranges));
        ways.extend(relaxed.and_then(|ranges| trials.asked(&base, &ranges)));
    }
    in_order(ways, &base)
}

fn in_order(mut ways: Vec<Way>, requirements: &Requirements) -> Vec<Way> {
    ways.sort_by_cached_key(|way| way.order(requirements));
    ways.dedup_by(|later, first| later.change == first.change);
    ways
}

/// What could be asked for instead of the ranges of `tried` that take part: in place of what was asked for `first` any
/// release, and the newest pre-release where there is no other.
fn other_ranges(
    explanation: &Explanation,
    tried: &Requirements,
    first: &Requirements,
) -> Vec<(PluginId, VersionReq)> {
    let mut others = Vec::new();
    for fact in &explanation.facts {
        let (plugin, range, there) = match fact {
            Fact::Asked { plugin, range } => (plugin, range, &[][..]),
            Fact::NoVersion { plugin, range, there, .. } => (plugin, range, there.as_slice()),
            _ => continue,
        };
        let is_of = |requirements: &Requirements| {
            let asked = requirements.wanted.get(&plugin.name);
            asked.is_some_and(|it| it.registry == plugin.registry && it.range == *range)
        };
        if !is_of(tried) {
            continue;
        }
        if *range != VersionReq::STAR && is_of(first) {
            others.push((plugin.clone(), VersionReq::STAR));
        }
        let pre_release = there.iter().rev().find(|version| matches_released(range, version));
        others.extend(pre_release.map(|version| (plugin.clone(), exactly(version))));
    }
    others
}

fn with_ranges(base: &Requirements, ranges: &BTreeMap<PluginId, VersionReq>) -> Requirements {
    let mut asked = base.clone();
    ranges.iter().for_each(|(plugin, range)| asked.ask_for(plugin, range.clone()));
    asked
}

/// Each version of a fact that cannot be used, by what is wrong with it.
fn unusable(fact: &Fact) -> Vec<(&PluginId, &Unusable, &[Version])> {
    match fact {
        Fact::NoVersion { plugin, unusable, .. } => {
            unusable.iter().map(|(reason, versions)| (plugin, reason, versions.as_slice())).collect()
        }
        Fact::PassedOver { plugin, reason, versions } => vec![(plugin, reason, versions)],
        _ => Vec::new(),
    }
}

/// As few as will do of the plugins that stay are let go.
fn letting_go(trials: &Trials<'_>, explanation: &Explanation) -> Option<Way> {
    let staying = |explanation: &Explanation, _: &Requirements| {
        let staying = explanation.facts.iter().flat_map(unusable);
        let stays = |(plugin, reason, _): (&PluginId, &Unusable, _)| match reason {
            Unusable::Stays { why, .. } => Some((plugin.name.clone(), *why)),
            _ => None,
        };
        staying.filter_map(stays).collect()
    };
    let with = |free: &BTreeMap<PluginName, Stays>| {
        let mut moved = trials.requirements.clone();
        moved
            .preferred
            .iter_mut()
            .filter(|(name, _)| free.contains_key(*name))
            .for_each(|(_, it)| it.stays = None);
        moved
    };
    let free = trials.relaxed(explanation, trials.requirements, staying, with)?;
    let resolution = trials.tried(&with(&free)).ok()?;
    Some(Way::new(Change::LetGo(free), &resolution))
}

fn newer_host(trials: &Trials<'_>, explanation: &Explanation) -> Option<Way> {
    let needs = |reason: &Unusable| match reason {
        Unusable::Host { needs, .. } => Some(needs.clone()),
        _ => None,
    };
    let with = |host: &Version| Requirements { host: host.clone(), ..trials.requirements.clone() };
    let (host, resolution) = trials.raised(explanation, &trials.requirements.host, needs, with)?;
    Some(Way::new(Change::Host(host), &resolution))
}

fn newer_api(trials: &Trials<'_>, explanation: &Explanation) -> Option<Way> {
    let needs = |reason: &Unusable| match reason {
        Unusable::Api { needs, .. } => Some(needs.clone()),
        _ => None,
    };
    let with = |api: &Version| Requirements { api: api.clone(), ..trials.requirements.clone() };
    let (api, resolution) = trials.raised(explanation, &trials.requirements.api, needs, with)?;
    Some(Way::new(Change::Api(api), &resolution))
}

/// The set without the installed plugins whose keys were revoked.
fn without_revoked(trials: &Trials<'_>, explanation: &Explanation) -> Option<Way> {
    let bare = &trials.requirements.bare;
    let revoked = |explanation: &Explanation, _: &Requirements| {
        let revoked = explanation.facts.iter().flat_map(unusable).filter(|(plugin, reason, versions)| {
            **reason == Unusable::Revoked && bare.version(plugin).is_some_and(|it| versions.contains(it))
        });
        revoked.flat_map(|(plugin, ..)| bare.with_dependents(&plugin.name)).map(|name| (name, ())).collect()
    };
    let with =
        |names: &BTreeMap<PluginName, ()>| trials.requirements.without(&names.keys().cloned().collect());
    let names = trials.relaxed(explanation, trials.requirements, revoked, with)?;
    // Whoever asks for one of them wants it, and would meet the same failure after it went.
    let is_asked = names.keys().any(|name| trials.requirements.place.asks_for(name));
    if is_asked { None } else { without(trials, names.into_keys().collect()) }
}

/// The first plugin without which the rest would fit: an installed one, else one of those asked for.
fn without_one(trials: &Trials<'_>) -> Option<Way> {
    const TRIED: usize = 20;
    let Requirements { wanted, preferred, bare, place, .. } = trials.requirements;
    let candidates: Vec<BTreeSet<PluginName>> = match place {
        Place::WishList { .. } => wanted.keys().map(|name| BTreeSet::from([name.clone()])).collect(),
        Place::Live { asked, .. } => {
            let installed =
                wanted.keys().filter(|name| preferred.contains_key(*name) && !place.asks_for(name));
            // What was typed first is wanted most.
            let new =
                asked.iter().rev().map(|wanted| &wanted.name).filter(|name| !preferred.contains_key(*name));
            let new = new.map(|name| BTreeSet::from([name.clone()]));
            installed.map(|name| bare.with_dependents(name)).chain(new).collect()
        }
    };
    let leaves_nothing_asked = |names: &BTreeSet<PluginName>| match place.asked() {
        [] => wanted.keys().all(|name| names.contains(name)),
        asked => asked.iter().all(|wanted| names.contains(&wanted.name)),
    };
    let mut candidates = candidates.into_iter().filter(|names| !leaves_nothing_asked(names)).take(TRIED);
    candidates.find_map(|names| without(trials, names))
}

fn without(trials: &Trials<'_>, names: BTreeSet<PluginName>) -> Option<Way> {
    let resolution = trials.tried(&trials.requirements.without(&names)).ok()?;
    Some(Way::new(Change::Without(names), &resolution))
}

/// For each plugin of the ring, and each that was asked for, its newest version with which there is no ring.
fn out_of_ring(trials: &Trials<'_>, index: &Index, ring: &[PluginName]) -> Vec<Way> {
    const VERSIONS: usize = 8;
    let base = trials.asking();
    let asked = base.wanted.keys().filter(|name| !ring.contains(name));
    let older = |name: &PluginName| {
        let registry = index.registry_of(name, &base)?;
        let plugin = PluginId { registry: registry.clone(), name: name.clone() };
        let versions = index.record(registry, name)?.versions().iter().rev();
        let mut versions = versions.filter(|it| !it.yanked && it.version.pre.is_empty()).take(VERSIONS);
        versions.find_map(|it| trials.asked(&base, &BTreeMap::from([(plugin.clone(), exactly(&it.version))])))
    };
    in_order(ring.iter().chain(asked).filter_map(older).collect(), &base)
}
