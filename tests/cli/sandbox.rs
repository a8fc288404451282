//! A folder of its own for every test, with a home and without any environment; the words by which tests run the
//! program and look at what it left on the disk.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt, fs,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use leah_plugin::{
    digest::Digest,
    layout::Layout,
    lock::{Lock, Locked},
    name::PluginName,
};
use serde_json::Value;

use crate::schemas;

/// Where the system's own programs are.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// A folder that is gone after the test. The program runs in it, with `home` below it as LEAH_HOME.
pub struct Sandbox {
    _folder: tempfile::TempDir,
    path: PathBuf,
    /// What is different in each run, and the word that stands for it.
    redactions: Mutex<Vec<(String, String)>>,
    keeps_packages: AtomicBool,
}

/// What the program answered, with paths, times and keys replaced by words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code, or 128 and the number of the signal, as shells say it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    raw_stderr: String,
}

/// Each line behind the number of its stream, then the exit code.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stream, text) in [("1>", &self.stdout), ("2>", &self.stderr)] {
            for line in text.lines() {
                writeln!(f, "{}", format!("{stream} {line}").trim_end())?;
            }
        }
        write!(f, "exit {}", self.code)
    }
}

impl Output {
    /// Ends the test unless the program succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Standard error of a run that must end with `code` and print no data.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &str {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self}");
        &self.stderr
    }

    /// The one JSON object on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The same, one field a line.
    #[track_caller]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(&self.json()).unwrap()
    }

    /// The command of a hint, word for word; the first hint is number 0.
    #[track_caller]
    fn hinted_command(&self, number: usize) -> &str {
        let hint = self.raw_stderr.lines().filter(|line| line.starts_with("hint: ")).nth(number);
        let hint = hint.unwrap_or_else(|| panic!("no hint {number}: {self}"));
        let command = hint.split('`').find(|part| part.starts_with("leahpm "));
        command.unwrap_or_else(|| panic!("no command in the hint: {self}"))
    }
}

impl Sandbox {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        let sandbox = Self {
            _folder: folder,
            path,
            redactions: Mutex::default(),
            keeps_packages: AtomicBool::new(false),
        };
        // The longer of two paths is replaced first.
        sandbox.redact(sandbox.home().display(), "[HOME]");
        sandbox.redact(sandbox.path.display(), "[DIR]");
        sandbox
    }

    /// A path in the sandbox.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// From here on each run keeps packages in the cache.
    pub fn keep_packages(&self) {
        self.keeps_packages.store(true, Ordering::Relaxed);
    }

    /// The folder that LEAH_HOME names.
    pub fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    pub fn layout(&self) -> Layout {
        Layout::new(self.home())
    }

    /// From now on `text` is shown as `word`.
    pub fn redact(&self, text: impl fmt::Display, word: &str) {
        self.redactions.lock().unwrap().push((text.to_string(), word.to_owned()));
    }

    /// Gives the command of a refusal's hint to a shell, as a person would who copies it.
    #[track_caller]
    pub fn run_hint(&self, refused: &Output) -> Output {
        self.run_line(refused.hinted_command(0))
    }

    /// The same with more variables.
    #[track_caller]
    pub fn run_hint_env(&self, refused: &Output, environment: &[(&str, &str)]) -> Output {
        self.run_line_env(refused.hinted_command(0), environment)
    }

    /// The same with the command of the second hint.
    #[track_caller]
    pub fn run_second_hint(&self, refused: &Output) -> Output {
        self.run_line(refused.hinted_command(1))
    }

    /// The same with the second command of the first hint.
    #[track_caller]
    pub fn run_second_command(&self, refused: &Output) -> Output {
        let hint = refused.raw_stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
        let command = hint.split('`').filter(|part| part.starts_with("leahpm ")).nth(1).unwrap();
        self.run_line(command)
    }

    /// Gives a line to a shell that finds `leahpm`.
    pub fn run_line(&self, line: &str) -> Output {
        self.run_line_env(line, &[])
    }

    fn run_line_env(&self, line: &str, environment: &[(&str, &str)]) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_leahpm")).parent().unwrap();
        let path = format!("{}:{PATH}", program.display());
        let mut command = Command::new("sh");
        let command = self.prepared(command.args(["-c", line])).env("PATH", path);
        self.finish(command.envs(environment.iter().copied()))
    }

    /// What a person at a terminal sees who types `keys` when asked; none where no terminal can be made.
    pub fn at_a_terminal(&self, line: &str, keys: &str) -> Option<Output> {
        if !cfg!(target_os = "linux") || self.run_line("script --version").code != 0 {
            skipped("there is no `script` as Linux has it to make a terminal with");
            return None;
        }
        self.write("keys", keys);
        Some(self.run_line(&format!("script -qec '{line}' /dev/null < keys")))
    }

    /// The program with these arguments, about to be started: in the sandbox, without environment and input.
    pub fn command<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Command {
        self.command_under::<&str, T>(&[], arguments)
    }

    /// The same, started by another program, such as `strace`, with its arguments.
    pub fn command_under<W: AsRef<OsStr>, T: AsRef<OsStr>>(&self, outer: &[W], arguments: &[T]) -> Command {
        let program: &OsStr = env!("CARGO_BIN_EXE_leahpm").as_ref();
        let mut line: Vec<&OsStr> = outer.iter().map(AsRef::as_ref).collect();
        line.push(program);
        line.extend(arguments.iter().map(AsRef::as_ref));
        let mut command = Command::new(line[0]);
        command.args(&line[1..]);
        self.prepared(&mut command);
        command
    }

    /// The same for another program.
    pub fn prepared<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", self.path("user"))
            .env("LEAH_HOME", self.home())
            .env("LEAH_CACHE", self.path("cache"))
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .envs(self.keeps_packages.load(Ordering::Relaxed).then_some(("LEAHPM_KEEP_PACKAGES", "1")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
    }

    /// Runs the program to its end.
    pub fn run<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Output {
        self.finish(&mut self.command(arguments))
    }

    /// The same with more variables.
    pub fn run_env<T: AsRef<OsStr>>(&self, arguments: &[T], environment: &[(&str, &str)]) -> Output {
        self.finish(self.command(arguments).envs(environment.iter().copied()))
    }

    /// The same under another program, such as `strace`.
    pub fn run_under<W: AsRef<OsStr>, T: AsRef<OsStr>>(&self, outer: &[W], arguments: &[T]) -> Output {
        self.finish(&mut self.command_under(outer, arguments))
    }

    /// The same without any right that a user does not have. A test that is root stays root, so that the files
    /// stay its own, but the modes of files bind it as they bind everybody.
    pub fn run_as_user<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Output {
        if rustix::process::geteuid().is_root() {
            self.run_under(&["setpriv", "--inh-caps=-all", "--bounding-set=-all"], arguments)
        } else {
            self.run(arguments)
        }
    }

    /// Starts the program and lets it run.
    pub fn spawn<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Child {
        start(&mut self.command(arguments))
    }

    /// Runs a command that [`Self::command`] made, and what was changed of it, to its end.
    pub fn finish(&self, command: &mut Command) -> Output {
        self.wait(start(command))
    }

    /// What a started program answered.
    pub fn wait(&self, child: Child) -> Output {
        self.output(child.wait_with_output().unwrap())
    }

    #[track_caller]
    fn output(&self, output: std::process::Output) -> Output {
        let stdout = String::from_utf8(output.stdout).unwrap();
        schemas::check(&stdout);
        let stdout = self.redacted(&stdout);
        let raw_stderr = String::from_utf8(output.stderr).unwrap();
        Output { code: code(output.status), stdout, stderr: self.redacted(&raw_stderr), raw_stderr }
    }

    /// Text in which what differs from run to run is replaced by words.
    pub fn redacted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &*self.redactions.lock().unwrap() {
            text = text.replace(from, to);
        }
        let text = without(&without(&text, "pid ", "[PID]"), ".staging-", "[RANDOM]");
        without_times(&text)
    }

    pub fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path.join(path)).unwrap()
    }

    /// Writes a file with the folders above it.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The plugins that a host would load: name and version, read by the links as a host reads them.
    pub fn live(&self) -> BTreeMap<String, String> {
        let Ok(folder) = fs::read_dir(self.layout().plugins()) else { return BTreeMap::new() };
        let mut live = BTreeMap::new();
        for entry in folder.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_symlink()) {
            let manifest = fs::read_to_string(entry.path().join("plugin.yaml")).unwrap();
            let version = manifest.lines().find_map(|line| line.strip_prefix("version: ")).unwrap();
            live.insert(entry.file_name().into_string().unwrap(), version.to_owned());
        }
        live
    }

    /// The same in one line, such as `alpha 1.0.0, beta 1.2.0`.
    pub fn live_line(&self) -> String {
        let live = self.live();
        live.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }

    /// The lock of the live generation.
    pub fn lock(&self) -> Lock {
        Lock::read(&fs::read(self.layout().plugins().join("leah.lock")).unwrap()).unwrap()
    }

    /// What the lock says of one plugin of the live generation.
    #[track_caller]
    pub fn locked(&self, name: &str) -> Locked {
        self.lock().plugins.remove(&name.parse::<PluginName>().unwrap()).unwrap()
    }

    /// Everything in the home, to compare before and after: kind, mode and contents by path.
    pub fn tree(&self) -> BTreeMap<String, String> {
        tree_of(&self.home())
    }

    /// Asserts that a run left nothing behind that is neither live nor was nor is needed by what is or was.
    #[track_caller]
    pub fn assert_no_leftovers(&self) {
        assert_eq!(self.leftovers(), Vec::<String>::new());
    }

    /// What stands in the home and belongs to no generation that is or was live: unfinished files, generations that
    /// never came to be live, entries of the store and settings that no generation names, strange files.
    pub fn leftovers(&self) -> Vec<String> {
        let layout = self.layout();
        let live = fs::read_link(layout.plugins()).ok().and_then(|target| Layout::number_in_target(&target));
        let (mut left, mut needed) = (Vec::new(), Vec::new());
        for name in names_in(&layout.generations()) {
            match Layout::number_in_name(name.as_ref()) {
                Some(number) if live == Some(number) || layout.was_live(number).exists() => {
                    let lock = Lock::read(&fs::read(layout.lock_file(number)).unwrap()).unwrap();
                    needed.extend(lock.plugins.iter().map(|(name, locked)| locked.entry(name).to_string()));
                    needed.push(fs::read_to_string(layout.record(number)).unwrap());
                }
                _ => left.push(format!("generations/{name}")),
            }
        }
        let unused = |name: &String| name != "lock" && !needed.contains(name);
        left.extend(names_in(&layout.store()).into_iter().filter(unused).map(|name| format!("store/{name}")));
        let unnamed = |name: &String| !needed.iter().any(|record| record.contains(name.as_str()));
        let settings = names_in(&layout.settings()).into_iter().filter(unnamed);
        left.extend(settings.map(|name| format!("settings/{name}")));
        let hidden = names_in(&layout.registries()).into_iter().filter(|name| name.starts_with('.'));
        left.extend(hidden.map(|name| format!("registries/{name}")));
        left.extend(names_in(&self.home()).into_iter().filter(|name| !KNOWN.contains(&name.as_str())));
        left
    }
}

/// Held to write while a test holds a lock of its own and to read while one forks: a child that has not come to its
/// `exec` yet has all files of the test process open, and so its locks.
pub static FORKS: RwLock<()> = RwLock::new(());

/// Starts a command, with no lock of another test in its hands.
pub fn start(command: &mut Command) -> Child {
    let _forking = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    // It returns when the child has come to its `exec`.
    command.spawn().unwrap_or_else(|error| panic!("{error}: {command:?}"))
}

/// What may stand in a home.
const KNOWN: [&str; 14] = [
    "plugins",
    "generations",
    "store",
    "settings",
    "data",
    "registries",
    "registries.yaml",
    "credentials.yaml",
    "evidence",
    "dev.yaml",
    "host.yaml",
    "host.lock",
    "run",
    "lock",
];

impl Drop for Sandbox {
    /// What is installed is read-only, and nobody but root can remove it as it is.
    fn drop(&mut self) {
        let mut open = vec![self.path.clone()];
        while let Some(folder) = open.pop() {
            drop(fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)));
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(folders.map(|entry| entry.path()));
        }
    }
}

/// Kind, mode and contents of everything below a folder, by path; nothing when there is no folder.
pub fn tree_of(folder: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(at) = open.pop() {
        for name in names_in(&folder.join(&at)) {
            let (below, path) = (at.join(&name), folder.join(&at).join(&name));
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o7777;
            let what = if meta.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                open.push(below.clone());
                format!("folder {mode:03o}")
            } else if meta.file_type().is_socket() {
                "socket".to_owned()
            } else {
                format!("file {mode:03o} {}", Digest::of(&fs::read(&path).unwrap()))
            };
            tree.insert(below.into_os_string().into_string().unwrap(), what);
        }
    }
    tree
}

/// The names in a folder, sorted; none when there is no folder.
pub fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The exit code as a shell tells it.
pub fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// Says why a test had nothing to test.
#[expect(clippy::print_stderr, reason = "nobody should take a skipped test for a passed one")]
pub fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// True where there is no such program, which is then said; the gate, which sets CI, must have it.
pub fn is_missing(program: &str) -> bool {
    let missing = system(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err();
    assert!(!missing || std::env::var_os("CI").is_none(), "the gate needs the program `{program}`");
    if missing {
        skipped(&format!("there is no program `{program}`"));
    }
    missing
}

/// A program of the system, also one that is on the path of administrators alone.
pub fn system(program: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.env("PATH", format!("{path}:{PATH}"));
    command
}

/// `2027-01-15T08:00:00Z` as `[TIME]`.
fn without_times(text: &str) -> String {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |window: &[u8]| {
        window
            .iter()
            .zip(shape)
            .all(|(byte, like)| if *like == b'd' { byte.is_ascii_digit() } else { byte == like })
    };
    let mut text = text.to_owned();
    while let Some(at) = text.as_bytes().windows(shape.len()).position(fits) {
        text.replace_range(at..at + shape.len(), "[TIME]");
    }
    text
}

/// The number in either notation that stands behind each `mark` as `word`.
fn without(text: &str, mark: &str, word: &str) -> String {
    let mut parts = text.split(mark);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        whole.extend([mark, if rest.len() < part.len() { word } else { "" }, rest]);
    }
    whole
}
