//! Headers of canonical tars: for a path and a size there is exactly one, and this writes it, reads it and says in what
//! another one differs. Which paths and sizes are allowed, and what stands between the headers, is for the formats to
//! say that are made of them: packages and bundles.

/// Bytes of a header, and of what all content is filled up to.
pub(crate) const BLOCK: usize = 512;

/// Two empty blocks end a tar (POSIX.1-1988, ustar).
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The fields of a ustar header by their first byte, to say where a header differs.
const FIELDS: [(usize, &str); 17] = [
    (0, "name"),
    (100, "mode"),
    (108, "owner"),
    (116, "group"),
    (124, "size"),
    (136, "time"),
    (148, "checksum"),
    (156, "type"),
    (157, "link name"),
    (257, "magic"),
    (263, "version"),
    (265, "owner name"),
    (297, "group name"),
    (329, "device"),
    (337, "device"),
    (345, "prefix"),
    (500, "padding"),
];

/// What a tar can hold beside plain files. Each is a way to write somewhere else, or to mean another thing to another
/// reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    /// A hard or a symbolic link.
    Link,
    /// A device, a pipe or the like.
    Device,
    /// A folder.
    Folder,
    /// A PAX header (types `x` and `g`), which gives the next entry another name or size, for some readers.
    Pax,
    /// A GNU header for a long name and its kin, which do the same.
    Gnu,
    /// A sparse file, which is larger than its data.
    Sparse,
}

/// The canonical header: ustar, regular file, mode 0644, ids 0, time 0, and the device and the checksum as GNU tar
/// writes them, so that a stock `tar --format=ustar` can make the same. None where the path does not fit.
///
/// A path of up to 100 bytes is the name; of a longer one the name is what stands behind its longest folder of up to 155
/// bytes, which is the prefix.
pub(crate) fn header(path: &str, size: u64) -> Option<[u8; BLOCK]> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path).ok()?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    for set in [tar::Header::set_device_major, tar::Header::set_device_minor] {
        set(&mut header, 0).expect("a ustar header has a device");
    }
    set_checksum(header.as_mut_bytes());
    Some(*header.as_bytes())
}

/// Six octal digits, a zero byte and a space, over a header that has spaces in their place.
pub(crate) fn set_checksum(header: &mut [u8; BLOCK]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    // 512 bytes of 255 make 0o376000, which has six digits.
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

/// How many zeros follow content of this size.
pub(crate) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// What an entry is, if not a plain file. To be asked first: what a foreign tool did is a better answer than the field
/// in which it shows.
pub(crate) fn special(header: &[u8; BLOCK]) -> Option<Special> {
    match header[156] {
        b'1' | b'2' => Some(Special::Link),
        b'3' | b'4' | b'6' => Some(Special::Device),
        b'5' => Some(Special::Folder),
        b'x' | b'g' | b'X' => Some(Special::Pax),
        b'L' | b'K' | b'V' | b'M' | b'N' => Some(Special::Gnu),
        b'S' => Some(Special::Sparse),
        _ => None,
    }
}

/// The name, up to its first zero byte.
pub(crate) fn name(header: &[u8; BLOCK]) -> &[u8] {
    until_zero(&header[..100])
}

/// The folder in front of the name; empty where there is none.
pub(crate) fn prefix(header: &[u8; BLOCK]) -> &[u8] {
    until_zero(&header[345..500])
}

/// Eleven octal digits and a zero byte. Other spellings differ from the canonical header anyway.
pub(crate) fn size(header: &[u8; BLOCK]) -> Option<u64> {
    let text = std::str::from_utf8(header[124..136].strip_suffix(b"\0")?).ok()?;
    u64::from_str_radix(text, 8).ok()
}

/// The first field in which a header differs from the canonical one.
pub(crate) fn difference(header: &[u8; BLOCK], canonical: &[u8; BLOCK]) -> Option<&'static str> {
    let at = header.iter().zip(canonical).position(|(one, other)| one != other)?;
    // A checksum follows from the other fields, so another field is the reason if one differs.
    let other = (156..BLOCK).find(|at| header[*at] != canonical[*at]);
    Some(field(if (148..156).contains(&at) { other.unwrap_or(at) } else { at }))
}

fn field(at: usize) -> &'static str {
    FIELDS.iter().rev().find(|(start, _)| *start <= at).map_or("name", |(_, name)| name)
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}
