//! What is known of the registries so far: the versions of each plugin, and why one cannot be used.
//! Records come in one by one, as the resolver asks for them; what was not asked for is not here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use leah_plugin::name::{Origin, PluginName};
use semver::{Version, VersionReq};

use crate::requirements::{PluginId, Preferred, Requirements, Stays};

/// One version of a plugin, as its record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version.
    pub version: Version,
    /// What must be there before it; each resolves in the registry that this plugin is from.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// The versions of the plugin API that it was built for.
    pub api: VersionReq,
    /// The versions of the host that it works with, if it says so.
    pub host: Option<VersionReq>,
    /// Withdrawn by its author: used only where a lock already holds it.
    pub yanked: bool,
    /// Signed with a revoked key: never used.
    pub revoked: bool,
}

/// The records fetched so far.
#[derive(Debug, Clone, Default)]
pub struct Index(BTreeMap<Origin, BTreeMap<PluginName, Record>>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// The registry has no plugin of this name.
    Unknown,
    /// The versions, ascending.
    Versions(Vec<Candidate>),
}

impl Index {
    /// Adds the versions of a plugin, in any order. The first of two equal versions counts.
    pub fn add(&mut self, plugin: PluginId, mut candidates: Vec<Candidate>) {
        candidates.sort_by(|a, b| a.version.cmp(&b.version));
        candidates.dedup_by(|later, first| later.version == first.version);
        self.put(plugin, Record::Versions(candidates));
    }

    /// Adds that the registry has no plugin of this name.
    pub fn add_unknown(&mut self, plugin: PluginId) {
        self.put(plugin, Record::Unknown);
    }

    /// True when the record was added, or that there is none.
    #[must_use]
    pub fn knows(&self, plugin: &PluginId) -> bool {
        self.record(&plugin.registry, &plugin.name).is_some()
    }

    pub(super) fn record(&self, registry: &Origin, name: &PluginName) -> Option<&Record> {
        self.0.get(registry)?.get(name)
    }

    /// The registry of a name that takes part in a resolution.
    pub(super) fn registry_of<'a>(
        &'a self,
        name: &PluginName,
        requirements: &Requirements,
    ) -> Option<&'a Origin> {
        let asked = requirements.wanted.get(name).map(|wanted| &wanted.registry);
        let has_it = |(registry, records): &(&Origin, &BTreeMap<PluginName, Record>)| {
            asked.is_none_or(|asked| asked == *registry)
                && records.get(name).is_some_and(|record| !record.versions().is_empty())
        };
        self.0.iter().find(has_it).map(|(registry, _)| registry)
    }

    fn put(&mut self, plugin: PluginId, record: Record) {
        self.0.entry(plugin.registry).or_default().insert(plugin.name, record);
    }
}

impl Record {
    pub(super) fn versions(&self) -> &[Candidate] {
        match self {
            Self::Unknown => &[],
            Self::Versions(candidates) => candidates,
        }
    }
}

/// Why a version cannot be used here, whatever range asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Signed with a revoked key.
    Revoked,
    /// Withdrawn by its author, and no lock holds it.
    Yanked,
    /// Built for another plugin API.
    Api {
        /// What it was built for.
        needs: VersionReq,
        /// What the host offers.
        has: Version,
    },
    /// Made for other versions of the host.
    Host {
        /// What it was made for.
        needs: VersionReq,
        /// The host's version.
        has: Version,
    },
    /// The lock holds another one, which must stay.
    Stays {
        /// The version that the lock holds.
        at: Version,
        /// Why.
        why: Stays,
    },
    /// It names itself as a dependency, so nothing could ever be ready before it.
    NeedsItself,
}

impl Unusable {
    /// Why `candidate` of a plugin cannot be used, if so; `lock` is what is locked under its name. Revoked comes
    /// first: no other reason could tempt a user to work around it. A plugin that must stay comes next, since that is
    /// what the user said.
    pub(super) fn check(
        candidate: &Candidate,
        registry: &Origin,
        name: &PluginName,
        lock: Option<&Preferred>,
        Requirements { api, host, .. }: &Requirements,
    ) -> Option<Self> {
        let locked = || is_locked(candidate, registry, lock);
        if candidate.revoked {
            Some(Self::Revoked)
        } else if let Some((at, why)) = stays(lock).filter(|_| !locked()) {
            Some(Self::Stays { at: at.clone(), why })
        } else if !candidate.api.matches(api) {
            Some(Self::Api { needs: candidate.api.clone(), has: api.clone() })
        } else if let Some(needs) = candidate.host.as_ref().filter(|needs| !needs.matches(host)) {
            Some(Self::Host { needs: needs.clone(), has: host.clone() })
        } else if candidate.dependencies.contains_key(name) {
            Some(Self::NeedsItself)
        } else if candidate.yanked && !locked() {
            Some(Self::Yanked)
        } else {
            None
        }
    }

    /// What is said of `versions` of a plugin: `is yanked`, `are for plugin API ^2; this host has 1.0.0`.
    pub(super) fn said_of(&self, versions: usize) -> String {
        let be = if versions == 1 { "is" } else { "are" };
        match self {
            Self::Revoked => format!("{be} signed with a revoked key"),
            Self::Yanked => format!("{be} yanked"),
            Self::Api { needs, has } => format!("{be} for plugin API {needs}, this host has {has}"),
            Self::Host { needs, has } => format!("{be} for leah-host {needs}, this one is {has}"),
            Self::Stays { at, why: Stays::Held } => format!("{be} ruled out, since {at} is held"),
            Self::Stays { at, why: Stays::Excluded } => {
                format!("{be} ruled out, since {at} is left out of this update")
            }
            Self::NeedsItself if versions == 1 => "needs itself".to_owned(),
            Self::NeedsItself => "need themselves".to_owned(),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said_of(1))
    }
}

/// The version at which a plugin must stay, and why.
fn stays(lock: Option<&Preferred>) -> Option<(&Version, Stays)> {
    let Preferred { version, stays, .. } = lock?;
    Some((version, (*stays)?))
}

/// True when the lock holds exactly this version of this registry's plugin.
pub(super) fn is_locked(candidate: &Candidate, registry: &Origin, lock: Option<&Preferred>) -> bool {
    lock.is_some_and(|lock| lock.version == candidate.version && lock.registry == *registry)
}

/// The registries that a resolution can touch: dependencies never leave their parent's.
pub(super) fn registries(requirements: &Requirements) -> BTreeSet<&Origin> {
    requirements.wanted.values().map(|wanted| &wanted.registry).collect()
}
