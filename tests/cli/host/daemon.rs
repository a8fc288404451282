//! The real host for tests: built once a process from this workspace, started on the home of a sandbox, killed with its
//! value. What it made of components is kept from run to run, as every user's cache is.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use leah_plugin::message::{
    Call, ChatMessage, Done, Event, HelloResult, HookCall, HookEvent, LogTail, Notice, Outcome, Role,
    ToolAnswer, ToolCall, ToolResult, Verdict,
};
use leah_socket::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::sandbox::{self, Sandbox};

/// Longest wait for an answer or an event. A machine under load takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running `leah-host serve`.
pub struct Daemon {
    child: Child,
    socket: PathBuf,
}

/// The program, which stands beside that of the package manager. What is there may be old, so cargo is asked for it.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_leahpm")).parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            profile => profile,
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--bin", "leah-host", "--profile", profile])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder.join("leah-host")
    })
}

/// The program with these arguments, in the sandbox, about to be started.
pub fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    sandbox.prepared(command.args(arguments));
    command.env("LEAH_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-cache"));
    command
}

impl Daemon {
    /// A host that serves the home of the sandbox, and its socket where the package manager looks for it.
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, &[])
    }

    /// The same with more flags.
    pub fn start_with(sandbox: &Sandbox, flags: &[&str]) -> Self {
        Self::start_at(sandbox, flags, None)
    }

    /// The same with its socket below another folder, as if the system gave the user that one.
    pub fn start_at(sandbox: &Sandbox, flags: &[&str], runtime: Option<&Path>) -> Self {
        let mut command = command(sandbox, &[&["serve"], flags].concat());
        command.stdout(Stdio::null());
        if let Some(runtime) = runtime {
            std::fs::create_dir_all(runtime).unwrap();
            command.env("XDG_RUNTIME_DIR", runtime);
        }
        let mut child = sandbox::start(&mut command);
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("Serving ") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the host ended before it served");
        }
        // Who does not read what it says would have it wait.
        thread::spawn(move || said.lines().for_each(drop));
        Self { child, socket: sandbox.layout().socket(runtime, &sandbox.home()) }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends it at once, without a chance to clear up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it did so by itself.
    pub fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// A new connection.
    pub fn client(&self) -> (Client, HelloResult) {
        let mut client = Client::connect(&self.socket).unwrap().unwrap();
        let hello = client.hello("tests 1", PATIENCE).unwrap();
        (client, hello)
    }

    /// What becomes of a message, a prompt and its answer.
    pub fn outcome(&self, event: HookEvent) -> Outcome {
        let call = HookCall { event, deadline_ms: None };
        self.client().0.call(&Call::HooksCall(call), PATIENCE).unwrap()
    }

    /// What a tool answers; none where no plugin knows it.
    pub fn tool(&self, name: &str, arguments: &Value) -> Option<ToolResult> {
        let call = json!({ "name": name, "arguments": arguments });
        let call: ToolCall = serde_json::from_value(call).unwrap();
        let answer: ToolAnswer = self.client().0.call(&Call::ToolsCall(call), PATIENCE).unwrap();
        answer.result
    }

    /// What becomes of a message of a user on its way to the model.
    pub fn said(&self, content: &str) -> String {
        Self::said_on(&mut self.client().0, content)
    }

    /// The same on a connection that is there already.
    pub fn said_on(client: &mut Client, content: &str) -> String {
        let message = ChatMessage {
            conversation: "test".into(),
            role: Role::User,
            content: content.into(),
            meta: [].into(),
        };
        let call = HookCall { event: HookEvent::OnChatMessage(message), deadline_ms: None };
        let outcome: Outcome = client.call(&Call::HooksCall(call), PATIENCE).unwrap();
        match outcome.verdict {
            Verdict::Pass => content.to_owned(),
            Verdict::Replace { content } => content,
            Verdict::Reject { reason } => panic!("it was rejected: {reason}"),
        }
    }

    /// A connection on which it tells what it logs from now on.
    pub fn log(&self) -> Client {
        let mut client = self.client().0;
        let tail = LogTail { plugin: None, lines: 0 };
        let Done {} = client.call(&Call::LogTail(tail), PATIENCE).unwrap();
        client
    }

    /// Waits until it logs a line in which `text` stands.
    pub fn wait_for_line(mut log: Client, text: &str) {
        loop {
            let notice = log.next_notice(Some(PATIENCE)).unwrap().expect("the line comes in time");
            if matches!(notice, Notice::Log(line) if line.message.contains(text)) {
                return;
            }
        }
    }

    /// Waits until a generation serves the calls.
    pub fn wait_for(&self, number: u64) {
        let (mut client, _) = self.client();
        let Done {} = client.call(&Call::EventsSubscribe, PATIENCE).unwrap();
        // It may have come before anybody listened.
        let mut runs = self.client().1.generation;
        while runs != Some(number) {
            let notice = client.next_notice(Some(PATIENCE)).unwrap().expect("the host switches in time");
            if let Notice::Event(Event::Live { generation, .. }) = notice {
                runs = Some(generation);
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
