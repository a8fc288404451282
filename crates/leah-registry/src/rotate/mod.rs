//! Changes the keys of a registry: the next root, signed by the root key in force, and a head of the new
//! index key. What the old keys say from then on counts for nobody who has seen the new root.

mod finish;

pub use self::finish::{PREPARED, finish};

use std::path::Path;

use leah_plugin::{
    head::Head,
    key::{PublicKey, SecretKey},
    name::PluginName,
    record::{Line, OwnerError, OwnerLine, Record, RecordError, Signer},
    registry_layout::RegistryLayout,
    root::{MAX_ROOTS, ROOT_FORMAT, Root, RootChain, RootError},
};

use crate::{
    change::{Change, ChangeError, lock},
    fs::{self, FsError, Lock},
    registry::{Registry, RegistryError},
};

/// Whether heads that were signed before count any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// They do; the next one has the next serial.
    Keep,
    /// They do not, however high their serial: the index key was stolen, or an old state was put back.
    New,
}

/// A key that stays, or one that takes its place.
#[derive(Debug)]
pub enum Key<'a> {
    /// The one in force.
    Keep(&'a SecretKey),
    /// Another one.
    New(&'a SecretKey),
}

/// What the next root is to say.
#[derive(Debug)]
pub struct NewRoot<'a> {
    /// The root key in force.
    pub root_key: &'a SecretKey,
    /// The one that takes its place, if it is handed over.
    pub new_root_key: Option<&'a SecretKey>,
    /// What signs heads from now on.
    pub index_key: Key<'a>,
    /// Whether earlier heads count.
    pub epoch: Epoch,
    /// How long a head may live, in seconds; without it as long as before.
    pub head_lifetime: Option<u64>,
    /// How long the root lives, in seconds.
    pub lifetime: u64,
}

/// What was changed.
#[derive(Debug)]
pub struct Rotated {
    /// The serials of the new roots.
    pub roots: Vec<u64>,
    /// The newest root.
    pub root: Root,
    /// The new head.
    pub head: Head,
    /// Plugins whose owner an earlier root key had put in, and the new one has confirmed.
    pub confirmed: Vec<PluginName>,
}

/// Why keys cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The registry cannot be read or written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The registry cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// Not the key that must sign the next root.
    #[error("key {} is not the root key of the registry, which is {} (`{expected}`)", found.id(), expected.id())]
    NotRootKey {
        /// As the newest root says.
        expected: PublicKey,
        /// The public half of the given key.
        found: PublicKey,
    },
    /// A new key that is none: whoever stole it could go on.
    #[error("key {id} (`{0}`) is not new: a root of the registry has named it before", id = .0.id())]
    NotNew(PublicKey),
    /// One key for both would bring the offline key online.
    #[error("root key and index key must be two keys")]
    SameKey,
    /// There would be more roots than anybody walks.
    #[error("the registry has {found} roots, and nobody walks more than {MAX_ROOTS}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// The root cannot be signed.
    #[error("cannot sign the root")]
    Root(#[from] RootError),
    /// An owner line cannot be signed.
    #[error("cannot confirm the owner of `{name}`")]
    Owner {
        /// The plugin.
        name: PluginName,
        /// Why.
        source: OwnerError,
    },
    /// The record with the new line would not hold.
    #[error("the record would not hold")]
    Record(#[from] RecordError),
}

/// A registry whose keys are about to be changed. Holds its lock.
#[derive(Debug)]
pub struct Rotation {
    registry: Registry,
    finished: bool,
    now: u64,
    lock: Lock,
}

impl Rotation {
    /// Locks the registry, finishes a change of keys that was interrupted, and reads it. `now` is in seconds
    /// since 1970.
    ///
    /// # Errors
    /// When another process changes it, or it does not hold.
    pub fn begin(folder: &Path, now: u64) -> Result<Self, RotateError> {
        if !fs::is_there(&folder.join(RegistryLayout::HEAD))? {
            return Err(RegistryError::NotARegistry(folder.to_owned()).into());
        }
        let lock = lock(folder)?;
        let finished = finish(folder)?;
        let registry = Registry::open(folder, None, now)?;
        Ok(Self { registry, finished, now, lock })
    }

    /// Checks the root key before new keys are made.
    ///
    /// # Errors
    /// When it is another than the one in force.
    pub fn expect_root_key(&self, found: &PublicKey) -> Result<(), RotateError> {
        let expected = *self.registry.root_key();
        if *found == expected || self.finished {
            return Ok(());
        }
        Err(RotateError::NotRootKey { expected, found: *found })
    }

    /// Signs and writes the next root, or two where the root key is handed over, and a head. A change of keys
    /// that was interrupted and is asked for again is merely finished.
    ///
    /// # Errors
    /// When a key is not the right one, or something cannot be signed or written. The registry is then as it
    /// was, or the next command on it finishes the change.
    pub fn run(self, new: &NewRoot) -> Result<Rotated, RotateError> {
        let before = self.registry.roots();
        if self.finished && before.newest().index_key == new.index() && *before.root_key() == new.root() {
            let (root, head) = (before.newest().clone(), self.registry.head().clone());
            return Ok(Rotated { roots: vec![root.serial], root, head, confirmed: Vec::new() });
        }
        self.check_keys(new)?;
        let (chain, signed) = self.sign_roots(new)?;
        let serial = self.next_serial(new.epoch)?;
        let Self { registry, now, lock, .. } = self;
        let key = match new.index_key {
            Key::Keep(key) | Key::New(key) => key,
        };
        let mut change = Change::on(registry.clone().under(chain.clone()), key, (serial, now), lock)?;
        let confirmed = match new.new_root_key {
            Some(root_key) => confirm(&registry, &mut change, root_key)?,
            None => Vec::new(),
        };
        let written = change.write()?;
        finish::appear(registry.folder(), &written.signed, registry.roots(), &signed, chain.root_key())?;
        drop(written.lock);
        let first = registry.root().serial + 1;
        let roots = (first..).take(signed.len()).collect();
        Ok(Rotated { roots, root: chain.newest().clone(), head: written.head, confirmed })
    }

    fn check_keys(&self, new: &NewRoot) -> Result<(), RotateError> {
        let newest = self.registry.root();
        let given = new.root_key.public();
        if given != newest.next_root_key {
            return Err(RotateError::NotRootKey { expected: newest.next_root_key, found: given });
        }
        if let Key::Keep(key) = &new.index_key
            && key.public() != newest.index_key
        {
            let (expected, found) = (newest.index_key, key.public());
            return Err(ChangeError::NotIndexKey { expected, found }.into());
        }
        let index = if let Key::New(key) = &new.index_key { Some(key.public()) } else { None };
        let fresh = index.into_iter().chain(new.new_root_key.map(SecretKey::public));
        let known = |key: &PublicKey| {
            let roots = self.registry.roots();
            roots.is_signed_by(key)
                || roots.roots().iter().any(|root| [root.index_key, root.next_root_key].contains(key))
        };
        if let Some(key) = fresh.into_iter().find(known) {
            return Err(RotateError::NotNew(key));
        }
        if new.root() == new.index() { Err(RotateError::SameKey) } else { Ok(()) }
    }

    /// The chain with the new roots, and their files. A hand-over takes two: one names the new key, and one is
    /// signed by it, so that whoever pins the new key finds a root to begin with.
    fn sign_roots(&self, new: &NewRoot) -> Result<(RootChain, Vec<Vec<u8>>), RotateError> {
        let mut chain = self.registry.roots().clone();
        let newest = chain.newest();
        let epoch = match new.epoch {
            Epoch::Keep => newest.epoch,
            Epoch::New => newest.epoch.saturating_add(1),
        };
        let root = Root {
            format: ROOT_FORMAT,
            origin: newest.origin.clone(),
            serial: newest.serial,
            epoch,
            index_key: new.index(),
            next_root_key: new.root(),
            head_lifetime: new.head_lifetime.unwrap_or(newest.head_lifetime),
            expires: self.now.saturating_add(new.lifetime),
        };
        let mut files = Vec::new();
        for signer in [Some(new.root_key), new.new_root_key].into_iter().flatten() {
            let serial = chain.newest().serial + 1;
            if serial > MAX_ROOTS {
                return Err(RotateError::TooMany { found: self.registry.roots().roots().len() });
            }
            let signed = Root { serial, ..root.clone() }.sign(signer)?;
            chain.extend(&signed)?;
            files.push(signed);
        }
        Ok((chain, files))
    }

    /// The next serial. If a thief of the index key has used the last one up, a new epoch begins behind the
    /// highest that a record states.
    fn next_serial(&self, epoch: Epoch) -> Result<u64, RotateError> {
        let serial = self.registry.head().serial;
        let last = match (serial.checked_add(1), epoch) {
            (Some(next), _) => return Ok(next),
            (None, Epoch::Keep) => serial,
            (None, Epoch::New) => self.highest_line()?,
        };
        Ok(last.checked_add(1).ok_or(ChangeError::LastSerial(serial))?)
    }

    fn highest_line(&self) -> Result<u64, RegistryError> {
        let mut highest = 0;
        for (name, at) in &self.registry.names()?.records {
            let record = self.registry.record(name, at)?;
            highest = record.lines().iter().map(Line::serial).fold(highest, u64::max);
        }
        Ok(highest)
    }
}

impl NewRoot<'_> {
    fn index(&self) -> PublicKey {
        match &self.index_key {
            Key::Keep(key) | Key::New(key) => key.public(),
        }
    }

    fn root(&self) -> PublicKey {
        self.new_root_key.unwrap_or(self.root_key).public()
    }
}

/// Lets the new root key sign on top of what earlier ones have signed: without that no reader would take
/// those records, since the earlier key may be in the hands of a thief.
fn confirm(
    before: &Registry,
    change: &mut Change,
    root_key: &SecretKey,
) -> Result<Vec<PluginName>, RotateError> {
    let mut confirmed = Vec::new();
    for (name, at) in before.names()?.records {
        let record = before.record(&name, &at)?;
        if record.owners().iter().any(|owner| owner.signer == Signer::Root) {
            let line = confirmation(&record, change, root_key)
                .map_err(|source| RotateError::Owner { name: name.clone(), source })?;
            change.set_record(&record.append(&Line::Owner(line), &root_key.public())?);
            confirmed.push(name);
        }
    }
    Ok(confirmed)
}

fn confirmation(record: &Record, change: &Change, root_key: &SecretKey) -> Result<OwnerLine, OwnerError> {
    let owner = record.owner();
    let keys = owner.keys.iter().copied().collect();
    let of = (change.registry().origin(), record.name(), Some(owner.digest));
    OwnerLine::sign(keys, of, (Signer::Root, root_key), change.serial())
}
