//! The instances of one plugin: those that wait to be called, and how many are in use. Whoever calls has a seat; there
//! are as many seats as instances may run side by side.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use leah_plugin::message::PluginState;

use super::{Missed, faults::Faults};
use crate::{control::Control, guest::Instance};

/// Between two looks whether anybody still waits for a seat.
const LOOK: Duration = Duration::from_millis(10);

/// The instances of one plugin.
pub(super) struct Pool {
    seats: usize,
    inner: Mutex<Inner>,
    freed: Condvar,
}

struct Inner {
    /// The one that was used last is used next, so that those at the bottom show how many are too many.
    idle: Vec<Instance>,
    taken: usize,
    /// Fewest that waited since the pool was last trimmed.
    fewest: usize,
    faults: Faults,
    /// It was told that there is none, and not yet that there is one again.
    down: bool,
}

/// The right to use one instance.
pub(super) struct Seat<'a> {
    pool: &'a Pool,
    instance: Option<Instance>,
    left: bool,
}

impl Pool {
    pub(super) fn new(seats: usize, faults: usize) -> Self {
        let inner = Inner { idle: Vec::new(), taken: 0, fewest: 0, faults: Faults::new(faults), down: false };
        Self { seats: seats.max(1), inner: Mutex::new(inner), freed: Condvar::new() }
    }

    /// Takes a seat, with an instance if one waits; else there is room for another one. Waits where all are taken.
    pub(super) fn sit(&self, control: &Control) -> Result<Seat<'_>, Missed> {
        let mut inner = self.inner();
        loop {
            if let Some(instance) = inner.idle.pop() {
                inner.taken += 1;
                inner.fewest = inner.fewest.min(inner.idle.len());
                return Ok(Seat { pool: self, instance: Some(instance), left: false });
            }
            if let Some(reason) = inner.faults.quarantine() {
                return Err(Missed::Down { reason: reason.to_owned() });
            }
            if inner.taken < self.seats {
                if let Some(reason) = inner.faults.pause(Instant::now()) {
                    return Err(Missed::Down { reason: reason.to_owned() });
                }
                inner.taken += 1;
                return Ok(Seat { pool: self, instance: None, left: false });
            }
            if let Some(why) = control.interrupt() {
                return Err(why.into());
            }
            control.going_slow();
            (inner, _) = self.freed.wait_timeout(inner, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts an instance that had no seat where others find it.
    pub(super) fn put(&self, instance: Instance) {
        self.inner().idle.push(instance);
    }

    /// Empties the pool of those that wait.
    pub(super) fn take_all(&self) -> Vec<Instance> {
        std::mem::take(&mut self.inner().idle)
    }

    /// Counts a broken rule. Answers the state, if it is another one now.
    pub(super) fn fault(&self, reason: String) -> Option<PluginState> {
        let mut inner = self.inner();
        let known = inner.faults.quarantine().is_some();
        let dropped = if inner.faults.add(Instant::now(), reason.clone()) {
            // Those in use are given back to nobody.
            std::mem::take(&mut inner.idle)
        } else {
            Vec::new()
        };
        let state = if inner.faults.quarantine().is_some() {
            (!known).then_some(PluginState::Quarantined { reason })
        } else {
            let is_down = inner.idle.is_empty() && inner.faults.pause(Instant::now()).is_some();
            let was_down = inner.down;
            inner.down |= is_down;
            (is_down && !was_down).then_some(PluginState::Failed { reason })
        };
        drop(inner);
        drop(dropped);
        state
    }

    /// How the plugin is.
    pub(super) fn state(&self) -> PluginState {
        let inner = self.inner();
        let owned = str::to_owned;
        if let Some(reason) = inner.faults.quarantine().map(owned) {
            return PluginState::Quarantined { reason };
        }
        match inner.faults.pause(Instant::now()).map(owned) {
            Some(reason) if inner.idle.is_empty() => PluginState::Failed { reason },
            _ => PluginState::Running,
        }
    }

    /// All broken rules.
    pub(super) fn faults(&self) -> u64 {
        self.inner().faults.total()
    }

    /// Drops those that waited all the time since this was last called. One stays.
    pub(super) fn trim(&self) {
        let mut inner = self.inner();
        let many = inner.fewest.min(inner.idle.len().saturating_sub(1));
        let dropped: Vec<_> = inner.idle.drain(..many).collect();
        inner.fewest = inner.idle.len();
        drop(inner);
        drop(dropped);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is one push, one pop or one number, so a panic leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    /// The instance that waited, if one did.
    pub(super) fn take(&mut self) -> Option<Instance> {
        self.instance.take()
    }

    /// The instance is as good as before and may be used by others. True if it was told that there is none.
    pub(super) fn give_back(mut self, instance: Instance) -> bool {
        self.instance = Some(instance);
        self.leave()
    }

    fn leave(&mut self) -> bool {
        self.left = true;
        let mut inner = self.pool.inner();
        inner.taken -= 1;
        let (unwanted, recovered) = match self.instance.take() {
            Some(instance) if inner.faults.quarantine().is_none() => {
                inner.idle.push(instance);
                (None, std::mem::take(&mut inner.down))
            }
            other => (other, false),
        };
        // Nobody waits where there are free seats, and telling nobody costs a call into the system.
        let waited_for = inner.taken + 1 == self.pool.seats;
        drop(inner);
        drop(unwanted);
        if waited_for {
            self.pool.freed.notify_one();
        }
        recovered
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if !self.left {
            self.leave();
        }
    }
}
