//! What the threads of one connection share: the way to write to it, the slow calls under way, the generation that was
//! tried on it, and what it listens to. When it ends, all of that ends.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use leah_plugin::message::{Fault, FaultCode, Id, Message, MessageError, Prepare, write_line, write_result};
use leah_socket::Writer;
use serde::Serialize;

use super::slots::Permit;
use crate::{
    control::Control,
    host::{Host, Trial},
    journal::Subscription,
};

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) host: Host,
    /// The longest that a call may take.
    pub(super) call_time: Duration,
    writer: Writer,
    greeted: AtomicBool,
    state: Mutex<State>,
    _permit: Permit,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    calls: Vec<(Id, Arc<Control>)>,
    trial: Option<Trial>,
    subscriptions: Vec<Subscription>,
}

impl Connection {
    pub(super) fn new(host: Host, call_time: Duration, writer: Writer, permit: Permit) -> Arc<Self> {
        Arc::new(Self {
            host,
            call_time,
            writer,
            greeted: AtomicBool::new(false),
            state: Mutex::default(),
            _permit: permit,
        })
    }

    /// The peer has said who it is.
    pub(super) fn greet(&self) {
        self.greeted.store(true, Ordering::Relaxed);
    }

    /// True for a peer that has said nothing yet.
    pub(super) fn is_silent(&self) -> bool {
        !self.greeted.load(Ordering::Relaxed)
    }

    /// Answers a request with its result, or with what went wrong instead.
    pub(super) fn answer<T: Serialize>(&self, id: &Id, answer: &Result<T, Fault>) {
        let line = match answer {
            Ok(result) => write_result(id, result),
            Err(fault) => {
                write_line(&Message::Response { id: Some(id.clone()), outcome: Err(fault.clone()) })
            }
        };
        match line {
            Ok(line) => self.send(&line),
            Err(error) => self.say(&Message::fault(id.clone(), code_of(&error), error.to_string())),
        }
    }

    /// Writes a message that is small.
    pub(super) fn say(&self, message: &Message) {
        if let Ok(line) = write_line(message) {
            self.send(&line);
        }
    }

    /// Writes one line. A peer that is gone, or does not read for too long, ends the connection: who reads it sees that.
    pub(super) fn send(&self, line: &[u8]) {
        let _ = self.writer.send(line);
    }

    /// Ends the connection in both directions.
    pub(super) fn cut(&self) {
        self.writer.cut();
        self.end();
    }

    /// Nobody reads on: nobody waits for the calls any more. What they still answer is written, for a peer that only
    /// asks no more.
    pub(super) fn end(&self) {
        let (calls, ended) = {
            let mut state = self.state();
            state.ended = true;
            let calls = mem::take(&mut state.calls);
            (calls, (state.trial.take(), mem::take(&mut state.subscriptions)))
        };
        calls.iter().for_each(|(_, control)| control.cancel());
        // Outside of the lock: a trial that ends may have plugins to stop.
        drop(ended);
    }

    /// How many slow calls are under way.
    pub(super) fn calls(&self) -> usize {
        self.state().calls.len()
    }

    /// A call is under way that can be cancelled.
    pub(super) fn begin(&self, id: Id, control: &Arc<Control>) {
        let mut state = self.state();
        if state.ended {
            control.cancel();
        } else {
            state.calls.push((id, Arc::clone(control)));
        }
    }

    /// It is over.
    pub(super) fn finish(&self, control: &Arc<Control>) {
        self.state().calls.retain(|(_, other)| !Arc::ptr_eq(other, control));
    }

    /// Nobody waits for a call any more. A call that is over is not found, and that is fine.
    pub(super) fn cancel(&self, id: &Id) {
        self.state().calls.iter().filter(|(other, _)| other == id).for_each(|(_, control)| control.cancel());
    }

    /// Keeps a generation that was tried until it is committed, aborted, or the connection ends. False: it has ended.
    pub(super) fn keep(&self, trial: Trial) -> bool {
        let mut state = self.state();
        if !state.ended {
            state.trial = Some(trial);
            return true;
        }
        drop(state);
        drop(trial);
        false
    }

    /// Gives the generation that was tried, if it is the one that is meant.
    pub(super) fn take_trial(&self, wanted: &Prepare) -> Option<Trial> {
        self.state().trial.take_if(|trial| trial.is(wanted))
    }

    /// How many subscriptions there are.
    pub(super) fn subscriptions(&self) -> usize {
        self.state().subscriptions.len()
    }

    /// Listens until the connection ends.
    pub(super) fn subscribe(&self, subscription: Subscription) {
        let mut state = self.state();
        if !state.ended {
            state.subscriptions.push(subscription);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn fault(code: FaultCode, message: impl Into<String>) -> Fault {
    Fault { code, message: message.into() }
}

fn code_of(error: &MessageError) -> FaultCode {
    match error {
        MessageError::TooLarge(_) => FaultCode::TooLarge,
        _ => FaultCode::Internal,
    }
}
