//! The smallest versions that a range takes, as far as it names them.

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// The points where `range` begins to hold, ascending; empty where it only has an upper end.
pub(super) fn lowest_of(range: &VersionReq) -> Vec<Version> {
    let mut lowest: Vec<Version> = range.comparators.iter().filter_map(lowest).collect();
    lowest.retain(|version| range.matches(version));
    lowest.sort();
    lowest
}

/// The smallest version that the comparator takes, where it has a lower end.
fn lowest(comparator: &Comparator) -> Option<Version> {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let filled = Version {
        pre: pre.clone(),
        ..Version::new(*major, minor.unwrap_or_default(), patch.unwrap_or_default())
    };
    match op {
        Op::Exact | Op::GreaterEq | Op::Tilde | Op::Caret | Op::Wildcard => Some(filled),
        // Behind a pre-release comes its release.
        Op::Greater if !pre.is_empty() => Some(Version { pre: Prerelease::EMPTY, ..filled }),
        Op::Greater => Some(match (minor, patch) {
            (None, _) => Version::new(major.checked_add(1)?, 0, 0),
            (Some(minor), None) => Version::new(*major, minor.checked_add(1)?, 0),
            (Some(minor), Some(patch)) => Version::new(*major, *minor, patch.checked_add(1)?),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, expect: &[&str]) {
        let lowest = lowest_of(&range.parse().unwrap());
        assert_eq!(lowest.iter().map(Version::to_string).collect::<Vec<_>>(), expect, "{range}");
    }

    #[test]
    fn a_range_begins_where_its_lower_end_is() {
        check(">=0.3", &["0.3.0"]);
        check("^1", &["1.0.0"]);
        check("~1.2.3", &["1.2.3"]);
        check("=2.0.0", &["2.0.0"]);
        check("1.*", &["1.0.0"]);
        check(">1", &["2.0.0"]);
        check(">1.2", &["1.3.0"]);
        check(">1.2.3", &["1.2.4"]);
        check(">=0.3.0-beta.1", &["0.3.0-beta.1"]);
        check(">0.3.0-beta.1", &["0.3.0"]);
    }

    #[test]
    fn what_another_part_of_the_range_rules_out_is_no_beginning() {
        check(">=0.2, >=0.4, <1", &["0.4.0"]);
        check(">=2, <1", &[]);
    }

    #[test]
    fn a_range_without_a_lower_end_names_none() {
        check("<0.3", &[]);
        check("*", &[]);
        check(">18446744073709551615", &[]);
    }
}
