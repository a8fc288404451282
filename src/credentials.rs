//! Tokens for private registries: `credentials.yaml` in the home, for its owner alone. A token goes into no lock, no
//! log, no error and no evidence.

use std::{collections::BTreeMap, path::PathBuf};

use leah_http::{Token, TokenError};
use leah_plugin::{
    layout::Layout,
    name::Origin,
    yaml::{self, Format, YamlError},
};
use serde::{Deserialize, Serialize};

use crate::fs::{self, Access, Durability, FsError};

/// Largest `credentials.yaml` that is read, in bytes.
const MAX_CREDENTIALS_BYTES: u64 = 1 << 20;

/// The tokens of a home, by registry.
#[derive(Debug, Default)]
pub struct Credentials {
    tokens: BTreeMap<Origin, Token>,
}

/// Why the tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not what it should be. What is in it is not repeated.
    #[error("cannot read `{}`", fs::shown(path))]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: YamlError,
    },
    /// A token cannot be one.
    #[error("the token for registry `{origin}` in `{}` cannot be used", fs::shown(path))]
    Token {
        /// The registry.
        origin: Origin,
        /// The file.
        path: PathBuf,
        /// Why.
        source: TokenError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: Format<1>,
    tokens: BTreeMap<Origin, String>,
}

impl Credentials {
    /// Reads the file; a home without one has no tokens.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn read(layout: &Layout) -> Result<Self, CredentialsError> {
        let path = layout.credentials();
        let Some(bytes) = fs::read_if_any(&path, MAX_CREDENTIALS_BYTES)? else { return Ok(Self::default()) };
        let wire: Wire = yaml::from_slice(&bytes)
            .map_err(|source| CredentialsError::Yaml { path: path.clone(), source })?;
        let mut tokens = BTreeMap::new();
        for (origin, token) in wire.tokens {
            let bad = |source| CredentialsError::Token { origin: origin.clone(), path: path.clone(), source };
            let token = token.parse().map_err(bad)?;
            tokens.insert(origin, token);
        }
        Ok(Self { tokens })
    }

    /// Writes the file as a whole, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, layout: &Layout, durability: Durability) -> Result<(), CredentialsError> {
        let path = layout.credentials();
        let tokens = self.tokens.iter();
        let tokens = tokens.map(|(origin, token)| (origin.clone(), token.reveal().to_owned())).collect();
        let text = yaml::to_string(&Wire { format: Format::NEWEST, tokens })
            .map_err(|source| CredentialsError::Yaml { path: path.clone(), source })?;
        Ok(fs::replace(&path, text.as_bytes(), Access::Private, durability)?)
    }

    /// The token of a registry.
    #[must_use]
    pub fn token(&self, origin: &Origin) -> Option<&Token> {
        self.tokens.get(origin)
    }

    /// Puts a token in place of the one before.
    pub fn set(&mut self, origin: Origin, token: Token) {
        self.tokens.insert(origin, token);
    }

    /// Forgets a token; false when there was none.
    pub fn forget(&mut self, origin: &Origin) -> bool {
        self.tokens.remove(origin).is_some()
    }
}
