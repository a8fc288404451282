//! A store of unpacked packages, and generations of links into it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Write,
    os::{fd::AsFd, unix::fs::symlink},
};

use libdeflater::Decompressor;
use rustix::fs::{Mode, OFlags};

use crate::{
    registry::{Lock, Locked},
    signed::sha256,
};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sync {
    None,
    Once { content: bool },
    EachFile,
}

impl Sync {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "none" => Self::None,
            "syncfs" => Self::Once { content: false },
            "content" => Self::Once { content: true },
            "fsync" => Self::EachFile,
            other => panic!("no way to sync `{other}`"),
        }
    }
}

pub(crate) struct Folder {
    path: String,
    sync: Sync,
}

impl Folder {
    pub(crate) fn new(path: &str, sync: Sync) -> Self {
        Self { path: path.to_owned(), sync }
    }

    pub(crate) fn store(&self) -> String {
        format!("{}/store", self.path)
    }

    pub(crate) fn read_lock(&self) -> Lock {
        serde_json::from_slice(&fs::read(format!("{}/lock", self.path)).unwrap()).unwrap()
    }

    pub(crate) fn write_lock(&self, lock: &Lock) {
        fs::write(format!("{}/lock", self.path), serde_json::to_vec(lock).unwrap()).unwrap();
    }

    /// That what is live is the set of this lock.
    pub(crate) fn check(&self, lock: &Lock) {
        let live = fs::read_link(format!("{}/current", self.path)).unwrap();
        assert_eq!(live.to_str().unwrap(), format!("generations/{}", id(lock)));
        assert_eq!(fs::read_dir(format!("{}/current", self.path)).unwrap().count(), lock.len());
    }

    pub(crate) fn switch(&self, lock: &Lock) {
        let generation = format!("{}/generations/{}", self.path, id(lock));
        fs::create_dir_all(&generation).unwrap();
        for (name, locked) in lock {
            assert!(fs::metadata(format!("{}/{}", self.store(), locked.content)).unwrap().is_dir());
            symlink(format!("../../store/{}", locked.content), format!("{generation}/{name}")).unwrap();
        }
        if self.sync != Sync::None {
            rustix::fs::syncfs(File::open(&self.path).unwrap().as_fd()).unwrap();
        }
        let next = format!("{}/next", self.path);
        symlink(format!("generations/{}", id(lock)), &next).unwrap();
        fs::rename(&next, format!("{}/current", self.path)).unwrap();
        if self.sync != Sync::None {
            File::open(&self.path).unwrap().sync_all().unwrap();
        }
    }
}

fn id(lock: &Lock) -> String {
    let all: String = lock.iter().flat_map(|(name, locked)| [name.as_str(), &locked.sha256]).collect();
    sha256(all.as_bytes())[..16].to_owned()
}

pub(crate) struct Unpacker {
    inflater: Decompressor,
    tar: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { inflater: Decompressor::new(), tar: Vec::new() }
    }
}

impl Unpacker {
    /// Unpacks an archive that was checked into the store.
    pub(crate) fn unpack(&mut self, archive: &[u8], locked: &Locked, folder: &Folder) {
        let length = u32::from_le_bytes(*archive.last_chunk().unwrap()) as usize;
        assert!(length < 64 << 20);
        if self.tar.len() < length {
            self.tar.resize(length, 0);
        }
        let length = self.inflater.gzip_decompress(archive, &mut self.tar).unwrap();
        let tar = &self.tar[..length];
        if folder.sync == (Sync::Once { content: true }) {
            assert_eq!(sha256(tar), locked.content);
        }
        let staging = format!("{}/.{}", folder.store(), locked.content);
        write(tar, &staging, folder.sync == Sync::EachFile);
        fs::rename(&staging, format!("{}/{}", folder.store(), locked.content)).unwrap();
    }
}

fn write(tar: &[u8], folder: &str, sync: bool) {
    fs::create_dir(folder).unwrap();
    let opened = File::open(folder).unwrap();
    let mut made = HashSet::new();
    let mut at = 0;
    while tar[at] != 0 {
        let header = &tar[at..at + 512];
        let name = std::str::from_utf8(&header[..100]).unwrap().trim_end_matches('\0');
        let size = std::str::from_utf8(&header[124..135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        assert!(!name.starts_with('/') && !name.contains(".."));
        at += 512;
        if let Some((parent, _)) = name.rsplit_once('/')
            && made.insert(parent)
        {
            rustix::fs::mkdirat(&opened, parent, Mode::from_bits_truncate(0o755)).unwrap();
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = rustix::fs::openat(&opened, name, flags, Mode::from_bits_truncate(0o644)).unwrap();
        let mut file = File::from(file);
        file.write_all(&tar[at..at + size]).unwrap();
        if sync {
            file.sync_all().unwrap();
        }
        at += size.next_multiple_of(512);
    }
    if sync {
        opened.sync_all().unwrap();
    }
}
