//! The resolver against an oracle that tries everything, on universes small enough for that.

use proptest::prelude::*;

use super::*;
use crate::requirements::{BareNames, Place, Preferred, Requirement, Stays, Update};

pub(super) const IN_TIME: &dyn Fn() -> bool = &|| false;
pub(super) const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "2.0.0", "2.1.0-beta.1"];
const RANGES: [&str; 8] = ["*", "^1", "^2", "=1.0.0", ">=1.1", "<2", "^3", ">=2.1.0-beta"];
/// What versions say of the host, which is 0.1.0.
const HOSTS: [&str; 5] = [">=0.3", ">=0.2, <0.3", "^0.4", ">=0.1", "<0.1"];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const REGISTRIES: [&str; 2] = ["corp", "hub"];

/// A set of plugins, as the oracle sees it.
pub(super) type Set = BTreeMap<PluginName, (Origin, Version)>;

/// The usable versions of each plugin with what they need; a range of none takes everything.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    wanted: Vec<(PluginId, Option<VersionReq>)>,
    plugins: BTreeMap<PluginId, BTreeMap<Version, Vec<(PluginId, VersionReq)>>>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) records: Vec<(PluginId, Vec<Candidate>)>,
    pub(super) unknown: Vec<PluginId>,
    pub(super) requirements: Requirements,
}

impl World {
    pub(super) fn index(&self) -> Index {
        let mut index = Index::default();
        self.records.iter().cloned().for_each(|(id, candidates)| index.add(id, candidates));
        self.unknown.iter().cloned().for_each(|id| index.add_unknown(id));
        index
    }

    pub(super) fn resolve(&self) -> Result<Resolution, ResolveError> {
        resolve(&self.requirements, &self.index(), IN_TIME)
    }

    /// Says on its own, without the resolver's code, what can be used.
    pub(super) fn problem(&self) -> Problem {
        let Requirements { wanted, api, host, preferred, .. } = &self.requirements;
        let mut problem = Problem { wanted: Vec::new(), plugins: BTreeMap::new() };
        for (name, requirement) in wanted {
            let id = PluginId { registry: requirement.registry.clone(), name: name.clone() };
            problem.wanted.push((id, Some(requirement.range.clone())));
        }
        for (id, candidates) in &self.records {
            let versions = problem.plugins.entry(id.clone()).or_default();
            for candidate in candidates {
                let locked = preferred.get(&id.name);
                let is_locked =
                    locked.is_some_and(|it| it.registry == id.registry && it.version == candidate.version);
                let usable = !candidate.revoked
                    && candidate.api.matches(api)
                    && candidate.host.as_ref().is_none_or(|range| range.matches(host))
                    && !candidate.dependencies.contains_key(&id.name)
                    && (!candidate.yanked || is_locked)
                    && (is_locked || locked.is_none_or(|it| it.stays.is_none()));
                let needs = candidate.dependencies.iter().map(|(name, range)| {
                    (PluginId { registry: id.registry.clone(), name: name.clone() }, range.clone())
                });
                if usable {
                    versions.insert(candidate.version.clone(), needs.collect());
                }
            }
        }
        problem
    }
}

impl Problem {
    /// Every set that satisfies all and holds nothing that is not needed.
    pub(super) fn solutions(&self) -> Vec<Set> {
        let mut found = Vec::new();
        self.extend(&mut Set::new(), &mut found);
        found
    }

    fn extend(&self, set: &mut Set, found: &mut Vec<Set>) {
        let Some(need) = self.first_unmet(set) else {
            found.push(set.clone());
            return;
        };
        if set.contains_key(&need.name) {
            return;
        }
        for version in self.plugins.get(&need).into_iter().flat_map(BTreeMap::keys) {
            set.insert(need.name.clone(), (need.registry.clone(), version.clone()));
            self.extend(set, found);
            set.remove(&need.name);
        }
    }

    fn first_unmet(&self, set: &Set) -> Option<PluginId> {
        let needs = set.iter().flat_map(|(name, (registry, version))| {
            let id = PluginId { registry: registry.clone(), name: name.clone() };
            self.plugins[&id][version].iter().map(|(id, range)| (id.clone(), Some(range.clone())))
        });
        let met = |id: &PluginId, range: &Option<VersionReq>| {
            set.get(&id.name).is_some_and(|(registry, version)| {
                *registry == id.registry && range.as_ref().is_none_or(|range| range.matches(version))
            })
        };
        self.wanted.iter().cloned().chain(needs).find(|(id, range)| !met(id, range)).map(|(id, _)| id)
    }
}

pub(super) fn name(text: &str) -> PluginName {
    text.parse().unwrap()
}

pub(super) fn id(registry: &str, plugin: &str) -> PluginId {
    PluginId { registry: registry.parse().unwrap(), name: name(plugin) }
}

fn range() -> impl Strategy<Value = VersionReq> {
    // Half of all ranges take everything, so that half of all worlds have solutions.
    prop_oneof![Just("*"), proptest::sample::select(&RANGES[..])].prop_map(|text| text.parse().unwrap())
}

/// What the plugin at `owner` in the list of names may need: mostly later names, or nearly every world
/// would hold a ring.
fn needed(owner: usize) -> impl Strategy<Value = &'static str> {
    let later = if owner + 1 < NAMES.len() { owner + 1 } else { 0 };
    prop_oneof![20 => proptest::sample::select(&NAMES[later..]), 1 => proptest::sample::select(&NAMES[..])]
}

fn candidate(owner: usize, version: &'static str) -> impl Strategy<Value = Candidate> {
    let most = if owner + 1 < NAMES.len() { 3 } else { 1 };
    let needs = proptest::collection::btree_map(needed(owner), range(), 0..most);
    let seldom = || proptest::bool::weighted(0.06);
    let host = proptest::option::weighted(0.08, proptest::sample::select(&HOSTS[..]));
    let host = host.prop_map(|range| range.map(|range| range.parse().unwrap()));
    (needs, seldom(), seldom(), seldom(), host).prop_map(
        move |(needs, yanked, revoked, other_api, other_host)| Candidate {
            version: version.parse().unwrap(),
            dependencies: needs.into_iter().map(|(it, range)| (name(it), range)).collect(),
            api: if other_api { "^2" } else { "^1" }.parse().unwrap(),
            host: other_host,
            yanked,
            revoked,
        },
    )
}

/// Versions of a plugin; every second one needs what the one before needs.
fn candidates(owner: usize) -> impl Strategy<Value = Vec<Candidate>> {
    let [a, b, c, d] = VERSIONS.map(|version| candidate(owner, version));
    let there = proptest::array::uniform4(proptest::bool::weighted(0.85));
    (a, b, c, d, there, any::<[bool; 4]>()).prop_map(|(a, b, c, d, there, same)| {
        let mut all = vec![a, b, c, d];
        for i in (1..4).filter(|i| same[*i]) {
            all[i].dependencies = all[i - 1].dependencies.clone();
        }
        all.into_iter().zip(there).filter(|(_, there)| *there).map(|(it, _)| it).collect()
    })
}

fn preferred(registries: &'static [&'static str]) -> impl Strategy<Value = Preferred> {
    let registry = proptest::sample::select(registries).prop_map(|it| it.parse().unwrap());
    let version = proptest::sample::select(&VERSIONS[..]).prop_map(|it| it.parse().unwrap());
    let stays =
        proptest::option::weighted(0.2, proptest::sample::select(&[Stays::Held, Stays::Excluded][..]));
    (registry, version, stays).prop_map(|(registry, version, stays)| Preferred { registry, version, stays })
}

/// Every name is there or known to be missing in every registry, so the index is complete.
fn world_of(registries: &'static [&'static str], most_locked: usize) -> impl Strategy<Value = World> {
    let ids: Vec<PluginId> =
        registries.iter().flat_map(|it| NAMES.iter().map(move |name| id(it, name))).collect();
    let there: Vec<_> = (0..ids.len()).map(|at| (0..25, candidates(at % NAMES.len()))).collect();
    let a_name = || proptest::sample::select(&NAMES[..]);
    let wanted = (proptest::sample::select(registries), range());
    let wanted = proptest::collection::btree_map(a_name(), wanted, 1..6);
    let locked = proptest::collection::btree_map(a_name(), preferred(registries), 0..=most_locked);
    (there, wanted, locked).prop_map(move |(there, wanted, locked)| {
        let (known, unknown): (Vec<_>, Vec<_>) =
            ids.iter().cloned().zip(there).partition(|(_, (chance, _))| *chance > 0);
        let wanted = wanted.into_iter().map(|(it, (registry, range))| {
            (name(it), Requirement { registry: registry.parse().unwrap(), range })
        });
        World {
            records: known.into_iter().map(|(id, (_, candidates))| (id, candidates)).collect(),
            unknown: unknown.into_iter().map(|(id, _)| id).collect(),
            requirements: Requirements {
                wanted: wanted.collect(),
                api: Version::new(1, 0, 0),
                host: Version::new(0, 1, 0),
                preferred: locked.into_iter().map(|(it, preferred)| (name(it), preferred)).collect(),
                update: Update::None,
                bare: BareNames::new("hub".parse().unwrap(), None),
                place: Place::default(),
            },
        }
    })
}

pub(super) fn world() -> impl Strategy<Value = World> {
    prop_oneof![world_of(&REGISTRIES[1..], 3), world_of(&REGISTRIES, 3)]
}

pub(super) fn set_of(resolution: &Resolution) -> Set {
    let versions = resolution.plugins.iter();
    versions.map(|(name, it)| (name.clone(), (it.registry.clone(), it.version.clone()))).collect()
}

/// The answer as a value: two answers are the same when these are.
pub(super) fn answer(answer: &Result<Resolution, ResolveError>) -> String {
    format!("{answer:?}")
}

/// Fetches what is asked for until there is an answer, starting with nothing.
fn fetch_and_resolve(world: &World) -> Result<Resolution, ResolveError> {
    let mut index = Index::default();
    loop {
        let answer = resolve(&world.requirements, &index, IN_TIME);
        let Err(ResolveError::Needs(ids)) = answer else { return answer };
        assert!(!ids.is_empty(), "a round asks for something");
        for id in ids {
            assert!(!index.knows(&id), "{id} is asked for twice");
            match world.records.iter().find(|(known, _)| *known == id) {
                Some((_, candidates)) => index.add(id, candidates.clone()),
                None => index.add_unknown(id),
            }
        }
    }
}

/// The problem that is left when only what an explanation states is true.
fn problem_of(explanation: &Explanation, world: &World) -> Problem {
    let mut problem = world.problem();
    for (id, range) in &mut problem.wanted {
        let stated = explanation.facts.iter().any(|fact| match fact {
            Fact::Asked { plugin, range: it } | Fact::NoVersion { plugin, range: it, .. } => {
                plugin == id && Some(it) == range.as_ref()
            }
            _ => false,
        });
        range.take_if(|_| !stated);
    }
    let stated = |plugin: &PluginId, version: &Version, needed: &PluginId| {
        explanation.facts.iter().any(|fact| match fact {
            Fact::Needs { plugin: it, versions, dependency, .. } => {
                it == plugin && versions.contains(version) && dependency == needed
            }
            _ => false,
        })
    };
    for (plugin, versions) in &mut problem.plugins {
        for (version, needs) in versions {
            needs.retain(|(needed, _)| stated(plugin, version, needed));
        }
    }
    problem
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn finds_a_set_exactly_when_there_is_one(world in world()) {
        let solutions = world.problem().solutions();
        match world.resolve() {
            // A member of the oracle's list satisfies all and holds nothing that is not needed.
            Ok(resolution) => prop_assert!(solutions.contains(&set_of(&resolution))),
            Err(ResolveError::Cycle(ring)) => {
                prop_assert!(!solutions.is_empty());
                prop_assert!(ring.len() > 1);
            }
            Err(ResolveError::NoSolution(_) | ResolveError::Unknown(_)) => {
                prop_assert!(solutions.is_empty(), "missed {:?}", solutions[0]);
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn gives_each_plugin_asked_for_its_newest_version_in_the_order_of_names(world in world_of(&REGISTRIES, 0)) {
        let mut solutions = world.problem().solutions();
        if let Ok(resolution) = world.resolve() {
            for name in world.requirements.wanted.keys() {
                let newest = solutions.iter().map(|set| set[name].1.clone()).max().unwrap();
                prop_assert_eq!(&resolution.plugins[name].version, &newest);
                solutions.retain(|set| set[name].1 == newest);
            }
        }
    }

    #[test]
    fn leaves_no_plugin_that_could_be_newer_with_all_else_unchanged(mut world in world()) {
        world.requirements.update = Update::All;
        let problem = world.problem();
        if let Ok(resolution) = world.resolve() {
            let set = set_of(&resolution);
            for (name, (registry, version)) in &set {
                let id = PluginId { registry: registry.clone(), name: name.clone() };
                for newer in problem.plugins[&id].keys().filter(|it| *it > version) {
                    let yanked = world.records.iter().any(|(it, candidates)| {
                        *it == id && candidates.iter().any(|it| it.version == *newer && it.yanked)
                    });
                    let mut raised = set.clone();
                    raised.insert(name.clone(), (registry.clone(), newer.clone()));
                    prop_assert!(yanked || problem.first_unmet(&raised).is_some(), "{} {}", name, newer);
                }
            }
        }
    }

    #[test]
    fn keeps_every_locked_version_when_a_set_with_all_of_them_exists(mut world in world()) {
        // A lock is what an earlier resolution gave; here of all but one of what is wanted.
        let mut before = world.clone();
        before.requirements.wanted.pop_last();
        let Ok(locked) = before.resolve() else { return Ok(()) };
        let locked = set_of(&locked);
        let preferred = |(registry, version): &(Origin, Version)| Preferred {
            registry: registry.clone(),
            version: version.clone(),
            stays: None,
        };
        world.requirements.preferred = locked.iter().map(|(name, it)| (name.clone(), preferred(it))).collect();
        let keeps = |set: &Set| locked.iter().all(|(name, it)| set.get(name) == Some(it));
        if world.problem().solutions().iter().any(keeps) && let Ok(resolution) = world.resolve() {
            prop_assert!(keeps(&set_of(&resolution)), "{:?} became {:?}", locked, set_of(&resolution));
        }
    }

    #[test]
    fn resolving_again_with_its_own_lock_changes_nothing(mut world in world()) {
        if let Ok(first) = world.resolve() {
            let lock = set_of(&first).into_iter();
            let lock = lock.map(|(name, (registry, version))| (name, Preferred { registry, version, stays: None }));
            world.requirements.preferred = lock.collect();
            prop_assert_eq!(set_of(&world.resolve().unwrap()), set_of(&first));
        }
    }

    #[test]
    fn does_not_depend_on_the_order_of_the_input(world in world(), seed in any::<u64>()) {
        let mut shuffled = world.clone();
        let at = seed as usize % (shuffled.records.len() + 1);
        shuffled.records.rotate_left(at);
        shuffled.records.iter_mut().for_each(|(_, candidates)| candidates.reverse());
        prop_assert_eq!(answer(&shuffled.resolve()), answer(&world.resolve()));
    }

    #[test]
    fn gives_the_same_answer_when_records_are_fetched_as_needed(world in world()) {
        prop_assert_eq!(answer(&fetch_and_resolve(&world)), answer(&world.resolve()));
    }

    #[test]
    fn the_facts_of_a_failure_suffice_for_it(world in world()) {
        if let Err(ResolveError::NoSolution(explanation)) = world.resolve() {
            let solutions = problem_of(&explanation, &world).solutions();
            prop_assert!(solutions.is_empty(), "{explanation}\nallows {:?}", solutions[0]);
            prop_assert!(!explanation.to_string().contains(|it: char| it.is_control() && it != '\n'));
        }
    }

    #[test]
    fn dependencies_come_before_what_needs_them(world in world()) {
        if let Ok(resolution) = world.resolve() {
            let place = |name: &PluginName| resolution.order.iter().position(|it| it == name).unwrap();
            prop_assert_eq!(resolution.order.len(), resolution.plugins.len());
            for (name, resolved) in &resolution.plugins {
                prop_assert!(resolved.dependencies.keys().all(|needed| place(needed) < place(name)));
            }
        }
    }

    #[test]
    fn says_of_every_newer_version_why_it_was_passed_over(mut world in world(), all in any::<bool>()) {
        world.requirements.update = if all { Update::All } else { Update::None };
        if let Ok(resolution) = world.resolve() {
            for (name, resolved) in &resolution.plugins {
                let id = PluginId { registry: resolved.registry.clone(), name: name.clone() };
                let (_, candidates) = world.records.iter().find(|(it, _)| *it == id).unwrap();
                let newer = candidates.iter().filter(|it| it.version > resolved.version).count();
                prop_assert_eq!(resolved.skipped.len(), newer);
            }
        }
    }
}
