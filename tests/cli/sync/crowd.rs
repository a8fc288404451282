//! `leahpm sync` beside others: a host that runs, and further processes at the same home.

use leah_plugin::message::{Call, Prepared};

use super::{Team, lock_of};
use crate::{fixture::PackageSpec, host::fake};

#[test]
fn a_set_that_the_running_host_refuses_changes_nothing() {
    let team = Team::new();
    team.user.run(&["install", "lib"]).ok();
    team.lock(&["app", "mail"]);
    let host = fake::host(&team.user, |id, call| match call {
        Call::Prepare(_) => {
            let plugin = Some("mail".parse().unwrap());
            Some(fake::result(id, &Prepared::Refused { plugin, reason: "no luck".into() }))
        }
        _ => None,
    });
    insta::assert_snapshot!(team.refused(&["sync", "--locked"]), @"
    2> error: `mail` does not start in the running host, so nothing was changed
    2> caused by: no luck
    2> hint: `leahpm host logs mail` shows what it logged
    exit 11
    ");
    assert!(host.heard().iter().any(|heard| heard == "prepare 2 while 1 is live"));
    team.user.run(&["sync", "--locked", "--no-host"]).ok();
    assert_eq!(lock_of(&team.user), lock_of(&team.author));
}

#[test]
fn a_running_host_tries_the_set_before_it_is_live() {
    let team = Team::new();
    team.lock(&["app"]);
    team.user.run(&["install", "mail", "--grant", "all"]).ok();
    let host = fake::sound(&team.user);
    team.sync().ok();
    let heard = host.heard();
    assert_eq!(heard[heard.len() - 2..], ["prepare 2 while 1 is live", "commit 2 while 2 is live"]);
}

#[test]
fn many_at_once_end_with_one_of_their_locks() {
    let team = Team::new();
    team.hub.publish(&PackageSpec::new("app", "1.1.0").needs("lib", "^1"));
    let locks = [team.lock(&["app@1.0.0", "mail"]), team.lock(&["app@1.1.0"]), team.lock(&["lib"])];
    for (index, text) in locks.iter().enumerate() {
        team.user.write(format!("{index}.lock"), text);
    }
    let start = |round: usize| {
        let file = format!("{}.lock", round % locks.len());
        team.user.spawn(&["sync", &file, "--locked", "--lock-wait", "300"])
    };
    let running: Vec<_> = (0..6).map(start).collect();
    for child in running {
        team.user.wait(child).ok();
    }
    assert!(locks.contains(&lock_of(&team.user)));
    team.user.run(&["verify"]).ok();
    team.user.assert_no_leftovers();
    team.user.run(&["sync", "2.lock"]).ok();
    assert_eq!(lock_of(&team.user), locks[2]);
}
