//! Sets of versions for the solver. The versions of a plugin are known and few, so a set holds their
//! positions in ascending order, and a semver range becomes exactly the positions that it matches.

use std::fmt;

use pubgrub::VersionSet;
use smallvec::{SmallVec, smallvec};

/// A set of positions, as the ascending points where membership changes: `[2, 5]` is 2, 3 and 4, and
/// `[0]` is everything. One set has one form, which the solver relies on. Most sets are one span or all but one, and
/// the solver copies them all the time, so these need no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Positions(SmallVec<[u32; 4]>);

impl Positions {
    /// The positions whose flag is true; none beyond the last flag.
    pub(super) fn of(flags: impl IntoIterator<Item = bool>) -> Self {
        let mut points = SmallVec::new();
        let mut inside = false;
        let mut end = 0;
        for flag in flags {
            if flag != inside {
                points.push(end);
                inside = flag;
            }
            end += 1;
        }
        if inside {
            points.push(end);
        }
        Self(points)
    }

    /// The members below `limit`, highest first.
    pub(super) fn highest_first(&self, limit: u32) -> impl Iterator<Item = u32> {
        let spans = self.0.chunks(2).map(move |span| (span[0], span.get(1).copied().unwrap_or(limit)));
        spans.rev().flat_map(move |(from, to)| (from..to.min(limit)).rev())
    }

    /// The lowest member.
    pub(super) fn lowest(&self) -> Option<u32> {
        self.0.first().copied()
    }

    /// True when no position is in the set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every point where one of the two changes, and who contains what lies behind it.
    fn walk<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (u32, bool, bool)> + 'a {
        let (mut left, mut right) = (0, 0);
        std::iter::from_fn(move || {
            let ends = [self.0.get(left), other.0.get(right)];
            let at = ends.into_iter().flatten().min().copied()?;
            left += usize::from(ends[0] == Some(&at));
            right += usize::from(ends[1] == Some(&at));
            Some((at, left % 2 == 1, right % 2 == 1))
        })
    }

    fn combine(&self, other: &Self, keep: impl Fn(bool, bool) -> bool) -> Self {
        let mut points = SmallVec::new();
        let mut inside = false;
        for (at, left, right) in self.walk(other) {
            if keep(left, right) != inside {
                points.push(at);
                inside = !inside;
            }
        }
        Self(points)
    }
}

impl VersionSet for Positions {
    type V = u32;

    fn empty() -> Self {
        Self(SmallVec::new())
    }

    fn singleton(position: u32) -> Self {
        Self(smallvec![position, position + 1])
    }

    fn complement(&self) -> Self {
        match self.0.first() {
            Some(0) => Self(SmallVec::from_slice(&self.0[1..])),
            _ => Self(std::iter::once(0).chain(self.0.iter().copied()).collect()),
        }
    }

    fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |left, right| left && right)
    }

    fn contains(&self, position: &u32) -> bool {
        self.0.partition_point(|point| point <= position) % 2 == 1
    }

    fn union(&self, other: &Self) -> Self {
        self.combine(other, |left, right| left || right)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        !self.walk(other).any(|(_, left, right)| left && right)
    }

    fn subset_of(&self, other: &Self) -> bool {
        !self.walk(other).any(|(_, left, right)| left && !right)
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const LIMIT: u32 = 12;

    fn members(set: &Positions) -> BTreeSet<u32> {
        set.highest_first(LIMIT).collect()
    }

    fn flags() -> impl Strategy<Value = Vec<bool>> {
        proptest::collection::vec(any::<bool>(), 0..LIMIT as usize)
    }

    proptest! {
        #[test]
        fn sets_obey_the_laws_of_sets(a in flags(), b in flags()) {
            let (set_a, set_b) = (Positions::of(a.iter().copied()), Positions::of(b.iter().copied()));
            let (in_a, in_b) = (members(&set_a), members(&set_b));
            let at = |flags: &[bool], i: u32| flags.get(i as usize).copied().unwrap_or(false);
            prop_assert_eq!(&in_a, &(0..LIMIT).filter(|i| at(&a, *i)).collect());
            prop_assert!((0..LIMIT).all(|i| set_a.contains(&i) == in_a.contains(&i)));
            prop_assert_eq!(members(&set_a.intersection(&set_b)), &in_a & &in_b);
            prop_assert_eq!(members(&set_a.union(&set_b)), &in_a | &in_b);
            prop_assert_eq!(members(&set_a.complement()), (0..LIMIT).filter(|i| !in_a.contains(i)).collect());
            prop_assert_eq!(set_a.is_disjoint(&set_b), in_a.is_disjoint(&in_b));
            prop_assert_eq!(set_a.subset_of(&set_b), in_a.is_subset(&in_b));
            prop_assert_eq!(set_a.is_empty(), in_a.is_empty());
        }

        #[test]
        fn a_set_has_one_form(a in flags(), b in flags()) {
            let (a, b) = (Positions::of(a), Positions::of(b));
            prop_assert_eq!(&a.complement().complement(), &a);
            prop_assert_eq!(a.union(&b), a.complement().intersection(&b.complement()).complement());
            let single = (0..LIMIT).filter(|i| a.contains(i)).map(Positions::singleton);
            prop_assert_eq!(single.fold(Positions::empty(), |all, one| all.union(&one)), a);
        }
    }

    #[test]
    fn everything_is_the_complement_of_nothing() {
        assert_eq!(Positions::full(), Positions(smallvec![0]));
        assert_eq!(Positions::full().complement(), Positions::empty());
    }
}
