//! Registries on a web server: what a user does with them, and how often the server is asked.

mod edge;

mod looks;
mod mirrors;
pub mod questions;
mod tokens;
mod ways;

use std::fs;

use leah_registry::serve::Server;
use serde_json::json;

use crate::{
    bundled::is_quiet,
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Sandbox, names_in},
};
use edge::Edge;

/// A registry with `alpha`, which needs `beta`, on a web server, and a home that does not know it.
pub fn served() -> (Sandbox, TestRegistry, Server) {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    hub.publish_all(&[("beta", "1.0.0")]);
    let server = Server::start(hub.folder.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    sandbox.redact(server.url(), "[URL]");
    (sandbox, hub, server)
}

/// Adds a registry by its URL and makes bare names come from it.
#[track_caller]
pub fn add(sandbox: &Sandbox, hub: &TestRegistry, url: &str) {
    let key = hub.root_key().to_string();
    sandbox.run(&["registry", "add", hub.origin.as_str(), url, "--key", &key, "--default"]).ok();
}

/// What is kept of registries that were caught, by the names of the files.
fn evidence(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let folder = sandbox.layout().evidence();
    let read = |name: &String| leah_plugin::yaml::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    names_in(&folder).iter().map(read).collect()
}

#[test]
fn installs_updates_and_rolls_back_over_http() {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    hub.publish_all(&[("beta", "1.1.0")]);
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> ~ beta 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    let registries = sandbox.lock().registries;
    assert_eq!(
        registries[&hub.origin].url.as_deref(),
        Some(format!("{}/", server.url().trim_end_matches('/')).as_str())
    );
    sandbox.assert_no_leftovers();
}

#[test]
fn packages_are_kept_where_that_is_wanted() {
    let kept = |arguments: &[&str], environment: &[(&str, &str)], config: &str| {
        let (sandbox, hub, server) = served();
        add(&sandbox, &hub, &server.url());
        sandbox.write("config.yaml", config);
        let line = [&["install", "alpha", "--config-file", "config.yaml"], arguments].concat();
        sandbox.run_env(&line, environment).ok();
        sandbox.path("cache/archives").exists()
    };
    assert!(!kept(&[], &[], ""));
    assert!(kept(&["--keep-packages"], &[], ""));
    assert!(kept(&[], &[("LEAHPM_KEEP_PACKAGES", "1")], ""));
    assert!(kept(&[], &[], "keep_packages: true\n"));
    assert!(!kept(&[], &[("LEAHPM_KEEP_PACKAGES", "0")], "keep_packages: true\n"));
}

#[test]
fn the_cache_serves_what_the_network_does_not() {
    let (sandbox, hub, server) = served();
    sandbox.keep_packages();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    drop(server);
    insta::assert_snapshot!(sandbox.run(&["install", "alpha", "--offline"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
    let info = sandbox.run(&["cache", "info", "--json"]).json();
    assert!(info["files"].as_u64().unwrap() >= 7, "{info}");
    insta::assert_snapshot!(sandbox.run(&["search", "--registry", "hub", "--offline"]), @"
    2> error: `objects/9d/9d4d3556e9745bcfaf685eced9cb00fb6fb82bffa6fb59c1769595222d63975b` of `[URL]` is not in the cache, and nothing is fetched offline
    2> hint: run the command again without `--offline` or `--frozen`
    exit 6
    ");
}

#[test]
fn the_cache_can_be_emptied_at_any_time() {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.write("cache/of-somebody-else", "kept");
    let before = sandbox.tree();
    sandbox.run(&["cache", "clean", "--dry-run"]).ok();
    assert_ne!(sandbox.run(&["cache", "info", "--json"]).json()["files"], 0);
    sandbox.run(&["cache", "clean"]).ok();
    assert_eq!(sandbox.run(&["cache", "info", "--json"]).json()["files"], 0);
    assert_eq!((sandbox.tree(), sandbox.read("cache/of-somebody-else")), (before, b"kept".to_vec()));
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn a_registry_is_reached_by_the_name_and_by_both_addresses_of_this_machine() {
    let (sandbox, hub, server) = served();
    let key = hub.root_key().to_string();
    let six = Server::start(hub.folder, "[::1]:0".parse().unwrap()).unwrap();
    let by_name = server.url().replace("127.0.0.1", "localhost");
    let six_by_name = six.url().replace("[::1]", "localhost");
    for url in [server.url(), by_name, six.url(), six_by_name] {
        let sandbox = Sandbox::new();
        sandbox.run(&["install", "beta", "--registry", &url, "--key", &key]).ok();
        assert_eq!(sandbox.live_line(), "beta 1.0.0", "{url}");
    }
    let refused = sandbox.run(&["registry", "add", "hub", "http://192.0.2.1/", "--key", &key]);
    insta::assert_snapshot!(refused.fails(2), @"
    error: cannot take that for the URL of a registry
    caused by: `http://` is only for this machine itself, use `https://`
    hint: it looks like `https://plugins.example.com/registry`
    ");
}

#[test]
fn a_registry_moves_to_another_url_and_other_mirrors_under_the_same_key_alone() {
    let (sandbox, hub, server) = served();
    let [first, second, third] = [(); 3].map(|()| Edge::before(&server));
    for (edge, word) in [(&first, "[FIRST]"), (&second, "[SECOND]"), (&third, "[THIRD]")] {
        sandbox.redact(edge.url(), word);
    }
    add(&sandbox, &hub, &first.url());
    sandbox.run(&["install", "beta"]).ok();
    let moved = sandbox.run(&["registry", "add", "hub", &second.url(), "--mirror", &third.url()]);
    insta::assert_snapshot!(moved, @"
    2> Changed registry hub.
    exit 0
    ");
    let listed = &sandbox.run(&["registry", "list", "--json"]).json()["registries"][1];
    assert_eq!((&listed["url"], &listed["mirrors"]), (&"[SECOND]".into(), &json!(["[THIRD]"])));
    first.log();
    hub.publish_all(&[("beta", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    assert_eq!(first.log(), "");
    assert_eq!(sandbox.lock().registries[&hub.origin].url, Some(second.url()));
    let thief = TestRegistry::at(&sandbox, "hub", "thief");
    let thiefs = Server::start(thief.folder.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let before = sandbox.tree();
    let key = thief.root_key().to_string();
    insta::assert_snapshot!(sandbox.run(&["registry", "add", "hub", &thiefs.url(), "--key", &key]).fails(7), @"
    error: there is a registry `hub` already, at another place or with another key
    hint: `leahpm registry remove hub` forgets the one that is there
    ");
    assert_eq!(sandbox.run(&["registry", "add", "hub", &thiefs.url()]).code, 7);
    let install = ["install", "beta", "--registry", &thiefs.url(), "--key", &key];
    insta::assert_snapshot!(sandbox.run(&install).fails(7), @"
    error: there is a registry `hub` already, at another place or with another key
    hint: `leahpm registry remove hub` forgets the one that is there
    ");
    assert_eq!(sandbox.tree(), before);
}

/// To look at the home, or to want what is there, is no reason to go to the network.
#[test]
fn list_and_an_install_of_what_is_there_stay_off_the_network() {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    drop(server);
    for quiet in [&["list"][..], &["install", "alpha"], &["install", "hub/alpha"], &["registry", "list"]] {
        is_quiet(&sandbox, quiet);
    }
}
