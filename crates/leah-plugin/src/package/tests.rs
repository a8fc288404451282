//! Tests of whole packages: what is packed is read again, and each attack on the form is refused by its own rule.

use proptest::prelude::*;

use super::*;
use crate::component::fixture;

fn files() -> Vec<(PackagePath, Vec<u8>)> {
    let mut files = fixture::plugin("text-tools", "1.2.0");
    files.push(("words/en.txt".into(), b"hello\n".to_vec()));
    files.push(("empty".into(), Vec::new()));
    files.into_iter().map(|(path, bytes)| (path.parse().unwrap(), bytes)).collect()
}

fn tar() -> Vec<u8> {
    gzip::inflate(&pack(files()).unwrap(), &Limits::default()).unwrap().0
}

/// The tar of a package, after a change, must be refused with this message.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), expect: &str) {
    let mut tar = tar();
    change(&mut tar);
    match Package::read(&gzip::deflate(&tar), &Limits::default()) {
        Ok(_) => panic!("taken"),
        Err(error) => assert_eq!(error.to_string(), expect),
    }
}

/// Changes the first header, which is that of `empty`, and makes its checksum right again.
fn edit(change: impl FnOnce(&mut tar::Header)) -> impl FnOnce(&mut Vec<u8>) {
    move |tar| {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes().copy_from_slice(&tar[..512]);
        change(&mut header);
        crate::ustar::set_checksum(header.as_mut_bytes());
        tar[..512].copy_from_slice(header.as_bytes());
    }
}

fn renamed(name: &[u8]) -> impl FnOnce(&mut Vec<u8>) {
    edit(move |header| {
        header.as_mut_bytes()[..100].fill(0);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    })
}

fn typed(flag: u8) -> impl FnOnce(&mut Vec<u8>) {
    edit(move |header| header.as_mut_bytes()[156] = flag)
}

#[test]
fn reads_what_it_packed() {
    let archive = pack(files()).unwrap();
    let package = Package::read(&archive, &Limits::default()).unwrap();
    let mut sorted = files();
    sorted.sort();
    let read: Vec<_> = package.files().map(|(path, bytes)| (path.clone(), bytes.to_vec())).collect();
    assert_eq!(read, sorted);
    assert_eq!(package.manifest().name.as_str(), "text-tools");
    assert_eq!(package.file("words/en.txt"), Some(&b"hello\n"[..]));
    assert_eq!(package.file("words"), None);
}

#[test]
fn packs_the_same_bytes_whatever_the_order_of_the_files() {
    let archive = pack(files()).unwrap();
    assert_eq!(pack(files().into_iter().rev()).unwrap(), archive);
    assert_eq!(*Package::read(&archive, &Limits::default()).unwrap().content(), Digest::of(&tar()));
}

#[test]
fn the_content_hash_is_made_again_from_the_files() {
    let package = Package::read(&pack(files()).unwrap(), &Limits::default()).unwrap();
    let mut hasher = ContentHasher::new();
    for (path, bytes) in package.files() {
        hasher.add(path, bytes.len() as u64).unwrap();
        for piece in bytes.chunks(7) {
            hasher.update(piece).unwrap();
        }
    }
    assert_eq!(hasher.finish().unwrap(), *package.content());
}

#[test]
fn the_content_hash_refuses_files_that_change_while_they_are_read() {
    let (a, b): (PackagePath, PackagePath) = ("a".parse().unwrap(), "b".parse().unwrap());
    let mut hasher = ContentHasher::new();
    hasher.add(&b, 3).unwrap();
    assert_eq!(hasher.update(b"four"), Err(ContentError::Size));
    assert_eq!(hasher.clone().finish(), Err(ContentError::Size));
    hasher.update(b"abc").unwrap();
    assert_eq!(hasher.add(&a, 0), Err(ContentError::Order(a)));
}

#[test]
fn the_form_of_the_tar_does_not_change_between_releases() {
    let path = "a".parse().unwrap();
    let mut hasher = ContentHasher::new();
    hasher.add(&path, 3).unwrap();
    hasher.update(b"abc").unwrap();
    // What GNU tar 1.34 makes of it with --format=ustar --mode=0644 --numeric-owner --owner=0 --group=0
    // --mtime=@0 --blocking-factor=1.
    let expect = "ccaaba7b8973b46b78f848920b4d608fb00dcf04dccd14094ad68cafcc23ebeb";
    assert_eq!(hasher.finish().unwrap().to_string(), expect);
}

#[test]
fn refuses_everything_that_is_no_regular_file() {
    let advice = "a package has regular files alone";
    check(typed(b'1'), &format!("`empty` is a link; {advice}, so put a copy in its place"));
    check(typed(b'2'), &format!("`empty` is a link; {advice}, so put a copy in its place"));
    check(typed(b'3'), &format!("`empty` is a device or a pipe; {advice}, so leave it out"));
    check(typed(b'6'), &format!("`empty` is a device or a pipe; {advice}, so leave it out"));
    check(
        typed(b'5'),
        "`empty` is an entry for a folder; a package has files alone: make it with `leahpm pack`",
    );
    check(typed(b'x'), "`empty` is a PAX extension header; make the package with `leahpm pack`");
    check(typed(b'g'), "`empty` is a PAX extension header; make the package with `leahpm pack`");
    check(typed(b'L'), "`empty` is a GNU extension header; make the package with `leahpm pack`");
    check(typed(b'S'), "`empty` is a sparse file; make the package with `leahpm pack`");
    check(
        typed(b'7'),
        "the header of `empty` has another type than a package has; make it with `leahpm pack`",
    );
    check(typed(0), "the header of `empty` has another type than a package has; make it with `leahpm pack`");
}

#[test]
fn refuses_paths_that_leave_the_folder() {
    check(renamed(b"../evil"), "`../evil` cannot be in a package: a part of the path is `..`");
    check(renamed(b"/etc/passwd"), "`/etc/passwd` cannot be in a package: the path is absolute");
    check(
        renamed(b"nul.txt"),
        "`nul.txt` cannot be in a package: a part of the path is the name of a device on Windows",
    );
    let escaped = r"`a\x1b[2J` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`";
    check(renamed(b"a\x1b[2J"), escaped);
    check(
        renamed(b"a\xff"),
        r"`a\xff` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`",
    );
    check(renamed(b""), "`` cannot be in a package: the path is empty");
}

#[test]
fn refuses_headers_with_a_second_meaning() {
    let other = |field: &str| {
        format!("the header of `empty` has another {field} than a package has; make it with `leahpm pack`")
    };
    check(edit(|header| header.set_mode(0o755)), &other("mode"));
    check(edit(|header| header.set_mode(0o4644)), &other("mode"));
    check(edit(|header| header.set_uid(1000)), &other("owner"));
    check(edit(|header| header.set_mtime(1)), &other("time"));
    check(edit(|header| header.as_mut_bytes()[99] = b'x'), &other("name"));
    check(edit(|header| header.as_mut_bytes()[200] = b'x'), &other("link name"));
    check(edit(|header| header.as_mut_bytes()[257..265].copy_from_slice(b"ustar  \0")), &other("magic"));
    check(edit(|header| header.as_mut_bytes()[266] = b'x'), &other("owner name"));
    check(edit(|header| header.as_mut_bytes()[345] = b'x'), &other("prefix"));
    check(edit(|header| header.as_mut_bytes()[511] = b'x'), &other("padding"));
    check(|tar| tar[148] = b'1', &other("checksum"));
    check(
        edit(|header| header.as_mut_bytes()[124..136].copy_from_slice(b"         0 \0")),
        "`empty` has a size that is not a number; make the package with `leahpm pack`",
    );
    check(edit(|header| header.as_mut_bytes()[124] = b'+'), &other("size"));
}

#[test]
fn refuses_another_order_and_paths_that_meet() {
    check(
        renamed(b"zzz"),
        "`plugin.wasm` does not come after `zzz` in the order of bytes; make the package with `leahpm pack`",
    );
    check(
        renamed(b"plugin.wasm"),
        "`plugin.wasm` does not come after `plugin.wasm` in the order of bytes; make the package with `leahpm pack`",
    );
    check(
        renamed(b"Plugin.wasm"),
        "`plugin.wasm` and `Plugin.wasm` differ only in the case of letters; rename one",
    );
    check(renamed(b"Words/en.txt"), "`words` and `Words` differ only in the case of letters; rename one");
    check(
        renamed(b"plugin.wasm/a"),
        "`plugin.wasm` does not come after `plugin.wasm/a` in the order of bytes; make the package with `leahpm pack`",
    );
    let clash = [("a", ""), ("a/b", "")].map(|(path, text)| (path.parse().unwrap(), text.into()));
    let error = pack(files().into_iter().chain(clash)).unwrap_err();
    assert_eq!(error.to_string(), "`a` is a file and also a folder of another file; rename one");
}

#[test]
fn refuses_what_is_hidden_behind_files_and_behind_the_end() {
    let ends = "the tar does not end with two empty blocks";
    check(|tar| tar.truncate(tar.len() - 512), ends);
    check(|tar| tar.truncate(tar.len() - 1024), ends);
    check(|tar| tar.truncate(tar.len() - 1), ends);
    check(
        |tar| tar.resize(tar.len() + 512, 0),
        "the tar has 512 bytes after its end; make the package with `leahpm pack`",
    );
    check(|tar| tar.truncate(1024), "the tar ends within `plugin.wasm`");
    check(
        |tar| {
            let at = tar.len() - 1025;
            tar[at] = 1;
        },
        "`words/en.txt` is followed by padding that is not zero; make the package with `leahpm pack`",
    );
    check(edit(|header| header.set_size(1 << 32)), "the tar ends within `empty`");
    check(|tar| tar.drain(..).for_each(drop), ends);
}

#[test]
fn refuses_a_package_without_its_two_files() {
    let without =
        |name: &str| pack(files().into_iter().filter(|(path, _)| path.as_str() != name)).unwrap_err();
    assert_eq!(without("plugin.yaml").to_string(), "the package has no `plugin.yaml` at its top");
    assert_eq!(without("plugin.wasm").to_string(), "the package has no `plugin.wasm` at its top");
}

#[test]
fn refuses_more_files_than_the_limit() {
    let limits = Limits { files: 3, ..Limits::default() };
    let error = Package::read(&pack(files()).unwrap(), &limits).unwrap_err();
    assert_eq!(error.to_string(), "the package has more than 3 files");
}

#[test]
fn refuses_a_component_that_asks_for_more_than_the_manifest() {
    let spy = fixture::component(&["leah:plugin/http@1.0.0"], &["leah:plugin/lifecycle@1.0.0"]);
    let files = files().into_iter().map(|(path, bytes)| {
        let bytes = if path.as_str() == COMPONENT_FILE { spy.clone() } else { bytes };
        (path, bytes)
    });
    let error = pack(files).unwrap_err();
    assert!(matches!(error, PackageError::Component(ComponentError::Undeclared { .. })), "{error}");
}

proptest! {
    #[test]
    fn any_files_come_back_as_they_were(
        extra in prop::collection::btree_map("[a-c]{1,3}(/[d-f]{1,3}){0,2}\\.x", prop::collection::vec(any::<u8>(), 0..1200), 0..20)
    ) {
        let extra = extra.into_iter().map(|(path, bytes)| (path.parse().unwrap(), bytes));
        let mut all: Vec<(PackagePath, Vec<u8>)> = files().into_iter().chain(extra).collect();
        let package = Package::read(&pack(all.clone()).unwrap(), &Limits::default()).unwrap();
        all.sort();
        let read: Vec<_> = package.files().map(|(path, bytes)| (path.clone(), bytes.to_vec())).collect();
        prop_assert_eq!(read, all);
    }

    #[test]
    fn takes_or_refuses_any_bytes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Package::read(&bytes, &Limits::default());
        let _ = canonical::read(&bytes, 10);
        let _ = Package::read(&gzip::deflate(&bytes), &Limits::default());
    }

    #[test]
    fn no_byte_of_a_package_can_change_unseen(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let archive = pack(files()).unwrap();
        let content = *Package::read(&archive, &Limits::default()).unwrap().content();
        let mut changed = archive.clone();
        let at = at.index(changed.len());
        changed[at] = byte;
        if let Ok(package) = Package::read(&changed, &Limits::default()) {
            prop_assert!(changed == archive || *package.content() == content);
        }
    }

    #[test]
    fn every_header_but_the_canonical_one_is_refused(at in 0..512_usize, byte in any::<u8>()) {
        let tar = tar();
        let mut changed = tar.clone();
        changed[at] = byte;
        if canonical::read(&changed, 10).is_ok() {
            prop_assert_eq!(changed, tar);
        }
    }
}
