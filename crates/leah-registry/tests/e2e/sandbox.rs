//! A folder of its own for every test, a fixed clock, no environment, and short words for what tests do.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{PoisonError, RwLock},
};

use leah_plugin::{
    digest::Digest,
    head::Head,
    key::SecretKey,
    name::{Origin, PluginName},
    package::pack,
    signature::{UNTRUSTED_COMMENT, archive_file_name, package_comment},
};
use leah_registry::change::Change;
use serde_json::Value;

use crate::fixture;

/// The time in every sandbox, unless a test says otherwise: 2027-01-15.
pub const NOW: u64 = 1_800_000_000;

pub const DAY: u64 = 24 * 3600;

pub struct Sandbox {
    folder: tempfile::TempDir,
    pub publisher: SecretKey,
}

/// What the program has answered.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Held to write while a test holds the lock of a registry and to read while one forks: a child that has not
/// come to its `exec` yet has all files of the test process open, and so its locks.
static FORKS: RwLock<()> = RwLock::new(());

/// Starts a command, with no lock of another test in its hands.
pub fn start(command: &mut Command) -> Child {
    let _forking = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    // It returns when the child has come to its `exec`.
    command.spawn().unwrap()
}

impl Answer {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        self.err
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Sandbox {
    /// A folder with a publisher's key in `me.key` and nothing else.
    pub fn empty() -> Self {
        let sandbox =
            Self { folder: tempfile::tempdir().unwrap(), publisher: SecretKey::generate().unwrap() };
        sandbox.write("me.key", sandbox.publisher.to_file_text("me").unwrap());
        sandbox
    }

    /// A folder with the registry `hub` and its keys in `keys`.
    pub fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.run(&["init", "hub", "--origin", "hub", "--keys", "keys"]).ok();
        sandbox
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(path), bytes).unwrap();
    }

    pub fn secret(&self, file: &str) -> SecretKey {
        SecretKey::read(&String::from_utf8(self.read(file)).unwrap(), None).unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, &[])
    }

    pub fn run_at(&self, now: u64, arguments: &[&str]) -> Answer {
        self.run_with(&[arguments, &["--now", &now.to_string()]].concat(), &[])
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leah-registry"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("SOURCE_DATE_EPOCH", NOW.to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = start(&mut command).wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| self.redact(&String::from_utf8(bytes).unwrap());
        Answer { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Packs a plugin as `<name>-<version>.tar.gz`, signs it with `key`, and returns the file name.
    pub fn pack_signed(&self, name: &str, version: &str, key: &SecretKey) -> String {
        let files = fixture::plugin(name, version);
        let files = files.into_iter().map(|(path, bytes)| (path.parse().unwrap(), bytes));
        self.sign(name, version, &pack(files).unwrap(), key)
    }

    /// Writes these bytes as an archive with its signature.
    pub fn sign(&self, name: &str, version: &str, archive: &[u8], key: &SecretKey) -> String {
        let origin: Origin = "hub".parse().unwrap();
        let (name, version): (PluginName, _) = (name.parse().unwrap(), version.parse().unwrap());
        let comment = package_comment(&origin, &name, &version, archive.len() as u64, &Digest::of(archive));
        let block = key.sign(archive, &comment, UNTRUSTED_COMMENT).unwrap();
        let file = archive_file_name(&name, &version);
        self.write(&file, archive);
        self.write(&format!("{file}.minisig"), block.as_text());
        file
    }

    pub fn publish(&self, name: &str, version: &str) -> Answer {
        let file = self.pack_signed(name, version, &self.publisher);
        self.publish_file(&file, &[])
    }

    pub fn publish_file(&self, file: &str, more: &[&str]) -> Answer {
        let publish = ["publish", "hub", file, "--index-key", "keys/index.key", "--publisher-key", "me.key"];
        self.run(&[&publish, more].concat())
    }

    /// Runs a command with the registry and its index key.
    pub fn change(&self, command: &str, more: &[&str]) -> Answer {
        self.run(&[&[command, "hub"], more, &["--index-key", "keys/index.key"]].concat())
    }

    /// Changes the registry by the library.
    pub fn change_by_library(&self, make: impl FnOnce(&mut Change)) -> Head {
        let key = self.secret("keys/index.key");
        let _locking = FORKS.write().unwrap_or_else(PoisonError::into_inner);
        let mut change = Change::begin(&self.path("hub"), &key, NOW).unwrap();
        make(&mut change);
        change.commit().unwrap()
    }

    /// All files of the registry but the lock.
    pub fn registry_files(&self) -> Vec<String> {
        let files = leah_registry::fs::files_below(&self.path("hub")).unwrap();
        files.into_iter().filter(|file| file != ".lock").collect()
    }

    /// Everything the registry holds, to compare before and after.
    pub fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        self.snapshot_of("hub")
    }

    /// All files below a folder but the lock, with their bytes; none where there is no folder.
    pub fn snapshot_of(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let read = |file: String| {
            let bytes = self.read(&format!("{folder}/{file}"));
            (file, bytes)
        };
        let files = leah_registry::fs::files_below(&self.path(folder)).unwrap_or_default();
        files.into_iter().filter(|file| file != ".lock").map(read).collect()
    }

    fn redact(&self, text: &str) -> String {
        let key = self.publisher.public();
        text.replace(&key.to_string(), "[publisher]").replace(&key.id(), "[publisher id]")
    }
}
