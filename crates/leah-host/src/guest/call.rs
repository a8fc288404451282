//! Calls into an instance, each within its limits, and what becomes of them: an answer, an error that the plugin tells,
//! or the loss of the instance.

use std::{sync::Arc, time::Duration};

use wasmtime::Store;

use super::{FIRST_LOOK, Instance, State};
use crate::{
    bindings::leah::plugin::types::{Error, Message, Response, ToolCall, ToolResult, Verdict},
    control::{Control, Interrupt},
    engine::Engine,
};

/// Most of an error's text that is passed on, in characters.
const MOST_TOLD: usize = 500;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The plugin says so. The instance is as good as before.
    #[error("{}", told(.0))]
    Told(Error),
    /// Somebody outside ended the call: nobody's fault, and the instance is lost.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
    /// The plugin broke a rule, and the instance is lost.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A rule that a plugin broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Its code ran on and on.
    #[error("its code ran for more than {} ms", .limit.as_millis())]
    TooLong {
        /// As long as it may.
        limit: Duration,
    },
    /// What it waited for took too long.
    #[error("it did not answer within {} s", .limit.as_secs_f64())]
    TooLate {
        /// As long as it may.
        limit: Duration,
    },
    /// It said too much.
    #[error("its answer has {bytes} bytes, and {most} are allowed")]
    TooLarge {
        /// Of its answer.
        bytes: usize,
        /// As many as there may be.
        most: usize,
    },
    /// It wanted more memory than it may have and gave up.
    #[error("it needs more than {} MiB of memory", .most >> 20)]
    Memory {
        /// As much as it may have.
        most: u64,
    },
    /// Its code failed.
    #[error("it failed: {reason}")]
    Trap {
        /// What the engine says.
        reason: String,
    },
}

/// Why code that ran on was stopped.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Stop {
    #[error("it ran for too long")]
    TooLong,
    #[error(transparent)]
    Interrupted(Interrupt),
}

/// What a call may take.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    /// Execution of guest code.
    pub(super) guest: Duration,
    /// All of it, with what it waits for.
    pub(super) whole: Duration,
}

impl Instance {
    /// `initialize`, with the settings as JSON.
    ///
    /// # Errors
    /// When the plugin says so, breaks a rule or is interrupted; the instance is to be dropped then.
    pub(crate) fn initialize(&mut self, settings: &str, control: &Arc<Control>) -> Result<(), Failure> {
        let allowance = self.start_allowance();
        let Self { lifecycle, store, engine, .. } = self;
        run(engine, store, control, allowance, |store| lifecycle.call_initialize(store, settings))
    }

    /// `activate`.
    ///
    /// # Errors
    /// As with [`Instance::initialize`].
    pub(crate) fn activate(&mut self, control: &Arc<Control>) -> Result<(), Failure> {
        let allowance = self.start_allowance();
        let Self { lifecycle, store, engine, .. } = self;
        run(engine, store, control, allowance, |store| lifecycle.call_activate(store))
    }

    /// `shutdown`, after which there is nothing more.
    ///
    /// # Errors
    /// As with [`Instance::initialize`].
    pub(crate) fn shutdown(mut self, control: &Arc<Control>) -> Result<(), Failure> {
        let allowance = self.start_allowance();
        let Self { lifecycle, store, engine, .. } = &mut self;
        run(engine, store, control, allowance, |store| lifecycle.call_shutdown(store))
    }

    /// Shows it a message. Passes if it has no such hook.
    ///
    /// # Errors
    /// When the plugin says so, breaks a rule or is interrupted.
    pub(crate) fn chat_message(
        &mut self,
        message: &Message,
        control: &Arc<Control>,
    ) -> Result<Verdict, Failure> {
        let allowance = self.call_allowance();
        let Self { chat: Some(chat), store, engine, .. } = self else { return Ok(Verdict::Pass) };
        let verdict = run(engine, store, control, allowance, |store| chat.call_handle(store, message))?;
        self.small_enough(verdict_bytes(&verdict))?;
        Ok(verdict)
    }

    /// Shows it an answer that nobody saw. Passes if it has no such hook.
    ///
    /// # Errors
    /// As with [`Instance::chat_message`].
    pub(crate) fn before_response(
        &mut self,
        response: &Response,
        control: &Arc<Control>,
    ) -> Result<Verdict, Failure> {
        let allowance = self.call_allowance();
        let Self { before: Some(before), store, engine, .. } = self else { return Ok(Verdict::Pass) };
        let verdict = run(engine, store, control, allowance, |store| before.call_handle(store, response))?;
        self.small_enough(verdict_bytes(&verdict))?;
        Ok(verdict)
    }

    /// Shows it an answer that was shown. Nothing happens if it has no such hook.
    ///
    /// # Errors
    /// As with [`Instance::chat_message`].
    pub(crate) fn after_response(
        &mut self,
        response: &Response,
        control: &Arc<Control>,
    ) -> Result<(), Failure> {
        let allowance = self.call_allowance();
        let Self { after: Some(after), store, engine, .. } = self else { return Ok(()) };
        run(engine, store, control, allowance, |store| after.call_handle(store, response))
    }

    /// Has it run a tool; none: it is not one of its own.
    ///
    /// # Errors
    /// As with [`Instance::chat_message`].
    pub(crate) fn tool_call(
        &mut self,
        call: &ToolCall,
        control: &Arc<Control>,
    ) -> Result<Option<ToolResult>, Failure> {
        let allowance = self.call_allowance();
        let Self { tool: Some(tool), store, engine, .. } = self else { return Ok(None) };
        let result = run(engine, store, control, allowance, |store| tool.call_handle(store, call))?;
        self.small_enough(result.as_ref().map_or(0, result_bytes))?;
        Ok(result)
    }

    fn start_allowance(&self) -> Allowance {
        let limits = &self.store.data().plugin.limits;
        Allowance { guest: limits.start_time, whole: limits.start_call_time }
    }

    fn call_allowance(&self) -> Allowance {
        let limits = &self.store.data().plugin.limits;
        Allowance { guest: limits.guest_time, whole: limits.call_time }
    }

    fn small_enough(&self, bytes: usize) -> Result<(), Fault> {
        let most = self.store.data().plugin.limits.answer;
        if bytes > most { Err(Fault::TooLarge { bytes, most }) } else { Ok(()) }
    }
}

/// Runs guest code within its limits.
pub(super) fn run<T>(
    engine: &Engine,
    store: &mut Store<State>,
    control: &Arc<Control>,
    allowance: Allowance,
    call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<Result<T, Error>>,
) -> Result<T, Failure> {
    store.data_mut().begin(control, allowance);
    store.set_epoch_deadline(FIRST_LOOK);
    let inside = engine.enter();
    let answered = call(store);
    drop(inside);
    let state = store.data_mut();
    let answered = match answered {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(told)) => Err(Failure::Told(told)),
        Err(error) => Err(state.failure(&error)),
    };
    state.end();
    answered
}

impl Fault {
    /// What the engine stopped at.
    pub(super) fn trap(error: &wasmtime::Error) -> Self {
        Self::Trap { reason: error.root_cause().to_string() }
    }
}

impl State {
    fn begin(&mut self, control: &Arc<Control>, allowance: Allowance) {
        self.control = Arc::clone(control);
        self.patience = allowance.whole;
        self.clock.begin(allowance.guest);
        self.memory.forget_refusal();
    }

    /// The control of a call holds what belongs to its connection, so it is not kept for longer.
    fn end(&mut self) {
        self.control = Arc::clone(&self.idle);
    }

    /// What an error of the engine means.
    fn failure(&mut self, error: &wasmtime::Error) -> Failure {
        match error.downcast_ref::<Stop>() {
            Some(Stop::TooLong) => Fault::TooLong { limit: self.clock.budget() }.into(),
            // A client that has less patience than the host is no fault of the plugin's.
            Some(Stop::Interrupted(Interrupt::Deadline)) if self.control.time() >= self.patience => {
                Fault::TooLate { limit: self.patience }.into()
            }
            Some(Stop::Interrupted(why)) => Failure::Interrupted(*why),
            None => match self.memory.refused() {
                Some(most) => Fault::Memory { most }.into(),
                None => Fault::trap(error).into(),
            },
        }
    }
}

fn verdict_bytes(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Replace(replacement) => replacement.content.len() + meta_bytes(&replacement.meta),
        Verdict::Reject(rejection) => rejection.reason.len() + meta_bytes(&rejection.meta),
    }
}

fn result_bytes(result: &ToolResult) -> usize {
    result.content.len() + meta_bytes(&result.meta)
}

fn meta_bytes(meta: &[(String, String)]) -> usize {
    meta.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// An error in the words of whoever reads the log.
fn told(error: &Error) -> String {
    let (kind, text) = match error {
        Error::Denied => ("it was denied what it needs", None),
        Error::Unavailable => ("what it needs is not available now", None),
        Error::Invalid(text) => ("it takes something for invalid", Some(text)),
        Error::NotFound => ("it does not find what it needs", None),
        Error::TooLarge => ("something is too large for it", None),
        Error::Timeout => ("what it waits for takes too long", None),
        Error::Failed(text) => ("it says that it failed", Some(text)),
    };
    match text.map(|text| text.trim()) {
        None | Some("") => kind.to_owned(),
        Some(text) => format!("{kind}: {}", text.chars().take(MOST_TOLD).collect::<String>()),
    }
}
