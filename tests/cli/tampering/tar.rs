//! Raw tar and gzip by hand, valid unless a test makes them otherwise: no library would write what must be
//! refused.

use std::io::Write;

use flate2::{Compression, GzBuilder};

/// One entry of a tar: its header, which can be changed in any way, and its data.
#[derive(Clone)]
pub struct Entry {
    pub header: [u8; 512],
    pub data: Vec<u8>,
    /// Of the bytes that fill the last block.
    pub padding: u8,
}

impl Entry {
    /// A regular file in the one form that is allowed.
    pub fn new(path: &str, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let mut entry = Self { header: [0; 512], data, padding: 0 };
        let size = format!("{:011o}\0", entry.data.len());
        let fields: [(usize, &[u8]); 11] = [
            (0, path.as_bytes()),
            (100, b"0000644\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, size.as_bytes()),
            (136, b"00000000000\0"),
            (156, b"0"),
            (257, b"ustar\0"),
            (263, b"00"),
            (329, b"0000000\0"),
            (337, b"0000000\0"),
        ];
        for (at, bytes) in fields {
            entry.header[at..at + bytes.len()].copy_from_slice(bytes);
        }
        entry.sealed()
    }

    /// The same with other bytes at this place of the header, and the checksum that belongs to it.
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self.sealed()
    }

    /// The same as an entry of another type.
    pub fn typed(self, flag: u8) -> Self {
        self.with(156, &[flag])
    }

    fn sealed(mut self) -> Self {
        self.header[148..156].fill(b' ');
        let sum: u32 = self.header.iter().map(|byte| u32::from(*byte)).sum();
        self.header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self
    }

    fn write(&self, tar: &mut Vec<u8>) {
        tar.extend_from_slice(&self.header);
        tar.extend_from_slice(&self.data);
        tar.resize(tar.len().next_multiple_of(512), self.padding);
    }
}

/// A tar of these entries with its end.
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut tar = Vec::new();
    entries.iter().for_each(|entry| entry.write(&mut tar));
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// One gzip member in the form that is allowed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_of(GzBuilder::new().operating_system(255), [bytes])
}

/// One gzip member of all these pieces, with any header.
pub fn gzip_of<'a>(header: GzBuilder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut writer = header.write(Vec::new(), Compression::best());
    pieces.into_iter().for_each(|piece| writer.write_all(piece).unwrap());
    writer.finish().unwrap()
}
