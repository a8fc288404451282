//! `leahpm sync` and registries on a web server: what is asked, what is not, and what a cache is good for.

use std::fs;

use super::lock_of;
use crate::{bundled::is_quiet, fixture::TestRegistry, http, sandbox::Sandbox};

/// Somebody who gets a lock of a registry on a web server and knows the registry.
fn known() -> (Sandbox, TestRegistry, leah_registry::serve::Server) {
    let (sandbox, hub, server) = http::served();
    sandbox.keep_packages();
    http::add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    sandbox.write("leah.lock", lock_of(&sandbox));
    (sandbox, hub, server)
}

#[test]
fn what_is_there_opens_no_socket() {
    let (sandbox, _hub, server) = known();
    drop(server);
    is_quiet(&sandbox, &["sync"]);
    is_quiet(&sandbox, &["sync", "--locked"]);
    is_quiet(&sandbox, &["sync", "--check"]);
}

#[test]
fn frozen_takes_everything_from_the_cache_or_fails() {
    let (sandbox, _hub, server) = known();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    drop(server);
    insta::assert_snapshot!(sandbox.run(&["sync", "--frozen"]), @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 3 is live.
    exit 0
    ");
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    fs::remove_dir_all(sandbox.path("cache")).unwrap();
    let before = sandbox.tree();
    let refused = sandbox.run(&["sync", "--frozen"]);
    insta::assert_snapshot!(refused, @"
    2> error: `head` of `[URL]` is not in the cache, and nothing is fetched offline
    2> hint: run the command again without `--offline` or `--frozen`
    exit 6
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn frozen_asks_no_server_that_is_there() {
    let (sandbox, _hub, _server) = known();
    sandbox.run(&["uninstall", "alpha"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    fs::remove_dir_all(sandbox.path("cache")).unwrap();
    assert_eq!(sandbox.run(&["sync", "--frozen"]).code, 6);
    assert_eq!(sandbox.run(&["sync", "--offline"]).code, 6);
    sandbox.run(&["sync", "--locked"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}

#[test]
fn a_server_that_is_gone_leaves_everything_as_it_was() {
    let (sandbox, _hub, server) = known();
    let fresh = Sandbox::new();
    fresh.redact(server.url(), "[URL]");
    fresh.write("leah.lock", lock_of(&sandbox));
    drop(server);
    assert_eq!(fresh.run(&["sync", "--locked", "--timeout", "1"]).code, 6);
    assert!(!fresh.home().exists());
}
