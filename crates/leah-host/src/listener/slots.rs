//! How many connections there may be. Who comes in a burst waits a moment for a place; where nobody leaves, it is
//! refused at once.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long after the last change a place may still become free soon.
const MOMENT: Duration = Duration::from_millis(500);

/// How long the end of a connection may take.
const LEAVING: Duration = Duration::from_millis(200);

/// All places.
#[derive(Debug)]
pub(super) struct Slots {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    changed: Instant,
}

/// One place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Slots>);

impl Slots {
    pub(super) fn new(places: usize) -> Arc<Self> {
        let state = Mutex::new(State { free: places, changed: Instant::now() });
        Arc::new(Self { state, freed: Condvar::new() })
    }

    /// A place, if one is free or becomes so in a moment: nobody waits where nothing has moved for long, but as long as
    /// a connection takes that has just ended.
    pub(super) fn take(self: &Arc<Self>) -> Option<Permit> {
        self.take_until(Instant::now() + LEAVING)
    }

    /// A place, if one becomes free until then.
    pub(super) fn take_until(self: &Arc<Self>, mut until: Instant) -> Option<Permit> {
        let mut state = self.state();
        while state.free == 0 {
            until = until.max(state.changed + MOMENT);
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.free -= 1;
        state.changed = Instant::now();
        Some(Permit(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.free += 1;
        state.changed = Instant::now();
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_place_once_and_again_when_it_is_free() {
        let slots = Slots::new(2);
        let (one, _two) = (slots.take().unwrap(), slots.take().unwrap());
        let waiting = std::thread::spawn({
            let slots = Arc::clone(&slots);
            move || slots.take().is_some()
        });
        drop(one);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn refuses_at_once_where_nothing_has_moved_for_a_while() {
        let slots = Slots::new(0);
        slots.state().changed -= MOMENT;
        assert!(slots.take().is_none());
        assert!(slots.take_until(Instant::now() + Duration::from_millis(1)).is_none());
    }
}
