//! Key files: read with or without a password, and made new so that they are never overwritten, readable
//! for their owner alone and on disk before anything is signed with them.

use std::path::{Path, PathBuf};

use leah_plugin::key::{KeyError, MAX_KEY_FILE_BYTES, SecretKey};

use crate::fs::{self, FsError};

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// It holds no key, or the password does not open it.
    #[error("cannot use the key file `{}`", fs::show(path))]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A secret key under the name of a public one, which would be written over it.
    #[error("`{}` is the name of a public key; name the secret one `….key`", fs::show(.0))]
    PublicName(PathBuf),
    /// A secret in a folder that everybody gets.
    #[error("the key file `{}` would be published with the registry", fs::show(.0))]
    Published(PathBuf),
    /// A key could not be made.
    #[error("cannot make a new key")]
    Generate(#[source] KeyError),
    /// The password could not be asked for.
    #[error("cannot read the password from the terminal")]
    Prompt(#[source] std::io::Error),
}

impl KeyFileError {
    /// True when a password is missing or wrong.
    #[must_use]
    pub fn is_password(&self) -> bool {
        let password =
            |key: &KeyError| matches!(key, KeyError::PasswordNeeded | KeyError::WrongPassword { .. });
        matches!(self, Self::Key { source, .. } if password(source))
    }
}

/// Refuses a key file in the folder of the registry.
///
/// # Errors
/// When it lies there, or a link on the way cannot be followed.
pub fn check_outside(file: &Path, folder: &Path) -> Result<(), KeyFileError> {
    if fs::lies_in(file, folder)? { Err(KeyFileError::Published(file.to_owned())) } else { Ok(()) }
}

/// Reads a secret key. `ask` is called for the password of a protected one; it answers none where
/// nobody can be asked.
///
/// # Errors
/// When the file holds no key, or the password is missing or wrong.
pub fn read(
    path: &Path,
    ask: impl FnOnce(&Path) -> Result<Option<String>, KeyFileError>,
) -> Result<SecretKey, KeyFileError> {
    let bytes = fs::read(path, MAX_KEY_FILE_BYTES as u64)?;
    let text = String::from_utf8_lossy(&bytes);
    let password = if SecretKey::is_encrypted(&text) { ask(path)? } else { None };
    SecretKey::read(&text, password.as_deref())
        .map_err(|source| KeyFileError::Key { path: path.to_owned(), source })
}

/// Makes a key pair: the secret half as `path`, the public one beside it with the extension `pub`. `name`
/// says in the file what it is for.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub fn generate(path: &Path, name: &str, password: Option<&str>) -> Result<SecretKey, KeyFileError> {
    let public = path.with_extension("pub");
    if public == path {
        return Err(KeyFileError::PublicName(path.to_owned()));
    }
    let comment = format!("{name} key of a LEAH registry");
    let (key, text) = match password {
        Some(password) => SecretKey::generate_protected(&comment, password),
        None => SecretKey::generate().and_then(|key| key.to_file_text(&comment).map(|text| (key, text))),
    }
    .map_err(KeyFileError::Generate)?;
    fs::write_secret(path, text.as_bytes())?;
    fs::write(&public, key.public().to_file_text().as_bytes())?;
    Ok(key)
}
