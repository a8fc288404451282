//! What would help when a resolution failed: commands that were tried out, or that only show something.

use std::collections::BTreeSet;

use leah_plugin::name::PluginName;
use semver::{Version, VersionReq};

use super::{
    ResolveError, Unusable,
    explain::{Explanation, Fact},
    skipped::matches_released,
};
use crate::requirements::{BareNames, PluginId, Requirements, Stays, exactly};

impl Explanation {
    /// Commands that would help; each was tried out, or only shows something.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let easier = self.easier.iter().map(|(plugin, version)| {
            format!("`leahpm install {}@^{version}` would work", self.shown(plugin))
        });
        let stays = self.facts.iter().filter_map(letting_go);
        let facts = self.facts.iter().filter_map(|fact| self.hint(fact));
        let out = self.facts.iter().filter_map(|fact| self.taking_out(fact));
        let mut hints: Vec<String> = easier.chain(stays).chain(out).chain(facts).collect();
        let mut seen = BTreeSet::new();
        hints.retain(|hint| seen.insert(hint.clone()));
        hints.truncate(3);
        hints
    }

    /// What the user could ask for instead of the ranges that take part: any release, or the newest
    /// pre-release where there is no other.
    pub(super) fn other_ranges(&self, requirements: &Requirements) -> Vec<(PluginId, VersionReq)> {
        let mut others = Vec::new();
        for fact in &self.facts {
            let (plugin, range, there) = match fact {
                Fact::Asked { plugin, range } => (plugin, range, &[][..]),
                Fact::NoVersion { plugin, range, there, .. } => (plugin, range, there.as_slice()),
                _ => continue,
            };
            let asked = requirements.wanted.get(&plugin.name);
            if !asked.is_some_and(|it| it.registry == plugin.registry && it.range == *range) {
                continue;
            }
            if *range != VersionReq::STAR {
                others.push((plugin.clone(), VersionReq::STAR));
            }
            let pre_release = there.iter().rev().find(|version| matches_released(range, version));
            others.extend(pre_release.map(|version| (plugin.clone(), exactly(version))));
        }
        others
    }

    /// How to do without a plugin that is installed and whose key was revoked.
    fn taking_out(&self, fact: &Fact) -> Option<String> {
        let Fact::NoVersion { plugin, unusable, .. } = fact else { return None };
        let installed = self.bare.version(plugin)?;
        let is_it = |(reason, versions): &(Unusable, Vec<Version>)| {
            *reason == Unusable::Revoked && versions.contains(installed)
        };
        if !unusable.iter().any(is_it) {
            return None;
        }
        let names = self.bare.with_dependents(&plugin.name);
        let names: Vec<&str> = names.into_iter().map(PluginName::as_str).collect();
        Some(format!("`leahpm uninstall {}` takes it out", names.join(" ")))
    }

    fn hint(&self, fact: &Fact) -> Option<String> {
        let plugin = match fact {
            Fact::NoVersion { plugin, .. } => plugin,
            // Another version of who needs it may do without.
            Fact::Unknown { plugin: unknown } => self.facts.iter().find_map(|fact| match fact {
                Fact::Needs { plugin, dependency, .. } if dependency == unknown => Some(plugin),
                _ => None,
            })?,
            _ => return None,
        };
        Some(format!("`leahpm info {}` shows all its versions", self.shown(plugin)))
    }
}

impl ResolveError {
    /// Commands that would help. `known` are names that registries have, among which similar ones are
    /// looked for.
    #[must_use]
    pub fn hints(&self, bare: &BareNames, known: &[PluginId]) -> Vec<String> {
        match self {
            Self::Needs(_) => Vec::new(),
            Self::Unknown(plugins) => {
                plugins.iter().flat_map(|plugin| suggestions(plugin, bare, known)).collect()
            }
            Self::NoSolution(explanation) => explanation.hints(),
            Self::Cycle(ring) => {
                let name = ring.first().map(|name| format!("`leahpm info {name}` shows earlier versions"));
                name.into_iter().collect()
            }
            Self::Deadline { busiest } => {
                let exact = |(plugin, version): &(PluginId, Version)| {
                    let plugin = plugin.shown(bare);
                    format!("ask for an exact version, such as `leahpm install {plugin}@{version}`")
                };
                busiest.first().map(exact).into_iter().collect()
            }
        }
    }
}

/// The names of `known` that `name` may be a slip of, the most similar first, three at most.
pub fn similar<'a>(
    name: &PluginName,
    known: impl IntoIterator<Item = &'a PluginName>,
) -> Vec<&'a PluginName> {
    const SHOWN: usize = 3;
    // One slip in every four letters; in very short names everything is similar to everything.
    let slips = name.as_str().len().div_ceil(4);
    let distance =
        |other: &'a PluginName| (strsim::damerau_levenshtein(name.as_str(), other.as_str()), other);
    let mut near: Vec<_> =
        known.into_iter().map(distance).filter(|(distance, _)| (1..=slips).contains(distance)).collect();
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}

/// What would let a plugin move that is in the way because it stays.
fn letting_go(fact: &Fact) -> Option<String> {
    let (name, reasons) = match fact {
        Fact::NoVersion { plugin, unusable, .. } => (&plugin.name, unusable.iter().map(|it| &it.0).collect()),
        Fact::PassedOver { plugin, reason, .. } => (&plugin.name, vec![reason]),
        _ => return None,
    };
    reasons.into_iter().find_map(|reason| match reason {
        Unusable::Stays { why: Stays::Held, .. } => Some(format!("`leahpm unhold {name}` lets it move")),
        Unusable::Stays { why: Stays::Excluded, .. } => {
            Some(format!("without `--exclude {name}` it can move"))
        }
        _ => None,
    })
}

fn suggestions(plugin: &PluginId, bare: &BareNames, known: &[PluginId]) -> Vec<String> {
    let elsewhere = known.iter().filter(|it| it.name == plugin.name && it.registry != plugin.registry);
    let elsewhere = elsewhere
        .map(|it| format!("registry `{}` has one: `leahpm install {}`", it.registry, it.shown(bare)));
    let here = known.iter().filter(|it| it.registry == plugin.registry).map(|it| &it.name);
    let similar = similar(&plugin.name, here).into_iter().map(|name| {
        let id = PluginId { registry: plugin.registry.clone(), name: name.clone() };
        format!("did you mean `leahpm install {}`?", id.shown(bare))
    });
    let mut hints: Vec<String> = elsewhere.chain(similar).collect();
    if hints.is_empty() {
        hints.push(format!("`leahpm search {}` looks in names and descriptions", plugin.name));
    }
    hints
}
