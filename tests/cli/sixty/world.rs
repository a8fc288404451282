//! Sixty plugins by chance, always the same ones for the same seed: chains and diamonds of dependencies,
//! versions that are yanked, that are pre-releases, or that are for another host or plugin API.

use std::collections::BTreeMap;

use leah_plugin::record::{Line, YankLine};
use semver::{Version, VersionReq};

use crate::{
    fixture::{PackageSpec, TestRegistry},
    tampering::forge::Claim,
};

pub const PLUGINS: usize = 60;

const VERSIONS: [&str; 7] = ["0.9.0", "1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0-beta.1", "2.1.0"];

/// Half of the ranges take everything, so that most sets have a solution.
const RANGES: [&str; 10] = ["*", "*", "*", "*", ">=1", "^1", "<2", "^2", "~1.1", ">=2.1.0-beta"];

/// One version of a plugin, as far as choosing it goes.
#[derive(Debug, Clone)]
pub struct Release {
    pub needs: BTreeMap<String, VersionReq>,
    pub yanked: bool,
    /// For another host or another plugin API.
    pub foreign: bool,
}

/// Every version of every plugin.
#[derive(Debug, Default)]
pub struct World {
    pub plugins: BTreeMap<String, BTreeMap<Version, Release>>,
}

/// Numbers by chance (splitmix64).
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % end as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

pub fn name(at: usize) -> String {
    format!("plugin-{at:02}")
}

impl World {
    /// Makes the plugins and publishes them.
    pub fn publish(chance: &mut Chance, hub: &TestRegistry) -> Self {
        let mut world = Self::default();
        let mut news = Vec::new();
        for at in 0..PLUGINS {
            let mut needs = needs(chance, at);
            for version in VERSIONS {
                if version != "1.0.0" && chance.percent(60) {
                    continue;
                }
                // Neighbours often need the same.
                if chance.percent(40) {
                    needs = self::needs(chance, at);
                }
                news.push((name(at), version.parse().unwrap(), needs.clone()));
            }
        }
        world.add(chance, hub, news);
        for _ in 0..12 {
            world.yank(chance, hub);
        }
        world
    }

    /// Publishes a version above all others of some plugins, and withdraws one or two.
    pub fn go_on(&mut self, chance: &mut Chance, hub: &TestRegistry) {
        let mut news = Vec::new();
        for _ in 0..8 {
            let at = chance.below(PLUGINS);
            let newest = self.plugins[&name(at)].keys().next_back().unwrap();
            let version = Version::new(newest.major, newest.minor + 1, 0);
            if news.iter().all(|(it, _, _)| *it != name(at)) {
                news.push((name(at), version, needs(chance, at)));
            }
        }
        self.add(chance, hub, news);
        self.yank(chance, hub);
        self.yank(chance, hub);
    }

    fn add(
        &mut self,
        chance: &mut Chance,
        hub: &TestRegistry,
        news: Vec<(String, Version, BTreeMap<String, VersionReq>)>,
    ) {
        let mut packages = Vec::new();
        for (name, version, needs) in news {
            let foreign = chance.percent(8);
            packages.push(package(&name, &version, &needs, foreign.then(|| chance.percent(50))));
            let release = Release { needs, yanked: false, foreign };
            self.plugins.entry(name).or_default().insert(version, release);
        }
        hub.forge_all(packages.iter().map(|(claim, archive)| (claim, &archive[..])));
    }

    fn yank(&mut self, chance: &mut Chance, hub: &TestRegistry) {
        let name = name(chance.below(PLUGINS));
        let releases = self.plugins.get_mut(&name).unwrap();
        let at = chance.below(releases.len());
        let (version, release) = releases.iter_mut().nth(at).unwrap();
        release.yanked = true;
        let line = YankLine { version: version.clone(), reason: None, serial: 0 };
        hub.add_line(&name, |serial| Line::Yank(YankLine { serial, ..line }));
    }
}

/// Plugins need later ones, so there is no ring; those near the end need none, so there are diamonds.
fn needs(chance: &mut Chance, at: usize) -> BTreeMap<String, VersionReq> {
    let mut needs = BTreeMap::new();
    if at + 4 < PLUGINS {
        for _ in 0..chance.below(3) {
            let reach = (PLUGINS - at - 1).min(15);
            let range = chance.pick(&RANGES).parse().unwrap();
            needs.insert(name(at + 1 + chance.below(reach)), range);
        }
    }
    needs
}

/// A package with what is claimed of it. What nobody can use is only claimed.
fn package(
    name: &str,
    version: &Version,
    needs: &BTreeMap<String, VersionReq>,
    foreign: Option<bool>,
) -> (Claim, Vec<u8>) {
    let mut spec = PackageSpec::new(name, &version.to_string());
    for (needed, range) in needs {
        spec = spec.needs(needed, &range.to_string());
    }
    let archive = spec.archive();
    let mut claim = Claim::of(&archive);
    match foreign {
        Some(true) => claim.interface.host = Some(">=0.2".parse().unwrap()),
        Some(false) => claim.interface.api = "^1.3".parse().unwrap(),
        None => {}
    }
    (claim, archive)
}
