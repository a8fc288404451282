//! Resolving with the records of a session: they are fetched together, as the solver asks for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use leah_plugin::{
    name::{Origin, PluginName},
    record::Record,
};

use super::{Session, SessionError};
use crate::{
    config::Address,
    registry::{Registry, RegistryError},
    requirements::{PluginId, Requirements, Update},
    resolve::{self, Candidate, Commands, Found, Index, Resolution, ResolveError, Way},
};

/// How long the solver may think. An index is hostile input, and naive shapes would take minutes.
const SOLVER_TIME: Duration = Duration::from_secs(2);

/// Most records that one run reads: many times what any set of plugins needs.
pub(super) const MOST_RECORDS: usize = 5_000;

/// Most times that records are fetched to find out what would work in place of what failed.
const MOST_ROUNDS: usize = 10;

/// Why no set of versions fits, and what would.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unsolved {
    /// Why.
    pub error: ResolveError,
    /// What would work, found by trying.
    pub ways: Vec<Way>,
    /// Names that registries have, where one was not to be found.
    known: Vec<PluginId>,
    /// What was asked for.
    pub requirements: Requirements,
}

impl Unsolved {
    /// What would help, as sentences.
    #[must_use]
    pub fn hints(&self, commands: &Commands) -> Vec<String> {
        self.error.hints(&self.requirements, &self.ways, &self.known, commands)
    }
}

impl Session {
    /// Finds the set of versions that fits, fetching records as the solver asks for them.
    ///
    /// # Errors
    /// When no set fits, or a record cannot be had.
    pub fn resolve(&self, requirements: &Requirements) -> Result<Resolution, SessionError> {
        let mut index = Index::default();
        // One budget for all rounds; what it takes to read records does not count.
        let mut left = SOLVER_TIME;
        loop {
            let start = Instant::now();
            let answer = resolve::resolve(requirements, &index, &|| start.elapsed() >= left);
            left = left.saturating_sub(start.elapsed());
            match answer {
                Err(ResolveError::Needs(ids)) => self.fill(&mut index, ids)?,
                Ok(resolution) => return Ok(resolution),
                Err(error) => return Err(self.unsolved(requirements, index, error, left)),
            }
        }
    }

    /// What an update of these plugins would bring; for a lock that cannot be restored as it is. Empty where nothing
    /// would work, or it cannot be found out.
    #[must_use]
    pub fn ways_of_update(&self, requirements: &Requirements, names: &BTreeSet<PluginName>) -> Vec<Way> {
        let updated = Requirements { update: Update::Names(names.clone()), ..requirements.clone() };
        match self.resolve(&updated) {
            Ok(resolution) => vec![Way::of_update(names.clone(), &resolution)],
            Err(SessionError::Unsolved(unsolved)) => unsolved.ways,
            Err(_) => Vec::new(),
        }
    }

    fn unsolved(
        &self,
        requirements: &Requirements,
        mut index: Index,
        error: ResolveError,
        left: Duration,
    ) -> SessionError {
        // The catalog is read for a misspelt name alone.
        let known = match &error {
            ResolveError::Unknown(_) => self.at_hand().iter().flat_map(|origin| self.ids(origin)).collect(),
            _ => Vec::new(),
        };
        let ways = self.ways(requirements, &mut index, &error, left);
        SessionError::Unsolved(Box::new(Unsolved { error, ways, known, requirements: requirements.clone() }))
    }

    /// Tries what would work. Records that this takes are fetched, but where that fails it is no reason to fail
    /// otherwise: then less is tried.
    fn ways(
        &self,
        requirements: &Requirements,
        index: &mut Index,
        error: &ResolveError,
        mut left: Duration,
    ) -> Vec<Way> {
        let mut rounds = 0;
        loop {
            let start = Instant::now();
            let Found { ways, missing } =
                resolve::ways(requirements, index, error, &|| start.elapsed() >= left);
            left = left.saturating_sub(start.elapsed());
            rounds += 1;
            if missing.is_empty()
                || rounds == MOST_ROUNDS
                || left.is_zero()
                || self.fill(index, missing).is_err()
            {
                return ways;
            }
        }
    }

    /// The registries that can be asked for a name without waiting for another server.
    fn at_hand(&self) -> Vec<Origin> {
        let is_remote = |origin: &Origin| {
            let config = self.config(origin).ok().flatten();
            config.is_some_and(|config| matches!(config.url, Address::Web(_)))
        };
        let open = self.open.borrow();
        let at_hand = self.origins().into_iter();
        at_hand.filter(|origin| open.contains_key(origin) || !is_remote(origin)).collect()
    }

    fn ids(&self, registry: &Origin) -> Vec<PluginId> {
        let id = |name| PluginId { registry: registry.clone(), name };
        self.names(registry).into_iter().map(id).collect()
    }

    /// Adds the records of `ids`, which are fetched together.
    fn fill(&self, index: &mut Index, ids: BTreeSet<PluginId>) -> Result<(), SessionError> {
        // An old state may hide a newer version, or that one was withdrawn.
        self.read(&ids, |registry| registry.check_fresh(self.now))?;
        for id in ids {
            match self.record(&id)? {
                Some(record) => index.add(id, candidates(&record)),
                None => index.add_unknown(id),
            }
        }
        Ok(())
    }

    /// Reads the records of what a lock names together. A registry that is past its time may still have them.
    ///
    /// # Errors
    /// When there are too many, or one cannot be had.
    pub fn read_records(&self, ids: &BTreeSet<PluginId>) -> Result<(), SessionError> {
        self.read(ids, |_| Ok(()))
    }

    fn read(
        &self,
        ids: &BTreeSet<PluginId>,
        check: impl Fn(&Registry) -> Result<(), RegistryError>,
    ) -> Result<(), SessionError> {
        if self.records.borrow().len() + ids.len() > MOST_RECORDS {
            return Err(SessionError::TooMany);
        }
        let mut missing: BTreeMap<&Origin, Vec<PluginName>> = BTreeMap::new();
        for id in ids {
            check(&self.opened_registry(&id.registry)?.registry)?;
            if !self.records.borrow().contains_key(id) {
                missing.entry(&id.registry).or_default().push(id.name.clone());
            }
        }
        for (registry, names) in missing {
            let opened = self.opened_registry(registry)?;
            let records = opened.registry.records(&names, opened.seen.as_deref())?;
            for (name, record) in names.into_iter().zip(records) {
                self.take(&PluginId { registry: registry.clone(), name }, record, &opened)?;
            }
        }
        Ok(())
    }
}

fn candidates(record: &Record) -> Vec<Candidate> {
    record
        .versions()
        .into_iter()
        .map(|release| Candidate {
            version: release.line.version.clone(),
            dependencies: release.line.interface.dependencies.clone(),
            api: release.line.interface.api.clone(),
            host: release.line.interface.host.clone(),
            yanked: release.yanked,
            revoked: release.revoked,
        })
        .collect()
}
