//! Processes that answer on a socket: the host, and the floor, which answers without doing anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use leah_plugin::{
    message::{
        Call, ChatMessage, HelloResult, HomeId, HookCall, HookEvent, Id, Outcome, PROTOCOL, Role,
        write_result,
    },
    version::{HOST_VERSION, PLUGIN_API},
};
use leah_socket::Client;

use super::home::Home;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with this value.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) client: Client,
}

impl Daemon {
    /// The host of a home.
    pub(crate) fn host(home: &Home) -> Self {
        let socket = leah_home::place::socket(&home.layout).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_leah-host"))
            .arg("serve")
            .env("LEAH_HOME", home.layout.home())
            .env("LEAH_CACHE", &home.cache)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self::meet(child.unwrap(), &socket)
    }

    /// A process that reads a line as JSON and answers one.
    pub(crate) fn floor(folder: &Path) -> Self {
        let socket = folder.join("floor").join("floor.sock");
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(socket.parent().unwrap(), mode).unwrap();
        let child = Command::new(std::env::current_exe().unwrap()).arg("--floor").arg(&socket).spawn();
        Self::meet(child.unwrap(), &socket)
    }

    fn meet(child: Child, socket: &Path) -> Self {
        let began = Instant::now();
        loop {
            // Nothing tells a client that a socket is about to be there.
            match Client::connect(socket) {
                Ok(Some(mut client)) => {
                    client.hello("benchmark", PATIENCE).unwrap();
                    return Self { child, client };
                }
                _ if began.elapsed() > PATIENCE => panic!("nobody listens at {}", socket.display()),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// One round trip of a hook.
    pub(crate) fn hook(&mut self) -> Outcome {
        self.client.call(&message(), PATIENCE).unwrap()
    }

    /// Memory that is the process's own or shared, in bytes, as the system counts it.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A message of a person.
pub(crate) fn event() -> HookEvent {
    saying("Which is the highest mountain of Anatolia?")
}

/// The same, of these words.
pub(crate) fn saying(content: &str) -> HookEvent {
    HookEvent::OnChatMessage(ChatMessage {
        conversation: "c1".into(),
        role: Role::User,
        content: content.into(),
        meta: BTreeMap::new(),
    })
}

fn message() -> Call {
    Call::HooksCall(HookCall { event: event(), deadline_ms: None })
}

/// What the floor does: no more than any JSON-RPC server has to.
pub(crate) fn serve_floor(socket: PathBuf) {
    let listener = UnixListener::bind(socket).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let (mut reader, mut writer) = (BufReader::new(&stream), &stream);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).unwrap();
    writer.write_all(&greeting()).unwrap();
    line.clear();
    while reader.read_until(b'\n', &mut line).unwrap() > 0 {
        let request: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let content = &request["params"]["payload"]["content"];
        let answer = serde_json::json!({
            "jsonrpc": "2.0",
            "id": request["id"],
            "result": { "verdict": "replace", "content": content, "by": ["plugin-000"] },
        });
        let mut answer = serde_json::to_vec(&answer).unwrap();
        answer.push(b'\n');
        writer.write_all(&answer).unwrap();
        line.clear();
    }
}

/// What a client wants to hear first.
fn greeting() -> Vec<u8> {
    let hello = HelloResult {
        protocol: PROTOCOL,
        host: HOST_VERSION,
        api: PLUGIN_API,
        home: HomeId { device: 0, inode: 0 },
        generation: None,
        hooks: BTreeSet::new(),
    };
    write_result(&Id::Number(1), &hello).unwrap()
}
