//! Changes who owns a name. Whoever changes it signs: a present owner, or the root key for a lost one. The
//! signature may be made elsewhere, since authors and the registry's people need not share a computer.

use std::{collections::BTreeSet, path::Path};

use leah_plugin::{
    key::{PublicKey, SecretKey},
    name::PluginName,
    record::{Line, OwnerError, OwnerLine, Record, RecordError, Signer, owner_statement},
    signature::{SignatureBlock, SignatureError, owner_comment},
};

use crate::{
    change::{Change, ChangeError},
    registry::{Registry, RegistryError},
};

/// Who is to own the name.
#[derive(Debug, Clone)]
pub enum Wish {
    /// The owner before with more or fewer keys; the owner signs.
    Change {
        /// Keys that come.
        add: BTreeSet<PublicKey>,
        /// Keys that go.
        remove: BTreeSet<PublicKey>,
    },
    /// These keys alone, since those before are lost or stolen; the root key signs.
    Recover(BTreeSet<PublicKey>),
}

/// How the change is signed.
#[derive(Debug)]
pub enum Signing<'a> {
    /// Here, with this key.
    Key(&'a SecretKey),
    /// Elsewhere, as [`Statement`] says.
    Signature(SignatureBlock),
}

/// What is signed, for stock minisign.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    /// The file: the keys, one a line.
    pub text: Vec<u8>,
    /// The trusted comment.
    pub comment: String,
    /// The keys that will own the name.
    pub keys: Vec<PublicKey>,
}

/// What was changed.
#[derive(Debug)]
pub struct Changed {
    /// The keys that own the name now.
    pub keys: Vec<PublicKey>,
    /// The key that signed.
    pub signer: PublicKey,
    /// Of the head that brought it.
    pub serial: u64,
}

/// Why an owner cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeOwnerError {
    /// The registry cannot be read or written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Nobody has published under that name.
    #[error("the registry has no plugin `{0}`")]
    NoSuchName(PluginName),
    /// A key that is there already.
    #[error("key {id} (`{0}`) owns the plugin already", id = .0.id())]
    Owns(PublicKey),
    /// A key that is not there.
    #[error("key {id} (`{0}`) does not own the plugin", id = .0.id())]
    OwnsNot(PublicKey),
    /// A key that may own nothing any more.
    #[error("key {id} (`{0}`) was revoked", id = .0.id())]
    Revoked(PublicKey),
    /// Nobody could publish any more.
    #[error("no key would be left that can publish `{0}`")]
    NoneLeft(PluginName),
    /// Signed by somebody who has no say.
    #[error("signed by key {found}; {} may sign", ids(may))]
    Signer {
        /// The id of the key that signed, which proves nothing.
        found: String,
        /// The keys that may sign.
        may: Vec<PublicKey>,
    },
    /// A signature that does not hold, or is of something else.
    #[error("the signature of the change is refused")]
    Signature(#[source] SignatureError),
    /// The line cannot be signed.
    #[error("cannot sign the owner line")]
    Sign(#[from] OwnerError),
    /// The record with the new line would not hold.
    #[error("the record would not hold")]
    Record(#[from] RecordError),
}

fn ids(keys: &[PublicKey]) -> String {
    keys.iter().map(|key| format!("{} (`{key}`)", key.id())).collect::<Vec<_>>().join(", ")
}

/// What must be signed for a change, to be signed elsewhere. Changes nothing. `now` is in seconds since 1970.
///
/// # Errors
/// When the registry cannot be read, or the change would not be taken.
pub fn statement(
    folder: &Path,
    name: &PluginName,
    wish: &Wish,
    now: u64,
) -> Result<Statement, ChangeOwnerError> {
    let registry = Registry::open(folder, None, now).map_err(ChangeError::from)?;
    let record = record(&registry, name)?;
    let keys: Vec<PublicKey> = wish.keys(&record)?.into_iter().collect();
    let comment = owner_comment(registry.origin(), name, Some(&record.owner().digest));
    Ok(Statement { text: owner_statement(&keys), comment, keys })
}

/// Changes the owner of a name. `now` is in seconds since 1970.
///
/// # Errors
/// When the change would leave nobody, is not signed by who may, or cannot be written.
pub fn change(
    folder: &Path,
    index_key: &SecretKey,
    (name, wish): (&PluginName, &Wish),
    signing: &Signing,
    now: u64,
) -> Result<Changed, ChangeOwnerError> {
    let mut change = Change::begin(folder, index_key, now)?;
    let record = change.record(name)?.ok_or_else(|| ChangeOwnerError::NoSuchName(name.clone()))?;
    let keys = wish.keys(&record)?;
    let line = line(&change, &record, keys, wish.signers(&record, change.registry()), signing)?;
    let (keys, signer, serial) = (line.keys.clone(), line.key, line.serial);
    change.set_record(&record.append(&Line::Owner(line), change.registry().root_key())?);
    change.commit()?;
    Ok(Changed { keys, signer, serial })
}

/// The record of a name.
///
/// # Errors
/// When there is none, or it does not hold.
pub fn record(registry: &Registry, name: &PluginName) -> Result<Record, ChangeOwnerError> {
    let read = || -> Result<Option<Record>, RegistryError> {
        registry.find(name)?.map(|at| registry.record(name, &at)).transpose()
    };
    read().map_err(ChangeError::from)?.ok_or_else(|| ChangeOwnerError::NoSuchName(name.clone()))
}

impl Wish {
    /// The keys that own the name afterwards. What would change nothing is an error, since whoever asks for
    /// it believes something else.
    fn keys(&self, record: &Record) -> Result<BTreeSet<PublicKey>, ChangeOwnerError> {
        let before: BTreeSet<PublicKey> = record.owner().keys.iter().copied().collect();
        let none: BTreeSet<PublicKey> = BTreeSet::new();
        let (new, keys) = match self {
            Self::Recover(keys) => (keys, keys.clone()),
            Self::Change { add, remove } => {
                if let Some(key) = remove.iter().find(|key| !before.contains(key)) {
                    return Err(ChangeOwnerError::OwnsNot(*key));
                }
                if let Some(key) = add.iter().find(|key| before.contains(key)) {
                    return Err(ChangeOwnerError::Owns(*key));
                }
                let keys = before.union(add).filter(|key| !remove.contains(key)).copied().collect();
                (if add.is_empty() { &none } else { add }, keys)
            }
        };
        let revoked: BTreeSet<PublicKey> = record.revoked().into_keys().copied().collect();
        if let Some(key) = new.intersection(&revoked).next() {
            return Err(ChangeOwnerError::Revoked(*key));
        }
        if keys.is_subset(&revoked) {
            return Err(ChangeOwnerError::NoneLeft(record.name().clone()));
        }
        Ok(keys)
    }

    /// On whose authority, and which keys have it.
    fn signers(&self, record: &Record, registry: &Registry) -> (Signer, Vec<PublicKey>) {
        match self {
            Self::Recover(_) => (Signer::Root, vec![*registry.root_key()]),
            Self::Change { .. } => {
                let revoked = record.revoked();
                let may = |key: &&PublicKey| !revoked.contains_key(*key);
                (Signer::Publisher, record.owner().keys.iter().filter(may).copied().collect())
            }
        }
    }
}

fn line(
    change: &Change,
    record: &Record,
    keys: BTreeSet<PublicKey>,
    (signer, may): (Signer, Vec<PublicKey>),
    signing: &Signing,
) -> Result<OwnerLine, ChangeOwnerError> {
    let (origin, name, previous) = (change.registry().origin(), record.name(), Some(record.owner().digest));
    match signing {
        Signing::Key(key) if may.contains(&key.public()) => {
            Ok(OwnerLine::sign(keys, (origin, name, previous), (signer, key), change.serial())?)
        }
        Signing::Key(key) => Err(ChangeOwnerError::Signer { found: key.public().id(), may }),
        Signing::Signature(block) => {
            let Some(key) = may.iter().copied().find(|key| block.expect_key(key).is_ok()) else {
                return Err(ChangeOwnerError::Signer { found: block.key_id(), may });
            };
            let keys: Vec<PublicKey> = keys.into_iter().collect();
            let comment = owner_comment(origin, name, previous.as_ref());
            // The comment first: who signed for another state learns that, and not that bytes differ.
            block
                .expect_comment(&comment)
                .and_then(|()| block.verify(&key, &owner_statement(&keys)))
                .map_err(ChangeOwnerError::Signature)?;
            let (signature, serial) = (block.clone(), change.serial());
            Ok(OwnerLine { keys, previous, signer, key, signature, serial })
        }
    }
}
