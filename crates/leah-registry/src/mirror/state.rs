//! The state of a registry that a copy is to have: its roots and its head, verified, and compared with what
//! the copy has.

use std::path::Path;

use leah_plugin::{
    head::{Head, MAX_HEAD_BYTES},
    key::PublicKey,
    registry_layout::RegistryLayout,
    root::{MAX_ROOT_BYTES, MAX_ROOTS, RootChain},
    signature::MAX_SIGNATURE_BYTES,
};

use super::{MirrorError, source::Source};
use crate::{
    fs,
    registry::{RegistryError, chain_of},
};

const MAX_ROOT_FILE: u64 = (MAX_ROOT_BYTES + MAX_SIGNATURE_BYTES) as u64;
const MAX_HEAD_FILE: u64 = (MAX_HEAD_BYTES + MAX_SIGNATURE_BYTES) as u64;

/// Roots and head.
pub(super) struct State {
    pub(super) roots: RootChain,
    pub(super) head: Head,
    root_files: Vec<Vec<u8>>,
    head_file: Vec<u8>,
}

impl State {
    /// Reads roots and head and verifies them from the pinned key down. `now` is in seconds since 1970.
    pub(super) fn read(source: &Source, pinned: &PublicKey, now: u64) -> Result<Self, MirrorError> {
        let mut root_files = Vec::new();
        for serial in 1..=MAX_ROOTS {
            let Some(file) = source.read(&RegistryLayout::root(serial), MAX_ROOT_FILE)? else { break };
            root_files.push(file);
        }
        if root_files.is_empty() {
            return Err(MirrorError::NoRegistry(source.to_string()));
        }
        let roots = chain_of(&root_files, pinned)?;
        let head_file = source.read(RegistryLayout::HEAD, MAX_HEAD_FILE)?;
        let head_file = head_file.ok_or_else(|| MirrorError::Missing(RegistryLayout::HEAD.into()))?;
        let head = Head::read(&head_file, &roots.newest().index_key).map_err(RegistryError::from)?;
        head.check(roots.newest(), now).map_err(RegistryError::from)?;
        Ok(Self { roots, head, root_files, head_file })
    }

    /// Refuses a state that does not follow the one in `folder`, and returns the head that is there.
    pub(super) fn check_follows(&self, folder: &Path) -> Result<Option<Head>, MirrorError> {
        for serial in 1..=MAX_ROOTS {
            let file = RegistryLayout::root(serial);
            let Some(had) = fs::read_if_there(&folder.join(&file), MAX_ROOT_FILE)? else { break };
            match self.root_files.get(serial as usize - 1) {
                None => return Err(MirrorError::Missing(file)),
                Some(found) if *found != had => return Err(MirrorError::OtherRoot { file }),
                Some(_) => {}
            }
        }
        let Some(had_file) = fs::read_if_there(&folder.join(RegistryLayout::HEAD), MAX_HEAD_FILE)? else {
            return Ok(None);
        };
        // A copy that was interrupted may have newer roots than the head that it still shows.
        let mut roots = self.roots.roots().iter().rev();
        let had = roots.find_map(|root| Head::read(&had_file, &root.index_key).ok());
        let had = had.filter(|had| had.origin == self.head.origin).ok_or(MirrorError::OtherHead)?;
        let (found, order) = (self.head.order(), had.order());
        if found < order {
            return Err(MirrorError::Older { found, had: order });
        }
        if found == order && had_file != self.head_file {
            return Err(MirrorError::Equivocation(found));
        }
        Ok(Some(had))
    }

    /// Makes the state that of the copy. All that its head names must be on disk.
    pub(super) fn write(&self, folder: &Path) -> Result<(), MirrorError> {
        // The last root first: nobody looks at it while one is missing in front of it, so that all appear at once.
        for (index, file) in self.root_files.iter().enumerate().rev() {
            put(folder, &RegistryLayout::root(index as u64 + 1), file)?;
        }
        put(folder, RegistryLayout::ROOT_KEY, self.roots.root_key().to_file_text().as_bytes())?;
        put(folder, RegistryLayout::HEAD, &self.head_file)
    }
}

fn put(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
    let path = folder.join(path);
    let same =
        fs::read_if_there(&path, bytes.len() as u64).is_ok_and(|there| there.as_deref() == Some(bytes));
    if !same {
        fs::write(&path, bytes)?;
    }
    Ok(())
}
