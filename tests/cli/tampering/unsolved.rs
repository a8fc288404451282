//! What cannot be installed because no set of versions fits: each message explains why, and the command that a
//! hint says would work is run and works.

use std::time::{Duration, Instant};

use super::{Scene, forge::Claim};
use crate::fixture::PackageSpec;

#[track_caller]
fn refuses(scene: &Scene, arguments: &[&str]) -> String {
    scene.refuses(5, arguments)
}

/// Runs the command of the hint that says what would work, word by word.
#[track_caller]
fn hint_works(scene: &Scene, arguments: &[&str]) {
    let output = scene.run(arguments);
    scene.sandbox.run_hint(&output).ok();
    scene.sandbox.assert_no_leftovers();
}

#[test]
fn an_unknown_plugin_is_told_with_the_one_that_was_meant() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("translator", "1.0.0"));
    insta::assert_snapshot!(refuses(&scene, &["install", "translater"]), @"
    error: registry `hub` has no plugin `translater`
    hint: did you mean `leahpm install translator`?
    ");
    hint_works(&scene, &["install", "translater"]);
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, translator 1.0.0");
    insta::assert_snapshot!(refuses(&scene, &["install", "quite-another"]), @"
    error: registry `hub` has no plugin `quite-another`
    hint: `leahpm search quite-another` looks in names and descriptions
    ");
}

#[test]
fn an_unknown_plugin_of_another_registry_is_told_with_where_it_is() {
    let scene = Scene::new();
    let other = crate::fixture::TestRegistry::new(&scene.sandbox, "other");
    other.offer(&PackageSpec::new("notes", "1.0.0"));
    let path = other.folder.display().to_string();
    scene.run(&["registry", "add", "other", &path, "--key", &other.root_key().to_string()]).ok();
    insta::assert_snapshot!(refuses(&scene, &["install", "notes"]), @"
    error: registry `hub` has no plugin `notes`
    hint: registry `other` has one: `leahpm install other/notes`
    ");
    hint_works(&scene, &["install", "notes"]);
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.0.0");
}

#[test]
fn no_version_that_fits_is_told_with_those_there_are() {
    let scene = Scene::new();
    for version in ["1.0.0", "1.1.0", "2.0.0-beta.1"] {
        scene.hub.offer(&PackageSpec::new("notes", version));
    }
    insta::assert_snapshot!(refuses(&scene, &["install", "notes@^3"]), @"
    error: no version of `notes` fits `^3`: it has 1.0.0 to 2.0.0-beta.1
    hint: `leahpm install notes@^1.1.0` would work, with notes 1.1.0
    hint: `leahpm info notes` shows all its versions
    ");
    insta::assert_snapshot!(refuses(&scene, &["install", "notes@^2"]), @"
    error: `notes` has only pre-releases that fit `^2`, which must be asked for: 2.0.0-beta.1
    hint: `leahpm install notes@^1.1.0` would work, with notes 1.1.0
    hint: `leahpm install notes@^2.0.0-beta.1` would work, with notes 2.0.0-beta.1
    hint: `leahpm info notes` shows all its versions
    ");
    hint_works(&scene, &["install", "notes@^2"]);
    assert_eq!(scene.sandbox.live_line(), "keeper 1.0.0, notes 1.1.0");
}

#[test]
fn a_conflict_is_told_with_who_needs_what_and_a_range_that_would_work() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("base", "1.0.0"));
    scene.hub.offer(&PackageSpec::new("base", "2.0.0"));
    scene.hub.offer(&PackageSpec::new("left", "1.0.0").needs("base", "^1"));
    scene.hub.offer(&PackageSpec::new("right", "1.0.0").needs("base", "^1"));
    scene.hub.offer(&PackageSpec::new("right", "2.0.0").needs("base", "^2"));
    scene.installs("left");
    insta::assert_snapshot!(refuses(&scene, &["install", "right@^2"]), @"
    error: no versions fit together:
      you asked for `right` ^2
      `left` 1.0.0 needs `base` ^1
      `right` 2.0.0 needs `base` ^2
    hint: `leahpm install right@^1.0.0` would work, with right 1.0.0
    ");
    insta::assert_snapshot!(refuses(&scene, &["install", "base@^2"]), @"
    error: `left` 1.0.0 needs `base` ^1, but you asked for `base` ^2
    hint: `leahpm install base@^1.0.0` would work, with base 1.0.0
    ");
    hint_works(&scene, &["install", "right@^2"]);
    assert_eq!(scene.sandbox.live_line(), "base 1.0.0, keeper 1.0.0, left 1.0.0, right 1.0.0");
}

#[test]
fn a_dependency_that_is_not_there_is_told_with_who_needs_it() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0").needs("lost", "^1"));
    insta::assert_snapshot!(refuses(&scene, &["install", "notes"]), @"
    error: `notes` 1.0.0 needs `lost` ^1, but registry `hub` has no plugin `lost`
    hint: `leahpm info notes` shows all its versions
    ");
}

#[test]
fn plugins_that_need_each_other_are_told_with_the_ring() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("a", "0.9.0"));
    scene.hub.offer(&PackageSpec::new("a", "1.0.0").needs("b", "^1"));
    scene.hub.offer(&PackageSpec::new("b", "1.0.0").needs("c", "^1"));
    scene.hub.offer(&PackageSpec::new("c", "1.0.0").needs("a", ">=0.9"));
    insta::assert_snapshot!(refuses(&scene, &["install", "a"]), @"
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: `leahpm install a@^0.9.0` would work, with a 0.9.0
    hint: `leahpm info a` shows earlier versions
    ");
    hint_works(&scene, &["install", "a"]);
}

#[test]
fn versions_that_are_yanked_are_told_as_such() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("notes", "1.0.0"));
    scene.hub.yank("notes", "1.0.0");
    insta::assert_snapshot!(refuses(&scene, &["install", "notes"]), @"
    error: `notes` 1.0.0, the only version that there is, is yanked
    hint: `leahpm info notes` shows all its versions
    ");
    insta::assert_snapshot!(refuses(&scene, &["install", "notes@1.0.0"]), @"
    error: `notes` 1.0.0, the only version that fits `=1.0.0`, is yanked
    hint: `leahpm info notes` shows all its versions
    ");
}

#[test]
fn versions_for_another_host_or_api_end_with_exit_code_10() {
    let scene = Scene::new();
    scene.hub.offer(&PackageSpec::new("future", "1.0.0").host(">=9"));
    let mut newer = Claim::new("newer", "1.0.0");
    newer.interface.api = "^1.7".parse().unwrap();
    scene.hub.forge(&newer, b"nothing");
    insta::assert_snapshot!(scene.refuses(10, &["install", "future"]), @"
    error: `future` has only versions for leah-host >=9, this one is 0.1.0
    hint: a newer leah-host is needed: for 9.0.0, `leahpm install --host-version 9.0.0 future` would work, with future 1.0.0
    hint: `leahpm info future` shows all its versions
    ");
    insta::assert_snapshot!(scene.refuses(10, &["install", "newer"]), @"
    error: `newer` has only versions for plugin API ^1.7, this host has 1.0.0
    hint: a newer leahpm and leah-host are needed, with plugin API 1.7.0; then this would fit: newer 1.0.0
    hint: `leahpm info newer` shows all its versions
    ");
}

#[test]
fn an_index_that_is_made_to_take_for_ever_is_given_up_after_the_deadline() {
    let scene = Scene::new();
    pigeons(&scene, 14);
    let start = Instant::now();
    let error = refuses(&scene, &["install", "flock"]);
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    // Whom the most conflicts are about depends on how far the search came.
    insta::assert_snapshot!(error.split('`').next().unwrap(), @"error: choosing versions took too long: most conflicts are about");
    assert!(error.lines().nth(1).is_some_and(|line| line.starts_with("hint: ")), "{error}");
}

#[test]
fn a_chain_of_hundreds_of_plugins_is_resolved_or_given_up_in_time() {
    let scene = Scene::new();
    let needs =
        |at: u32| if at < 400 { vec![(format!("link{}", at + 1), "*".to_owned())] } else { Vec::new() };
    index(&scene, (0..=400).map(|at| (format!("link{at}"), 1, needs(at))));
    let start = Instant::now();
    // It is the index that takes the time; the packages are not there.
    let output = scene.run(&["install", "link0", "--dry-run"]);
    assert!(start.elapsed() < LONGEST, "{:?}: {output}", start.elapsed());
    assert!([0, 5].contains(&output.code), "{output}");
}

/// Longest time for a hostile index; the solver has two seconds.
const LONGEST: Duration = Duration::from_secs(20);

/// Every pigeon needs a hole to itself, and there is one hole too few: no proof of that is short.
fn pigeons(scene: &Scene, holes: u32) {
    let one = |what: &str, range: u32| (what.to_owned(), format!("={range}.0.0"));
    let pigeons = 1..=holes + 1;
    let flock = pigeons.clone().map(|at| (format!("pigeon{at}"), "*".to_owned())).collect();
    let mut versions = vec![("flock".to_owned(), 1, flock), ("air".to_owned(), 1, Vec::new())];
    for pigeon in pigeons {
        let in_hole = |hole: u32| vec![one(&format!("hole{hole}"), pigeon), ("air".into(), "*".into())];
        versions.extend((1..=holes).map(|hole| (format!("pigeon{pigeon}"), hole, in_hole(hole))));
    }
    for hole in 1..=holes {
        versions.extend((1..=holes + 1).map(|pigeon| (format!("hole{hole}"), pigeon, Vec::new())));
    }
    index(scene, versions);
}

/// An index of versions, name and major number with what each needs, without packages.
fn index(scene: &Scene, versions: impl IntoIterator<Item = (String, u32, Vec<(String, String)>)>) {
    let claims: Vec<Claim> = versions
        .into_iter()
        .map(|(name, major, needs)| {
            let mut claim = Claim::new(&name, &format!("{major}.0.0"));
            let needs = needs.iter().map(|(name, range)| (name.parse().unwrap(), range.parse().unwrap()));
            claim.interface.dependencies = needs.collect();
            claim
        })
        .collect();
    scene.hub.forge_all(claims.iter().map(|claim| (claim, &b"nothing"[..])));
}
