//! What the plugins of a lock need of each other. All walks along dependencies are here.

use std::collections::BTreeSet;

use super::{Lock, Locked};
use crate::name::PluginName;

impl Lock {
    /// These plugins, and all that they need, through others too.
    pub fn with_dependencies<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a PluginName>,
    ) -> BTreeSet<&'a PluginName> {
        let (mut found, mut open) = (BTreeSet::new(), Vec::from_iter(names));
        while let Some(name) = open.pop() {
            if found.insert(name) {
                open.extend(self.plugins.get(name).into_iter().flat_map(|locked| locked.dependencies.keys()));
            }
        }
        found
    }

    /// The plugins of which `which` is true that need this one, directly or through each other.
    pub fn dependents(&self, name: &PluginName, which: impl Fn(&Locked) -> bool) -> BTreeSet<&PluginName> {
        let (mut found, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(needed) = open.pop() {
            for (name, _) in self.direct_dependents(needed).filter(|(_, locked)| which(locked)) {
                if found.insert(name) {
                    open.push(name);
                }
            }
        }
        found
    }

    /// The plugins that need this one and not only through others.
    pub fn direct_dependents(&self, name: &PluginName) -> impl Iterator<Item = (&PluginName, &Locked)> {
        self.plugins.iter().filter(move |(_, locked)| locked.dependencies.contains_key(name))
    }
}
