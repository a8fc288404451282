//! One connection from its first line to its last. The thread that reads a call also runs it, so that a quick call
//! costs no change of threads; as soon as a call turns out to be slow, another thread reads on.

use std::{
    cmp::min,
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use leah_plugin::message::{
    Call, Fault, FaultCode, Hello, Id, Level, MAX_LINE_BYTES, Message, Notice, PROTOCOL, read_line,
};
use leah_socket::{Line, LineError, Reader, Wait};

use super::{
    MAX_CALLS,
    connection::{Connection, fault},
    deploy, spawn, tell,
};
use crate::{
    control::{Control, Interrupt},
    host::CallError,
    journal::Topic,
};

/// How long a peer may take to say who it is.
const HELLO_TIME: Duration = Duration::from_secs(10);

/// How long a line that was begun may take to its end.
const LINE_TIME: Duration = Duration::from_secs(10);

/// Where a thread puts its end of the connection while it runs a call, for another to read on.
pub(super) type Lent = Arc<Mutex<Option<Reader>>>;

/// Puts one end where another thread can take it.
pub(super) fn lend(reader: Reader) -> Lent {
    Arc::new(Mutex::new(Some(reader)))
}

/// Waits for `hello` and then reads until the connection ends.
pub(super) fn greet(connection: &Arc<Connection>, mut reader: Reader) {
    let greeted = loop {
        match next(connection, &mut reader, Wait::Whole(HELLO_TIME)) {
            Some(Message::Request { id, call: Call::Hello(hello) }) => {
                // Before the answer: who has it must not be taken for silent.
                connection.greet();
                let answer = welcome(connection, &hello);
                connection.answer(&id, &answer.map(|()| connection.host.hello()));
                break hello.protocol == PROTOCOL;
            }
            Some(Message::Request { id, .. }) => {
                connection.say(&Message::fault(id, FaultCode::Request, "the first request is `hello`"));
            }
            Some(_) => {}
            None => break false,
        }
    };
    if greeted {
        read_on(connection, reader);
    } else {
        connection.cut();
    }
}

fn welcome(connection: &Connection, hello: &Hello) -> Result<(), Fault> {
    if hello.protocol != PROTOCOL {
        let text = format!("this host speaks version {PROTOCOL} of the messages, not {}", hello.protocol);
        return Err(fault(FaultCode::Protocol, text));
    }
    connection.host.journal().log(None, Level::Debug, format!("`{}` connected", hello.client));
    Ok(())
}

/// Reads and answers until the connection ends, or until a slow call leaves the reading to another thread.
fn read_on(connection: &Arc<Connection>, reader: Reader) {
    let lent = lend(reader);
    loop {
        let Some(mut reader) = lock(&lent).take() else { return };
        let Some(message) = next(connection, &mut reader, Wait::Rest(LINE_TIME)) else { break };
        *lock(&lent) = Some(reader);
        match message {
            Message::Request { id, call } => request(connection, &lent, id, call),
            Message::Notice(Notice::Cancel { id }) => connection.cancel(&id),
            // Nothing was asked of this peer, and it has nothing to tell.
            Message::Notice(_) | Message::Response { .. } => {}
        }
    }
    connection.end();
}

/// The next message. What is none is answered as such; none when the connection is over.
fn next(connection: &Connection, reader: &mut Reader, wait: Wait) -> Option<Message> {
    loop {
        let error = match reader.next(wait) {
            Ok(Line::Whole(line)) => match read_line(line) {
                Ok(message) => return Some(message),
                Err(error) => error,
            },
            Ok(Line::End) => return None,
            Err(error) => {
                give_up(connection, &error);
                return None;
            }
        };
        if let Some(response) = error.response() {
            connection.say(&response);
        }
    }
}

/// Says why nothing more can be read, where the peer may still listen.
fn give_up(connection: &Connection, error: &LineError) {
    let fault = match error {
        LineError::TooLong => {
            fault(FaultCode::TooLarge, format!("a line has at most {MAX_LINE_BYTES} bytes"))
        }
        LineError::Late => fault(FaultCode::Deadline, "no whole line came in time"),
        LineError::Cut | LineError::System(_) => fault(FaultCode::Parse, error.to_string()),
    };
    connection.say(&Message::Response { id: None, outcome: Err(fault) });
    connection.cut();
}

fn request(connection: &Arc<Connection>, lent: &Lent, id: Id, call: Call) {
    let host = &connection.host;
    match call {
        Call::Hello(hello) => {
            let answer = welcome(connection, &hello);
            connection.answer(&id, &answer.map(|()| host.hello()));
        }
        Call::PluginsList => connection.answer(&id, &Ok(host.plugins())),
        Call::ToolsList => connection.answer(&id, &Ok(host.tools())),
        Call::HooksCall(call) => {
            let time = time(call.deadline_ms, connection.call_time);
            run(connection, lent, id, time, |control| Ok(host.call_hook(call.event, control)?));
        }
        Call::ToolsCall(call) => {
            let time = time(call.deadline_ms, connection.call_time);
            run(connection, lent, id, time, |control| Ok(host.call_tool(call, control)?));
        }
        Call::Prepare(wanted) => {
            let time = time(wanted.deadline_ms, deploy::TIME);
            run(connection, lent, id, time, |control| deploy::prepare(connection, &wanted, control));
        }
        Call::Commit(wanted) => {
            let time = time(wanted.deadline_ms, deploy::TIME);
            run(connection, lent, id, time, |control| deploy::commit(connection, &wanted, control));
        }
        Call::Abort(wanted) => {
            run(connection, lent, id, deploy::TIME, |control| deploy::abort(connection, &wanted, control));
        }
        Call::EventsSubscribe => tell::subscribe(connection, &id, Topic::Events, 0),
        Call::LogTail(tail) => {
            let lines = usize::try_from(tail.lines).unwrap_or(usize::MAX);
            tell::subscribe(connection, &id, Topic::Log(tail.plugin), lines);
        }
    }
}

fn time(deadline_ms: Option<u64>, longest: Duration) -> Duration {
    deadline_ms.map_or(longest, |ms| min(Duration::from_millis(ms), longest))
}

/// Runs a call on this thread and answers it. When it says that it is slow, it can be cancelled, and another thread
/// takes what was lent and reads on.
pub(super) fn run<T: serde::Serialize>(
    connection: &Arc<Connection>,
    lent: &Lent,
    id: Id,
    time: Duration,
    work: impl FnOnce(&Arc<Control>) -> Result<T, Fault>,
) {
    if connection.calls() >= MAX_CALLS {
        let text = format!("{MAX_CALLS} calls are under way on this connection, which is all there may be");
        return connection.say(&Message::fault(id, FaultCode::Busy, text));
    }
    let control = Arc::new_cyclic(|control: &Weak<Control>| {
        let (connection, lent) = (Arc::clone(connection), Arc::clone(lent));
        let (id, control) = (id.clone(), Weak::clone(control));
        Control::new(time).when_slow(move || {
            if let Some(control) = control.upgrade() {
                slow(&connection, &lent, id.clone(), &control);
            }
        })
    });
    let answer = work(&control);
    connection.finish(&control);
    connection.answer(&id, &answer);
}

fn slow(connection: &Arc<Connection>, lent: &Lent, id: Id, control: &Arc<Control>) {
    connection.begin(id, control);
    let (connection, lent) = (Arc::clone(connection), Arc::clone(lent));
    // Where the system gives no thread, this one reads on when the call is over.
    let _ = spawn("connection", move || {
        let reader = mem::take(&mut *lock(&lent));
        if let Some(reader) = reader {
            read_on(&connection, reader);
        }
    });
}

fn lock(lent: &Lent) -> std::sync::MutexGuard<'_, Option<Reader>> {
    lent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Interrupted(why) => why.into(),
            CallError::Stopped => fault(FaultCode::Internal, error.to_string()),
        }
    }
}

impl From<Interrupt> for Fault {
    fn from(why: Interrupt) -> Self {
        let code = match why {
            Interrupt::Cancelled => FaultCode::Cancelled,
            Interrupt::Deadline => FaultCode::Deadline,
        };
        fault(code, why.to_string())
    }
}
