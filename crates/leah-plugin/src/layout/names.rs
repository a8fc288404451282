//! Names of what lies in a home and is found by them again: store entries and settings files. Parsed as strictly
//! as they are written, so that nothing else there is taken for one.

use std::{fmt, str::FromStr};

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    digest::Digest,
    name::{NameError, PluginName},
    version::{VersionError, parse_version},
};

/// Hexadecimal digits of the content hash in the name of a store entry.
const SHORT_HEX: usize = 12;

/// Hexadecimal digits that make the name of a settings file unique.
const SETTINGS_HEX: usize = 16;

/// The name of an unpacked package in the store: `<name>-<version>-<12 hex>`, the hex of its content hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    name: PluginName,
    version: Version,
    short: Box<str>,
}

/// Why a text is not the name of a store entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryNameError {
    /// Not of the form `<name>-<version>-<12 hex>`.
    #[error("`{}` is not the name of a store entry: <name>-<version>-<12 hexadecimal digits>", .0.escape_debug())]
    Shape(String),
    /// The part in front is no name.
    #[error("`{}` does not begin with the name of a plugin", text.escape_debug())]
    Name {
        /// The text as given.
        text: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The part in the middle is no version.
    #[error("`{}` does not hold a version", text.escape_debug())]
    Version {
        /// The text as given.
        text: String,
        /// What is wrong with the version.
        source: VersionError,
    },
}

impl EntryName {
    /// The name of the entry for a package with this content hash.
    #[must_use]
    pub fn new(name: PluginName, version: Version, content: &Digest) -> Self {
        Self { name, version, short: content.short().into() }
    }

    /// The plugin.
    #[must_use]
    pub fn name(&self) -> &PluginName {
        &self.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The first 12 hexadecimal digits of its content hash.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.short
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.name, self.version, self.short)
    }
}

impl FromStr for EntryName {
    type Err = EntryNameError;
    fn from_str(text: &str) -> Result<Self, EntryNameError> {
        let shape = || EntryNameError::Shape(text.chars().take(255).collect());
        let (rest, short) = text.rsplit_once('-').ok_or_else(shape)?;
        if !is_lower_hex(short, SHORT_HEX) {
            return Err(shape());
        }
        // A name has no dot and a version has one behind its first number, so there is one way to split.
        let dot = rest.find('.').ok_or_else(shape)?;
        let hyphen = rest[..dot].rfind('-').ok_or_else(shape)?;
        let (name, version) = (&rest[..hyphen], &rest[hyphen + 1..]);
        let name = name.parse().map_err(|source| EntryNameError::Name { text: text.to_owned(), source })?;
        let version = parse_version(version)
            .map_err(|source| EntryNameError::Version { text: text.to_owned(), source })?;
        Ok(Self { name, version, short: short.into() })
    }
}

/// The name of a settings file: `<plugin>-<16 hex>.yaml`. A generation names its files by this, so the
/// type is what keeps a record from pointing outside of the settings folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingsFile {
    name: PluginName,
    unique: Box<str>,
}

/// The text is not the name of a settings file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not the name of a settings file: <plugin>-<16 hexadecimal digits>.yaml", .0.escape_debug())]
pub struct SettingsFileError(String);

impl SettingsFile {
    /// The name of a file for the settings of `name`; `unique` is what no other such file has.
    #[must_use]
    pub fn new(name: PluginName, unique: u64) -> Self {
        Self { name, unique: format!("{unique:016x}").into() }
    }

    /// The plugin whose settings the file holds.
    #[must_use]
    pub fn name(&self) -> &PluginName {
        &self.name
    }
}

impl fmt::Display for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.yaml", self.name, self.unique)
    }
}

impl FromStr for SettingsFile {
    type Err = SettingsFileError;
    fn from_str(text: &str) -> Result<Self, SettingsFileError> {
        let error = || SettingsFileError(text.chars().take(255).collect());
        let (name, unique) =
            text.strip_suffix(".yaml").and_then(|stem| stem.rsplit_once('-')).ok_or_else(error)?;
        if !is_lower_hex(unique, SETTINGS_HEX) {
            return Err(error());
        }
        Ok(Self { name: name.parse().map_err(|_| error())?, unique: unique.into() })
    }
}

impl Serialize for SettingsFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettingsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

pub(super) fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::ffi::OsStr;

    use super::*;
    use crate::layout::Layout;

    #[track_caller]
    fn check_entry(text: &str, expect: (&str, &str, &str)) {
        let entry: EntryName = text.parse().unwrap();
        let version = entry.version().to_string();
        assert_eq!((entry.name().as_str(), version.as_str(), entry.short()), expect);
        assert_eq!(entry.to_string(), text);
    }

    #[test]
    fn splits_an_entry_where_the_version_begins() {
        check_entry("translator-1.0.0-0123456789ab", ("translator", "1.0.0", "0123456789ab"));
        check_entry("text-2-10.0.0-rc-1.x-0123456789ab", ("text-2", "10.0.0-rc-1.x", "0123456789ab"));
        check_entry("a-1.0.0+b-0.9-0123456789ab", ("a", "1.0.0+b-0.9", "0123456789ab"));
    }

    #[test]
    fn refuses_other_entry_names() {
        for text in [
            "",
            "lock",
            ".staging-0123456789ab",
            "translator-1.0.0",
            "translator-1.0.0-0123456789AB",
            "translator-1.0.0-0123456789abc",
            "translator-1.0-0123456789ab",
            "1.0.0-0123456789ab",
            "../x-1.0.0-0123456789ab",
            "x-1.0.0/../y-0123456789ab",
        ] {
            assert!(text.parse::<EntryName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_settings_file_cannot_point_elsewhere() {
        let file = SettingsFile::new("text-tools".parse().unwrap(), 0xab);
        assert_eq!(file.to_string(), "text-tools-00000000000000ab.yaml");
        assert_eq!(file.to_string().parse(), Ok(file));
        for text in ["", "x.yaml", "../x-00000000000000ab.yaml", "x-00000000000000ab", "x-ab.yaml"] {
            assert!(text.parse::<SettingsFile>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_entry_of_the_longest_name_fits_a_file_name() {
        let version = format!("1.0.0-{}", "x".repeat(crate::version::MAX_VERSION_BYTES - 6));
        let name = "n".repeat(crate::name::MAX_NAME_BYTES).parse().unwrap();
        let entry = EntryName::new(name, parse_version(&version).unwrap(), &Digest::of(b""));
        assert!(entry.to_string().len() <= 255);
        assert_eq!(entry.to_string().parse::<EntryName>().unwrap(), entry);
    }

    proptest! {
        #[test]
        fn no_name_in_the_store_makes_the_parsers_panic(text in "\\PC{0,40}|[a-z0-9.+-]{0,40}") {
            let _ = text.parse::<EntryName>();
            let _ = text.parse::<SettingsFile>();
            let _ = Layout::number_in_name(OsStr::new(&text));
        }
    }
}
