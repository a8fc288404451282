//! The way by which every set becomes live: the running host tries it, the link is renamed, the host switches. Where no
//! host runs, the rename alone; the host finds what is live when it starts.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use leah_plugin::{
    layout::SettingsFile,
    lock::Lock,
    message::{FailedPlugin, PluginStatus, Prepare},
    name::PluginName,
};

use super::{
    Apply, ApplyError, Event,
    settings::{self, Left},
};
use crate::{
    generation::{self, Generation, Pending, Writer},
    host::{Host, HostError},
    settings::Declared,
    store::Store,
};

/// A generation that is live now.
#[derive(Debug)]
pub struct Switched {
    /// Its number.
    pub number: u64,
    /// What the running host made of it.
    pub host: Confirmed,
    /// The plugins of this change that do not start before they have settings, with those that are missing.
    pub needs_settings: BTreeMap<PluginName, Vec<MissingSetting>>,
    /// The keys of what was set for plugins of this change and is not used by the version that is live.
    pub unused_settings: BTreeMap<PluginName, Vec<String>>,
}

/// A required setting without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSetting {
    /// Its key.
    pub key: String,
    /// Whether its value is nobody's business.
    pub secret: bool,
}

/// What the running host made of a generation that is live.
#[derive(Debug)]
pub enum Confirmed {
    /// No host runs, or it was not to be asked: the set is live and was not tried.
    NotAsked,
    /// The host runs it.
    Runs {
        /// Plugins that started when it was tried and did not come up after all.
        failed: Vec<FailedPlugin>,
    },
    /// The host had it ready, and did not say that it switched. It finds by itself what is live.
    Unknown(HostError),
}

/// What the running host is, after it loaded anew what did not run.
#[derive(Debug)]
pub struct Reloaded {
    /// The generation that it runs.
    pub number: u64,
    /// How its plugins are now.
    pub plugins: Vec<PluginStatus>,
}

/// A generation that the running host has ready, where one runs. Dropping it before it is live has the host forget it.
pub(super) struct Trial<'a> {
    apply: &'a Apply<'a>,
    host: Option<Ready>,
}

struct Ready {
    host: Host,
    wanted: Prepare,
    needs_settings: Vec<PluginName>,
}

/// What a change is about.
pub(super) struct About<'a> {
    /// The set.
    pub(super) lock: &'a Lock,
    /// Its settings files.
    pub(super) settings: &'a BTreeMap<PluginName, SettingsFile>,
    /// The plugins that change.
    pub(super) names: BTreeSet<&'a PluginName>,
    /// The settings that some of them declare, where that is known already.
    pub(super) declared: &'a BTreeMap<PluginName, Declared>,
}

impl<'a> Trial<'a> {
    /// Has the running host try a generation that is written and not live.
    ///
    /// # Errors
    /// When it refuses, or cannot be asked. Nothing has changed then.
    pub(super) fn begin(apply: &'a Apply<'a>, number: u64) -> Result<Self, ApplyError> {
        if apply.config.host.left_out {
            return Ok(Self { apply, host: None });
        }
        let host = Host::find(apply.layout, &apply.config.host)?;
        let host = host.map(|host| Ready::prepare(apply, host, number)).transpose()?;
        Ok(Self { apply, host })
    }

    /// Makes the generation live, and has the host switch to it.
    ///
    /// # Errors
    /// When it cannot be made live. What the host says by then is no error any more.
    pub(super) fn switch(self, pending: Pending<'_>, about: &About<'_>) -> Result<Switched, ApplyError> {
        let Self { apply, host } = self;
        // The disk takes its time for the one sync, in which the manifests can be read.
        let (live, left) = thread::scope(|scope| {
            let left = scope.spawn(|| settings::left(apply.layout, about));
            // If it is live and the disk does not confirm it, that is the error to tell, and the host, left by this
            // connection, takes over what is live.
            (pending.make_live(), left.join())
        });
        let number = live?;
        // A panic of the other thread goes on in this one.
        let Left { missing, unused } = left.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        apply.see(Event::Live { number });
        let waits = |name: &PluginName| host.as_ref().is_none_or(|ready| ready.needs_settings.contains(name));
        let needs_settings = missing.into_iter().filter(|(name, _)| waits(name)).collect();
        let host = match host {
            None => Confirmed::NotAsked,
            Some(Ready { mut host, wanted, .. }) => match host.commit(&wanted) {
                Ok(committed) => {
                    apply.see(Event::Runs { number });
                    Confirmed::Runs { failed: committed.failed }
                }
                Err(error) => Confirmed::Unknown(error),
            },
        };
        Ok(Switched { number, host, needs_settings, unused_settings: unused })
    }
}

impl Ready {
    fn prepare(apply: &Apply<'_>, mut host: Host, number: u64) -> Result<Self, ApplyError> {
        let digest = generation::digest(apply.layout, number)?;
        let wanted = Prepare { generation: number, digest, deadline_ms: None };
        apply.see(Event::Trying { number });
        let needs_settings = host.prepare(&wanted, || apply.see(Event::HostBusy))?;
        Ok(Self { host, wanted, needs_settings })
    }
}

/// Has the running host load anew what does not run of the live generation; none where nothing was ever installed.
///
/// # Errors
/// When no host runs, it cannot be asked, or a plugin does not start.
pub fn reload(apply: &Apply<'_>) -> Result<Option<Reloaded>, ApplyError> {
    if Generation::live(apply.layout)?.is_none() {
        Host::running(apply.layout, &apply.config.host)?;
        return Ok(None);
    }
    let store =
        apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    // While the lock is held, what is live stays so: the host is never told of a set that another run has replaced.
    let writer = apply.with_patience(|patience| Writer::begin(&store, &apply.purpose(), patience))?;
    let Some(number) = writer.live()? else { return Ok(None) };
    let host = Host::running(apply.layout, &apply.config.host)?;
    let Ready { mut host, wanted, .. } = Ready::prepare(apply, host, number)?;
    host.commit(&wanted)?;
    Ok(Some(Reloaded { number, plugins: host.plugins()?.plugins }))
}
