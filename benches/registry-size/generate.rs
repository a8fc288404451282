//! Fills a registry with any number of names: real head, directory, records and catalog, but no archives.
//! Written without syncing.

use std::{collections::BTreeMap, fs, path::Path};

use leah_plugin::{
    catalog::{self, CatalogEntry, MOST_NAMES, SegmentRef},
    digest::Digest,
    head::{Head, format_for},
    key::SecretKey,
    name::{Origin, PluginName},
    record::{OwnerLine, Record, Signer},
    registry_layout::RegistryLayout,
    tree::{self, RecordRef},
};

const FIRST: [&str; 16] = [
    "bright", "calm", "clever", "curious", "daily", "fast", "gentle", "hidden", "honest", "little", "modern",
    "open", "quiet", "simple", "tiny", "wise",
];
const SECOND: [&str; 16] = [
    "answers",
    "archive",
    "bridge",
    "chat",
    "editor",
    "finder",
    "garden",
    "helper",
    "journal",
    "lens",
    "memory",
    "notes",
    "reader",
    "search",
    "translator",
    "weather",
];

/// The name number `number`: 10 to 26 bytes, 15 on average.
pub fn name(number: usize) -> PluginName {
    let (first, second) = (FIRST[number % 16], SECOND[number / 16 % 16]);
    format!("{first}-{second}-{}", number / 256).parse().unwrap()
}

/// Puts `names` names into the new and empty registry in `folder`. Every `step`th name has its record; of
/// the others, the directory alone knows.
pub fn fill(folder: &Path, (index_key, publisher): (&SecretKey, &SecretKey), (names, step): (usize, usize)) {
    let signed = fs::read(folder.join(RegistryLayout::HEAD)).unwrap();
    let empty = Head::read(&signed, &index_key.public()).unwrap();
    let mut records = BTreeMap::new();
    for number in 0..names {
        let name = name(number);
        let at = if number % step == 0 {
            let record = record(&empty.origin, &name, publisher);
            RecordRef { record: write(folder, &record), size: record.len() as u64 }
        } else {
            RecordRef { record: Digest::of(name.as_str().as_bytes()), size: 4_000 }
        };
        records.insert(name, at);
    }
    let catalog = write(folder, &catalog(folder, &records));
    let built = tree::build(&records);
    for (_, bytes) in &built.objects {
        write(folder, bytes);
    }
    let (tree, depth) = (built.root, built.depth);
    let head = Head { format: format_for(depth), serial: 2, tree, depth, catalog, ..empty };
    fs::write(folder.join(RegistryLayout::HEAD), head.sign(index_key).unwrap()).unwrap();
}

fn record(origin: &Origin, name: &PluginName, publisher: &SecretKey) -> Vec<u8> {
    let signer = (Signer::Publisher, publisher);
    let line = OwnerLine::sign([publisher.public()].into(), (origin, name, None), signer, 2).unwrap();
    Record::start(line, origin, name).unwrap().as_bytes().to_vec()
}

/// The list of a catalog that a refresh has merged.
fn catalog(folder: &Path, records: &BTreeMap<PluginName, RecordRef>) -> Vec<u8> {
    if records.len() > MOST_NAMES {
        return catalog::write_list(&[]);
    }
    let entry = |name: &PluginName| CatalogEntry {
        name: name.clone(),
        version: "1.0.0".parse().unwrap(),
        author: "LEAH contributors".into(),
        description: format!("Does what its name says, and does it well: {name}"),
        category: Some("tools".into()),
        tags: vec!["generated".into(), "example".into()],
    };
    let segment =
        catalog::write_segment(&records.keys().map(|name| (name.clone(), Some(entry(name)))).collect());
    catalog::write_list(&[SegmentRef { segment: write(folder, &segment), size: segment.len() as u64 }])
}

fn write(folder: &Path, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    let path = folder.join(RegistryLayout::object(&digest));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    digest
}
