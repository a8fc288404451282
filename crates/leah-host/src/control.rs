//! One call from the outside: until when it may run, whether anybody still wants it, and who is to be told when it
//! takes long. Shared by the thread that runs it and the one that may cancel it.

use std::{
    fmt,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Why a call is to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Interrupt {
    /// Nobody waits for it any more.
    #[error("it was cancelled")]
    Cancelled,
    /// Its time is up.
    #[error("it took longer than allowed")]
    Deadline,
}

/// One call from the outside.
pub struct Control {
    time: Duration,
    deadline: Instant,
    above: Option<Arc<Control>>,
    cancelled: AtomicBool,
    told: Once,
    slow: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Control {
    /// A call that may run for `time` from now.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self {
            time,
            deadline: Instant::now() + time,
            above: None,
            cancelled: AtomicBool::new(false),
            told: Once::new(),
            slow: None,
        }
    }

    /// A part of another call that may take `time` of it, and ends when that ends.
    #[must_use]
    pub fn within(above: &Arc<Self>, time: Duration) -> Self {
        Self { above: Some(Arc::clone(above)), ..Self::new(time.min(above.remaining())) }
    }

    /// The same, with what is done, once and on the thread of the call, as soon as the call is going to take longer
    /// than a moment: a connection has another thread read on then.
    #[must_use]
    pub fn when_slow(mut self, slow: impl Fn() + Send + Sync + 'static) -> Self {
        self.slow = Some(Box::new(slow));
        self
    }

    /// Nobody waits for the call any more. It ends soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// How long the call might run when it began.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Why the call is to end now, if it is.
    #[must_use]
    pub fn interrupt(&self) -> Option<Interrupt> {
        if self.is_cancelled() {
            Some(Interrupt::Cancelled)
        } else if self.remaining().is_zero() {
            Some(Interrupt::Deadline)
        } else {
            None
        }
    }

    /// How long the call may still run.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
            || self.above.as_ref().is_some_and(|above| above.is_cancelled())
    }

    /// Says that the call takes longer than a moment: guest code that runs on, a wait for the network, the disk or a
    /// free instance.
    pub fn going_slow(&self) {
        if let Some(slow) = &self.slow {
            self.told.call_once(slow);
        }
        if let Some(above) = &self.above {
            above.going_slow();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("deadline", &self.deadline)
            .field("cancelled", &self.cancelled)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    const LONG: Duration = Duration::from_secs(1_000);

    #[test]
    fn a_part_of_a_call_ends_with_the_whole_and_may_end_before() {
        let whole = Arc::new(Control::new(LONG));
        let part = Control::within(&whole, Duration::ZERO);
        assert_eq!((part.interrupt(), whole.interrupt()), (Some(Interrupt::Deadline), None));
        let part = Control::within(&whole, LONG * 2);
        assert!(part.time() <= LONG);
        assert_eq!(part.interrupt(), None);
        whole.cancel();
        assert_eq!(part.interrupt(), Some(Interrupt::Cancelled));
    }

    #[test]
    fn who_waits_is_told_once_that_it_takes_long_also_by_a_part() {
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        let slow = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let whole = Arc::new(Control::new(LONG).when_slow(slow));
        for _ in 0..3 {
            Control::within(&whole, LONG).going_slow();
            whole.going_slow();
        }
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }
}
