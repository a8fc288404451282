//! `generation.yaml`: what a generation is beside its lock, as the history shows it. It names plugins
//! and files, never arguments: those can hold secrets.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    layout::SettingsFile,
    name::PluginName,
    yaml::{self, FormatError, YamlError},
};

/// The format of `generation.yaml` that this release reads and writes.
pub const GENERATION_FORMAT: u64 = 1;

/// Longest verb in bytes.
const MAX_VERB_BYTES: usize = 32;

/// What made a generation, and which settings belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationRecord {
    /// Its number, from 1; also the name of its folder.
    pub number: u64,
    /// The generation that was live when it was made; a rollback goes there.
    pub parent: Option<u64>,
    /// When it was made, in seconds since 1970-01-01 UTC.
    pub created: u64,
    /// What was done.
    pub verb: Verb,
    /// The plugins it was done to, in the order of the command.
    pub names: Vec<PluginName>,
    /// The settings files, by plugin; a plugin without one has its defaults.
    pub settings: BTreeMap<PluginName, SettingsFile>,
}

/// Why a text is not a `generation.yaml`.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// Not YAML, or not of the right shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Written by a later release.
    #[error("the generation is of format {0}, which needs a newer leahpm")]
    Format(u64),
    /// A number that no generation has, or a parent that does not come before it.
    #[error("generation {number} cannot have the parent {}", parent.map_or("none".into(), |p| p.to_string()))]
    Number {
        /// Its number.
        number: u64,
        /// Its parent.
        parent: Option<u64>,
    },
    /// The settings of one plugin are to come from the file of another.
    #[error("the settings of `{name}` cannot be those in `{file}`")]
    Settings {
        /// The plugin.
        name: PluginName,
        /// The file that is named for it.
        file: SettingsFile,
    },
}

/// What was done to make a generation: a command's name such as `install`. Words in lower-case letters,
/// joined by hyphens, at most 32 bytes; a reader shows a word that it does not know as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verb(Box<str>);

/// The text is not a verb.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a verb: use lower-case letters, with single hyphens between words", .0.escape_debug())]
pub struct VerbError(String);

impl GenerationRecord {
    /// Reads a `generation.yaml`.
    ///
    /// # Errors
    /// When the text is not YAML of this shape, of a newer format, or contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<Self, GenerationError> {
        let wire: Wire =
            yaml::from_slice_of_format(bytes, GENERATION_FORMAT).map_err(|error| match error {
                FormatError::Newer(format) => GenerationError::Format(format),
                FormatError::Yaml(error) => error.into(),
            })?;
        let record = Self {
            number: wire.number,
            parent: wire.parent,
            created: wire.created,
            verb: wire.verb,
            names: wire.names,
            settings: wire.settings,
        };
        record.check()?;
        Ok(record)
    }

    /// The text of the file; the same record always gives the same bytes.
    ///
    /// # Errors
    /// When the record contradicts itself and could not be read again.
    pub fn to_text(&self) -> Result<String, GenerationError> {
        self.check()?;
        let wire = Wire {
            format: GENERATION_FORMAT,
            number: self.number,
            parent: self.parent,
            created: self.created,
            verb: self.verb.clone(),
            names: self.names.clone(),
            settings: self.settings.clone(),
        };
        Ok(yaml::to_string(&wire)?)
    }

    fn check(&self) -> Result<(), GenerationError> {
        let Self { number, parent, .. } = *self;
        // A parent that does not come before would let the walk along parents run in a circle.
        if number == 0 || parent.is_some_and(|parent| parent == 0 || parent >= number) {
            return Err(GenerationError::Number { number, parent });
        }
        match self.settings.iter().find(|(name, file)| *name != file.name()) {
            Some((name, file)) => Err(GenerationError::Settings { name: name.clone(), file: file.clone() }),
            None => Ok(()),
        }
    }
}

impl Verb {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Verb {
    type Err = VerbError;
    fn from_str(text: &str) -> Result<Self, VerbError> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        if text.len() > MAX_VERB_BYTES || !text.split('-').all(word) {
            return Err(VerbError(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl Serialize for Verb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Verb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The record as it stands in the file, in the order of its keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u64,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<u64>,
    created: u64,
    verb: Verb,
    names: Vec<PluginName>,
    settings: BTreeMap<PluginName, SettingsFile>,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn record() -> GenerationRecord {
        let name: PluginName = "translator".parse().unwrap();
        GenerationRecord {
            number: 12,
            parent: Some(9),
            created: 1_767_225_600,
            verb: "install".parse().unwrap(),
            names: vec![name.clone(), "123".parse().unwrap()],
            settings: BTreeMap::from([(name.clone(), SettingsFile::new(name, 7))]),
        }
    }

    #[track_caller]
    fn check_error(from: &str, to: &str, expect: &str) {
        let text = record().to_text().unwrap();
        assert!(text.contains(from), "{text}");
        let error = GenerationRecord::read(text.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn keeps_what_was_written() {
        let text = record().to_text().unwrap();
        assert_snapshot!(text, @r#"
        format: 1
        number: 12
        parent: 9
        created: 1767225600
        verb: install
        names:
        - translator
        - "123"
        settings:
          translator: translator-0000000000000007.yaml
        "#);
        assert_eq!(GenerationRecord::read(text.as_bytes()).unwrap(), record());
    }

    #[test]
    fn keeps_a_record_without_parent_names_or_settings() {
        let first = GenerationRecord {
            number: 1,
            parent: None,
            names: Vec::new(),
            settings: BTreeMap::new(),
            ..record()
        };
        assert_eq!(GenerationRecord::read(first.to_text().unwrap().as_bytes()).unwrap(), first);
    }

    #[test]
    fn refuses_a_newer_format_before_anything_else() {
        check_error(
            "format: 1",
            "format: 2\nnew: 1",
            "the generation is of format 2, which needs a newer leahpm",
        );
    }

    #[test]
    fn refuses_parents_that_would_make_a_circle() {
        check_error("parent: 9", "parent: 12", "generation 12 cannot have the parent 12");
        check_error("number: 12", "number: 3", "generation 3 cannot have the parent 9");
    }

    #[test]
    fn refuses_the_settings_of_another_plugin() {
        check_error(
            "translator: translator-",
            "other: translator-",
            "the settings of `other` cannot be those in `translator-0000000000000007.yaml`",
        );
    }

    #[test]
    fn verbs_are_words() {
        for verb in ["install", "permissions-grant"] {
            assert_eq!(verb.parse::<Verb>().unwrap().as_str(), verb);
        }
        for verb in ["", "Install", "install --set key=x", "a--b", "a\u{1b}", &"a".repeat(33)] {
            assert!(verb.parse::<Verb>().is_err(), "{verb}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = GenerationRecord::read(&bytes);
        }
    }
}
