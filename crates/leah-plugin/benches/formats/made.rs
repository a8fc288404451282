//! What is read in the benchmarks: valid, and of the size that is asked for.

use std::collections::BTreeMap;

use leah_plugin::{
    digest::Digest,
    key::{PublicKey, SecretKey},
    lock::{LOCK_REVISION, Lock, Locked, LockedRegistry, Request, ResolvedFor},
    manifest::{Manifest, PermissionKind, Permissions, Scope},
    name::{Origin, PluginName},
    package::{PackagePath, pack},
    record::{Line, OwnerLine, Record, Signer, VERSION_FORMAT, VersionLine},
    signature::{UNTRUSTED_COMMENT, package_comment},
};
use semver::Version;

use crate::fixture;

pub(crate) fn hub() -> (Origin, PluginName) {
    ("hub".parse().unwrap(), "translator".parse().unwrap())
}

/// Bytes that compress to half of their size, as code does.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let next = || {
        // xorshift32
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state % 16) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A package with a tar of some `size` bytes, most of it in one file beside the component.
pub(crate) fn package(size: usize) -> Vec<u8> {
    let mut files = fixture::plugin("translator", "1.0.0");
    files.push(("model.bin".into(), bytes(size)));
    pack(files.into_iter().map(|(path, bytes)| (path.parse::<PackagePath>().unwrap(), bytes))).unwrap()
}

/// A record of one owner and so many versions with this interface.
pub(crate) fn record(publisher: &SecretKey, versions: u64, manifest: &Manifest) -> Vec<u8> {
    let (origin, name) = hub();
    let signer = (Signer::Publisher, publisher);
    let owner = OwnerLine::sign([publisher.public()].into(), (&origin, &name, None), signer, 1).unwrap();
    let mut text = Record::start(owner, &origin, &name).unwrap().as_bytes().to_vec();
    for minor in 0..versions {
        let version = Version::new(1, minor, 0);
        let archive = version.to_string().into_bytes();
        let (size, sha256) = (archive.len() as u64, Digest::of(&archive));
        let comment = package_comment(&origin, &name, &version, size, &sha256);
        let line = VersionLine {
            format: VERSION_FORMAT,
            version,
            interface: manifest.interface(),
            size,
            sha256,
            content: Digest::of(b"tar"),
            key: publisher.public(),
            signature: publisher.sign(&archive, &comment, UNTRUSTED_COMMENT).unwrap(),
            serial: 2 + minor,
            published: 1_700_000_000,
        };
        serde_json::to_writer(&mut text, &Line::Version(Box::new(line))).unwrap();
        text.push(b'\n');
    }
    text
}

pub(crate) fn names(count: usize) -> impl Iterator<Item = PluginName> {
    (0..count).map(|number| format!("bright-plugin-{number}").parse().unwrap())
}

/// A lock of so many plugins: one in four asked for, each needs the next, and one in two may do something.
pub(crate) fn lock(plugins: usize) -> Lock {
    let key = SecretKey::generate().unwrap().public();
    let (origin, _) = hub();
    let mut asked = BTreeMap::new();
    let mut locked = BTreeMap::new();
    let names: Vec<_> = names(plugins).collect();
    for (number, name) in names.iter().enumerate() {
        if number.is_multiple_of(4) {
            let request = Request { range: "^1.0".parse().unwrap(), registry: origin.clone() };
            asked.insert(name.clone(), request);
        }
        let next = names.get(number + 1).filter(|_| number % 4 != 3);
        locked.insert(name.clone(), plugin(&origin, &key, next, number));
    }
    let url = Some("https://plugins.example.org/".to_owned());
    Lock {
        requested: asked,
        plugins: locked,
        registries: BTreeMap::from([(origin, LockedRegistry { url, root_key: key })]),
        resolved_for: ResolvedFor { api: Version::new(1, 0, 0), host: Version::new(0, 1, 0) },
        revision: LOCK_REVISION,
    }
}

fn plugin(origin: &Origin, key: &PublicKey, needs: Option<&PluginName>, number: usize) -> Locked {
    let mut granted = Permissions::empty();
    if number.is_multiple_of(2) {
        granted.insert(PermissionKind::ReadMessages, Scope::Bare).unwrap();
        let host = Scope::Only(["libretranslate.com".to_owned()].into());
        granted.insert(PermissionKind::NetworkAccess, host).unwrap();
    }
    Locked {
        version: Version::new(1, number as u64, 0),
        registry: origin.clone(),
        sha256: Digest::of(b"archive"),
        content: Digest::of(b"content"),
        size: 48_211,
        key: *key,
        owner: Digest::of(b"owner"),
        dependencies: needs.map(|needs| (needs.clone(), "^1.0".parse().unwrap())).into_iter().collect(),
        enabled: true,
        held: false,
        granted,
        denied: Permissions::empty(),
    }
}
