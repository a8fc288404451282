//! How fast a plugin may log. Pure: the time comes in as a value.

use std::time::Instant;

/// How many seconds' worth of lines may come at once.
const BURST: f64 = 10.0;

/// How fast one plugin logs.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// Lines that may come now, and since when that is so.
    now: Option<(f64, Instant)>,
    dropped: u64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It is written. So many before it were not, which is told once.
    Yes {
        /// Lines that were dropped since the last one that was written.
        dropped: u64,
    },
    /// It is dropped, the first one after one that was written.
    First,
    /// It is dropped, and so was the one before.
    No,
}

impl Rate {
    /// Decides about a line that comes at `now` when `per_second` are allowed.
    pub(crate) fn take(&mut self, per_second: u32, now: Instant) -> Passed {
        let (rate, most) = (f64::from(per_second), f64::from(per_second) * BURST);
        let have = self.now.map_or(most, |(have, since)| {
            (have + now.saturating_duration_since(since).as_secs_f64() * rate).min(most)
        });
        // A plugin that is at its limit goes on when a second's worth may be written, so that its log has a few
        // lines in a row and not single ones between notes of what is missing.
        let needed = if self.dropped > 0 { rate.max(1.0) } else { 1.0 };
        if have < needed {
            self.now = Some((have, now));
            self.dropped += 1;
            return if self.dropped == 1 { Passed::First } else { Passed::No };
        }
        self.now = Some((have - 1.0, now));
        Passed::Yes { dropped: std::mem::take(&mut self.dropped) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_a_flood_does_not_and_the_gap_is_told_once() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        let mut at = |ms| rate.take(2, start + Duration::from_millis(ms));
        for _ in 0..20 {
            assert_eq!(at(0), Passed::Yes { dropped: 0 });
        }
        assert_eq!(at(0), Passed::First);
        assert_eq!(at(0), Passed::No);
        assert_eq!(at(500), Passed::No);
        assert_eq!(at(1_000), Passed::Yes { dropped: 3 });
        assert_eq!(at(1_000), Passed::Yes { dropped: 0 });
        assert_eq!(at(1_000), Passed::First);
        assert_eq!(at(60_000), Passed::Yes { dropped: 1 });
    }

    #[test]
    fn a_plugin_that_may_not_log_does_not() {
        let mut rate = Rate::default();
        assert_eq!(rate.take(0, Instant::now()), Passed::First);
        assert_eq!(rate.take(0, Instant::now()), Passed::No);
    }
}
