//! The resolver around plugins that must stay: held by the user, or left out of an update.

use insta::assert_snapshot;

use super::case::case;
use crate::requirements::Update;

#[test]
fn a_plugin_that_is_held_is_the_only_candidate_and_the_rest_moves_around_it() {
    let index = "app 1.0.0; lib ^1
                 app 1.1.0; lib ^1
                 app 2.0.0; lib ^2
                 lib 1.0.0
                 lib 1.1.0
                 lib 2.0.0
                 corp/lib 1.5.0";
    let held = || case(index).lock("app 1.0.0, lib 1.0.0 held").update(Update::All);
    assert_snapshot!(held().want("app").said(), @"
    lib 1.0.0
      2.0.0 is ruled out, since 1.0.0 is held
      1.1.0 is ruled out, since 1.0.0 is held
    app 1.1.0
      2.0.0 needs `lib` ^2, but 1.0.0 has to stay
    ");
    assert_snapshot!(held().want("app@^2").said(), @"
    error: no versions fit together:
      you asked for `app` ^2
      `app` 2.0.0 needs `lib` ^2
      `lib` 2.0.0, the only version that fits `^2`, is ruled out, since 1.0.0 is held
    hint: `leahpm install app@^1.1.0` would work, with app 1.1.0
    hint: after `leahpm unhold lib`, `leahpm install app@^2` would work, with app 2.0.0 and lib 2.0.0
    hint: `leahpm info lib` shows all its versions
    ");
    assert_snapshot!(held().want("corp/lib").said(), @"
    error: `corp/lib` 1.5.0, the only version that there is, is ruled out, since 1.0.0 is held
    hint: after `leahpm unhold lib`, `leahpm install corp/lib` would work, with lib 1.5.0
    hint: `leahpm info corp/lib` shows all its versions
    ");
    assert_snapshot!(held().want("lib@>=1.1").said(), @"
    error: all versions of `lib` that fit `>=1.1` are ruled out, since 1.0.0 is held
    hint: `leahpm install lib@^1.0.0` would work, with lib 1.0.0
    hint: after `leahpm unhold lib`, `leahpm install 'lib@>=1.1'` would work, with lib 2.0.0
    hint: `leahpm info lib` shows all its versions
    ");
}

#[test]
fn a_plugin_that_is_left_out_of_an_update_stays_as_one_that_is_held() {
    let case = case(
        "app 1.0.0; lib ^1; revoked
         app 2.0.0; lib ^2
         lib 1.0.0
         lib 2.0.0",
    );
    assert_snapshot!(case.want("app").lock("app 1.0.0, lib 1.0.0 excluded").update(Update::All).said(), @"
    error: no versions fit together:
      `app` 2.0.0 needs `lib` ^2
      `lib` 2.0.0, the only version that fits `^2`, is ruled out, since 1.0.0 is left out of this update
      `app` 1.0.0 is signed with a revoked key
    hint: without `--exclude lib` it would work, with app 2.0.0 and lib 2.0.0
    hint: `leahpm info lib` shows all its versions
    ");
}

#[test]
fn a_held_version_that_cannot_be_used_is_told_with_what_is_wrong_with_it() {
    let index = "app 1.0.0; revoked
                 app 1.1.0";
    assert_snapshot!(case(index).want("app").lock("app 1.0.0 held").said(), @"
    error: no version of `app` can be used: 1.0.0 is signed with a revoked key; 1.1.0 is ruled out, since 1.0.0 is held
    hint: after `leahpm unhold app`, `leahpm install app` would work, with app 1.1.0
    hint: `leahpm info app` shows all its versions
    ");
    let index = "app 1.0.0; yanked
                 app 1.1.0";
    assert_snapshot!(case(index).want("app").lock("app 1.0.0 held").update(Update::All).said(), @"
    app 1.0.0
      1.1.0 is ruled out, since 1.0.0 is held
    ");
}
