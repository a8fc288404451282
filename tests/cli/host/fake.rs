//! A host made for tests: it speaks the real protocol on the socket of a sandbox's home, runs nothing, and answers as
//! it is told to, also as no host should.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use leah_home::generation;
use leah_plugin::{
    layout::Layout,
    message::{
        Call, Committed, Done, FaultCode, HelloResult, HomeId, Id, Message, Notice, PROTOCOL, PluginList,
        Prepare, Prepared, read_line, write_line, write_result,
    },
    version::{HOST_VERSION, PLUGIN_API},
};
use leah_socket::{Line, Listener, Reader, Wait, Writer};
use serde::Serialize;

use crate::sandbox::Sandbox;

/// What the host does when it is asked.
pub enum Answer {
    /// Answers with this line.
    Line(Vec<u8>),
    /// Tells these notices and then answers.
    Told(Vec<Notice>, Box<Answer>),
    /// Says that another deploy is under way.
    Fault(FaultCode),
    /// Answers with these lines and closes the connection.
    LineAndEnd(Vec<u8>),
    /// Does not answer, and keeps the connection open.
    Silence,
    /// Closes the connection, as when it dies.
    End,
}

/// What is to be answered to a call; none: what a sound host answers.
pub type Script = Box<dyn FnMut(&Id, &Call) -> Option<Answer> + Send>;

/// A running host. It ends with this value.
pub struct FakeHost {
    shared: Arc<Shared>,
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    layout: Layout,
    hello: HelloResult,
    script: Mutex<Script>,
    heard: Mutex<Vec<String>>,
    ending: AtomicBool,
}

/// The result of a call.
pub fn result<T: Serialize>(id: &Id, result: &T) -> Answer {
    Answer::Line(write_result(id, result).unwrap())
}

/// A sound host, but for what `script` does.
pub fn host(
    sandbox: &Sandbox,
    script: impl FnMut(&Id, &Call) -> Option<Answer> + Send + 'static,
) -> FakeHost {
    let hello = hello(sandbox);
    FakeHost::start(sandbox, hello, Box::new(script))
}

/// A sound host.
pub fn sound(sandbox: &Sandbox) -> FakeHost {
    host(sandbox, |_, _| None)
}

/// What a sound host of this home says of itself.
pub fn hello(sandbox: &Sandbox) -> HelloResult {
    std::fs::create_dir_all(sandbox.home()).unwrap();
    let home = std::fs::metadata(sandbox.home()).unwrap();
    HelloResult {
        protocol: PROTOCOL,
        host: HOST_VERSION,
        api: PLUGIN_API,
        home: HomeId { device: home.dev(), inode: home.ino() },
        generation: None,
        hooks: BTreeSet::new(),
    }
}

impl FakeHost {
    pub fn start(sandbox: &Sandbox, hello: HelloResult, script: Script) -> Self {
        let layout = sandbox.layout();
        // The sandbox has no variables, so the socket stands in the home.
        let socket = layout.socket(None, &sandbox.home());
        let listener = Listener::bind(&socket).unwrap();
        sandbox.redact(socket.file_name().unwrap().display(), "[SOCKET]");
        let shared = Arc::new(Shared {
            layout,
            hello,
            script: Mutex::new(script),
            heard: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || serving.serve(&listener));
        Self { shared, socket, thread: Some(thread) }
    }

    /// The calls since the last time, each with the generation it speaks of and the one that was live at that moment.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        // Whoever waits for a connection has to be given one.
        drop(std::os::unix::net::UnixStream::connect(&self.socket));
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, listener: &Listener) {
        let mut connections = Vec::new();
        loop {
            let (reader, writer) = listener.accept(Duration::from_secs(10)).unwrap();
            if self.ending.load(Ordering::Acquire) {
                break;
            }
            let shared = Arc::clone(self);
            connections.push(thread::spawn(move || shared.talk(reader, &writer)));
        }
        connections.into_iter().for_each(|connection| connection.join().unwrap());
    }

    /// Answers until the other side ends.
    fn talk(&self, mut reader: Reader, writer: &Writer) {
        while let Ok(Line::Whole(line)) = reader.next(Wait::Rest(Duration::from_secs(10))) {
            let Message::Request { id, call } = read_line(line).unwrap() else { continue };
            self.hear(&call);
            let scripted = (self.script.lock().unwrap_or_else(PoisonError::into_inner))(&id, &call);
            if !say(writer, &id, scripted.unwrap_or_else(|| self.sound_answer(&id, &call))) {
                writer.cut();
                return;
            }
        }
    }

    fn hear(&self, call: &Call) {
        let live = leah_home::live::live_number(&self.layout).unwrap().unwrap_or(0);
        let heard = match call {
            Call::Hello(_) => "hello".to_owned(),
            Call::Prepare(wanted) => format!("prepare {} while {live} is live", wanted.generation),
            Call::Commit(wanted) => format!("commit {} while {live} is live", wanted.generation),
            Call::PluginsList => "plugins/list".to_owned(),
            other => format!("{other:?}"),
        };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    }

    fn sound_answer(&self, id: &Id, call: &Call) -> Answer {
        match call {
            Call::Hello(_) => result(id, &self.hello),
            Call::Prepare(wanted) => {
                self.assert_means_what_is_written(wanted);
                result(id, &Prepared::Ready { needs_settings: Vec::new() })
            }
            Call::Commit(_) => result(id, &Committed::default()),
            Call::PluginsList => result(id, &PluginList { plugins: Vec::new() }),
            _ => result(id, &Done {}),
        }
    }

    /// Both sides mean the same files.
    fn assert_means_what_is_written(&self, wanted: &Prepare) {
        let digest = generation::digest(&self.layout, wanted.generation).unwrap();
        assert_eq!(digest, wanted.digest);
        assert!(wanted.deadline_ms.is_some());
    }
}

/// False where the connection is to end.
fn say(writer: &Writer, id: &Id, answer: Answer) -> bool {
    match answer {
        Answer::Line(line) => writer.send(&line).is_ok(),
        Answer::Told(notices, then) => {
            let sent = notices
                .into_iter()
                .all(|notice| writer.send(&write_line(&Message::Notice(notice)).unwrap()).is_ok());
            sent && say(writer, id, *then)
        }
        Answer::Fault(code) => writer
            .send(&write_line(&Message::fault(id.clone(), code, "as the test wants it")).unwrap())
            .is_ok(),
        Answer::LineAndEnd(lines) => {
            writer.send(&lines).unwrap();
            false
        }
        Answer::Silence => true,
        Answer::End => false,
    }
}
