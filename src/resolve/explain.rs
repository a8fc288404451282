//! Words for a resolution that failed: sentences a user can understand. The facts come from `conflict`; this file
//! only says them, and `hints` says what would help.

use std::{collections::BTreeSet, fmt};

use leah_plugin::name::{Origin, PluginName};
use semver::{Version, VersionReq};

use super::{Unusable, skipped::matches_released};
use crate::requirements::{BareNames, PluginId};

/// Most facts that are said; a hostile index can bring thousands.
const MOST_SENTENCES: usize = 12;

/// Facts that cannot all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The facts, what was asked for first.
    pub facts: Vec<Fact>,
    /// Which plugins are called by their bare names.
    pub bare: BareNames,
}

/// One thing that is true of the index or of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The user asked for it.
    Asked {
        /// The plugin.
        plugin: PluginId,
        /// The versions that would do.
        range: VersionReq,
    },
    /// Versions of a plugin need another.
    Needs {
        /// The plugin.
        plugin: PluginId,
        /// Its versions, ascending.
        versions: Vec<Version>,
        /// True when these are all that there are.
        every: bool,
        /// True when between them are others that can be used.
        gaps: bool,
        /// What they need.
        dependency: PluginId,
        /// The versions that would do.
        range: VersionReq,
    },
    /// A set holds a name once, and this name would come from several registries.
    TwoRegistries {
        /// The name.
        name: PluginName,
        /// The registries.
        registries: BTreeSet<Origin>,
    },
    /// The registry has no such plugin.
    Unknown {
        /// The plugin.
        plugin: PluginId,
    },
    /// No version in the range can be used.
    NoVersion {
        /// The plugin.
        plugin: PluginId,
        /// The range.
        range: VersionReq,
        /// All its versions, ascending.
        there: Vec<Version>,
        /// Those in the range, by what is wrong with them.
        unusable: Vec<(Unusable, Vec<Version>)>,
    },
    /// Versions that fit all ranges and cannot be used.
    PassedOver {
        /// The plugin.
        plugin: PluginId,
        /// The versions, ascending.
        versions: Vec<Version>,
        /// What is wrong with them.
        reason: Unusable,
    },
}

impl Explanation {
    /// The facts as sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> =
            self.facts.iter().take(MOST_SENTENCES).map(|fact| self.sentence(fact)).collect();
        if self.facts.len() > MOST_SENTENCES {
            sentences.push(format!("and {} more such reasons", self.facts.len() - MOST_SENTENCES));
        }
        sentences
    }

    /// True when a range is left without a version because of the plugin API or the host alone, so that
    /// another host would help.
    #[must_use]
    pub fn is_incompatible(&self) -> bool {
        let host = |reason: &Unusable| matches!(reason, Unusable::Api { .. } | Unusable::Host { .. });
        self.facts.iter().any(|fact| match fact {
            Fact::NoVersion { unusable, .. } => {
                !unusable.is_empty() && unusable.iter().all(|(reason, _)| host(reason))
            }
            _ => false,
        })
    }

    /// True when a range is left without a version because keys were revoked, so that what is missing is trust.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        let stays = |reason: &Unusable| matches!(reason, Unusable::Revoked | Unusable::Stays { .. });
        self.facts.iter().any(|fact| match fact {
            Fact::NoVersion { unusable, .. } => {
                unusable.iter().any(|(reason, _)| *reason == Unusable::Revoked)
                    && unusable.iter().all(|(reason, _)| stays(reason))
            }
            _ => false,
        })
    }

    pub(super) fn shown(&self, plugin: &PluginId) -> String {
        plugin.shown(&self.bare)
    }

    fn sentence(&self, fact: &Fact) -> String {
        match fact {
            Fact::Asked { plugin, range } => format!("you asked for {}", self.ranged(plugin, range)),
            Fact::Needs { plugin, versions, every, gaps, dependency, range } => {
                let plugin = self.shown(plugin);
                let dependency = self.ranged(dependency, range);
                match versions.as_slice() {
                    [_, _, ..] if *every => format!("every version of `{plugin}` needs {dependency}"),
                    [version] => format!("`{plugin}` {version} needs {dependency}"),
                    _ if *gaps => format!("`{plugin}` {} need {dependency}", listed(versions)),
                    _ => format!("`{plugin}` {} need {dependency}", span(versions)),
                }
            }
            Fact::TwoRegistries { name, registries } => {
                let registries = registries.iter().map(|registry| format!("`{registry}`"));
                let registries = joined(&registries.collect::<Vec<_>>());
                format!("`{name}` would come from the registries {registries}, but a set holds a name once")
            }
            Fact::Unknown { plugin } => unknown(std::slice::from_ref(plugin)),
            Fact::NoVersion { plugin, range, there, unusable } => {
                no_version(&self.shown(plugin), range, there, unusable)
            }
            Fact::PassedOver { plugin, versions, reason } => {
                format!("`{}` {} {}", self.shown(plugin), span(versions), reason.said_of(versions.len()))
            }
        }
    }

    fn ranged(&self, plugin: &PluginId, range: &VersionReq) -> String {
        if *range == VersionReq::STAR {
            format!("`{}`", self.shown(plugin))
        } else {
            format!("`{}` {range}", self.shown(plugin))
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where one range of the user's meets one of a plugin, the user's comes last: it can be changed.
        let mut sentences = self.sentences();
        if let [Fact::Asked { .. }, Fact::Needs { .. }] = self.facts.as_slice() {
            sentences.reverse();
        }
        match sentences.as_slice() {
            [one] => f.write_str(one),
            [one, other] => write!(f, "{one}, but {other}"),
            many => {
                f.write_str("no versions fit together:")?;
                many.iter().try_for_each(|sentence| write!(f, "\n  {sentence}"))
            }
        }
    }
}

/// `registry `hub` has no plugin `a``, for each.
pub(super) fn unknown(plugins: &[PluginId]) -> String {
    let sentence = |id: &PluginId| format!("registry `{}` has no plugin `{}`", id.registry, id.name);
    plugins.iter().map(sentence).collect::<Vec<_>>().join(", ")
}

/// `a` needs `b`, `b` needs `a`.
pub(super) fn ring(names: &[PluginName]) -> String {
    let next = names.iter().cycle().skip(1);
    let steps: Vec<_> = names.iter().zip(next).map(|(from, to)| format!("`{from}` needs `{to}`")).collect();
    format!("plugins need each other in a ring, so none can start first: {}", steps.join(", "))
}

/// What can be said where time ran out.
pub(super) fn undecided(busiest: &[(PluginId, Version)]) -> String {
    let names: Vec<_> = busiest.iter().map(|(plugin, _)| format!("`{}`", plugin.name)).collect();
    if names.is_empty() {
        return "choosing versions took too long".to_owned();
    }
    format!("choosing versions took too long: most conflicts are about {}", joined(&names))
}

fn no_version(
    plugin: &str,
    range: &VersionReq,
    there: &[Version],
    unusable: &[(Unusable, Vec<Version>)],
) -> String {
    let pre_releases: Vec<Version> =
        there.iter().filter(|version| matches_released(range, version)).cloned().collect();
    let any = *range == VersionReq::STAR;
    match unusable {
        [] if there.is_empty() => format!("`{plugin}` has no versions"),
        [] if !pre_releases.is_empty() => {
            let fit = if any { String::new() } else { format!(" that fit `{range}`") };
            format!("`{plugin}` has only pre-releases{fit}, which must be asked for: {}", span(&pre_releases))
        }
        [] => format!("no version of `{plugin}` fits `{range}`: it has {}", span(there)),
        [(Unusable::Api { needs, has }, versions)] if versions.len() == there.len() => {
            format!("`{plugin}` has only versions for plugin API {needs}, this host has {has}")
        }
        [(Unusable::Host { needs, has }, versions)] if versions.len() == there.len() => {
            format!("`{plugin}` has only versions for leah-host {needs}, this one is {has}")
        }
        [(reason, versions)] if versions.len() == 1 => {
            let fit = if any { "there is".to_owned() } else { format!("fits `{range}`") };
            format!("`{plugin}` {}, the only version that {fit}, {}", versions[0], reason.said_of(1))
        }
        [(reason, versions)] => {
            let fit = if any { String::new() } else { format!(" that fit `{range}`") };
            // `*` takes no pre-releases, so where there are some not all versions are meant.
            let all = if any && versions.len() < there.len() { "releases" } else { "versions" };
            format!("all {all} of `{plugin}`{fit} {}", reason.said_of(versions.len()))
        }
        several => {
            let reasons = several
                .iter()
                .map(|(reason, versions)| format!("{} {}", span(versions), reason.said_of(versions.len())));
            let fit = if any { String::new() } else { format!(" that fits `{range}`") };
            let reasons = reasons.collect::<Vec<_>>().join("; ");
            format!("no version of `{plugin}`{fit} can be used: {reasons}")
        }
    }
}

/// `1.0.0`, `1.0.0 to 2.4.1`.
fn span(versions: &[Version]) -> String {
    match versions {
        [] => "none".to_owned(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}

/// Up to four versions by name; of more the first and the last.
fn listed(versions: &[Version]) -> String {
    const LISTED: usize = 4;
    if versions.len() > LISTED {
        return format!("{} ({} of them)", span(versions), versions.len());
    }
    joined(&versions.iter().map(Version::to_string).collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
