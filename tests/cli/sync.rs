//! `leahpm sync`: the installation becomes what a lock says, and the lock stays what it is.

mod bundle;
mod consent;
mod crowd;
mod lies;
mod network;
mod project;
mod trust;

use std::fs;

use leah_plugin::lock::Lock;

use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Output, Sandbox, names_in},
};

/// The home of somebody who made a lock, its registry, and the home of somebody who gets the lock.
pub struct Team {
    pub author: Sandbox,
    pub hub: TestRegistry,
    pub user: Sandbox,
}

impl Team {
    /// Both know a registry in a folder, in which `app` 1.0.0 needs `lib` 1.0.0, and there is `mail` 1.0.0, which wants
    /// to ask the model.
    pub fn new() -> Self {
        let (author, user) = (Sandbox::new(), Sandbox::new());
        let hub = TestRegistry::new(&author, "hub");
        hub.publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
        hub.publish_all(&[("lib", "1.0.0")]);
        hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
        for sandbox in [&author, &user] {
            hub.add_as_default(sandbox);
        }
        let team = Self { author, hub, user };
        team.redact(&team.user);
        team
    }

    /// What is different in each run and belongs to the registry.
    pub fn redact(&self, sandbox: &Sandbox) {
        sandbox.redact(self.hub.root_key(), "[hub root key]");
        sandbox.redact(self.hub.publisher.public(), "[hub publisher key]");
    }

    /// The author installs these plugins, agrees to all they ask for, and hands out the lock.
    #[track_caller]
    pub fn lock(&self, plugins: &[&str]) -> String {
        self.author.run(&[&["install", "--grant", "all"], plugins].concat()).ok();
        let text = lock_of(&self.author);
        self.hand(&text);
        text
    }

    /// The user gets a lock.
    pub fn hand(&self, lock: &str) {
        self.user.write("leah.lock", lock);
    }

    /// The user gets a lock that somebody changed on the way.
    #[track_caller]
    pub fn hand_changed(&self, lock: &str, change: impl FnOnce(&mut Lock)) {
        let mut lock = Lock::read(lock.as_bytes()).unwrap();
        change(&mut lock);
        self.hand(&lock.to_text().unwrap());
    }

    /// What a run answers that must fail and leave everything as it was.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> Output {
        let before = (self.user.tree(), self.user.read("leah.lock"));
        let output = self.user.run(arguments);
        assert_ne!(output.code, 0, "{output}");
        assert_eq!((self.user.tree(), self.user.read("leah.lock")), before, "{output}");
        self.user.assert_no_leftovers();
        output
    }

    /// What `leahpm sync --locked` answers to the user.
    pub fn sync(&self) -> Output {
        self.user.run(&["sync", "--locked"])
    }
}

/// The text of the live lock.
#[track_caller]
pub fn lock_of(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.layout().plugins().join("leah.lock")).unwrap()
}

#[test]
fn makes_the_installation_equal_to_the_lock() {
    let team = Team::new();
    let text = team.lock(&["app", "mail"]);
    // What is newest by now does not matter.
    team.hub.publish_all(&[("lib", "1.1.0")]);
    insta::assert_snapshot!(team.sync(), @"
    2> + app 1.0.0 (hub)
    2> + lib 1.0.0 (hub)
    2> + mail 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(lock_of(&team.user), text);
    assert_eq!(team.user.read("leah.lock"), text.as_bytes());
    let contents = |sandbox: &Sandbox| names_in(&sandbox.layout().store());
    assert_eq!(contents(&team.user), contents(&team.author));
    insta::assert_snapshot!(team.user.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 1       -       [TIME]  live  sync
    exit 0
    ");
    team.user.run(&["verify"]).ok();
    team.user.assert_no_leftovers();
}

#[test]
fn takes_out_what_the_lock_does_not_name_and_moves_what_it_names_otherwise() {
    let team = Team::new();
    team.lock(&["app"]);
    team.hub.publish_all(&[("lib", "1.1.0")]);
    team.user.run(&["install", "app", "mail", "--grant", "all"]).ok();
    assert_eq!(team.user.live_line(), "app 1.0.0, lib 1.1.0, mail 1.0.0");
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> ~ lib 1.1.0 -> 1.0.0
    2> - mail 1.0.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(team.user.live_line(), "app 1.0.0, lib 1.0.0");
    // What is there again needs no consent and no registry.
    fs::remove_dir_all(&team.hub.folder).unwrap();
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> Everything is as `leah.lock` says; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(team.user.run(&["rollback"]), @"
    2> ~ lib 1.0.0 -> 1.1.0
    2> + mail 1.0.0 (hub)
    2> Rolled back from generation 2 to 1.
    exit 0
    ");
    team.user.assert_no_leftovers();
}

#[test]
fn leaves_what_the_lock_does_not_name_when_asked_to() {
    let team = Team::new();
    team.lock(&["mail"]);
    team.user.run(&["install", "app"]).ok();
    insta::assert_snapshot!(team.user.run(&["sync", "--keep-extra", "--locked"]), @"
    2> + mail 1.0.0 (hub)
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(team.user.live_line(), "app 1.0.0, lib 1.0.0, mail 1.0.0");
    insta::assert_snapshot!(team.user.run(&["sync", "--keep-extra", "--check"]), @"
    2> Everything is as `leah.lock` says; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(team.user.run(&["sync", "--check"]), @"
    1> - app 1.0.0
    1> - lib 1.0.0
    2> error: the installation is not as `leah.lock` says
    2> hint: `leahpm sync` makes it so
    exit 3
    ");
}

#[test]
fn names_what_cannot_be_left() {
    let team = Team::new();
    team.user.run(&["install", "app"]).ok();
    team.hub.publish_all(&[("lib", "2.0.0")]);
    team.lock(&["lib"]);
    let before = team.user.tree();
    let refused = team.user.run(&["sync", "--keep-extra"]);
    insta::assert_snapshot!(refused, @"
    2> error: `app` cannot stay beside what the lock names
    2> caused by: `app` needs `lib` ^1, but the lock has 2.0.0
    2> hint: without `--keep-extra` they are taken out
    exit 5
    ");
    assert_eq!(team.user.tree(), before);
    team.user.run(&["sync"]).ok();
    assert_eq!(team.user.live_line(), "lib 2.0.0");
}

#[test]
fn says_what_differs_and_does_nothing() {
    let team = Team::new();
    team.lock(&["app", "mail"]);
    team.user.run(&["install", "mail", "--deny", "all"]).ok();
    let before = team.user.tree();
    fs::remove_dir_all(&team.hub.folder).unwrap();
    let differs = team.user.run(&["sync", "--check"]);
    insta::assert_snapshot!(differs, @"
    1> + app 1.0.0 (hub)
    1> + lib 1.0.0 (hub)
    1> ~ mail granted: use_model; denied: none
    2> error: the installation is not as `leah.lock` says
    2> hint: `leahpm sync` makes it so
    exit 3
    ");
    insta::assert_snapshot!(team.user.run(&["sync", "--check", "--json"]), @r#"
    1> {"error":{"causes":[],"code":3,"details":{"changes":[{"change":"install","name":"app","registry":"hub","version":"1.0.0"},{"change":"install","name":"lib","registry":"hub","version":"1.0.0"},{"change":"permissions","denied":[],"granted":["use_model"],"name":"mail"}]},"hint":"`leahpm sync` makes it so","hints":["`leahpm sync` makes it so"],"message":"the installation is not as `leah.lock` says"},"schema":1}
    exit 3
    "#);
    assert_eq!(team.user.tree(), before);
    assert_eq!(team.user.run(&["sync", "--check", "--locked"]), differs);
    // A home in which nothing was ever installed stays none.
    let empty = Sandbox::new();
    team.redact(&empty);
    empty.write("leah.lock", lock_of(&team.author));
    insta::assert_snapshot!(empty.run(&["sync", "--check"]), @"
    1> + app 1.0.0 (hub)
    1> + lib 1.0.0 (hub)
    1> + mail 1.0.0 (hub)
    1> ~ mail granted: use_model; denied: none
    1> + registry hub, root key [hub root key]
    2> error: the installation is not as `leah.lock` says
    2> hint: `leahpm sync` makes it so
    exit 3
    ");
    assert!(!empty.home().exists());
    insta::assert_snapshot!(team.author.run(&["sync", "--check", "home/plugins/leah.lock"]), @"
    2> Everything is as `home/plugins/leah.lock` says; nothing changed.
    exit 0
    ");
}

#[test]
fn says_what_it_would_do_in_a_dry_run() {
    let team = Team::new();
    team.lock(&["app"]);
    let before = team.user.tree();
    insta::assert_snapshot!(team.user.run(&["sync", "--dry-run"]), @"
    1> + app 1.0.0 (hub)
    1> + lib 1.0.0 (hub)
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    assert_eq!(team.user.tree(), before);
}

#[test]
fn tells_scripts_what_it_did() {
    let team = Team::new();
    team.lock(&["app"]);
    insta::assert_snapshot!(team.user.run(&["sync", "--json"]).pretty(), @r#"
    {
      "changed": true,
      "changes": [
        {
          "change": "install",
          "name": "app",
          "registry": "hub",
          "version": "1.0.0"
        },
        {
          "change": "install",
          "name": "lib",
          "registry": "hub",
          "version": "1.0.0"
        }
      ],
      "command": "sync",
      "dry_run": false,
      "failed": [],
      "file": "leah.lock",
      "generation": 1,
      "host": "not_asked",
      "lock_written": false,
      "needs_settings": {},
      "parent": null,
      "registries_added": [],
      "schema": 1
    }
    "#);
    insta::assert_snapshot!(team.user.run(&["sync", "--json"]), @r#"
    1> {"changed":false,"changes":[],"command":"sync","dry_run":false,"failed":[],"file":"leah.lock","generation":null,"host":null,"lock_written":false,"needs_settings":{},"parent":null,"registries_added":[],"schema":1}
    exit 0
    "#);
}

#[test]
fn switches_plugins_on_and_off_as_the_lock_says() {
    let team = Team::new();
    team.lock(&["app"]);
    team.sync().ok();
    team.author.run(&["disable", "app"]).ok();
    team.hand(&lock_of(&team.author));
    insta::assert_snapshot!(team.sync(), @"
    2> ~ app disabled
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(team.user.live_line(), "lib 1.0.0");
    assert_eq!(lock_of(&team.user), lock_of(&team.author));
}

#[test]
fn keeps_settings_of_what_stays() {
    let team = Team::new();
    let settable =
        PackageSpec::new("talk", "1.0.0").manifest("config:\n  target: { type: string, default: en }\n");
    team.hub.publish(&settable);
    team.user.run(&["install", "talk", "--set", "target=tr"]).ok();
    team.lock(&["talk", "lib"]);
    team.sync().ok();
    insta::assert_snapshot!(team.user.run(&["config", "get", "talk", "target"]), @"
    1> tr
    exit 0
    ");
}

#[test]
fn takes_a_lock_that_differs_only_in_what_it_was_made_for() {
    let team = Team::new();
    let text = team.lock(&["app"]);
    team.sync().ok();
    let other = text.replace("host: \"0.1.0\"", "host: \"0.1.1\"");
    team.hand(&other);
    insta::assert_snapshot!(team.user.run(&["sync", "--check"]), @"
    1> ~ resolved for leah-host 0.1.0 -> 0.1.1
    2> error: the installation is not as `leah.lock` says
    2> hint: `leahpm sync` makes it so
    exit 3
    ");
    insta::assert_snapshot!(team.sync(), @"
    2> ~ resolved for leah-host 0.1.0 -> 0.1.1
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(lock_of(&team.user), other);
}

#[test]
fn refuses_a_lock_that_is_none() {
    let team = Team::new();
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> error: there is no `leah.lock`
    2> hint: run it in the folder of a project, or name a lock; `leahpm lock` makes one from `plugins.yaml`
    exit 5
    ");
    team.hand("format: 1\nplugins: 7\n");
    insta::assert_snapshot!(team.user.run(&["sync"]), @"
    2> error: cannot read `leah.lock`
    2> caused by: line 2, column 10: expected mapping start
    exit 13
    ");
    insta::assert_snapshot!(team.user.run(&["sync", "--check", "--json"]), @r#"
    1> {"error":{"causes":["line 2, column 10: expected mapping start"],"code":13,"details":{},"hint":null,"hints":[],"message":"cannot read `leah.lock`"},"schema":1}
    exit 13
    "#);
}
