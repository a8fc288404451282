//! The ways out of a failure on small indexes, as the sentences that people read.

use insta::assert_snapshot;

use crate::{
    requirements::Update,
    resolve::case::{Case, case},
};

/// What a command line says, and what a wish list says.
fn both(case: impl Fn() -> Case) -> String {
    format!("{}\n{}", case().said(), case().written().said())
}

#[test]
fn a_conflict_of_two_wishes_is_told_with_each_wish_that_could_be_another() {
    let index = "a 1.0.0; lib ^1
                 a 1.5.0; lib ^1
                 a 2.0.0; lib ^2
                 b 1.0.0; lib ^1
                 b 2.0.0; lib ^1
                 b 3.0.0; lib ^2
                 lib 1.0.0
                 lib 1.3.0
                 lib 2.0.0";
    assert_snapshot!(both(|| case(index).want("a@^2 b@^2")), @"
    error: no versions fit together:
      you asked for `a` ^2
      you asked for `b` ^2
      `a` 2.0.0 needs `lib` ^2
      `b` 2.0.0 needs `lib` ^1
    hint: `leahpm install a@^2 b@^3.0.0` would work, with a 2.0.0, b 3.0.0 and lib 2.0.0
    hint: `leahpm install a@^1.5.0 b@^2` would work, with a 1.5.0, b 2.0.0 and lib 1.3.0
    error: no versions fit together:
      you asked for `a` ^2
      you asked for `b` ^2
      `a` 2.0.0 needs `lib` ^2
      `b` 2.0.0 needs `lib` ^1
    hint: write `b: ^3.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 2.0.0, b 3.0.0 and lib 2.0.0
    hint: write `a: ^1.5.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.5.0, b 2.0.0 and lib 1.3.0
    ");
}

#[test]
fn wishes_that_must_all_be_others_are_told_together() {
    let index = "a 1.0.0
                 b 1.0.0
                 c 1.0.0
                 c 2.0.0";
    assert_snapshot!(both(|| case(index).want("a@^2 b@^2 c@^1")), @"
    error: no version of `b` fits `^2`: it has 1.0.0
    hint: `leahpm install a@^1.0.0 b@^1.0.0 c@^1` would work, with a 1.0.0, b 1.0.0 and c 1.0.0
    hint: `leahpm info b` shows all its versions
    error: no version of `b` fits `^2`: it has 1.0.0
    hint: write `a: ^1.0.0` and `b: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0, b 1.0.0 and c 1.0.0
    hint: `leahpm info b` shows all its versions
    ");
    let index = "a 1.0.0
                 a 3.0.0-beta.1
                 b 1.0.0-beta.1";
    assert_snapshot!(both(|| case(index).want("a@^3 b")), @"
    error: `b` has only pre-releases, which must be asked for: 1.0.0-beta.1
    hint: `leahpm install a@^1.0.0 b@^1.0.0-beta.1` would work, with a 1.0.0 and b 1.0.0-beta.1
    hint: `leahpm info b` shows all its versions
    error: `b` has only pre-releases, which must be asked for: 1.0.0-beta.1
    hint: write `a: ^1.0.0` and `b: ^1.0.0-beta.1` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0 and b 1.0.0-beta.1
    hint: `leahpm info b` shows all its versions
    ");
}

#[test]
fn a_conflict_two_levels_down_is_told_with_a_version_that_does_without() {
    let index = "app 1.0.0
                 app 2.0.0; middle ^1
                 middle 1.0.0; lib ^2
                 old 1.0.0; lib ^1
                 lib 1.0.0
                 lib 2.0.0";
    assert_snapshot!(both(|| case(index).want("app@^2 old")), @"
    error: no versions fit together:
      you asked for `app` ^2
      `app` 2.0.0 needs `middle` ^1
      `old` 1.0.0 needs `lib` ^1
      `middle` 1.0.0 needs `lib` ^2
    hint: `leahpm install app@^1.0.0 old` would work, with app 1.0.0, lib 1.0.0 and old 1.0.0
    error: no versions fit together:
      you asked for `app` ^2
      `app` 2.0.0 needs `middle` ^1
      `old` 1.0.0 needs `lib` ^1
      `middle` 1.0.0 needs `lib` ^2
    hint: write `app: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with app 1.0.0, lib 1.0.0 and old 1.0.0
    ");
    let stuck = "app 2.0.0; middle ^1
                 middle 1.0.0; lib ^2
                 old 1.0.0; lib ^1
                 lib 1.0.0
                 lib 2.0.0";
    assert_snapshot!(both(|| case(stuck).want("app old")), @"
    error: no versions fit together:
      `app` 2.0.0 needs `middle` ^1
      `old` 1.0.0 needs `lib` ^1
      `middle` 1.0.0 needs `lib` ^2
    hint: without `old`, `leahpm install app` would work, with app 2.0.0, lib 2.0.0 and middle 1.0.0
    error: no versions fit together:
      `app` 2.0.0 needs `middle` ^1
      `old` 1.0.0 needs `lib` ^1
      `middle` 1.0.0 needs `lib` ^2
    hint: take `app` out of `plugins.yaml`; `leahpm lock` would then work, with lib 1.0.0 and old 1.0.0
    ");
}

#[test]
fn a_host_that_is_too_old_is_told_with_the_smallest_that_would_do() {
    let index = "a 1.0.0; host >=0.3
                 a 2.0.0; host >=0.5
                 b 1.0.0; host ^0.4.1
                 c 1.0.0; host <0.1";
    assert_snapshot!(both(|| case(index).want("a")), @"
    error: no version of `a` can be used: 1.0.0 is for leah-host >=0.3, this one is 0.1.0; 2.0.0 is for leah-host >=0.5, this one is 0.1.0
    hint: a newer leah-host is needed: for 0.3.0, `leahpm install --host-version 0.3.0 a` would work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    error: no version of `a` can be used: 1.0.0 is for leah-host >=0.3, this one is 0.1.0; 2.0.0 is for leah-host >=0.5, this one is 0.1.0
    hint: a newer leah-host is needed: for 0.3.0, `leahpm lock --host-version 0.3.0` would work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    ");
    assert_snapshot!(both(|| case(index).want("a b")), @"
    error: `b` has only versions for leah-host ^0.4.1, this one is 0.1.0
    hint: a newer leah-host is needed: for 0.4.1, `leahpm install --host-version 0.4.1 a b` would work, with a 1.0.0 and b 1.0.0
    hint: `leahpm info b` shows all its versions
    error: `b` has only versions for leah-host ^0.4.1, this one is 0.1.0
    hint: a newer leah-host is needed: for 0.4.1, `leahpm lock --host-version 0.4.1` would work, with a 1.0.0 and b 1.0.0
    hint: `leahpm info b` shows all its versions
    ");
    assert_snapshot!(both(|| case(index).want("c")), @"
    error: `c` has only versions for leah-host <0.1, this one is 0.1.0
    hint: `leahpm info c` shows all its versions
    error: `c` has only versions for leah-host <0.1, this one is 0.1.0
    hint: `leahpm info c` shows all its versions
    ");
}

#[test]
fn a_plugin_api_that_is_too_old_is_told_and_no_command() {
    let index = "a 1.0.0; api ^2.1
                 old 1.0.0; api ^0.9";
    assert_snapshot!(both(|| case(index).want("a")), @"
    error: `a` has only versions for plugin API ^2.1, this host has 1.0.0
    hint: a newer leahpm and leah-host are needed, with plugin API 2.1.0; then this would fit: a 1.0.0
    hint: `leahpm info a` shows all its versions
    error: `a` has only versions for plugin API ^2.1, this host has 1.0.0
    hint: a newer leahpm and leah-host are needed, with plugin API 2.1.0; then this would fit: a 1.0.0
    hint: `leahpm info a` shows all its versions
    ");
    assert_snapshot!(both(|| case(index).want("old")), @"
    error: `old` has only versions for plugin API ^0.9, this host has 1.0.0
    hint: `leahpm info old` shows all its versions
    error: `old` has only versions for plugin API ^0.9, this host has 1.0.0
    hint: `leahpm info old` shows all its versions
    ");
}

#[test]
fn what_was_yanked_or_revoked_since_is_told_with_what_takes_its_place() {
    let index = "a 1.0.0
                 a 1.1.0; yanked
                 a 1.2.0; revoked
                 a 2.0.0; lib =1.0.0
                 lib 1.0.0; yanked
                 lib 1.1.0";
    assert_snapshot!(both(|| case(index).want("a@1.1.0")), @"
    error: `a` 1.1.0, the only version that fits `=1.1.0`, is yanked
    hint: `leahpm install a@^1.0.0` would work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    error: `a` 1.1.0, the only version that fits `=1.1.0`, is yanked
    hint: write `a: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    ");
    assert_snapshot!(both(|| case(index).want("a@1.2.0").lock("a 1.2.0")), @"
    error: `a` 1.2.0, the only version that fits `=1.2.0`, is signed with a revoked key
    hint: `leahpm install a@^1.0.0` would work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    error: `a` 1.2.0, the only version that fits `=1.2.0`, is signed with a revoked key
    hint: write `a: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0
    hint: `leahpm info a` shows all its versions
    ");
    assert_snapshot!(both(|| case(index).want("a@^2")), @"
    error: no versions fit together:
      you asked for `a` ^2
      `a` 2.0.0 needs `lib` =1.0.0
      `lib` 1.0.0, the only version that fits `=1.0.0`, is yanked
    hint: `leahpm install a@^1.0.0` would work, with a 1.0.0
    hint: `leahpm info lib` shows all its versions
    error: no versions fit together:
      you asked for `a` ^2
      `a` 2.0.0 needs `lib` =1.0.0
      `lib` 1.0.0, the only version that fits `=1.0.0`, is yanked
    hint: write `a: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0
    hint: `leahpm info lib` shows all its versions
    ");
}

#[test]
fn a_ring_is_told_with_the_newest_version_that_is_in_none() {
    let index = "a 0.9.0
                 a 1.0.0; b *
                 a 1.1.0; b *
                 b 1.0.0; c *
                 c 1.0.0; a *";
    assert_snapshot!(both(|| case(index).want("a")), @"
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: `leahpm install a@^0.9.0` would work, with a 0.9.0
    hint: `leahpm info a` shows earlier versions
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: write `a: ^0.9.0` into `plugins.yaml`; `leahpm lock` would then work, with a 0.9.0
    hint: `leahpm info a` shows earlier versions
    ");
    // With an older `a` the ring is none, and so it is with nothing else.
    assert_snapshot!(both(|| case(index).want("c")), @"
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: `leahpm install c a@^0.9.0` would work, with a 0.9.0 and c 1.0.0
    hint: `leahpm info a` shows earlier versions
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `c`, `c` needs `a`
    hint: write `a: ^0.9.0` into `plugins.yaml`; `leahpm lock` would then work, with a 0.9.0 and c 1.0.0
    hint: `leahpm info a` shows earlier versions
    ");
}

#[test]
fn a_plugin_of_another_registry_that_a_wish_list_lacks_is_written_with_its_registry() {
    let index = "corp/a 0.9.0
                 corp/a 1.0.0; b *
                 corp/b 1.0.0; a *";
    assert_snapshot!(both(|| case(index).want("corp/b")), @"
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `a`
    hint: `leahpm install corp/b corp/a@^0.9.0` would work, with a 0.9.0 and b 1.0.0
    hint: `leahpm info a` shows earlier versions
    error: plugins need each other in a ring, so none can start first: `a` needs `b`, `b` needs `a`
    hint: write `a: { range: ^0.9.0, registry: corp }` into `plugins.yaml`; `leahpm lock` would then work, with a 0.9.0 and b 1.0.0
    hint: `leahpm info a` shows earlier versions
    ");
}

#[test]
fn an_unknown_plugin_in_a_wish_list_is_told_in_words_for_a_wish_list() {
    assert_snapshot!(case("").want("trnslator").unknown("trnslator").written().said(), @"
    error: registry `hub` has no plugin `trnslator`
    hint: did you mean `translator` in `plugins.yaml`?
    ");
    assert_snapshot!(case("").want("weather").unknown("weather").written().said(), @"
    error: registry `hub` has no plugin `weather`
    hint: registry `corp` has one; write `registry: corp` for `weather` into `plugins.yaml`
    ");
    assert_snapshot!(case("").want("zebra").unknown("zebra").written().said(), @"
    error: registry `hub` has no plugin `zebra`
    hint: `leahpm search zebra` looks in names and descriptions
    ");
}

#[test]
fn of_many_plugins_ten_are_named() {
    let needs: String = (10..25).map(|at| format!("; p{at} ^1")).collect();
    let plugins: String = (10..25).map(|at| format!("p{at} 1.0.0\n")).collect();
    let index = format!("a 1.0.0{needs}\n{plugins}");
    assert_snapshot!(both(|| case(&index).want("a@^2")), @"
    error: no version of `a` fits `^2`: it has 1.0.0
    hint: `leahpm install a@^1.0.0` would work, with a 1.0.0, p10 1.0.0, p11 1.0.0, p12 1.0.0, p13 1.0.0, p14 1.0.0, p15 1.0.0, p16 1.0.0, p17 1.0.0, p18 1.0.0 and 6 more
    hint: `leahpm info a` shows all its versions
    error: no version of `a` fits `^2`: it has 1.0.0
    hint: write `a: ^1.0.0` into `plugins.yaml`; `leahpm lock` would then work, with a 1.0.0, p10 1.0.0, p11 1.0.0, p12 1.0.0, p13 1.0.0, p14 1.0.0, p15 1.0.0, p16 1.0.0, p17 1.0.0, p18 1.0.0 and 6 more
    hint: `leahpm info a` shows all its versions
    ");
}

#[test]
fn a_command_that_a_shell_would_misread_is_quoted() {
    let index = "a 1.0.0
                 b 1.0.0
                 b 2.0.0";
    let case = case(index).want("a@^2 b@>=1,<2").update(Update::None);
    assert_snapshot!(case.said(), @"
    error: no version of `a` fits `^2`: it has 1.0.0
    hint: `leahpm install a@^1.0.0 'b@>=1, <2'` would work, with a 1.0.0 and b 1.0.0
    hint: `leahpm info a` shows all its versions
    ");
}
