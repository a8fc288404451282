//! The handles that a component has open and that stand for something: moments it waits for, and where it writes.

use std::time::Instant;

/// A handle behind which there is nothing. To wait for it is to wait for nothing.
pub(super) const NOTHING: u32 = 0;

/// The standard output, or that for errors.
pub(super) const OUTPUT: u32 = 1;

/// The number of the first moment.
const FIRST: u32 = 2;

/// The moments that a component waits for, by number. How many it has open the engine bounds.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    moments: Vec<Option<Instant>>,
}

impl Handles {
    /// A number for a moment.
    pub(super) fn moment(&mut self, moment: Instant) -> u32 {
        let free = self.moments.iter().position(Option::is_none).unwrap_or_else(|| {
            self.moments.push(None);
            self.moments.len() - 1
        });
        self.moments[free] = Some(moment);
        u32::try_from(free).map_or(NOTHING, |free| free.saturating_add(FIRST))
    }

    /// The moment that a number stands for, if it does.
    pub(super) fn until(&self, number: u32) -> Option<Instant> {
        let index = usize::try_from(number.checked_sub(FIRST)?).ok()?;
        *self.moments.get(index)?
    }

    /// The number stands for nothing any more.
    pub(super) fn free(&mut self, number: u32) {
        let index = number.checked_sub(FIRST).and_then(|index| usize::try_from(index).ok());
        if let Some(moment) = index.and_then(|index| self.moments.get_mut(index)) {
            *moment = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_its_moment_until_it_is_free() {
        let (mut handles, now) = (Handles::default(), Instant::now());
        let (one, other) = (handles.moment(now), handles.moment(now));
        assert!(one != other && ![NOTHING, OUTPUT].contains(&one));
        assert_eq!((handles.until(one), handles.until(NOTHING), handles.until(99)), (Some(now), None, None));
        handles.free(one);
        handles.free(one);
        handles.free(NOTHING);
        assert_eq!((handles.until(one), handles.until(other)), (None, Some(now)));
        assert_eq!(handles.moment(now), one);
    }
}
