//! A new registry: its first root and an empty head.

use std::path::{Path, PathBuf};

use leah_plugin::{
    catalog,
    digest::Digest,
    head::{Head, HeadError, format_for},
    key::SecretKey,
    name::Origin,
    registry_layout::RegistryLayout,
    root::{ROOT_FORMAT, Root, RootError},
    tree,
};

use crate::{
    change::{lock, write_objects},
    fs::{self, Batch, FsError},
};

/// How long a root lives, in seconds: five years. The key that renews it is offline.
pub const ROOT_LIFETIME: u64 = 5 * 365 * 24 * 3600;

/// What a new registry is made of.
#[derive(Debug)]
pub struct NewRegistry<'a> {
    /// Its name.
    pub origin: Origin,
    /// Signs the root, and later the next one.
    pub root_key: &'a SecretKey,
    /// Signs heads.
    pub index_key: &'a SecretKey,
    /// How long a head lives, in seconds.
    pub head_lifetime: u64,
    /// In seconds since 1970.
    pub now: u64,
}

/// Why a registry cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("`{}` is a registry already", fs::show(.0))]
    Exists(PathBuf),
    /// Files that would be published with the registry.
    #[error("`{}` is not empty: it holds `{}`", fs::show(folder), file.escape_debug())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One of its files.
        file: String,
    },
    /// One key for both would bring the offline key online.
    #[error("root key and index key must be two keys")]
    SameKey,
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The root cannot be signed.
    #[error("cannot sign the root")]
    Root(#[from] RootError),
    /// The head cannot be signed.
    #[error("cannot sign the head")]
    Head(#[from] HeadError),
}

/// Checks that a registry can be made in `folder`, before keys are made for it. What an interrupted
/// `init` left behind is no obstacle.
///
/// # Errors
/// When there is a registry, or other files.
pub fn check_folder(folder: &Path) -> Result<(), InitError> {
    let files = match fs::files_below(folder) {
        Err(error) if error.is_missing() => return Ok(()),
        files => files?,
    };
    if files.iter().any(|file| file == RegistryLayout::HEAD) {
        return Err(InitError::Exists(folder.to_owned()));
    }
    match files.into_iter().find(|file| !is_leftover(file)) {
        Some(file) => Err(InitError::NotEmpty { folder: folder.to_owned(), file }),
        None => Ok(()),
    }
}

/// Makes a registry in `folder`, which may exist but must be empty.
///
/// # Errors
/// When the folder is not empty, or something cannot be signed or written.
pub fn init(folder: &Path, new: &NewRegistry) -> Result<Head, InitError> {
    if new.root_key.public() == new.index_key.public() {
        return Err(InitError::SameKey);
    }
    check_folder(folder)?;
    fs::make_folder(folder)?;
    let _lock = lock(folder)?;
    let root = root(new);
    let mut objects = tree::build(&std::collections::BTreeMap::new()).objects;
    let tree = objects[0].0;
    let list = catalog::write_list(&[]);
    let catalog = Digest::of(&list);
    objects.push((catalog, list));
    let head = Head {
        format: format_for(0),
        origin: new.origin.clone(),
        epoch: 1,
        serial: 1,
        root: 1,
        tree,
        depth: 0,
        catalog,
        expires: new.now.saturating_add(new.head_lifetime),
    };
    let (signed_root, signed_head) = (root.sign(new.root_key)?, head.sign(new.index_key)?);
    let key = new.root_key.public().to_file_text();
    fs::write(&folder.join(RegistryLayout::ROOT_KEY), key.as_bytes())?;
    fs::write(&folder.join(RegistryLayout::root(1)), &signed_root)?;
    let batch = Batch::begin(folder)?;
    write_objects(folder, &batch, &objects)?;
    batch.sync()?;
    // From here on it is a registry.
    fs::write(&folder.join(RegistryLayout::HEAD), &signed_head)?;
    Ok(head)
}

fn root(new: &NewRegistry) -> Root {
    Root {
        format: ROOT_FORMAT,
        origin: new.origin.clone(),
        serial: 1,
        epoch: 1,
        index_key: new.index_key.public(),
        next_root_key: new.root_key.public(),
        head_lifetime: new.head_lifetime,
        expires: new.now.saturating_add(ROOT_LIFETIME),
    }
}

fn is_leftover(file: &str) -> bool {
    let ours = [RegistryLayout::ROOT_KEY, crate::change::LOCK].contains(&file);
    ours || file == RegistryLayout::root(1)
        || file.starts_with("objects/")
        || file.starts_with(fs::UNFINISHED)
}
