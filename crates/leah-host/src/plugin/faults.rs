//! How often a plugin broke a rule lately, and what follows: a pause before it is made anew, longer each time, and in the
//! end no further try. Values in, values out; the clock is the caller's.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Faults are forgotten after so long.
const LATELY: Duration = Duration::from_secs(60);

/// The pause after the second fault; it doubles with each further one. After the first there is none.
const PAUSE: Duration = Duration::from_millis(100);

/// The faults of one plugin.
#[derive(Debug)]
pub(super) struct Faults {
    most: usize,
    recent: VecDeque<Instant>,
    total: u64,
    last: Option<String>,
    not_before: Option<Instant>,
    quarantined: bool,
}

impl Faults {
    /// No faults yet; with `most` of them in a minute it is over.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            recent: VecDeque::new(),
            total: 0,
            last: None,
            not_before: None,
            quarantined: false,
        }
    }

    /// Counts a fault. True if it was the last: the plugin is not called any more.
    pub(super) fn add(&mut self, now: Instant, reason: String) -> bool {
        while self.recent.front().is_some_and(|then| now.duration_since(*then) >= LATELY) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.total += 1;
        self.last = Some(reason);
        self.not_before = pause(self.recent.len()).map(|pause| now + pause);
        self.quarantined |= self.recent.len() >= self.most;
        self.quarantined
    }

    /// Why it is not called any more, if so.
    pub(super) fn quarantine(&self) -> Option<&str> {
        self.last.as_deref().filter(|_| self.quarantined)
    }

    /// Why it is not made anew yet, if so.
    pub(super) fn pause(&self, now: Instant) -> Option<&str> {
        self.last.as_deref().filter(|_| self.not_before.is_some_and(|then| now < then))
    }

    /// All there ever were.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

fn pause(faults: usize) -> Option<Duration> {
    let doublings = u32::try_from(faults.checked_sub(2)?).unwrap_or(u32::MAX);
    Some(PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LATELY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer_with_each_fault_and_the_first_has_none() {
        let pauses: Vec<_> = (1..6).map(|faults| pause(faults).map(|pause| pause.as_millis())).collect();
        assert_eq!(pauses, [None, Some(100), Some(200), Some(400), Some(800)]);
        assert_eq!(pause(1_000), Some(LATELY));
    }

    #[test]
    fn the_last_of_too_many_faults_in_a_minute_ends_it() {
        let start = Instant::now();
        let mut faults = Faults::new(3);
        assert!(!faults.add(start, "one".into()));
        assert_eq!(faults.pause(start), None);
        assert!(!faults.add(start, "two".into()));
        assert_eq!(faults.pause(start), Some("two"));
        assert_eq!(faults.pause(start + PAUSE), None);
        // The two are forgotten by then.
        assert!(!faults.add(start + LATELY, "three".into()));
        assert!(!faults.add(start + LATELY, "four".into()));
        assert_eq!(faults.quarantine(), None);
        assert!(faults.add(start + LATELY, "five".into()));
        assert_eq!(faults.quarantine(), Some("five"));
        assert_eq!(faults.total(), 5);
    }
}
