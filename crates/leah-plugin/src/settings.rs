//! The settings that a user gave one plugin: the file that holds them, and what they amount to under the declarations
//! of a manifest. Values of secrets are never part of an error.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    manifest::{SWITCH, Setting, SettingError},
    yaml::{self, FormatError, MAX_YAML_BYTES, YamlError},
};

/// The format of settings files that this release reads and writes.
pub const SETTINGS_FORMAT: u64 = 1;

/// What a user set, by key. A key that has its default stands here only if the user set it.
#[derive(Clone, PartialEq, Default)]
pub struct Settings {
    /// The values.
    pub values: BTreeMap<String, Value>,
}

/// What a plugin is started with.
#[derive(Default)]
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
    /// More than a settings file may hold.
    #[error("the settings are too large: {0} bytes together, of at most {MAX_YAML_BYTES}")]
    TooLarge(usize),
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
    /// When there is more than can be read again.
    pub fn to_text(&self) -> Result<String, SettingsError> {
        let text = yaml::to_string(&Wire { format: SETTINGS_FORMAT, values: self.values.clone() })?;
        if text.len() > MAX_YAML_BYTES { Err(SettingsError::TooLarge(text.len())) } else { Ok(text) }
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

/// The keys alone: which of the values are secrets is not known here.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Without the values, for the same reason.
impl fmt::Debug for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.values.keys().collect();
        let Self { missing, refused, .. } = self;
        f.debug_struct("Effective")
            .field("values", &keys)
            .field("missing", missing)
            .field("refused", refused)
            .finish()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u64,
    values: BTreeMap<String, Value>,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::Manifest;

    const MANIFEST: &str = r#"
name: translator
version: 1.0.0
author: LEAH contributors
description: Translates
api: "^1.0"
config:
  api_key: { type: string, required: true, secret: true, pattern: "sk-.*" }
  enabled: { type: boolean, default: true }
  limits: { type: list, items: integer, min: 1 }
  target: { type: string, enum: [en, tr], default: en }
"#;

    fn declared() -> BTreeMap<String, Setting> {
        Manifest::read(MANIFEST.as_bytes()).unwrap().config
    }

    fn settings(values: Value) -> Settings {
        Settings { values: serde_json::from_value(values).unwrap() }
    }

    #[track_caller]
    fn check([values, effective]: [Value; 2], missing: &[&str], refused: &[&str]) {
        let found = settings(values).effective(&declared());
        assert_eq!(Value::Object(found.values), effective);
        assert_eq!(found.missing, missing);
        assert_eq!(found.refused.keys().collect::<Vec<_>>(), refused);
    }

    #[test]
    fn a_file_says_what_was_set_and_no_more() {
        let settings =
            settings(json!({ "target": "tr", "limits": [1, 2], "mark": "yes: \"no\"\n", "on": "true" }));
        let text = settings.to_text().unwrap();
        assert_snapshot!(text, @r#"
        format: 1
        values:
          limits:
          - 1
          - 2
          mark: |
            yes: "no"
          "on": "true"
          target: tr
        "#);
        assert_eq!(Settings::read(text.as_bytes()).unwrap(), settings);
    }

    #[test]
    fn a_plugin_gets_what_was_set_and_the_defaults_of_the_rest() {
        check([json!({ "api_key": "sk-1" }), json!({ "api_key": "sk-1", "target": "en" })], &[], &[]);
        check([json!({ "target": "tr" }), json!({ "target": "tr" })], &["api_key"], &[]);
    }

    #[test]
    fn a_plugin_gets_nothing_that_its_manifest_does_not_allow() {
        let values = json!({ "api_key": "no", "target": "fr", "limits": [0], "gone": 1 });
        check([values, json!({ "target": "en" })], &["api_key"], &["api_key", "limits", "target"]);
    }

    #[test]
    fn the_switch_is_no_setting() {
        check([json!({ "enabled": false }), json!({ "target": "en" })], &["api_key"], &[]);
    }

    #[test]
    fn shows_no_value_in_what_is_written_for_programmers() {
        let settings = settings(json!({ "api_key": "hunter2", "limits": [0] }));
        let shown = format!("{settings:?} {:?}", settings.effective(&declared()));
        assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn refuses_what_is_no_settings_file() {
        for text in [
            "",
            "format: 1",
            "format: 1\nvalues: {}\nmore: 1",
            "format: 1\nvalues: { a: 1, a: 2 }",
            "values: {}",
        ] {
            assert!(matches!(Settings::read(text.as_bytes()), Err(SettingsError::Yaml(_))), "{text}");
        }
        let newer = Settings::read(b"format: 2\nvalues: {}\nnew: 1").unwrap_err();
        assert_eq!(newer.to_string(), "the settings are of format 2, which needs a newer leahpm");
    }

    #[test]
    fn writes_no_more_than_can_be_read() {
        let long = settings(json!({ "a": vec!["x".repeat(16 << 10); 256] }));
        assert!(matches!(long.to_text(), Err(SettingsError::TooLarge(_))));
    }

    #[test]
    fn an_error_of_a_file_repeats_no_value() {
        for text in [
            "format: 1\nvalues: hunter2\n",
            "format: 1\nvalues: { a: hunter2, a: 1 }\n",
            "format: hunter2\n",
            "format: 1\nvalues:\n  a: \"hunter2\n",
        ] {
            let error = Settings::read(text.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    fn item() -> impl Strategy<Value = Value> {
        prop_oneof![
            ".*".prop_map(Value::from),
            prop_oneof![
                "true",
                "no",
                "~",
                "1e3",
                "-.5",
                "0x1f",
                "null",
                " a",
                "a ",
                "- a",
                "a: b",
                "# a",
                "\u{feff}a",
                "a\r\nb\t"
            ]
            .prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO).prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            values in proptest::collection::btree_map(
                "[a-z][a-z0-9_-]{0,9}",
                prop_oneof![item(), proptest::collection::vec(item(), 0..4).prop_map(Value::from)],
                0..6,
            ),
        ) {
            let settings = Settings { values };
            let text = settings.to_text().unwrap();
            let read = Settings::read(text.as_bytes()).unwrap();
            prop_assert_eq!(&read.values, &settings.values, "{}", text);
            prop_assert_eq!(read.to_text().unwrap(), text);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Settings::read(&bytes));
        }
    }
}
