//! From a root key and names to the packages to install. The newest version that fits is taken; the ranges of the set
//! agree, so nothing has to be solved.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::{
    http::Http,
    signed::{body, sha256},
};

/// Bits of a name's hash that choose a child of an inner node.
const SLOT_BITS: usize = 6;

pub(crate) type Lock = BTreeMap<String, Locked>;

#[derive(Clone, Deserialize, serde::Serialize)]
pub(crate) struct Locked {
    pub(crate) version: Version,
    pub(crate) sha256: String,
    pub(crate) content: String,
    pub(crate) key: String,
    pub(crate) signature: String,
}

#[derive(Deserialize)]
struct Root {
    index_key: String,
}

#[derive(Deserialize)]
struct Head {
    tree: String,
    depth: usize,
}

#[derive(Deserialize)]
struct LeafLine<'a> {
    name: &'a str,
    record: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Version(Release),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Release {
    dependencies: BTreeMap<String, VersionReq>,
    #[serde(flatten)]
    locked: Locked,
}

pub(crate) fn archive(name: &str, version: &Version) -> String {
    format!("packages/{name}/{name}-{version}.tar.gz")
}

/// Layer by layer, each in one round of questions. `found` is told of each package as soon as it is known.
pub(crate) fn resolve(
    http: &mut Http,
    root_key: &str,
    names: &[String],
    mut found: impl FnMut(&str, &Locked),
) -> Lock {
    http.ask(&["root/1".into(), "head".into()]);
    let (root, head) = (http.answer(), http.answer());
    let root: Root = serde_json::from_slice(body(&root, root_key)).unwrap();
    let head: Head = serde_json::from_slice(body(&head, &root.index_key)).unwrap();
    let mut lock = Lock::new();
    let mut wanted: BTreeMap<String, VersionReq> =
        names.iter().map(|name| (name.clone(), "^1.0.0".parse().unwrap())).collect();
    let mut nodes = BTreeMap::new();
    while !wanted.is_empty() {
        let records = records(http, &head, wanted.keys(), &mut nodes);
        let mut next = BTreeMap::new();
        for ((name, range), record) in wanted.iter().zip(objects(http, &records)) {
            let lines = record.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let releases = lines.filter_map(|line| match serde_json::from_slice(line).unwrap() {
                Line::Version(release) => Some(release),
                Line::Other => None,
            });
            let fitting = releases.filter(|release| range.matches(&release.locked.version));
            let best = fitting.max_by(|a, b| a.locked.version.cmp(&b.locked.version)).unwrap();
            found(name, &best.locked);
            lock.insert(name.clone(), best.locked);
            next.extend(best.dependencies);
        }
        next.retain(|name, _| !lock.contains_key(name));
        wanted = next;
    }
    lock
}

/// The hashes of the records of `names`, each node of the directory read once.
fn records<'a>(
    http: &mut Http,
    head: &Head,
    names: impl Iterator<Item = &'a String>,
    nodes: &mut BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let names: Vec<&String> = names.collect();
    let mut at = vec![head.tree.clone(); names.len()];
    for level in 0..=head.depth {
        let unknown: BTreeSet<String> =
            at.iter().filter(|hash| !nodes.contains_key(*hash)).cloned().collect();
        let unknown: Vec<String> = unknown.into_iter().collect();
        let read = objects(http, &unknown);
        nodes.extend(unknown.into_iter().zip(read));
        for (name, hash) in names.iter().zip(&mut at) {
            let node = &nodes[hash];
            *hash = if level < head.depth { child(node, name, level) } else { record(node, name) };
        }
    }
    at
}

fn child(node: &[u8], name: &str, level: usize) -> String {
    let path = hex::decode(sha256(name.as_bytes())).unwrap();
    let bit = level * SLOT_BITS;
    let pair = u16::from_be_bytes([path[bit / 8], path[bit / 8 + 1]]);
    let slot = usize::from(pair << (bit % 8) >> (16 - SLOT_BITS));
    hex::encode(&node[slot * 32..(slot + 1) * 32])
}

fn record(leaf: &[u8], name: &str) -> String {
    let lines = leaf.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut entries = lines.map(|line| serde_json::from_slice::<LeafLine<'_>>(line).unwrap());
    entries.find(|entry| entry.name == name).unwrap().record
}

fn objects(http: &mut Http, hashes: &[String]) -> Vec<Vec<u8>> {
    let path = |hash: &String| format!("objects/{}/{hash}", &hash[..2]);
    http.ask(&hashes.iter().map(path).collect::<Vec<_>>());
    let checked = |hash: &String| {
        let bytes = http.answer();
        assert_eq!(sha256(&bytes), *hash);
        bytes
    };
    hashes.iter().map(checked).collect()
}
