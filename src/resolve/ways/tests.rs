//! The ways out of a failure, against an oracle that tries everything, and as texts.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::{
    requirements::{Requirement, Update},
    resolve::{
        hostile_tests::pigeons,
        oracle_tests::{IN_TIME, Set, World, set_of, world},
    },
};

/// The ways of a world, with all records there.
fn found(world: &World) -> Vec<Way> {
    match world.resolve() {
        Ok(_) => Vec::new(),
        Err(error) => {
            let found = ways(&world.requirements, &world.index(), &error, IN_TIME);
            assert!(found.missing.is_empty(), "all records are there");
            found.ways
        }
    }
}

/// The world in which a way was taken, as the command or the file of its hint would have it.
fn taken(world: &World, change: &Change) -> World {
    let mut world = world.clone();
    let requirements = &mut world.requirements;
    match change {
        Change::Ask(ranges) => {
            if matches!(requirements.place, Place::Live { .. }) {
                // An install leaves nothing out.
                let locked = requirements.preferred.values_mut();
                locked.for_each(|it| it.stays = it.stays.filter(|stays| *stays == Stays::Held));
            }
            for (plugin, range) in ranges {
                let requirement = Requirement { registry: plugin.registry.clone(), range: range.clone() };
                requirements.wanted.insert(plugin.name.clone(), requirement);
            }
        }
        Change::LetGo(names) => {
            let staying = requirements.preferred.iter_mut().filter(|(name, _)| names.contains_key(*name));
            staying.for_each(|(_, locked)| locked.stays = None);
        }
        Change::Without(names) => {
            requirements.wanted.retain(|name, _| !names.contains(name));
            if matches!(requirements.place, Place::Live { .. }) {
                // Nothing that is locked was asked for, so all of it goes.
                requirements.preferred.clear();
            }
        }
        Change::Host(host) => requirements.host = host.clone(),
        Change::Api(api) => requirements.api = api.clone(),
        Change::Update(names) => requirements.update = Update::Names(names.clone()),
    }
    world
}

/// A world whose wishes stand in a wish list, so that nothing is left out of an update or uninstalled.
fn written(mut world: World) -> World {
    world.requirements.place = Place::WishList { file: "plugins.yaml".to_owned() };
    world
}

/// The newest of `sets` by the names of what is asked for, in their order.
fn newest<'a>(sets: &'a [Set], wanted: &BTreeMap<PluginName, Requirement>) -> Option<&'a Set> {
    sets.iter().max_by_key(|set| wanted.keys().map(|name| set[name].1.clone()).collect::<Vec<_>>())
}

fn versions(set: &Set, wanted: &BTreeMap<PluginName, Requirement>) -> Vec<Version> {
    wanted.keys().map(|name| set[name].1.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_way_that_is_named_works_with_exactly_the_set_that_is_shown(world in world(), in_list in any::<bool>()) {
        let world = if in_list { written(world) } else { world };
        for way in found(&world) {
            let after = taken(&world, &way.change);
            let resolution = after.resolve();
            prop_assert!(resolution.is_ok(), "{way:?}");
            let set = set_of(&resolution.unwrap());
            prop_assert!(after.problem().solutions().contains(&set), "{way:?}");
            let shown: BTreeMap<_, _> = set.into_iter().map(|(name, (_, version))| (name, version)).collect();
            prop_assert_eq!(&way.set, &shown, "{:?}", way.change);
        }
    }

    #[test]
    fn another_wish_is_named_exactly_when_one_would_do_and_brings_the_newest_set(world in world()) {
        let mut world = written(world);
        world.requirements.preferred.clear();
        let Err(ResolveError::NoSolution(_)) = world.resolve() else { return Ok(()) };
        let found = found(&world);
        let asked: Vec<_> = found.iter().filter_map(|way| match &way.change {
            Change::Ask(ranges) => Some((ranges, &way.set)),
            _ => None,
        }).collect();
        for (name, requirement) in &world.requirements.wanted {
            let plugin = PluginId { registry: requirement.registry.clone(), name: name.clone() };
            let loosened = taken(&world, &Change::Ask(BTreeMap::from([(plugin.clone(), VersionReq::STAR)])));
            let solutions = loosened.problem().solutions();
            let ring = matches!(loosened.resolve(), Err(ResolveError::Cycle(_)));
            let named = asked.iter().find(|(ranges, _)| ranges.len() == 1 && ranges.contains_key(&plugin) && ranges[&plugin].comparators[0].pre.is_empty());
            match newest(&solutions, &loosened.requirements.wanted) {
                Some(newest) if !ring => {
                    let Some((_, set)) = named else { panic!("{plugin} is not named: {found:?}") };
                    let set: Vec<_> = loosened.requirements.wanted.keys().map(|name| set[name].clone()).collect();
                    prop_assert_eq!(set, versions(newest, &loosened.requirements.wanted));
                }
                _ => prop_assert!(named.is_none(), "{named:?}"),
            }
        }
    }

    #[test]
    fn where_no_wish_would_do_nobody_is_told_to_write_another(world in world()) {
        let world = written(world);
        let mut all = world.clone();
        for requirement in all.requirements.wanted.values_mut() {
            requirement.range = VersionReq::STAR;
        }
        let pre_releases = world.records.iter().any(|(_, all)| all.iter().any(|it| !it.version.pre.is_empty()));
        if matches!(world.resolve(), Err(ResolveError::NoSolution(_)))
            && all.problem().solutions().is_empty()
            && !pre_releases
        {
            prop_assert!(!found(&world).iter().any(|way| matches!(way.change, Change::Ask(_))));
        }
    }

    #[test]
    fn the_host_that_is_named_is_the_smallest_that_would_do(world in world()) {
        let world = written(world);
        let Err(ResolveError::NoSolution(_)) = world.resolve() else { return Ok(()) };
        let found = found(&world);
        let named = found.iter().find_map(|way| match &way.change {
            Change::Host(host) => Some(host.clone()),
            _ => None,
        });
        let works = |host: &Version| taken(&world, &Change::Host(host.clone())).resolve().is_ok();
        let hosts = ["0.2.0", "0.3.0", "0.4.0"].map(|host| host.parse::<Version>().unwrap());
        let smallest = hosts.into_iter().find(works);
        if found.iter().any(|way| matches!(way.change, Change::Ask(_))) {
            prop_assert_eq!(named, None);
        } else {
            prop_assert_eq!(named, smallest);
        }
    }

    #[test]
    fn no_wish_is_given_up_without_need(world in world()) {
        let world = written(world);
        for way in found(&world) {
            let Change::Ask(ranges) = &way.change else { continue };
            for plugin in ranges.keys().filter(|_| ranges.len() > 1) {
                let mut fewer: BTreeMap<_, _> = ranges.keys().map(|it| (it.clone(), VersionReq::STAR)).collect();
                fewer.remove(plugin);
                prop_assert!(taken(&world, &Change::Ask(fewer)).resolve().is_err(), "{plugin} in {way:?}");
            }
        }
    }

    #[test]
    fn the_ways_do_not_depend_on_the_order_of_the_input(world in world(), seed in any::<u64>()) {
        let mut shuffled = world.clone();
        let at = seed as usize % (shuffled.records.len() + 1);
        shuffled.records.rotate_left(at);
        prop_assert_eq!(found(&shuffled), found(&world));
    }
}

#[test]
fn a_hostile_index_takes_no_more_time_than_is_left() {
    let mut world = pigeons(14);
    let (name, mut requirement) = world.requirements.wanted.pop_first().unwrap();
    requirement.range = "^99".parse().unwrap();
    world.requirements.wanted.insert(name, requirement);
    // That this fails is plain; what would work instead nobody finds out.
    let Err(error) = world.resolve() else { panic!("it fails") };
    let steps = Cell::new(0);
    let found = ways(&world.requirements, &world.index(), &error, &|| steps.replace(steps.get() + 1) >= 500);
    assert_eq!(found.ways, []);
    assert!(steps.get() < 1_000, "{} steps", steps.get());
}
