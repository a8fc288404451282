//! What is kept of a plugin while it runs, whichever of its versions: how fast it logs, what it has on disk, its
//! database. It is closed when the last version that used it is gone.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{disk::Disk, rate::Rate};

/// What one version of a plugin keeps open; empty until it is needed.
#[derive(Default)]
pub struct Keep(OnceLock<Lease>);

impl Keep {
    pub(super) fn get_or_begin(&self, begin: impl FnOnce() -> Arc<Kept>) -> &Kept {
        &self.0.get_or_init(|| Lease::new(begin())).0
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keep").field(&self.0.get().is_some()).finish()
    }
}

/// What is kept of a plugin.
#[derive(Debug)]
pub(crate) struct Kept {
    /// How fast it logs.
    pub(crate) rate: Mutex<Rate>,
    disk: Mutex<Disk>,
    users: Mutex<usize>,
}

impl Kept {
    pub(super) fn new(files: PathBuf, store: PathBuf) -> Self {
        Self { rate: Mutex::default(), disk: Mutex::new(Disk::new(files, store)), users: Mutex::default() }
    }

    /// What it has on disk. Who changes it holds this until the change is done: then the quota is exact, however many
    /// instances write.
    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn users(&self) -> MutexGuard<'_, usize> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One version that uses what is kept.
struct Lease(Arc<Kept>);

impl Lease {
    fn new(kept: Arc<Kept>) -> Self {
        *kept.users() += 1;
        Self(kept)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut users = self.0.users();
        *users -= 1;
        if *users == 0 {
            // Within the lock: the next user must not open the database while it is being closed.
            self.0.disk().close();
        }
    }
}
