//! A bit turned, bytes cut off or bytes put behind, in every file that an install reads: roots, head,
//! directory, record, archive. Most of it is tried on the library, where ten thousand cases take seconds, and a
//! sample on the program.

use std::fs;

use leah_plugin::{
    head::format_for,
    layout::Layout,
    package::MANIFEST_FILE,
    registry_layout::RegistryLayout,
    tree::{INNER_BYTES, belongs},
};
use leahpm::{
    registry::{Registry, RegistryError, Source},
    trust::Demands,
    verify::{Reason, Verified, VerifyError},
};

use super::{Scene, difference};
use crate::fixture::{PackageSpec, TestRegistry, now};

/// A plugin with something in every field of its line, in a directory with an inner node.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("text-tools", "1.2.0"));
    let translator = PackageSpec::new("translator", "1.0.0").host(">=0.1").needs("text-tools", "^1.2");
    let translator = translator.permission("read_messages").hook("on_chat_message").tool("translate");
    scene.hub.offer(&translator);
    deepen(&scene.hub);
    scene.installs("text-tools");
    scene
}

/// Puts an inner node above the leaf, as a registry of more than a hundred names has it.
fn deepen(hub: &TestRegistry) {
    let leaf = hub.head().tree;
    let leaf = hub.read(&RegistryLayout::object(&leaf));
    let mut inner = vec![0; INNER_BYTES];
    for line in leaf.split_inclusive(|byte| *byte == b'\n') {
        let name =
            serde_json::from_slice::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned();
        let name = name.parse().unwrap();
        let slot = (0..=u8::MAX).find(|slot| belongs(&name, &[*slot])).unwrap();
        let below = hub.add_object(line);
        inner[usize::from(slot) * 32..][..32].copy_from_slice(below.as_bytes());
    }
    let tree = hub.add_object(&inner);
    hub.change_head(|head| {
        (head.format, head.tree, head.depth, head.serial) = (format_for(1), tree, 1, head.serial + 1);
    });
}

/// The files that an install of `translator` reads, and what each is called here.
fn files(hub: &TestRegistry) -> [(&'static str, String); 6] {
    let name = "translator".parse().unwrap();
    let tree = hub.head().tree;
    let inner = hub.read(&RegistryLayout::object(&tree));
    let leaf = leah_plugin::tree::interior_child(&inner, &name, 0).unwrap().unwrap();
    let leaf_bytes = hub.read(&RegistryLayout::object(&leaf));
    let record = leah_plugin::tree::leaf_find(&leaf_bytes, &name).unwrap().unwrap().record;
    [
        ("root", "root/1".into()),
        ("head", "head".into()),
        ("inner node", RegistryLayout::object(&tree)),
        ("leaf", RegistryLayout::object(&leaf)),
        ("record", RegistryLayout::object(&record)),
        ("archive", RegistryLayout::archive(&name, &"1.0.0".parse().unwrap())),
    ]
}

/// Why the library refused.
#[derive(Debug)]
enum Refusal {
    Registry(#[allow(dead_code, reason = "shown where a test fails")] RegistryError),
    Archive(VerifyError),
    Absent,
}

/// All that an install reads of a registry, through the doors that it uses.
fn read_all(hub: &TestRegistry) -> Result<Verified, Refusal> {
    let (source, key) = (Source::Folder(hub.folder.clone()), hub.root_key());
    let demands = Demands { key: &key, origin: Some(&hub.origin), seen: None, now: Some(now()) };
    let home = Layout::new(hub.path("no-home"));
    let registry = Registry::open(source, &demands, &home).map_err(Refusal::Registry)?;
    registry.check_fresh(now()).map_err(Refusal::Registry)?;
    let name = "translator".parse().unwrap();
    let record = registry.record(&name).map_err(Refusal::Registry)?.ok_or(Refusal::Absent)?;
    let release = record.version(&"1.0.0".parse().unwrap()).ok_or(Refusal::Absent)?;
    let archive = registry.archive(&name, release.line, &|_| ()).map_err(Refusal::Registry)?;
    Verified::new(registry.origin(), &name, release.line, &archive).map_err(Refusal::Archive)
}

/// How many of the eight bits of each byte are turned; LEAHPM_TEST_ALL asks for all.
fn bits() -> u8 {
    if std::env::var_os("LEAHPM_TEST_ALL").is_some() { 8 } else { 1 }
}

#[test]
fn no_bit_of_any_file_that_an_install_reads_can_turn_unnoticed() {
    let scene = scene();
    let hub = &scene.hub;
    assert!(read_all(hub).unwrap().package().file(MANIFEST_FILE).is_some());
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        // Of the inner node's 8 KiB all but a few bytes are zero; one in seven meets every digest.
        let step = if what == "inner node" { 7 } else { 1 };
        for at in (0..bytes.len()).step_by(step) {
            for bit in 0..bits() {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << ((at as u8).wrapping_add(bit) % 8);
                hub.write(&file, &changed);
                match read_all(hub) {
                    Ok(_) => panic!("byte {at} of the {what} counts for nothing"),
                    // What is refused as a package was unpacked, and so was believed.
                    Err(Refusal::Archive(VerifyError { source: Reason::Package(error), .. })) => {
                        panic!("byte {at} of the {what} was unpacked before it was verified: {error}");
                    }
                    Err(Refusal::Absent) => panic!("byte {at} of the {what} hides the plugin"),
                    Err(_) => {}
                }
            }
        }
        hub.write(&file, &bytes);
    }
    read_all(hub).unwrap();
}

#[test]
fn no_file_can_be_cut_off_or_go_on_unnoticed() {
    let scene = scene();
    let hub = &scene.hub;
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        let step = if what == "inner node" { 97 } else { 1 };
        for length in (0..bytes.len()).step_by(step) {
            hub.write(&file, &bytes[..length]);
            assert!(read_all(hub).is_err(), "the {what} is believed when cut off at {length}");
        }
        for more in [&b"\n"[..], b" ", b"\0", &[0; 4096], &bytes] {
            hub.write(&file, [&bytes, more].concat());
            assert!(read_all(hub).is_err(), "the {what} is believed with {} bytes behind it", more.len());
        }
        hub.write(&file, &bytes);
    }
    read_all(hub).unwrap();
}

#[test]
fn the_program_refuses_a_turned_bit_with_exit_code_7_and_names_the_place() {
    let scene = scene();
    let hub = &scene.hub;
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        let places = ["root", "head", "directory", "record", "archive", "translator", &file];
        for at in (0..12).map(|part| part * (bytes.len() - 1) / 11) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            hub.write(&file, &changed);
            let error = scene.refuses_to_install(7, "translator");
            let named = places.iter().any(|place| error.contains(&super::shown(place)));
            assert!(named, "byte {at} of the {what}: {error}");
        }
        hub.write(&file, &bytes);
    }
    scene.run(&["install", "translator", "--grant", "all"]).ok();
}

#[test]
fn the_program_refuses_files_that_are_cut_off_empty_or_too_long_with_exit_code_7() {
    let scene = scene();
    let hub = &scene.hub;
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        // The last is longer than any limit of a root, a head or a node.
        let longer = [&bytes[..], &vec![b'\n'; 2 << 20]].concat();
        for changed in [
            &bytes[..bytes.len() / 2],
            &bytes[..bytes.len() - 1],
            b"",
            &[&bytes[..], b"\n"].concat(),
            &longer,
        ] {
            hub.write(&file, changed);
            let before = scene.sandbox.tree();
            let output = scene.run(&["install", "translator", "--grant", "all"]);
            assert_eq!(
                output.code,
                7,
                "the {what} with {} bytes of {}: {output}",
                changed.len(),
                bytes.len()
            );
            assert_eq!(difference(&before, &scene.sandbox.tree()), Vec::<String>::new());
        }
        hub.write(&file, &bytes);
    }
}

#[test]
fn a_file_that_is_missing_is_refused_with_its_name() {
    let scene = scene();
    let hub = &scene.hub;
    let mut errors = String::new();
    for (what, file) in files(hub) {
        // Without its first root a folder is no registry, which is another story.
        if what == "root" {
            continue;
        }
        let bytes = hub.read(&file);
        fs::remove_file(hub.path(&file)).unwrap();
        errors.push_str(&format!("{what}: {}", scene.refuses_to_install(7, "translator")));
        hub.write(&file, &bytes);
    }
    insta::assert_snapshot!(errors, @"
    head: error: `[DIR]/hub` lacks `head`
    inner node: error: `[DIR]/hub` lacks `objects/[sha256]`
    leaf: error: `[DIR]/hub` lacks `objects/[sha256]`
    record: error: `[DIR]/hub` lacks `objects/[sha256]`
    archive: error: cannot fetch `translator` 1.0.0
    caused by: `[DIR]/hub` lacks `packages/translator/translator-1.0.0.tar.gz`
    ");
}

#[test]
fn a_link_or_a_folder_in_place_of_a_file_is_not_followed() {
    let scene = scene();
    let hub = &scene.hub;
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        let elsewhere = scene.sandbox.path("elsewhere");
        fs::write(&elsewhere, &bytes).unwrap();
        fs::remove_file(hub.path(&file)).unwrap();
        std::os::unix::fs::symlink(&elsewhere, hub.path(&file)).unwrap();
        let output = scene.run(&["install", "translator", "--grant", "all"]);
        assert_ne!(output.code, 0, "a link in place of the {what}: {output}");
        fs::remove_file(hub.path(&file)).unwrap();
        fs::create_dir(hub.path(&file)).unwrap();
        let output = scene.run(&["install", "translator", "--grant", "all"]);
        assert_ne!(output.code, 0, "a folder in place of the {what}: {output}");
        fs::remove_dir(hub.path(&file)).unwrap();
        hub.write(&file, &bytes);
    }
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, text-tools 1.2.0");
}

#[test]
fn a_good_package_beside_a_bad_one_does_not_stay_in_the_store() {
    let scene = Scene::new();
    let hub = &scene.hub;
    hub.offer(&PackageSpec::new("beta", "1.0.0"));
    hub.offer(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    hub.write("packages/alpha/alpha-1.0.0.tar.gz", "gone");
    insta::assert_snapshot!(scene.refuses_to_install(7, "alpha").lines().next().unwrap(), @"error: refused `alpha` 1.0.0 of registry `hub`");
}

#[test]
fn the_first_byte_of_each_file_is_refused_in_these_words() {
    let scene = scene();
    let hub = &scene.hub;
    let mut errors = String::new();
    for (what, file) in files(hub) {
        let bytes = hub.read(&file);
        let mut changed = bytes.clone();
        changed[0] ^= 1;
        hub.write(&file, &changed);
        // The hash of other bytes is another in each run; that it is told is enough.
        errors.push_str(&format!("{what}:\n{}", scene.refuses_to_install(7, "translator")));
        hub.write(&file, &bytes);
    }
    insta::assert_snapshot!(errors, @"
    root:
    error: root 1 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: line 1 of the signature does not start with `untrusted comment: `
    head:
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: line 1 of the signature does not start with `untrusted comment: `
    inner node:
    error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]
    leaf:
    error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]
    record:
    error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]
    archive:
    error: refused `translator` 1.0.0 of registry `hub`
    caused by: the archive's sha256 is [sha256], the index says [sha256]
    ");
}
