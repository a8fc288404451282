//! Withdraws a version, or offers it again. The archive stays: whoever has it locked still gets it.

use std::path::Path;

use leah_plugin::{
    head::Head,
    key::SecretKey,
    name::PluginName,
    record::{Line, RecordError, UnyankLine, YankLine},
};
use semver::Version;

use crate::{
    change::{Change, ChangeError},
    shown::{ShownError, update_catalog},
};

/// Longest reason in bytes; it is shown in one line.
pub const MAX_REASON_BYTES: usize = 500;

/// What is said about a version.
#[derive(Debug)]
pub enum Word {
    /// Nobody should take it any more.
    Yank {
        /// Why, in one line.
        reason: Option<String>,
    },
    /// It can be taken again.
    Unyank,
}

/// Why a version cannot be withdrawn or offered again.
#[derive(Debug, thiserror::Error)]
pub enum YankError {
    /// The registry cannot be read or written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The catalog cannot be changed.
    #[error(transparent)]
    Shown(#[from] ShownError),
    /// No such name.
    #[error("the registry has no plugin `{0}`")]
    NoSuchName(PluginName),
    /// No such version.
    #[error("the registry has no version {version} of `{name}`")]
    NoSuchVersion {
        /// The plugin.
        name: PluginName,
        /// The version.
        version: Version,
    },
    /// A reason that is no line of text.
    #[error("a reason is one line of at most {MAX_REASON_BYTES} bytes")]
    Reason,
    /// The record with the new line would not hold.
    #[error("the record would not hold")]
    Record(#[from] RecordError),
}

/// Says something about a version. None when it was said already; then nothing changes.
///
/// # Errors
/// When there is no such version, or the registry cannot be read or written.
pub fn say(
    folder: &Path,
    index_key: &SecretKey,
    (name, version): (&PluginName, &Version),
    word: Word,
    now: u64,
) -> Result<Option<Head>, YankError> {
    let mut change = Change::begin(folder, index_key, now)?;
    let record = change.record(name)?.ok_or_else(|| YankError::NoSuchName(name.clone()))?;
    let missing = || YankError::NoSuchVersion { name: name.clone(), version: version.clone() };
    let release = record.version(version).ok_or_else(missing)?;
    if release.yanked == matches!(word, Word::Yank { .. }) {
        return Ok(None);
    }
    let line = line(version.clone(), word, change.serial())?;
    let said = record.append(&line, change.registry().root_key())?;
    change.set_record(&said);
    update_catalog(&mut change, &record, &said)?;
    Ok(Some(change.commit()?))
}

fn line(version: Version, word: Word, serial: u64) -> Result<Line, YankError> {
    match word {
        Word::Yank { reason: Some(reason) }
            if reason.is_empty() || reason.len() > MAX_REASON_BYTES || reason.contains(char::is_control) =>
        {
            Err(YankError::Reason)
        }
        Word::Yank { reason } => Ok(Line::Yank(YankLine { version, reason, serial })),
        Word::Unyank => Ok(Line::Unyank(UnyankLine { version, serial })),
    }
}
