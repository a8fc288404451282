//! Tools that a plugin offers to the model: a name, a description and a JSON Schema of the arguments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest name of a tool in bytes; what models accept.
pub const MAX_TOOL_NAME_BYTES: usize = 64;

/// Most bytes of one schema, written as JSON: every tool is part of every prompt.
pub const MAX_SCHEMA_BYTES: usize = 16 << 10;

/// Deepest nesting of a schema.
pub const MAX_SCHEMA_DEPTH: usize = 16;

/// The name of a tool: `[a-z0-9][a-z0-9_-]*`, at most 64 bytes. A first hyphen would make it an option on a
/// command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ToolName(String);

/// The text is not the name of a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not the name of a tool: lower-case letters, digits, `_` and `-`, at most {MAX_TOOL_NAME_BYTES}, \
     a letter or digit first",
    .0.escape_debug()
)]
pub struct ToolNameError(String);

impl ToolName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ToolName {
    type Err = ToolNameError;
    fn from_str(text: &str) -> Result<Self, ToolNameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = text.len() <= MAX_TOOL_NAME_BYTES
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || b == b'_' || b == b'-');
        if good { Ok(Self(text.to_owned())) } else { Err(ToolNameError(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for ToolName {
    type Error = ToolNameError;
    fn try_from(text: String) -> Result<Self, ToolNameError> {
        text.parse()
    }
}

impl From<ToolName> for String {
    fn from(name: ToolName) -> Self {
        name.0
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A tool as the manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// What the model calls it.
    pub name: ToolName,
    /// What the model is told about it.
    pub description: String,
    /// JSON Schema of the arguments: an object with `type: object`.
    pub parameters: Value,
}

/// Why a value is not the schema of a tool's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Models send arguments as an object, whatever the schema says.
    #[error("the parameters of a tool are a JSON Schema with `type: object`")]
    NotAnObject,
    /// More than [`MAX_SCHEMA_BYTES`].
    #[error("the parameters of a tool have at most {MAX_SCHEMA_BYTES} bytes as JSON, these have {0}")]
    TooLarge(usize),
    /// More than [`MAX_SCHEMA_DEPTH`].
    #[error("the parameters of a tool are nested at most {MAX_SCHEMA_DEPTH} deep")]
    TooDeep,
}

/// Checks the schema of a tool's arguments: its outer shape, its size and its depth. Keywords are the model's
/// business.
///
/// # Errors
/// When it is no object schema, too large or too deep.
pub fn check_schema(schema: &Value) -> Result<(), SchemaError> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(SchemaError::NotAnObject);
    }
    if depth(schema) > MAX_SCHEMA_DEPTH {
        return Err(SchemaError::TooDeep);
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_SCHEMA_BYTES { Err(SchemaError::TooLarge(bytes)) } else { Ok(()) }
}

// Recursion ends: a value that was read from a text is no deeper than its reader allows.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_what_models_and_command_lines_take() {
        for name in ["translate", "get_weather", "a-b", "2x", &"a".repeat(64)] {
            assert!(name.parse::<ToolName>().is_ok(), "{name}");
        }
        for name in ["", "-x", "_x", "Translate", "a.b", "a b", "ä", &"a".repeat(65), "a\u{7}"] {
            assert!(name.parse::<ToolName>().is_err(), "{name}");
        }
    }

    #[track_caller]
    fn check(schema: &Value, expect: Result<(), SchemaError>) {
        assert_eq!(check_schema(schema), expect);
    }

    #[test]
    fn refuses_schemas_that_are_no_object_or_fill_the_prompt() {
        check(&json!({"type": "object"}), Ok(()));
        check(&json!({"type": "object", "properties": {"text": {"type": "string"}}}), Ok(()));
        check(&json!({"type": "array"}), Err(SchemaError::NotAnObject));
        check(&json!("object"), Err(SchemaError::NotAnObject));
        let deep = (0..20).fold(json!({}), |inner, _| json!({ "items": inner }));
        check(&json!({"type": "object", "properties": deep}), Err(SchemaError::TooDeep));
        let large = json!({"type": "object", "description": "x".repeat(MAX_SCHEMA_BYTES)});
        check(&large, Err(SchemaError::TooLarge(large.to_string().len())));
    }
}
