//! What must be live, found by looking at every set there is. Written from the document of formats ("How versions
//! are chosen") and from nothing of the resolver.
//!
//! The document fixes the versions of what was asked for, and that locked versions stay where they can. Of plugins
//! that are only needed it says that they are the best that any set allows beside the rest, in no order among
//! themselves; so there can be several right answers, none of which is worse than another in all.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::world::World;

pub type Set = BTreeMap<String, Version>;

/// More sets than these are no task for an oracle that looks at each.
const MOST_SETS: usize = 20_000;

/// What is asked of it.
#[derive(Debug)]
pub struct Question<'a> {
    pub world: &'a World,
    pub requested: &'a BTreeMap<String, VersionReq>,
    pub locked: &'a Set,
    /// The plugins that may move; none: no update.
    pub update: Option<&'a BTreeSet<String>>,
}

impl Question<'_> {
    /// All right answers, an empty list when no set fits; none when there are too many sets to look at.
    pub fn answers(&self) -> Option<Vec<Set>> {
        let mut sets = Vec::new();
        self.extend(&mut Set::new(), &mut sets);
        if sets.len() > MOST_SETS {
            return None;
        }
        let asked: Vec<&String> = self.requested.keys().collect();
        // Named in an update; those that were asked for first.
        for name in asked.iter().filter(|name| self.moves(name)) {
            self.keep_best(&mut sets, name);
        }
        // Locked and not updated.
        for name in asked.iter().filter(|name| !self.moves(name) && self.locked.contains_key(**name)) {
            keep_if_any(&mut sets, |set| set.get(*name) == self.locked.get(*name));
        }
        sets = least(sets, |set| self.moved(set), |one, other| one.is_subset(other));
        for name in asked.iter().filter(|name| !self.moves(name)) {
            self.keep_best(&mut sets, name);
        }
        // Only needed: no answer is beaten by another with the same plugins, all of them as new and one newer.
        Some(least(sets, Clone::clone, |one, other| {
            let as_new =
                |(name, it): (&String, &Version)| self.rank(name, it) >= self.rank(name, &other[name]);
            one.keys().eq(other.keys()) && one.iter().all(as_new)
        }))
    }

    fn moves(&self, name: &str) -> bool {
        self.update.is_some_and(|names| names.contains(name))
    }

    /// Locked plugins that have another version in this set though they need not move.
    fn moved(&self, set: &Set) -> BTreeSet<String> {
        let stays =
            |name: &String| self.moves(name) || set.get(name).is_none_or(|it| *it == self.locked[name]);
        self.locked.keys().filter(|name| !stays(name)).cloned().collect()
    }

    fn keep_best(&self, sets: &mut Vec<Set>, name: &str) {
        let best = sets.iter().filter_map(|set| set.get(name)).max_by_key(|it| self.rank(name, it)).cloned();
        keep_if_any(sets, |set| set.get(name) == best.as_ref());
    }

    /// Best is the newest; a yanked one, which is only there because it is locked, is the last resort.
    fn rank<'v>(&self, name: &str, version: &'v Version) -> (bool, &'v Version) {
        (!self.world.plugins[name][version].yanked, version)
    }

    /// Adds every complete set that begins with this one.
    fn extend(&self, set: &mut Set, sets: &mut Vec<Set>) {
        let Some(name) = self.first_open(set) else {
            sets.push(set.clone());
            return;
        };
        for (version, release) in &self.world.plugins[&name] {
            let locked = self.locked.get(&name) == Some(version);
            let usable = !release.foreign && (!release.yanked || locked);
            let fits = self.ranges(set, &name).all(|range| range.matches(version));
            let agrees =
                release.needs.iter().all(|(name, range)| set.get(name).is_none_or(|it| range.matches(it)));
            if usable && fits && agrees && sets.len() <= MOST_SETS {
                set.insert(name.clone(), version.clone());
                self.extend(set, sets);
                set.remove(&name);
            }
        }
    }

    /// The ranges that a set states for a plugin.
    fn ranges<'b>(&'b self, set: &'b Set, name: &'b str) -> impl Iterator<Item = &'b VersionReq> {
        let needs =
            set.iter().filter_map(move |(it, version)| self.world.plugins[it][version].needs.get(name));
        self.requested.get(name).into_iter().chain(needs)
    }

    /// A plugin that is asked for or needed and not in the set yet.
    fn first_open(&self, set: &Set) -> Option<String> {
        let needs = set.iter().flat_map(|(it, version)| self.world.plugins[it][version].needs.keys());
        self.requested.keys().chain(needs).find(|name| !set.contains_key(*name)).cloned()
    }
}

fn keep_if_any(sets: &mut Vec<Set>, good: impl Fn(&Set) -> bool) {
    if sets.iter().any(&good) {
        sets.retain(good);
    }
}

/// The sets for which there is no other that is before it in a partial order.
fn least<K: PartialEq + Ord + Clone>(
    sets: Vec<Set>,
    key: impl Fn(&Set) -> K,
    before: impl Fn(&K, &K) -> bool,
) -> Vec<Set> {
    let keys: BTreeSet<K> = sets.iter().map(&key).collect();
    let beaten = |it: &K| keys.iter().any(|other| other != it && before(other, it));
    let best: BTreeSet<&K> = keys.iter().filter(|it| !beaten(it)).collect();
    sets.into_iter().filter(|set| best.contains(&key(set))).collect()
}
