//! The resolver against hostile indexes, which must end at the deadline with an explanation.

use std::cell::Cell;

use super::{oracle_tests::*, *};
use crate::requirements::{BareNames, Place, Requirement, Update};

/// Versions 1.0.0 to `n`.0.0 of a plugin, each with what `needs` says of it.
fn versions(n: u64, needs: impl Fn(u64) -> Vec<(String, String)>) -> Vec<Candidate> {
    let candidate = |major| Candidate {
        version: Version::new(major, 0, 0),
        dependencies: needs(major)
            .into_iter()
            .map(|(it, range)| (name(&it), range.parse().unwrap()))
            .collect(),
        api: VersionReq::STAR,
        host: None,
        yanked: false,
        revoked: false,
    };
    (1..=n).map(candidate).collect()
}

fn hostile(records: Vec<(String, Vec<Candidate>)>, wanted: &[String]) -> World {
    let requirement = Requirement { registry: "hub".parse().unwrap(), range: VersionReq::STAR };
    World {
        records: records.into_iter().map(|(it, candidates)| (id("hub", &it), candidates)).collect(),
        unknown: Vec::new(),
        requirements: Requirements {
            wanted: wanted.iter().map(|it| (name(it), requirement.clone())).collect(),
            api: Version::new(1, 0, 0),
            host: Version::new(0, 1, 0),
            preferred: BTreeMap::new(),
            update: Update::None,
            bare: BareNames::new("hub".parse().unwrap(), None),
            place: Place::default(),
        },
    }
}

/// Every pigeon needs a hole to itself, and there is one hole too few: no proof of that is short.
pub(super) fn pigeons(holes: u64) -> World {
    let pigeon = |i: u64| {
        let hole =
            move |at: u64| vec![(format!("hole{at}"), format!("={i}.0.0")), ("air".into(), "*".into())];
        (format!("pigeon{i}"), versions(holes, hole))
    };
    let mut records: Vec<_> = (1..=holes + 1).map(pigeon).collect();
    records.extend((1..=holes).map(|at| (format!("hole{at}"), versions(holes + 1, |_| Vec::new()))));
    records.push(("air".into(), versions(1, |_| Vec::new())));
    let wanted: Vec<String> = (1..=holes + 1).map(|i| format!("pigeon{i}")).collect();
    hostile(records, &wanted)
}

#[test]
fn stops_at_the_deadline_and_names_who_conflicts_most() {
    let world = pigeons(14);
    let index = world.index();
    let steps = Cell::new(0);
    let answer = resolve(&world.requirements, &index, &|| steps.replace(steps.get() + 1) >= 200);
    assert_eq!(steps.get(), 201, "it goes on after the deadline");
    let Err(error @ ResolveError::Deadline { .. }) = answer else { panic!("{answer:?}") };
    let text = error.to_string();
    assert!(text.starts_with("choosing versions took too long: most conflicts are about `"), "{text}");
    assert_eq!(error.hints(&world.requirements, &[], &[], &Commands::default()).len(), 1);
}

#[test]
fn stops_at_a_deadline_that_has_passed_whatever_is_missing() {
    let world = pigeons(3);
    let answer = resolve(&world.requirements, &Index::default(), &|| true);
    assert!(matches!(answer, Err(ResolveError::Deadline { .. })), "{answer:?}");
}

#[test]
fn a_small_impossible_world_is_proved_impossible() {
    assert!(matches!(pigeons(3).resolve(), Err(ResolveError::NoSolution(_))));
}

#[test]
fn a_chain_of_thousands_neither_overflows_the_stack_nor_takes_long() {
    let link =
        |i: u64| (format!("link{i}"), versions(1, |_| vec![(format!("link{}", i + 1), "*".to_owned())]));
    let mut records: Vec<_> = (0..10_000).map(link).collect();
    records.push(("link10000".into(), versions(1, |_| vec![("link0".into(), "^9".into())])));
    let mut world = hostile(records, &["link0".to_owned()]);
    let Err(ResolveError::NoSolution(explanation)) = world.resolve() else { panic!("it fails") };
    assert_eq!(explanation.facts.len(), 10_002);
    world.records.last_mut().unwrap().1[0].dependencies.clear();
    assert_eq!(world.resolve().unwrap().order.len(), 10_001);
    world.records.last_mut().unwrap().1[0].dependencies.insert(name("link0"), VersionReq::STAR);
    assert!(matches!(world.resolve(), Err(ResolveError::Cycle(ring)) if ring.len() == 10_001));
}

#[test]
fn equal_neighbours_are_ruled_out_together() {
    // Forty versions at each of ten levels, all alike, above a conflict: tried one by one, and each
    // anew below each, they would take forever.
    let level = |i: u64| {
        let needs =
            vec![(format!("level{}", i + 1), "*".to_owned()), (format!("side{}", i + 1), "*".to_owned())];
        [
            (format!("level{i}"), versions(40, |_| needs.clone())),
            (format!("side{i}"), versions(40, |_| needs.clone())),
        ]
    };
    let mut records: Vec<_> = (0..10).flat_map(level).collect();
    records.push(("level10".into(), versions(40, |_| vec![("end".into(), "^1".into())])));
    records.push(("side10".into(), versions(40, |_| vec![("end".into(), "^2".into())])));
    records.push(("end".into(), versions(2, |_| Vec::new())));
    let world = hostile(records, &["level0".to_owned()]);
    let steps = Cell::new(0);
    let answer = resolve(&world.requirements, &world.index(), &|| steps.replace(steps.get() + 1) >= 2_000);
    assert!(matches!(answer, Err(ResolveError::NoSolution(_))), "{answer:?} after {steps:?}");
}
