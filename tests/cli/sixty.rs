//! A registry of sixty plugins and a long life of one home: installs, updates, rollbacks, uninstalls, collections,
//! while the registry goes on. After each step the live set must be one that an oracle found by trying all.

mod oracle;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::lock::Lock;
use semver::VersionReq;

use self::{
    oracle::{Question, Set},
    world::{Chance, PLUGINS, World, name},
};
use crate::{
    fixture::TestRegistry,
    sandbox::{Output, Sandbox, names_in},
};

/// How many lives there are; LEAHPM_TEST_LIVES asks for more.
fn lives() -> u64 {
    std::env::var("LEAHPM_TEST_LIVES").map_or(2, |text| text.parse().unwrap())
}

const STEPS: usize = 24;

#[test]
fn a_registry_of_sixty_plugins_gives_the_versions_that_an_oracle_finds() {
    let mut exact = (0, 0);
    for seed in 1..=lives() {
        let mut life = Life::before(seed);
        life.hub.add_as_default(&life.sandbox);
        for step in 0..STEPS {
            let done = life.step();
            life.check(&format!("seed {seed}, step {step}: {done}"));
        }
        exact = (exact.0 + life.exact, exact.1 + life.answered);
    }
    // An oracle that takes any answer would prove nothing: mostly there is one right answer.
    assert!(exact.0 * 10 >= exact.1 * 7, "only {} of {} answers were the only right one", exact.0, exact.1);
    assert!(exact.1 >= lives() * 6, "only {} answers were found", exact.1);
}

/// What should be live in a generation.
#[derive(Debug, Clone, Default)]
struct Live {
    requested: BTreeMap<String, VersionReq>,
    set: Set,
    parent: Option<u64>,
}

/// The life of one home.
pub struct Life {
    pub sandbox: Sandbox,
    pub hub: TestRegistry,
    world: World,
    chance: Chance,
    /// Those that are kept, by number.
    generations: BTreeMap<u64, Live>,
    live: u64,
    /// Highest number there is on the disk.
    last: u64,
    /// How many questions had an answer, and how many had a single one.
    pub answered: u64,
    exact: u64,
}

impl Life {
    /// Publishes the registry; the home does not know it yet.
    pub fn before(seed: u64) -> Self {
        let sandbox = Sandbox::new();
        let hub = TestRegistry::new(&sandbox, "hub");
        let mut chance = Chance(seed);
        let world = World::publish(&mut chance, &hub);
        let generations = BTreeMap::from([(0, Live::default())]);
        Self { sandbox, hub, world, chance, generations, live: 0, last: 0, answered: 0, exact: 0 }
    }

    fn now(&self) -> &Live {
        &self.generations[&self.live]
    }

    /// Does one thing by chance and says what.
    fn step(&mut self) -> String {
        if self.now().set.len() < 4 {
            return self.install();
        }
        match self.chance.below(12) {
            0..=3 => self.install(),
            4 => self.update_all(),
            5..=6 => self.update_some(),
            7..=8 => self.uninstall(),
            9 => self.rollback(),
            10 => self.collect(),
            _ => self.go_on(),
        }
    }

    pub fn go_on(&mut self) -> String {
        self.world.go_on(&mut self.chance, &self.hub);
        "the registry goes on".into()
    }

    fn run(&self, arguments: &[String]) -> Output {
        self.sandbox.run(arguments)
    }

    pub fn install(&mut self) -> String {
        let mut requested = self.now().requested.clone();
        let mut arguments = vec!["install".to_owned()];
        for _ in 0..=self.chance.below(3) {
            let name = name(self.chance.below(PLUGINS));
            if requested.contains_key(&name) {
                continue;
            }
            let range = self.chance.pick(&["", "", "", "^1", "^2", ">=1", "2.1.0-beta.1"]);
            arguments.push(if range.is_empty() { name.clone() } else { format!("{name}@{range}") });
            let range = match *range {
                "" => VersionReq::STAR,
                "2.1.0-beta.1" => "=2.1.0-beta.1".parse().unwrap(),
                range => range.parse().unwrap(),
            };
            requested.insert(name, range);
        }
        if arguments.len() == 1 {
            return "nothing to install".into();
        }
        self.resolve(&arguments, requested, None)
    }

    pub fn update_all(&mut self) -> String {
        let all = (0..PLUGINS).map(name).collect();
        self.resolve(&["update".into()], self.now().requested.clone(), Some(&all))
    }

    pub fn update_some(&mut self) -> String {
        // The order among plugins that are updated by name is told of those that were asked for.
        let asked: Vec<String> = self.now().requested.keys().cloned().collect();
        let names: BTreeSet<String> = (0..2).map(|_| self.chance.pick(&asked).clone()).collect();
        let arguments: Vec<String> = ["update".to_owned()].into_iter().chain(names.iter().cloned()).collect();
        self.resolve(&arguments, self.now().requested.clone(), Some(&names))
    }

    /// Runs a command that chooses versions, and asks the oracle.
    fn resolve(
        &mut self,
        arguments: &[String],
        requested: BTreeMap<String, VersionReq>,
        update: Option<&BTreeSet<String>>,
    ) -> String {
        let done = arguments.join(" ");
        let question =
            Question { world: &self.world, requested: &requested, locked: &self.now().set, update };
        let Some(answers) = question.answers() else { return format!("{done}, which is not tried") };
        let output = self.run(arguments);
        let Some(first) = answers.first() else {
            assert!([5, 10].contains(&output.code), "there is no such set, and {done}: {output}");
            return done;
        };
        assert_eq!(output.code, 0, "{first:?} would do for {done}: {output}");
        self.answered += 1;
        self.exact += u64::from(answers.len() == 1);
        let found = self.locked();
        assert!(
            answers.contains(&found),
            "{done}\nfound {found:?}\nof    {answers:?}\nbefore {:?}",
            self.now()
        );
        self.become_live(requested, found);
        done
    }

    pub fn uninstall(&mut self) -> String {
        let now = self.now().clone();
        let all: Vec<&String> = now.set.keys().collect();
        let name = (*self.chance.pick(&all)).clone();
        let mut requested = now.requested.clone();
        requested.remove(&name);
        let left = self.needed(&requested, &now.set);
        let output = self.run(&["uninstall".into(), name.clone()]);
        if left.contains_key(&name) {
            assert_eq!(output.code, 5, "{name} is needed: {output}");
        } else {
            output.ok();
            self.become_live(requested, left);
        }
        format!("uninstall {name}")
    }

    /// What of a set is asked for, or needed by what is.
    fn needed(&self, requested: &BTreeMap<String, VersionReq>, set: &Set) -> Set {
        let mut needed = Set::new();
        let mut open: Vec<&String> = requested.keys().collect();
        while let Some(name) = open.pop() {
            if needed.insert(name.clone(), set[name].clone()).is_none() {
                open.extend(self.world.plugins[name][&set[name]].needs.keys());
            }
        }
        needed
    }

    pub fn rollback(&mut self) -> String {
        let parent = self.now().parent;
        let output = self.run(&["rollback".into()]);
        match parent.filter(|parent| *parent > 0 && self.generations.contains_key(parent)) {
            Some(parent) => {
                output.ok();
                self.live = parent;
            }
            None => assert_eq!(output.code, 5, "there is nothing to go back to: {output}"),
        }
        "rollback".into()
    }

    pub fn collect(&mut self) -> String {
        let keep = self.chance.below(3);
        self.run(&["gc".into(), "--keep".into(), keep.to_string()]).ok();
        let mut line = vec![self.live];
        while let Some(parent) = self.generations.get(line.last().unwrap()).and_then(|live| live.parent) {
            line.push(parent);
        }
        line.truncate(keep + 1);
        self.generations.retain(|number, _| line.contains(number));
        self.last = *self.generations.keys().next_back().unwrap();
        let entries: BTreeSet<String> = self
            .generations
            .keys()
            .filter(|number| **number > 0)
            .flat_map(|number| self.entries(*number))
            .collect();
        let stored: BTreeSet<String> =
            names_in(&self.sandbox.layout().store()).into_iter().filter(|name| name != "lock").collect();
        assert_eq!(stored, entries, "gc --keep {keep}");
        format!("gc --keep {keep}")
    }

    /// The store's entries that the lock of a generation names.
    fn entries(&self, number: u64) -> Vec<String> {
        let lock = std::fs::read(self.sandbox.layout().lock_file(number)).unwrap();
        let plugins = Lock::read(&lock).unwrap().plugins.into_iter();
        plugins
            .map(|(name, locked)| {
                leah_plugin::layout::EntryName::new(name, locked.version, &locked.content).to_string()
            })
            .collect()
    }

    /// A new generation, unless nothing changed.
    fn become_live(&mut self, requested: BTreeMap<String, VersionReq>, set: Set) {
        if (&self.now().requested, &self.now().set) != (&requested, &set) {
            self.last += 1;
            self.generations.insert(self.last, Live { requested, set, parent: Some(self.live) });
            self.live = self.last;
        }
    }

    fn locked(&self) -> Set {
        let plugins = self.sandbox.lock().plugins;
        plugins.into_iter().map(|(name, locked)| (name.to_string(), locked.version)).collect()
    }

    /// The disk holds what should be live and nothing else.
    #[track_caller]
    pub fn check(&self, what: &str) {
        let now = self.now();
        let shown: BTreeMap<String, String> =
            now.set.iter().map(|(name, version)| (name.clone(), version.to_string())).collect();
        assert_eq!(self.sandbox.live(), shown, "{what}");
        if self.live > 0 {
            let lock = self.sandbox.lock();
            let requested =
                lock.requested.into_iter().map(|(name, it)| (name.to_string(), it.range)).collect();
            assert_eq!((self.locked(), &requested), (now.set.clone(), &now.requested), "{what}");
            let link = std::fs::read_link(self.sandbox.layout().plugins()).unwrap();
            assert_eq!(link, leah_plugin::layout::Layout::plugins_target(self.live), "{what}");
        }
        assert_eq!(self.sandbox.leftovers(), Vec::<String>::new(), "{what}");
        let output = self.sandbox.run(&["verify"]);
        assert_eq!(output.code, 0, "{what}: {output}");
    }
}
