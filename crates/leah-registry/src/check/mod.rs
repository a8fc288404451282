//! Walks everything a registry holds and names what does not hold, and where. Changes nothing, and does
//! not stop at the first problem where it can go on.

mod version;
mod warning;

pub use self::warning::Warning;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use leah_plugin::{
    catalog::{self, Catalog, CatalogEntry, MOST_NAMES},
    key::{KeyError, MAX_KEY_FILE_BYTES, PublicKey, SecretKey},
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
    registry::{Registry, RegistryError, read_root_key},
    rotate::PREPARED,
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
    #[error("`root/{0}` has expired; renew it with `rotate` and the root key")]
    RootExpired(u64),
    /// New roots without their head, or about to be written.
    #[error(
        "a change of keys was interrupted; `rotate` again or `refresh` with the new index key finishes it"
    )]
    Interrupted,
    /// A root key that was handed over, and is still shown to people.
    #[error("`{path}` shows key {}, the root key in force is {} (`{expected}`)", found.id(), expected.id())]
    RootKeyShown {
        /// In the registry.
        path: &'static str,
        /// The root key in force.
        expected: PublicKey,
        /// As the file says.
        found: PublicKey,
    },
    /// A secret that everybody gets.
    #[error("`{}` is a secret key, and published with the registry; replace that key", fs::show(.0.as_ref()))]
    Secret(String),
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
    /// What holds, and will soon or should be seen to.
    pub warnings: Vec<Warning>,
    /// Files that nothing names: left behind by changes. Empty if the walk could not be finished.
    pub unreferenced: Vec<String>,
}

/// Checks the registry in `folder`. Without a `pinned` root key the one in the folder is taken.
///
/// # Errors
/// When the folder is no registry; everything else is in the report.
pub fn check(folder: &Path, pinned: Option<&PublicKey>, now: u64) -> Result<Report, RegistryError> {
    let interrupted = fs::is_there(&folder.join(PREPARED))?.then_some(Problem::Interrupted);
    let registry = match Registry::open(folder, pinned, now) {
        Ok(registry) => registry,
        Err(error @ RegistryError::NotARegistry(_)) => return Err(error),
        Err(error) => {
            let problems = interrupted.into_iter().chain([error.into()]).collect();
            return Ok(Report { problems, ..Report::default() });
        }
    };
    let mut walk = Walk::new(&registry);
    walk.report.problems.extend(interrupted);
    walk.check_age(now);
    walk.check_root_key();
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
        let fixed = [RegistryLayout::HEAD, RegistryLayout::ROOT_KEY, RegistryLayout::STATS, LOCK, PREPARED];
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
        self.report.warnings.extend(warning::of_age(self.registry, now));
    }

    /// A client that meets the registry first pins the key of the file, and must not pin one that somebody
    /// else may have by now.
    fn check_root_key(&mut self) {
        let (path, expected) = (RegistryLayout::ROOT_KEY, *self.registry.root_key());
        match self.take(read_root_key(self.registry.folder())) {
            Some(found) if found != expected => {
                self.report.problems.push(Problem::RootKeyShown { path, expected, found });
            }
            _ => {}
        }
    }

    fn check_plugins(&mut self) {
        let Some(names) = self.take(self.registry.names()) else { return };
        self.referenced.extend(names.nodes.iter().map(RegistryLayout::object));
        for (name, at) in &names.records {
            self.report.plugins += 1;
            self.referenced.insert(RegistryLayout::object(&at.record));
            if let Some(record) = self.take(self.registry.record(name, at)) {
                self.report.warnings.extend(warning::of_owner(&record));
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
            // Half a root that a crash left is no root, as its name says.
            if file.strip_prefix(&roots).is_some_and(|name| !name.starts_with(fs::UNFINISHED)) {
                self.report.problems.push(Problem::StrayRoot(file));
            } else if is_secret(&self.registry.folder().join(&file)) {
                self.report.problems.push(Problem::Secret(file));
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

/// A key file, protected or not. What cannot be read or is longer is none.
fn is_secret(file: &Path) -> bool {
    let bytes = fs::read(file, MAX_KEY_FILE_BYTES as u64).unwrap_or_default();
    let key = str::from_utf8(&bytes).map(|text| SecretKey::read(text, None));
    matches!(key, Ok(Ok(_) | Err(KeyError::PasswordNeeded)))
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
