//! Archives that are signed and listed as they should be and are no packages: what the author of a plugin, or a
//! thief of his key, tries. Each is refused with exit code 13 with the entry and the rule, before one byte of
//! it is in the store.

use flate2::GzBuilder;

use super::{
    Scene,
    forge::Claim,
    tar::{Entry, gzip, gzip_of, tar},
};
use crate::{fixture::PackageSpec, plugin::component};

/// The files of a plugin in order, as entries: `plugin.wasm`, `plugin.yaml`.
fn entries() -> Vec<Entry> {
    let mut files = PackageSpec::new("evil", "1.0.0").source();
    files.sort();
    files.into_iter().map(|(path, bytes)| Entry::new(&path, bytes)).collect()
}

/// The same with more of them, wherever they belong by their names.
fn with(more: Entry) -> Vec<Entry> {
    let mut all = entries();
    let place = all.iter().position(|entry| entry.header[..100] > more.header[..100]).unwrap_or(all.len());
    all.insert(place, more);
    all
}

/// The cause that an install of this archive is refused for, which `leahpm check` names too.
#[track_caller]
fn check(archive: &[u8]) -> String {
    let scene = Scene::new();
    scene.hub.forge(&Claim::new("evil", "1.0.0"), archive);
    let error = scene.refuses_to_install(13, "evil");
    let cause = error.strip_prefix("error: refused `evil` 1.0.0 of registry `hub`\ncaused by: ");
    let cause = cause.unwrap_or_else(|| panic!("{error}")).trim_end().to_owned();
    scene.sandbox.write("evil-1.0.0.tar.gz", archive);
    assert_eq!(scene.refuses(13, &["check", "evil-1.0.0.tar.gz"]), format!("error: {cause}\n"));
    assert_no_escape(&scene);
    cause
}

/// Nothing was written where the archives of these tests point to.
#[track_caller]
fn assert_no_escape(scene: &Scene) {
    for path in ["escaped", "home/escaped", "home/store/escaped", "/escaped-from-leahpm"] {
        assert!(!scene.sandbox.path(path).exists(), "{path}");
    }
}

#[track_caller]
fn check_entry(entry: Entry) -> String {
    check(&gzip(&tar(&with(entry))))
}

#[test]
fn the_archive_by_hand_is_taken_without_a_trick() {
    let by_hand = gzip(&tar(&entries()));
    assert_eq!(by_hand, PackageSpec::new("evil", "1.0.0").archive());
    let scene = Scene::new();
    scene.hub.forge(&Claim::of(&by_hand), &by_hand);
    scene.installs("evil");
}

#[test]
fn links_are_refused() {
    let link = |flag| Entry::new("link", "").typed(flag).with(157, b"../../../escaped");
    insta::assert_snapshot!(check_entry(link(b'2')), @"`link` is a link; a package has regular files alone, so put a copy in its place");
    insta::assert_snapshot!(check_entry(link(b'1')), @"`link` is a link; a package has regular files alone, so put a copy in its place");
    // A link in place of a file that every package has.
    let mut files = entries();
    files[1] = Entry::new("plugin.yaml", "").typed(b'2').with(157, b"/etc/passwd");
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`plugin.yaml` is a link; a package has regular files alone, so put a copy in its place");
}

#[test]
fn a_file_written_through_a_link_is_refused_at_the_link() {
    let mut files = with(Entry::new("a", "").typed(b'2').with(157, b"../.."));
    files.insert(1, Entry::new("a/escaped", "x"));
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`a` is a link; a package has regular files alone, so put a copy in its place");
}

#[test]
fn devices_pipes_and_folders_are_refused() {
    insta::assert_snapshot!(check_entry(Entry::new("dev", "").typed(b'3').with(329, b"0000001\0")), @"`dev` is a device or a pipe; a package has regular files alone, so leave it out");
    insta::assert_snapshot!(check_entry(Entry::new("dev", "").typed(b'4')), @"`dev` is a device or a pipe; a package has regular files alone, so leave it out");
    insta::assert_snapshot!(check_entry(Entry::new("pipe", "").typed(b'6')), @"`pipe` is a device or a pipe; a package has regular files alone, so leave it out");
    insta::assert_snapshot!(check_entry(Entry::new("folder/", "").typed(b'5')), @"`folder/` is an entry for a folder; a package has files alone: make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("contiguous", "").typed(b'7')), @"the header of `contiguous` has another type than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("old", "").typed(0)), @"the header of `old` has another type than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("what", "").typed(b'Z')), @"the header of `what` has another type than a package has; make it with `leahpm pack`");
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    insta::assert_snapshot!(check_entry(Entry::new("../escaped", "x")), @"`../escaped` cannot be in a package: a part of the path is `..`");
    insta::assert_snapshot!(check_entry(Entry::new("a/../../escaped", "x")), @"`a/../../escaped` cannot be in a package: a part of the path is `..`");
    insta::assert_snapshot!(check_entry(Entry::new("/escaped-from-leahpm", "x")), @"`/escaped-from-leahpm` cannot be in a package: the path is absolute");
    insta::assert_snapshot!(check_entry(Entry::new("..", "x")), @"`..` cannot be in a package: a part of the path is `..`");
    insta::assert_snapshot!(check_entry(Entry::new("./escaped", "x")), @"`./escaped` cannot be in a package: a part of the path is empty or `.`");
    insta::assert_snapshot!(check_entry(Entry::new("a//escaped", "x")), @"`a//escaped` cannot be in a package: a part of the path is empty or `.`");
    insta::assert_snapshot!(check_entry(Entry::new("..\\escaped", "x")), @r"`..\\escaped` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    insta::assert_snapshot!(check_entry(Entry::new("C:escaped", "x")), @"`C:escaped` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    // A prefix, which other readers put in front of the name.
    insta::assert_snapshot!(check_entry(Entry::new("escaped", "x").with(345, b"../..")), @"the header of `escaped` has another prefix than a package has; make it with `leahpm pack`");
}

#[test]
fn names_that_are_something_else_on_windows_are_refused() {
    insta::assert_snapshot!(check_entry(Entry::new("nul.txt", "x")), @"`nul.txt` cannot be in a package: a part of the path is the name of a device on Windows");
    insta::assert_snapshot!(check_entry(Entry::new("a/COM1", "x")), @"`a/COM1` cannot be in a package: a part of the path is the name of a device on Windows");
    insta::assert_snapshot!(check_entry(Entry::new("a.", "x")), @"`a.` cannot be in a package: a part of the path ends with a dot");
    insta::assert_snapshot!(check_entry(Entry::new("a ", "x")), @"`a ` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    insta::assert_snapshot!(check_entry(Entry::new("a:stream", "x")), @"`a:stream` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
}

#[test]
fn names_with_escapes_of_a_terminal_or_other_bytes_are_refused_and_shown_escaped() {
    insta::assert_snapshot!(check_entry(Entry::new("a\u{1b}[2J\u{1b}]0;owned\u{7}", "x")), @r"`a\x1b[2J\x1b]0;owned\x07` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    insta::assert_snapshot!(check_entry(Entry::new("a\u{202e}lmth", "x")), @r"`a\xe2\x80\xaelmth` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(1, b"\xff\xfe")), @r"`a\xff\xfe` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
    insta::assert_snapshot!(check_entry(Entry::new("a\nb", "x")), @r"`a\nb` cannot be in a package: the path has a character other than letters, digits, `.`, `_`, `-` and `/`");
}

#[test]
fn paths_that_are_one_on_some_file_system_are_refused() {
    insta::assert_snapshot!(check_entry(Entry::new("Plugin.yaml", "x")), @"`plugin.yaml` and `Plugin.yaml` differ only in the case of letters; rename one");
    let mut files = with(Entry::new("words/en.txt", "x"));
    files.insert(0, Entry::new("Words/de.txt", "x"));
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`words` and `Words` differ only in the case of letters; rename one");
    let mut files = with(Entry::new("a", "x"));
    files.insert(1, Entry::new("a/b", "x"));
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`a` is a file and also a folder of another file; rename one");
}

#[test]
fn extension_headers_are_refused() {
    let pax = "30 path=../../../../escaped-it\n";
    insta::assert_snapshot!(check_entry(Entry::new("PaxHeaders/a", pax).typed(b'x')), @"`PaxHeaders/a` is a PAX extension header; make the package with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("pax_global_header", pax).typed(b'g')), @"`pax_global_header` is a PAX extension header; make the package with `leahpm pack`");
    let long = Entry::new("././@LongLink", "../../../escaped\0").with(257, b"ustar  \0");
    insta::assert_snapshot!(check_entry(long.clone().typed(b'L')), @"`././@LongLink` is a GNU extension header; make the package with `leahpm pack`");
    insta::assert_snapshot!(check_entry(long.typed(b'K')), @"`././@LongLink` is a GNU extension header; make the package with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("sparse", "").typed(b'S')), @"`sparse` is a sparse file; make the package with `leahpm pack`");
    // The size as a number of GNU, whose highest bit says that it is binary.
    insta::assert_snapshot!(check_entry(Entry::new("large", "").with(124, b"\x80\0\0\0\0\0\0\0\0\0\0\x05")), @"`large` has a size that is not a number; make the package with `leahpm pack`");
}

#[test]
fn another_mode_owner_time_or_checksum_is_refused() {
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(100, b"0004755\0")), @"the header of `a` has another mode than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(108, b"0001750\0")), @"the header of `a` has another owner than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(116, b"0001750\0")), @"the header of `a` has another group than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(136, b"14571573613\0")), @"the header of `a` has another time than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(265, b"root\0")), @"the header of `a` has another owner name than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(500, b"hidden")), @"the header of `a` has another padding than a package has; make it with `leahpm pack`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(257, b"ustar  \0")), @"the header of `a` has another magic than a package has; make it with `leahpm pack`");
    let mut wrong = Entry::new("a", "x");
    wrong.header[148] = b'7';
    insta::assert_snapshot!(check_entry(wrong), @"the header of `a` has another checksum than a package has; make it with `leahpm pack`");
}

#[test]
fn another_order_and_twins_are_refused() {
    let mut files = entries();
    files.swap(0, 1);
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`plugin.wasm` does not come after `plugin.yaml` in the order of bytes; make the package with `leahpm pack`");
    let mut files = entries();
    // The second of two would win where entries overwrite each other.
    files.push(Entry::new("plugin.yaml", "name: other"));
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"`plugin.yaml` does not come after `plugin.yaml` in the order of bytes; make the package with `leahpm pack`");
}

#[test]
fn what_hides_behind_a_file_or_behind_the_end_is_refused() {
    let mut padded = Entry::new("a", "x");
    padded.padding = 1;
    insta::assert_snapshot!(check_entry(padded), @"`a` is followed by padding that is not zero; make the package with `leahpm pack`");
    let whole = tar(&entries());
    insta::assert_snapshot!(check(&gzip(&whole[..whole.len() - 512])), @"the tar does not end with two empty blocks");
    insta::assert_snapshot!(check(&gzip(&whole[..whole.len() - 1024])), @"the tar does not end with two empty blocks");
    insta::assert_snapshot!(check(&gzip(&[&whole[..], &[0; 512]].concat())), @"the tar has 512 bytes after its end; make the package with `leahpm pack`");
    insta::assert_snapshot!(check(&gzip(&whole[..700])), @"the tar ends within `plugin.wasm`");
    insta::assert_snapshot!(check_entry(Entry::new("a", "x").with(124, b"77777777777\0")), @"the tar ends within `a`");
}

#[test]
fn a_gzip_file_with_a_second_member_bytes_behind_it_or_wrong_sums_is_refused() {
    let whole = gzip(&tar(&entries()));
    insta::assert_snapshot!(check(&[&whole[..], &whole].concat()), @"the archive has a second gzip member after the first; make the package with `leahpm pack`");
    insta::assert_snapshot!(check(&[&whole[..], &gzip(b"")].concat()), @"the archive has a second gzip member after the first; make the package with `leahpm pack`");
    insta::assert_snapshot!(check(&[&whole[..], b"trailing"].concat()), @"the archive has 8 bytes after its end; make the package with `leahpm pack`");
    let end = whole.len();
    let changed = |at: usize| {
        let mut changed = whole.clone();
        changed[at] = !changed[at];
        changed
    };
    let says = |text: String, what: &str| {
        assert!(text.starts_with(&format!("the {what} of the archive is wrong")), "{text}");
    };
    says(check(&changed(end - 8)), "checksum");
    says(check(&changed(end - 1)), "length");
    insta::assert_snapshot!(check(&changed(10)).lines().next().unwrap(), @"the compressed data of the archive is damaged");
    insta::assert_snapshot!(check(&whole[..end - 9]).split(" after ").next().unwrap(), @"the archive is cut off");
    insta::assert_snapshot!(check(b"PK\x03\x04 a zip file"), @"the archive is not a gzip file");
    insta::assert_snapshot!(check(b"\x28\xb5\x2f\xfd zstandard"), @"the archive is not a gzip file");
    insta::assert_snapshot!(check(&tar(&entries())), @"the archive is not a gzip file");
    insta::assert_snapshot!(check(b""), @"the archive is not a gzip file");
}

#[test]
fn a_gzip_header_that_says_anything_is_refused() {
    let tar = tar(&entries());
    let of = |header: GzBuilder| check(&gzip_of(header, [&tar[..]]));
    insta::assert_snapshot!(of(GzBuilder::new().operating_system(255).filename("plugin.tar")), @"the gzip header has a file name; make the package with `leahpm pack`");
    insta::assert_snapshot!(of(GzBuilder::new().operating_system(255).mtime(1)), @"the gzip header has a time; make the package with `leahpm pack`");
    insta::assert_snapshot!(of(GzBuilder::new().operating_system(255).comment("hello")), @"the gzip header has extra fields; make the package with `leahpm pack`");
    insta::assert_snapshot!(of(GzBuilder::new().operating_system(255).extra("hello")), @"the gzip header has extra fields; make the package with `leahpm pack`");
    insta::assert_snapshot!(of(GzBuilder::new().operating_system(3)), @"the gzip header has another system or level of compression; make the package with `leahpm pack`");
}

#[test]
fn more_files_than_the_limit_are_refused() {
    let mut files: Vec<Entry> = (0..999).map(|n| Entry::new(&format!("a/{n:03}"), "")).collect();
    files.extend(entries());
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"the package has more than 1000 files");
    // One fewer is a package.
    files.remove(0);
    let scene = Scene::new();
    let archive = gzip(&tar(&files));
    scene.hub.forge(&Claim::of(&archive), &archive);
    scene.installs("evil");
}

#[test]
fn a_package_without_its_manifest_or_its_component_is_refused() {
    insta::assert_snapshot!(check(&gzip(&tar(&entries()[..1]))), @"the package has no `plugin.yaml` at its top");
    insta::assert_snapshot!(check(&gzip(&tar(&entries()[1..]))), @"the package has no `plugin.wasm` at its top");
    insta::assert_snapshot!(check(&gzip(&tar(&[]))), @"the package has no `plugin.yaml` at its top");
}

#[test]
fn a_component_that_is_none_is_refused() {
    let of = |wasm: &[u8]| {
        let mut files = entries();
        files[0] = Entry::new("plugin.wasm", wasm);
        check(&gzip(&tar(&files)))
    };
    insta::assert_snapshot!(of(b"#!/bin/sh\n"), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it is not a WebAssembly file
    ");
    insta::assert_snapshot!(of(b"\0asm\x01\0\0\0"), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it is a core module and not a component; `leahpm pack` makes one of it
    ");
    insta::assert_snapshot!(of(b"\0asm\x0d\0\x01\0\x01\x05"), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it is not valid at byte 0xa: unexpected end-of-file
    ");
    let names = |imports: &[&str], exports: &[&str]| of(&component(imports, exports));
    let lifecycle = "leah:plugin/lifecycle@1.0.0";
    insta::assert_snapshot!(names(&["evil:host/all@1.0.0"], &[lifecycle]), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it imports `evil:host/all@1.0.0`, and a plugin imports `leah:plugin` and `wasi` interfaces alone
    ");
    insta::assert_snapshot!(names(&["leah:plugin/spy@1.0.0"], &[lifecycle]), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it imports `leah:plugin/spy@1.0.0`, which is not an interface of the plugin API
    ");
    insta::assert_snapshot!(names(&["leah:plugin/log@2.0.0"], &[lifecycle]), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it was built with `leah:plugin/log@2.0.0`, and `api` of the manifest is `^1.0`
    ");
    insta::assert_snapshot!(names(&[], &[lifecycle, "leah:plugin/on-chat-message@1.0.0"]), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it exports `leah:plugin/on-chat-message@1.0.0`, which is not a hook of its manifest
    ");
    insta::assert_snapshot!(names(&[], &["leah:plugin/log@1.0.0"]), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it exports `leah:plugin/log@1.0.0`, which is not a hook of its manifest
    ");
}

/// The archive of a plugin whose component can reach the network, which its manifest does not say.
fn spy() -> Vec<u8> {
    let mut files = entries();
    let wasm = component(&["leah:plugin/http@1.0.0"], &["leah:plugin/lifecycle@1.0.0"]);
    files[0] = Entry::new("plugin.wasm", wasm);
    gzip(&tar(&files))
}

#[test]
fn a_component_that_reaches_further_than_its_manifest_says_is_refused_at_install_and_check() {
    insta::assert_snapshot!(check(&spy()), @"
    `plugin.wasm` is not the component of this plugin
    caused by: it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`
    ");
}

#[test]
fn a_component_that_reaches_further_than_its_manifest_says_is_refused_at_pack_sign_and_publish() {
    let scene = Scene::new();
    let wasm = component(&["leah:plugin/http@1.0.0"], &["leah:plugin/lifecycle@1.0.0"]);
    scene.sandbox.write("evil/plugin.wasm", wasm);
    scene.sandbox.write("evil/plugin.yaml", PackageSpec::new("evil", "1.0.0").manifest_text());
    insta::assert_snapshot!(scene.refuses(13, &["check", "evil"]), @"
    error: `plugin.wasm` is not the component of this plugin
    caused by: it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`
    ");
    insta::assert_snapshot!(scene.refuses(13, &["pack", "evil"]), @"
    error: `plugin.wasm` is not the component of this plugin
    caused by: it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`
    ");
    assert!(!scene.sandbox.path("evil-1.0.0.tar.gz").exists());
    // A package made otherwise is neither signed nor taken by a registry.
    scene.sandbox.write("evil-1.0.0.tar.gz", spy());
    scene.run(&["key", "generate", "me.key", "--without-password"]).ok();
    insta::assert_snapshot!(scene.refuses(13, &["sign", "evil-1.0.0.tar.gz", "--key", "me.key", "--for", "hub"]), @"
    error: `plugin.wasm` is not the component of this plugin
    caused by: it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`
    ");
    insta::assert_snapshot!(published(&scene, &spy()), @"
    `[DIR]/evil-1.0.0.tar.gz` is not a valid package
    `plugin.wasm` is not the component of this plugin
    it imports `leah:plugin/http@1.0.0`, and `permissions` of the manifest has no `network_access`
    ");
}

/// Why the library that is the registry's program does not take this archive, signed by its owner.
fn published(scene: &Scene, archive: &[u8]) -> String {
    use leah_registry::publish::{Publication, PublishError, Publisher, publish};
    let claim = Claim::new("evil", "1.0.0");
    let package = scene.sandbox.path("evil-1.0.0.tar.gz");
    scene.sandbox.write("evil-1.0.0.tar.gz", archive);
    let signature = scene.hub.sign(&claim, archive, &scene.hub.publisher);
    scene.sandbox.write("evil-1.0.0.tar.gz.minisig", signature.as_text());
    let publication = Publication {
        package: &package,
        publisher: Some(Publisher::Key(&scene.hub.publisher)),
        similar_ok: true,
    };
    drop(scene.hub.begin());
    let head = scene.hub.read("head");
    let error =
        publish(&scene.hub.folder, &scene.hub.index_key, &publication, crate::fixture::now()).unwrap_err();
    assert_eq!(scene.hub.read("head"), head);
    let PublishError::Package { source, .. } = &error else { panic!("{error}") };
    let cause = std::error::Error::source(source).unwrap();
    scene.sandbox.redacted(&format!("{error}\n{source}\n{cause}"))
}

#[test]
fn a_manifest_that_is_signed_and_broken_is_refused_with_line_and_column() {
    let mut files = entries();
    let text = PackageSpec::new("evil", "1.0.0").manifest_text().replace("author:", "autor:");
    files[1] = Entry::new("plugin.yaml", text);
    insta::assert_snapshot!(check(&gzip(&tar(&files))), @"
    `plugin.yaml` is not a valid manifest
    caused by: line 3, column 1: `autor` is not a key of a manifest; did you mean `author`?
    ");
}
