//! The registries of one run: which ones the user knows, each opened at most once, each record read at
//! most once. What a command must remember of them (`Seen`) is handed to `apply`, which writes it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use leah_plugin::{
    catalog::Catalog,
    key::PublicKey,
    layout::Layout,
    name::{Origin, PluginName},
    record::{Record, VersionLine},
    yaml::{self, YamlError},
};

use semver::Version;

use super::{Registry, RegistryError, Source};
use crate::{
    config::{ConfigError, Registries, RegistryConfig},
    fs::{self, FsError},
    plan::Chosen,
    requirements::{PluginId, Requirements},
    resolve::{self, Candidate, Index, Resolution, ResolveError},
    trust::{self, Seen, TrustError},
};

/// The root key of the registry that is compiled in.
const BUNDLED_ROOT_KEY: &str = "RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9";

/// Largest file of what was seen of a registry, in bytes: some 10,000 pinned owners.
const MAX_SEEN_BYTES: u64 = 4 << 20;

/// How long the solver may think. An index is hostile input, and naive shapes would take minutes.
const SOLVER_TIME: Duration = Duration::from_secs(2);

/// Registries known to this run, opened as they are needed.
#[derive(Debug)]
pub struct Session {
    layout: Layout,
    now: u64,
    known: Registries,
    open: RefCell<BTreeMap<Origin, Arc<Registry>>>,
    records: RefCell<HashMap<PluginId, Option<Arc<Record>>>>,
    has_new_registry: bool,
}

/// Why a registry's word could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No registry of that name was added.
    #[error("there is no registry `{origin}`, only {}", names(.known))]
    Unknown {
        /// The name.
        origin: Origin,
        /// The ones there are.
        known: Vec<Origin>,
    },
    /// The list of registries cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A registry cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What was seen of a registry earlier cannot be read.
    #[error("cannot read `{}`", crate::fs::shown(path))]
    Seen {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: YamlError,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// No set of versions fits.
    #[error("{error}")]
    Unsolved {
        /// Why.
        error: ResolveError,
        /// Commands that would help.
        hints: Vec<String>,
    },
}

fn names(origins: &[Origin]) -> String {
    origins.iter().map(|origin| format!("`{origin}`")).collect::<Vec<_>>().join(", ")
}

impl From<TrustError> for SessionError {
    fn from(error: TrustError) -> Self {
        Self::Registry(error.into())
    }
}

impl Session {
    /// A session over the registries of a home, at the time `now` in seconds since 1970. Opens nothing yet.
    ///
    /// # Errors
    /// When the list of registries cannot be read.
    pub fn new(layout: Layout, now: u64) -> Result<Self, SessionError> {
        let known = Registries::read(&layout)?;
        Ok(Self {
            layout,
            now,
            known,
            open: RefCell::default(),
            records: RefCell::default(),
            has_new_registry: false,
        })
    }

    /// The registries that the user added.
    #[must_use]
    pub fn known(&self) -> &Registries {
        &self.known
    }

    /// Adds a registry to this run.
    pub fn add(&mut self, origin: Origin, config: RegistryConfig) {
        self.known.registries.insert(origin, config);
        self.has_new_registry = true;
    }

    /// True when [`Session::add`] was called, so that the list must be written.
    #[must_use]
    pub fn has_new_registry(&self) -> bool {
        self.has_new_registry
    }

    /// The names of all registries, `bundled` first.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        std::iter::once(Origin::bundled()).chain(self.known.registries.keys().cloned()).collect()
    }

    /// Where a registry's bytes come from and which root key is pinned for it.
    ///
    /// # Errors
    /// When no registry of that name is known.
    pub fn locate(&self, origin: &Origin) -> Result<(Source, PublicKey), SessionError> {
        if origin.is_bundled() {
            let key = BUNDLED_ROOT_KEY.parse().expect("the compiled-in root key is a key");
            return Ok((Source::Bundled, key));
        }
        let config = self
            .known
            .registries
            .get(origin)
            .ok_or_else(|| SessionError::Unknown { origin: origin.clone(), known: self.origins() })?;
        Ok((Source::Folder(PathBuf::from(&config.url)), config.root_key))
    }

    /// Opens a registry and refuses it when it is older than what was seen. One that is past its time still
    /// serves an exact install; only resolving demands that it is fresh.
    ///
    /// # Errors
    /// When it is unknown, cannot be read, or is not believed.
    pub fn registry(&self, origin: &Origin) -> Result<Arc<Registry>, SessionError> {
        if let Some(registry) = self.open.borrow().get(origin) {
            return Ok(Arc::clone(registry));
        }
        let (source, key) = self.locate(origin)?;
        let registry = Arc::new(Registry::open(source, &key)?);
        if registry.origin() != origin {
            let found = registry.origin().clone();
            return Err(TrustError::Origin { expected: origin.clone(), found }.into());
        }
        registry.check_not_older(self.seen(origin)?.as_ref())?;
        self.open.borrow_mut().insert(origin.clone(), Arc::clone(&registry));
        Ok(registry)
    }

    /// The registries that were opened in this run.
    #[must_use]
    pub fn opened(&self) -> Vec<Arc<Registry>> {
        self.open.borrow().values().cloned().collect()
    }

    /// What was seen of a registry in earlier runs. Nothing is kept of `bundled`: binaries of different
    /// age share a home, and each vouches for itself.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed.
    pub fn seen(&self, origin: &Origin) -> Result<Option<Seen>, SessionError> {
        if origin.is_bundled() {
            return Ok(None);
        }
        let path = self.layout.registry_state(origin);
        match fs::read_if_any(&path, MAX_SEEN_BYTES)? {
            None => Ok(None),
            Some(bytes) => {
                yaml::from_slice(&bytes).map(Some).map_err(|source| SessionError::Seen { path, source })
            }
        }
    }

    /// The record of a plugin, or `None` when its registry has none.
    ///
    /// # Errors
    /// When it cannot be had, is malformed, or its publisher is not the pinned one.
    pub fn record(&self, id: &PluginId) -> Result<Option<Arc<Record>>, SessionError> {
        if let Some(record) = self.records.borrow().get(id) {
            return Ok(record.clone());
        }
        let record = self.registry(&id.registry)?.record(&id.name)?.map(Arc::new);
        if let Some(record) = &record {
            trust::check_owner(&id.registry, &id.name, record, self.seen(&id.registry)?.as_ref())?;
        }
        self.records.borrow_mut().insert(id.clone(), record.clone());
        Ok(record)
    }

    /// The line of one version in the index, or `None` when its record does not have it.
    ///
    /// # Errors
    /// When the record cannot be had.
    pub fn line(&self, id: &PluginId, version: &Version) -> Result<Option<VersionLine>, SessionError> {
        let record = self.record(id)?;
        Ok(record.and_then(|record| record.version(version).map(|release| release.line.clone())))
    }

    /// A version that the resolver chose from the records of this session, with what the index says of it.
    ///
    /// # Errors
    /// When the record cannot be had.
    ///
    /// # Panics
    /// When the version is not from these records.
    pub fn chosen(&self, id: &PluginId, version: &Version) -> Result<Chosen, SessionError> {
        let record = self.record(id)?.expect("the resolver chooses from records of this session");
        let release = record.version(version).expect("the resolver chooses versions that a record has");
        Ok(Chosen { registry: id.registry.clone(), line: release.line.clone(), owner: record.owner().digest })
    }

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
                Err(error) => return Err(self.unsolved(requirements, &index, error)),
            }
        }
    }

    fn unsolved(&self, requirements: &Requirements, index: &Index, error: ResolveError) -> SessionError {
        // The catalog is read for a misspelt name alone.
        let known = match &error {
            ResolveError::Unknown(_) => self.origins().iter().flat_map(|origin| self.ids(origin)).collect(),
            _ => Vec::new(),
        };
        let mut hints = error.hints(&requirements.bare, &known);
        if hints.is_empty() {
            hints = resolve::in_the_way(requirements, index)
                .map(|name| format!("`leahpm uninstall {name}` would make room"))
                .into_iter()
                .collect();
        }
        SessionError::Unsolved { error, hints }
    }

    fn ids(&self, registry: &Origin) -> Vec<PluginId> {
        let id = |name| PluginId { registry: registry.clone(), name };
        self.names(registry).into_iter().map(id).collect()
    }

    fn fill(&self, index: &mut Index, ids: BTreeSet<PluginId>) -> Result<(), SessionError> {
        for id in ids {
            // An old state may hide a newer version, or that one was withdrawn.
            self.registry(&id.registry)?.check_fresh(self.now)?;
            match self.record(&id)? {
                Some(record) => index.add(id, candidates(&record)),
                None => index.add_unknown(id),
            }
        }
        Ok(())
    }

    /// Names of a registry for suggestions; empty when it has no catalog that can be read.
    #[must_use]
    pub fn names(&self, origin: &Origin) -> Vec<PluginName> {
        let entries = self.registry(origin).ok().and_then(|registry| registry.catalog().ok());
        entries.into_iter().flat_map(Catalog::into_keys).collect()
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
