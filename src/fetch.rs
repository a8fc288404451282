//! From the lines of the index to entries in the store: as many packages at a time as there are processors are verified
//! and unpacked, each in one go by one thread, while the next ones are on their way. What is not verified never reaches
//! the store.

use std::{
    collections::BTreeMap,
    panic,
    sync::{Arc, mpsc},
    thread,
};

use leah_plugin::{digest::Hashed, layout::EntryName, name::PluginName, record::VersionLine};
use semver::Version;

use crate::{
    parallel::{self, Ahead},
    registry::{Registry, RegistryError},
    settings::Declared,
    store::{Store, StoreError, Trust},
    verify::{self, Verified, VerifyError},
};

/// A package that must come into the store.
#[derive(Debug)]
pub struct Need {
    /// The plugin.
    pub name: PluginName,
    /// What the index says of the version.
    pub line: VersionLine,
    /// Where it comes from.
    pub registry: Arc<Registry>,
}

impl Need {
    /// Its place in the store.
    #[must_use]
    pub fn entry(&self) -> EntryName {
        EntryName::new(self.name.clone(), self.line.version.clone(), &self.line.content)
    }
}

/// A step in the life of one package.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Bytes of it came over the network.
    Received {
        /// The plugin.
        name: &'a PluginName,
        /// How many so far; less than before where an attempt begins anew.
        bytes: u64,
    },
    /// Its bytes are what was signed.
    Verified {
        /// The plugin.
        name: &'a PluginName,
        /// Its version.
        version: &'a Version,
        /// Size of the archive in bytes.
        size: u64,
    },
    /// Its files are in the store.
    Stored(&'a EntryName),
}

/// Why a package did not come into the store.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It could not be read.
    #[error("cannot fetch `{name}` {version}")]
    Registry {
        /// The plugin.
        name: PluginName,
        /// Its version.
        version: Version,
        /// Why.
        source: RegistryError,
    },
    /// It was refused.
    #[error(transparent)]
    Verify(#[from] Box<VerifyError>),
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings all `needs` into the store, several at a time. Gives the settings that each plugin declares: its manifest was
/// read on the way.
///
/// # Errors
/// The first error; the packages that came before it are in the store by then, for the caller to discard.
pub fn fetch_all(
    needs: &[Need],
    store: &Store<'_>,
    trust: Trust,
    observe: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<BTreeMap<PluginName, Declared>, FetchError> {
    // Refused before the first download: nobody waits for bytes that cannot be right.
    for need in needs {
        verify::check_line(need.registry.origin(), &need.name, &need.line).map_err(Box::new)?;
    }
    let ahead = Ahead {
        bytes: needs.iter().map(|need| need.registry.bytes_ahead()).max().unwrap_or(0),
        size: &|need: &Need| need.line.size,
        begin: &|need| need.registry.begin_archive(&need.name, &need.line),
    };
    let (stored, to_sync) = mpsc::channel();
    thread::scope(|scope| {
        let synced = scope.spawn(move || store.sync_meanwhile(&to_sync));
        let fetched = parallel::try_map_ahead(needs, parallel::processors(), &ahead, |need| {
            let declared = fetch(need, store, trust, observe)?;
            // Where nobody listens any more there is an error to come.
            let _ = stored.send(need.line.size);
            Ok::<_, FetchError>((need.name.clone(), declared))
        });
        drop(stored);
        let synced = synced.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        let fetched = fetched?;
        synced?;
        Ok(fetched.into_iter().collect())
    })
}

/// The archive of a package, once it was found to be what was signed.
///
/// # Errors
/// When it cannot be read, or is refused.
pub fn archive(need: &Need, observe: &dyn Fn(Progress<'_>)) -> Result<Hashed, FetchError> {
    verify::check_line(need.registry.origin(), &need.name, &need.line).map_err(Box::new)?;
    Ok(read(need, observe)?.0)
}

fn fetch(
    need: &Need,
    store: &Store<'_>,
    trust: Trust,
    observe: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Declared, FetchError> {
    let (_, verified) = read(need, &|progress| observe(progress))?;
    let entry = store.add(&verified, trust)?;
    observe(Progress::Stored(entry.name()));
    Ok(verified.package().manifest().config.clone())
}

fn read(need: &Need, observe: &dyn Fn(Progress<'_>)) -> Result<(Hashed, Verified), FetchError> {
    let (name, version) = (&need.name, &need.line.version);
    let received = |bytes| observe(Progress::Received { name, bytes });
    let archive = need
        .registry
        .archive(name, &need.line, &received)
        .map_err(|source| FetchError::Registry { name: name.clone(), version: version.clone(), source })?;
    let verified = Verified::new(need.registry.origin(), name, &need.line, &archive).map_err(Box::new)?;
    observe(Progress::Verified { name, version, size: need.line.size });
    Ok((archive, verified))
}
