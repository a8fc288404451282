//! What a user wants: the names and ranges of the command line, and all that a resolution answers to.
//! Decides nothing about what exists; that is the index, and `resolve` brings the two together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use leah_plugin::{
    lock::{Lock, Locked},
    name::{NameError, Origin, PluginName},
    version::{VersionError, parse_range, parse_version},
};
use semver::{Comparator, Op, Version, VersionReq};

/// The identity of a plugin: a name means nothing without the registry it is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId {
    /// Where it comes from.
    pub registry: Origin,
    /// What it is called there.
    pub name: PluginName,
}

impl PluginId {
    /// The shortest text that a user can type for it: the bare name where that means it.
    #[must_use]
    pub fn shown(&self, bare: &BareNames) -> String {
        if self.registry == *bare.registry(&self.name) { self.name.to_string() } else { self.to_string() }
    }
}

/// What is installed, and so which registry a name means that is written without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareNames {
    default: Origin,
    /// Shared, since every set that is tried out has requirements of its own.
    live: Option<Arc<Lock>>,
}

impl BareNames {
    /// The installed plugins mean themselves, whatever the default is by now: else whoever has their names in a
    /// registry that becomes the default would take their places. All other names mean `default`.
    #[must_use]
    pub fn new(default: Origin, live: Option<&Lock>) -> Self {
        Self { default, live: live.map(|lock| Arc::new(lock.clone())) }
    }

    /// The registry that the bare `name` means.
    #[must_use]
    pub fn registry(&self, name: &PluginName) -> &Origin {
        self.installed(name).map_or(&self.default, |locked| &locked.registry)
    }

    /// The installed version of exactly this plugin.
    #[must_use]
    pub fn version(&self, plugin: &PluginId) -> Option<&Version> {
        let locked = self.installed(&plugin.name).filter(|locked| locked.registry == plugin.registry)?;
        Some(&locked.version)
    }

    /// A plugin with all that could not stay installed without it.
    #[must_use]
    pub fn with_dependents(&self, name: &PluginName) -> BTreeSet<PluginName> {
        let dependents = self.live.iter().flat_map(|live| live.dependents(name, |_| true));
        dependents.chain([name]).cloned().collect()
    }

    /// The installed plugins that stay when `gone` are uninstalled: what was asked for, and what that needs.
    fn staying_without(&self, gone: &BTreeSet<PluginName>) -> BTreeSet<&PluginName> {
        let Some(live) = &self.live else { return BTreeSet::new() };
        live.with_dependencies(live.requested.keys().filter(|name| !gone.contains(*name)))
    }

    fn installed(&self, name: &PluginName) -> Option<&Locked> {
        self.live.as_ref()?.plugins.get(name)
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

/// A plugin as written on the command line: `translator`, `translator@^1.2`, `hub/translator@1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The registry, when one is written; the default one otherwise.
    pub registry: Option<Origin>,
    /// The name.
    pub name: PluginName,
    /// The range, when one is written. A bare version such as `@1.2.0` means that version alone.
    pub range: Option<VersionReq>,
}

/// Why a text of the command line names no plugin.
#[derive(Debug, thiserror::Error)]
pub enum WantedError {
    /// The part in front of `/` is not a registry's name.
    #[error("`{}` does not start with the name of a registry; write it like `hub/translator`", text.escape_debug())]
    Registry {
        /// The text as given.
        text: String,
        /// What is wrong with the registry's name.
        source: NameError,
    },
    /// The name is none.
    #[error("`{}` names no plugin; write it like `translator`, `translator@^1.2` or `hub/translator@1.0.0`", text.escape_debug())]
    Name {
        /// The text as given.
        text: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The part behind `@` is neither a version nor a range.
    #[error("`{}` asks for no version; write it like `translator@1.2.0`, `translator@^1.2` or `translator@\">=1, <3\"`", text.escape_debug())]
    Range {
        /// The text as given.
        text: String,
        /// What is wrong with the range.
        source: VersionError,
    },
}

impl FromStr for Wanted {
    type Err = WantedError;

    fn from_str(text: &str) -> Result<Self, WantedError> {
        let (id, range) = match text.split_once('@') {
            Some((id, range)) => (id, Some(range)),
            None => (text, None),
        };
        let (registry, name) = match id.split_once('/') {
            Some((registry, name)) => (Some(registry), name),
            None => (None, id),
        };
        let owned = || text.to_owned();
        Ok(Self {
            registry: registry
                .map(Origin::from_str)
                .transpose()
                .map_err(|source| WantedError::Registry { text: owned(), source })?,
            name: name.parse().map_err(|source| WantedError::Name { text: owned(), source })?,
            range: range
                .map(range_or_version)
                .transpose()
                .map_err(|source| WantedError::Range { text: owned(), source })?,
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        write!(f, "{}", self.name)?;
        match &self.range {
            Some(range) => write!(f, "@{range}"),
            None => Ok(()),
        }
    }
}

/// One plugin that is asked for by name, as opposed to one that another needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The registry it must come from.
    pub registry: Origin,
    /// The versions that will do.
    pub range: VersionReq,
}

/// The version that the lock holds of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferred {
    /// The registry it came from; a version of another registry is another thing.
    pub registry: Origin,
    /// The version.
    pub version: Version,
    /// Why no other will do, if so.
    pub stays: Option<Stays>,
}

/// Why a plugin must keep the version and the registry that the lock holds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// The user holds it.
    Held,
    /// The user left it out of this update.
    Excluded,
}

/// Which plugins may leave their locked version though it still fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Update {
    /// None: a locked version that fits stays.
    #[default]
    None,
    /// These, and they are newest before anything else is considered.
    Names(BTreeSet<PluginName>),
    /// All.
    All,
}

impl Update {
    /// True when `name` may leave its locked version for a newer one.
    #[must_use]
    pub fn moves(&self, name: &PluginName) -> bool {
        match self {
            Self::None => false,
            Self::Names(names) => names.contains(name),
            Self::All => true,
        }
    }

    /// True when `name` is updated by name, not only along with all others.
    #[must_use]
    pub fn names(&self, name: &PluginName) -> bool {
        matches!(self, Self::Names(names) if names.contains(name))
    }
}

/// Where what is wanted is written down, and so what its people can change when nothing fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the live set, to which a command line may add.
    Live {
        /// What the command line names, as it was typed.
        asked: Vec<Wanted>,
        /// True when bare names of the command line come from a registry that it names too.
        elsewhere: bool,
    },
    /// In a wish list.
    WishList {
        /// The file, as it was named on the command line or is found in the current folder.
        file: String,
    },
}

impl Default for Place {
    fn default() -> Self {
        Self::Live { asked: Vec::new(), elsewhere: false }
    }
}

impl Place {
    /// What the command line names of the live set.
    #[must_use]
    pub fn asked(&self) -> &[Wanted] {
        match self {
            Self::Live { asked, .. } => asked,
            Self::WishList { .. } => &[],
        }
    }

    /// True when the command line asks for a plugin of this name.
    #[must_use]
    pub fn asks_for(&self, name: &PluginName) -> bool {
        self.asked().iter().any(|wanted| wanted.name == *name)
    }
}

/// All that a resolution answers to, except what exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// What is asked for. A set holds a name once, so a name stands here once, with its registry.
    pub wanted: BTreeMap<PluginName, Requirement>,
    /// The version of the plugin API that the host offers.
    pub api: Version,
    /// The version of the host.
    pub host: Version,
    /// The locked versions.
    pub preferred: BTreeMap<PluginName, Preferred>,
    /// Which of them may move.
    pub update: Update,
    /// What a bare name means. Only wording depends on it.
    pub bare: BareNames,
    /// Where what is wanted is written down. Only what is proposed where nothing fits depends on it.
    pub place: Place,
}

impl Requirements {
    /// Asks for a plugin in this range, whatever was asked for under its name.
    pub fn ask_for(&mut self, plugin: &PluginId, range: VersionReq) {
        let requirement = Requirement { registry: plugin.registry.clone(), range };
        self.wanted.insert(plugin.name.clone(), requirement);
    }

    /// What is left when these are not asked for. Of the live set they go first, with what only they needed.
    #[must_use]
    pub fn without(&self, names: &BTreeSet<PluginName>) -> Self {
        let mut left = self.clone();
        left.wanted.retain(|name, _| !names.contains(name));
        if matches!(self.place, Place::Live { .. }) {
            let staying = self.bare.staying_without(names);
            left.preferred.retain(|name, _| staying.contains(name));
        }
        left
    }

    /// Leaves these plugins out of the update: they stay as they are locked.
    pub fn leave_out(&mut self, names: &BTreeSet<PluginName>) {
        for name in names {
            if let Some(locked) = self.preferred.get_mut(name) {
                locked.stays.get_or_insert(Stays::Excluded);
            }
        }
        if let Update::Names(updated) = &mut self.update {
            updated.retain(|name| !names.contains(name));
        }
    }
}

/// A full version means that version alone; `1.2` and `1` are ranges, as everywhere in semver.
pub(crate) fn range_or_version(text: &str) -> Result<VersionReq, VersionError> {
    parse_version(text).map(|version| exactly(&version)).or_else(|_| parse_range(text))
}

/// The range that holds one version. Ranges do not see build metadata.
pub(crate) fn exactly(version: &Version) -> VersionReq {
    let only = Comparator {
        op: Op::Exact,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    };
    VersionReq { comparators: vec![only] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let wanted: Wanted = text.parse().unwrap();
        assert_eq!(wanted.to_string(), expect);
        assert_eq!(expect.parse::<Wanted>().unwrap(), wanted, "the printed form reads back");
    }

    #[track_caller]
    fn refuse(text: &str, expect: &str) {
        assert_eq!(text.parse::<Wanted>().unwrap_err().to_string(), expect);
    }

    #[test]
    fn reads_names_registries_and_ranges() {
        check("translator", "translator");
        check("translator@^1.2", "translator@^1.2");
        check("hub/translator@>=1, <3", "hub/translator@>=1, <3");
        check("hub/translator@*", "hub/translator@*");
    }

    #[test]
    fn takes_a_bare_version_as_that_version_alone() {
        check("translator@1.2.0", "translator@=1.2.0");
        check("translator@2.0.0-beta.1+linux", "translator@=2.0.0-beta.1");
        check("translator@1.2", "translator@^1.2");
    }

    #[test]
    fn refuses_everything_else_with_an_example() {
        let name = "names no plugin; write it like `translator`, `translator@^1.2` or `hub/translator@1.0.0`";
        refuse("", &format!("`` {name}"));
        refuse("@1.0.0", &format!("`@1.0.0` {name}"));
        refuse("Translator", &format!("`Translator` {name}"));
        refuse("hub/team/translator", &format!("`hub/team/translator` {name}"));
        refuse("a\u{1b}[2J", &format!("`a\\u{{1b}}[2J` {name}"));
        refuse("/a", "`/a` does not start with the name of a registry; write it like `hub/translator`");
        for text in ["a@", "a@latest", "a@1@2"] {
            let range = "asks for no version; write it like `translator@1.2.0`, `translator@^1.2` or \
                         `translator@\">=1, <3\"`";
            refuse(text, &format!("`{text}` {range}"));
        }
    }

    #[test]
    fn an_exact_range_holds_its_version_and_no_other() {
        let beta = parse_version("1.0.0-beta.1").unwrap();
        assert!(exactly(&beta).matches(&beta));
        assert!(!exactly(&beta).matches(&parse_version("1.0.0").unwrap()));
    }

    proptest! {
        #[test]
        fn survives_any_text(text in "\\PC{0,40}") {
            if let Ok(wanted) = text.parse::<Wanted>() {
                prop_assert_eq!(wanted.to_string().parse::<Wanted>().unwrap(), wanted);
            }
        }
    }
}
