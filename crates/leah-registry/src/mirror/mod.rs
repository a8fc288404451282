//! A verified copy of a registry. Nothing is written that was not checked from the pinned root key down;
//! what only a head can name is written first, and the head last, so that a copy that was interrupted is
//! the one that it was. A copy never goes back behind what it holds.

mod copy;
mod parallel;
mod source;
mod state;

use std::{collections::BTreeSet, path::Path};

use leah_plugin::{
    digest::Digest,
    head::Head,
    key::{KeyError, MAX_KEY_FILE_BYTES, PublicKey},
    name::{Origin, PluginName},
    registry_layout::RegistryLayout,
    signature::SignatureError,
};

use self::{copy::Copy, state::State};
pub use self::{
    copy::Tally,
    source::{Place, PlaceError, Source},
};
use crate::{
    change::{LOCK, lock},
    fs::{self, Batch, FsError},
    registry::RegistryError,
};

/// Why a registry is not copied.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Something in the registry does not hold.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A web server does not give a file.
    #[error(transparent)]
    Http(#[from] leah_http::HttpError),
    /// There is no registry to copy.
    #[error("there is no registry at `{0}`: it has no `root/1`")]
    NoRegistry(String),
    /// A file that the registry must have.
    #[error("the registry lacks `{0}`")]
    Missing(String),
    /// The key that the registry shows is none.
    #[error("`root.pub` of the registry is not the file of a public key")]
    ShownKey(#[source] KeyError),
    /// An archive with other bytes than its line says.
    #[error("`{path}` is not the archive that was published: it has {size} bytes and the hash `{found}`")]
    Archive {
        /// In the registry.
        path: String,
        /// Its length in bytes.
        size: u64,
        /// Its hash.
        found: Digest,
    },
    /// An archive whose signature does not hold.
    #[error("`{path}` is refused")]
    Signature {
        /// Of the archive, in the registry.
        path: String,
        /// Why.
        source: SignatureError,
    },
    /// The folder holds something else.
    #[error("`{}` is not a copy of a registry: it holds `{}`", fs::show(folder), file.escape_debug())]
    NotACopy {
        /// The folder.
        folder: std::path::PathBuf,
        /// One of its files.
        file: String,
    },
    /// The folder holds a copy of another registry, or of one with another past.
    #[error("`{file}` in the copy is another one than in the registry")]
    OtherRoot {
        /// In the registry.
        file: String,
    },
    /// The head of the copy is signed by no index key of the registry.
    #[error("the head of the copy is not one of this registry")]
    OtherHead,
    /// An older state than the copy has.
    #[error("the registry shows state {}.{}, the copy has {}.{} already", found.0, found.1, had.0, had.1)]
    Older {
        /// Epoch and serial.
        found: (u64, u64),
        /// Epoch and serial.
        had: (u64, u64),
    },
    /// Another state under the number of the one that the copy has.
    #[error("the registry shows another state {}.{} than the copy has", .0.0, .0.1)]
    Equivocation((u64, u64)),
    /// Lines that were there are gone.
    #[error("the record of `{0}` lacks lines that the copy has; records only grow")]
    Shortened(PluginName),
}

/// What is copied and where to.
#[derive(Debug)]
pub struct Order<'a> {
    /// The registry.
    pub source: &'a Source,
    /// The copy; it need not be there yet.
    pub folder: &'a Path,
    /// The root key to begin with.
    pub key: &'a PublicKey,
    /// Remove what the new head no longer names.
    pub prune: bool,
    /// In seconds since 1970.
    pub now: u64,
}

/// What was copied.
#[derive(Debug)]
pub struct Mirrored {
    /// The registry's name.
    pub origin: Origin,
    /// The head of the copy.
    pub head: Head,
    /// What there is and what of it was fetched.
    pub tally: Tally,
    /// Files below `objects` and `packages` that the head does not name. They are gone if that was ordered.
    pub unreferenced: Vec<String>,
}

/// The root key that a copy was made with, or would have been: none where there is no copy.
///
/// # Errors
/// When there is a copy, but its root key cannot be read.
pub fn key_of_copy(folder: &Path) -> Result<Option<PublicKey>, MirrorError> {
    if !fs::is_there(&folder.join(RegistryLayout::HEAD))? {
        return Ok(None);
    }
    Ok(Some(crate::registry::read_root_key(folder)?))
}

/// The root key that a registry shows, for a person to compare.
///
/// # Errors
/// When it shows none.
pub fn shown_key(source: &Source) -> Result<PublicKey, MirrorError> {
    let path = RegistryLayout::ROOT_KEY;
    let bytes = source.read(path, MAX_KEY_FILE_BYTES as u64)?;
    let bytes = bytes.ok_or_else(|| MirrorError::NoRegistry(source.to_string()))?;
    PublicKey::from_file_text(&String::from_utf8_lossy(&bytes)).map_err(MirrorError::ShownKey)
}

/// Copies a registry, or brings a copy up to date.
///
/// # Errors
/// At the first thing that does not hold or cannot be had. The copy is then as it was, with files that
/// its head does not name.
pub fn mirror(order: &Order) -> Result<Mirrored, MirrorError> {
    let folder = order.folder;
    check_folder(folder)?;
    let new = State::read(order.source, order.key, order.now)?;
    new.check_follows(folder)?;
    fs::make_folder(folder)?;
    let _lock = lock(folder)?;
    let old = new.check_follows(folder)?;
    let batch = Batch::begin(folder)?;
    let copy = Copy::new(order.source, folder, &batch, &new);
    let (tally, referenced) = copy.everything(old.as_ref())?;
    // Until here no head names what was written.
    batch.sync()?;
    new.write(folder)?;
    let unreferenced = unreferenced(folder, &referenced)?;
    if order.prune {
        for file in &unreferenced {
            fs::remove_if_there(&folder.join(file))?;
        }
    }
    let origin = new.head.origin.clone();
    Ok(Mirrored { origin, head: new.head, tally, unreferenced })
}

/// Refuses a folder with something else in it, whose files a copy would mix with.
fn check_folder(folder: &Path) -> Result<(), MirrorError> {
    let ours = |name: &str| {
        let known = [RegistryLayout::ROOT_KEY, RegistryLayout::ROOTS, LOCK];
        let folders = [RegistryLayout::OBJECTS, RegistryLayout::PACKAGES];
        known.contains(&name) || folders.contains(&name) || name.starts_with(fs::UNFINISHED)
    };
    let names = fs::names_in(folder)?;
    if names.iter().any(|name| name == RegistryLayout::HEAD) {
        return Ok(());
    }
    match names.into_iter().find(|name| !ours(name)) {
        Some(file) => Err(MirrorError::NotACopy { folder: folder.to_owned(), file }),
        None => Ok(()),
    }
}

fn unreferenced(folder: &Path, referenced: &BTreeSet<String>) -> Result<Vec<String>, MirrorError> {
    let mut files = Vec::new();
    for part in [RegistryLayout::OBJECTS, RegistryLayout::PACKAGES] {
        if fs::is_there(&folder.join(part))? {
            let below = fs::files_below(&folder.join(part))?;
            files.extend(below.into_iter().map(|file| format!("{part}/{file}")));
        }
    }
    files.retain(|file| !referenced.contains(file));
    Ok(files)
}
