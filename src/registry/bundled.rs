//! The registry that is compiled into leahpm: a table of files in the binary, sorted by path. Its root
//! key is compiled in beside it, so it vouches for nothing but what is inside this binary.

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// A file of the bundled registry by its path, or none of that name.
#[must_use]
pub(super) fn file(path: &str) -> Option<&'static [u8]> {
    FILES.binary_search_by_key(&path, |(name, _)| name).ok().map(|index| FILES[index].1)
}
