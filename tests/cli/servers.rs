//! Registries behind web servers of others, which know nothing of registries: nginx and the server of Python. They
//! give each file a time in whole seconds, compress on the way, and label archives in their own manner.

mod started;

use std::{
    collections::BTreeSet,
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{
    fixture::{PackageSpec, TestRegistry},
    http::add,
    sandbox::Sandbox,
    sixty::Life,
};
use started::Started;

/// A way to start a server over a folder; none where there is no such program.
type Start = fn(&Sandbox, &Path) -> Option<Started>;

fn nginx(sandbox: &Sandbox, folder: &Path) -> Option<Started> {
    Started::nginx(sandbox, folder, "")
}

fn python(_: &Sandbox, folder: &Path) -> Option<Started> {
    Started::python(folder)
}

/// What is done with the registry of sixty plugins, and how often there is an answer to compare.
const STEPS: [fn(&mut Life) -> String; 12] = [
    Life::install,
    Life::install,
    Life::install,
    Life::go_on,
    Life::update_all,
    Life::rollback,
    Life::update_some,
    Life::install,
    Life::go_on,
    Life::update_all,
    Life::rollback,
    Life::collect,
];

#[track_caller]
fn lives_behind(start: Start) {
    let mut life = Life::before(3);
    let Some(server) = start(&life.sandbox, &life.hub.folder) else { return };
    add(&life.sandbox, &life.hub, &server.url());
    let mut done = Vec::new();
    for step in STEPS {
        done.push(step(&mut life));
        life.check(done.last().unwrap());
    }
    assert!(life.answered >= 6, "{done:#?}");
    let asked = server.log();
    assert!(asked.iter().any(|line| line.contains("GET /packages/")), "{asked:#?}");
}

#[test]
fn sixty_plugins_live_behind_nginx() {
    lives_behind(nginx);
}

#[test]
fn sixty_plugins_live_behind_the_server_of_python() {
    lives_behind(python);
}

/// A registry with `alpha`, installed in a home from a server.
fn installed(start: Start) -> Option<(Sandbox, TestRegistry, Started)> {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    let server = start(&sandbox, &hub.folder)?;
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    Some((sandbox, hub, server))
}

/// The questions about a file, as the server wrote them down.
fn about(server: &Started, file: &str) -> Vec<String> {
    server.log().into_iter().filter(|line| line.contains(&format!("/{file} "))).collect()
}

/// Several heads within one second of the file system's time, each read and kept just before the next.
#[track_caller]
fn shows_news_at_once(start: Start) {
    let Some((sandbox, hub, _server)) = installed(start) else { return };
    for minor in 1..=5 {
        let version = format!("1.{minor}.0");
        hub.publish_all(&[("alpha", &version)]);
        sandbox.run(&["update"]).ok();
        assert_eq!(sandbox.live_line(), format!("alpha {version}"));
    }
}

#[test]
fn an_update_behind_nginx_is_seen_at_once() {
    shows_news_at_once(nginx);
}

#[test]
fn an_update_behind_the_server_of_python_is_seen_at_once() {
    shows_news_at_once(python);
}

/// A head that is older than a moment is asked for with what the server said of it.
#[track_caller]
fn sends_no_head_twice(start: Start) {
    let Some((sandbox, hub, server)) = installed(start) else { return };
    let head = File::options().append(true).open(hub.path("head")).unwrap();
    head.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    sandbox.run(&["update"]).ok();
    server.log();
    sandbox.run(&["update"]).ok();
    let asked = about(&server, "head");
    assert!(asked.len() == 1 && asked[0].contains(" 304 "), "{asked:#?}");
    hub.publish_all(&[("alpha", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.1.0");
    let asked = about(&server, "head");
    assert!(asked.len() == 1 && asked[0].contains(" 200 "), "{asked:#?}");
}

#[test]
fn nginx_sends_a_head_that_did_not_change_only_once() {
    sends_no_head_twice(nginx);
}

#[test]
fn the_server_of_python_sends_a_head_that_did_not_change_only_once() {
    sends_no_head_twice(python);
}

#[test]
fn nginx_compresses_the_index_and_leaves_archives_as_they_are() {
    let gzip = "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;";
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    // An archive that could be made smaller by another compression.
    hub.publish(&PackageSpec::new("alpha", "1.0.0").file("zeros", vec![0; 100_000]));
    let Some(server) = Started::nginx(&sandbox, &hub.folder, gzip) else { return };
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    let lines = server.log();
    let packed = |what: &str| {
        let mut lines = lines.iter().filter(|line| line.contains(what) && line.contains(" 200 ")).peekable();
        assert!(lines.peek().is_some(), "{what}");
        lines.map(|line| line.contains(" gzip;")).collect::<Vec<_>>()
    };
    assert!(packed("/head ").iter().all(|packed| *packed), "{lines:#?}");
    assert!(packed("/objects/").iter().all(|packed| *packed), "{lines:#?}");
    assert_eq!(packed("/packages/"), [false], "{lines:#?}");
}

/// As servers do that take `.gz` for an encoding of a tar, and not for a file of its own.
#[test]
fn an_archive_that_is_labelled_as_an_encoding_is_taken_as_it_is() {
    let label = r"location ~ \.tar\.gz$ { add_header Content-Encoding gzip; }";
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish_all(&[("alpha", "1.0.0")]);
    let Some(server) = Started::nginx(&sandbox, &hub.folder, label) else { return };
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    let asked = about(&server, "alpha-1.0.0.tar.gz");
    assert!(asked.len() == 1 && asked[0].contains(" gzip;"), "{asked:#?}");
}

#[test]
fn an_install_keeps_its_connections_to_nginx() {
    let Some((sandbox, hub, server)) = installed(nginx) else { return };
    let names: Vec<String> = (0..20).map(|at| format!("plugin-{at}")).collect();
    for name in &names {
        hub.publish_all(&[(name, "1.0.0")]);
    }
    server.log();
    let install: Vec<&str> = ["install"].into_iter().chain(names.iter().map(String::as_str)).collect();
    sandbox.run(&install).ok();
    let asked = server.log();
    let connections: BTreeSet<&str> = asked.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    // A head, a root, a node, twenty records together and then twenty archives; a connection can come too late for the
    // question that it was opened for.
    assert!(asked.len() >= 43 && connections.len() <= 24, "{} over {connections:?}", asked.len());
}
