//! The registries of one run: which ones the user knows, each opened at most once, each record read at
//! most once. What a command must remember of them (`Seen`) is handed to `apply`, which writes it.

mod resolving;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use leah_http::{BaseUrl, HttpError};
use leah_plugin::{
    catalog::Catalog,
    digest::Digest,
    key::PublicKey,
    layout::Layout,
    lock::LockedRegistry,
    name::{Origin, PluginName},
    record::Record,
    yaml::{self, YamlError},
};
use semver::Version;

use self::resolving::MOST_RECORDS;
pub use self::resolving::Unsolved;
use super::{Registry, RegistryError, Source, network::Network};
use crate::{
    bundle::Bundle,
    config::{Address, ConfigError, NetworkConfig, Registries, RegistryConfig},
    fs::{self, FsError},
    plan::Chosen,
    requirements::PluginId,
    trust::{self, Demands, Seen, SeenRecord, TrustError},
};

/// The root key of the registry that is compiled in.
const BUNDLED_ROOT_KEY: &str = "RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9";

/// Largest file of what was seen of a registry, in bytes: some 10,000 pinned owners.
const MAX_SEEN_BYTES: u64 = 4 << 20;

/// Registries known to this run, opened as they are needed.
#[derive(Debug)]
pub struct Session {
    layout: Layout,
    now: u64,
    known: Registries,
    network: Network,
    accepted: Vec<PublicKey>,
    carried: Option<Arc<Bundle>>,
    open: RefCell<BTreeMap<Origin, Opened>>,
    /// What was seen of registries, with the bytes that it was read from: it is looked at anew, and seldom changed.
    seen: RefCell<BTreeMap<Origin, (Vec<u8>, Seen)>>,
    records: RefCell<HashMap<PluginId, Option<Arc<Record>>>>,
    has_new_registry: bool,
    /// Registries that are known to this run alone.
    passing: BTreeSet<Origin>,
}

/// A registry that was opened, with what was seen of it before.
#[derive(Debug, Clone)]
struct Opened {
    registry: Arc<Registry>,
    seen: Option<Arc<Seen>>,
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
    /// Its server wants a token, and none goes to an address that is known from a lock alone.
    #[error("no token was sent to `{}`, which is known from a lock alone as the address of registry `{origin}`", config.url)]
    NoToken {
        /// The registry.
        origin: Origin,
        /// What is known of it.
        config: Box<RegistryConfig>,
        /// What its server answered.
        source: Box<HttpError>,
    },
    /// The name is taken by another one.
    #[error("there is a registry `{0}` already, at another place or with another key")]
    Taken(Origin),
    /// An index that names ever more plugins would keep a command busy for ever.
    #[error("what was asked for leads to more than {MOST_RECORDS} plugins")]
    TooMany,
    /// No set of versions fits.
    #[error(transparent)]
    Unsolved(Box<Unsolved>),
}

fn names(origins: &[Origin]) -> String {
    origins.iter().map(|origin| format!("`{origin}`")).collect::<Vec<_>>().join(", ")
}

fn bundled_root_key() -> PublicKey {
    BUNDLED_ROOT_KEY.parse().expect("the compiled-in root key is a key")
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
    pub fn new(layout: Layout, now: u64, network: NetworkConfig) -> Result<Self, SessionError> {
        let known = Registries::read(&layout)?;
        Ok(Self {
            layout,
            now,
            known,
            network: Network::new(network),
            accepted: Vec::new(),
            carried: None,
            open: RefCell::default(),
            seen: RefCell::default(),
            records: RefCell::default(),
            has_new_registry: false,
            passing: BTreeSet::new(),
        })
    }

    /// Accepts these keys of publishers where a plugin has another publisher than the pinned one.
    #[must_use]
    pub fn accepting(self, accepted: Vec<PublicKey>) -> Self {
        Self { accepted, ..self }
    }

    /// Reads all registries, also the one that is compiled in, from this bundle, in place of where they are: no server is
    /// asked and nothing is taken from the cache.
    #[must_use]
    pub fn carrying(self, bundle: Arc<Bundle>) -> Self {
        Self { carried: Some(bundle), ..self }
    }

    /// The registries that the user added.
    #[must_use]
    pub fn known(&self) -> &Registries {
        &self.known
    }

    /// Forgets a registry for this run, so that it can be met again.
    pub fn forget(&mut self, origin: &Origin) {
        self.known.registries.remove(origin);
    }

    /// True when [`Session::meet`] or [`Session::adopt`] was called, so that the list must be written.
    #[must_use]
    pub fn has_new_registry(&self) -> bool {
        self.has_new_registry
    }

    /// The names of all registries, `bundled` first.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        std::iter::once(Origin::bundled()).chain(self.known.registries.keys().cloned()).collect()
    }

    /// What is known of a registry: nothing but its root key for the one that is compiled in.
    ///
    /// # Errors
    /// When no registry of that name is known.
    pub fn config(&self, origin: &Origin) -> Result<Option<&RegistryConfig>, SessionError> {
        if origin.is_bundled() {
            return Ok(None);
        }
        let unknown = || SessionError::Unknown { origin: origin.clone(), known: self.origins() };
        self.known.registries.get(origin).map(Some).ok_or_else(unknown)
    }

    /// How a registry stands in a lock.
    ///
    /// # Errors
    /// When no registry of that name is known.
    pub fn locked(&self, origin: &Origin) -> Result<LockedRegistry, SessionError> {
        Ok(match self.config(origin)? {
            Some(config) => LockedRegistry { url: config.shareable_url(), root_key: config.root_key },
            None => LockedRegistry { url: None, root_key: bundled_root_key() },
        })
    }

    /// Opens a registry and refuses it when it is older than what was seen. One that is past its time still
    /// serves an exact install; only resolving demands that it is fresh.
    ///
    /// # Errors
    /// When it is unknown, cannot be read, or is not believed.
    pub fn registry(&self, origin: &Origin) -> Result<Arc<Registry>, SessionError> {
        Ok(self.opened_registry(origin)?.registry)
    }

    fn opened_registry(&self, origin: &Origin) -> Result<Opened, SessionError> {
        if let Some(opened) = self.open.borrow().get(origin) {
            return Ok(opened.clone());
        }
        let config = self.config(origin)?;
        let source = match (&self.carried, config) {
            (Some(bundle), _) => Source::Bundle(Arc::clone(bundle), origin.clone()),
            // No token goes to an address that nobody confirmed here.
            (None, Some(config)) => {
                self.source((!config.by_lock).then_some(origin), &config.url, &config.mirrors)?
            }
            (None, None) => Source::Bundled,
        };
        let key = config.map_or_else(bundled_root_key, |config| config.root_key);
        let seen = self.seen(origin)?.map(Arc::new);
        let now = (!origin.is_bundled()).then_some(self.now);
        let demands = Demands { key: &key, origin: Some(origin), seen: seen.as_deref(), now };
        let registry =
            Registry::open(source, &demands, &self.layout).map_err(|error| match (config, error) {
                (Some(config), RegistryError::Denied { origin: None, source }) => {
                    SessionError::NoToken { origin: origin.clone(), config: Box::new(config.clone()), source }
                }
                (_, error) => error.into(),
            })?;
        let opened = Opened { registry: Arc::new(registry), seen };
        self.open.borrow_mut().insert(origin.clone(), opened.clone());
        Ok(opened)
    }

    /// Where the bytes at these addresses come from.
    ///
    /// # Errors
    /// When what is needed for the network cannot be read.
    pub fn source(
        &self,
        origin: Option<&Origin>,
        url: &Address,
        mirrors: &[BaseUrl],
    ) -> Result<Source, SessionError> {
        Ok(match url {
            Address::Folder(path) => Source::Folder(path.clone()),
            Address::Web(url) => {
                let urls = std::iter::once(url).chain(mirrors).cloned().collect();
                Source::Remote(self.network.remote(origin, urls, &self.layout)?)
            }
        })
    }

    /// Looks at a registry that is not known yet and adds it to this run. Its name is what its root states.
    ///
    /// # Errors
    /// When it cannot be read, is not believed, is past its time, or is another than `expected`.
    pub fn meet(
        &mut self,
        expected: Option<&Origin>,
        config: RegistryConfig,
    ) -> Result<Origin, SessionError> {
        let known = expected.and_then(|origin| self.known.registries.get_key_value(origin));
        if let Some((origin, _)) = known.filter(|(_, known)| known.root_key != config.root_key) {
            return Err(SessionError::Taken(origin.clone()));
        }
        // Without a name that was given it gets no token: anybody can call himself by any name.
        let open = |origin: Option<&Origin>, seen: Option<&Seen>| {
            let source = self.source(expected, &config.url, &config.mirrors)?;
            let demands = Demands { key: &config.root_key, origin, seen, now: Some(self.now) };
            Ok::<_, SessionError>(Registry::open(source, &demands, &self.layout)?)
        };
        let mut seen = expected.map_or(Ok(None), |origin| self.seen(origin))?;
        let mut registry = open(expected, seen.as_ref())?;
        let origin = registry.origin().clone();
        if origin.is_bundled() || self.known.registries.get(&origin).is_some_and(|there| *there != config) {
            return Err(SessionError::Taken(origin));
        }
        if expected.is_none() {
            seen = self.seen(&origin)?;
        }
        if expected.is_none() && seen.is_some() {
            // Now that its name is known, it is held to what the one of that name has shown before.
            registry = open(Some(&origin), seen.as_ref())?;
        }
        registry.check_fresh(self.now)?;
        self.known.registries.insert(origin.clone(), config);
        self.has_new_registry = true;
        // Used as it was met, and remembered like every other that was opened.
        let opened = Opened { registry: Arc::new(registry), seen: seen.map(Arc::new) };
        self.open.get_mut().insert(origin.clone(), opened);
        Ok(origin)
    }

    /// Takes a registry as a lock names it, once somebody has agreed to its key. It is opened when it is needed and not
    /// before, and nothing demands that it is fresh: what the lock names can be installed from one that is past its time.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn adopt(&mut self, origin: Origin, config: RegistryConfig) -> Result<(), SessionError> {
        if origin.is_bundled() || self.known.registries.contains_key(&origin) {
            return Err(SessionError::Taken(origin));
        }
        self.known.registries.insert(origin, config);
        self.has_new_registry = true;
        Ok(())
    }

    /// The same of a registry that a bundle carries and of which nobody says where it is: known to this run alone. What is
    /// seen of it is remembered as of any other.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn adopt_for_this_run(
        &mut self,
        origin: Origin,
        bundle: &Bundle,
        root_key: PublicKey,
    ) -> Result<(), SessionError> {
        let url = Address::Folder(bundle.path().to_owned());
        let was_new = self.has_new_registry;
        let config = RegistryConfig { url, mirrors: Vec::new(), root_key, by_lock: true };
        self.adopt(origin.clone(), config)?;
        self.has_new_registry = was_new;
        self.passing.insert(origin);
        Ok(())
    }

    /// The registries that are to be known to later runs.
    pub fn lasting(&self) -> impl Iterator<Item = (&Origin, &RegistryConfig)> {
        self.known.registries.iter().filter(|(origin, _)| !self.passing.contains(*origin))
    }

    /// Closes the registries of which another run has seen a newer state since, so that they are looked at once more.
    /// False when there are none.
    ///
    /// # Errors
    /// When what was seen cannot be read.
    pub fn close_outdated(&self) -> Result<bool, SessionError> {
        let mut is_any = false;
        for registry in self.opened() {
            let origin = registry.origin();
            if self.seen(origin)?.is_some_and(|seen| seen.order() > registry.head().order()) {
                self.open.borrow_mut().remove(origin);
                self.records.borrow_mut().retain(|id, _| id.registry != *origin);
                is_any = true;
            }
        }
        Ok(is_any)
    }

    /// The registries that were opened in this run.
    #[must_use]
    pub fn opened(&self) -> Vec<Arc<Registry>> {
        self.open.borrow().values().map(|opened| Arc::clone(&opened.registry)).collect()
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
        let Some(bytes) = fs::read_if_any(&path, MAX_SEEN_BYTES)? else { return Ok(None) };
        if let Some((_, seen)) = self.seen.borrow().get(origin).filter(|(read, _)| *read == bytes) {
            return Ok(Some(seen.clone()));
        }
        let seen: Seen = yaml::from_slice(&bytes).map_err(|source| SessionError::Seen { path, source })?;
        self.seen.borrow_mut().insert(origin.clone(), (bytes, seen.clone()));
        Ok(Some(seen))
    }

    /// The records of a registry that were read in this run, each with what was pinned of it when the run began.
    #[must_use]
    pub fn records_of(&self, origin: &Origin) -> Vec<(Arc<Record>, Option<SeenRecord>)> {
        let (records, open) = (self.records.borrow(), self.open.borrow());
        let seen = open.get(origin).and_then(|opened| opened.seen.as_deref());
        let pinned = |record: &Record| seen.and_then(|seen| seen.records.get(record.name()).cloned());
        let here = records.iter().filter(|(id, _)| id.registry == *origin);
        here.filter_map(|(_, record)| record.clone())
            .map(|record| (Arc::clone(&record), pinned(&record)))
            .collect()
    }

    /// The owner line that was pinned for a plugin, once its registry was opened.
    #[must_use]
    pub fn pinned(&self, id: &PluginId) -> Option<Digest> {
        let open = self.open.borrow();
        open.get(&id.registry)?.seen.as_ref()?.owners.get(&id.name).copied()
    }

    /// The record of a plugin, or `None` when its registry has none.
    ///
    /// # Errors
    /// When it cannot be had, is malformed, or its publisher is not the pinned one.
    pub fn record(&self, id: &PluginId) -> Result<Option<Arc<Record>>, SessionError> {
        if let Some(record) = self.records.borrow().get(id) {
            return Ok(record.clone());
        }
        let opened = self.opened_registry(&id.registry)?;
        let records = opened.registry.records(std::slice::from_ref(&id.name), opened.seen.as_deref())?;
        self.take(id, records.into_iter().next().flatten(), &opened)
    }

    /// Keeps a record for this run, after a look at its owner.
    fn take(
        &self,
        id: &PluginId,
        record: Option<Record>,
        opened: &Opened,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        if let Some(record) = &record {
            let epoch = opened.registry.head().epoch;
            trust::check_record((&id.registry, epoch), record, opened.seen.as_deref(), &self.accepted)?;
        }
        let record = record.map(Arc::new);
        self.records.borrow_mut().insert(id.clone(), record.clone());
        Ok(record)
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

    /// Names of a registry for suggestions; empty when it has no catalog that can be read.
    #[must_use]
    pub fn names(&self, origin: &Origin) -> Vec<PluginName> {
        let entries = self.registry(origin).ok().and_then(|registry| registry.catalog().ok());
        entries.into_iter().flat_map(Catalog::into_keys).collect()
    }
}
