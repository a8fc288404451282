//! Where the bytes of a registry come from: this binary, a folder, a bundle, or web servers. Promises nothing about
//! them.

use std::{path::PathBuf, sync::Arc};

use leah_plugin::{
    bundle::BundlePath, digest::Hashed, key::PublicKey, name::Origin,
    registry_layout::RegistryLayout as Paths,
};

use super::{
    MAX_ROOTS, MAX_SIGNED_BYTES, RegistryError, bundled,
    remote::{Remote, Wanted},
};
use crate::{
    bundle::Bundle,
    fs::{self, FsError},
    trust::Shown,
};

/// Where the bytes of a registry come from.
#[derive(Debug)]
pub enum Source {
    /// This binary.
    Bundled,
    /// A folder.
    Folder(PathBuf),
    /// A file that somebody brought along, with all that a lock needs of the registry of this name, and no more.
    Bundle(Arc<Bundle>, Origin),
    /// Web servers, with a cache before them.
    Remote(Remote),
}

impl Source {
    /// For a person: where the bytes come from.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Bundled => "this leahpm".into(),
            Self::Folder(path) => format!("`{}`", fs::shown(path)),
            Self::Bundle(bundle, _) => format!("the bundle `{}`", fs::shown(bundle.path())),
            Self::Remote(remote) => format!("`{}`", remote.url()),
        }
    }

    /// The root key that the registry shows to whoever meets it first. It proves nothing: a person must
    /// compare it with what the registry's people publish elsewhere.
    ///
    /// # Errors
    /// When there is none or it is malformed.
    pub fn offered_key(&self) -> Result<PublicKey, RegistryError> {
        let bytes = self.read(Paths::ROOT_KEY, MAX_SIGNED_BYTES)?;
        let bytes = bytes.ok_or_else(|| self.missing(Paths::ROOT_KEY))?;
        PublicKey::from_file_text(&String::from_utf8_lossy(&bytes))
            .map_err(|source| RegistryError::RootKey { place: self.place(), source })
    }

    /// Roots and head as a folder, a bundle or this binary has them.
    pub(super) fn shown(&self) -> Result<Shown, RegistryError> {
        let read = |serial| self.read(&Paths::root(serial), MAX_SIGNED_BYTES).transpose();
        let roots: Vec<Vec<u8>> = (1..=MAX_ROOTS).map_while(read).collect::<Result<_, _>>()?;
        if roots.is_empty() {
            return Err(match self {
                // It is a registry's file that the bundle lacks like any other.
                Self::Bundle(..) => self.missing(&Paths::root(1)),
                _ => RegistryError::NoRegistry(self.place()),
            });
        }
        let head = self.read(Paths::HEAD, MAX_SIGNED_BYTES)?;
        Ok(Shown { roots, head: head.ok_or_else(|| self.missing(Paths::HEAD))? })
    }

    /// A file that is named by its hash. Its bytes may still have another hash; then no source had better ones.
    /// `received` is told how many bytes have come over the network so far.
    pub(super) fn named(&self, wanted: &Wanted<'_>, received: &dyn Fn(u64)) -> Result<Hashed, RegistryError> {
        let found = match self {
            Self::Remote(remote) => remote.named(wanted, received)?,
            local => local.read(wanted.path, wanted.limit)?.map(Hashed::of),
        };
        found.ok_or_else(|| self.missing(wanted.path))
    }

    /// How many bytes of what is read soon are worth having on their way at a time.
    pub(super) fn bytes_ahead(&self) -> u64 {
        match self {
            Self::Remote(remote) => remote.bytes_ahead(),
            Self::Bundled | Self::Folder(_) | Self::Bundle(..) => 0,
        }
    }

    /// Tells that a file will be read soon, so that several can be on their way over the network at a time.
    pub(super) fn begin(&self, wanted: &Wanted<'_>) {
        if let Self::Remote(remote) = self {
            remote.begin(wanted);
        }
    }

    /// A file that is named by its hash, where it can be had without the network; its bytes may have another hash.
    pub(super) fn at_hand(&self, wanted: &Wanted<'_>) -> Result<Option<Hashed>, RegistryError> {
        match self {
            Self::Remote(remote) => Ok(remote.cached(wanted)),
            local => Ok(local.read(wanted.path, wanted.limit)?.map(Hashed::of)),
        }
    }

    /// The bytes of a file that no hash names; `None` when there is no such file.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
        match self {
            Self::Bundled => Ok(bundled::file(path).map(<[u8]>::to_vec)),
            Self::Folder(folder) => {
                fs::read_if_any(&folder.join(path), limit).map_err(|error| self.failed(path, limit, error))
            }
            Self::Bundle(bundle, origin) => {
                bundle.read(origin, path, limit).map_err(|error| self.failed(path, limit, error))
            }
            Self::Remote(remote) => remote.plain(path),
        }
    }

    fn failed(&self, path: &str, limit: u64, error: FsError) -> RegistryError {
        if error.is_too_large() {
            RegistryError::TooLarge { place: self.place(), path: path.to_owned(), limit }
        } else {
            error.into()
        }
    }

    fn missing(&self, path: &str) -> RegistryError {
        let path = match self {
            Self::Bundle(_, origin) => BundlePath::new(origin, path).to_string(),
            _ => path.to_owned(),
        };
        RegistryError::Missing { place: self.place(), path }
    }
}
