//! Versions and ranges of versions: semver, as the `semver` crate reads it, with a limit on length.

use semver::{Version, VersionReq};

/// The version of `leah:plugin`, the plugin API, that this release knows.
pub const PLUGIN_API: Version = Version::new(1, 0, 0);

/// The version of `leah-host` that belongs to this release; used where no host is running.
pub const HOST_VERSION: Version = Version::new(0, 1, 0);

/// Longest text of a version or a range in bytes; the longest in use on any registry are far shorter.
pub const MAX_VERSION_BYTES: usize = 128;

/// Why a text is not a version or a range.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Longer than [`MAX_VERSION_BYTES`].
    #[error("a version or range has at most {MAX_VERSION_BYTES} characters, this one has {0}")]
    TooLong(usize),
    /// Not semver.
    #[error("`{}` is not a version", text.escape_debug())]
    Version {
        /// The text as given.
        text: String,
        /// What the parser found.
        source: semver::Error,
    },
    /// Not a semver range.
    #[error("`{}` is not a version range", text.escape_debug())]
    Range {
        /// The text as given.
        text: String,
        /// What the parser found.
        source: semver::Error,
    },
}

/// Reads a version such as `1.2.0` or `2.0.0-beta.1`.
///
/// # Errors
/// When the text is too long or not semver.
pub fn parse_version(text: &str) -> Result<Version, VersionError> {
    if text.len() > MAX_VERSION_BYTES {
        return Err(VersionError::TooLong(text.len()));
    }
    Version::parse(text).map_err(|source| VersionError::Version { text: text.to_owned(), source })
}

/// Reads a range such as `^1.2`, `>=1, <3` or `*`.
///
/// # Errors
/// When the text is too long or not a range.
pub fn parse_range(text: &str) -> Result<VersionReq, VersionError> {
    if text.len() > MAX_VERSION_BYTES {
        return Err(VersionError::TooLong(text.len()));
    }
    VersionReq::parse(text).map_err(|source| VersionError::Range { text: text.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_semver() {
        for text in ["", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0 "] {
            assert!(parse_version(text).is_err(), "{text}");
        }
        for text in ["", "^^1", "1.0.0 2.0.0", "latest"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
        assert!(matches!(parse_range(&"1".repeat(200)), Err(VersionError::TooLong(200))));
    }

    #[test]
    fn pre_releases_match_only_when_asked_for() {
        let beta = parse_version("2.0.0-beta.1").unwrap();
        assert!(!parse_range("*").unwrap().matches(&beta));
        assert!(!parse_range(">=1").unwrap().matches(&beta));
        assert!(parse_range(">=2.0.0-beta").unwrap().matches(&beta));
    }
}
