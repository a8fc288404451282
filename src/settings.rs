//! What a change of settings means: what the user says of keys, read by the declarations of a manifest, becomes the next
//! settings and a list of what changed. Pure. No value of a secret gets into a change or an error.

use std::{collections::BTreeMap, fmt};

use leah_plugin::{
    manifest::{
        PermissionKind, Permissions, SWITCH, Setting, SettingError,
        scope::{ScopeError, entry_of_setting},
    },
    name::PluginName,
    settings::Settings,
    terminal::escaped,
};
use serde_json::Value;

/// Longest value that is shown whole, in characters.
const SHOWN: usize = 60;

/// What the user says of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The key of the setting.
    pub key: String,
    /// What is to become of it.
    pub wish: Wish,
}

/// What is to become of a setting.
#[derive(Clone, PartialEq, Eq)]
pub enum Wish {
    /// This text stood on the command line, where others can read it.
    Said(String),
    /// This text was typed when asked for, or came from standard input.
    Handed(String),
    /// It is to have its default again.
    Unset,
}

/// How a setting stands after a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Now {
    /// It has this value.
    Value(Value),
    /// It has a value that is not shown.
    Secret,
    /// It has its default.
    Default(Value),
    /// It has no value.
    Nothing,
    /// Its value is checked when the package is there.
    Later,
}

/// The declarations of a manifest.
pub type Declared = BTreeMap<String, Setting>;

/// Settings after a change.
#[derive(Debug, PartialEq)]
pub struct Altered {
    /// All that is set now.
    pub settings: Settings,
    /// The keys whose value is another one now, in the order of the keys.
    pub changed: Vec<(String, Now)>,
}

/// Why settings are not changed in the way that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The plugin has no such setting.
    #[error("`{name}` has no setting `{}`", key.chars().take(80).collect::<String>().escape_debug())]
    Unknown {
        /// The plugin.
        name: PluginName,
        /// The key as given.
        key: String,
        /// The key that was probably meant.
        similar: Option<String>,
    },
    /// `enabled` stands for the switch of the plugin.
    #[error("`{SWITCH}` is not a setting of `{0}` but its switch")]
    Switch(PluginName),
    /// A secret stood on a command line.
    #[error("`{key}` of `{name}` is a secret, and what stands on a command line can be read by others")]
    Said {
        /// The plugin.
        name: PluginName,
        /// The key.
        key: String,
    },
    /// The manifest does not allow the value.
    #[error("this value is none for `{key}` of `{name}`")]
    Unfit {
        /// The plugin.
        name: PluginName,
        /// The key.
        key: String,
        /// The rule that it breaks.
        source: SettingError,
    },
}

/// The settings that follow from `current` when all `orders` are carried out, the later of two for one key last.
///
/// # Errors
/// When a key is not declared, a secret was said aloud, or a value does not fit.
pub fn alter(
    name: &PluginName,
    current: &Settings,
    declared: &Declared,
    orders: &[Order],
) -> Result<Altered, OrderError> {
    let mut settings = current.clone();
    for Order { key, wish } in orders {
        let (text, aloud) = match wish {
            // What an earlier version knew can still be taken away.
            Wish::Unset if current.values.contains_key(key) => {
                settings.values.remove(key);
                continue;
            }
            Wish::Unset => {
                find(name, declared, key)?;
                continue;
            }
            Wish::Said(text) => (text, true),
            Wish::Handed(text) => (text, false),
        };
        let setting = find(name, declared, key)?;
        if setting.secret && aloud {
            return Err(OrderError::Said { name: name.clone(), key: key.clone() });
        }
        let unfit = |source| OrderError::Unfit { name: name.clone(), key: key.clone(), source };
        settings.values.insert(key.clone(), setting.from_text(text).map_err(unfit)?);
    }
    let changed = difference((current, declared), (&settings, declared));
    Ok(Altered { settings, changed })
}

/// The declaration of a setting.
///
/// # Errors
/// When there is none of that key.
pub fn find<'a>(name: &PluginName, declared: &'a Declared, key: &str) -> Result<&'a Setting, OrderError> {
    if key == SWITCH {
        return Err(OrderError::Switch(name.clone()));
    }
    let unknown = || {
        // The comparison takes time in the product of the lengths.
        let known = declared.keys().filter(|known| *known != SWITCH && key.len() <= 64);
        let near = known.map(|known| (strsim::jaro_winkler(key, known), known));
        let best = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 > 0.84);
        OrderError::Unknown {
            name: name.clone(),
            key: key.to_owned(),
            similar: best.map(|best| best.1.clone()),
        }
    };
    declared.get(key).ok_or_else(unknown)
}

/// The keys that were set to something else or unset on the way from one to the other. What either of two versions
/// calls a secret is one, and so is what nobody declares.
#[must_use]
pub fn difference(before: (&Settings, &Declared), after: (&Settings, &Declared)) -> Vec<(String, Now)> {
    let is_secret = |key: &String| {
        let declared: Vec<&Setting> = [before.1, after.1].iter().filter_map(|all| all.get(key)).collect();
        declared.is_empty() || declared.iter().any(|setting| setting.secret)
    };
    let now = |key: &String| match (after.0.values.get(key), after.1.get(key)) {
        (Some(_), _) if is_secret(key) => Now::Secret,
        (Some(value), _) => Now::Value(value.clone()),
        (None, Some(Setting { default: Some(default), .. })) => Now::Default(default.clone()),
        (None, _) => Now::Nothing,
    };
    let mut keys: Vec<&String> = before.0.values.keys().chain(after.0.values.keys()).collect();
    keys.sort();
    keys.dedup();
    let other = |key: &&String| before.0.values.get(*key) != after.0.values.get(*key);
    keys.into_iter().filter(other).map(|key| (key.clone(), now(key))).collect()
}

/// What a setting with this value adds to the permissions that name it: the host or folder, or why it is none.
pub fn reach(
    granted: &Permissions,
    key: &str,
    value: &str,
) -> Vec<(PermissionKind, Result<String, ScopeError>)> {
    let naming = granted.iter().filter(|(_, scope)| scope.settings().any(|named| named == key));
    naming.map(|(kind, _)| (kind, entry_of_setting(kind, value))).collect()
}

/// A value in a line for people: a plain string as it is, anything else as JSON, and no more than a glance takes in.
#[must_use]
pub fn shown(value: &Value) -> String {
    let is_plain = |text: &str| !text.is_empty() && text.trim() == text && escaped(text) == *text;
    let text = match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => escaped(&other.to_string()),
    };
    if text.chars().count() > SHOWN { text.chars().take(SHOWN - 1).chain(['…']).collect() } else { text }
}

/// Which of the three, and never the text: nobody knows yet whether it is a secret.
impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Said(_) => "Said",
            Self::Handed(_) => "Handed",
            Self::Unset => "Unset",
        })
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => f.write_str(&shown(value)),
            Self::Secret => f.write_str("set, a secret"),
            Self::Default(value) => write!(f, "{}, its default", shown(value)),
            Self::Nothing => f.write_str("not set"),
            Self::Later => f.write_str("checked when the package is here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use leah_plugin::manifest::Manifest;
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = r#"
name: translator
version: 1.0.0
author: LEAH contributors
description: Translates
api: "^1.0"
config:
  api_key: { type: string, secret: true, min: 3 }
  enabled: { type: boolean, default: true }
  limits: { type: list, items: integer, min: 1 }
  target: { type: string, enum: [en, tr], default: en }
"#;

    fn name() -> PluginName {
        "translator".parse().unwrap()
    }

    fn declared() -> Declared {
        Manifest::read(MANIFEST.as_bytes()).unwrap().config
    }

    fn settings(values: Value) -> Settings {
        Settings { values: serde_json::from_value(values).unwrap() }
    }

    fn order(key: &str, wish: Wish) -> Order {
        Order { key: key.into(), wish }
    }

    fn said(key: &str, text: &str) -> Order {
        order(key, Wish::Said(text.into()))
    }

    #[track_caller]
    fn check([before, after]: [Value; 2], orders: &[Order], changed: &[&str]) {
        let altered = alter(&name(), &settings(before), &declared(), orders).unwrap();
        assert_eq!(altered.settings, settings(after));
        let lines = altered.changed.iter().map(|(key, now)| format!("{key}: {now}"));
        assert_eq!(lines.collect::<Vec<_>>(), changed);
    }

    #[track_caller]
    fn refuses(order: Order, expect: &str) {
        let error = alter(&name(), &settings(json!({ "gone": 1 })), &declared(), &[order]).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        assert_eq!(format!("{error}{}", cause.unwrap_or_default()), expect);
    }

    #[test]
    fn carries_out_orders_and_says_what_is_other_now() {
        let orders =
            [said("target", "tr"), said("limits", "1,2"), order("api_key", Wish::Handed("sk-1".into()))];
        let after = json!({ "target": "tr", "limits": [1, 2], "api_key": "sk-1" });
        check([json!({}), after], &orders, &["api_key: set, a secret", "limits: [1,2]", "target: tr"]);
        check(
            [json!({ "target": "tr", "limits": [1] }), json!({})],
            &[order("target", Wish::Unset), order("limits", Wish::Unset)],
            &["limits: not set", "target: en, its default"],
        );
    }

    #[test]
    fn says_nothing_of_what_is_as_it_was() {
        check([json!({ "target": "tr" }), json!({ "target": "tr" })], &[said("target", "tr")], &[]);
        check([json!({}), json!({})], &[order("target", Wish::Unset)], &[]);
        check(
            [json!({}), json!({ "target": "tr" })],
            &[said("target", "en"), said("target", "tr")],
            &["target: tr"],
        );
    }

    #[test]
    fn what_an_earlier_version_knew_stays_until_it_is_unset() {
        check(
            [json!({ "gone": 1 }), json!({ "gone": 1, "target": "tr" })],
            &[said("target", "tr")],
            &["target: tr"],
        );
        check([json!({ "gone": 1 }), json!({})], &[order("gone", Wish::Unset)], &["gone: not set"]);
    }

    #[test]
    fn refuses_what_is_not_declared_or_does_not_fit() {
        refuses(said("targt", "tr"), "`translator` has no setting `targt`");
        refuses(said("gone", "2"), "`translator` has no setting `gone`");
        refuses(order("x", Wish::Unset), "`translator` has no setting `x`");
        refuses(said("enabled", "true"), "`enabled` is not a setting of `translator` but its switch");
        refuses(
            said("target", "fr"),
            "this value is none for `target` of `translator`: `\"fr\"` is none of `\"en\"`, `\"tr\"`",
        );
    }

    #[test]
    fn suggests_the_key_that_was_meant() {
        let similar = |key: &str| match find(&name(), &declared(), key).unwrap_err() {
            OrderError::Unknown { similar, .. } => similar,
            other => panic!("{other}"),
        };
        assert_eq!(similar("targt").as_deref(), Some("target"));
        assert_eq!(similar("apikey").as_deref(), Some("api_key"));
        assert_eq!(similar("enable"), None);
        assert_eq!(similar(&"target".repeat(100)), None);
    }

    #[test]
    fn takes_no_secret_from_a_command_line_and_repeats_none() {
        refuses(
            said("api_key", "hunter2"),
            "`api_key` of `translator` is a secret, and what stands on a command line can be read by others",
        );
        refuses(
            order("api_key", Wish::Handed("hi".into())),
            "this value is none for `api_key` of `translator`: the value (a secret, not shown) is out of range: at least 3 characters",
        );
        let shown =
            format!("{:?}", [said("api_key", "hunter2"), order("api_key", Wish::Handed("hunter2".into()))]);
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_one_of_two_versions_calls_a_secret_is_not_shown() {
        let (before, after) =
            (settings(json!({ "target": "a" })), settings(json!({ "target": "b", "gone": 1 })));
        let mut other = declared();
        other.get_mut("target").unwrap().secret = true;
        let expect = [("gone".to_owned(), Now::Secret), ("target".to_owned(), Now::Secret)];
        assert_eq!(difference((&before, &other), (&after, &declared())), expect);
        assert_eq!(difference((&before, &declared()), (&after, &other)), expect);
    }

    #[test]
    fn says_what_a_permission_reaches_by_a_setting() {
        let granted: Permissions =
            serde_json::from_str(r#"["use_model",{"network_access":["a.example","setting:server"]}]"#)
                .unwrap();
        let reached = |key, value| -> Vec<Option<String>> {
            reach(&granted, key, value).into_iter().map(|(_, place)| place.ok()).collect()
        };
        assert_eq!(reached("server", "https://b.example/x"), [Some("b.example".to_owned())]);
        assert_eq!(reached("server", "b c"), [None]);
        assert_eq!(reached("target", "en"), []);
    }

    #[test]
    fn shows_values_so_that_a_line_stays_one() {
        for (value, expect) in [
            (json!("en"), "en"),
            (json!("two words"), "two words"),
            (json!(""), "\"\""),
            (json!(" a"), "\" a\""),
            (json!("a\nb"), "\"a\\nb\""),
            (json!("a\u{202e}b"), "\"a\\u{202e}b\""),
            (json!([1, "a"]), "[1,\"a\"]"),
        ] {
            assert_eq!(shown(&value), expect);
        }
        assert_eq!(shown(&json!("x".repeat(100))).chars().count(), SHOWN);
    }
}
