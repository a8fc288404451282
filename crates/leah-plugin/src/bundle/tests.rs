//! Tests of the form of bundles: what is written is read again, and each change of it is refused by its own rule.

use proptest::prelude::*;

use super::*;

const LOCK_TEXT: &[u8] = b"any bytes, for a lock is read by others";

fn hub(path: &str) -> BundlePath {
    BundlePath::new(&"hub".parse().unwrap(), path)
}

fn files() -> Vec<(BundlePath, Vec<u8>)> {
    let long = format!("packages/{0}/{0}-1.0.0-{1}.tar.gz", "a".repeat(64), "b".repeat(120));
    let files = [
        (hub("head"), b"head".to_vec()),
        (hub(&long), vec![3; 1_000]),
        (hub("objects/ab/abcd"), Vec::new()),
        (hub("packages/tool/tool-1.0.0+x.tar.gz"), vec![1; 512]),
        (hub("root/1"), vec![2; 513]),
    ];
    files.into()
}

fn bundle_of(files: &[(BundlePath, Vec<u8>)]) -> Vec<u8> {
    let mut bundle = begin(LOCK_TEXT).unwrap();
    for (path, bytes) in files {
        let size = bytes.len() as u64;
        bundle.extend(header(path, size).unwrap());
        bundle.extend(bytes);
        bundle.extend(padding(size));
    }
    bundle.extend(end());
    bundle
}

fn read(bundle: &[u8]) -> Result<Index, BundleError> {
    Index::read(bundle.len() as u64, |at, into| {
        let at = usize::try_from(at).unwrap();
        into.copy_from_slice(&bundle[at..at + into.len()]);
        Ok(())
    })
}

fn slice(bundle: &[u8], range: Range<u64>) -> &[u8] {
    &bundle[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

/// A bundle, after a change, must be refused with this message.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), expect: &str) {
    let mut bundle = bundle_of(&files());
    change(&mut bundle);
    assert_eq!(read(&bundle).unwrap_err().to_string(), expect);
}

/// Where the header of a file of [`files`] is.
fn header_of(bundle: &[u8], path: &BundlePath) -> usize {
    let range = read(bundle).unwrap().file(path).unwrap();
    usize::try_from(range.start).unwrap() - BLOCK
}

/// Changes the header of `hub/head` and makes its checksum right again.
fn edit(change: impl FnOnce(&mut [u8; BLOCK])) -> impl FnOnce(&mut Vec<u8>) {
    move |bundle| {
        let at = header_of(bundle, &hub("head"));
        let header: &mut [u8; BLOCK] = (&mut bundle[at..at + BLOCK]).try_into().unwrap();
        change(header);
        ustar::set_checksum(header);
    }
}

fn renamed(name: &'static [u8]) -> impl FnOnce(&mut Vec<u8>) {
    edit(move |header| {
        header[..100].fill(0);
        header[..name.len()].copy_from_slice(name);
    })
}

fn typed(flag: u8) -> impl FnOnce(&mut Vec<u8>) {
    edit(move |header| header[156] = flag)
}

#[test]
fn reads_what_was_written_under_the_names_it_was_written_by() {
    let bundle = bundle_of(&files());
    assert!(is_bundle(&bundle) && is_bundle(&bundle[..12]));
    let index = read(&bundle).unwrap();
    assert_eq!(slice(&bundle, index.lock()), LOCK_TEXT);
    index.check_lock(LOCK_TEXT).unwrap();
    for (path, bytes) in files() {
        assert_eq!(slice(&bundle, index.file(&path).unwrap()), bytes, "{path}");
    }
    assert_eq!(index.file(&hub("root/2")), None);
    assert_eq!(read(&bundle_of(&[])).unwrap().file(&hub("head")), None);
}

#[test]
fn a_path_is_that_of_the_registry_unless_no_header_can_hold_it() {
    assert_eq!(hub("head").to_string(), "hub/head");
    let object = RegistryLayout::object(&Digest::of(b""));
    let origin: Origin = "o".repeat(64).parse().unwrap();
    assert_eq!(BundlePath::new(&origin, &object).to_string(), format!("{origin}/{object}"));
    let (long, path) = (files()[1].0.to_string(), |file: &str| format!("packages/tool/{file}"));
    assert_eq!(long.len(), "hub/long/".len() + 64);
    let (fits, no_more) = (path(&"f".repeat(100)), path(&"f".repeat(101)));
    assert_eq!(hub(&fits).to_string(), format!("hub/{fits}"));
    assert_eq!(hub(&no_more).to_string(), format!("hub/long/{}", Digest::of(no_more.as_bytes())));
}

#[test]
fn a_lock_is_no_bundle_and_no_bundle_is_a_lock() {
    for text in ["", "leah.bundle", "leah.bundle: 1\n", "format: 1\n", "leah.lock\0", "\u{1f}\u{8b}"] {
        assert!(!is_bundle(text.as_bytes()), "{text}");
        let padded = [text.as_bytes(), &[b' '; 2_048]].concat();
        assert_eq!(read(&padded), Err(BundleError::NotABundle), "{text}");
        assert_eq!(read(text.as_bytes()), Err(BundleError::NotABundle), "{text}");
    }
}

#[test]
fn refuses_everything_that_is_no_plain_file() {
    for (flag, what) in [
        (b'1', "a link"),
        (b'2', "a link"),
        (b'3', "a device or a pipe"),
        (b'5', "a folder"),
        (b'6', "a device or a pipe"),
        (b'x', "a PAX extension header"),
        (b'g', "a PAX extension header"),
        (b'L', "a GNU extension header"),
        (b'S', "a sparse file"),
    ] {
        check(typed(flag), &format!("`hub/head` in it is {what}; a bundle has plain files alone"));
    }
    check(typed(b'7'), "the header of `hub/head` in it has another type than in a bundle");
    check(edit(|h| h[106] = b'7'), "the header of `hub/head` in it has another mode than in a bundle");
    check(edit(|h| h[300] = b'r'), "the header of `hub/head` in it has another group name than in a bundle");
}

#[test]
fn refuses_paths_that_are_none_of_a_registry() {
    for name in
        ["/etc/passwd", "hub/../head", "hub/root/../x", "Hub/head", "hub/stats.json", "hub", "hub/objects"]
    {
        let name: &'static str = name;
        let refused = {
            let mut bundle = bundle_of(&files());
            renamed(name.as_bytes())(&mut bundle);
            read(&bundle).unwrap_err()
        };
        assert_eq!(refused, BundleError::Path(name.into()));
    }
    check(renamed(b"hub/root/a\x1b[0m"), "`hub/root/a\\x1b[0m` in it is no path of a registry");
    check(renamed(b"hub/root/\xff"), "`hub/root/\\xff` in it is no path of a registry");
}

#[test]
fn refuses_a_file_that_is_there_twice_or_out_of_order() {
    let (mut twice, mut swapped) = (files(), files());
    twice.insert(1, twice[0].clone());
    swapped.swap(0, 1);
    let order = |files: &[_]| read(&bundle_of(files)).unwrap_err().to_string();
    assert_eq!(order(&twice), "`hub/head` in it does not come after `hub/head` in the order of bytes");
    let long = &files()[1].0;
    assert_eq!(
        order(&swapped),
        format!("`hub/head` in it does not come after `{long}` in the order of bytes")
    );
}

#[test]
fn refuses_a_bundle_that_is_cut_off_anywhere() {
    let whole = bundle_of(&files());
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1, whole.len() - BLOCK]) {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    check(|b| b.truncate(b.len() - BLOCK), "it does not end with two empty blocks");
    check(|b| b.truncate(b.len() - 2 * BLOCK), "it does not end with two empty blocks");
    check(|b| b.truncate(b.len() - 3 * BLOCK), "it ends within `hub/root/1`");
}

#[test]
fn refuses_what_is_hidden_behind_the_end_or_between_files() {
    check(|b| b.push(0), "it has 1 bytes after its end");
    check(|b| b.extend([0; 10_240]), "it has 10240 bytes after its end");
    check(|b| *b.last_mut().unwrap() = 1, "it does not end with two empty blocks");
    check(
        |b| {
            let at = header_of(b, &hub("head")) + BLOCK + 5;
            b[at] = 1;
        },
        "`hub/head` in it is followed by padding that is not zero",
    );
}

#[test]
fn refuses_sizes_that_nothing_in_a_registry_has() {
    check(
        edit(|h| h[124..136].copy_from_slice(b"77777777777\0")),
        "`hub/head` in it has 8589934591 bytes, at most 67108864 are allowed",
    );
    check(edit(|h| h[124..136].copy_from_slice(b"00000100000\0")), "it ends within `hub/head`");
    // What GNU tar writes for sizes that do not fit.
    let huge = edit(|h| h[124..136].copy_from_slice(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"));
    check(huge, "the header of `hub/head` in it has another size than in a bundle");
    assert!(matches!(begin(&vec![b' '; 5 << 20]), Err(BundleError::TooLarge { .. })));
}

#[test]
fn refuses_more_files_than_the_largest_set_needs() {
    let files: Vec<_> = (0..=MAX_FILES).map(|n| (hub(&format!("root/{n:06}")), Vec::new())).collect();
    assert!(read(&bundle_of(&files[..MAX_FILES])).is_ok());
    assert_eq!(read(&bundle_of(&files)), Err(BundleError::TooMany));
}

#[test]
fn asks_for_a_newer_release_where_one_made_it_and_notices_another_lock() {
    let newer = |b: &mut Vec<u8>| b[BLOCK + "format: ".len()] = b'2';
    check(newer, "it is of format 2, which needs a newer leahpm");
    check(|b| b[BLOCK] = b'F', "`leah.bundle` in it is not valid");
    let space = |b: &mut Vec<u8>| b[BLOCK + "format: 1".len()] = b' ';
    check(space, "`leah.bundle` in it is not valid");
    let (digest, upper) =
        (Digest::of(LOCK_TEXT).to_string(), Digest::of(LOCK_TEXT).to_string().to_uppercase());
    let shout = move |b: &mut Vec<u8>| {
        let at = BLOCK + "format: 1\nlock: ".len();
        assert_eq!(b[at..at + digest.len()], *digest.as_bytes());
        b[at..at + digest.len()].copy_from_slice(upper.as_bytes());
    };
    check(shout, "`leah.bundle` in it is not valid");
    check(|b| b[BLOCK + "format:".len()] = b'\t', "`leah.bundle` in it is not written as leahpm writes it");
    let index = read(&bundle_of(&files())).unwrap();
    assert!(matches!(index.check_lock(b"another"), Err(BundleError::LockChanged { .. })));
    let mut none = bundle_of(&files());
    none.drain(2 * BLOCK..4 * BLOCK);
    assert_eq!(read(&none), Err(BundleError::NoLock));
}

proptest! {
    #[test]
    fn no_byte_of_a_header_can_change(at in 0..BLOCK, byte in any::<u8>()) {
        let mut bundle = bundle_of(&files());
        let at = header_of(&bundle, &hub("objects/ab/abcd")) + at;
        prop_assume!(bundle[at] != byte);
        bundle[at] = byte;
        prop_assert!(read(&bundle).is_err());
    }

    #[test]
    fn what_is_read_of_any_bytes_lies_within_them(
        at in 0..6_000_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        let mut bundle = bundle_of(&files());
        let at = at.min(bundle.len());
        let end = (at + bytes.len()).min(bundle.len());
        bundle.splice(at..end, bytes);
        if let Ok(index) = read(&bundle) {
            prop_assert!(index.lock().end <= bundle.len() as u64);
            prop_assert!(files().iter().all(|(path, _)| index.file(path).is_none_or(|file| file.end <= bundle.len() as u64)));
        }
    }
}
