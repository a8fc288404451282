//! A YAML text as a tree in which every key and every value knows its line and column, so that each rule of the
//! manifest can point at what breaks it. Knows no rule of its own beyond types.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value as Json};
use serde_yaml::Spanned;

use super::{
    ManifestError, Problem,
    text::{self, Lines},
    word::UnknownWord,
};

/// A place in the text, line and column from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Place {
    /// What is wrong here.
    pub(super) fn error(self, problem: impl Into<Problem>) -> ManifestError {
        ManifestError { line: self.line, column: self.column, problem: problem.into() }
    }
}

/// A key of a map.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Nothing,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    pub(super) fn text(&self) -> Result<&str, ManifestError> {
        if let Value::Text(text) = &self.value { Ok(text) } else { Err(self.mismatch("text")) }
    }

    /// A text that keeps the rules of free texts.
    pub(super) fn checked(&self, most: usize, lines: Lines) -> Result<String, ManifestError> {
        self.parse(|text| text::check(text, most, lines).map(str::to_owned))
    }

    /// A text with a parser of its own, whose error gets this place.
    pub(super) fn parse<'a, T, E: Into<Problem>>(
        &'a self,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Result<T, ManifestError> {
        parse(self.text()?).map_err(|error| self.place.error(error))
    }

    pub(super) fn boolean(&self) -> Result<bool, ManifestError> {
        if let Value::Boolean(value) = self.value {
            Ok(value)
        } else {
            Err(self.mismatch("`true` or `false`"))
        }
    }

    pub(super) fn integer(&self) -> Result<i64, ManifestError> {
        match &self.value {
            Value::Number(number) => number.as_i64().ok_or_else(|| self.mismatch("a whole number")),
            _ => Err(self.mismatch("a whole number")),
        }
    }

    pub(super) fn number(&self) -> Result<f64, ManifestError> {
        match &self.value {
            Value::Number(number) => number.as_f64().ok_or_else(|| self.mismatch("a number")),
            _ => Err(self.mismatch("a number")),
        }
    }

    /// The items of a list of at most `most`.
    pub(super) fn list(&self, most: usize) -> Result<&[Self], ManifestError> {
        let Value::List(items) = &self.value else { return Err(self.mismatch("a list")) };
        if items.len() > most {
            return Err(self.place.error(Problem::TooMany { most, found: items.len() }));
        }
        Ok(items)
    }

    /// The entries of a map of at most `most`.
    pub(super) fn map(&self, most: usize) -> Result<&[(Key, Self)], ManifestError> {
        let Value::Map(entries) = &self.value else { return Err(self.mismatch("a map of keys and values")) };
        if entries.len() > most {
            return Err(self.place.error(Problem::TooMany { most, found: entries.len() }));
        }
        Ok(entries)
    }

    /// The fields of a map whose keys are all `known`.
    pub(super) fn fields(
        &self,
        what: &'static str,
        known: &[&'static str],
    ) -> Result<Fields<'_>, ManifestError> {
        let entries = self.map(usize::MAX)?;
        let stranger = entries.iter().find(|(key, _)| !known.contains(&key.text.as_str()));
        match stranger {
            Some((key, _)) => Err(key.place.error(UnknownWord::new(&key.text, what, known))),
            None => Ok(Fields { place: self.place, entries }),
        }
    }

    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Nothing => Json::Null,
            Value::Boolean(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect())
            }
        }
    }

    pub(super) fn mismatch(&self, expected: &'static str) -> ManifestError {
        self.place.error(Problem::Type { expected, found: self.value.describe() })
    }
}

impl Value {
    fn describe(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean(_) => "a boolean (quotes make it text)",
            Self::Number(_) => "a number (quotes make it text)",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// The entries of a map whose keys were checked.
pub(super) struct Fields<'a> {
    place: Place,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(found, _)| found.text == key).map(|(_, node)| node)
    }

    pub(super) fn require(&self, key: &'static str) -> Result<&'a Node, ManifestError> {
        self.get(key).ok_or_else(|| self.place.error(Problem::Missing(key)))
    }

    /// Reads a field that may be absent.
    pub(super) fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, ManifestError>,
    ) -> Result<Option<T>, ManifestError> {
        self.get(key).map(read).transpose()
    }

    /// Reads a field whose absence means the empty value.
    pub(super) fn read_or_default<T: Default>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, ManifestError>,
    ) -> Result<T, ManifestError> {
        Ok(self.read(key, read)?.unwrap_or_default())
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place { line: spanned.referenced.line(), column: spanned.referenced.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { place: place(&spanned), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { place: place(&spanned), text: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of YAML's core types")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number that is not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}
