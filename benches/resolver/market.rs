//! A registry as people might fill it: plugins that are built on others, of which few are needed by many. The same in
//! every run.

use std::collections::BTreeMap;

use leah_plugin::{name::PluginName, version::parse_range};
use leahpm::{
    requirements::{BareNames, Place, PluginId, Preferred, Requirement, Requirements, Update},
    resolve::{Candidate, Index, Resolution},
};
use semver::{Version, VersionReq};

/// Versions of each plugin.
pub(crate) const VERSIONS: usize = 20;

/// Minor versions of each major one.
const MINORS: usize = 7;

/// An index, and what is wanted of it.
pub(crate) struct Market {
    records: Vec<(PluginId, Vec<Candidate>)>,
    pub(crate) index: Index,
    pub(crate) requirements: Requirements,
}

impl Market {
    /// `plugins` plugins, of which `asked` are asked for; these need all others.
    pub(crate) fn new(plugins: usize, asked: usize) -> Self {
        let mut dice = Dice(1);
        let needed = |of: usize, dice: &mut Dice| -> Vec<usize> {
            // Each needs the one that nobody else might; of the rest, the square makes a few popular.
            let next = (of >= asked).then(|| of - asked);
            let others = if of == 0 { 0 } else { dice.below(4) };
            let popular = |dice: &mut Dice| dice.below(of) * dice.below(of) / of;
            next.into_iter().chain((0..others).map(|_| popular(dice))).collect()
        };
        let record = |number: usize| {
            let needed = needed(number, &mut dice);
            (id(number), (0..VERSIONS).map(|at| candidate(at, &needed, &mut dice)).collect())
        };
        let records: Vec<_> = (0..plugins).map(record).collect();
        let wanted = (plugins - asked..plugins).map(|number| (id(number).name, VersionReq::STAR));
        Self::of(records, wanted)
    }

    /// These records, of which these are wanted.
    pub(crate) fn of(
        records: Vec<(PluginId, Vec<Candidate>)>,
        wanted: impl Iterator<Item = (PluginName, VersionReq)>,
    ) -> Self {
        let registry = || "hub".parse().unwrap();
        let requirements = Requirements {
            wanted: wanted.map(|(name, range)| (name, Requirement { registry: registry(), range })).collect(),
            api: Version::new(1, 0, 0),
            host: Version::new(0, 1, 0),
            preferred: BTreeMap::new(),
            update: Update::None,
            bare: BareNames::new(registry(), None),
            place: Place::default(),
        };
        let mut market = Self { records, index: Index::default(), requirements };
        market.fill();
        market
    }

    /// The versions of each plugin, for an index to be made.
    pub(crate) fn records(&self) -> Vec<(PluginId, Vec<Candidate>)> {
        self.records.clone()
    }

    /// Locks what was resolved.
    pub(crate) fn lock(&mut self, resolution: &Resolution) {
        let locked = resolution.plugins.iter().map(|(name, it)| {
            let (registry, version) = (it.registry.clone(), it.version.clone());
            (name.clone(), Preferred { registry, version, stays: None })
        });
        self.requirements.preferred = locked.collect();
    }

    /// Has the newest three versions of a plugin in the middle need the major version before of whatever they need, so
    /// that it or others have to be older.
    pub(crate) fn hold_back(&mut self) {
        let middle = self.records.len() / 2;
        for candidate in self.records[middle].1.iter_mut().rev().take(3) {
            candidate.dependencies.values_mut().for_each(|range| *range = parse_range("^2").unwrap());
        }
        self.fill();
    }

    fn fill(&mut self) {
        self.index = Index::default();
        self.records().into_iter().for_each(|(id, candidates)| self.index.add(id, candidates));
    }
}

pub(crate) fn id(number: usize) -> PluginId {
    PluginId { registry: "hub".parse().unwrap(), name: format!("plugin-{number}").parse().unwrap() }
}

/// Version `at` of a plugin. What it needs was as old at its time as itself.
fn candidate(at: usize, needed: &[usize], dice: &mut Dice) -> Candidate {
    let (major, minor) = (1 + at / MINORS, at % MINORS);
    let range = |dice: &mut Dice| {
        let text = match dice.below(10) {
            0..6 => format!("^{major}.{}", dice.below(minor + 1)),
            6 | 7 => format!(">={major}.{minor}"),
            8 => format!(">={major}, <{}", major + 2),
            _ => "*".to_owned(),
        };
        parse_range(&text).unwrap()
    };
    Candidate {
        version: Version::new(major as u64, minor as u64, 0),
        dependencies: needed.iter().map(|number| (id(*number).name, range(dice))).collect(),
        api: parse_range("^1.0").unwrap(),
        host: None,
        yanked: dice.below(50) == 0,
        revoked: false,
    }
}

/// Numbers without a pattern (splitmix64), the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
