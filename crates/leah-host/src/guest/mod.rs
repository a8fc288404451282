//! One instance of a plugin: its code with what that may call, its store with what it may use up, and the calls into
//! it. An instance that trapped or was stopped is never called again; who owns it sees to that.

mod call;
mod clock;
mod memory;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use leah_plugin::manifest::Hook;
use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, Instance as Linked, InstancePre, Linker},
};

pub(crate) use self::call::{Failure, Fault};
use self::{
    call::{Allowance, Stop, run},
    clock::Clock,
    memory::Memory,
};
use crate::{
    bindings::exports::leah::plugin::{
        lifecycle, on_after_response, on_before_response, on_chat_message, on_tool_call,
    },
    control::Control,
    engine::Engine,
    functions::Caller,
    services::{Identity, Services},
    wasi::{self, Handles},
};

/// Beats before a call that runs on is looked at for the first time.
const FIRST_LOOK: u64 = 2;

/// Most modules of a component that run side by side; a component of a compiler has five.
const MODULES: usize = 100;

/// Most handles that a guest has open.
const HANDLES: usize = 10_000;

/// What belongs to one store: who runs in it, on whose behalf, and what it used up.
pub(crate) struct State {
    /// Who calls.
    pub(crate) plugin: Arc<Identity>,
    /// What all plugins share.
    pub(crate) services: Arc<Services>,
    /// False until the plugin's set is live: nothing it does is seen outside before.
    pub(crate) live: Arc<AtomicBool>,
    /// The call under way.
    pub(crate) control: Arc<Control>,
    /// The call where there is none.
    idle: Arc<Control>,
    /// How long the call under way may take with all that it waits for.
    patience: Duration,
    memory: Memory,
    clock: Clock,
    handles: Handles,
}

/// Code of a plugin, linked and looked through, of which any number of instances are made.
#[derive(Clone)]
pub(crate) struct Code {
    pre: InstancePre<State>,
    lifecycle: lifecycle::GuestIndices,
    chat: Option<on_chat_message::GuestIndices>,
    tool: Option<on_tool_call::GuestIndices>,
    before: Option<on_before_response::GuestIndices>,
    after: Option<on_after_response::GuestIndices>,
}

/// Code that is no plugin of this host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// It wants to call what there is not.
    #[error("it does not fit this host: {reason}")]
    Imports {
        /// What the engine says.
        reason: String,
    },
    /// It cannot be started.
    #[error("it has no `lifecycle`, so it cannot be started")]
    NoLifecycle,
}

/// One instance.
pub(crate) struct Instance {
    engine: Arc<Engine>,
    store: Store<State>,
    lifecycle: lifecycle::Guest,
    chat: Option<on_chat_message::Guest>,
    tool: Option<on_tool_call::Guest>,
    before: Option<on_before_response::Guest>,
    after: Option<on_after_response::Guest>,
}

/// Who an instance belongs to.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) engine: Arc<Engine>,
    pub(crate) plugin: Arc<Identity>,
    pub(crate) services: Arc<Services>,
    pub(crate) live: Arc<AtomicBool>,
}

impl Code {
    /// Links a component, and looks which hooks it exports.
    ///
    /// # Errors
    /// When it imports what the host does not have, or is no plugin.
    pub(crate) fn new(linker: &Linker<State>, component: &Component) -> Result<Self, LinkError> {
        let pre = wasi::linked(linker, component, State::caller, State::handles)
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(|error| LinkError::Imports { reason: format!("{error:#}") })?;
        Ok(Self {
            lifecycle: lifecycle::GuestIndices::new(&pre).map_err(|_| LinkError::NoLifecycle)?,
            // No index: it does not export the interface, which is its right.
            chat: on_chat_message::GuestIndices::new(&pre).ok(),
            tool: on_tool_call::GuestIndices::new(&pre).ok(),
            before: on_before_response::GuestIndices::new(&pre).ok(),
            after: on_after_response::GuestIndices::new(&pre).ok(),
            pre,
        })
    }

    /// True when it can be called at this moment of a conversation.
    pub(crate) fn handles(&self, hook: Hook) -> bool {
        match hook {
            Hook::OnChatMessage => self.chat.is_some(),
            Hook::OnToolCall => self.tool.is_some(),
            Hook::OnBeforeResponse => self.before.is_some(),
            Hook::OnAfterResponse => self.after.is_some(),
        }
    }
}

impl Instance {
    /// Makes an instance; `initialize` is still to be called. What its modules do when they start counts as a start.
    ///
    /// # Errors
    /// When it does not come into being within its limits.
    pub(crate) fn new(code: &Code, owner: &Owner, control: &Arc<Control>) -> Result<Self, Failure> {
        let limits = owner.plugin.limits;
        let mut store = Store::new(owner.engine.wasmtime(), State::new(owner));
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| Ok(UpdateDeadline::Continue(store.data_mut().look()?)));
        // A guest hands over no more than it has, and nothing that is in its memory once is copied a hundred times.
        store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX));
        store.set_max_component_handles(HANDLES);
        let allowance = Allowance { guest: limits.start_time, whole: limits.start_call_time };
        let linked =
            run(&owner.engine, &mut store, control, allowance, |store| code.pre.instantiate(store).map(Ok))?;
        Self::load(code, owner, store, &linked).map_err(|error| Fault::trap(&error).into())
    }

    fn load(code: &Code, owner: &Owner, mut store: Store<State>, linked: &Linked) -> wasmtime::Result<Self> {
        Ok(Self {
            engine: Arc::clone(&owner.engine),
            lifecycle: code.lifecycle.load(&mut store, linked)?,
            chat: code.chat.as_ref().map(|chat| chat.load(&mut store, linked)).transpose()?,
            tool: code.tool.as_ref().map(|tool| tool.load(&mut store, linked)).transpose()?,
            before: code.before.as_ref().map(|before| before.load(&mut store, linked)).transpose()?,
            after: code.after.as_ref().map(|after| after.load(&mut store, linked)).transpose()?,
            store,
        })
    }
}

impl State {
    fn new(owner: &Owner) -> Self {
        let limits = owner.plugin.limits;
        let idle = Arc::new(Control::new(Duration::ZERO));
        Self {
            plugin: Arc::clone(&owner.plugin),
            services: Arc::clone(&owner.services),
            live: Arc::clone(&owner.live),
            control: Arc::clone(&idle),
            idle,
            patience: Duration::ZERO,
            memory: Memory::new(limits.memory, limits.table_elements, MODULES),
            clock: Clock::default(),
            handles: Handles::default(),
        }
    }

    /// The call under way, as the functions see it.
    pub(crate) fn caller(&mut self) -> Caller<'_> {
        Caller {
            plugin: &self.plugin,
            services: &self.services,
            live: self.live.load(Ordering::Acquire),
            control: &self.control,
        }
    }

    fn handles(&mut self) -> &mut Handles {
        &mut self.handles
    }

    /// Looks after a call that runs on: how many beats it may run until the next look.
    fn look(&mut self) -> Result<u64, Stop> {
        self.control.going_slow();
        if let Some(why) = self.control.interrupt() {
            return Err(Stop::Interrupted(why));
        }
        if self.clock.is_over() { Err(Stop::TooLong) } else { Ok(1) }
    }
}
