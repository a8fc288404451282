//! The settings that a user gave one plugin: the file that holds them, and what they amount to under the declarations
//! of a manifest. Values of secrets are never part of an error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    manifest::{SWITCH, Setting, SettingError},
    yaml::{self, FormatError, YamlError},
};

/// The format of settings files that this release reads and writes.
pub const SETTINGS_FORMAT: u64 = 1;

/// What a user set, by key. A key that has its default stands here only if the user set it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The values.
    pub values: BTreeMap<String, Value>,
}

/// What a plugin is started with.
#[derive(Debug, Default)]
pub struct Effective {
    /// What the user set and the manifest allows, and the defaults of the rest.
    pub values: Map<String, Value>,
    /// Required settings without such a value; the plugin does not start. In the order of the keys.
    pub missing: Vec<String>,
    /// Values that the manifest does not allow (any more) and that are therefore not used, with the reason.
    pub refused: BTreeMap<String, SettingError>,
}

/// Why a text is not a settings file.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not YAML, or not of the right shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Written by a later release.
    #[error("the settings are of format {0}, which needs a newer leahpm")]
    Format(u64),
}

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    /// When the text is not YAML of this shape, or of a newer format.
    pub fn read(bytes: &[u8]) -> Result<Self, SettingsError> {
        let wire: Wire = yaml::from_slice_of_format(bytes, SETTINGS_FORMAT).map_err(|error| match error {
            FormatError::Newer(format) => SettingsError::Format(format),
            FormatError::Yaml(error) => error.into(),
        })?;
        Ok(Self { values: wire.values })
    }

    /// The text of the file; the same settings always give the same bytes.
    ///
    /// # Errors
    /// When a value has no YAML form.
    pub fn to_text(&self) -> Result<String, YamlError> {
        yaml::to_string(&Wire { format: SETTINGS_FORMAT, values: self.values.clone() })
    }

    /// What a plugin with these declarations is started with. Keys that it does not declare are left out, not lost: an
    /// older version, gone back to, may know them.
    #[must_use]
    pub fn effective(&self, declared: &BTreeMap<String, Setting>) -> Effective {
        let mut effective = Effective::default();
        for (key, setting) in declared.iter().filter(|(key, _)| *key != SWITCH) {
            let set = self.values.get(key).and_then(|value| match setting.check(value) {
                Ok(()) => Some(value.clone()),
                Err(error) => {
                    effective.refused.insert(key.clone(), error);
                    None
                }
            });
            match set.or_else(|| setting.default.clone()) {
                Some(value) => drop(effective.values.insert(key.clone(), value)),
                None if setting.required => effective.missing.push(key.clone()),
                None => {}
            }
        }
        effective
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u64,
    values: BTreeMap<String, Value>,
}
