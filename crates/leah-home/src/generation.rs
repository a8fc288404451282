//! Reading generations: the live one, a certain one, and the history. Who reads holds a shared lock on the
//! generation's record, so that nobody collects it meanwhile; nothing is written here.

use std::path::PathBuf;

use leah_plugin::{
    digest::Digest,
    generation::{GenerationError, GenerationRecord},
    layout::{EntryName, Layout},
    lock::{Lock, LockError},
    yaml::MAX_YAML_BYTES,
};

use crate::{
    fs::{self, FsError, shown},
    live::{is_or_was_live, live_number, numbers},
};

/// How often a generation may vanish under a reader before that is called an error. Each time another one
/// became live and the old one was collected, all in the moment between two system calls.
const TRIES: usize = 50;

/// A generation that was read and stays on disk for as long as this value lives.
#[derive(Debug)]
pub struct Generation {
    record: GenerationRecord,
    lock: Lock,
    lock_text: Digest,
    _used: std::fs::File,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// True for the live one.
    pub live: bool,
    /// What made it.
    pub record: GenerationRecord,
}

/// A generation could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// There is no such generation, or it never was live.
    #[error("there is no generation {number}")]
    Unknown {
        /// The number asked for.
        number: u64,
    },
    /// The live generation has no folder.
    #[error("generation {number} is live, but its files are gone")]
    Gone {
        /// Its number.
        number: u64,
    },
    /// Its lock is damaged, or newer than this release.
    #[error("cannot read `{}`", shown(.path))]
    Lock {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        source: LockError,
    },
    /// Its record is damaged, or newer than this release.
    #[error("cannot read `{}`", shown(.path))]
    Record {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        source: GenerationError,
    },
    /// Its record is that of another generation.
    #[error("`{}` is the record of generation {found}", shown(.path))]
    Number {
        /// Its file.
        path: PathBuf,
        /// The number in the file.
        found: u64,
    },
}

impl Generation {
    /// The live generation, if any ever was made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn live(layout: &Layout) -> Result<Option<Self>, ReadError> {
        let mut last = 0;
        for _ in 0..TRIES {
            // The link is read once and everything after that goes by number: never half of one
            // generation and half of the next.
            let Some(number) = live_number(layout)? else { return Ok(None) };
            if let Some(generation) = Self::hold(layout, number)? {
                return Ok(Some(generation));
            }
            last = number;
        }
        Err(ReadError::Gone { number: last })
    }

    /// The generation `number`, if it is or was live.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn read(layout: &Layout, number: u64) -> Result<Self, ReadError> {
        if !is_or_was_live(layout, number)? {
            return Err(ReadError::Unknown { number });
        }
        Self::hold(layout, number)?.ok_or(ReadError::Unknown { number })
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.record.number
    }

    /// What made it.
    #[must_use]
    pub fn record(&self) -> &GenerationRecord {
        &self.record
    }

    /// What it consists of.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The same, if this is the text of its file; it need not be read again then.
    #[must_use]
    pub fn lock_of_text(&self, text: &[u8]) -> Option<&Lock> {
        (Digest::of(text) == self.lock_text).then_some(&self.lock)
    }

    /// The entries of all plugins of a lock.
    pub fn entries(&self) -> impl Iterator<Item = EntryName> {
        entries(&self.lock)
    }

    /// The generation `number`, whether or not it ever was live: to try it before it is.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn written(layout: &Layout, number: u64) -> Result<Self, ReadError> {
        Self::hold(layout, number)?.ok_or(ReadError::Unknown { number })
    }

    fn hold(layout: &Layout, number: u64) -> Result<Option<Self>, ReadError> {
        let path = layout.record(number);
        let file = match fs::open(&path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        fs::lock_shared(&file, &path)?;
        // It may have been collected before the lock was there; then this is a lock on nothing.
        if !fs::is_still_at(&file, &path)? {
            return Ok(None);
        }
        let record = parse_record(path.clone(), number, &fs::read_open(&file, &path, LIMIT)?)?;
        let (lock, lock_text) = read_lock_and_digest(layout, number)?;
        Ok(Some(Self { record, lock, lock_text, _used: file }))
    }
}

/// All generations that are or were live, the newest first. Whole locks are not read for this.
///
/// # Errors
/// When one of them cannot be read.
pub fn history(layout: &Layout) -> Result<Vec<Past>, ReadError> {
    let live = live_number(layout)?;
    let mut history = Vec::new();
    for number in numbers(layout)?.into_iter().rev() {
        if live == Some(number) || is_or_was_live(layout, number)? {
            match read_record(layout, number) {
                Ok(record) => history.push(Past { live: live == Some(number), record }),
                // Collected since it was listed.
                Err(ReadError::File(error)) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(history)
}

/// What tells the generation `number` from any other that had or will have this number: the digest of its record and,
/// right behind it, its lock.
///
/// # Errors
/// When it cannot be read.
pub fn digest(layout: &Layout, number: u64) -> Result<Digest, ReadError> {
    let mut bytes = fs::read(&layout.record(number), LIMIT)?;
    bytes.extend(fs::read(&layout.lock_file(number), LIMIT)?);
    Ok(Digest::of(&bytes))
}

const LIMIT: u64 = MAX_YAML_BYTES as u64;

/// The entries of all plugins of a lock, also of those that are switched off.
pub fn entries(lock: &Lock) -> impl Iterator<Item = EntryName> {
    lock.plugins.iter().map(|(name, locked)| locked.entry(name))
}

/// The record of a generation, without holding it.
///
/// # Errors
/// When it cannot be read.
pub fn read_record(layout: &Layout, number: u64) -> Result<GenerationRecord, ReadError> {
    let path = layout.record(number);
    let bytes = fs::read(&path, LIMIT)?;
    parse_record(path, number, &bytes)
}

/// The lock of a generation, without holding it.
///
/// # Errors
/// When it cannot be read.
pub fn read_lock(layout: &Layout, number: u64) -> Result<Lock, ReadError> {
    Ok(read_lock_and_digest(layout, number)?.0)
}

/// The same with the digest of its text. Its twin is read where it has one that fits, which takes a tenth of the time.
fn read_lock_and_digest(layout: &Layout, number: u64) -> Result<(Lock, Digest), ReadError> {
    let path = layout.lock_file(number);
    let text = fs::read(&path, LIMIT)?;
    let digest = Digest::of(&text);
    let twin = fs::read_if_any(&Layout::lock_twin_in(&layout.generation(number)), LIMIT);
    let lock = twin.ok().flatten().and_then(|twin| Lock::read_twin(&twin, &digest));
    let lock =
        lock.map_or_else(|| Lock::read(&text).map_err(|source| ReadError::Lock { path, source }), Ok)?;
    Ok((lock, digest))
}

fn parse_record(path: PathBuf, number: u64, bytes: &[u8]) -> Result<GenerationRecord, ReadError> {
    match GenerationRecord::read(bytes) {
        Ok(record) if record.number == number => Ok(record),
        Ok(record) => Err(ReadError::Number { path, found: record.number }),
        Err(source) => Err(ReadError::Record { path, source }),
    }
}
