//! How two locks differ beside their plugins: in the registries that they name, and in the versions of plugin API and
//! host that they were resolved for.

use std::{collections::BTreeSet, fmt};

use leah_plugin::{
    lock::{Lock, LockedRegistry, ResolvedFor},
    name::Origin,
};

/// What differs beside the plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The registries that differ, sorted by name.
    pub registries: Vec<RegistryChange>,
    /// What the sets were resolved for, where that differs; nothing before where there was no set.
    pub resolved_for: Option<(Option<ResolvedFor>, ResolvedFor)>,
}

/// A registry that comes, goes, or is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryChange {
    /// Its name.
    pub origin: Origin,
    /// How it stood in the first lock.
    pub before: Option<LockedRegistry>,
    /// How it stands in the second.
    pub after: Option<LockedRegistry>,
}

impl Around {
    /// What differs between two locks.
    #[must_use]
    pub fn between(before: Option<&Lock>, after: &Lock) -> Self {
        let mut origins: BTreeSet<&Origin> = after.registries.keys().collect();
        origins.extend(before.iter().flat_map(|lock| lock.registries.keys()));
        let change = |origin: &Origin| RegistryChange {
            origin: origin.clone(),
            before: before.and_then(|lock| lock.registries.get(origin).cloned()),
            after: after.registries.get(origin).cloned(),
        };
        let registries = origins.into_iter().map(change).filter(|it| it.before != it.after).collect();
        let resolved = before.map(|lock| lock.resolved_for.clone());
        let differs = resolved.as_ref() != Some(&after.resolved_for);
        Self { registries, resolved_for: differs.then(|| (resolved, after.resolved_for.clone())) }
    }

    /// One line for each difference.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let registries = self.registries.iter().map(ToString::to_string);
        registries.chain(self.resolved_for.iter().flat_map(resolved)).collect()
    }
}

impl fmt::Display for RegistryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, before, after } = self;
        match (before, after) {
            (None, Some(LockedRegistry { url, root_key })) => {
                let place = url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
                write!(f, "+ registry {origin}{place}, root key {root_key}")
            }
            (Some(before), Some(after)) => {
                write!(f, "~ registry {origin}")?;
                let place = |it: &LockedRegistry| it.url.clone().unwrap_or_else(|| "no URL".into());
                let mut mark = ":";
                if before.url != after.url {
                    write!(f, "{mark} {} -> {}", place(before), place(after))?;
                    mark = ",";
                }
                if before.root_key != after.root_key {
                    write!(f, "{mark} root key {} -> {}", before.root_key, after.root_key)?;
                }
                Ok(())
            }
            (_, None) => write!(f, "- registry {origin}"),
        }
    }
}

/// A set that begins is not resolved for something else than before.
fn resolved((before, after): &(Option<ResolvedFor>, ResolvedFor)) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let pairs = [("plugin API", &before.api, &after.api), ("leah-host", &before.host, &after.host)];
    let differing = pairs.into_iter().filter(|(_, before, after)| before != after);
    differing.map(|(what, before, after)| format!("~ resolved for {what} {before} -> {after}")).collect()
}
