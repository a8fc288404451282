//! Changing the plugins that run: another generation is tried beside the one that is live and takes its place as a
//! whole, or not at all. One change at a time, whoever wants it: a client, or the timer that finds another one live.

use std::{
    fmt, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use leah_home::{
    generation::{Generation, ReadError, digest},
    live,
};
use leah_plugin::{
    message::{Committed, Event, FailedPlugin, Level, PluginState, Prepare},
    name::PluginName,
};

use super::{Host, Inner};
use crate::{
    control::{Control, Interrupt},
    journal::sentence,
    load::Set,
};

/// Every so many looks, instances go that were not needed since the last time.
const TRIM: u32 = 30;

/// A generation that was tried and would run. Dropped: nothing of it stays, unless it became live meanwhile; then it
/// is switched to.
pub struct Trial {
    wanted: Prepare,
    needs_settings: Vec<PluginName>,
    host: Arc<Inner>,
}

/// Why a generation does not become what runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// Another one is being tried.
    #[error("another deploy is under way")]
    Busy,
    /// It would not run. Nothing changed.
    #[error("{reason}")]
    Refused {
        /// The plugin that is to blame; none: the host could not try it.
        plugin: Option<PluginName>,
        /// Why, in one sentence.
        reason: String,
    },
    /// It was tried and is not live, so there is nothing to switch to.
    #[error("generation {generation} is not live")]
    NotLive {
        /// Its number.
        generation: u64,
    },
    /// Nobody waits for it any more, or its time is up.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// The change under way, and those who wait for a step of it.
#[derive(Default)]
pub(super) struct Change {
    stage: Mutex<Stage>,
    moved: Condvar,
}

/// How far the change is.
#[derive(Default)]
enum Stage {
    /// There is none.
    #[default]
    None,
    /// A set is being loaded or switched to.
    Moving,
    /// A set was tried, as it was asked for. It belongs to a [`Trial`].
    Ready(Prepare, Box<Set>),
    /// The set of a [`Trial`] is what runs.
    Switched(Vec<FailedPlugin>),
}

impl Trial {
    /// The plugins that did not start because a required setting has no value.
    #[must_use]
    pub fn needs_settings(&self) -> &[PluginName] {
        &self.needs_settings
    }

    /// True when these parameters of `commit` or `abort` mean this generation.
    #[must_use]
    pub fn is(&self, wanted: &Prepare) -> bool {
        (self.wanted.generation, self.wanted.digest) == (wanted.generation, wanted.digest)
    }
}

impl Host {
    /// Tries a generation beside what runs. One at a time.
    ///
    /// # Errors
    /// When another one is being tried, this one would not run, or the call is interrupted. Nothing changed then.
    pub fn prepare(&self, wanted: &Prepare, control: &Arc<Control>) -> Result<Trial, DeployError> {
        let inner = &self.inner;
        if !inner.change.begin() {
            return Err(DeployError::Busy);
        }
        match inner.try_out(wanted, control) {
            Ok(set) => {
                let needs_settings = set.needs_settings();
                inner.change.set(Stage::Ready(wanted.clone(), Box::new(set)));
                Ok(Trial { wanted: wanted.clone(), needs_settings, host: Arc::clone(inner) })
            }
            Err(error) => {
                inner.change.set(Stage::None);
                Err(error)
            }
        }
    }

    /// Switches to a generation that was tried and is live by now. What is new is activated first and the calls go on
    /// meanwhile; that the caller's time is up does not stop it, since the generation is live.
    ///
    /// # Errors
    /// When it is not live. What runs stays.
    pub fn commit(&self, trial: Trial, control: &Arc<Control>) -> Result<Committed, DeployError> {
        let generation = trial.wanted.generation;
        if !Arc::ptr_eq(&trial.host, &self.inner) || !self.inner.is_live(&trial.wanted) {
            return Err(DeployError::NotLive { generation });
        }
        control.going_slow();
        let failed = self.inner.finish(generation);
        drop(trial);
        Ok(Committed { failed })
    }

    /// Looks whether another generation is live than the one that runs, and switches to it: somebody changed the link
    /// without this host. Also drops what plugins needed for a while and no longer need. Called by a timer.
    pub fn look(&self) {
        let inner = &self.inner;
        if inner.looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRIM) {
            inner.live.load().members().filter_map(|member| member.plugin()).for_each(|plugin| plugin.trim());
        }
        let Ok(Some(live)) = live::live_number(&inner.config.home) else { return };
        if inner.runs(live) {
            return;
        }
        if live::home_id(&inner.config.home).ok() != Some(inner.home) {
            return inner
                .complain("another folder stands where its home was; start it again to serve that one");
        }
        if inner.change.begin() {
            inner.adopt();
            inner.change.set(Stage::None);
        } else if inner.change.tried().is_some_and(|tried| inner.is_live(&tried)) {
            // Its client sleeps over the commit; when it wakes up it is told what became of it.
            inner.finish(live);
        }
    }
}

impl Inner {
    fn try_out(&self, wanted: &Prepare, control: &Arc<Control>) -> Result<Set, DeployError> {
        let refused = |error: &ReadError| DeployError::Refused { plugin: None, reason: sentence(error) };
        let layout = &self.config.home;
        // The generation is held before its digest is taken, so it cannot be collected in between.
        let generation = Generation::written(layout, wanted.generation).map_err(|error| refused(&error))?;
        if digest(layout, wanted.generation).map_err(|error| refused(&error))? != wanted.digest {
            let reason =
                format!("generation {} in this home is not the one that is meant", wanted.generation);
            return Err(DeployError::Refused { plugin: None, reason });
        }
        let running = self.live.load_full();
        let set = self.loader.load(generation, &running, control)?;
        match set.refusal(&running) {
            Some(FailedPlugin { plugin, reason }) => {
                Err(DeployError::Refused { plugin: Some(plugin), reason })
            }
            None => Ok(set),
        }
    }

    /// Switches to the set that was tried if it is that of `generation`, unless that was done; answers what of it did
    /// not come up.
    fn finish(&self, generation: u64) -> Vec<FailedPlugin> {
        let mut stage = self.change.settled();
        match mem::replace(&mut *stage, Stage::Moving) {
            Stage::Ready(_, set) if set.number() == generation => {
                drop(stage);
                let failed = self.switch(*set);
                self.change.set(Stage::Switched(failed.clone()));
                failed
            }
            other => {
                let failed = if let Stage::Switched(failed) = &other { failed.clone() } else { Vec::new() };
                *stage = other;
                failed
            }
        }
    }

    /// Loads what is live and switches to it; plugins that do not start are failed, the rest runs.
    pub(super) fn adopt(&self) {
        let control = Arc::new(Control::new(super::LOADING));
        let generation = match Generation::live(&self.config.home) {
            Ok(Some(generation)) if !self.runs(generation.number()) => generation,
            Ok(_) => return,
            Err(error) => return self.complain(&sentence(&error)),
        };
        match self.loader.load(generation, &self.live.load_full(), &control) {
            Ok(set) => drop(self.switch(set)),
            Err(why) => self.complain(&why.to_string()),
        }
    }

    /// Says once why what runs stays, however often the timer comes by.
    fn complain(&self, why: &str) {
        let mut last = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != why {
            why.clone_into(&mut last);
            let message = format!("another generation is live and cannot be switched to: {why}");
            self.journal.log(None, Level::Error, message);
        }
    }

    fn switch(&self, set: Set) -> Vec<FailedPlugin> {
        let number = set.number();
        let (snapshot, failed) = set.activate();
        let hooks = snapshot.hooks();
        // Calls under way keep the old set; the last of them lets go of it, and what left is shut down then.
        drop(self.live.swap(Arc::new(snapshot)));
        if self.is_stopped() {
            drop(self.live.swap(Arc::default()));
        }
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.journal.event(Event::Live { generation: number, hooks });
        self.journal.log(None, Level::Info, format!("generation {number} runs"));
        for FailedPlugin { plugin, reason } in &failed {
            self.journal.log(Some(plugin), Level::Error, format!("it does not run: {reason}"));
            let state = PluginState::Failed { reason: reason.clone() };
            self.journal.event(Event::Plugin { name: plugin.clone(), state });
        }
        failed
    }

    fn runs(&self, generation: u64) -> bool {
        self.live.load().number() == Some(generation)
    }

    /// True if this very generation is live. A number alone does not tell: one that was given up goes to the next.
    fn is_live(&self, wanted: &Prepare) -> bool {
        let home = &self.config.home;
        live::live_number(home).is_ok_and(|live| live == Some(wanted.generation))
            && digest(home, wanted.generation).is_ok_and(|digest| digest == wanted.digest)
    }
}

impl Change {
    /// Begins a change, unless there is one.
    pub(super) fn begin(&self) -> bool {
        let mut stage = self.stage();
        let free = matches!(*stage, Stage::None);
        if free {
            *stage = Stage::Moving;
        }
        free
    }

    /// What was tried and waits for its commit.
    fn tried(&self) -> Option<Prepare> {
        if let Stage::Ready(wanted, _) = &*self.stage() { Some(wanted.clone()) } else { None }
    }

    fn set(&self, next: Stage) {
        *self.stage() = next;
        self.moved.notify_all();
    }

    /// The stage, once nobody is at work on it.
    fn settled(&self) -> MutexGuard<'_, Stage> {
        let moving = |stage: &mut Stage| matches!(stage, Stage::Moving);
        self.moved.wait_while(self.stage(), moving).unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if self.host.is_live(&self.wanted) {
            self.host.finish(self.wanted.generation);
        }
        // What was loaded and does not run is dropped here, and not under the lock.
        let over = mem::take(&mut *self.host.change.settled());
        self.host.change.moved.notify_all();
        drop(over);
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("generation", &self.wanted.generation).finish_non_exhaustive()
    }
}
