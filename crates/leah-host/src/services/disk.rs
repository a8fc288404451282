//! What one plugin has on disk: how much that is, and its database, opened when it is first needed. What is counted is
//! what the plugin wrote, with a fee for each file, folder and key, so that a million empty ones are not free.

use std::{
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, OpenOptions},
};
use leah_home::fs::{self, FsError};
use leah_plugin::layout::Layout;
use redb::{Database, ReadableDatabase, StorageError, TableDefinition, TableError};

/// What a file or a folder costs beside its bytes.
pub(crate) const PER_FILE: u64 = 4096;

/// What a key costs beside its bytes and those of its value.
pub(crate) const PER_KEY: u64 = 64;

/// Bytes of memory that an open database uses to remember what it read.
const CACHE: usize = 1 << 20;

/// How much of a database says how long it is.
const HEAD: u64 = 64;

/// Where its flags stand.
const FLAGS: usize = 9;

/// The flag of a database that has to be checked before it is used.
const NEEDS_CHECK: u8 = 2;

/// The flag of a database that was closed well.
const IS_CLOSED: u8 = 4;

/// Bytes of a page of a database.
const PAGE: u64 = 4096;

/// The values by key.
pub(crate) const VALUES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("values");

/// What they cost, under [`COST`].
pub(crate) const COSTS: TableDefinition<'static, &str, u64> = TableDefinition::new("costs");

/// The one key of [`COSTS`].
pub(crate) const COST: &str = "values";

/// What one plugin has on disk.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    database_path: PathBuf,
    database: Option<Arc<Database>>,
    /// What its own folder costs, once it was looked.
    files: Option<u64>,
    /// What it added to folders of the user since it runs.
    elsewhere: u64,
    /// What its keys and values cost, once it was looked.
    store: Option<u64>,
}

/// Why what a plugin has on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// The database is damaged, or cannot be read or written.
    #[error("the database `{}` of the plugin cannot be used", fs::shown(.path))]
    Database {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<redb::Error>,
    },
    /// The folder cannot be made or read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The plugin's own folder cannot be looked through.
    #[error("cannot look through the folder `{}`", fs::shown(.path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Where something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// In the plugin's own folder.
    Files,
    /// In a folder of the user.
    Elsewhere,
    /// In the database.
    Store,
}

impl Disk {
    pub(super) fn new(folder: PathBuf, database_path: PathBuf) -> Self {
        Self { folder, database_path, database: None, files: None, elsewhere: 0, store: None }
    }

    pub(super) fn close(&mut self) {
        self.database = None;
    }

    /// The database, if there is one.
    pub(crate) fn database(&mut self) -> Result<Option<Arc<Database>>, DiskError> {
        if self.database.is_none() && fs::kind(&self.database_path)?.is_some() {
            self.open()?;
        }
        Ok(self.database.clone())
    }

    /// The database, made if there is none.
    pub(crate) fn database_to_write(&mut self) -> Result<Arc<Database>, DiskError> {
        match &self.database {
            Some(database) => Ok(Arc::clone(database)),
            None => self.open(),
        }
    }

    /// An error of the database, with its file.
    pub(crate) fn failed(&self, source: impl Into<redb::Error>) -> DiskError {
        DiskError::Database { path: self.database_path.clone(), source: Box::new(source.into()) }
    }

    /// Whether so much may be added below `limit`.
    pub(crate) fn has_room(&mut self, growth: u64, limit: u64) -> Result<bool, DiskError> {
        let used = self.files()? + self.elsewhere + self.store()?;
        Ok(used.saturating_add(growth) <= limit)
    }

    /// Takes note of a change that was made.
    pub(crate) fn changed(&mut self, share: Share, before: u64, after: u64) {
        let adjusted = |cost: u64| cost.saturating_add(after).saturating_sub(before);
        match share {
            Share::Files => self.files = self.files.map(adjusted),
            Share::Elsewhere => self.elsewhere = adjusted(self.elsewhere),
            Share::Store => self.store = self.store.map(adjusted),
        }
    }

    fn files(&mut self) -> Result<u64, DiskError> {
        if let Some(cost) = self.files {
            return Ok(cost);
        }
        let failed = |source| DiskError::Folder { path: self.folder.clone(), source };
        let cost = match Dir::open_ambient_dir(&self.folder, ambient_authority()) {
            Ok(folder) => cost_of(&folder).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(failed(error)),
        };
        Ok(*self.files.insert(cost))
    }

    fn store(&mut self) -> Result<u64, DiskError> {
        if let Some(cost) = self.store {
            return Ok(cost);
        }
        let cost = match self.database()? {
            Some(database) => read_cost(&database).map_err(|error| self.failed(error))?,
            None => 0,
        };
        Ok(*self.store.insert(cost))
    }

    fn open(&mut self) -> Result<Arc<Database>, DiskError> {
        if let Some(folder) = self.database_path.parent() {
            fs::create_folders(folder)?;
        }
        if fs::kind(&self.database_path)?.is_some() {
            prepare(&self.database_path).map_err(|error| self.failed(error))?;
        }
        let opened = Database::builder().set_cache_size(CACHE).create(&self.database_path);
        let database = Arc::new(opened.map_err(|error| self.failed(error))?);
        self.database = Some(Arc::clone(&database));
        Ok(database)
    }
}

/// Has a database checked as it is opened, every page by its checksum, as after a crash. One that was closed well is not
/// checked otherwise, and a page that the disk damaged since would end the host when it is read. So would a file that
/// was cut off, as by a copy that did not end.
fn prepare(path: &Path) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let file = File::open_ambient_with(path, &options, ambient_authority())?.into_std();
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&file).take(HEAD).read_to_end(&mut head)?;
    if length == 0 {
        // A crash came before anything was in it.
        return Ok(());
    }
    if !is_whole(&head, length) {
        return Err(StorageError::Corrupted("the file is cut off, or is no database".into()));
    }
    file.write_all_at(&[(head[FLAGS] | NEEDS_CHECK) & !IS_CLOSED], FLAGS as u64)?;
    Ok(())
}

/// True if a file of this length holds all that its first bytes say (redb's file format, version 3): page size, pages of
/// a region's header and of its data, number of whole regions, pages of the last one; each a `u32`.
fn is_whole(head: &[u8], length: u64) -> bool {
    let field =
        |at: usize| head.get(at..at + 4)?.try_into().map(|bytes| u64::from(u32::from_le_bytes(bytes))).ok();
    let fields = [12, 16, 20, 24, 28].map(field);
    let [Some(PAGE), Some(header), Some(data), Some(regions), Some(last)] = fields else { return false };
    let pages = 1 + regions * (header + data) + if last > 0 { header + last } else { 0 };
    length / PAGE >= pages
}

fn read_cost(database: &Database) -> Result<u64, redb::Error> {
    match database.begin_read()?.open_table(COSTS) {
        Ok(costs) => Ok(costs.get(COST)?.map_or(0, |cost| cost.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// What everything below a folder costs. What a crash left half written is removed on the way.
fn cost_of(folder: &Dir) -> io::Result<u64> {
    let mut cost = 0;
    for entry in folder.entries()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if Layout::is_new_file(&entry.file_name()) && metadata.is_file() {
            entry.remove_file()?;
            continue;
        }
        cost += PER_FILE;
        if metadata.is_dir() {
            cost += cost_of(&entry.open_dir()?)?;
        } else if metadata.is_file() {
            cost += metadata.len();
        }
    }
    Ok(cost)
}
