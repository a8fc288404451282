//! Registries on a web server: what a user does with them, and how often the server is asked.

use leah_registry::serve::Server;

use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::Sandbox,
};

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
fn the_cache_serves_what_the_network_does_not() {
    let (sandbox, hub, server) = served();
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
    2> error: `objects/9d/9d4d3556e9745bcfaf685eced9cb00fb6fb82bffa6fb59c1769595222d63975b` of `[URL]` is not in the cache, and `--offline` forbids to fetch it
    2> hint: run the command again without `--offline`
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
