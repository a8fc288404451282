//! The catalog: what search and browse need of every plugin, in segments of which a later one overrides
//! an earlier, so that a publish writes one small segment. All of it is text of strangers.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    digest::Digest,
    json::{self, JsonError},
    name::PluginName,
};

/// Largest list of segments in bytes: 500 of them. A registry merges them long before.
pub const MAX_LIST_BYTES: usize = 64 << 10;

/// Largest segment in bytes: 10,000 names at 1.6 KiB. A registry of more lets its server search.
pub const MAX_SEGMENT_BYTES: usize = 16 << 20;

/// Why bytes are no catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Not lines.
    #[error("the catalog cannot be read")]
    Text {
        /// Why.
        #[from]
        source: JsonError,
    },
    /// A line that is none.
    #[error("line {line} of the catalog cannot be read")]
    Line {
        /// From 1.
        line: usize,
        /// Why.
        source: JsonError,
    },
    /// Names out of order or twice.
    #[error("line {line} of the catalog: `{name}` is out of order or listed twice")]
    Order {
        /// From 1.
        line: usize,
        /// The name there.
        name: PluginName,
    },
}

/// One segment, as the list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentRef {
    /// Hash of the segment, which is an object.
    pub segment: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// What the catalog says about a plugin. Texts come from manifests: escape them before printing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// The plugin.
    pub name: PluginName,
    /// Its newest version that is not yanked or revoked.
    pub version: Version,
    /// Who made it, as the manifest of that version says.
    pub author: String,
    /// What it does.
    pub description: String,
    /// Where it belongs, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// The catalog, merged: one entry a name.
pub type Catalog = BTreeMap<PluginName, CatalogEntry>;

/// Reads the list of segments, which the head names.
///
/// # Errors
/// When it is too large or not lines of segments.
pub fn read_list(bytes: &[u8]) -> Result<Vec<SegmentRef>, CatalogError> {
    read_lines(bytes, MAX_LIST_BYTES)
}

/// Writes the list of segments, the oldest first.
#[must_use]
pub fn write_list(segments: &[SegmentRef]) -> Vec<u8> {
    segments.iter().flat_map(json::to_line).collect()
}

/// Reads a segment: entries ascending by name.
///
/// # Errors
/// When it is too large, not lines of entries, or out of order.
pub fn read_segment(bytes: &[u8]) -> Result<Vec<CatalogEntry>, CatalogError> {
    let entries: Vec<CatalogEntry> = read_lines(bytes, MAX_SEGMENT_BYTES)?;
    match entries.windows(2).position(|pair| pair[0].name >= pair[1].name) {
        Some(at) => Err(CatalogError::Order { line: at + 2, name: entries[at + 1].name.clone() }),
        None => Ok(entries),
    }
}

/// Writes a segment.
#[must_use]
pub fn write_segment(entries: &Catalog) -> Vec<u8> {
    entries.values().flat_map(json::to_line).collect()
}

/// Merges segments in the order of the list: a later entry of a name replaces an earlier one.
#[must_use]
pub fn merge(segments: impl IntoIterator<Item = Vec<CatalogEntry>>) -> Catalog {
    segments.into_iter().flatten().map(|entry| (entry.name.clone(), entry)).collect()
}

fn read_lines<T: DeserializeOwned + Serialize>(bytes: &[u8], limit: usize) -> Result<Vec<T>, CatalogError> {
    json::lines(bytes, limit)?
        .enumerate()
        .map(|(i, line)| json::from_line(line).map_err(|source| CatalogError::Line { line: i + 1, source }))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, version: &str) -> CatalogEntry {
        CatalogEntry {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            author: "LEAH contributors".into(),
            description: "Does \"things\"".into(),
            category: None,
            tags: vec!["text".into()],
        }
    }

    #[test]
    fn the_written_form_is_one_line_a_plugin() {
        let segment = write_segment(&merge([vec![entry("b", "1.0.0"), entry("a", "0.1.0")]]));
        insta::assert_snapshot!(String::from_utf8_lossy(&segment), @r#"
        {"name":"a","version":"0.1.0","author":"LEAH contributors","description":"Does \"things\"","tags":["text"]}
        {"name":"b","version":"1.0.0","author":"LEAH contributors","description":"Does \"things\"","tags":["text"]}
        "#);
        assert_eq!(read_segment(&segment).unwrap(), [entry("a", "0.1.0"), entry("b", "1.0.0")]);
    }

    #[test]
    fn a_later_segment_overrides_an_earlier() {
        let merged = merge([vec![entry("a", "1.0.0"), entry("b", "1.0.0")], vec![entry("a", "2.0.0")]]);
        let versions: Vec<_> = merged.values().map(|entry| entry.version.to_string()).collect();
        assert_eq!(versions, ["2.0.0", "1.0.0"]);
    }

    #[test]
    fn refuses_entries_out_of_order_and_lists_of_something_else() {
        let lines =
            [entry("b", "1.0.0"), entry("a", "1.0.0")].iter().flat_map(json::to_line).collect::<Vec<_>>();
        assert!(matches!(read_segment(&lines), Err(CatalogError::Order { line: 2, .. })));
        assert!(matches!(read_list(&lines), Err(CatalogError::Line { line: 1, .. })));
    }

    proptest! {
        #[test]
        fn lists_survive_a_round_trip(sizes in proptest::collection::vec(any::<u64>(), 0..20)) {
            let list: Vec<_> =
                sizes.iter().map(|size| SegmentRef { segment: Digest::of(&size.to_le_bytes()), size: *size }).collect();
            prop_assert_eq!(read_list(&write_list(&list)).unwrap(), list);
        }

        #[test]
        fn texts_of_strangers_survive_a_round_trip(description in "\\PC*|[\\x00-\\x7f]*") {
            let catalog = merge([vec![CatalogEntry { description, ..entry("a", "1.0.0") }]]);
            prop_assert_eq!(merge([read_segment(&write_segment(&catalog)).unwrap()]), catalog);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_segment(&bytes);
            let _ = read_list(&bytes);
        }
    }
}
