//! `leahpm sync` where a wish list stands beside the lock: a lock that is not what is asked for is made anew first, or,
//! where that is forbidden, refused.

use super::{Team, lock_of};
use crate::fixture::PackageSpec;

/// A wish list of these lines below `plugins:`.
fn wish(team: &Team, lines: &str) {
    team.user.write("plugins.yaml", format!("format: 1\nplugins:\n{lines}"));
}

#[test]
fn makes_a_lock_that_is_missing_and_installs_it() {
    let team = Team::new();
    wish(&team, "  app: \"*\"\n");
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> Wrote `leah.lock`: 2 plugins.
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(team.user.read("leah.lock"), lock_of(&team.user).as_bytes());
    team.hub.publish_all(&[("lib", "1.1.0")]);
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> Everything is as `leah.lock` says; nothing changed.
    exit 0
    ");
    wish(&team, "  app: \"*\"\n  lib: ^1.1\n");
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> Wrote `leah.lock`: 2 plugins.
    2> ~ lib 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(team.user.read("leah.lock"), lock_of(&team.user).as_bytes());
}

#[test]
fn a_strict_run_makes_no_lock() {
    let team = Team::new();
    wish(&team, "  app: \"*\"\n");
    insta::assert_snapshot!(team.user.run(&["sync", "--locked"]), @"
    2> error: there is no `leah.lock`
    2> hint: `leahpm lock` makes it
    exit 5
    ");
    team.user.run(&["sync"]).ok();
    wish(&team, "  app: \"*\"\n  mail: { range: ^1, grant: all }\n");
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `mail` is asked for, and the lock was made without it
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    insta::assert_snapshot!(team.refused(&["sync", "--frozen"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `mail` is asked for, and the lock was made without it
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    insta::assert_snapshot!(team.refused(&["sync", "--check"]), @"
    2> error: `leah.lock` is not what `plugins.yaml` asks for:
    2>   `mail` is asked for, and the lock was made without it
    2> hint: `leahpm lock` makes it anew
    exit 3
    ");
    let refused = team.user.run_env(&["sync"], &[("LEAHPM_LOCKED", "1")]);
    assert_eq!(refused.code, 3);
}

#[test]
fn a_wish_list_of_others_grants_nothing_without_a_word() {
    let team = Team::new();
    wish(&team, "  mail: { range: ^1, grant: all }\n");
    let refused = team.user.run(&["sync"]);
    insta::assert_snapshot!(refused, @"
    2> Wrote `leah.lock`: 1 plugin.
    2> error: the lock grants what nobody agreed to here:
    2>   mail: use_model (ask your chat model)
    2> hint: to agree, run `leahpm sync --grant mail:use_model`
    2> hint: `leahpm sync --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    assert_eq!(team.user.live_line(), "");
    insta::assert_snapshot!(team.user.run_second_hint(&refused), @"
    2> + mail 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
}

#[test]
fn a_dry_run_writes_no_lock_either() {
    let team = Team::new();
    wish(&team, "  app: \"*\"\n");
    let before = team.user.tree();
    insta::assert_snapshot!(team.user.run(&["sync", "--dry-run"]), @"
    1> + app 1.0.0 (hub)
    1> + lib 1.0.0 (hub)
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    assert_eq!(team.user.tree(), before);
    assert!(!team.user.path("leah.lock").exists());
}

#[test]
fn hints_make_the_lock_anew_where_it_is() {
    let team = Team::new();
    let text = team.lock(&["lib"]);
    team.user.write("a b/plugins.yaml", "format: 1\nplugins:\n  lib: \"*\"\n");
    team.user.write("a b/leah.lock", text.replacen("size: ", "size: 1", 1));
    let refused = team.user.run(&["sync", "a b/leah.lock"]);
    insta::assert_snapshot!(refused, @"
    2> error: `size` of `lib` 1.0.0 in the lock differs from what registry `hub` says
    2> hint: the lock was changed, or made from another registry of that name; `leahpm lock --update=lib 'a b/plugins.yaml'` makes the lock from what the registries say
    exit 7
    ");
    // Who edits a lock by hand is not told which part of it, so it is made from nothing.
    std::fs::remove_file(team.user.path("a b/leah.lock")).unwrap();
    team.user.run_hint(&refused).ok();
    team.user.run(&["sync", "a b/leah.lock"]).ok();
    assert_eq!(team.user.live_line(), "lib 1.0.0");
}

#[test]
fn a_person_who_agreed_when_the_lock_was_made_is_not_asked_again() {
    let team = Team::new();
    wish(&team, "  mail: \"*\"\n");
    let Some(agreed) = team.user.at_a_terminal("leahpm sync", "kkk\r") else { return };
    assert_eq!((agreed.code, team.user.live_line().as_str()), (0, "mail 1.0.0"), "{agreed}");
}

#[test]
fn a_person_who_agreed_to_one_thing_is_asked_what_the_lock_of_others_grants_besides() {
    let team = Team::new();
    team.lock(&["mail"]);
    let more = PackageSpec::new("mail", "2.0.0").permission("use_model").permission("read_messages");
    team.hub.publish(&more);
    wish(&team, "  mail: ^2\n");
    // Asked for `read_messages`, which is new in the lock, and then for what its makers granted.
    let Some(refused) = team.user.at_a_terminal("leahpm sync", "kkk\rn") else { return };
    assert!(refused.stdout.contains("The lock grants what was not granted here before:"), "{refused}");
    assert!(refused.stdout.contains("  mail: use_model (ask your chat model)"), "{refused}");
    assert_eq!((refused.code, team.user.live_line().as_str()), (8, ""), "{refused}");
    team.user.at_a_terminal("leahpm sync", "y").unwrap().ok();
    assert_eq!(team.user.locked("mail").granted.iter().count(), 2);
}
