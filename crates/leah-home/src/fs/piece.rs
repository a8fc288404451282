//! Reading pieces of a file that is open and may be too large to be read whole.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, path::Path};

use super::{FsError, TooLarge, failed};

/// How many bytes an open file has now; `path` is what an error names.
///
/// # Errors
/// When the system cannot tell.
pub fn length(file: &File, path: &Path) -> Result<u64, FsError> {
    Ok(file.metadata().map_err(failed("look at", path))?.len())
}

/// Fills `into` with the bytes from `at` on.
///
/// # Errors
/// When the file cannot be read or ends before.
pub fn read_at(file: &File, path: &Path, at: u64, into: &mut [u8]) -> Result<(), FsError> {
    file.read_exact_at(into, at).map_err(failed("read", path))
}

/// The bytes of `range`, at most `limit`.
///
/// # Errors
/// When they are more, or the file cannot be read or ends before.
pub fn read_range(file: &File, path: &Path, range: Range<u64>, limit: u64) -> Result<Vec<u8>, FsError> {
    let length = range.end.saturating_sub(range.start);
    let length = usize::try_from(length).ok().filter(|_| length <= limit).ok_or_else(|| {
        failed("read", path)(io::Error::new(io::ErrorKind::FileTooLarge, TooLarge { limit }))
    })?;
    let mut bytes = vec![0; length];
    read_at(file, path, range.start, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn reads_pieces_that_are_there_and_not_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "0123456789").unwrap();
        let file = fs::open(&path).unwrap();
        assert_eq!(length(&file, &path).unwrap(), 10);
        assert_eq!(read_range(&file, &path, 2..5, 3).unwrap(), b"234");
        assert!(read_range(&file, &path, 2..5, 2).unwrap_err().is_too_large());
        assert!(read_range(&file, &path, 8..11, 100).is_err());
    }
}
