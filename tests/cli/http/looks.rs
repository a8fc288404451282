//! The second look: what does not hold at first is asked for once more past all caches, since honest caches disagree
//! for a while. Who still shows an older state is refused, and both states are kept, signed.

use std::fs;

use leah_plugin::registry_layout::RegistryLayout;
use leah_registry::serve::Server;

use super::{Edge, add, edge::Reply, evidence, served};
use crate::{
    bundled::minisign,
    fixture::{TestRegistry, now},
    sandbox::{Sandbox, is_missing, names_in},
};

/// `beta` 1.1.0 is live, and the edge before the registry can show the state with 1.0.0 again.
struct Scene {
    sandbox: Sandbox,
    hub: TestRegistry,
    edge: Edge,
    /// The head from before 1.1.0.
    old: Vec<u8>,
    _server: Server,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, hub, server) = served();
        let edge = Edge::before(&server);
        add(&sandbox, &hub, &edge.url());
        sandbox.run(&["install", "beta"]).ok();
        let old = fs::read(hub.path("head")).unwrap();
        hub.publish_all(&[("beta", "1.1.0")]);
        sandbox.run(&["update"]).ok();
        assert_eq!(sandbox.live_line(), "beta 1.1.0");
        edge.log();
        Self { sandbox, hub, edge, old, _server: server }
    }

    fn update(&self) -> String {
        self.sandbox.run(&["update"]).to_string()
    }
}

#[test]
fn an_edge_that_shows_an_old_head_until_caches_are_passed_by_is_fine() {
    let scene = Scene::new();
    let old = scene.old.clone();
    scene.edge.rule(move |question, reply| {
        let stale = question.path == RegistryLayout::HEAD && !question.passes_caches();
        if stale { Reply::body(old.clone()) } else { reply }
    });
    insta::assert_snapshot!(scene.update(), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(scene.edge.log(), @"
    200 head gzip if-none-match
    200 head gzip no-cache
    200 root/1 gzip no-cache
    404 root/2 gzip
    404 root/2 gzip no-cache
    ");
    assert_eq!(evidence(&scene.sandbox), Vec::<serde_json::Value>::new());
}

#[test]
fn an_edge_that_shows_an_old_head_all_the_time_is_convicted_by_two_signatures() {
    let scene = Scene::new();
    let old = scene.old.clone();
    let newer = fs::read_to_string(scene.hub.path("head")).unwrap();
    scene.edge.rule(
        move |question, reply| {
            if question.path == RegistryLayout::HEAD { Reply::body(old.clone()) } else { reply }
        },
    );
    let refused = scene.update();
    assert!(
        refused.starts_with("2> error: registry `hub` shows state 1.3, but 1.4 was seen before"),
        "{refused}"
    );
    insta::assert_snapshot!(scene.edge.log(), @"
    200 head gzip if-none-match
    200 head gzip no-cache
    200 root/1 gzip no-cache
    404 root/2 gzip
    404 root/2 gzip no-cache
    ");
    let [evidence] = &evidence(&scene.sandbox)[..] else { panic!("one file") };
    assert_eq!(evidence["shown_head"].as_str().unwrap().as_bytes(), scene.old);
    assert_eq!(evidence["seen"]["signed_head"], newer);
    assert_eq!(evidence["place"], format!("`{}`", scene.edge.url()));
    // It says nothing of what is installed here.
    assert_eq!(evidence["seen"]["owners"], serde_json::json!({}));
    // The same lie told twice is written once.
    assert_eq!(scene.update(), refused);
    assert_eq!(names_in(&scene.sandbox.layout().evidence()).len(), 1);
    assert_eq!(scene.sandbox.live_line(), "beta 1.1.0");
    scene.edge.rule(|_, reply| reply);
    scene.sandbox.run(&["update"]).ok();
}

#[test]
fn stock_minisign_accepts_both_heads_of_the_evidence() {
    if is_missing("minisign") {
        return;
    }
    let scene = Scene::new();
    let old = scene.old.clone();
    scene.edge.rule(
        move |question, reply| {
            if question.path == RegistryLayout::HEAD { Reply::body(old.clone()) } else { reply }
        },
    );
    scene.sandbox.run(&["update"]).fails(7);
    let [evidence] = &evidence(&scene.sandbox)[..] else { panic!("one file") };
    let key = scene.hub.index_key.public().to_string();
    for signed in [&evidence["seen"]["signed_head"], &evidence["shown_head"]] {
        // Four lines are the signature, the rest is what is signed.
        let lines: Vec<&str> = signed.as_str().unwrap().split_inclusive('\n').collect();
        scene.sandbox.write("state.minisig", lines[..4].concat());
        scene.sandbox.write("state", lines[4..].concat());
        let verify = ["-V", "-P", &key, "-m", "state"];
        assert_eq!(minisign(&scene.sandbox.path(""), &verify), Ok(()));
        scene.sandbox.write("state", lines[4..].concat().replace("\"serial\":", "\"serial\":1"));
        assert!(minisign(&scene.sandbox.path(""), &verify).is_err());
    }
}

#[test]
fn two_heads_under_one_number_are_evidence_as_well() {
    let scene = Scene::new();
    let mut other = scene.hub.head();
    other.expires -= 1;
    let other = other.sign(&scene.hub.index_key).unwrap();
    scene.edge.rule(
        move |question, reply| {
            if question.path == RegistryLayout::HEAD { Reply::body(other.clone()) } else { reply }
        },
    );
    let refused = scene.update();
    assert!(
        refused.starts_with("2> error: registry `hub` shows another state 1.4 than the one that was seen")
    );
    let [evidence] = &evidence(&scene.sandbox)[..] else { panic!("one file") };
    assert_ne!(evidence["seen"]["signed_head"], evidence["shown_head"]);
}

/// A second root with another epoch, and a head that names it.
fn rotate(hub: &TestRegistry) {
    let mut second = hub.first_root();
    (second.serial, second.epoch) = (2, 2);
    hub.write("root/2", second.sign(&hub.root_key).unwrap());
    hub.change_head(|head| (head.root, head.epoch, head.serial) = (2, 2, 1));
}

#[test]
fn a_head_that_names_a_root_which_an_edge_does_not_have_yet_is_fine() {
    let scene = Scene::new();
    rotate(&scene.hub);
    scene.edge.rule(|question, reply| {
        if question.path == "root/2" && !question.passes_caches() { Reply::status(404) } else { reply }
    });
    insta::assert_snapshot!(scene.update(), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
    scene.edge.log();
    // What was found is kept, so that the next run need not look twice.
    scene.update();
    insta::assert_snapshot!(scene.edge.log(), @"
    304 head gzip if-none-match
    404 root/3 gzip
    ");
}

#[test]
fn an_edge_with_the_new_root_and_the_old_head_is_fine() {
    let scene = Scene::new();
    let old = fs::read(scene.hub.path("head")).unwrap();
    rotate(&scene.hub);
    scene.edge.rule(move |question, reply| {
        let stale = question.path == RegistryLayout::HEAD && !question.passes_caches();
        if stale { Reply::body(old.clone()) } else { reply }
    });
    insta::assert_snapshot!(scene.update(), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
}

#[test]
fn an_edge_whose_head_is_past_its_time_is_passed_by() {
    let scene = Scene::new();
    let mut past = scene.hub.head();
    (past.expires, past.serial) = (now() - 60, past.serial + 1);
    let past = past.sign(&scene.hub.index_key).unwrap();
    scene.hub.change_head(|head| head.serial += 2);
    scene.edge.rule(move |question, reply| {
        let stale = question.path == RegistryLayout::HEAD && !question.passes_caches();
        if stale { Reply::body(past.clone()) } else { reply }
    });
    insta::assert_snapshot!(scene.update(), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
}
