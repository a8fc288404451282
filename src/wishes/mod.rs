//! The wish list of a project, `plugins.yaml`: which plugins it wants, from where, and what they may do there. Pure;
//! what there is and what is locked stands elsewhere.

mod stale;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::{PermissionKind, Permissions},
    name::{Origin, PluginName},
    yaml::{self, FormatError, YamlError},
};
use semver::{Version, VersionReq};

pub use self::stale::{Stale, stale};
use crate::consent::{Choice, Choices};

/// The format of wish lists that this release reads and writes.
pub const WISHES_FORMAT: u64 = 1;

/// What a wish list says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// The version of leah-host that the plugins must fit, where the list names one.
    pub host: Option<Version>,
    /// The plugins that are wanted, by name.
    pub plugins: BTreeMap<PluginName, Wish>,
}

/// One plugin that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The versions that are welcome.
    pub range: VersionReq,
    /// Where it comes from; where the lock has it from, else the default registry, where none is named.
    pub registry: Option<Origin>,
    /// What it may do, where the list says so.
    pub grant: Option<Picked>,
    /// What it may not do, where the list says so.
    pub deny: Option<Picked>,
}

/// The permissions that a wish grants or denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    /// Whatever the plugin asks for.
    All,
    /// These, each with whatever scope.
    These(BTreeSet<PermissionKind>),
}

/// Why a text is not a wish list.
#[derive(Debug, thiserror::Error)]
pub enum WishesError {
    /// Not YAML, or not of the right shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Written for a later release.
    #[error("the wish list is of format {0}, which needs a newer leahpm")]
    Format(u64),
    /// One permission both ways.
    #[error("`{}` of `{name}` is both granted and denied", permission.map_or("all", PermissionKind::as_str))]
    GrantedAndDenied {
        /// The plugin.
        name: PluginName,
        /// The permission; none where it is `all`.
        permission: Option<PermissionKind>,
    },
}

impl Wishes {
    /// Reads a wish list.
    ///
    /// # Errors
    /// When the text is not YAML of this shape, of a newer format, or contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<Self, WishesError> {
        let read = yaml::from_slice_of_format::<wire::List>(bytes, WISHES_FORMAT);
        let list = read.map_err(|error| match error {
            FormatError::Newer(format) => WishesError::Format(format),
            FormatError::Yaml(error) => error.into(),
        })?;
        let wishes = list.wishes();
        wishes.plugins.iter().try_for_each(|(name, wish)| wish.check(name))?;
        Ok(wishes)
    }

    /// The text of a wish list, sorted by name; the same wishes always give the same bytes.
    ///
    /// # Errors
    /// When it has no YAML form.
    pub fn to_text(&self) -> Result<String, YamlError> {
        yaml::to_string(&wire::written(self))
    }

    /// The wishes that a lock fulfils: what was asked for, with what was decided about it.
    #[must_use]
    pub fn of(lock: &Lock) -> Self {
        let kinds = |permissions: &Permissions| permissions.iter().map(|(kind, _)| kind).collect();
        let picked =
            |permissions: &Permissions| (!permissions.is_empty()).then(|| Picked::These(kinds(permissions)));
        let decided =
            |name, which: fn(&Locked) -> &Permissions| lock.plugins.get(name).map(which).and_then(picked);
        let plugins = lock.requested.iter().map(|(name, request)| {
            let (range, registry) = (request.range.clone(), Some(request.registry.clone()));
            let grant = decided(name, |locked| &locked.granted);
            let deny = decided(name, |locked| &locked.denied);
            (name.clone(), Wish { range, registry, grant, deny })
        });
        Self { host: None, plugins: plugins.collect() }
    }
}

impl Wish {
    /// True where the list says what the plugin may do. That is the whole decision then: nothing that was decided
    /// elsewhere counts beside it.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.grant.is_some() || self.deny.is_some()
    }

    /// What the list says of the plugin's permissions, as if it had been said on the command line.
    #[must_use]
    pub fn choices(&self) -> Choices {
        let choices = |picked: &Option<Picked>| match picked {
            None => Vec::new(),
            Some(Picked::All) => vec![Choice { plugin: None, kind: None }],
            Some(Picked::These(kinds)) => {
                kinds.iter().map(|kind| Choice { plugin: None, kind: Some(*kind) }).collect()
            }
        };
        Choices { grant: choices(&self.grant), deny: choices(&self.deny) }
    }

    fn check(&self, name: &PluginName) -> Result<(), WishesError> {
        let permission = match (&self.grant, &self.deny) {
            (Some(Picked::All), Some(Picked::All)) => None,
            (Some(Picked::These(granted)), Some(Picked::These(denied))) => {
                match granted.intersection(denied).next() {
                    None => return Ok(()),
                    permission => permission.copied(),
                }
            }
            _ => return Ok(()),
        };
        Err(WishesError::GrantedAndDenied { name: name.clone(), permission })
    }
}

#[cfg(test)]
mod tests;
