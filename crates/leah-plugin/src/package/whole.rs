//! A gzip member inflated in one call, which takes half the time of doing it piece by piece. It only says yes or no: what
//! is wrong with a member is found out by who reads it piece by piece.

#![expect(unsafe_code, reason = "the safe interfaces to libdeflate do not tell where a member ends")]

use std::cell::Cell;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_free_decompressor, libdeflate_gzip_decompress_ex,
    libdeflate_result_LIBDEFLATE_SUCCESS,
};

thread_local! {
    /// The memory of the package that this thread unpacked before, so that the system need not hand out and clear new
    /// memory for each.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Keeps memory that is not needed any more for the next package.
pub(super) fn keep(content: Vec<u8>) {
    // Where the thread is at its end there is no next one.
    let _ = SPARE.try_with(|spare| spare.set(content));
}

/// Memory for `length` bytes, without any in it.
fn room(length: usize) -> Option<Vec<u8>> {
    let mut room = SPARE.take();
    room.clear();
    if room.capacity() < length {
        // What is there would be copied into more.
        room = Vec::new();
        room.try_reserve_exact(length).ok()?;
    }
    Some(room)
}

/// Inflates an archive that is one gzip member and nothing behind it, whose content has `length` bytes. Its checksum and
/// length are checked. None where anything of that is not so, or there is no memory for it.
pub(super) fn inflate(archive: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut content = room(length)?;
    let (mut read, mut written) = (0, 0);
    // SAFETY: the decompressor lives from its making to its end within this block and is used by this thread alone. It reads
    // at most `archive.len()` bytes at the one pointer and writes at most `length` at the other, for which there is room.
    let result = unsafe {
        let decompressor = libdeflate_alloc_decompressor();
        if decompressor.is_null() {
            return None;
        }
        let result = libdeflate_gzip_decompress_ex(
            decompressor,
            archive.as_ptr().cast(),
            archive.len(),
            content.as_mut_ptr().cast(),
            length,
            &raw mut read,
            &raw mut written,
        );
        libdeflate_free_decompressor(decompressor);
        result
    };
    if result != libdeflate_result_LIBDEFLATE_SUCCESS || read != archive.len() || written != length {
        return None;
    }
    // SAFETY: that many bytes were reserved, and all of them were written.
    unsafe { content.set_len(length) };
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::gzip::deflate;

    #[track_caller]
    fn check(archive: &[u8], length: usize, expect: bool) {
        assert_eq!(inflate(archive, length).is_some(), expect);
    }

    #[test]
    fn takes_a_whole_member_of_that_length_alone() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let archive = deflate(&content);
        assert_eq!(inflate(&archive, content.len()), Some(content.clone()));
        assert_eq!(inflate(&deflate(b""), 0), Some(Vec::new()));
        check(&archive, content.len() - 1, false);
        check(&archive, content.len() + 1, false);
        check(&archive[..archive.len() - 1], content.len(), false);
        check(&[&archive[..], b"x"].concat(), content.len(), false);
        check(&[&archive[..], &archive[archive.len() - 8..]].concat(), content.len(), false);
        check(b"", 0, false);
    }

    #[test]
    fn refuses_every_changed_byte_behind_the_header() {
        let content = b"some text that is packed, some text that is packed again";
        let archive = deflate(content);
        for at in 10..archive.len() {
            let mut changed = archive.clone();
            changed[at] ^= 0x10;
            let found = inflate(&changed, content.len());
            assert!(found.is_none_or(|found| found == content), "byte {at}");
        }
    }
}
