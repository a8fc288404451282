//! Settings as a manifest declares them: a type, limits, a default. A declaration that contradicts itself is refused
//! when it is read. Where values are kept is not decided here.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    ManifestError, Problem,
    node::{Fields, Node},
    text::{self, Lines},
    values::check_pattern,
    word::UnknownWord,
};

/// The key of the setting that is no setting: it stands for the switch of `leahpm enable` and `leahpm disable`.
pub const SWITCH: &str = "enabled";

/// Most values that `enum` lists.
const MAX_CHOICES: usize = 64;

const KEYS: [&str; 10] =
    ["type", "items", "required", "default", "enum", "min", "max", "pattern", "secret", "description"];

/// The type of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemType {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// Any finite number.
    Number,
}

impl ItemType {
    /// All types of single values.
    pub const ALL: [Self; 4] = [Self::String, Self::Boolean, Self::Integer, Self::Number];

    /// The word for it in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
        }
    }

    fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The type of a setting: one value, or a list of values. In a manifest `type: string`, or `type: list` with
/// `items: string`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// One value.
    One(ItemType),
    /// Any number of values.
    List(ItemType),
}

impl SettingType {
    /// The type of the value, or of each item of the list.
    #[must_use]
    pub const fn item(self) -> ItemType {
        match self {
            Self::One(item) | Self::List(item) => item,
        }
    }
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(item) => f.write_str(item.as_str()),
            Self::List(item) => write!(f, "list of {}", item.as_str()),
        }
    }
}

impl Serialize for SettingType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::One(item) => map.serialize_entry("type", item.as_str())?,
            Self::List(item) => {
                map.serialize_entry("type", "list")?;
                map.serialize_entry("items", item.as_str())?;
            }
        }
        map.end()
    }
}

/// A setting as the manifest declares it; serialized as it stands there. What limits a value (`enum`, `min`, `max`,
/// `pattern`) limits each item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// What its values are.
    #[serde(flatten)]
    pub kind: SettingType,
    /// Without a value the plugin does not start.
    pub required: bool,
    /// The value where the user set none. It keeps all the rules below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The values there are; empty: any.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Value>,
    /// Smallest number, or fewest characters of a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number, or most characters of a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// A regular expression that the whole string matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Never shown: not in a listing, not in an error, not in a log.
    pub secret: bool,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// True for a text that can be the key of a setting: `[a-z][a-z0-9_-]*`, at most 64 bytes.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// Reads the declaration of one setting.
pub(super) fn read(node: &Node) -> Result<Setting, ManifestError> {
    let fields = node.fields("a key of a setting", &KEYS)?;
    let kind = read_type(&fields)?;
    let mut setting = Setting {
        kind,
        required: fields.read_or_default("required", Node::boolean)?,
        default: None,
        choices: Vec::new(),
        min: fields.read("min", |node| bound(node, kind.item()))?,
        max: fields.read("max", |node| bound(node, kind.item()))?,
        pattern: fields.read("pattern", |node| pattern(node, kind.item()))?,
        secret: fields.read_or_default("secret", Node::boolean)?,
        description: fields.read("description", |node| node.checked(text::LONG, Lines::One))?,
    };
    if setting.min.zip(setting.max).is_some_and(|(min, max)| min > max) {
        return Err(fields.require("min")?.place.error(Problem::Range));
    }
    if setting.secret && kind.item() != ItemType::String {
        return Err(fields.require("secret")?.place.error(Problem::SecretType));
    }
    // Choices keep the limits, and the default keeps the limits and is one of the choices.
    setting.choices = fields.read_or_default("enum", |node| choices(node, &setting))?;
    setting.default = fields.read("default", |node| default(node, &setting))?;
    Ok(setting)
}

/// Reads the setting that stands for the switch of `enable` and `disable`. Nothing but its presence can be declared.
pub(super) fn read_switch(node: &Node) -> Result<Setting, ManifestError> {
    let setting = read(node)?;
    let plain = Setting { default: None, description: None, ..setting.clone() };
    let switch = Setting {
        kind: SettingType::One(ItemType::Boolean),
        required: false,
        default: None,
        choices: Vec::new(),
        min: None,
        max: None,
        pattern: None,
        secret: false,
        description: None,
    };
    if plain != switch || setting.default == Some(Value::Bool(false)) {
        return Err(node.place.error(Problem::Switch));
    }
    Ok(setting)
}

fn read_type(fields: &Fields<'_>) -> Result<SettingType, ManifestError> {
    let node = fields.require("type")?;
    let items = fields.get("items");
    match (node.text()?, items) {
        ("list", None) => Err(node.place.error(Problem::Missing("items"))),
        ("list", Some(items)) => Ok(SettingType::List(item_type(items, &[])?)),
        (_, None) => Ok(SettingType::One(item_type(node, &["list"])?)),
        (_, Some(items)) => {
            Err(items.place.error(Problem::Misplaced { key: "items", needs: "`type: list`" }))
        }
    }
}

fn item_type(node: &Node, more: &[&'static str]) -> Result<ItemType, ManifestError> {
    let text = node.text()?;
    ItemType::find(text).ok_or_else(|| {
        let known = [&ItemType::ALL.map(ItemType::as_str), more].concat();
        node.place.error(UnknownWord::new(text, "a type of setting", &known))
    })
}

fn bound(node: &Node, item: ItemType) -> Result<f64, ManifestError> {
    match item {
        ItemType::Number => node.number(),
        ItemType::Integer => node.integer().and_then(|_| node.number()),
        ItemType::String => match node.integer()? {
            0.. => node.number(),
            _ => Err(node.mismatch("a number of characters")),
        },
        ItemType::Boolean => {
            Err(node.place.error(Problem::Misplaced { key: "min` or `max", needs: "numbers or strings" }))
        }
    }
}

fn pattern(node: &Node, item: ItemType) -> Result<String, ManifestError> {
    if item != ItemType::String {
        return Err(node.place.error(Problem::Misplaced { key: "pattern", needs: "strings" }));
    }
    let text = node.text()?;
    check_pattern(text).map_err(|error| node.place.error(error))?;
    Ok(text.to_owned())
}

fn choices(node: &Node, setting: &Setting) -> Result<Vec<Value>, ManifestError> {
    let mut choices = Vec::new();
    for item in node.list(MAX_CHOICES)? {
        let value = item.to_json();
        setting.check_item(&value).map_err(|error| item.place.error(error))?;
        if choices.contains(&value) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Err(item.place.error(Problem::Twice(text)));
        }
        choices.push(value);
    }
    if choices.is_empty() { Err(node.place.error(Problem::EmptyList)) } else { Ok(choices) }
}

fn default(node: &Node, setting: &Setting) -> Result<Value, ManifestError> {
    if setting.secret {
        return Err(node.place.error(Problem::SecretDefault));
    }
    let value = node.to_json();
    setting.check(&value).map_err(|error| node.place.error(error))?;
    Ok(value)
}
