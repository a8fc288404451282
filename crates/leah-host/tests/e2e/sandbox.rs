//! A home in a temporary folder, a host that serves it, and peers that say what they like.

use std::{
    ffi::OsStr,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use leah_plugin::layout::Layout;
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes.
pub const TIME: Duration = Duration::from_secs(30);

pub const HELLO: &str =
    r#"{"jsonrpc":"2.0","id":0,"method":"hello","params":{"protocol":1,"client":"test 1"}}"#;

/// A home without plugins.
pub struct Sandbox {
    folder: tempfile::TempDir,
    /// Who runs the programs; none: whoever runs the test.
    pub user: Option<u32>,
}

/// A host that is reached. It is killed at the end.
pub struct Served {
    child: Child,
    told: Arc<Mutex<String>>,
    telling: Option<JoinHandle<()>>,
    pub socket: PathBuf,
}

/// One end of a connection that says what it likes.
pub struct Peer {
    pub stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Sandbox {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, user: None }
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The same home, served by another user, whom all folders above let in.
    pub fn of_user(user: u32) -> Self {
        let sandbox = Self { user: Some(user), ..Self::new() };
        fs::set_permissions(sandbox.folder.path(), Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(sandbox.home(), Some(user), Some(user)).unwrap();
        sandbox
    }

    /// The socket of the home's host.
    pub fn socket(&self) -> PathBuf {
        Layout::new(self.home()).socket(None, &self.home().canonicalize().unwrap())
    }

    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leah-host"));
        command.args(arguments).env_clear().env("LEAH_HOME", self.home());
        command.env("LEAH_CACHE", self.home().join("cache")).stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the program says, which is to fail with this code.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(output.stdout.is_empty());
        said.replace(self.folder.path().to_str().unwrap(), "[folder]")
    }

    /// What the program prints, which is to succeed.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn serve(&self) -> Served {
        self.serve_with(&[])
    }

    /// Starts a host and waits until it says that it serves.
    pub fn serve_with(&self, flags: &[&str]) -> Served {
        let arguments = [&["serve"], flags].concat();
        let mut child = self.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert!(first.starts_with("Serving "), "{first}");
        let told = Arc::new(Mutex::new(first));
        let telling = std::thread::spawn({
            let told = Arc::clone(&told);
            move || {
                for line in lines.lines() {
                    told.lock().unwrap().push_str(&(line.unwrap() + "\n"));
                }
            }
        });
        Served { child, told, telling: Some(telling), socket: self.socket() }
    }
}

impl Served {
    /// A peer that has said nothing yet.
    pub fn peer(&self) -> Peer {
        Peer::new(&self.socket)
    }

    /// A peer that the host knows.
    pub fn greeted(&self) -> Peer {
        let mut peer = self.peer();
        assert!(peer.asks(HELLO).contains(r#""protocol":1"#));
        peer
    }

    /// Asserts that others are served as if nothing had happened.
    #[track_caller]
    pub fn still_answers(&self) {
        let mut peer = self.greeted();
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        assert_eq!(peer.asks(list), r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the host: its exit code, if it ended by itself, and all that it told.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        self.telling.take().unwrap().join().unwrap();
        let told = self.told.lock().unwrap().clone();
        (status.code(), told)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    pub fn new(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(TIME)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        Self { stream, lines }
    }

    pub fn says(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, without its newline; empty at the end.
    pub fn hears(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn asks(&mut self, line: &str) -> String {
        self.says(line);
        self.hears()
    }

    /// True when the host has ended the connection and nothing more comes.
    pub fn is_at_its_end(&mut self) -> bool {
        let mut rest = Vec::new();
        // Cut with something unread, a connection ends with an error.
        let _ = self.lines.read_to_end(&mut rest);
        rest.is_empty()
    }
}
