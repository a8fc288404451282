//! Who may change what at the same time. The store's lock stands between those who add and the one who
//! collects garbage; the home's lock orders those who change the live generation.
//!
//! Order, always: first the store's lock, then the home's. The types make it so: the home's lock cannot
//! be taken without showing the store's. Two who took them crosswise would wait for each other.

use std::{
    fs::{File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use leah_plugin::layout::Layout;

use crate::fs::{self, FsError, shown};

/// Longest note of a holder that is read, in bytes; what we write is far shorter.
const MAX_NOTE_BYTES: u64 = 4_096;

/// Longest purpose in a note, in characters: a command can name a thousand plugins.
const MAX_PURPOSE: usize = 120;

/// How long to sleep between two tries; a lock that is free is had without any sleep.
const PAUSE: Duration = Duration::from_millis(25);

/// How long to wait for another process, and whom to tell about it.
pub struct Patience<'a> {
    /// Longest wait for one lock.
    pub longest: Duration,
    /// Called once for each lock that is not free, with what its holder does, such as
    /// `pid 123: leahpm install x`, where that is known.
    pub waiting_for: &'a mut dyn FnMut(Option<&str>),
}

/// A lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockingError {
    /// Another process held it all the time.
    #[error("another leahpm is at work{}", holder.as_ref().map_or(String::new(), |h| format!(" ({h})")))]
    Locked {
        /// What the holder says of itself, safe to print.
        holder: Option<String>,
    },
    /// The lock's file cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file system has no locks.
    #[error("cannot lock `{}`", shown(.path))]
    Unsupported {
        /// The lock's file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// The store's lock, held shared by who adds to the store and alone by who removes from it.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
    alone: bool,
}

/// The home's lock. Who holds it may change the live generation.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl StoreLock {
    /// Takes the lock alone if nobody holds it, without waiting. The folder of the store must exist.
    ///
    /// # Errors
    /// When the lock's file cannot be used.
    pub fn try_alone(layout: &Layout) -> Result<Option<Self>, LockingError> {
        let path = layout.store_lock();
        let file = fs::open_lock(&path)?;
        Ok(obtained(file.try_lock(), &path)?.then_some(Self { _file: file, alone: true }))
    }

    /// Takes the lock together with others who add. The folder of the store must exist.
    ///
    /// # Errors
    /// When it is held alone for too long, or its file cannot be used.
    pub fn shared(layout: &Layout, patience: &mut Patience<'_>) -> Result<Self, LockingError> {
        let path = layout.store_lock();
        let file = fs::open_lock(&path)?;
        // Those who add are many and leave no note; the one to wait for holds the home's lock as well.
        wait(&path, &layout.lock(), patience, || file.try_lock_shared())?;
        Ok(Self { _file: file, alone: false })
    }

    /// Takes the lock alone. The folder of the store must exist.
    ///
    /// # Errors
    /// When others hold it for too long, or its file cannot be used.
    pub fn alone(layout: &Layout, patience: &mut Patience<'_>) -> Result<Self, LockingError> {
        let path = layout.store_lock();
        let file = fs::open_lock(&path)?;
        wait(&path, &layout.lock(), patience, || file.try_lock())?;
        Ok(Self { _file: file, alone: true })
    }

    /// True when nobody else holds it.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.alone
    }
}

impl HomeLock {
    /// Takes the lock and leaves a note for those who wait: this process and `purpose`, such as
    /// `leahpm install translator`, which must hold no secret.
    ///
    /// # Errors
    /// When another process holds it for too long, or its file cannot be used.
    pub fn take(
        layout: &Layout,
        _first: &StoreLock,
        purpose: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Self, LockingError> {
        let path = layout.lock();
        let mut file = fs::open_lock(&path)?;
        wait(&path, &path, patience, || file.try_lock())?;
        let purpose: String = purpose.chars().take(MAX_PURPOSE).collect();
        let note = format!("pid {}: {purpose}\n", std::process::id());
        // The note only helps those who wait. A full disk must not bar a command that frees space.
        let _ = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
        Ok(Self { file })
    }
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Whoever waits next would otherwise read a note of somebody who left. Closing the file unlocks it.
        let _ = self.file.set_len(0);
    }
}

/// Tries until the lock is there or patience is at its end. The kernel's own waiting knows no deadline.
fn wait(
    path: &Path,
    note: &Path,
    patience: &mut Patience<'_>,
    attempt: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), LockingError> {
    let start = Instant::now();
    let mut told = false;
    while !obtained(attempt(), path)? {
        if start.elapsed() >= patience.longest {
            return Err(LockingError::Locked { holder: read_note(note) });
        }
        if !told {
            (patience.waiting_for)(read_note(note).as_deref());
            told = true;
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn obtained(attempt: Result<(), TryLockError>, path: &Path) -> Result<bool, LockingError> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(TryLockError::Error(source)) => Err(LockingError::Unsupported { path: path.to_owned(), source }),
    }
}

/// What the holder wrote, made safe to print. It may be missing or half written: it is a courtesy.
fn read_note(path: &Path) -> Option<String> {
    let bytes = fs::read(path, MAX_NOTE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next()?;
    Some(line.chars().map(|c| if c.is_control() { '?' } else { c }).collect())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicU32, Ordering},
        },
        thread,
    };

    use super::*;

    const BRIEF: Duration = Duration::from_millis(40);
    const LONG: Duration = Duration::from_secs(60);

    fn home() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::create_folders(&layout.store()).unwrap();
        (folder, layout)
    }

    fn silent(longest: Duration, run: impl FnOnce(&mut Patience<'_>)) {
        run(&mut Patience { longest, waiting_for: &mut |_| {} });
    }

    #[test]
    fn tells_once_for_whom_it_waits_and_gives_up() {
        let (_folder, layout) = home();
        silent(BRIEF, |patience| {
            let store = StoreLock::shared(&layout, patience).unwrap();
            let _held = HomeLock::take(&layout, &store, "leahpm install \u{1b}x", patience).unwrap();
            let mut told = Vec::new();
            let mut tell = |holder: Option<&str>| told.push(holder.map(str::to_owned));
            let mut patience = Patience { longest: BRIEF, waiting_for: &mut tell };
            let error = HomeLock::take(&layout, &store, "leahpm update", &mut patience).unwrap_err();
            let note = format!("pid {}: leahpm install ?x", std::process::id());
            assert_eq!(error.to_string(), format!("another leahpm is at work ({note})"));
            assert_eq!(told, [Some(note)]);
        });
    }

    #[test]
    fn leaves_no_note_behind() {
        let (_folder, layout) = home();
        silent(BRIEF, |patience| {
            let store = StoreLock::shared(&layout, patience).unwrap();
            drop(HomeLock::take(&layout, &store, "leahpm install x", patience).unwrap());
            assert_eq!(std::fs::read(layout.lock()).unwrap(), b"");
            HomeLock::take(&layout, &store, "leahpm update", patience).unwrap();
        });
    }

    #[test]
    fn many_add_at_once_and_one_removes_alone() {
        let (_folder, layout) = home();
        silent(BRIEF, |patience| {
            let first = StoreLock::shared(&layout, patience).unwrap();
            let second = StoreLock::shared(&layout, patience).unwrap();
            assert!(StoreLock::try_alone(&layout).unwrap().is_none());
            assert!(StoreLock::alone(&layout, patience).is_err());
            drop((first, second));
            let alone = StoreLock::alone(&layout, patience).unwrap();
            assert!(alone.is_alone());
            assert!(StoreLock::shared(&layout, patience).is_err());
        });
    }

    #[test]
    fn one_at_a_time_holds_the_home() {
        let (_folder, layout) = home();
        let (inside, turns, start) = (AtomicU32::new(0), AtomicU32::new(0), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    silent(LONG, |patience| {
                        let store = StoreLock::shared(&layout, patience).unwrap();
                        let _home = HomeLock::take(&layout, &store, "leahpm test", patience).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        turns.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert_eq!(turns.into_inner(), 4);
    }

    #[test]
    fn follows_no_link_in_place_of_a_lock() {
        let (folder, layout) = home();
        std::fs::write(folder.path().join("victim"), "keep").unwrap();
        fs::symlink(Path::new("victim"), &layout.lock()).unwrap();
        silent(BRIEF, |patience| {
            let store = StoreLock::shared(&layout, patience).unwrap();
            assert!(HomeLock::take(&layout, &store, "leahpm test", patience).is_err());
        });
        assert_eq!(std::fs::read(folder.path().join("victim")).unwrap(), b"keep");
    }
}
