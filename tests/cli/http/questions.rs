//! For what and how often a server is asked: once for what keeps its bytes, each time for what may change, and for
//! nothing that the cache has, unless the cache is damaged.

use std::{fs, os::unix::fs::PermissionsExt};

use leah_plugin::{layout::CacheLayout, registry_layout::RegistryLayout};

use super::{Edge, add, served};
use crate::{
    fixture::{TestRegistry, now},
    sandbox::{Sandbox, tree_of},
};

/// Takes everything out of the home, so that it must be fetched or be in the cache.
#[track_caller]
fn take_out(sandbox: &Sandbox, plugin: &str) {
    sandbox.run(&["uninstall", plugin]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
}

#[test]
fn what_keeps_its_bytes_is_asked_for_once_in_the_life_of_a_cache() {
    let (sandbox, hub, server) = served();
    sandbox.keep_packages();
    let edge = Edge::before(&server);
    add(&sandbox, &hub, &edge.url());
    insta::assert_snapshot!(edge.log(), @"
    200 head gzip
    200 root/1 gzip
    404 root/2 gzip
    ");
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(edge.log(), @"
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 packages/alpha/alpha-1.0.0.tar.gz identity
    200 packages/beta/beta-1.0.0.tar.gz identity
    304 head gzip if-none-match
    404 root/2 gzip
    ");
    // What was installed and is wanted again is asked about, but not for.
    take_out(&sandbox, "alpha");
    assert_eq!(edge.log(), "");
    sandbox.run(&["install", "alpha"]).ok();
    insta::assert_snapshot!(edge.log(), @"
    304 head gzip if-none-match
    404 root/2 gzip
    ");
}

#[test]
fn an_update_without_news_asks_two_questions_and_one_with_news_asks_for_the_news() {
    let (sandbox, hub, server) = served();
    let edge = Edge::before(&server);
    add(&sandbox, &hub, &edge.url());
    sandbox.run(&["install", "alpha"]).ok();
    edge.log();
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(edge.log(), @"
    304 head gzip if-none-match
    404 root/2 gzip
    ");
    hub.publish_all(&[("beta", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    insta::assert_snapshot!(edge.log(), @"
    200 head gzip if-none-match
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 packages/beta/beta-1.1.0.tar.gz identity
    404 root/2 gzip
    ");
}

#[test]
fn what_only_looks_at_the_home_asks_nobody() {
    let (sandbox, hub, server) = served();
    let edge = Edge::before(&server);
    add(&sandbox, &hub, &edge.url());
    sandbox.run(&["install", "alpha"]).ok();
    edge.log();
    for command in [
        &["list"][..],
        &["history"],
        &["verify"],
        &["registry", "list"],
        &["disable", "alpha"],
        &["rollback"],
    ] {
        sandbox.run(command).ok();
        assert_eq!(edge.log(), "", "{command:?}");
    }
}

#[test]
fn a_damaged_cache_costs_questions_and_nothing_else() {
    let (sandbox, hub, server) = served();
    sandbox.keep_packages();
    let edge = Edge::before(&server);
    add(&sandbox, &hub, &edge.url());
    sandbox.run(&["install", "alpha"]).ok();
    take_out(&sandbox, "alpha");
    edge.log();
    let cache = sandbox.path("cache");
    let files = || tree_of(&cache).into_iter().filter(|(_, what)| what.starts_with("file"));
    for (file, _) in files() {
        let mut bytes = fs::read(cache.join(&file)).unwrap();
        bytes[0] ^= 1;
        fs::write(cache.join(&file), bytes).unwrap();
    }
    sandbox.run(&["install", "alpha"]).ok();
    // The head that was sent does not fit the damaged root, so that both are looked at twice.
    insta::assert_snapshot!(edge.log(), @"
    200 head gzip
    200 head gzip no-cache
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 packages/alpha/alpha-1.0.0.tar.gz identity
    200 packages/beta/beta-1.0.0.tar.gz identity
    200 root/1 gzip no-cache
    404 root/2 gzip
    404 root/2 gzip no-cache
    ");
    // And it is whole again.
    take_out(&sandbox, "alpha");
    sandbox.run(&["install", "alpha", "--offline"]).ok();
    for (file, _) in files() {
        fs::write(cache.join(&file), "").unwrap();
    }
    take_out(&sandbox, "alpha");
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn a_root_in_the_cache_that_does_not_belong_there_is_taken_out() {
    let (sandbox, hub, server) = served();
    let edge = Edge::before(&server);
    add(&sandbox, &hub, &edge.url());
    sandbox.run(&["install", "alpha"]).ok();
    let cache = CacheLayout::new(sandbox.path("cache"));
    let second = cache.root(&hub.root_key(), 2);
    fs::copy(cache.root(&hub.root_key(), 1), &second).unwrap();
    sandbox.run(&["update"]).ok();
    assert!(!second.exists());
    edge.log();
    sandbox.run(&["update"]).ok();
    insta::assert_snapshot!(edge.log(), @"
    304 head gzip if-none-match
    404 root/2 gzip
    ");
}

#[test]
fn a_cache_that_cannot_be_written_or_read_is_done_without() {
    let (sandbox, hub, server) = served();
    sandbox.write("cache", "not a folder");
    add(&sandbox, &hub, &server.url());
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(sandbox.read("cache"), b"not a folder");
    fs::remove_file(sandbox.path("cache")).unwrap();
    fs::create_dir(sandbox.path("cache")).unwrap();
    fs::set_permissions(sandbox.path("cache"), fs::Permissions::from_mode(0o500)).unwrap();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run_as_user(&["install", "alpha"]).ok();
    assert_eq!(tree_of(&sandbox.path("cache")).len(), 0);
}

#[test]
fn without_a_network_the_cache_serves_what_it_has() {
    let (sandbox, hub, server) = served();
    sandbox.keep_packages();
    let edge = Edge::before(&server);
    sandbox.redact(edge.url(), "[URL]");
    let key = hub.root_key().to_string();
    let meet = ["registry", "add", "hub", &edge.url(), "--key", &key, "--default"];
    insta::assert_snapshot!(sandbox.run(&[&meet[..], &["--offline"]].concat()).fails(6), @"
    error: `head` of `[URL]` is not in the cache, and nothing is fetched offline
    hint: run the command again without `--offline` or `--frozen`
    ");
    sandbox.run(&meet).ok();
    edge.log();
    sandbox.redact(RegistryLayout::object(&hub.head().tree), "[DIRECTORY]");
    insta::assert_snapshot!(sandbox.run(&["install", "beta", "--offline"]).fails(6), @"
    error: `[DIRECTORY]` of `[URL]` is not in the cache, and nothing is fetched offline
    hint: run the command again without `--offline` or `--frozen`
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.run(&["install", "beta"]).ok();
    take_out(&sandbox, "beta");
    edge.log();
    sandbox.run_env(&["install", "beta"], &[("LEAHPM_OFFLINE", "1")]).ok();
    sandbox.run(&["update", "--offline"]).ok();
    assert_eq!((edge.log().as_str(), sandbox.live_line().as_str()), ("", "beta 1.0.0"));
}

/// The registry's head as it is now ends its life three days ago.
pub fn expire(hub: &TestRegistry) {
    hub.change_head(|head| (head.expires, head.serial) = (now() - 3 * 24 * 3600 - 60, head.serial + 1));
}

#[test]
fn an_old_head_in_the_cache_resolves_nothing_and_still_repairs() {
    let (sandbox, hub, server) = served();
    sandbox.keep_packages();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    expire(&hub);
    insta::assert_snapshot!(sandbox.run(&["update"]).fails(7), @"
    error: the head of registry `hub` expired 3 days ago
    hint: its people publish a new head with `leah-registry refresh`; then run the command again
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "--offline"]).fails(6), @"
    error: the head of registry `hub` expired 3 days ago, and a newer one is not looked for offline
    hint: run the command again without `--offline` or `--frozen`
    ");
    // What is installed is the same bytes at any time.
    let folder = sandbox.home().join("plugins/alpha/");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(folder.join("plugin.yaml")).unwrap();
    assert_eq!(sandbox.run(&["verify"]).code, 3);
    sandbox.run(&["verify", "--repair", "--offline"]).ok();
    sandbox.run(&["verify"]).ok();
}
