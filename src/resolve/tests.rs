//! The resolver on small indexes written as text: what it chooses, and what it says when it cannot.

use insta::assert_snapshot;

use super::{
    case::{Case, case, id, names},
    *,
};
use crate::requirements::Update;

#[test]
fn takes_the_newest_that_fits_and_what_it_needs_first() {
    let case = case(
        "app 1.0.0; lib ^1
         app 2.0.0; lib ^2
         lib 1.0.0
         lib 2.0.0
         lib 2.1.0
         other 1.0.0",
    );
    assert_snapshot!(case.want("app").said(), @r"
    lib 2.1.0
    app 2.0.0
    ");
}

#[test]
fn says_of_each_newer_version_why_it_was_passed_over() {
    let case = case(
        "app 1.0.0; lib ^1
         app 1.1.0; lib ^2
         app 1.2.0; api ^2
         app 1.3.0; host >=0.3
         app 1.4.0; yanked
         app 1.5.0; revoked
         app 1.6.0-beta.1
         app 2.0.0
         lib 1.0.0
         lib 1.1.0
         lib 2.0.0
         old 1.0.0; lib ^1.0
         self 1.0.0
         self 1.1.0; self ^1
         solo 1.0.0
         solo 2.0.0; ghost ^1",
    );
    let case = case.want("app@^1 old self solo").lock("lib 1.0.0").unknown("ghost");
    assert_snapshot!(case.said(), @r"
    lib 1.0.0
      2.0.0 does not fit ^1, which `app` needs
      1.1.0 is newer than the locked version
    app 1.0.0
      2.0.0 does not fit ^1, which you asked for
      1.6.0-beta.1 is a pre-release, which must be asked for
      1.5.0 is signed with a revoked key
      1.4.0 is yanked
      1.3.0 is for leah-host >=0.3, this one is 0.1.0
      1.2.0 is for plugin API ^2, this host has 1.0.0
      1.1.0 needs `lib` ^2, but 1.0.0 has to stay
    old 1.0.0
    self 1.0.0
      1.1.0 needs itself
    solo 1.0.0
      2.0.0 needs `ghost` ^1, which does not go with the rest
    ");
}

#[test]
fn keeps_what_is_locked_and_lets_the_new_plugin_give_way() {
    let index = "app 1.0.0; lib ^1
                 new 1.0.0; lib ^1
                 new 2.0.0; lib ^1.1
                 lib 1.0.0
                 lib 1.1.0";
    let locked = || case(index).want("app new").lock("app 1.0.0, lib 1.0.0");
    assert_snapshot!(locked().said(), @r"
    lib 1.0.0
      1.1.0 is newer than the locked version
    app 1.0.0
    new 1.0.0
      2.0.0 needs `lib` ^1.1, but 1.0.0 has to stay
    ");
    assert_snapshot!(locked().update(names("new")).said(), @r"
    lib 1.1.0
    app 1.0.0
    new 2.0.0
    ");
    assert_snapshot!(locked().update(Update::All).said(), @r"
    lib 1.1.0
    app 1.0.0
    new 2.0.0
    ");
}

#[test]
fn moves_what_is_locked_when_nothing_else_would_fit() {
    let case = case(
        "app 1.0.0; lib ^1
         new 1.0.0; lib ^1.1
         lib 1.0.0
         lib 1.1.0",
    );
    assert_snapshot!(case.want("app new").lock("app 1.0.0, lib 1.0.0").said(), @r"
    lib 1.1.0
    app 1.0.0
    new 1.0.0
    ");
}

#[test]
fn uses_a_yanked_version_only_where_exactly_that_one_is_locked() {
    let index = "app 1.0.0
                 app 1.1.0; yanked
                 app 1.2.0; yanked";
    assert_snapshot!(case(index).want("app").said(), @r"
    app 1.0.0
      1.2.0 is yanked
      1.1.0 is yanked
    ");
    assert_snapshot!(case(index).want("app").lock("app 1.1.0").said(), @r"
    app 1.1.0
      1.2.0 is yanked
    ");
    assert_snapshot!(case(index).want("app").lock("corp/app 1.1.0").said(), @r"
    app 1.0.0
      1.2.0 is yanked
      1.1.0 is yanked
    ");
    // An update leaves it, but not where there is no other.
    assert_snapshot!(case(index).want("app").lock("app 1.1.0").update(Update::All).said(), @r"
    app 1.0.0
      1.2.0 is yanked
      1.1.0 is yanked
    ");
    assert_snapshot!(case(index).want("app@^1.1").lock("app 1.1.0").update(Update::All).said(), @r"
    app 1.1.0
      1.2.0 is yanked
    ");
}

#[test]
fn never_uses_a_revoked_version_though_it_is_locked() {
    let case = case("app 1.0.0; revoked").want("app").lock("app 1.0.0");
    assert_snapshot!(case.said(), @r"
    error: `app` 1.0.0, the only version that there is, is signed with a revoked key
    hint: `leahpm info app` shows all its versions
    ");
}

#[test]
fn takes_pre_releases_only_when_asked_for() {
    let index = "app 1.0.0
                 app 2.0.0-beta.1";
    assert_snapshot!(case(index).want("app").said(), @r"
    app 1.0.0
      2.0.0-beta.1 is a pre-release, which must be asked for
    ");
    assert_snapshot!(case(index).want("app@2.0.0-beta.1").said(), @"app 2.0.0-beta.1");
    assert_snapshot!(case(index).want("app@^2").said(), @"
    error: `app` has only pre-releases that fit `^2`, which must be asked for: 2.0.0-beta.1
    hint: `leahpm install app@^1.0.0` would work, with app 1.0.0
    hint: `leahpm install app@^2.0.0-beta.1` would work, with app 2.0.0-beta.1
    hint: `leahpm info app` shows all its versions
    ");
}

#[test]
fn says_what_there_is_when_nothing_fits_a_range() {
    let index = "app 1.0.0
                 app 2.4.1";
    assert_snapshot!(case(index).want("app@^3").said(), @"
    error: no version of `app` fits `^3`: it has 1.0.0 to 2.4.1
    hint: `leahpm install app@^2.4.1` would work, with app 2.4.1
    hint: `leahpm info app` shows all its versions
    ");
    let mut none = case("").want("app");
    none.index.add(id("app"), Vec::new());
    assert_snapshot!(none.said(), @r"
    error: `app` has no versions
    hint: `leahpm info app` shows all its versions
    ");
}

#[test]
fn says_when_only_another_host_would_do() {
    let only = case(
        "app 1.0.0; api ^2
         app 2.0.0; api ^2",
    );
    assert_snapshot!(only.want("app").said(), @"
    error: `app` has only versions for plugin API ^2, this host has 1.0.0
    hint: a newer leahpm and leah-host are needed, with plugin API 2.0.0; then this would fit: app 2.0.0
    hint: `leahpm info app` shows all its versions
    ");
    let in_range = case(
        "app 1.0.0
         app 2.0.0; host >=0.3
         app 2.1.0; host >=0.3",
    );
    let in_range = in_range.want("app@^2");
    assert_snapshot!(in_range.said(), @"
    error: all versions of `app` that fit `^2` are for leah-host >=0.3, this one is 0.1.0
    hint: `leahpm install app@^1.0.0` would work, with app 1.0.0
    hint: `leahpm info app` shows all its versions
    ");
    let Err(ResolveError::NoSolution(explanation)) = in_range.resolve() else { panic!("it fails") };
    assert!(explanation.is_incompatible());
}

#[test]
fn lists_what_is_wrong_with_each_version_in_the_range() {
    let yanked = case(
        "app 1.0.0; yanked
         app 1.1.0; yanked
         app 2.0.0",
    );
    assert_snapshot!(yanked.want("app@^1").said(), @"
    error: all versions of `app` that fit `^1` are yanked
    hint: `leahpm install app@^2.0.0` would work, with app 2.0.0
    hint: `leahpm info app` shows all its versions
    ");
    let mixed = case(
        "app 1.0.0; yanked
         app 1.1.0; api ^2
         app 1.2.0; api ^2
         app 1.3.0; revoked",
    );
    let mixed = mixed.want("app");
    assert_snapshot!(mixed.said(), @"
    error: no version of `app` can be used: 1.0.0 is yanked; 1.1.0 to 1.2.0 are for plugin API ^2, this host has 1.0.0; 1.3.0 is signed with a revoked key
    hint: a newer leahpm and leah-host are needed, with plugin API 2.0.0; then this would fit: app 1.2.0
    hint: `leahpm info app` shows all its versions
    ");
    let Err(ResolveError::NoSolution(explanation)) = mixed.resolve() else { panic!("it fails") };
    assert!(!explanation.is_incompatible());
}

#[test]
fn names_both_sides_of_a_conflict_and_a_way_out_that_works() {
    let case = case(
        "app 2.0.0; lib ^2
         lib 1.0.0
         lib 2.1.0",
    );
    assert_snapshot!(case.want("app lib@^1").said(), @"
    error: `app` 2.0.0 needs `lib` ^2, but you asked for `lib` ^1
    hint: `leahpm install app lib@^2.1.0` would work, with app 2.0.0 and lib 2.1.0
    ");
}

#[test]
fn tells_a_longer_conflict_from_what_was_asked_for() {
    let long = case(
        "app 1.0.0; middle *; helper *
         app 1.1.0; middle *; helper *
         app 2.0.0
         middle 1.0.0; lib ^2
         helper 1.0.0
         old 1.0.0; lib ^1
         old 1.1.0; lib ^1
         old 2.0.0; yanked
         lib 1.0.0
         lib 2.0.0",
    );
    assert_snapshot!(long.want("app@^1 old").said(), @"
    error: no versions fit together:
      you asked for `app` ^1
      `app` 1.0.0 to 1.1.0 need `middle`
      `old` 1.0.0 to 1.1.0 need `lib` ^1
      `middle` 1.0.0 needs `lib` ^2
      `old` 2.0.0 is yanked
    hint: `leahpm install app@^2.0.0 old` would work, with app 2.0.0, lib 1.0.0 and old 1.1.0
    ");
}

#[test]
fn says_what_a_needed_plugin_lacks() {
    let index = "app 1.0.0; ghost ^1
                 app 1.1.0; ghost ^1";
    assert_snapshot!(case(index).want("app").unknown("ghost").said(), @r"
    error: every version of `app` needs `ghost` ^1, but registry `hub` has no plugin `ghost`
    hint: `leahpm info app` shows all its versions
    ");
    let index = "app 1.0.0; lib ^3
                 lib 1.0.0
                 lib 2.0.0";
    assert_snapshot!(case(index).want("app").said(), @r"
    error: `app` 1.0.0 needs `lib` ^3, but no version of `lib` fits `^3`: it has 1.0.0 to 2.0.0
    hint: `leahpm info lib` shows all its versions
    ");
}

#[test]
fn suggests_similar_names_and_other_registries_for_unknown_plugins() {
    assert_snapshot!(case("").want("trnslator").unknown("trnslator").said(), @r"
    error: registry `hub` has no plugin `trnslator`
    hint: did you mean `leahpm install translator`?
    ");
    assert_snapshot!(case("").want("weather").unknown("weather").said(), @r"
    error: registry `hub` has no plugin `weather`
    hint: registry `corp` has one: `leahpm install corp/weather`
    ");
    assert_snapshot!(case("").want("zebra").unknown("zebra").said(), @r"
    error: registry `hub` has no plugin `zebra`
    hint: `leahpm search zebra` looks in names and descriptions
    ");
}

#[test]
fn refuses_one_name_from_two_registries() {
    let case = case(
        "app 1.0.0; lib ^1
         corp/tool 1.0.0; lib ^1
         lib 1.0.0
         corp/lib 1.0.0",
    );
    assert_snapshot!(case.want("app corp/tool").said(), @"
    error: no versions fit together:
      `app` 1.0.0 needs `lib` ^1
      `corp/tool` 1.0.0 needs `corp/lib` ^1
      `lib` would come from the registries `corp` and `hub`, but a set holds a name once
    hint: without `corp/tool`, `leahpm install app` would work, with app 1.0.0 and lib 1.0.0
    ");
}

#[test]
fn takes_an_older_version_rather_than_a_name_from_two_registries() {
    let case = case(
        "app 1.0.0; lib ^1
         corp/tool 1.0.0
         corp/tool 2.0.0; lib ^1
         lib 1.0.0
         corp/lib 1.0.0",
    );
    assert_snapshot!(case.want("app corp/tool").said(), @r"
    lib 1.0.0
    app 1.0.0
    tool 1.0.0
      2.0.0 needs `lib` ^1, which does not go with the rest
    ");
}

#[test]
fn never_falls_back_to_another_registry() {
    let case = case(
        "corp/tool 1.0.0; lib ^1
         lib 1.0.0",
    );
    assert_snapshot!(case.want("corp/tool").unknown("corp/lib").said(), @r"
    error: `corp/tool` 1.0.0 needs `corp/lib` ^1, but registry `corp` has no plugin `lib`
    hint: `leahpm info corp/tool` shows all its versions
    ");
}

#[test]
fn names_a_ring_of_plugins_that_need_each_other() {
    let case = case(
        "a 1.0.0; b *
         b 1.0.0; c *
         c 1.0.0; a *
         d 1.0.0; a *",
    );
    assert_snapshot!(case.want("d").said(), @r"
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: `leahpm info a` shows earlier versions
    ");
}

#[test]
fn asks_for_a_whole_layer_of_records_at_once() {
    let needs = |case: &Case| match case.resolve() {
        Err(ResolveError::Needs(ids)) => ids.iter().map(PluginId::to_string).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    };
    assert_eq!(needs(&case("").want("app tool corp/x")), "corp/x hub/app hub/tool");
    let first = "app 2.0.0; lib ^1; text ^1
                 tool 1.0.0; net ^1";
    assert_eq!(needs(&case(first).want("app tool")), "hub/lib hub/net hub/text");
    // The newest did not do: what all older ones need comes in one round.
    let older = "app 1.0.0; one ^1
                 app 1.1.0; two ^1
                 app 2.0.0; lib ^9
                 lib 1.0.0";
    assert_eq!(needs(&case(older).want("app")), "hub/one hub/two");
}

#[test]
fn explains_thousands_of_facts_in_a_dozen_lines() {
    let chain = (0..100).map(|i| format!("p{i} 1.0.0; p{} ^1\n", i + 1)).collect::<String>();
    let said = case(&format!("{chain}p100 2.0.0")).want("p0").said();
    assert_eq!(said.lines().count(), 15, "{said}");
    assert!(said.contains("and 89 more such reasons"), "{said}");
}
