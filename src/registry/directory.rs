//! From names to records, down the directory: all names at once, so that the nodes of a level, and then the records, are
//! on their way together.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    digest::Digest,
    name::PluginName,
    record::Record,
    registry_layout::RegistryLayout as Paths,
    tree::{self, RecordRef, Step, TreeError},
};

use super::{MAX_NODE_BYTES, MAX_RECORD_BYTES, Registry, RegistryError};
use crate::{
    parallel::{self, Ahead},
    trust::Seen,
};

/// What a node of the directory is taken to need in memory before it is there; hardly any has a tenth of it.
const USUAL_NODE_BYTES: u64 = 256 << 10;

/// A node that was read.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Inner(Vec<u8>),
    Leaf(BTreeMap<PluginName, RecordRef>),
}

impl Registry {
    /// The record of a plugin, or `None` when the registry has no plugin of that name.
    ///
    /// # Errors
    /// As [`Registry::records`].
    pub fn record(&self, name: &PluginName) -> Result<Option<Record>, RegistryError> {
        Ok(self.records(std::slice::from_ref(name), None)?.pop().flatten())
    }

    /// The records of several plugins, in their order; `None` for each of which the registry has no plugin. What was seen
    /// of a record before is not proven again.
    ///
    /// # Errors
    /// When an object on the way to one of them is missing, changed or malformed.
    pub fn records(
        &self,
        names: &[PluginName],
        seen: Option<&Seen>,
    ) -> Result<Vec<Option<Record>>, RegistryError> {
        let found = self.find(names)?;
        let found: Vec<_> = names.iter().zip(found).collect();
        let limit = |at: &RecordRef| at.size.min(MAX_RECORD_BYTES);
        let ahead = Ahead {
            bytes: self.bytes_ahead(),
            size: &|(_, at): &(_, Option<RecordRef>)| at.as_ref().map_or(0, limit),
            begin: &|(_, at)| at.iter().for_each(|at| self.begin(&at.record, limit(at))),
        };
        parallel::try_map_ahead(&found, parallel::processors(), &ahead, |(name, at)| {
            let Some(at) = at else { return Ok(None) };
            let bytes = self.object(&at.record, limit(at))?;
            let known = seen.and_then(|seen| seen.records.get(*name)).filter(|seen| seen.begins(&bytes));
            let known = known.map_or(0, |known| known.size as usize);
            let record = Record::read_on(&bytes, known, self.origin(), name, self.believed.roots.root_key());
            record.map(Some).map_err(|source| RegistryError::Record {
                origin: self.origin().clone(),
                name: (*name).clone(),
                source,
            })
        })
    }

    /// The objects that lead from the head to the record of a plugin, and the record, by their paths; none when the
    /// registry has no plugin of that name.
    ///
    /// # Errors
    /// When one of them is missing, changed or malformed.
    pub fn proof(&self, name: &PluginName) -> Result<Option<BTreeMap<String, Vec<u8>>>, RegistryError> {
        let (mut objects, mut at) = (BTreeMap::new(), self.head().tree);
        for level in 0..=self.head().depth {
            let node = self.object(&at, MAX_NODE_BYTES)?;
            let step = tree::step(self.head().depth, level, &node, name).map_err(|e| self.invalid(e))?;
            objects.insert(Paths::object(&at), node);
            match step {
                Step::Descend(child) => at = child,
                Step::Absent => return Ok(None),
                Step::Found(found) => {
                    let record = self.object(&found.record, found.size.min(MAX_RECORD_BYTES))?;
                    objects.insert(Paths::object(&found.record), record);
                }
            }
        }
        Ok(Some(objects))
    }

    /// Where the records of these plugins are.
    fn find(&self, names: &[PluginName]) -> Result<Vec<Option<RecordRef>>, RegistryError> {
        let mut at = vec![Some(self.head().tree); names.len()];
        for level in 0..self.head().depth {
            let nodes = self.nodes(at.iter().flatten(), level)?;
            for (name, at) in names.iter().zip(&mut at) {
                let Some(Node::Inner(node)) = at.as_ref().and_then(|digest| nodes.get(digest)) else {
                    continue;
                };
                *at = tree::interior_child(node, name, level).map_err(|e| self.invalid(e))?;
            }
        }
        let nodes = self.nodes(at.iter().flatten(), self.head().depth)?;
        let found = |(name, at): (_, &Option<Digest>)| match at.as_ref().and_then(|digest| nodes.get(digest))
        {
            Some(Node::Leaf(leaf)) => leaf.get(name).copied(),
            _ => None,
        };
        Ok(names.iter().zip(&at).map(found).collect())
    }

    /// Nodes of one level, each read once. The top one, with which every search begins, is kept.
    fn nodes<'a>(
        &self,
        digests: impl Iterator<Item = &'a Digest>,
        level: u8,
    ) -> Result<BTreeMap<Digest, Node>, RegistryError> {
        if level == 0 {
            let top = match self.top.get() {
                Some(top) => top,
                None => {
                    let top = self.node(&self.head().tree, level)?;
                    self.top.get_or_init(|| top)
                }
            };
            return Ok(BTreeMap::from([(self.head().tree, top.clone())]));
        }
        let digests: Vec<&Digest> = digests.collect::<BTreeSet<_>>().into_iter().collect();
        let ahead = Ahead {
            bytes: self.bytes_ahead(),
            size: &|_: &&Digest| USUAL_NODE_BYTES,
            begin: &|digest| self.begin(digest, MAX_NODE_BYTES),
        };
        // Reading them keeps no processor busy.
        let nodes = parallel::try_map_ahead(&digests, 1, &ahead, |digest| self.node(digest, level))?;
        Ok(digests.into_iter().copied().zip(nodes).collect())
    }

    fn node(&self, digest: &Digest, level: u8) -> Result<Node, RegistryError> {
        let bytes = self.object(digest, MAX_NODE_BYTES)?;
        if level < self.head().depth {
            return Ok(Node::Inner(bytes));
        }
        let entries = tree::leaf_entries(&bytes).map_err(|e| self.invalid(e))?;
        Ok(Node::Leaf(entries.into_iter().collect()))
    }

    fn invalid(&self, source: TreeError) -> RegistryError {
        RegistryError::Tree { origin: self.origin().clone(), source }
    }
}
