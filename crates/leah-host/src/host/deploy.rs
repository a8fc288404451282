//! Changing the plugins that run: another generation is tried beside the one that is live and takes its place as a
//! whole, or not at all.

use std::{
    fmt, mem,
    sync::{Arc, atomic::Ordering},
};

use leah_home::{
    generation::{Generation, digest},
    live,
};
use leah_plugin::{
    message::{Committed, Event, Prepare},
    name::PluginName,
};

use super::{Host, Inner};
use crate::{
    control::{Control, Interrupt},
    snapshot::Snapshot,
};

/// A generation that was tried and would run. Dropped: nothing of it stays, unless it became live meanwhile; then it
/// is switched to.
pub struct Trial {
    wanted: Prepare,
    snapshot: Option<Snapshot>,
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
        if self.inner.deploying.swap(true, Ordering::AcqRel) {
            return Err(DeployError::Busy);
        }
        let mut trial = Trial {
            wanted: wanted.clone(),
            snapshot: None,
            needs_settings: Vec::new(),
            host: Arc::clone(&self.inner),
        };
        let refused = |reason: String| DeployError::Refused { plugin: None, reason };
        let layout = &self.inner.config.home;
        let generation =
            Generation::written(layout, wanted.generation).map_err(|error| refused(error.to_string()))?;
        let found = digest(layout, wanted.generation).map_err(|error| refused(error.to_string()))?;
        if found != wanted.digest {
            return Err(refused(format!("generation {} is not the one that is meant", wanted.generation)));
        }
        if let Some(why) = control.interrupt() {
            return Err(why.into());
        }
        trial.snapshot = Some(Snapshot::new(Some(generation)));
        Ok(trial)
    }

    /// Switches to a generation that was tried and is live by now.
    ///
    /// # Errors
    /// When it is not live. What runs stays.
    pub fn commit(&self, mut trial: Trial, control: &Arc<Control>) -> Result<Committed, DeployError> {
        if let Some(why) = control.interrupt() {
            return Err(why.into());
        }
        if !trial.is_live() {
            return Err(DeployError::NotLive { generation: trial.wanted.generation });
        }
        trial.switch();
        Ok(Committed { failed: Vec::new() })
    }

    /// Looks whether another generation is live than the one that runs, and switches to it: somebody changed the link
    /// without this host. Called by a timer.
    pub fn look(&self) {
        if let Ok(Some(generation)) = Generation::live(&self.inner.config.home)
            && Some(generation.number()) != self.inner.live.load().number()
        {
            self.inner.switch(Snapshot::new(Some(generation)));
        }
    }
}

impl Trial {
    fn is_live(&self) -> bool {
        live::live_number(&self.host.config.home).is_ok_and(|live| live == Some(self.wanted.generation))
    }

    fn switch(&mut self) {
        if let Some(snapshot) = mem::take(&mut self.snapshot) {
            self.host.switch(snapshot);
        }
    }
}

impl Inner {
    fn switch(&self, snapshot: Snapshot) {
        let live = Event::Live { generation: snapshot.number().unwrap_or(0), hooks: snapshot.hooks() };
        self.live.store(Arc::new(snapshot));
        self.journal.event(live);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if self.snapshot.is_some() && self.is_live() {
            self.switch();
        }
        self.host.deploying.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("generation", &self.wanted.generation).finish_non_exhaustive()
    }
}
