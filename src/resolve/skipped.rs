//! Why a plugin is not newer than it is: for each newer version the first thing that stands in the way.
//! Looks at a finished resolution; changes nothing about it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use leah_plugin::name::PluginName;
use semver::{Prerelease, Version, VersionReq};

use super::{
    index::{Candidate, Unusable},
    universe::Plugin,
};
use crate::requirements::Requirements;

/// Most versions that are looked at for each plugin; a hostile record can hold many thousands.
const MOST_SKIPPED: usize = 100;

/// A newer version that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The version.
    pub version: Version,
    /// What stands in its way.
    pub reason: SkipReason,
}

/// Why a newer version was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// It cannot be used here at all.
    Unusable(Unusable),
    /// It is a pre-release, and nobody asked for one.
    PreRelease,
    /// A range rules it out.
    OutOfRange {
        /// The plugin that states the range; none where the user did.
        by: Option<PluginName>,
        /// The range.
        range: VersionReq,
    },
    /// The lock holds the older one, and no update was asked for.
    Locked,
    /// What it needs does not go with the rest.
    Needs {
        /// What it needs.
        dependency: PluginName,
        /// The versions that it needs.
        range: VersionReq,
        /// The version that the set has instead; none where no version would do.
        has: Option<Version>,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(reason) => write!(f, "{reason}"),
            Self::PreRelease => f.write_str("is a pre-release, which must be asked for"),
            Self::OutOfRange { by: None, range } => write!(f, "does not fit {range}, which you asked for"),
            Self::OutOfRange { by: Some(name), range } => {
                write!(f, "does not fit {range}, which `{name}` needs")
            }
            Self::Locked => f.write_str("is newer than the locked version"),
            Self::Needs { dependency, range, has: Some(has) } => {
                write!(f, "needs `{dependency}` {range}, but {has} has to stay")
            }
            Self::Needs { dependency, range, has: None } => {
                write!(f, "needs `{dependency}` {range}, which does not go with the rest")
            }
        }
    }
}

/// What the resolution chose: each name's plugin and the position of its version.
pub(super) type Chosen<'u, 'a> = BTreeMap<&'a PluginName, (&'u Plugin<'a>, u32)>;

/// Which ranges hold for each name, and who states them; nobody stands for the user.
pub(super) type Ranges<'a> = HashMap<&'a PluginName, Vec<(Option<&'a PluginName>, &'a VersionReq)>>;

/// All ranges that hold within a resolution.
pub(super) fn ranges<'a>(chosen: &Chosen<'_, 'a>, requirements: &'a Requirements) -> Ranges<'a> {
    let mut ranges = Ranges::new();
    for (name, wanted) in &requirements.wanted {
        ranges.entry(name).or_default().push((None, &wanted.range));
    }
    for (name, (plugin, position)) in chosen {
        for (needed, range) in &plugin.at(*position).dependencies {
            ranges.entry(needed).or_default().push((Some(name), range));
        }
    }
    ranges
}

/// The versions of `name` newer than the chosen one, newest first, and why each was passed over.
pub(super) fn skipped(
    name: &PluginName,
    chosen: &Chosen<'_, '_>,
    ranges: &Ranges<'_>,
    requirements: &Requirements,
) -> Vec<Skipped> {
    let (plugin, position) = chosen[name];
    let newer = |candidate: &&Candidate| candidate.version > plugin.at(position).version;
    let why = |candidate: &Candidate| Skipped {
        version: candidate.version.clone(),
        reason: reason(candidate, name, chosen, ranges, requirements),
    };
    plugin.record.versions().iter().rev().take_while(newer).take(MOST_SKIPPED).map(why).collect()
}

fn reason(
    candidate: &Candidate,
    name: &PluginName,
    chosen: &Chosen<'_, '_>,
    ranges: &Ranges<'_>,
    requirements: &Requirements,
) -> SkipReason {
    let (plugin, position) = chosen[name];
    let lock = requirements.preferred.get(name);
    if let Some(reason) = Unusable::check(candidate, plugin.registry, name, lock, requirements) {
        return SkipReason::Unusable(reason);
    }
    let excluding = |(_, range): &&(_, &VersionReq)| !range.matches(&candidate.version);
    if let Some((by, range)) = ranges.get(name).into_iter().flatten().find(excluding) {
        return if matches_released(range, &candidate.version) {
            SkipReason::PreRelease
        } else {
            SkipReason::OutOfRange { by: by.cloned(), range: (*range).clone() }
        };
    }
    if plugin.is_kept(position, requirements) {
        return SkipReason::Locked;
    }
    let has = |needed: &PluginName| {
        let (other, position) = chosen.get(needed)?;
        (other.registry == plugin.registry).then(|| &other.at(*position).version)
    };
    let fails =
        |(needed, range): &(&PluginName, &VersionReq)| !has(needed).is_some_and(|it| range.matches(it));
    match candidate.dependencies.iter().find(fails) {
        Some((needed, range)) => {
            SkipReason::Needs { dependency: needed.clone(), range: range.clone(), has: has(needed).cloned() }
        }
        // Only an update leaves a newer version that would do: one that is yanked, for an older that
        // is not.
        None => SkipReason::Unusable(Unusable::Yanked),
    }
}

/// True when `range` would match the release that `version` leads to.
pub(super) fn matches_released(range: &VersionReq, version: &Version) -> bool {
    let released = Version { pre: Prerelease::EMPTY, ..version.clone() };
    !version.pre.is_empty() && range.matches(&released)
}
