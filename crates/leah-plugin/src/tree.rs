//! The directory of a registry: from a name to the record's hash, 64-way by the sha256 of the name, so
//! that a client of a registry of any size reads a few small nodes, and a change writes as few. Nodes are
//! objects: whoever passes their bytes in here has compared their hash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    json::{self, JsonError},
    name::PluginName,
};

/// Deepest directory: 16,777,216 leaves, enough for a billion names.
pub const MAX_DEPTH: u8 = 4;

/// Children of an inner node. Of 32 bytes each: with 256 of them two levels alone would be 16 KiB, which
/// every change writes anew and a client without a cache reads for one name.
const CHILDREN: usize = 1 << SLOT_BITS;

/// Bits of the name's hash that choose a child.
const SLOT_BITS: u8 = 6;

/// Length of an inner node: 64 digests.
pub const INNER_BYTES: usize = CHILDREN * 32;

/// Largest leaf in bytes. A line has up to 180, and hashes spread names so evenly that a leaf of 62 on
/// average has not twice as many; the rest is for those who choose names that meet in one leaf.
pub const MAX_LEAF_BYTES: usize = 1 << 20;

/// Most names for a directory of depth 0, 1, 2 and 3. Beyond the first, a leaf has 62 names on average at
/// most: then the largest of 64 has some 81, of 4,096 some 91, of 262,144 some 98 (the mean and 2.4, 3.7
/// and 4.6 standard deviations of a Poisson distribution). A line has 100 bytes and the name, so nodes and
/// leaf together stay below 17 kB, and roots and head have another 1.5 kB.
const MOST_NAMES: [usize; MAX_DEPTH as usize] = [100, 4_000, 250_000, 16_000_000];

/// Why bytes are not the node that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Not 64 digests.
    #[error("an inner node of the directory has {INNER_BYTES} bytes, this one has {0}")]
    InnerSize(usize),
    /// A leaf that is not lines.
    #[error("a leaf of the directory cannot be read")]
    Leaf {
        /// Why.
        #[from]
        source: JsonError,
    },
    /// A line of a leaf that is none.
    #[error("line {line} of a leaf of the directory cannot be read")]
    Line {
        /// From 1.
        line: usize,
        /// Why.
        source: JsonError,
    },
    /// Names out of order or twice; a name has one record.
    #[error("line {line} of a leaf of the directory: `{name}` is out of order or listed twice")]
    Order {
        /// From 1.
        line: usize,
        /// The name there.
        name: PluginName,
    },
    /// A level below the deepest.
    #[error("the directory has depth {depth}, level {level} is not part of it")]
    Level {
        /// As the head says.
        depth: u8,
        /// As asked for.
        level: u8,
    },
}

/// Where the record of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef {
    /// Hash of the record, which is an object.
    pub record: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// A directory that was built, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Hash of the top node.
    pub root: Digest,
    /// Levels of inner nodes.
    pub depth: u8,
    /// All nodes, each with its hash, the top one last.
    pub objects: Vec<(Digest, Vec<u8>)>,
}

/// What a node says about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Go on with this node, one level deeper.
    Descend(Digest),
    /// This is its record.
    Found(RecordRef),
    /// The registry has no such name.
    Absent,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeafLine {
    name: PluginName,
    record: Digest,
    size: u64,
}

/// Builds the directory of all `entries`. The same entries make the same nodes.
#[must_use]
pub fn build(entries: &BTreeMap<PluginName, RecordRef>) -> Built {
    let depth = depth(entries.len());
    let places = places(entries);
    let mut objects = Vec::new();
    let root = build_node(&places.iter().collect::<Vec<_>>(), depth, 0, &mut objects);
    Built { root, depth, objects }
}

/// The depth of a directory of so many names.
#[must_use]
pub fn depth(names: usize) -> u8 {
    MOST_NAMES.iter().filter(|most| names > **most).count() as u8
}

/// Puts `changes` into the directory with the top node `root`: the result is that of [`build`] as long as
/// the depth is right for the number of names. Reads and makes only the nodes on the way to the changes.
///
/// # Errors
/// When a node cannot be read, or is none.
pub fn update<E: From<TreeError>>(
    (root, depth): (&Digest, u8),
    changes: &BTreeMap<PluginName, RecordRef>,
    read: &mut impl FnMut(&Digest) -> Result<Vec<u8>, E>,
) -> Result<Built, E> {
    let places = places(changes);
    let mut objects = Vec::new();
    let places = places.iter().collect::<Vec<_>>();
    let root = update_node(root, &places, (depth, 0), read, &mut objects)?;
    Ok(Built { root, depth, objects })
}

/// Looks a name up in one node. Begins with the head's `tree` at level 0.
///
/// # Errors
/// When the bytes are no node of that level.
pub fn step(depth: u8, level: u8, node: &[u8], name: &PluginName) -> Result<Step, TreeError> {
    if depth > MAX_DEPTH || level > depth {
        return Err(TreeError::Level { depth, level });
    }
    if level < depth {
        return Ok(interior_child(node, name, level)?.map_or(Step::Absent, Step::Descend));
    }
    Ok(leaf_find(node, name)?.map_or(Step::Absent, Step::Found))
}

/// The child of an inner node in which `name` is, if there is one.
///
/// # Errors
/// When the bytes are no inner node.
pub fn interior_child(node: &[u8], name: &PluginName, level: u8) -> Result<Option<Digest>, TreeError> {
    let slot = slot(&Digest::of(name.as_str().as_bytes()), level);
    Ok(interior_children(node)?.find(|(i, _)| *i == slot).map(|(_, child)| child))
}

/// The children of an inner node with their slots; a slot of zeros has none.
///
/// # Errors
/// When the bytes are no inner node.
pub fn interior_children(node: &[u8]) -> Result<impl Iterator<Item = (u8, Digest)>, TreeError> {
    let (digests, []) = node.as_chunks::<32>() else { return Err(TreeError::InnerSize(node.len())) };
    if digests.len() != CHILDREN {
        return Err(TreeError::InnerSize(node.len()));
    }
    let children = (0u8..).zip(digests.iter().copied());
    Ok(children.filter(|(_, digest)| *digest != [0; 32]).map(|(i, digest)| (i, Digest::from_bytes(digest))))
}

/// The record of `name` in a leaf, if the leaf has it.
///
/// # Errors
/// When the bytes are no leaf.
pub fn leaf_find(leaf: &[u8], name: &PluginName) -> Result<Option<RecordRef>, TreeError> {
    Ok(leaf_entries(leaf)?.into_iter().find(|(found, _)| found == name).map(|(_, at)| at))
}

/// All names of a leaf, ascending.
///
/// # Errors
/// When the bytes are no leaf.
pub fn leaf_entries(leaf: &[u8]) -> Result<Vec<(PluginName, RecordRef)>, TreeError> {
    let mut entries: Vec<(PluginName, RecordRef)> = Vec::new();
    for (index, line) in json::lines(leaf, MAX_LEAF_BYTES)?.enumerate() {
        let number = index + 1;
        let LeafLine { name, record, size } =
            json::from_line(line).map_err(|source| TreeError::Line { line: number, source })?;
        if entries.last().is_some_and(|(before, _)| *before >= name) {
            return Err(TreeError::Order { line: number, name });
        }
        entries.push((name, RecordRef { record, size }));
    }
    Ok(entries)
}

/// True when a walk to `name` takes these slots; a name elsewhere could never be found.
#[must_use]
pub fn belongs(name: &PluginName, slots: &[u8]) -> bool {
    let path = Digest::of(name.as_str().as_bytes());
    (0u8..).zip(slots).all(|(level, taken)| slot(&path, level) == *taken)
}

/// The child that a walk takes at this level: of the hash, read from its first bit on, the next 6 bits.
fn slot(path: &Digest, level: u8) -> u8 {
    // A hash has bits for 42 levels, which is far below any directory.
    let bit = usize::from(level) * usize::from(SLOT_BITS) % 240;
    let pair = u16::from_be_bytes([path.as_bytes()[bit / 8], path.as_bytes()[bit / 8 + 1]]);
    (pair << (bit % 8) >> (16 - SLOT_BITS)) as u8
}

struct Place<'a> {
    path: Digest,
    name: &'a PluginName,
    at: &'a RecordRef,
}

fn places(entries: &BTreeMap<PluginName, RecordRef>) -> Vec<Place<'_>> {
    let place = |(name, at)| Place { path: Digest::of(PluginName::as_str(name).as_bytes()), name, at };
    entries.iter().map(place).collect()
}

fn build_node(places: &[&Place], depth: u8, level: u8, objects: &mut Vec<(Digest, Vec<u8>)>) -> Digest {
    if level == depth {
        return add(leaf(places.iter().map(|place| (place.name, place.at))), objects);
    }
    let mut bytes = vec![0; INNER_BYTES];
    for (slot, below) in by_slot(places, level) {
        let child = build_node(&below, depth, level + 1, objects);
        set_child(&mut bytes, slot, &child);
    }
    add(bytes, objects)
}

fn update_node<E: From<TreeError>>(
    node: &Digest,
    places: &[&Place],
    (depth, level): (u8, u8),
    read: &mut impl FnMut(&Digest) -> Result<Vec<u8>, E>,
    objects: &mut Vec<(Digest, Vec<u8>)>,
) -> Result<Digest, E> {
    let mut bytes = read(node)?;
    if level == depth {
        let mut entries: BTreeMap<_, _> = leaf_entries(&bytes)?.into_iter().collect();
        entries.extend(places.iter().map(|place| (place.name.clone(), *place.at)));
        return Ok(add(leaf(&entries), objects));
    }
    let children: BTreeMap<u8, Digest> = interior_children(&bytes)?.collect();
    for (slot, below) in by_slot(places, level) {
        let child = match children.get(&slot) {
            Some(child) => update_node(child, &below, (depth, level + 1), read, objects)?,
            None => build_node(&below, depth, level + 1, objects),
        };
        set_child(&mut bytes, slot, &child);
    }
    Ok(add(bytes, objects))
}

fn by_slot<'a>(places: &[&'a Place<'a>], level: u8) -> BTreeMap<u8, Vec<&'a Place<'a>>> {
    let mut slots: BTreeMap<u8, Vec<&Place>> = BTreeMap::new();
    for place in places {
        slots.entry(slot(&place.path, level)).or_default().push(place);
    }
    slots
}

fn set_child(node: &mut [u8], slot: u8, child: &Digest) {
    node[usize::from(slot) * 32..][..32].copy_from_slice(child.as_bytes());
}

fn leaf<'a>(entries: impl IntoIterator<Item = (&'a PluginName, &'a RecordRef)>) -> Vec<u8> {
    let line = |(name, at): (&PluginName, &RecordRef)| {
        json::to_line(&LeafLine { name: name.clone(), record: at.record, size: at.size })
    };
    entries.into_iter().flat_map(line).collect()
}

fn add(bytes: Vec<u8>, objects: &mut Vec<(Digest, Vec<u8>)>) -> Digest {
    let digest = Digest::of(&bytes);
    objects.push((digest, bytes));
    digest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(count: usize) -> BTreeMap<PluginName, RecordRef> {
        (0..count).map(|i| (format!("plugin-{i}").parse().unwrap(), at(i))).collect()
    }

    fn at(i: usize) -> RecordRef {
        RecordRef { record: Digest::of(&i.to_le_bytes()), size: i as u64 }
    }

    fn find(built: &Built, name: &PluginName) -> Option<RecordRef> {
        let objects: BTreeMap<_, _> = built.objects.iter().cloned().collect();
        let (mut node, mut level) = (built.root, 0);
        loop {
            match step(built.depth, level, &objects[&node], name).unwrap() {
                Step::Descend(child) => (node, level) = (child, level + 1),
                Step::Found(at) => return Some(at),
                Step::Absent => return None,
            }
        }
    }

    #[track_caller]
    fn check(count: usize, depth: u8) {
        let built = build(&entries(count));
        assert_eq!(built.depth, depth);
        assert_eq!(built.objects.last().map(|(digest, _)| *digest), Some(built.root));
        for i in (0..count).step_by(count / 50 + 1) {
            assert_eq!(find(&built, &format!("plugin-{i}").parse().unwrap()), Some(at(i)));
        }
        assert_eq!(find(&built, &"missing".parse().unwrap()), None);
    }

    #[test]
    fn finds_every_name_at_every_depth() {
        check(0, 0);
        check(1, 0);
        check(100, 0);
        check(101, 1);
        check(4_000, 1);
        check(4_001, 2);
    }

    #[test]
    fn the_depth_grows_with_the_number_of_names() {
        let depths = [0, 100, 101, 4_000, 4_001, 250_000, 250_001, 16_000_000, 16_000_001, usize::MAX];
        assert_eq!(depths.map(depth), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[track_caller]
    fn check_update(before: usize, after: usize, changed: usize) {
        let (before, mut all) = (entries(before), entries(after));
        let old = build(&before);
        all.values_mut().take(changed).for_each(|at| at.size += 1);
        let mut changes = all.clone();
        changes.retain(|name, at| before.get(name) != Some(at));
        let objects: BTreeMap<_, _> = old.objects.iter().cloned().collect();
        let mut reads = 0;
        let mut read = |digest: &Digest| {
            reads += 1;
            Ok::<_, TreeError>(objects[digest].clone())
        };
        let new = update((&old.root, old.depth), &changes, &mut read).unwrap();
        assert_eq!(new.root, build(&all).root);
        assert!(reads <= changes.len() * (usize::from(old.depth) + 1), "{reads}");
        assert!(new.objects.len() <= changes.len() * (usize::from(old.depth) + 1));
    }

    #[test]
    fn a_change_makes_the_nodes_that_building_all_would_and_reads_only_those_on_the_way() {
        check_update(0, 1, 0);
        check_update(50, 50, 3);
        check_update(99, 100, 1);
        check_update(200, 203, 2);
        check_update(4_100, 4_101, 0);
        check_update(4_100, 4_100, 1);
    }

    #[test]
    fn the_written_form_is_lines_in_the_order_of_names() {
        let leaf = &build(&entries(2)).objects[0].1;
        insta::assert_snapshot!(String::from_utf8_lossy(leaf), @r#"
        {"name":"plugin-0","record":"af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc","size":0}
        {"name":"plugin-1","record":"7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8","size":1}
        "#);
    }

    #[test]
    fn refuses_leaves_out_of_order_and_names_listed_twice() {
        let leaf = build(&entries(2)).objects.remove(0).1;
        let lines: Vec<_> = leaf.split_inclusive(|b| *b == b'\n').collect();
        for wrong in [[lines[1], lines[0]].concat(), [lines[0], lines[0]].concat()] {
            assert!(matches!(leaf_entries(&wrong), Err(TreeError::Order { line: 2, .. })));
        }
        assert!(leaf_entries(&leaf[..leaf.len() - 1]).is_err());
    }

    #[test]
    fn refuses_nodes_of_another_size_or_level() {
        let name = "a".parse().unwrap();
        for size in [0, 31, 32, INNER_BYTES - 32, INNER_BYTES + 1] {
            assert_eq!(interior_child(&vec![0; size], &name, 0), Err(TreeError::InnerSize(size)));
        }
        assert_eq!(step(1, 0, &[0; INNER_BYTES], &name), Ok(Step::Absent));
        assert_eq!(step(1, 2, b"", &name), Err(TreeError::Level { depth: 1, level: 2 }));
        assert_eq!(step(9, 2, b"", &name), Err(TreeError::Level { depth: 9, level: 2 }));
    }

    #[test]
    fn knows_where_a_name_belongs() {
        let name: PluginName = "abc".parse().unwrap();
        assert!(belongs(&name, &[]) && belongs(&name, &[46, 39, 32]) && !belongs(&name, &[47]));
    }

    proptest! {
        #[test]
        fn a_leaf_survives_a_round_trip(names in proptest::collection::btree_map("[a-z]{1,9}", any::<u64>(), 0..20)) {
            let entries: BTreeMap<PluginName, _> = names
                .iter()
                .filter_map(|(name, size)| Some((name.parse().ok()?, RecordRef { record: Digest::of(name.as_bytes()), size: *size })))
                .collect();
            let read = leaf_entries(&build(&entries).objects[0].1).unwrap();
            prop_assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), entries);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), depth: u8, level: u8) {
            let _ = step(depth, level, &bytes, &"name".parse().unwrap());
        }
    }
}
