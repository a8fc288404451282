//! How long guest code ran in one call. What counts is the processor's time of the thread: a machine under load gives no
//! plugin less, and who waits in a function of the host uses up nothing.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::FIRST_LOOK;
use crate::engine::BEAT;

/// The clock of one call.
#[derive(Debug, Default)]
pub(super) struct Clock {
    budget: Duration,
    first: Option<Duration>,
}

impl Clock {
    /// A call begins that may run for so long. Most end before the first look, so nothing is measured yet.
    pub(super) fn begin(&mut self, budget: Duration) {
        *self = Self { budget, first: None };
    }

    /// How long the call may run.
    pub(super) fn budget(&self) -> Duration {
        self.budget
    }

    /// True when the guest ran for longer than it may. What it ran before it was first looked at is not known; it is
    /// taken for the time between two looks at most.
    pub(super) fn is_over(&mut self) -> bool {
        let now = thread_time();
        let first = *self.first.get_or_insert(now);
        now.saturating_sub(first) + before_first_look() > self.budget
    }
}

fn before_first_look() -> Duration {
    BEAT * u32::try_from(FIRST_LOOK).unwrap_or(u32::MAX)
}

/// What this thread used of the processor since it was started.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{hint, thread};

    use super::*;

    #[test]
    fn counts_work_and_not_waiting() {
        let mut clock = Clock::default();
        clock.begin(Duration::from_millis(10));
        assert!(!clock.is_over());
        thread::sleep(Duration::from_millis(20));
        assert!(!clock.is_over());
        let began = thread_time();
        while thread_time() - began < Duration::from_millis(9) {
            hint::spin_loop();
        }
        assert!(clock.is_over());
        clock.begin(Duration::from_millis(10));
        assert!(!clock.is_over());
    }
}
