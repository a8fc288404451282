//! The one way in which YAML is read and written here: no anchors, no aliases, no duplicate keys, strict
//! booleans, bounded in size and depth, and every error with its line and column.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
};
use serde_yaml::{Budget, DuplicateKeyPolicy, MergeKeyPolicy, Options, budget::BudgetBreach};

use crate::{manifest::UnknownWord, terminal};

/// Largest YAML text that is read, in bytes. A manifest is a few kilobytes, a lock of 1,000 plugins 600.
pub const MAX_YAML_BYTES: usize = 4 << 20;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// A text is not the YAML that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", place(.line, .column), .reason)]
pub struct YamlError {
    /// Line of the problem, from 1; 0 when it concerns the whole text.
    pub line: u64,
    /// Column of the problem in characters, from 1; 0 when it concerns the whole text.
    pub column: u64,
    /// What is wrong, as one line without control characters.
    pub reason: String,
}

fn place(line: &u64, column: &u64) -> String {
    if *line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

/// Reads a value from UTF-8 YAML. A byte order mark in front is ignored.
///
/// # Errors
/// When the text is too large, not UTF-8, not YAML, uses a forbidden feature or does not fit `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, YamlError> {
    let whole = |reason: String| YamlError { line: 0, column: 0, reason };
    if bytes.len() > MAX_YAML_BYTES {
        return Err(whole(format!("the text is larger than {MAX_YAML_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64 + 1;
        YamlError { line, column: 1, reason: "this line is not UTF-8".into() }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::from_str_with_options(text, options())
        .map_err(|error| conflict(text).unwrap_or_else(|| describe(&error)))
}

/// What is said of the lines that `git` leaves in a file where two changes met.
const CONFLICT: &str = "a merge left a conflict marker here";

/// The first line of a text that cannot be read which a merge has left: whatever else is wrong follows from it.
fn conflict(text: &str) -> Option<YamlError> {
    let is_marker = |line: &str| {
        let rest =
            ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().find_map(|mark| line.strip_prefix(mark));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let line = text.lines().position(is_marker)?;
    Some(YamlError { line: line as u64 + 1, column: 1, reason: CONFLICT.into() })
}

impl YamlError {
    /// True where a merge left a conflict marker in the text.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.reason == CONFLICT
    }
}

/// Why a text is not a value of a known format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Its `format` is another number than the one that is known.
    #[error("format {0} is not known")]
    Newer(u64),
    /// Not YAML of this shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
}

/// Reads a value whose text states at its top a `format` from 1 to `newest`.
///
/// # Errors
/// As [`from_slice`]; a text of another format is told as such, whatever else stands in it.
pub fn from_slice_of_format<T: DeserializeOwned>(bytes: &[u8], newest: u64) -> Result<T, FormatError> {
    #[derive(Deserialize)]
    struct Stated {
        format: u64,
    }
    let read = from_slice(bytes);
    // A text of ours states the format it has in its first line; only another one is read twice.
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if read.is_ok() && (1..=newest).any(|known| first == format!("format: {known}").as_bytes()) {
        return Ok(read?);
    }
    match from_slice(bytes) {
        Ok(Stated { format }) if !(1..=newest).contains(&format) => Err(FormatError::Newer(format)),
        _ => Ok(read?),
    }
}

/// Writes a value as YAML, keys in the order of the type or the map.
///
/// # Errors
/// When the value has no YAML form (a map with a key that is no scalar).
pub fn to_string<T: Serialize>(value: &T) -> Result<String, YamlError> {
    serde_yaml::to_string(value).map_err(|error| YamlError {
        line: 0,
        column: 0,
        reason: format!("the value cannot be written as YAML: {error}"),
    })
}

/// A format number from 1 to `N`. A file states the smallest one that has all that is in it, so that releases which do
/// not know what is new read every file without it, and call the others too new for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format<const N: u32>(u32);

impl<const N: u32> Format<N> {
    /// The first one.
    pub const FIRST: Self = Self(1);
    /// The last one.
    pub const NEWEST: Self = Self(N);

    /// One of them.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub const fn numbered(number: u32) -> Self {
        assert!(1 <= number && number <= N, "a format of ours has a number from 1 to N");
        Self(number)
    }
}

impl<const N: u32> Default for Format<N> {
    fn default() -> Self {
        Self::FIRST
    }
}

impl<const N: u32> Serialize for Format<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Format<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            number if (1..=N).contains(&number) => Ok(Self(number)),
            number => Err(de::Error::custom(format_args!(
                "format {number} is not known, this leahpm knows format {N}; a newer leahpm may have written it"
            ))),
        }
    }
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_reader_input_bytes = Some(MAX_YAML_BYTES);
    // An alias makes small texts large and two readers disagree; nothing of ours needs one.
    budget.max_anchors = 0;
    budget.max_aliases = 0;
    budget.max_depth = MAX_DEPTH;
    budget.flow_nesting_limit = MAX_DEPTH;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.merge_keys = MergeKeyPolicy::Error;
    options.strict_booleans = true;
    options.with_snippet = false;
    options.reject_unsupported_tags = true;
    options
}

fn describe(error: &serde_yaml::Error) -> YamlError {
    let error = error.without_snippet();
    let place = error.location();
    YamlError {
        line: place.map_or(0, |l| l.line()),
        column: place.map_or(0, |l| l.column()),
        reason: terminal::escaped(&reason(error)),
    }
}

/// The library's errors in the words of the rules that they break.
fn reason(error: &serde_yaml::Error) -> String {
    match error {
        serde_yaml::Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` stands here twice"),
        serde_yaml::Error::DuplicateMappingKey { key: None, .. } => "a key stands here twice".into(),
        serde_yaml::Error::MergeKeyNotAllowed { .. } => {
            "merge keys (`<<`) are not allowed: write the keys out".into()
        }
        serde_yaml::Error::SerdeUnknownField { field, expected, .. } => {
            UnknownWord::new(field, "a key that is known here", expected).to_string()
        }
        serde_yaml::Error::MultipleDocuments { .. } => "a file holds one document: remove the `---`".into(),
        serde_yaml::Error::Budget { breach, .. } => match breach {
            BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => {
                "anchors and aliases are not allowed: write the value out".into()
            }
            BudgetBreach::Depth { .. } => format!("the value is nested more than {MAX_DEPTH} deep"),
            BudgetBreach::Documents { .. } => "a file holds one document: remove the `---`".into(),
            _ => "the text is larger than any that is read".into(),
        },
        other => {
            // The library ends its texts with the place; we print it in front, in one form for every error.
            let text = other.to_string();
            let text = text.split(" at line ").next().unwrap_or(&text).trim().trim_end_matches('.');
            format!("{text}{}", advice(text))
        }
    }
}

/// What helps who forgot the quotes around a range such as `*` or `>=1`.
fn advice(text: &str) -> &'static str {
    if text.contains("anchor or alias") {
        "; put a text that begins with `*` or `&` into quotes"
    } else if text.contains("block scalar") {
        "; put a text that begins with `>` or `|` into quotes"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[track_caller]
    fn fails(text: &str) -> String {
        from_slice::<BTreeMap<String, serde_json::Value>>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn refuses_anchors_aliases_merges_and_duplicate_keys_with_their_place() {
        for text in ["a: &x 1\n", "a: 1\nb: *x\n", "a: 1\na: 2\n", "a: 1\n<<: {b: 1}\n", "a: !foo 1\n"] {
            assert!(fails(text).starts_with("line "), "{text:?}: {}", fails(text));
        }
    }

    #[test]
    fn survives_bombs_of_nesting_and_size() {
        fails(&"[".repeat(100_000));
        fails(&format!("a: {}", "{a: ".repeat(1_000)));
        fails(&"a".repeat(MAX_YAML_BYTES + 1));
        fails("a: 1\n---\nb: 2\n");
    }

    #[test]
    fn names_the_line_that_is_not_utf8() {
        let error = from_slice::<BTreeMap<String, String>>(b"a: b\nc: \xff\n").unwrap_err();
        assert_eq!((error.line, error.reason.as_str()), (2, "this line is not UTF-8"));
    }

    #[test]
    fn booleans_are_true_and_false_alone() {
        assert!(from_slice::<BTreeMap<String, bool>>(b"a: yes\n").is_err());
        assert!(from_slice::<BTreeMap<String, bool>>(b"a: true\n").is_ok());
    }
}
