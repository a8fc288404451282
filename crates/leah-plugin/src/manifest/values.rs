//! Values of settings: whether one fits its declaration, and how a command line spells it. Values are JSON. No error
//! repeats the value of a secret.

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use super::settings::{ItemType, Setting, SettingType};

/// Longest string of a value in bytes.
pub const MAX_VALUE_BYTES: usize = 16 << 10;

/// Most items of a list.
pub const MAX_ITEMS: usize = 256;

/// Longest pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 256;

/// Longest string that a pattern is matched against, in bytes.
pub const MAX_MATCHED_BYTES: usize = 4 << 10;

// What a pattern may take as a program, in bytes. It comes from a stranger, `(a*){99}{9}` is short, and a match takes
// time in the product of program and string: with these limits at most a tenth of a second.
const PATTERN_PROGRAM_BYTES: usize = 48 << 10;

/// Why a value does not fit its setting.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingError {
    /// Not of the setting's type.
    #[error("{value} is not of type {kind}")]
    Type {
        /// The value as it may be shown.
        value: String,
        /// What it should be.
        kind: String,
    },
    /// None of the values there are.
    #[error("{value} is none of {choices}")]
    Choice {
        /// The value as it may be shown.
        value: String,
        /// The values there are.
        choices: String,
    },
    /// Below `min` or above `max`.
    #[error("{value} is out of range: {limit} {bound}{unit}")]
    Range {
        /// The value as it may be shown.
        value: String,
        /// `at least` or `at most`.
        limit: &'static str,
        /// The bound it breaks.
        bound: f64,
        /// What is counted, if it is not the value itself.
        unit: &'static str,
    },
    /// Does not match the pattern.
    #[error("{value} does not match the pattern `{}`", .pattern.escape_debug())]
    Mismatch {
        /// The value as it may be shown.
        value: String,
        /// The pattern.
        pattern: String,
    },
    /// The pattern itself is not a regular expression, or needs too large a program.
    #[error("`{}` is not a regular expression", .pattern.escape_debug())]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: regex_lite::Error,
    },
    /// A pattern beyond [`MAX_PATTERN_BYTES`].
    #[error("a pattern has at most {MAX_PATTERN_BYTES} bytes, this one has {0}")]
    PatternLength(usize),
    /// Beyond [`MAX_VALUE_BYTES`], [`MAX_MATCHED_BYTES`] or [`MAX_ITEMS`].
    #[error("the value is too large: at most {most} {unit} are allowed")]
    TooLarge {
        /// The limit.
        most: usize,
        /// What is counted.
        unit: &'static str,
    },
}

impl Setting {
    /// Checks a value.
    ///
    /// # Errors
    /// When it is not of the type or breaks a limit.
    pub fn check(&self, value: &Value) -> Result<(), SettingError> {
        match (self.kind, value) {
            (SettingType::One(_), value) => self.check_item(value),
            (SettingType::List(_), Value::Array(items)) if items.len() > MAX_ITEMS => {
                Err(SettingError::TooLarge { most: MAX_ITEMS, unit: "items" })
            }
            (SettingType::List(_), Value::Array(items)) => {
                items.iter().try_for_each(|item| self.check_item(item))
            }
            (SettingType::List(_), other) => Err(self.wrong_type(other)),
        }
    }

    /// Reads a value as a command line spells it, and checks it: a string as it is, a list as items between commas
    /// or as JSON in `[` `]`, anything else as JSON does.
    ///
    /// # Errors
    /// When the text is no such value, or the value does not fit.
    pub fn from_text(&self, text: &str) -> Result<Value, SettingError> {
        let value = match self.kind {
            SettingType::One(item) => self.item_from_text(item, text)?,
            SettingType::List(item) => self.list_from_text(item, text)?,
        };
        self.check(&value)?;
        Ok(value)
    }

    /// Checks a value, or an item of a list, against type and limits.
    pub(super) fn check_item(&self, value: &Value) -> Result<(), SettingError> {
        let item = self.kind.item();
        let fits = match item {
            ItemType::String => value.is_string(),
            ItemType::Boolean => value.is_boolean(),
            ItemType::Integer => value.is_i64(),
            ItemType::Number => value.is_number(),
        };
        if !fits {
            return Err(self.wrong_type(value));
        }
        if let Value::String(text) = value {
            self.check_string(text)?;
        }
        if let Some(number) = value.as_f64() {
            self.check_range(value, number, "")?;
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| same(choice, value)) {
            let choices: Vec<_> = self.choices.iter().map(shown).collect();
            return Err(SettingError::Choice { value: self.show(value), choices: choices.join(", ") });
        }
        Ok(())
    }

    fn check_string(&self, text: &str) -> Result<(), SettingError> {
        let most = if self.pattern.is_some() { MAX_MATCHED_BYTES } else { MAX_VALUE_BYTES };
        if text.len() > most {
            return Err(SettingError::TooLarge { most, unit: "bytes" });
        }
        let value = || Value::String(text.to_owned());
        if self.min.is_some() || self.max.is_some() {
            self.check_range(&value(), text.chars().count() as f64, " characters")?;
        }
        match &self.pattern {
            Some(pattern) if !check_pattern(pattern)?.is_match(text) => {
                Err(SettingError::Mismatch { value: self.show(&value()), pattern: pattern.clone() })
            }
            _ => Ok(()),
        }
    }

    fn check_range(&self, value: &Value, measure: f64, unit: &'static str) -> Result<(), SettingError> {
        let error = |limit, bound| Err(SettingError::Range { value: self.show(value), limit, bound, unit });
        match (self.min, self.max) {
            (Some(min), _) if measure < min => error("at least", min),
            (_, Some(max)) if measure > max => error("at most", max),
            _ => Ok(()),
        }
    }

    fn list_from_text(&self, item: ItemType, text: &str) -> Result<Value, SettingError> {
        if text.trim_start().starts_with('[') {
            let wrong = |_| self.wrong_type(&Value::String(text.to_owned()));
            return serde_json::from_str::<Vec<Value>>(text).map(Value::Array).map_err(wrong);
        }
        if text.trim().is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        text.split(',').map(|part| self.item_from_text(item, part.trim())).collect()
    }

    fn item_from_text(&self, item: ItemType, text: &str) -> Result<Value, SettingError> {
        let string = || Value::String(text.to_owned());
        match item {
            ItemType::String => Ok(string()),
            _ => serde_json::from_str(text).map_err(|_| self.wrong_type(&string())),
        }
    }

    fn wrong_type(&self, value: &Value) -> SettingError {
        SettingError::Type { value: self.show(value), kind: self.kind.to_string() }
    }

    fn show(&self, value: &Value) -> String {
        if self.secret { "the value (a secret, not shown)".into() } else { shown(value) }
    }
}

/// Compiles a pattern so that it matches whole strings.
pub(super) fn check_pattern(pattern: &str) -> Result<Regex, SettingError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(SettingError::PatternLength(pattern.len()));
    }
    let compile =
        |text: &str| RegexBuilder::new(text).size_limit(PATTERN_PROGRAM_BYTES).nest_limit(16).build();
    // Alone first: `a)|(b` would slip out of the group below.
    compile(pattern)
        .and_then(|_| compile(&format!(r"\A(?:{pattern})\z")))
        .map_err(|source| SettingError::Pattern { pattern: pattern.to_owned(), source })
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let text: String =
        if text.chars().count() > 80 { text.chars().take(79).chain(['…']).collect() } else { text };
    // JSON escapes the ASCII control characters, and this the others.
    let escape = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_debug().to_string() };
    format!("`{}`", text.chars().map(escape).collect::<String>())
}

/// JSON numbers are compared by value, so that 1 is 1.0 where a number is asked for.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setting(kind: SettingType) -> Setting {
        Setting {
            kind,
            required: false,
            default: None,
            choices: Vec::new(),
            min: None,
            max: None,
            pattern: None,
            secret: false,
            description: None,
        }
    }

    #[track_caller]
    fn check(setting: &Setting, text: &str, expect: Result<Value, &str>) {
        assert_eq!(setting.from_text(text).map_err(|e| e.to_string()), expect.map_err(str::to_owned));
    }

    #[test]
    fn reads_what_a_command_line_says() {
        use ItemType::{Boolean, Integer, Number, String};
        check(&setting(SettingType::One(String)), " 5", Ok(json!(" 5")));
        check(&setting(SettingType::One(Boolean)), "true", Ok(json!(true)));
        check(&setting(SettingType::One(Boolean)), "yes", Err("`\"yes\"` is not of type boolean"));
        check(&setting(SettingType::One(Integer)), "-5", Ok(json!(-5)));
        check(&setting(SettingType::One(Integer)), "5.5", Err("`5.5` is not of type integer"));
        check(&setting(SettingType::One(Number)), "5.5", Ok(json!(5.5)));
        check(&setting(SettingType::One(Number)), "1e999", Err("`\"1e999\"` is not of type number"));
        check(&setting(SettingType::List(String)), "a, b", Ok(json!(["a", "b"])));
        check(&setting(SettingType::List(String)), "[\"a,b\"]", Ok(json!(["a,b"])));
        check(&setting(SettingType::List(Integer)), "", Ok(json!([])));
        check(&setting(SettingType::List(Integer)), "1,x", Err("`\"x\"` is not of type list of integer"));
    }

    #[test]
    fn refuses_values_beyond_the_limits() {
        let kind = SettingType::One(ItemType::Integer);
        let range = Setting { min: Some(1.0), max: Some(9.0), ..setting(kind) };
        check(&range, "9", Ok(json!(9)));
        check(&range, "0", Err("`0` is out of range: at least 1"));
        let text = SettingType::One(ItemType::String);
        let length = Setting { max: Some(3.0), ..setting(text) };
        check(&length, "äöü", Ok(json!("äöü")));
        check(&length, "abcd", Err("`\"abcd\"` is out of range: at most 3 characters"));
        let choice = Setting { choices: vec![json!("en"), json!("tr")], ..setting(text) };
        check(&choice, "fr", Err("`\"fr\"` is none of `\"en\"`, `\"tr\"`"));
        let pattern = Setting { pattern: Some("[a-z]+|1".into()), ..setting(text) };
        check(&pattern, "ab", Ok(json!("ab")));
        check(&pattern, "ab1", Err("`\"ab1\"` does not match the pattern `[a-z]+|1`"));
        let large = Err("the value is too large: at most 16384 bytes are allowed");
        check(&setting(text), &"x".repeat(MAX_VALUE_BYTES + 1), large);
    }

    #[test]
    fn keeps_secrets_out_of_its_errors() {
        let text = SettingType::One(ItemType::String);
        let secret = Setting { secret: true, pattern: Some("sk-.*".into()), ..setting(text) };
        let error = secret.from_text("hunter2").unwrap_err().to_string();
        assert_eq!(error, "the value (a secret, not shown) does not match the pattern `sk-.*`");
    }

    #[test]
    fn refuses_patterns_that_escape_their_group_or_eat_memory() {
        for pattern in
            ["a)|(b", "(", "((((a{99}){99}){99}){99})", "(a*){99}{9}", &"a".repeat(257), &"(".repeat(200)]
        {
            assert!(check_pattern(pattern).is_err(), "{pattern}");
        }
    }
}
