//! The catalog: what search and browse need of every plugin, in segments of which a later one overrides
//! an earlier, so that a change writes one small segment. All of it is text of strangers.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    json::{self, JsonError},
    name::PluginName,
};

/// Largest list of segments in bytes: 500 of them. A registry merges them long before.
pub const MAX_LIST_BYTES: usize = 64 << 10;

/// Largest segment in bytes: 10,000 names at 1.6 KiB.
pub const MAX_SEGMENT_BYTES: usize = 16 << 20;

/// Most names in a registry with a catalog. In one of more the list of segments is empty: nobody loads
/// so much to look for a word, and its server searches.
pub const MOST_NAMES: usize = 10_000;

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

/// A name that is in the catalog no more: none of its versions is offered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Removed {
    removed: PluginName,
}

/// How the line of a [`Removed`] begins, and that of no entry.
const REMOVED: &[u8] = b"{\"removed\":";

/// The catalog, merged: one entry a name.
pub type Catalog = BTreeMap<PluginName, CatalogEntry>;

/// What one segment says: the entry that a name has from here on, or that it has none.
pub type Segment = BTreeMap<PluginName, Option<CatalogEntry>>;

/// Reads the list of segments, which the head names.
///
/// # Errors
/// When it is too large or not lines of segments.
pub fn read_list(bytes: &[u8]) -> Result<Vec<SegmentRef>, CatalogError> {
    read_lines(bytes, MAX_LIST_BYTES, json::from_line)
}

/// Writes the list of segments, the oldest first.
#[must_use]
pub fn write_list(segments: &[SegmentRef]) -> Vec<u8> {
    segments.iter().flat_map(json::to_line).collect()
}

/// Reads a segment: lines ascending by name.
///
/// # Errors
/// When it is too large, not lines of entries, or out of order.
pub fn read_segment(bytes: &[u8]) -> Result<Segment, CatalogError> {
    let lines = read_lines(bytes, MAX_SEGMENT_BYTES, read_entry)?;
    match lines.windows(2).position(|pair| pair[0].0 >= pair[1].0) {
        Some(at) => Err(CatalogError::Order { line: at + 2, name: lines[at + 1].0.clone() }),
        None => Ok(lines.into_iter().collect()),
    }
}

/// Writes a segment.
#[must_use]
pub fn write_segment(segment: &Segment) -> Vec<u8> {
    let line = |(name, entry): (&PluginName, &Option<CatalogEntry>)| match entry {
        Some(entry) => json::to_line(entry),
        None => json::to_line(&Removed { removed: name.clone() }),
    };
    segment.iter().flat_map(line).collect()
}

/// Merges segments in the order of the list: what a later one says of a name replaces what an earlier said.
#[must_use]
pub fn merge(segments: impl IntoIterator<Item = Segment>) -> Catalog {
    let last: Segment = segments.into_iter().flatten().collect();
    last.into_iter().filter_map(|(name, entry)| Some((name, entry?))).collect()
}

fn read_entry(line: &[u8]) -> Result<(PluginName, Option<CatalogEntry>), JsonError> {
    if line.starts_with(REMOVED) {
        return json::from_line(line).map(|Removed { removed }| (removed, None));
    }
    json::from_line(line).map(|entry: CatalogEntry| (entry.name.clone(), Some(entry)))
}

fn read_lines<T>(
    bytes: &[u8],
    limit: usize,
    read: fn(&[u8]) -> Result<T, JsonError>,
) -> Result<Vec<T>, CatalogError> {
    json::lines(bytes, limit)?
        .enumerate()
        .map(|(i, line)| read(line).map_err(|source| CatalogError::Line { line: i + 1, source }))
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

    fn segment(entries: &[CatalogEntry]) -> Segment {
        entries.iter().map(|entry| (entry.name.clone(), Some(entry.clone()))).collect()
    }

    #[test]
    fn the_written_form_is_one_line_a_plugin() {
        let mut says = segment(&[entry("b", "1.0.0"), entry("a", "0.1.0")]);
        says.insert("ab".parse().unwrap(), None);
        let written = write_segment(&says);
        insta::assert_snapshot!(String::from_utf8_lossy(&written), @r#"
        {"name":"a","version":"0.1.0","author":"LEAH contributors","description":"Does \"things\"","tags":["text"]}
        {"removed":"ab"}
        {"name":"b","version":"1.0.0","author":"LEAH contributors","description":"Does \"things\"","tags":["text"]}
        "#);
        assert_eq!(read_segment(&written).unwrap(), says);
    }

    #[test]
    fn a_later_segment_overrides_an_earlier() {
        let first = segment(&[entry("a", "1.0.0"), entry("b", "1.0.0"), entry("c", "1.0.0")]);
        let mut second = segment(&[entry("a", "2.0.0")]);
        second.insert("b".parse().unwrap(), None);
        let shown = |merged: Catalog| -> Vec<_> {
            merged.values().map(|entry| format!("{} {}", entry.name, entry.version)).collect()
        };
        assert_eq!(shown(merge([first.clone(), second.clone()])), ["a 2.0.0", "c 1.0.0"]);
        assert_eq!(shown(merge([second, first])), ["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    }

    #[test]
    fn refuses_entries_out_of_order_and_lists_of_something_else() {
        let lines =
            [entry("b", "1.0.0"), entry("a", "1.0.0")].iter().flat_map(json::to_line).collect::<Vec<_>>();
        assert!(matches!(read_segment(&lines), Err(CatalogError::Order { line: 2, .. })));
        assert!(matches!(read_list(&lines), Err(CatalogError::Line { line: 1, .. })));
        let twice = [json::to_line(&entry("a", "1.0.0")), b"{\"removed\":\"a\"}\n".to_vec()].concat();
        assert!(matches!(read_segment(&twice), Err(CatalogError::Order { line: 2, .. })));
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
            let says = segment(&[CatalogEntry { description, ..entry("a", "1.0.0") }]);
            prop_assert_eq!(read_segment(&write_segment(&says)).unwrap(), says);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_segment(&bytes);
            let _ = read_list(&bytes);
        }
    }
}
