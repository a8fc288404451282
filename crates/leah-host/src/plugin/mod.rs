//! A plugin that was started, and its supervision: instances are made when they are needed and thrown away when they
//! broke a rule. Nothing that a plugin does reaches further than its own call.

mod faults;
mod pool;
mod watch;

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
};

use leah_plugin::{
    manifest::Hook,
    message::{Event, Level, PluginState},
    name::PluginName,
};

use self::{
    pool::{Pool, Seat},
    watch::Watch,
};
use crate::{
    control::{Control, Interrupt},
    engine::Engine,
    guest::{Code, Failure, Instance, Owner},
    services::{Identity, Services},
};

/// A plugin that was started.
pub(crate) struct Plugin {
    owner: Owner,
    code: Code,
    /// All its settings as the text of a JSON object.
    settings: String,
    pool: Pool,
    watch: Watch,
    /// It was said that it wanted to change what it may not change.
    overstepped: AtomicBool,
    jobs: Sender<Job>,
}

/// What a plugin is made of.
pub(crate) struct Parts {
    pub(crate) engine: Arc<Engine>,
    pub(crate) services: Arc<Services>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) code: Code,
    /// All settings as the text of a JSON object.
    pub(crate) settings: String,
    /// Where its instances are shut down when it is no longer needed.
    pub(crate) jobs: Sender<Job>,
}

/// Something to be done on a thread on which nobody waits.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Instances that are to be shut down.
struct Ending {
    services: Arc<Services>,
    plugin: Arc<Identity>,
    instances: Vec<Instance>,
}

/// Why a plugin did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Missed {
    /// The whole call is over.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
    /// It is not called: it broke too many rules, or broke one just now.
    #[error("it does not run: {reason}")]
    Down {
        /// The last rule it broke.
        reason: String,
    },
    /// It told an error or broke a rule.
    #[error(transparent)]
    Failed(Failure),
}

impl Plugin {
    /// Starts a plugin: makes its first instance and initializes it. Nothing it does is seen outside until
    /// [`Plugin::activate`].
    ///
    /// # Errors
    /// When it says so, breaks a rule, or the call is interrupted.
    pub(crate) fn start(parts: Parts, control: &Arc<Control>) -> Result<Self, Failure> {
        let Parts { engine, services, identity, code, settings, jobs } = parts;
        let limits = identity.limits;
        let live = Arc::new(AtomicBool::new(false));
        let plugin = Self {
            owner: Owner { engine, plugin: identity, services, live },
            code,
            settings,
            pool: Pool::new(limits.instances, limits.faults),
            watch: Watch::default(),
            overstepped: AtomicBool::new(false),
            jobs,
        };
        let first = plugin.make(control)?;
        plugin.pool.put(first);
        Ok(plugin)
    }

    /// Tells it that it is live. What it does is seen outside from now on.
    ///
    /// # Errors
    /// When it says so, breaks a rule, or the call is interrupted; it is to be dropped then.
    pub(crate) fn activate(&self, control: &Arc<Control>) -> Result<(), Failure> {
        self.owner.live.store(true, Ordering::Release);
        let control = Arc::new(Control::within(control, self.owner.plugin.limits.start_call_time));
        for mut instance in self.pool.take_all() {
            if let Err(failure) = instance.activate(&control) {
                // Nothing of it is to be seen any more, and it is not shut down: it never was live.
                self.owner.live.store(false, Ordering::Release);
                return Err(failure);
            }
            self.pool.put(instance);
        }
        Ok(())
    }

    /// Its name.
    pub(crate) fn name(&self) -> &PluginName {
        &self.owner.plugin.name
    }

    /// Who it is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.owner.plugin
    }

    /// True when its code can be called at this moment of a conversation.
    pub(crate) fn handles(&self, hook: Hook) -> bool {
        self.code.handles(hook)
    }

    /// How it is.
    pub(crate) fn state(&self) -> PluginState {
        self.pool.state()
    }

    /// Rules that it broke.
    pub(crate) fn faults(&self) -> u64 {
        self.pool.faults()
    }

    /// Drops instances that were not needed lately.
    pub(crate) fn trim(&self) {
        self.pool.trim();
    }

    /// Calls into it, with an instance that nobody else uses meanwhile and for no longer than it may take. What goes wrong
    /// is logged and counted here.
    ///
    /// # Errors
    /// When there is no answer; `Missed::Interrupted` alone concerns more than this plugin.
    pub(crate) fn call<T>(
        &self,
        control: &Arc<Control>,
        call: impl FnOnce(&mut Instance, &Arc<Control>) -> Result<T, Failure>,
    ) -> Result<T, Missed> {
        let mut seat = self.pool.sit(control)?;
        let mut instance = match seat.take() {
            Some(instance) => instance,
            None => match self.make_again(control) {
                Ok(instance) => instance,
                Err(failure) => return Err(self.miss(failure)),
            },
        };
        match call(&mut instance, &self.share(control)) {
            Ok(answer) => {
                self.give_back(seat, instance);
                Ok(answer)
            }
            Err(Failure::Told(error)) => {
                self.give_back(seat, instance);
                let failure = Failure::Told(error);
                self.log(Level::Warn, format!("a call failed: {failure}"));
                Err(Missed::Failed(failure))
            }
            // The instance stopped somewhere in its code. It goes before anybody else gets the seat.
            Err(failure) => {
                drop(instance);
                Err(self.miss(failure))
            }
        }
    }

    /// Says, once, that it wanted to do what it was not granted.
    pub(crate) fn overstep(&self, what: &str) {
        if !self.overstepped.swap(true, Ordering::Relaxed) {
            self.log(
                Level::Warn,
                format!("it wanted to {what} without the permission to do so; it is ignored"),
            );
        }
    }

    fn make(&self, control: &Arc<Control>) -> Result<Instance, Failure> {
        let control = Arc::new(Control::within(control, self.owner.plugin.limits.start_call_time));
        let mut instance = Instance::new(&self.code, &self.owner, &control)?;
        instance.initialize(&self.settings, &control)?;
        Ok(instance)
    }

    fn make_again(&self, control: &Arc<Control>) -> Result<Instance, Failure> {
        let mut instance = self.make(control)?;
        let start = Arc::new(Control::within(control, self.owner.plugin.limits.start_call_time));
        instance.activate(&start)?;
        Ok(instance)
    }

    /// What it may take of a call that may take longer because of others.
    fn share<'c>(&self, control: &'c Arc<Control>) -> Cow<'c, Arc<Control>> {
        let most = self.identity().limits.call_time;
        if most < control.time() {
            Cow::Owned(Arc::new(Control::within(control, most)))
        } else {
            Cow::Borrowed(control)
        }
    }

    fn give_back(&self, seat: Seat<'_>, instance: Instance) {
        if seat.give_back(instance) {
            self.tell(PluginState::Running);
        }
    }

    fn miss(&self, failure: Failure) -> Missed {
        if let Failure::Interrupted(why) = failure {
            return why.into();
        }
        let reason = failure.to_string();
        self.log(Level::Error, format!("a call failed: {reason}"));
        if let Some(state) = self.pool.fault(reason) {
            self.tell(state);
        }
        Missed::Failed(failure)
    }

    fn log(&self, level: Level, message: String) {
        self.owner.services.journal.log(Some(self.name()), level, message);
    }

    fn tell(&self, state: PluginState) {
        self.owner.services.journal.event(Event::Plugin { name: self.name().clone(), state });
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if !self.owner.live.load(Ordering::Acquire) {
            return;
        }
        let instances = self.pool.take_all();
        let (services, plugin) = (Arc::clone(&self.owner.services), Arc::clone(&self.owner.plugin));
        // Without the host there is nobody to shut it down; then it just ends.
        let ending = Ending { services, plugin, instances };
        let _ = self.jobs.send(Box::new(move || ending.finish()));
    }
}

impl Ending {
    /// Shuts the instances down. What goes wrong is logged: nothing depends on it any more.
    fn finish(self) {
        for instance in self.instances {
            let control = Arc::new(Control::new(self.plugin.limits.start_call_time));
            if let Err(failure) = instance.shutdown(&control) {
                let message = format!("`shutdown` failed: {failure}");
                self.services.journal.log(Some(&self.plugin.name), Level::Warn, message);
            }
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("plugin", &self.owner.plugin).finish_non_exhaustive()
    }
}
