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

/// Makes a key pair as `<folder>/<name>.key` and `<folder>/<name>.pub`.
///
/// # Errors
/// When one of the files is there already or cannot be written.
pub fn generate(folder: &Path, name: &str, password: Option<&str>) -> Result<SecretKey, KeyFileError> {
    let comment = format!("{name} key of a LEAH registry");
    let (key, text) = match password {
        Some(password) => SecretKey::generate_protected(&comment, password),
        None => SecretKey::generate().and_then(|key| key.to_file_text(&comment).map(|text| (key, text))),
    }
    .map_err(KeyFileError::Generate)?;
    fs::write_secret(&folder.join(format!("{name}.key")), text.as_bytes())?;
    fs::write(&folder.join(format!("{name}.pub")), key.public().to_file_text().as_bytes())?;
    Ok(key)
}
