//! Walks everything a registry holds and names what does not hold, and where. Changes nothing, and does
//! not stop at the first problem where it can go on.

mod version;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use leah_plugin::{
    catalog::{self, Catalog, CatalogEntry, MOST_NAMES},
    key::PublicKey,
    name::{Origin, PluginName},
    package::PackageError,
    record::Record,
    registry_layout::RegistryLayout,
    signature::SignatureError,
};

use crate::{
    change::LOCK,
    fs::{self, FsError},
    publish::{catalog_entry, newest},
    registry::{Registry, RegistryError},
};

/// Something in a registry that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Roots, head, directory, records or catalog.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An archive or a signature that cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// An archive that is not the one that was published.
    #[error("`{path}` is not the archive that was published: its hash differs from its line in the record")]
    Archive {
        /// In the registry.
        path: String,
    },
    /// A signature file that is not the one that was published.
    #[error("`{path}` differs from the signature in the record")]
    SignatureFile {
        /// In the registry.
        path: String,
    },
    /// A signature that does not hold.
    #[error("`{path}` is refused")]
    Signature {
        /// Of the archive, in the registry.
        path: String,
        /// Why.
        source: SignatureError,
    },
    /// An archive that is no package.
    #[error("`{path}` is not a valid package")]
    Package {
        /// In the registry.
        path: String,
        /// Why.
        source: PackageError,
    },
    /// A package whose manifest or content is not what its line says.
    #[error("`{path}` differs from its line in the record in `{field}`")]
    Line {
        /// Of the archive, in the registry.
        path: String,
        /// In what.
        field: &'static str,
    },
    /// A file among the roots that is not part of their chain.
    #[error("`{0}` is not part of the chain of roots")]
    StrayRoot(String),
    /// A catalog that shows something else than the newest version.
    #[error("the catalog is wrong about `{0}`: it does not show its newest version")]
    Catalog(PluginName),
    /// A head that no client takes for new resolutions any more.
    #[error("`head` has expired; sign a new one with `refresh`")]
    HeadExpired,
    /// A root that no client takes any more.
    #[error("`root/{0}` has expired; it must be renewed with the root key")]
    RootExpired(u64),
}

impl Problem {
    /// True when nothing was tampered with and time has merely passed.
    #[must_use]
    pub fn is_age(&self) -> bool {
        matches!(self, Self::HeadExpired | Self::RootExpired(_))
    }
}

/// What a walk over a registry has found.
#[derive(Debug, Default)]
pub struct Report {
    /// The registry's name, if its head holds.
    pub origin: Option<Origin>,
    /// The head's serial; 0 if it does not hold.
    pub serial: u64,
    /// Number of plugins.
    pub plugins: usize,
    /// Number of versions.
    pub versions: usize,
    /// What does not hold.
    pub problems: Vec<Problem>,
    /// Files that nothing names: left behind by changes. Empty if the walk could not be finished.
    pub unreferenced: Vec<String>,
}

/// Checks the registry in `folder`. Without a `pinned` root key the one in the folder is taken.
///
/// # Errors
/// When the folder is no registry; everything else is in the report.
pub fn check(folder: &Path, pinned: Option<&PublicKey>, now: u64) -> Result<Report, RegistryError> {
    let registry = match Registry::open(folder, pinned, now) {
        Ok(registry) => registry,
        Err(error @ RegistryError::NotARegistry(_)) => return Err(error),
        Err(error) => return Ok(Report { problems: vec![error.into()], ..Report::default() }),
    };
    let mut walk = Walk::new(&registry);
    walk.check_age(now);
    walk.check_plugins();
    walk.check_catalog();
    walk.check_files();
    Ok(walk.report)
}

struct Walk<'a> {
    registry: &'a Registry,
    report: Report,
    referenced: BTreeSet<String>,
    newest: Catalog,
    complete: bool,
}

impl<'a> Walk<'a> {
    fn new(registry: &'a Registry) -> Self {
        let head = registry.head();
        let report = Report { origin: Some(head.origin.clone()), serial: head.serial, ..Report::default() };
        let fixed = [RegistryLayout::HEAD, RegistryLayout::ROOT_KEY, RegistryLayout::STATS, LOCK];
        let mut referenced: BTreeSet<String> = fixed.map(Into::into).into();
        referenced.extend((1..=registry.root().serial).map(RegistryLayout::root));
        Self { registry, report, referenced, newest: BTreeMap::new(), complete: true }
    }

    fn check_age(&mut self, now: u64) {
        let root = self.registry.root();
        if root.is_expired(now) {
            self.report.problems.push(Problem::RootExpired(root.serial));
        }
        if self.registry.head().is_expired(now) {
            self.report.problems.push(Problem::HeadExpired);
        }
    }

    fn check_plugins(&mut self) {
        let Some(names) = self.take(self.registry.names()) else { return };
        self.referenced.extend(names.nodes.iter().map(RegistryLayout::object));
        for (name, at) in &names.records {
            self.report.plugins += 1;
            self.referenced.insert(RegistryLayout::object(&at.record));
            if let Some(record) = self.take(self.registry.record(name, at)) {
                self.check_versions(&record);
            }
        }
    }

    fn check_versions(&mut self, record: &Record) {
        let shown = newest(record).map(|release| release.line.version.clone());
        for release in record.versions() {
            let (name, version) = (record.name(), &release.line.version);
            self.report.versions += 1;
            self.referenced.insert(RegistryLayout::archive(name, version));
            self.referenced.insert(RegistryLayout::signature(name, version));
            match version::check(self.registry.folder(), name, release.line) {
                Ok(manifest) if shown.as_ref() == Some(version) => {
                    self.newest.insert(name.clone(), catalog_entry(&manifest));
                }
                Ok(_) => {}
                Err(problem) => self.fail(problem),
            }
        }
    }

    fn check_catalog(&mut self) {
        let Some(segments) = self.take(self.registry.segments()) else { return };
        self.referenced.insert(RegistryLayout::object(&self.registry.head().catalog));
        let mut read = Vec::new();
        for at in &segments {
            self.referenced.insert(RegistryLayout::object(&at.segment));
            let Some(segment) = self.take(self.registry.segment(at)) else { return };
            read.push(segment);
        }
        // With an unreadable record or archive there is nothing to compare with.
        if self.complete {
            let nothing = Catalog::new();
            let expect = if self.report.plugins > MOST_NAMES { &nothing } else { &self.newest };
            let wrong = differences(&catalog::merge(read), expect);
            self.report.problems.extend(wrong.into_iter().map(Problem::Catalog));
        }
    }

    fn check_files(&mut self) {
        let files = match fs::files_below(self.registry.folder()) {
            Ok(files) => files,
            Err(error) => return self.fail(error.into()),
        };
        let roots = format!("{}/", RegistryLayout::ROOTS);
        for file in files.into_iter().filter(|file| !self.referenced.contains(file)) {
            if file.starts_with(&roots) {
                self.report.problems.push(Problem::StrayRoot(file));
            } else if self.complete {
                self.report.unreferenced.push(file);
            }
        }
    }

    fn take<T>(&mut self, result: Result<T, RegistryError>) -> Option<T> {
        result.map_err(|error| self.fail(error.into())).ok()
    }

    fn fail(&mut self, problem: Problem) {
        self.complete = false;
        self.report.problems.push(problem);
    }
}

fn differences(catalog: &Catalog, newest: &Catalog) -> BTreeSet<PluginName> {
    let pairs = |one: &Catalog, other: &Catalog| {
        let differs = |(name, entry): (&PluginName, &CatalogEntry)| {
            (other.get(name) != Some(entry)).then(|| name.clone())
        };
        one.iter().filter_map(differs).collect::<Vec<_>>()
    };
    pairs(catalog, newest).into_iter().chain(pairs(newest, catalog)).collect()
}
