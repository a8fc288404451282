//! Where a registry is copied from. It gives bytes by path, at most as many as are asked for, and promises
//! nothing about them.

use std::{fmt, path::PathBuf, str::FromStr};

use leah_http::{Answer, BaseUrl, BaseUrlError, Caches, Client, Encoding, Request, Retries, Settings, Token};
use leah_plugin::registry_layout::RegistryLayout;

use super::MirrorError;
use crate::fs;

/// A registry by the words of a user: a folder, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A web server.
    Web(BaseUrl),
}

/// The text is no place of a registry.
#[derive(Debug, thiserror::Error)]
#[error("neither a folder nor the URL of a registry")]
pub struct PlaceError(#[from] BaseUrlError);

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text.contains("://") { Ok(Self::Web(text.parse()?)) } else { Ok(Self::Folder(text.into())) }
    }
}

/// What files are read from.
#[derive(Debug)]
pub enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A web server, and who asks it.
    Web {
        /// Where the registry is.
        base: BaseUrl,
        /// Who asks there.
        token: Option<Token>,
        /// Keeps the connections.
        client: Box<Client>,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => f.write_str(&fs::show(folder)),
            Self::Web { base, .. } => f.write_str(base.as_str()),
        }
    }
}

impl Source {
    /// What is at a place. The token is for a private registry on the web.
    #[must_use]
    pub fn new(place: Place, token: Option<Token>) -> Self {
        match place {
            Place::Folder(folder) => Self::Folder(folder),
            Place::Web(base) => Self::Web { base, token, client: Box::new(Client::new(Settings::default())) },
        }
    }

    /// The bytes of a file that may change, past all caches; none where there is no such file.
    pub(super) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        self.get(path, limit, Caches::Bypass)
    }

    /// The bytes of a file that never changes, if `holds` says so: what a cache has spoilt is asked for
    /// once more past it.
    pub(super) fn require(
        &self,
        path: &str,
        limit: u64,
        holds: impl Fn(&[u8]) -> Result<(), MirrorError>,
    ) -> Result<Vec<u8>, MirrorError> {
        let get = |caches| {
            let bytes = self.get(path, limit, caches)?;
            let bytes = bytes.ok_or_else(|| MirrorError::Missing(path.to_owned()))?;
            holds(&bytes).map(|()| bytes)
        };
        match (get(Caches::Use), self) {
            (Err(error), Self::Web { .. }) if !matches!(error, MirrorError::Http(_)) => get(Caches::Bypass),
            (result, _) => result,
        }
    }

    fn get(&self, path: &str, limit: u64, caches: Caches) -> Result<Option<Vec<u8>>, MirrorError> {
        let (base, token, client) = match self {
            Self::Folder(folder) => return Ok(fs::read_if_there(&folder.join(path), limit)?),
            Self::Web { base, token, client } => (base, token.as_ref(), client),
        };
        let package = path.starts_with(RegistryLayout::PACKAGES);
        let encoding = if package { Encoding::Identity } else { Encoding::Gzip };
        let request =
            Request { base, path, limit, token, known: None, caches, encoding, retries: Retries::Some };
        match client.get(&request)? {
            Answer::Body { bytes, .. } => Ok(Some(bytes)),
            // Nothing was said to be known.
            Answer::Missing | Answer::Unchanged => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_folders_from_urls_and_refuses_what_is_not_safe() {
        assert_eq!("./hub".parse::<Place>().unwrap(), Place::Folder("./hub".into()));
        let web = Place::Web("http://127.0.0.1:8787/".parse().unwrap());
        assert_eq!("http://127.0.0.1:8787".parse::<Place>().unwrap(), web);
        for text in ["http://example.org/hub", "ftp://example.org/hub", "https://me:secret@example.org/"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
