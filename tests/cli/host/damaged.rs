//! Machine code in the cache that is not what the compiler made: whatever became of it, the host starts, the plugin
//! answers, and what is in the cache is whole again where it can be.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use super::daemon::Daemon;
use crate::{
    fixture::{TestRegistry, hub},
    plugins::good,
    sandbox::{Sandbox, skipped},
};

/// A home with a plugin whose machine code is kept in a cache of the sandbox's own.
struct Scene {
    sandbox: Sandbox,
    _hub: TestRegistry,
    code: PathBuf,
    whole: Vec<u8>,
}

/// The one file below a folder.
fn only_file(folder: &Path) -> PathBuf {
    let entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [entry] = entries.try_into().unwrap();
    if entry.is_dir() { only_file(&entry) } else { entry }
}

impl Scene {
    fn new() -> Self {
        let (sandbox, hub) = hub();
        hub.publish(&good("good", "1.0.0"));
        sandbox.run(&["install", "good", "--grant", "all"]).ok();
        let host = start(&sandbox);
        assert_eq!(host.said("hi"), "good: hi");
        drop(host);
        let code = only_file(&sandbox.path("code"));
        let whole = fs::read(&code).unwrap();
        Self { sandbox, _hub: hub, code, whole }
    }

    /// Starts a host on what was made of the file, and tells whether that was replaced.
    #[track_caller]
    fn check(&self, what: &str) {
        let host = start(&self.sandbox);
        assert_eq!(host.said("hi"), "good: hi", "{what}");
        drop(host);
        self.sandbox.run(&["list"]).ok();
        assert_eq!(fs::read(&self.code).unwrap(), self.whole, "{what}");
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.code, bytes).unwrap();
    }
}

/// A host with a cache that no other test has.
fn start(sandbox: &Sandbox) -> Daemon {
    Daemon::start_with(sandbox, &["--cache", sandbox.path("code").to_str().unwrap()])
}

#[test]
fn a_flipped_bit_is_compiled_away() {
    let scene = Scene::new();
    let last = scene.whole.len() - 1;
    let all = std::env::var_os("LEAHPM_TEST_ALL").is_some();
    let places = if all { 200 } else { 5 };
    // The digest, the head of the machine code, what is in the middle, and the end.
    let places = (0..=places).map(|part| last / places * part).chain([31, 32, 40, last]);
    for at in places {
        let mut bytes = scene.whole.clone();
        bytes[at] ^= 1 << (at % 8);
        scene.write(&bytes);
        scene.check(&format!("byte {at}"));
    }
}

#[test]
fn what_is_cut_off_empty_or_too_long_is_compiled_anew() {
    let scene = Scene::new();
    for length in [0, 1, 31, 32, 33, scene.whole.len() / 2, scene.whole.len() - 1] {
        scene.write(&scene.whole[..length]);
        scene.check(&format!("{length} bytes"));
    }
    scene.write(&[&scene.whole[..], b"x"].concat());
    scene.check("one byte more");
}

#[test]
fn a_file_that_somebody_else_can_have_written_is_compiled_anew() {
    let scene = Scene::new();
    fs::set_permissions(&scene.code, Permissions::from_mode(0o666)).unwrap();
    scene.check("open to all");
    assert_eq!(fs::metadata(&scene.code).unwrap().permissions().mode() & 0o777, 0o600);
    let elsewhere = scene.sandbox.path("elsewhere");
    fs::rename(&scene.code, &elsewhere).unwrap();
    symlink(&elsewhere, &scene.code).unwrap();
    scene.check("a link");
    assert!(!scene.code.is_symlink());
    if chown(&scene.code, Some(65_534), None).is_err() {
        skipped("only root can give a file to another user");
        return;
    }
    scene.check("another user's");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&fs::metadata(&scene.code).unwrap()), 0);
}

#[test]
fn what_cannot_be_read_or_replaced_is_done_without() {
    let scene = Scene::new();
    fs::remove_file(&scene.code).unwrap();
    fs::create_dir(&scene.code).unwrap();
    fs::write(scene.code.join("file"), "").unwrap();
    for _ in 0..2 {
        let host = start(&scene.sandbox);
        assert_eq!(host.said("hi"), "good: hi");
        let logs = scene.sandbox.run(&["host", "logs"]).ok().stdout;
        assert!(logs.contains("a plugin is compiled again at the next start"), "{logs}");
    }
}
