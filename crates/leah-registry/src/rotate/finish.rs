//! What makes a change of keys one step, although it changes two files: the new head lies ready under a
//! temporary name before the new root appears. Who finds a root without its head puts that one in place.

use std::path::Path;

use leah_plugin::{
    head::{Head, MAX_HEAD_BYTES},
    key::PublicKey,
    registry_layout::RegistryLayout,
    root::{Root, RootChain},
    signature::MAX_SIGNATURE_BYTES,
};

use crate::{
    fs::{self, FsError},
    registry::{RegistryError, read_root_key, walk_roots},
};

/// The head of a change of keys until its root is there. No part of the registry; must not be deleted.
pub const PREPARED: &str = ".next-head";

const LIMIT: u64 = (MAX_HEAD_BYTES + MAX_SIGNATURE_BYTES) as u64;

/// Finishes a change of keys that was interrupted, or removes what is left of it if its roots never
/// appeared. True when it was finished. The registry must be locked.
///
/// Nothing is taken from the head of the old index key, which may have been stolen: the prepared one is
/// signed with the new key, and is checked against the newest root.
///
/// # Errors
/// When the roots do not hold, or files cannot be read or written.
pub fn finish(folder: &Path) -> Result<bool, RegistryError> {
    let prepared = folder.join(PREPARED);
    let Some(signed) = fs::read_if_there(&prepared, LIMIT)? else { return Ok(false) };
    let chain = walk_roots(folder, &read_root_key(folder)?)?;
    let belongs = |signed: &[u8]| belongs(signed, chain.newest());
    let head = fs::read_if_there(&folder.join(RegistryLayout::HEAD), LIMIT)?;
    if belongs(&signed) && !head.is_some_and(|head| belongs(&head)) {
        complete(folder, chain.root_key())?;
        return Ok(true);
    }
    // The second of two roots is written first, so it may stand there without the one before.
    fs::remove_if_there(&folder.join(RegistryLayout::root(chain.newest().serial + 2)))?;
    fs::remove_if_there(&prepared)?;
    Ok(false)
}

/// Makes new roots and the head that belongs to them appear. `roots` are signed and follow `before`.
pub(super) fn appear(
    folder: &Path,
    head: &[u8],
    before: &RootChain,
    roots: &[Vec<u8>],
    root_key: &PublicKey,
) -> Result<(), FsError> {
    let path = |serial| folder.join(RegistryLayout::root(serial));
    let first = before.newest().serial + 1;
    fs::write(&folder.join(PREPARED), head)?;
    // What an interrupted hand-over left would become part of the chain.
    fs::remove_if_there(&path(first + roots.len() as u64))?;
    // The last one first: while one is missing in front of it nobody looks at it, so all appear at once.
    for (index, signed) in roots.iter().enumerate().rev() {
        fs::write(&path(first + index as u64), signed)?;
    }
    complete(folder, root_key)
}

fn complete(folder: &Path, root_key: &PublicKey) -> Result<(), FsError> {
    let key = folder.join(RegistryLayout::ROOT_KEY);
    fs::write(&key, root_key.to_file_text().as_bytes())?;
    fs::rename(&folder.join(PREPARED), &folder.join(RegistryLayout::HEAD))
}

/// Whatever the time is: a clock that is wrong today must not make the only head of a root look like none.
fn belongs(signed: &[u8], root: &Root) -> bool {
    let of_root = |head: Head| (head.root, head.epoch) == (root.serial, root.epoch);
    Head::read(signed, &root.index_key).is_ok_and(of_root)
}
