//! Trying out other requirements: so many times, so long each, and what was missing is noted. The searches that all
//! kinds of ways share stand here too.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use semver::{Comparator, Op, Version, VersionReq};

use super::{Change, Way, bounds::lowest_of, unusable, with_ranges};
use crate::{
    requirements::{Place, PluginId, Requirements, Stays, Update},
    resolve::{Explanation, Index, Resolution, ResolveError, Unusable, resolve},
};

/// Most sets that are tried for one kind of way.
const ATTEMPTS: usize = 40;

/// Longest search for one of them, in the solver's steps: a hint is not worth more.
const STEPS: u32 = 10_000;

pub(super) struct Trials<'a> {
    pub(super) requirements: &'a Requirements,
    index: &'a Index,
    deadline: &'a dyn Fn() -> bool,
    left: Cell<usize>,
    missing: RefCell<BTreeSet<PluginId>>,
}

impl<'a> Trials<'a> {
    pub(super) fn new(
        requirements: &'a Requirements,
        index: &'a Index,
        deadline: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { requirements, index, deadline, left: Cell::new(ATTEMPTS), missing: RefCell::default() }
    }

    pub(super) fn into_missing(self) -> BTreeSet<PluginId> {
        self.missing.into_inner()
    }

    /// Allows all attempts again, for another kind of way.
    pub(super) fn afresh(&self) {
        self.left.set(ATTEMPTS);
    }

    /// Resolves `other`; else gives the reason why there is no set, where that is known.
    pub(super) fn tried(&self, other: &Requirements) -> Result<Resolution, Option<Explanation>> {
        let Some(left) = self.left.get().checked_sub(1) else { return Err(None) };
        self.left.set(left);
        let steps = Cell::new(0);
        let enough = || steps.replace(steps.get() + 1) >= STEPS || (self.deadline)();
        resolve(other, self.index, &enough).map_err(|error| match error {
            ResolveError::NoSolution(explanation) => Some(explanation),
            ResolveError::Needs(ids) => {
                self.missing.borrow_mut().extend(ids);
                None
            }
            _ => None,
        })
    }

    /// What other ranges are added to. For the live set that is an install, which neither updates nor leaves out.
    pub(super) fn asking(&self) -> Requirements {
        let mut base = self.requirements.clone();
        if matches!(base.place, Place::Live { .. }) {
            base.update = Update::None;
            for locked in base.preferred.values_mut() {
                locked.stays = locked.stays.filter(|stays| *stays != Stays::Excluded);
            }
        }
        base
    }

    /// The way of asking for the versions that `ranges` bring, and newer ones that are compatible with them.
    pub(super) fn asked(&self, base: &Requirements, ranges: &BTreeMap<PluginId, VersionReq>) -> Option<Way> {
        let asked = with_ranges(base, ranges);
        // What it is to be instead is the newest, unless only what is locked will do.
        let mut newest = asked.clone();
        newest
            .preferred
            .retain(|name, it| it.stays.is_some() || ranges.keys().all(|plugin| plugin.name != *name));
        let resolution = self.tried(&newest).or_else(|_| self.tried(&asked)).ok()?;
        let version = |plugin: &PluginId| Some(&resolution.plugins.get(&plugin.name)?.version);
        let narrowed = |range: fn(&Version) -> VersionReq| {
            let ranges = ranges.keys().map(|plugin| Some((plugin.clone(), range(version(plugin)?))));
            let ranges: BTreeMap<_, _> = ranges.collect::<Option<_>>()?;
            let resolution = self.tried(&with_ranges(base, &ranges)).ok()?;
            Some(Way::new(Change::Ask(ranges), &resolution))
        };
        // A newer compatible version may be what brought the failure about.
        narrowed(caret).or_else(|| narrowed(crate::requirements::exactly))
    }

    /// As few items as will do of those that `more` finds in the reasons of each failure, beginning with the first;
    /// `with` gives the requirements under which they are given up.
    pub(super) fn relaxed<K: Ord + Clone, V: Clone + PartialEq>(
        &self,
        first: &Explanation,
        base: &Requirements,
        more: impl Fn(&Explanation, &Requirements) -> BTreeMap<K, V>,
        with: impl Fn(&BTreeMap<K, V>) -> Requirements,
    ) -> Option<BTreeMap<K, V>> {
        let mut items = BTreeMap::new();
        let mut found = more(first, base);
        loop {
            let before = items.clone();
            items.extend(found);
            if items == before {
                return None;
            }
            let tried = with(&items);
            match self.tried(&tried) {
                Ok(_) => break,
                Err(explanation) => found = more(&explanation?, &tried),
            }
        }
        for key in items.keys().cloned().collect::<Vec<_>>() {
            let mut fewer = items.clone();
            fewer.remove(&key);
            if !fewer.is_empty() && self.tried(&with(&fewer)).is_ok() {
                items = fewer;
            }
        }
        Some(items)
    }

    /// The smallest version above `now` that would do, of those that the ranges of the failures name.
    pub(super) fn raised(
        &self,
        first: &Explanation,
        now: &Version,
        needs: impl Fn(&Unusable) -> Option<VersionReq>,
        with: impl Fn(&Version) -> Requirements,
    ) -> Option<(Version, Resolution)> {
        let named = |explanation: &Explanation, above: &Version| -> BTreeSet<Version> {
            let reasons =
                explanation.facts.iter().flat_map(unusable).filter_map(|(_, reason, _)| needs(reason));
            reasons.flat_map(|range| lowest_of(&range)).filter(|version| version > above).collect()
        };
        let mut open = named(first, now);
        while let Some(version) = open.pop_first() {
            match self.tried(&with(&version)) {
                Ok(resolution) => return Some((version, resolution)),
                // Once a smaller one is in doubt none is the smallest.
                Err(explanation) => open.extend(named(&explanation?, &version)),
            }
        }
        None
    }
}

fn caret(version: &Version) -> VersionReq {
    let compatible = Comparator {
        op: Op::Caret,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    };
    VersionReq { comparators: vec![compatible] }
}
