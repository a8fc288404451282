//! What a registry of many names costs: the bytes that a client without a cache reads to find one name, and
//! the bytes and seconds of a publish. Prints a table; `docs/performance.md` says what was found.
//!
//! ```sh
//! cargo run --release -p leah-registry --example registry-size -- 1000000 [FOLDER]
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may end at the line that surprises it")]
#![allow(clippy::disallowed_methods, reason = "it looks at the disk itself, without syncing")]
#![allow(unreachable_pub, missing_docs, reason = "modules of an example have no outside")]

mod cold;
#[path = "../../crates/leah-plugin/tests/fixture/mod.rs"]
mod fixture;
mod generate;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use leah_plugin::{
    digest::Digest,
    key::SecretKey,
    name::PluginName,
    package::pack,
    signature::{UNTRUSTED_COMMENT, archive_file_name, package_comment},
};
use leah_registry::{
    init::{NewRegistry, init},
    publish::{Publication, Publisher, publish},
    registry::Registry,
};

/// Names that are looked up.
const SAMPLES: usize = 1_000;

/// Publishes of each kind.
const PUBLISHES: usize = 10;

fn main() {
    let mut arguments = env::args().skip(1);
    let names: usize = arguments.next().map_or(10_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.next().map_or(temporary.path().join("hub"), PathBuf::from);
    let (keys, step) = (Keys::new(&folder), (names / SAMPLES).max(1));
    let start = Instant::now();
    generate::fill(&folder, (&keys.index, &keys.publisher), (names, step));
    println!("{names} names, made in {:.1} s", start.elapsed().as_secs_f64());
    look_up(&folder, &keys, (0..names).step_by(step).map(generate::name));
    let old = (0..names).step_by(step).take(PUBLISHES).map(generate::name);
    publish_each("a version of a name that is there", &folder, &keys, old);
    let new = (0..PUBLISHES).map(|number| format!("x{number}-unlike-any-of-them").parse().unwrap());
    publish_each("a new name", &folder, &keys, new);
}

struct Keys {
    root: SecretKey,
    index: SecretKey,
    publisher: SecretKey,
}

impl Keys {
    /// New keys, and a registry of theirs.
    fn new(folder: &Path) -> Self {
        let key = || SecretKey::generate().unwrap();
        let keys = Self { root: key(), index: key(), publisher: key() };
        let (origin, head_lifetime) = ("hub".parse().unwrap(), 30 * 24 * 3600);
        let (root_key, index_key) = (&keys.root, &keys.index);
        init(folder, &NewRegistry { origin, root_key, index_key, head_lifetime, now: now() }).unwrap();
        keys
    }
}

fn look_up(folder: &Path, keys: &Keys, names: impl Iterator<Item = PluginName>) {
    let get = |path: &str| fs::read(folder.join(path)).ok();
    let mut read: Vec<_> = names.map(|name| cold::look_up(get, &keys.root.public(), &name).0).collect();
    read.sort_unstable();
    let (count, most) = (read.len(), read[read.len() - 1]);
    let mean = read.iter().sum::<usize>() / count;
    println!("a cold client, {count} names: mean {mean}, p99 {}, most {most} bytes", read[count * 99 / 100]);
}

fn publish_each(what: &str, folder: &Path, keys: &Keys, names: impl Iterator<Item = PluginName>) {
    let (mut bytes, mut seconds) = (Vec::new(), Vec::new());
    for name in names {
        let package = package(&name, keys);
        let publication = Publication {
            package: &package.1,
            publisher: Some(Publisher::Key(&keys.publisher)),
            similar_ok: false,
        };
        // Files get their time from a coarser clock than ours, so it is read from a file.
        let before = fs::metadata(&package.1).unwrap().modified().unwrap();
        let start = Instant::now();
        publish(folder, &keys.index, &publication, now()).unwrap();
        seconds.push(start.elapsed().as_secs_f64());
        let registry = Registry::open(folder, None, now()).unwrap();
        let record = registry.find(&name).unwrap().unwrap().size;
        bytes.push(written(&folder.join("objects"), before) - record);
    }
    bytes.sort_unstable();
    seconds.sort_by(f64::total_cmp);
    let (most, middle) = (bytes[bytes.len() - 1], bytes.len() / 2);
    println!("publish {what}: median {}, most {most} bytes; median {:.2} s", bytes[middle], seconds[middle]);
}

/// A signed package in a folder that lives as long as the first value.
fn package(name: &PluginName, keys: &Keys) -> (tempfile::TempDir, PathBuf) {
    let version = "1.0.0".parse().unwrap();
    let files = fixture::plugin(name.as_str(), "1.0.0").into_iter();
    let archive = pack(files.map(|(path, bytes)| (path.parse().unwrap(), bytes))).unwrap();
    let origin = "hub".parse().unwrap();
    let comment = package_comment(&origin, name, &version, archive.len() as u64, &Digest::of(&archive));
    let block = keys.publisher.sign(&archive, &comment, UNTRUSTED_COMMENT).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(archive_file_name(name, &version));
    fs::write(path.with_extension("gz.minisig"), block.as_text()).unwrap();
    fs::write(&path, archive).unwrap();
    (folder, path)
}

/// The bytes of the objects that were written since then.
fn written(objects: &Path, since: SystemTime) -> u64 {
    let files = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let changed = |folder: &fs::DirEntry| folder.metadata().unwrap().modified().unwrap() >= since;
    let new = files(objects).filter(changed).flat_map(|folder| files(&folder.path()).collect::<Vec<_>>());
    new.map(|file| file.metadata().unwrap())
        .filter(|file| file.modified().unwrap() >= since)
        .map(|file| file.len())
        .sum()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
