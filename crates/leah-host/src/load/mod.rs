//! From a generation to plugins that were started: what runs already and did not change is taken over, the rest is
//! loaded beside it. Nothing that is loaded here is seen outside before it is activated.

mod parallel;
mod plugin;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::Sender},
};

use leah_home::generation::Generation;
use leah_plugin::{lock::Locked, message::FailedPlugin, name::PluginName};
use wasmtime::component::Linker;

use self::parallel::in_parallel;
use crate::{
    compile::Compiler,
    config::Config,
    control::{Control, Interrupt},
    engine::{Engine, EngineError},
    functions,
    guest::State,
    journal::{Journal, sentence},
    plugin::Job,
    services::Services,
    snapshot::{About, Key, Member, Snapshot, Standing},
};

/// Loads plugins, again and again.
pub(crate) struct Loader {
    config: Arc<Config>,
    journal: Arc<Journal>,
    engine: Arc<Engine>,
    compiler: Compiler,
    linker: Linker<State>,
    services: Arc<Services>,
    jobs: Sender<Job>,
}

/// A generation that was loaded and is not live yet.
pub(crate) struct Set {
    generation: Generation,
    /// What runs already.
    kept: BTreeMap<PluginName, Arc<Member>>,
    /// What was loaded for this.
    fresh: BTreeMap<PluginName, Member>,
}

impl Loader {
    pub(crate) fn new(
        config: &Arc<Config>,
        journal: &Arc<Journal>,
        jobs: Sender<Job>,
    ) -> Result<Self, EngineError> {
        let engine = Arc::new(Engine::start()?);
        let mut linker = Linker::new(engine.wasmtime());
        functions::add_to_linker(&mut linker, State::caller)?;
        Ok(Self {
            compiler: Compiler::new(config, Arc::clone(journal)),
            services: Services::new(config, Arc::clone(journal)),
            config: Arc::clone(config),
            journal: Arc::clone(journal),
            engine,
            linker,
            jobs,
        })
    }

    /// Loads a generation beside what runs. Plugins that do not start are part of the set as failed.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub(crate) fn load(
        &self,
        generation: Generation,
        running: &Snapshot,
        control: &Arc<Control>,
    ) -> Result<Set, Interrupt> {
        let settings = &generation.record().settings;
        let (mut kept, mut wanted) = (BTreeMap::new(), BTreeMap::new());
        for (name, locked) in generation.lock().plugins.iter().filter(|(_, locked)| locked.enabled) {
            let key = Key {
                content: locked.content,
                settings: settings.get(name).cloned(),
                granted: locked.granted.clone(),
            };
            match running.member(name).filter(|member| member.key == key && member.is_running()) {
                Some(member) => drop(kept.insert(name.clone(), Arc::clone(member))),
                None => drop(wanted.insert(name, (key, locked))),
            }
        }
        let mut fresh = BTreeMap::new();
        for level in levels(&wanted) {
            let members = in_parallel(level, |name| {
                let (key, locked) = &wanted[name];
                self.member(name, key, locked, control)
            });
            for member in members {
                let member = member?;
                fresh.insert(member.name.clone(), member);
            }
        }
        Ok(Set { generation, kept, fresh })
    }

    fn member(
        &self,
        name: &PluginName,
        key: &Key,
        locked: &Locked,
        control: &Arc<Control>,
    ) -> Result<Member, Interrupt> {
        let mut about = About::unknown(locked.version.clone());
        let standing = match self.start(name, key, locked, &mut about, control) {
            Ok(standing) => standing,
            Err(error) => match error.interrupt() {
                Some(why) => return Err(why),
                None => Standing::Failed(sentence(&error)),
            },
        };
        Ok(Member { name: name.clone(), key: key.clone(), about, standing })
    }
}

impl Set {
    /// Its number.
    pub(crate) fn number(&self) -> u64 {
        self.generation.number()
    }

    /// The first plugin that did not start although what runs has none of it, or another.
    pub(crate) fn refusal(&self, running: &Snapshot) -> Option<FailedPlugin> {
        let changed =
            |member: &&Member| running.member(&member.name).is_none_or(|before| before.key != member.key);
        self.failed(changed).into_iter().next()
    }

    /// The plugins that lack settings.
    pub(crate) fn needs_settings(&self) -> Vec<PluginName> {
        let needs = |member: &Member| matches!(member.standing, Standing::NeedsSettings(_));
        let fresh = self.fresh.values().filter(|member| needs(member));
        fresh.map(|member| member.name.clone()).collect()
    }

    /// Activates what is new. Answers the set as it is to run from now on, and what of it did not come up.
    pub(crate) fn activate(mut self) -> (Snapshot, Vec<FailedPlugin>) {
        in_parallel(self.fresh.values_mut().collect(), |member: &mut Member| {
            let Standing::Up(plugin) = &member.standing else { return };
            let control = Arc::new(Control::new(plugin.identity().limits.start_call_time));
            if let Err(failure) = plugin.activate(&control) {
                member.standing = Standing::Failed(format!("`activate` failed: {failure}"));
            }
        });
        let failed = self.failed(|_| true);
        let fresh = self.fresh.into_iter().map(|(name, member)| (name, Arc::new(member)));
        let members = self.kept.into_iter().chain(fresh).collect();
        (Snapshot::new(self.generation, members), failed)
    }

    fn failed(&self, which: impl Fn(&&Member) -> bool) -> Vec<FailedPlugin> {
        let failed = |member: &Member| match &member.standing {
            Standing::Failed(reason) => {
                Some(FailedPlugin { plugin: member.name.clone(), reason: reason.clone() })
            }
            Standing::Up(_) | Standing::NeedsSettings(_) => None,
        };
        self.fresh.values().filter(which).filter_map(failed).collect()
    }
}

/// Who can be started at the same time: a plugin comes after those it depends on. All of them are in one of the levels.
fn levels<'a, T>(wanted: &BTreeMap<&'a PluginName, (T, &'a Locked)>) -> Vec<Vec<&'a PluginName>> {
    let (mut levels, mut left): (Vec<Vec<_>>, BTreeSet<_>) = (Vec::new(), wanted.keys().copied().collect());
    while !left.is_empty() {
        let waits =
            |name: &&PluginName| wanted[name].1.dependencies.keys().any(|needed| left.contains(needed));
        let mut level: Vec<_> = left.iter().copied().filter(|name| !waits(name)).collect();
        if level.is_empty() {
            // A circle. A lock has none; who wrote one gets them all at once.
            level = left.iter().copied().collect();
        }
        left.retain(|name| !level.contains(name));
        levels.push(level);
    }
    levels
}
