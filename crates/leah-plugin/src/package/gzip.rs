//! One gzip member (RFC 1952), in the one form in which packages are written: no name, no time. Inflates within
//! limits that are known before the first byte comes out, so a bomb costs neither memory nor time.

use std::io::Write as _;

use flate2::{Compression, Crc, Decompress, FlushDecompress, GzBuilder, Status};

use super::{Limits, whole};
use crate::digest::Digest;

/// The ten bytes in front: gzip, deflate, no flags, no time, best compression, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

/// CRC-32 and length of what was packed, four bytes each.
const TRAILER_BYTES: usize = 8;

/// A text of zeros inflates a thousandfold, and small packages have many; a ratio counts only above this size.
const RATIO_COUNTS_ABOVE: u64 = 1 << 20;

/// The least that room is made for at a time.
const PIECE_BYTES: u64 = 128 << 10;

/// Why bytes are not the gzip member that they should be.
#[derive(Debug, thiserror::Error)]
pub enum GzipError {
    /// The file is larger than the limit.
    #[error("the archive has {size} bytes, at most {limit} are allowed")]
    Archive {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Another kind of file, or nothing.
    #[error("the archive is not a gzip file")]
    NotGzip,
    /// A file name, a time or another field, which would make equal packages different.
    #[error("the gzip header has {0}; make the package with `leahpm pack`")]
    Header(&'static str),
    /// The compressed data ends too early.
    #[error("the archive is cut off after {0} bytes")]
    Truncated(usize),
    /// The compressed data makes no sense.
    #[error("the compressed data of the archive is damaged")]
    Damaged(#[source] flate2::DecompressError),
    /// It unpacks to more than the limit.
    #[error("the archive unpacks to more than {0} bytes, the most that a package can have")]
    Unpacked(u64),
    /// It unpacks to many times its size, as nothing sensible does.
    #[error("the archive unpacks to more than {0} times its size")]
    Bomb(u64),
    /// The CRC-32 of the data is another.
    #[error("the checksum of the archive is wrong: it says {stored:08x}, the data has {found:08x}")]
    Checksum {
        /// What stands at the end of the archive.
        stored: u32,
        /// What the data gives.
        found: u32,
    },
    /// The length of the data is another.
    #[error("the length of the archive is wrong: it says {stored}, the data has {found} bytes (modulo 2^32)")]
    Length {
        /// What stands at the end of the archive.
        stored: u32,
        /// What the data gives.
        found: u32,
    },
    /// Some readers would unpack it too and some would not.
    #[error("the archive has a second gzip member after the first; make the package with `leahpm pack`")]
    SecondMember,
    /// Bytes that nobody signed for a reason.
    #[error("the archive has {0} bytes after its end; make the package with `leahpm pack`")]
    Trailing(usize),
}

/// Inflates an archive and hashes what comes out.
pub(super) fn inflate(archive: &[u8], limits: &Limits) -> Result<(Vec<u8>, Digest), GzipError> {
    let size = archive.len() as u64;
    if size > limits.archive {
        return Err(GzipError::Archive { size, limit: limits.archive });
    }
    let deflated = check_header(archive)?;
    let most = Most::of(size, limits);
    let content = match announced(archive).filter(|length| *length as u64 <= most.bytes) {
        Some(length) => whole::inflate(archive, length),
        None => None,
    };
    let content = content.map_or_else(|| stepwise(deflated, archive.len(), &most), Ok)?;
    let digest = Digest::of(&content);
    Ok((content, digest))
}

/// The same piece by piece, for what is not as it should be: it says what is wrong, and stops as soon as too much comes.
fn stepwise(deflated: &[u8], size: usize, most: &Most) -> Result<Vec<u8>, GzipError> {
    let mut output = Vec::new();
    let mut crc = Crc::new();
    let mut inflater = Decompress::new(false);
    loop {
        let (consumed, produced) = (inflater.total_in() as usize, output.len());
        if output.len() == output.capacity() {
            // Room for one byte too many, so that the limit is seen to be passed; never for more.
            let more = (produced as u64).max(PIECE_BYTES).min(most.bytes + 1 - produced as u64);
            output.reserve_exact(more as usize);
        }
        let status = inflater
            .decompress_vec(&deflated[consumed..], &mut output, FlushDecompress::None)
            .map_err(GzipError::Damaged)?;
        let piece = &output[produced..];
        most.check(output.len() as u64)?;
        crc.update(piece);
        let stuck = inflater.total_in() as usize == consumed && piece.is_empty();
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if stuck => return Err(GzipError::Truncated(size)),
            Status::Ok | Status::BufError => {}
        }
    }
    check_trailer(&deflated[inflater.total_in() as usize..], size, &crc)?;
    Ok(output)
}

/// Compresses; the same bytes in give the same bytes out as long as the compressor stays the same.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let archive = Vec::with_capacity(bytes.len() / 2);
    let mut writer = GzBuilder::new().mtime(0).operating_system(255).write(archive, Compression::best());
    writer.write_all(bytes).and_then(|()| writer.finish()).expect("writing into memory does not fail")
}

/// The most that may come out, and which limit that is.
struct Most {
    bytes: u64,
    error: fn(&Limits) -> GzipError,
    limits: Limits,
}

impl Most {
    fn of(archive: u64, limits: &Limits) -> Self {
        let by_ratio = archive.saturating_mul(limits.ratio).max(RATIO_COUNTS_ABOVE);
        if by_ratio < limits.unpacked {
            Self { bytes: by_ratio, error: |limits| GzipError::Bomb(limits.ratio), limits: *limits }
        } else {
            Self {
                bytes: limits.unpacked,
                error: |limits| GzipError::Unpacked(limits.unpacked),
                limits: *limits,
            }
        }
    }

    fn check(&self, bytes: u64) -> Result<(), GzipError> {
        if bytes > self.bytes { Err((self.error)(&self.limits)) } else { Ok(()) }
    }
}

/// The length that the trailer announces. Whoever signed the archive wrote it, so it is a guess.
fn announced(archive: &[u8]) -> Option<usize> {
    let length = archive.last_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

fn check_header(archive: &[u8]) -> Result<&[u8], GzipError> {
    let Some((header, rest)) = archive.split_first_chunk::<10>() else { return Err(GzipError::NotGzip) };
    if *header == HEADER {
        return Ok(rest);
    }
    Err(match header {
        [0x1f, 0x8b, 8, flags, ..] if flags & 8 != 0 => GzipError::Header("a file name"),
        [0x1f, 0x8b, 8, flags, ..] if *flags != 0 => GzipError::Header("extra fields"),
        [0x1f, 0x8b, 8, _, 0, 0, 0, 0, ..] => GzipError::Header("another system or level of compression"),
        [0x1f, 0x8b, 8, ..] => GzipError::Header("a time"),
        _ => GzipError::NotGzip,
    })
}

fn check_trailer(rest: &[u8], size: usize, crc: &Crc) -> Result<(), GzipError> {
    let Some((trailer, after)) = rest.split_first_chunk::<TRAILER_BYTES>() else {
        return Err(GzipError::Truncated(size));
    };
    let [a, b, c, d, e, f, g, h] = *trailer;
    let (checksum, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    if checksum != crc.sum() {
        return Err(GzipError::Checksum { stored: checksum, found: crc.sum() });
    }
    if length != crc.amount() {
        return Err(GzipError::Length { stored: length, found: crc.amount() });
    }
    match after {
        [] => Ok(()),
        [0x1f, 0x8b, ..] => Err(GzipError::SecondMember),
        _ => Err(GzipError::Trailing(after.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(archive: &[u8], limits: &Limits, expect: &str) {
        match inflate(archive, limits) {
            Ok((bytes, digest)) => {
                assert_eq!(digest, Digest::of(&bytes));
                assert_eq!(format!("{} bytes", bytes.len()), expect);
            }
            Err(error) => assert_eq!(error.to_string(), expect),
        }
    }

    fn changed(at: usize, byte: u8) -> Vec<u8> {
        let mut archive = deflate(b"some text");
        archive[at] = byte;
        archive
    }

    #[test]
    fn inflates_what_it_deflated() {
        let limits = Limits::default();
        check(&deflate(b""), &limits, "0 bytes");
        check(&deflate(&[7; 300_000]), &limits, "300000 bytes");
        assert_eq!(deflate(b"some text"), deflate(b"some text"));
        assert_eq!(deflate(b"some text")[..10], HEADER);
    }

    #[test]
    fn refuses_another_header() {
        let limits = Limits::default();
        let advice = "; make the package with `leahpm pack`";
        check(b"", &limits, "the archive is not a gzip file");
        check(b"PK\x03\x04 and so on", &limits, "the archive is not a gzip file");
        check(&changed(3, 8), &limits, &format!("the gzip header has a file name{advice}"));
        check(&changed(3, 4), &limits, &format!("the gzip header has extra fields{advice}"));
        check(&changed(4, 1), &limits, &format!("the gzip header has a time{advice}"));
        let system = format!("the gzip header has another system or level of compression{advice}");
        check(&changed(9, 3), &limits, &system);
    }

    #[test]
    fn refuses_what_is_cut_damaged_or_continued() {
        let limits = Limits::default();
        let good = deflate(b"some text");
        let end = good.len();
        check(&good[..end - 1], &limits, &format!("the archive is cut off after {} bytes", end - 1));
        check(&good[..12], &limits, "the archive is cut off after 12 bytes");
        check(&changed(10, 0xff), &limits, "the compressed data of the archive is damaged");
        check(
            &[&good[..], b"x"].concat(),
            &limits,
            "the archive has 1 bytes after its end; make the package with `leahpm pack`",
        );
        let twice =
            "the archive has a second gzip member after the first; make the package with `leahpm pack`";
        check(&[&good[..], &good[..]].concat(), &limits, twice);
        assert!(matches!(inflate(&changed(end - 8, 0), &limits), Err(GzipError::Checksum { .. })));
        assert!(matches!(
            inflate(&changed(end - 4, 0), &limits),
            Err(GzipError::Length { stored: 0, found: 9 })
        ));
    }

    #[test]
    fn refuses_bombs_before_they_take_memory() {
        let limits = Limits::default();
        let bomb = deflate(&vec![0; 16 << 20]);
        check(&bomb, &limits, "the archive unpacks to more than 200 times its size");
        let small = Limits { unpacked: 1000, ..limits };
        check(
            &deflate(&[1; 1001]),
            &small,
            "the archive unpacks to more than 1000 bytes, the most that a package can have",
        );
        check(&deflate(&[1; 1000]), &small, "1000 bytes");
        let narrow = Limits { archive: 20, ..limits };
        check(&[0; 21], &narrow, "the archive has 21 bytes, at most 20 are allowed");
        // A length that promises 4 GiB makes no room for it.
        let mut archive = deflate(&[1; 1000]);
        let end = archive.len();
        archive[end - 4..].fill(255);
        check(
            &archive,
            &limits,
            "the length of the archive is wrong: it says 4294967295, the data has 1000 bytes (modulo 2^32)",
        );
    }
}
