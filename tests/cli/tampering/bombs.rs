//! Archives and manifests that would take the memory or the time of who reads them. Each runs with so little
//! memory that unpacking it would fail in another way.

use std::time::{Duration, Instant};

use flate2::GzBuilder;

use super::{
    Scene,
    forge::Claim,
    shown,
    tar::{Entry, gzip, gzip_of, tar},
};
use crate::{fixture::PackageSpec, sandbox::Output};

/// Address space of the program in KiB: a package may have 64 MiB in and 64 MiB out.
const MEMORY: u32 = 400 << 10;

/// Longest time for one of these runs, which takes a fraction of a second; reading it all would take minutes.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs the program with little memory and little time.
fn bounded(scene: &Scene, arguments: &[&str]) -> Output {
    let limit = format!("ulimit -v {MEMORY}; exec \"$@\"");
    let start = Instant::now();
    let output = scene.sandbox.run_under(&["sh", "-c", &limit, "sh"], arguments);
    assert!(start.elapsed() < LONGEST, "{:?}: {output}", start.elapsed());
    output
}

#[track_caller]
fn check(archive: &[u8]) -> String {
    let scene = Scene::new();
    scene.hub.forge(&Claim::new("evil", "1.0.0"), archive);
    let before = scene.sandbox.tree();
    let output = bounded(&scene, &["install", "evil"]);
    let error = shown(output.fails(13));
    assert_eq!(super::difference(&before, &scene.sandbox.tree()), Vec::<String>::new());
    scene.sandbox.write("evil-1.0.0.tar.gz", archive);
    bounded(&scene, &["check", "evil-1.0.0.tar.gz"]).fails(13);
    error.lines().nth(1).unwrap().to_owned()
}

#[test]
fn the_memory_of_these_tests_is_enough_for_the_largest_package() {
    // 60 MiB that cannot be compressed: the largest that a package of 64 MiB can be.
    let mut noise = vec![0_u8; 60 << 20];
    let mut state = 1_u64;
    for byte in &mut noise {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 33) as u8;
    }
    let mut files = PackageSpec::new("large", "1.0.0").source();
    files.push(("noise".into(), noise));
    files.sort();
    let entries: Vec<Entry> = files.into_iter().map(|(path, bytes)| Entry::new(&path, bytes)).collect();
    let archive = gzip(&tar(&entries));
    let scene = Scene::new();
    scene.hub.forge(&Claim::of(&archive), &archive);
    bounded(&scene, &["install", "large"]).ok();
}

#[test]
fn a_gigabyte_of_zeros_is_refused_in_little_memory() {
    let zeros = vec![0; 1 << 20];
    let bomb = gzip_of(GzBuilder::new().operating_system(255), std::iter::repeat_n(&zeros[..], 1 << 10));
    insta::assert_snapshot!(check(&bomb), @"caused by: the archive unpacks to more than 67108864 bytes, the most that a package can have");
}

#[test]
fn zeros_in_a_file_of_a_package_are_refused_by_their_ratio() {
    let large = Entry::new("a", vec![0; 16 << 20]);
    insta::assert_snapshot!(check(&gzip(&tar(&[large]))), @"caused by: the archive unpacks to more than 200 times its size");
}

#[test]
fn a_length_that_promises_four_gigabytes_makes_no_room_for_them() {
    let mut archive = gzip(&tar(&[Entry::new("a", "x")]));
    let end = archive.len();
    archive[end - 4..].fill(0xff);
    insta::assert_snapshot!(check(&archive), @"caused by: the length of the archive is wrong: it says 4294967295, the data has 2048 bytes (modulo 2^32)");
}

#[test]
fn a_header_that_promises_eight_gigabytes_makes_no_room_for_them() {
    let entry = Entry::new("a", "x").with(124, b"77777777777\0");
    insta::assert_snapshot!(check(&gzip(&tar(&[entry]))), @"caused by: the tar ends within `a`");
}

/// The message about a package with this manifest.
#[track_caller]
fn check_manifest(text: &str) -> String {
    let mut files = PackageSpec::new("evil", "1.0.0").source();
    files.sort();
    files[1].1 = text.as_bytes().to_vec();
    let entries: Vec<Entry> = files.into_iter().map(|(path, bytes)| Entry::new(&path, bytes)).collect();
    let scene = Scene::new();
    scene.sandbox.write("evil-1.0.0.tar.gz", gzip(&tar(&entries)));
    let output = bounded(&scene, &["check", "evil-1.0.0.tar.gz"]);
    shown(output.fails(13)).lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_manifest_that_refers_to_itself_again_and_again_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let again = format!("*{before}, ").repeat(9);
        text.push_str(&format!("{name}: &{name} [{}]\n", again.trim_end_matches(", ")));
    }
    insta::assert_snapshot!(check_manifest(&text), @"caused by: line 1, column 7: anchors and aliases are not allowed: write the value out");
}

#[test]
fn a_manifest_that_is_nested_without_end_is_refused() {
    insta::assert_snapshot!(check_manifest(&format!("name: {}", "[".repeat(100_000))), @"caused by: line 1, column 71: recursion limit exceeded");
    insta::assert_snapshot!(check_manifest(&format!("name: {}", "{a: ".repeat(30_000))), @"caused by: line 1, column 259: the value is nested more than 64 deep");
    insta::assert_snapshot!(check_manifest(&"- ".repeat(60_000)), @"caused by: line 1, column 129: the value is nested more than 64 deep");
    let deep: String = (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    insta::assert_snapshot!(check_manifest(&deep), @"caused by: line 65, column 65: the value is nested more than 64 deep");
}

#[test]
fn a_manifest_that_is_too_large_is_refused() {
    insta::assert_snapshot!(check_manifest(&"#".repeat(200_000)), @"caused by: a manifest has at most 131072 bytes, this one has 200000");
}

#[test]
fn an_index_of_a_record_with_lines_without_end_is_refused() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    let text = scene.hub.record_text("notes");
    let deep = format!("{}{}\n", text, "[".repeat(60_000));
    scene.hub.serve_record("notes", deep.as_bytes());
    let output = bounded(&scene, &["install", "notes"]);
    insta::assert_snapshot!(output.fails(7), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: column 1: invalid type: sequence, expected variant identifier
    ");
    let long = format!("{text}{{\"kind\":\"version\",\"format\":2,\"x\":\"{}\"}}\n", "x".repeat(100_000));
    scene.hub.serve_record("notes", long.as_bytes());
    let output = bounded(&scene, &["install", "notes"]);
    insta::assert_snapshot!(output.fails(7), @"
    error: the record of `notes` in registry `hub` is not valid
    caused by: line 3 of the record of `notes` is refused
    caused by: the text has 100036 bytes, at most 65536 are allowed
    ");
}
