//! `leahpm outdated`: what is newer, what an update would bring, and what stands in its way.

use std::fs;

use crate::{
    attacks::Attack,
    fixture::{PackageSpec, hub},
    publishers::revoke,
    sandbox::Sandbox,
};

#[test]
fn shows_of_each_plugin_what_an_update_would_bring_and_why_it_is_not_the_newest() {
    let (sandbox, hub) = hub();
    for name in ["all", "api", "held", "lib", "ranged", "same"] {
        hub.publish_all(&[(name, "1.0.0")]);
    }
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("read_messages"));
    let plugins = ["all", "api", "app", "held", "mail", "ranged@^1", "same"];
    sandbox.run(&[&["install", "--grant", "all"], &plugins[..]].concat()).ok();
    sandbox.run(&["hold", "held", "same"]).ok();
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    2> All plugins are up to date.
    exit 0
    ");
    for name in ["all", "held", "lib", "ranged"] {
        hub.publish_all(&[(name, "1.1.0"), (name, "2.0.0")]);
    }
    hub.publish(&PackageSpec::new("api", "1.1.0").host(">=9"));
    hub.publish(&PackageSpec::new("mail", "1.1.0").permission("read_messages").permission("use_model"));
    hub.publish_all(&[("all", "2.1.0-beta.1"), ("all", "2.2.0")]).yank("all", "2.2.0");
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    1> NAME    INSTALLED  FITS   NEWEST  WHY
    1> all     1.0.0      2.0.0  2.0.0
    1> api     1.0.0      1.0.0  1.1.0   1.1.0 is for leah-host >=9, this one is 0.1.0
    1> held    1.0.0      1.0.0  2.0.0   held
    1> lib     1.0.0      1.1.0  2.0.0   2.0.0 does not fit ^1, which `app` needs
    1> mail    1.0.0      1.1.0  1.1.0   1.1.0 wants use_model
    1> ranged  1.0.0      1.1.0  2.0.0   2.0.0 does not fit ^1, which you asked for
    exit 0
    ");
    let json = sandbox.run(&["outdated", "--json"]).json();
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(json["plugins"][3], @r#"{"fits":"1.1.0","held":false,"installed":"1.0.0","name":"lib","newest":"2.0.0","registry":"hub","revoked":false,"why":["2.0.0 does not fit ^1, which `app` needs"],"yanked":false}"#);
    // What it says would fit is what an update brings.
    sandbox.run(&["update", "--grant", "all"]).ok();
    insta::assert_snapshot!(sandbox.live_line(), @"all 2.0.0, api 1.0.0, app 1.0.0, held 1.0.0, lib 1.1.0, mail 1.1.0, ranged 1.1.0, same 1.0.0");
}

#[test]
fn reads_no_package() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0")]);
    fs::remove_dir_all(hub.path("packages")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    1> NAME   INSTALLED  FITS   NEWEST  WHY
    1> alpha  1.0.0      1.1.0  1.1.0
    exit 0
    ");
}

#[test]
fn asks_a_server_for_the_index_and_for_nothing_else() {
    let attack = Attack::new();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let before = attack.server.asked().len();
    insta::assert_snapshot!(attack.run(&["outdated"]), @"
    1> NAME    INSTALLED  FITS   NEWEST  WHY
    1> keeper  1.0.0      1.1.0  1.1.0
    exit 0
    ");
    let asked = attack.server.asked().split_off(before);
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.split('/').next().unwrap()).collect();
    assert!(
        !paths.is_empty() && paths.iter().all(|path| ["root", "head", "objects"].contains(path)),
        "{asked:?}"
    );
}

#[test]
fn is_loud_about_an_installed_version_whose_key_was_revoked() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0"), ("beta", "1.1.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    revoke(&hub, "beta", 4);
    insta::assert_snapshot!(sandbox.run(&["outdated", "--quiet"]), @"
    1> NAME  INSTALLED  FITS   NEWEST  WHY
    1> beta  1.1.0      1.0.0  1.0.0   REVOKED: the key of the installed version
    2> warning: `beta` 1.1.0 is signed with a key that was revoked; `leahpm update beta` looks for another version, `leahpm uninstall beta` takes it out
    exit 0
    ");
    revoke(&hub, "alpha", 1);
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    1> NAME   INSTALLED  FITS  NEWEST  WHY
    1> alpha  1.0.0      -     -       REVOKED: the key of the installed version
    1> beta   1.1.0      -     1.0.0   REVOKED: the key of the installed version
    2> warning: an update would fail: `alpha` 1.0.0, the only version that there is, is signed with a revoked key
    2> warning: `alpha` 1.0.0 is signed with a key that was revoked; `leahpm update alpha` looks for another version, `leahpm uninstall alpha` takes it out
    2> warning: `beta` 1.1.0 is signed with a key that was revoked; `leahpm update beta` looks for another version, `leahpm uninstall beta` takes it out
    exit 0
    ");
    assert_eq!(sandbox.run(&["outdated", "--json"]).json()["plugins"][0]["revoked"], true);
}

#[test]
fn tells_of_versions_that_were_yanked_and_of_plugins_that_nothing_needs_any_more() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("alpha", "1.1.0"), ("lib", "1.0.0")]);
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    sandbox.run(&["install", "alpha", "app"]).ok();
    hub.publish_all(&[("app", "1.1.0")]).yank("alpha", "1.1.0");
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    1> NAME   INSTALLED  FITS   NEWEST  WHY
    1> alpha  1.1.0      1.0.0  1.0.0   the installed version is yanked
    1> app    1.0.0      1.1.0  1.1.0
    1> lib    1.0.0      -      1.0.0   nothing needs it any more
    exit 0
    ");
}

#[test]
fn has_nothing_to_say_of_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["outdated"]), @"
    2> No plugins are installed. `leahpm search` shows what there is.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["outdated", "--json"]), @r#"
    1> {"command":"outdated","plugins":[],"schema":1}
    exit 0
    "#);
    assert!(!sandbox.home().exists());
}
