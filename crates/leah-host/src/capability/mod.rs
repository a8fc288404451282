//! What one plugin may do: what its manifest asks for, the user granted and the host's ceiling allows, with the values
//! of its settings put in. Pure; `functions` asks before each call, and what a name or a path leads to is checked there.

mod network;

use std::collections::BTreeSet;

use leah_plugin::manifest::{PermissionKind, Permissions, Scope, scope::entry_of_setting};
use serde_json::{Map, Value};

pub use leah_http::Reach;
pub use network::{Network, Place};

/// What one plugin may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// See messages and answers.
    pub read_messages: bool,
    /// Replace or reject messages.
    pub modify_messages: bool,
    /// Replace or reject answers.
    pub modify_responses: bool,
    /// Ask the model.
    pub use_model: bool,
    /// Read and write files.
    pub files: Folders,
    /// Send requests.
    pub network: Network,
    /// Settings that a scope names and whose values are no hosts or folders, so that they open nothing.
    pub refused: BTreeSet<String>,
}

/// The folders that a plugin may use, as the user wrote them: absolute, or below `~/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folders {
    /// Its own folder, which comes with `write_files`.
    pub own: bool,
    /// Folders to read.
    pub read: BTreeSet<String>,
    /// Folders to read and write.
    pub write: BTreeSet<String>,
}

impl Folders {
    /// True when there is no folder at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.own && self.read.is_empty() && self.write.is_empty()
    }
}

impl Rights {
    /// What is left of `granted` when the manifest asks for it and the ceiling (none: no ceiling) allows it. A scope
    /// `setting:<key>` becomes what that setting holds now.
    ///
    /// The ceiling is compared by what it covers: `/srv` covers `/srv/books`, `network_access` alone covers every host
    /// as far as it has public addresses. Folders are compared as they are written, so `~/a` is not below `/home/ann`.
    /// Entries `setting:<key>` mean nothing in a ceiling, which has no settings.
    #[must_use]
    pub fn effective(
        manifest: &Permissions,
        granted: &Permissions,
        ceiling: Option<&Permissions>,
        settings: &Map<String, Value>,
    ) -> Self {
        let granted = manifest.intersection(granted);
        let may = |kind| {
            granted.contains(kind) && ceiling.is_none_or(|ceiling: &Permissions| ceiling.contains(kind))
        };
        let mut filled = Filled { settings, refused: BTreeSet::new() };
        Self {
            read_messages: may(PermissionKind::ReadMessages),
            modify_messages: may(PermissionKind::ModifyMessages),
            modify_responses: may(PermissionKind::ModifyResponses),
            use_model: may(PermissionKind::UseModel),
            files: Folders {
                own: may(PermissionKind::WriteFiles),
                read: filled.folders(&granted, PermissionKind::ReadFiles, ceiling),
                write: filled.folders(&granted, PermissionKind::WriteFiles, ceiling),
            },
            network: filled.network(&granted, ceiling),
            refused: filled.refused,
        }
    }
}

/// Scopes with the values of settings put in.
struct Filled<'a> {
    settings: &'a Map<String, Value>,
    refused: BTreeSet<String>,
}

impl Filled<'_> {
    fn folders(
        &mut self,
        granted: &Permissions,
        kind: PermissionKind,
        ceiling: Option<&Permissions>,
    ) -> BTreeSet<String> {
        let (named, entered) = self.entries(granted.get(kind), |value| entry_of_setting(kind, value).ok());
        let wanted = named.into_iter().chain(entered);
        let Some(ceiling) = ceiling else { return wanted.collect() };
        // What may be written may be read too.
        let read = (kind == PermissionKind::ReadFiles).then(|| ceiling.get(kind)).flatten();
        let most: BTreeSet<&str> = read
            .into_iter()
            .chain(ceiling.get(PermissionKind::WriteFiles))
            .flat_map(Scope::entries)
            .collect();
        wanted
            .flat_map(|folder| most.iter().filter_map(|most| narrower(&folder, most)).collect::<Vec<_>>())
            .collect()
    }

    fn network(&mut self, granted: &Permissions, ceiling: Option<&Permissions>) -> Network {
        let kind = PermissionKind::NetworkAccess;
        let Some(scope) = granted.get(kind) else { return Network::None };
        let wanted = match scope {
            Scope::Bare => Network::Public,
            Scope::Only(_) => {
                let (named, entered) = self.entries(Some(scope), Place::entered);
                let named = named.iter().filter_map(|entry| Place::listed(entry));
                Network::Only(named.chain(entered).collect())
            }
        };
        match ceiling.map(|ceiling| ceiling.get(kind)) {
            None => wanted,
            Some(None) => Network::None,
            Some(Some(Scope::Bare)) => wanted.within(&Network::Public),
            // Who wrote the ceiling knows where the names in it lead.
            Some(Some(most)) => {
                wanted.within(&Network::Only(most.entries().filter_map(Place::entered).collect()))
            }
        }
    }

    /// The entries of a list: those that it names itself, and what its settings hold.
    fn entries<T>(
        &mut self,
        scope: Option<&Scope>,
        read: impl Fn(&str) -> Option<T>,
    ) -> (Vec<String>, Vec<T>) {
        let (mut named, mut entered) = (Vec::new(), Vec::new());
        for entry in scope.into_iter().flat_map(Scope::entries) {
            let Some(key) = entry.strip_prefix("setting:") else {
                named.push(entry.to_owned());
                continue;
            };
            for value in values(self.settings.get(key)) {
                match read(value) {
                    Some(place) => entered.push(place),
                    None => drop(self.refused.insert(key.to_owned())),
                }
            }
        }
        (named, entered)
    }
}

/// The texts in a setting that is a text or a list of them; an empty one is one that was not filled in.
fn values(setting: Option<&Value>) -> impl Iterator<Item = &str> {
    let items = match setting {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter().filter_map(Value::as_str).filter(|text| !text.is_empty())
}

/// The one of two folders that lies in the other.
fn narrower(one: &str, other: &str) -> Option<String> {
    let lies_in = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let inner = if lies_in(one, other) {
        one
    } else if lies_in(other, one) {
        other
    } else {
        return None;
    };
    Some(inner.to_owned())
}

#[cfg(test)]
mod tests;
