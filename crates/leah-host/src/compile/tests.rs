//! What is kept of machine code is believed only as far as its digest, and what compiles is watched.

#![expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]

use std::{
    fs as disk,
    os::unix::fs::{FileExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use tempfile::TempDir;

use super::*;

const CODE: &[u8] = b"some machine code";

fn key() -> Key {
    Key { engine: Digest::of(b"engine"), component: Digest::of(b"component") }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/in/the/cache");
    Artifact::new(&key(), CODE).write(&path).unwrap();
    let whole = disk::read(&path).unwrap();
    assert!(Artifact::read(&key(), &path).is_some());
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk::write(&path, bytes).unwrap();
        assert!(Artifact::read(&key(), &path).is_none(), "bit {bit}");
    }
    for length in 0..whole.len() {
        disk::write(&path, &whole[..length]).unwrap();
        assert!(Artifact::read(&key(), &path).is_none(), "{length} bytes");
    }
}

/// One bit of each byte of what a real component becomes; of some hundred bytes, unless LEAHPM_TEST_ALL asks for all.
#[test]
fn a_flipped_bit_anywhere_in_real_machine_code_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code");
    let engine = Engine::start().unwrap();
    let key = Key { engine: *engine.digest(), component: Digest::of(&component()) };
    Artifact::new(&key, &compile(&component()).unwrap()).write(&path).unwrap();
    let whole = disk::read(&path).unwrap();
    let step = if std::env::var_os("LEAHPM_TEST_ALL").is_some() { 1 } else { whole.len() / 300 };
    let file = disk::File::options().write(true).open(&path).unwrap();
    for at in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
        file.write_all_at(&[whole[at] ^ (1 << (at % 8))], at as u64).unwrap();
        assert!(Artifact::read(&key, &path).is_none(), "byte {at}");
        file.write_all_at(&[whole[at]], at as u64).unwrap();
    }
    assert!(Artifact::read(&key, &path).unwrap().component(&engine).is_ok());
}

#[test]
fn machine_code_that_others_can_have_written_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code");
    Artifact::new(&key(), CODE).write(&path).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        disk::set_permissions(&path, disk::Permissions::from_mode(mode)).unwrap();
        assert!(Artifact::read(&key(), &path).is_none(), "{mode:o}");
    }
    disk::set_permissions(&path, disk::Permissions::from_mode(0o600)).unwrap();
    assert!(Artifact::read(&key(), &path).is_some());
    disk::rename(&path, folder.path().join("other")).unwrap();
    symlink(folder.path().join("other"), &path).unwrap();
    assert!(Artifact::read(&key(), &path).is_none());
}

#[test]
fn machine_code_is_that_of_one_component_and_one_engine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code");
    Artifact::new(&key(), CODE).write(&path).unwrap();
    assert!(Artifact::read(&Key { component: Digest::of(b"another"), ..key() }, &path).is_none());
    assert!(Artifact::read(&Key { engine: Digest::of(b"another"), ..key() }, &path).is_none());
}

fn component() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plugins");
    disk::read(folder.join("older.wasm")).unwrap()
}

/// A program of these lines of a shell, that is used as compiler.
fn program(folder: &TempDir, lines: &str) -> PathBuf {
    let path = folder.path().join("compiler");
    // Another process writes it: one that this process had open for writing at that moment, a child that another test
    // starts would hold open, and what is open for writing cannot be run.
    let script = format!("#!/bin/sh\n{lines}\n");
    let write = "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let status = Command::new("/bin/sh").args(["-c", write]).arg(&path).arg(script).status().unwrap();
    assert!(status.success());
    path
}

fn compiler(folder: &TempDir, binary: PathBuf) -> Compiler {
    Compiler {
        binary,
        cache: CacheLayout::new(folder.path().join("cache")),
        journal: Arc::new(Journal::new(Level::Info)),
        free: Mutex::new(1),
        freed: Condvar::new(),
    }
}

#[track_caller]
fn check_fails(lines: &str, time: Duration, expect: &str) {
    let folder = tempfile::tempdir().unwrap();
    let compiler = compiler(&folder, program(&folder, lines));
    let engine = Engine::start().unwrap();
    let error = compiler.component(&engine, &component(), &Control::new(time)).err().unwrap();
    assert_eq!(error.to_string(), expect);
    assert_eq!(*compiler.free.lock().unwrap(), 1);
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn tells_why_nothing_was_compiled() {
    check_fails(
        "cat > /dev/null; echo 'error: it does not compile: no' >&2; exit 1",
        PATIENCE,
        "it does not compile: no",
    );
    check_fails("exit 1", PATIENCE, "it does not compile: the compiler does not say why");
    check_fails("kill -9 $$", PATIENCE, "it needs more memory or time to compile than allowed");
    check_fails(
        "echo 'memory allocation of 9 bytes failed' >&2; exit 134",
        PATIENCE,
        "it needs more memory or time to compile than allowed",
    );
}

#[test]
fn what_the_compiler_says_is_taken_in_bounds() {
    check_fails("yes complaint | head -c 1000000 >&2; exit 1", PATIENCE, "it does not compile: complaint");
}

#[test]
fn a_compiler_that_does_not_end_is_ended() {
    let began = Instant::now();
    check_fails("exec sleep 50", Duration::from_millis(50), "it took longer than allowed");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn damaged_machine_code_is_made_anew_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("code");
    disk::write(&code, compile(&component()).unwrap()).unwrap();
    let lines = format!("cat > /dev/null; echo run >> {0}.runs; exec cat {0}", code.display());
    let compiler = compiler(&folder, program(&folder, &lines));
    let engine = Engine::start().unwrap();
    let load = || drop(compiler.component(&engine, &component(), &Control::new(PATIENCE)).unwrap());
    let runs = || disk::read_to_string(folder.path().join("code.runs")).unwrap().lines().count();
    load();
    load();
    assert_eq!(runs(), 1);
    let path = compiler.cache.compiled(engine.digest(), &Digest::of(&component()));
    let whole = disk::read(&path).unwrap();
    for (times, at) in [0, 40, whole.len() / 2, whole.len() - 1].into_iter().enumerate() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        disk::write(&path, bytes).unwrap();
        load();
        assert_eq!(runs(), times + 2);
        assert_eq!(disk::read(&path).unwrap(), whole);
    }
}

#[test]
fn what_cannot_be_run_is_told_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    // As one of another release would, it makes what this engine does not know.
    let compiler = compiler(&folder, program(&folder, "exec cat"));
    let engine = Engine::start().unwrap();
    let error = compiler.component(&engine, &component(), &Control::new(PATIENCE)).err().unwrap();
    let expect = "what was compiled of it cannot be run; if `leah-host` was updated, start it anew: ";
    assert!(error.to_string().starts_with(expect), "{error}");
    assert!(!compiler.cache.machine_code().exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("code");
    disk::write(&code, compile(&component()).unwrap()).unwrap();
    let lines = format!("cat > /dev/null; exec cat {}", code.display());
    let compiler = compiler(&folder, program(&folder, &lines));
    // A file stands where the folder would be.
    disk::write(folder.path().join("cache"), "").unwrap();
    let engine = Engine::start().unwrap();
    assert!(compiler.component(&engine, &component(), &Control::new(PATIENCE)).is_ok());
}

#[test]
fn refuses_what_is_no_component() {
    let reason = |wasm: &[u8]| compile(wasm).err().unwrap().to_string();
    assert!(reason(b"no code at all").starts_with("it does not compile: "));
    assert!(reason(b"\0asm\x01\0\0\0").starts_with("it does not compile: "));
}
