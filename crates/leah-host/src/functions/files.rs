//! `files`: the plugin's own folder and those that were granted. Every name is looked up below an open folder, so that
//! no link leads out of it, whoever makes one while we look.

use std::{
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{
        Dir, DirBuilder, DirBuilderExt, Metadata, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt,
    },
};
use leah_home::fs;
use leah_plugin::layout::Layout;
use rustix::{fs::OFlags, io::Errno};

use super::{
    Caller, Door,
    path::{Access, Place, cost_of_file, in_full, locate},
};
use crate::{
    bindings::leah::plugin::{
        files::{Entry, Host, Kind},
        types::Error,
    },
    services::{
        Services,
        disk::{PER_FILE, Share},
    },
};

/// Most names in one list.
const NAMES: usize = 10_000;

impl Host for Caller<'_> {
    fn read(&mut self, path: String) -> Result<Vec<u8>, Error> {
        let path = in_full(&path, self.services.user_home.as_deref());
        let place = self.place(&path, Access::Read)?;
        let folder = self.open(&place)?;
        read(&folder, place.inner, self.plugin.limits.memory)
    }

    fn write(&mut self, path: String, content: Vec<u8>) -> Result<(), Error> {
        let path = in_full(&path, self.services.user_home.as_deref());
        let place = self.place(&path, Access::Write)?;
        let Some((_, name)) = split(place.inner) else { return Err(not_a_file()) };
        if Layout::is_new_file(name.as_ref()) {
            return Err(Error::Invalid("names that begin with `.new-` are the host's".into()));
        }
        let share = if place.folder.is_none() { Share::Files } else { Share::Elsewhere };
        let mut disk = self.kept().disk();
        if share == Share::Files {
            fs::create_folders(&self.own_folder()).map_err(|error| self.disk_failed(&error.into()))?;
        }
        let folder = self.open(&place)?;
        let (before, after) = costs(&folder, place.inner, content.len() as u64)?;
        let room = disk.has_room(after.saturating_sub(before), self.plugin.limits.disk);
        if after > before && !room.map_err(|error| self.disk_failed(&error))? {
            return Err(Error::TooLarge);
        }
        write(&folder, place.inner, &content)?;
        disk.changed(share, before, after);
        Ok(())
    }

    fn list(&mut self, path: String) -> Result<Vec<Entry>, Error> {
        let path = in_full(&path, self.services.user_home.as_deref());
        let place = self.place(&path, Access::Read)?;
        let is_own = place.folder.is_none() && place.inner.is_empty();
        match self.open(&place) {
            // It is made when something is written.
            Err(Error::NotFound) if is_own => Ok(Vec::new()),
            folder => list(&folder?, place.inner, NAMES),
        }
    }

    fn remove(&mut self, path: String) -> Result<(), Error> {
        let path = in_full(&path, self.services.user_home.as_deref());
        let place = self.place(&path, Access::Write)?;
        if place.inner.is_empty() {
            return Err(Error::Invalid("the folder itself stays".into()));
        }
        let mut disk = self.kept().disk();
        let folder = self.open(&place)?;
        let cost = remove(&folder, place.inner)?;
        let share = if place.folder.is_none() { Share::Files } else { Share::Elsewhere };
        disk.changed(share, cost, 0);
        Ok(())
    }
}

impl Caller<'_> {
    fn place<'p>(&self, path: &'p str, access: Access) -> Result<Place<'p>, Error> {
        self.enter(Door::Files)?;
        self.control.going_slow();
        locate(path, access, &self.plugin.rights.files, self.services.user_home.as_deref())
    }

    fn open(&self, place: &Place<'_>) -> Result<Dir, Error> {
        let folder = place.folder.clone().unwrap_or_else(|| self.own_folder());
        let opened = Dir::open_ambient_dir(&folder, ambient_authority()).map_err(|error| failed(&error))?;
        if place.folder.is_some() {
            self.check_not_ours(&folder, &opened, place.inner)?;
        }
        Ok(opened)
    }

    fn own_folder(&self) -> PathBuf {
        self.services.home.data_files(&self.plugin.name)
    }

    /// A folder of the user may hold the home, with what other plugins keep, settings and tokens, and the machine code
    /// that the host runs. That was not meant when the folder was granted.
    fn check_not_ours(&self, folder: &Path, opened: &Dir, inner: &str) -> Result<(), Error> {
        let wanted = real(folder)?.join(real_below(opened, inner)?);
        let Services { home, cache, .. } = self.services;
        for ours in [home.home(), &cache.machine_code()] {
            if wanted.starts_with(real(ours)?) {
                return Err(Error::Denied);
            }
        }
        Ok(())
    }
}

/// A path without links, as far as it is there; what is not there yet has none.
fn real(path: &Path) -> Result<PathBuf, Error> {
    for there in path.ancestors() {
        match fs::canonical(there) {
            Ok(real) => return Ok(real.join(path.strip_prefix(there).unwrap_or(path))),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(failed(&error.source)),
        }
    }
    Ok(path.to_owned())
}

/// The same for a path below an open folder.
fn real_below(folder: &Dir, inner: &str) -> Result<PathBuf, Error> {
    let mut there = inner;
    while !there.is_empty() {
        if let Some(real) = found(folder.canonicalize(there)).map_err(|error| failed(&error))? {
            return Ok(real.join(inner[there.len()..].trim_start_matches('/')));
        }
        there = split(there).map_or("", |(above, _)| above);
    }
    Ok(inner.into())
}

fn read(folder: &Dir, inner: &str, limit: u64) -> Result<Vec<u8>, Error> {
    if inner.is_empty() {
        return Err(not_a_file());
    }
    // Looked at before it is opened: to open a device may do something, to open a pipe may wait for ever.
    check_regular(&folder.symlink_metadata(inner).map_err(|error| failed(&error))?)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = folder.open_with(inner, &options).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    check_regular(&metadata)?;
    if metadata.len() > limit {
        return Err(Error::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > limit { Err(Error::TooLarge) } else { Ok(bytes) }
}

/// Written beside it and renamed over it, so that a reader sees the old bytes or the new ones.
fn write(folder: &Dir, inner: &str, content: &[u8]) -> Result<(), Error> {
    let (above, name) = split(inner).ok_or_else(not_a_file)?;
    let within;
    let folder = if above.is_empty() {
        folder
    } else {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        folder.create_dir_with(above, &builder).map_err(|error| failed(&error))?;
        within = folder.open_dir(above).map_err(|error| failed(&error))?;
        &within
    };
    let temporary = Layout::new_file(Path::new(name), fs::random());
    let written = replace(folder, &temporary, name, content);
    written.map_err(|error| {
        // The first error is the one to report; what stays is removed when the folder is measured.
        let _ = folder.remove_file(&temporary);
        failed(&error)
    })
}

fn replace(folder: &Dir, temporary: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = folder.open_with(temporary, &options)?;
    file.write_all(content)?;
    if let Some(old) = found(folder.symlink_metadata(name))? {
        // Without the bits that have a program run as somebody else.
        file.set_permissions(Permissions::from_mode(old.permissions().mode() & 0o777))?;
    }
    file.sync_all()?;
    folder.rename(temporary, folder, name)
}

/// What stands at a path costs, and what a file of so many bytes will cost with the folders on the way.
fn costs(folder: &Dir, inner: &str, bytes: u64) -> Result<(u64, u64), Error> {
    let look = |path: &str| found(folder.symlink_metadata(path)).map_err(|error| failed(&error));
    if let Some(old) = look(inner)? {
        check_regular(&old)?;
        return Ok((cost_of_file(old.len()), cost_of_file(bytes)));
    }
    let mut cost = cost_of_file(bytes);
    let mut above = split(inner).map_or("", |(above, _)| above);
    while !above.is_empty() && look(above)?.is_none() {
        cost += PER_FILE;
        above = split(above).map_or("", |(above, _)| above);
    }
    Ok((0, cost))
}

pub(super) fn list(folder: &Dir, inner: &str, most: usize) -> Result<Vec<Entry>, Error> {
    let names = if inner.is_empty() { folder.entries() } else { folder.read_dir(inner) };
    let mut entries = Vec::new();
    for entry in names.map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        // A name that is no text cannot be told, and so not be asked for.
        let Ok(name) = entry.file_name().into_string() else { continue };
        // What is gone since it was listed is not in the list.
        let Some(metadata) = found(entry.metadata()).map_err(|error| failed(&error))? else { continue };
        if Layout::is_new_file(name.as_ref()) {
            continue;
        }
        if entries.len() == most {
            return Err(Error::TooLarge);
        }
        let kind = kind(&metadata);
        let size = if kind == Kind::File { metadata.len() } else { 0 };
        entries.push(Entry { name, kind, size, meta: Vec::new() });
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// What was removed did cost so much.
fn remove(folder: &Dir, inner: &str) -> Result<u64, Error> {
    let metadata = folder.symlink_metadata(inner).map_err(|error| failed(&error))?;
    let (removed, cost) = match kind(&metadata) {
        Kind::File => (folder.remove_file(inner), cost_of_file(metadata.len())),
        Kind::Folder => (folder.remove_dir(inner), PER_FILE),
        Kind::Other => return Err(Error::Denied),
    };
    removed.map(|()| cost).map_err(|error| failed(&error))
}

fn check_regular(metadata: &Metadata) -> Result<(), Error> {
    match kind(metadata) {
        Kind::File => Ok(()),
        Kind::Folder => Err(not_a_file()),
        Kind::Other => Err(Error::Denied),
    }
}

fn kind(metadata: &Metadata) -> Kind {
    match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        _ => Kind::Other,
    }
}

/// The folders above, and the last part.
fn split(inner: &str) -> Option<(&str, &str)> {
    match inner.rsplit_once('/') {
        Some(parts) => Some(parts),
        None => (!inner.is_empty()).then_some(("", inner)),
    }
}

fn not_a_file() -> Error {
    Error::Invalid("it is a folder".into())
}

fn found<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the plugin is told. Paths of the user are not in it.
fn failed(error: &io::Error) -> Error {
    match (error.kind(), Errno::from_io_error(error)) {
        (ErrorKind::NotFound | ErrorKind::NotADirectory, _) => Error::NotFound,
        // A link in the way, or one that leads out.
        (ErrorKind::PermissionDenied, _) | (_, Some(Errno::LOOP | Errno::XDEV)) => Error::Denied,
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge, _) => Error::TooLarge,
        (ErrorKind::InvalidFilename, _) => Error::Invalid("a name is too long in the path".into()),
        _ => Error::Failed(error.to_string()),
    }
}
