//! What was read from the network once, on disk. A cache that cannot be read or written costs time and nothing
//! else, so its failures are no errors; and nothing in it is believed without the check that it would get fresh.

use std::path::Path;

use leah_http::Validators;
use leah_plugin::{
    digest::{Digest, Hashed},
    key::PublicKey,
    layout::CacheLayout,
};
use serde::{Deserialize, Serialize};

use super::{MAX_ROOTS, MAX_SIGNED_BYTES};
use crate::fs::{self, Access, Durability};

/// Largest file of what a server said of a head, in bytes.
const MAX_VALIDATORS_BYTES: u64 = 64 << 10;

/// What kind of file a hash names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A node of a directory, a record, a part of a catalog.
    Object,
    /// A package.
    Archive,
}

/// The cache of one user.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    layout: CacheLayout,
}

/// What a server said of a head.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    url: String,
    /// SHA-256 of the head.
    head: Digest,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
}

impl Cache {
    pub(super) fn new(layout: CacheLayout) -> Self {
        Self { layout }
    }

    /// The bytes with this hash, if they are there, whole and not larger than `limit`.
    pub(super) fn named(&self, named: Named, digest: &Digest, limit: u64) -> Option<Hashed> {
        let bytes = Hashed::of(read(&self.path(named, digest), limit)?);
        // A damaged file is as good as none; it is fetched again and renamed over.
        (bytes.digest() == digest).then_some(bytes)
    }

    /// False where [`Cache::named`] has nothing for sure.
    pub(super) fn may_have(&self, named: Named, digest: &Digest) -> bool {
        fs::kind(&self.path(named, digest)).is_ok_and(|kind| kind.is_some())
    }

    /// Keeps bytes under their hash.
    pub(super) fn keep(&self, named: Named, bytes: &Hashed) {
        write(&self.path(named, bytes.digest()), bytes.bytes());
    }

    /// The roots of the registry whose chain begins with `key`, from the first on without a gap.
    pub(super) fn roots(&self, key: &PublicKey) -> Vec<Vec<u8>> {
        (1..=MAX_ROOTS).map_while(|serial| read(&self.layout.root(key, serial), MAX_SIGNED_BYTES)).collect()
    }

    /// Keeps roots and nothing behind them; those that are there already stay as they are.
    pub(super) fn keep_roots(&self, key: &PublicKey, roots: &[Vec<u8>]) {
        let there = self.roots(key);
        for (serial, root) in (1..).zip(roots) {
            if there.get(serial as usize - 1) != Some(root) {
                write(&self.layout.root(key, serial), root);
            }
        }
        if there.len() > roots.len() {
            // One that does not belong to the chain would make every later look a double one.
            drop(fs::remove_file(&self.layout.root(key, roots.len() as u64 + 1)));
        }
    }

    /// The head as it was last read.
    pub(super) fn head(&self, key: &PublicKey) -> Option<Vec<u8>> {
        read(&self.layout.head(key), MAX_SIGNED_BYTES)
    }

    /// What the server at `url` said of this head.
    pub(super) fn validators(&self, key: &PublicKey, head: &[u8], url: &str) -> Option<Validators> {
        let bytes = read(&self.layout.head_validators(key), MAX_VALIDATORS_BYTES)?;
        let said: Said = serde_json::from_slice(&bytes).ok()?;
        // What one server calls by a tag means nothing to another. And two programs that share the cache can leave an
        // older head beside this file; the server would go on to say of the newer one that it did not change.
        if said.url != url || said.head != Digest::of(head) {
            return None;
        }
        Some(Validators { etag: said.etag, last_modified: said.last_modified })
    }

    /// Keeps a head with what the server at `url` said of it.
    pub(super) fn keep_head(&self, key: &PublicKey, head: &[u8], said: Option<(&str, &Validators)>) {
        write(&self.layout.head(key), head);
        if let Some((url, validators)) = said {
            let Validators { etag, last_modified } = validators.clone();
            let said = Said { url: url.to_owned(), head: Digest::of(head), etag, last_modified };
            // Texts can always be written as JSON.
            write(&self.layout.head_validators(key), &serde_json::to_vec(&said).unwrap_or_default());
        }
    }

    fn path(&self, named: Named, digest: &Digest) -> std::path::PathBuf {
        match named {
            Named::Object => self.layout.object(digest),
            Named::Archive => self.layout.archive(digest),
        }
    }
}

fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    fs::read(path, limit).ok()
}

/// Not synced: what a power cut leaves of it is found out by its hash or its signature.
fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().unwrap_or(Path::new("."));
    if fs::create_folders(folder).is_ok() {
        // See the head of this file.
        drop(fs::replace(path, bytes, Access::Private, Durability::Unsynced));
    }
}
