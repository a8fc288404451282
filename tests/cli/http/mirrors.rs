//! Mirrors: asked where the registry's own URL does not answer or answers wrongly, believed no more than it, and never
//! given a token.

use std::net::TcpListener;

use super::{
    Edge,
    edge::{Question, Reply},
    served,
};
use crate::{
    fixture::TestRegistry,
    sandbox::{Output, Sandbox},
};

/// The status of a server that has failed for good, so that nobody asks again.
const FAILED: u16 = 501;

/// A URL at which nobody listens.
fn nobody() -> String {
    format!("http://{}/", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

#[track_caller]
fn add(sandbox: &Sandbox, hub: &TestRegistry, urls: [&str; 2]) {
    let (key, [url, mirror]) = (hub.root_key().to_string(), urls);
    run(sandbox, &["registry", "add", "hub", url, "--key", &key, "--mirror", mirror, "--default"]).ok();
}

/// With little patience for those who do not answer.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    sandbox.run_env(arguments, &[("LEAHPM_TIMEOUT", "1")])
}

fn is_package(question: &Question) -> bool {
    question.path.starts_with("packages/")
}

fn is_named_by_hash(question: &Question) -> bool {
    question.path.starts_with("objects/") || is_package(question)
}

#[test]
fn a_mirror_stands_in_for_a_url_that_does_not_answer() {
    let (sandbox, hub, server) = served();
    let mirror = Edge::before(&server);
    add(&sandbox, &hub, [&nobody(), &mirror.url()]);
    run(&sandbox, &["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    // The lock names the registry by its own URL, whoever sent the files.
    let url = sandbox.lock().registries[&hub.origin].url.clone().unwrap();
    assert_ne!(url, mirror.url());
}

#[test]
fn a_mirror_s_root_key_is_not_offered_as_that_of_the_url() {
    let (sandbox, _hub, server) = served();
    let (nobody, mirror) = (nobody(), Edge::before(&server));
    let refused = run(&sandbox, &["registry", "add", "hub", &nobody, "--mirror", &mirror.url()]);
    assert!(refused.fails(6).starts_with(&format!("error: cannot get `{nobody}root.pub`")), "{refused}");
    assert_eq!(mirror.log(), "");
}

#[test]
fn a_mirror_stands_in_for_a_url_that_is_busy_or_broken_or_lacks_files() {
    for status in [404, 503, FAILED] {
        let (sandbox, hub, server) = served();
        let (own, mirror) = (Edge::before(&server), Edge::before(&server));
        add(&sandbox, &hub, [&own.url(), &mirror.url()]);
        own.rule(
            move |question, reply| {
                if is_named_by_hash(question) { Reply::status(status) } else { reply }
            },
        );
        run(&sandbox, &["install", "alpha"]).ok();
        assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0", "{status}");
    }
}

#[test]
fn wrong_bytes_are_asked_for_once_more_past_all_caches_and_then_of_the_mirror_first() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    own.log();
    own.rule(|question, reply| if is_named_by_hash(question) { reply.damaged() } else { reply });
    run(&sandbox, &["install", "alpha"]).ok();
    insta::assert_snapshot!(own.log(), @"
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip no-cache
    304 head gzip if-none-match
    404 root/2 gzip
    ");
    insta::assert_snapshot!(mirror.log(), @"
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 packages/alpha/alpha-1.0.0.tar.gz identity
    200 packages/beta/beta-1.0.0.tar.gz identity
    ");
}

#[test]
fn a_damaged_cache_on_the_way_is_passed_by() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    own.log();
    own.rule(
        |question, reply| {
            if is_named_by_hash(question) && !question.passes_caches() { reply.damaged() } else { reply }
        },
    );
    run(&sandbox, &["install", "beta"]).ok();
    insta::assert_snapshot!(own.log(), @"
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip no-cache
    200 objects/[HASH] gzip no-cache
    200 packages/beta/beta-1.0.0.tar.gz identity
    200 packages/beta/beta-1.0.0.tar.gz identity no-cache
    304 head gzip if-none-match
    404 root/2 gzip
    ");
    assert_eq!(mirror.log(), "");
}

#[test]
fn a_mirror_with_wrong_bytes_is_refused_and_the_url_is_believed_when_it_is_back() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    own.rule(|_, _| Reply::status(FAILED));
    mirror.rule(|question, reply| if is_package(question) { reply.damaged() } else { reply });
    let refused = run(&sandbox, &["install", "beta"]);
    assert!(
        refused.fails(7).starts_with(
            "error: refused `beta` 1.0.0 of registry `hub`\ncaused by: the archive's sha256 is "
        ),
        "{refused}"
    );
    assert_eq!(sandbox.live_line(), "");
    sandbox.assert_no_leftovers();
    own.rule(|_, reply| reply);
    run(&sandbox, &["install", "beta"]).ok();
}

#[test]
fn a_head_and_a_root_with_wrong_bytes_come_from_the_mirror() {
    for damaged in ["head", "root/1"] {
        let (sandbox, hub, server) = served();
        let (own, mirror) = (Edge::before(&server), Edge::before(&server));
        own.rule(move |question, reply| if question.path == damaged { reply.damaged() } else { reply });
        add(&sandbox, &hub, [&own.url(), &mirror.url()]);
        run(&sandbox, &["install", "beta"]).ok();
        assert_eq!(sandbox.live_line(), "beta 1.0.0", "{damaged}");
    }
}

#[test]
fn a_mirror_that_lags_behind_is_told_from_one_that_lies() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    sandbox.redact(mirror.url(), "[MIRROR]");
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    let old = std::fs::read(hub.path("head")).unwrap();
    hub.publish_all(&[("beta", "1.1.0")]);
    run(&sandbox, &["install", "beta"]).ok();
    mirror.rule(
        move |question, reply| {
            if question.path == "head" { Reply::body(old.clone()) } else { reply }
        },
    );
    // While the URL answers, nobody asks the mirror.
    run(&sandbox, &["update"]).ok();
    own.rule(|_, _| Reply::status(FAILED));
    assert!(run(&sandbox, &["update"]).fails(7).starts_with(
        "error: registry `hub` shows state 1.3, but 1.4 was seen before: it is older than it should be\n"
    ));
    let [evidence] = &super::evidence(&sandbox)[..] else { panic!("one file") };
    assert_eq!(evidence["place"], format!("`{}`", mirror.url()));
}

#[test]
fn what_a_server_said_of_a_head_is_told_to_no_other() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    own.rule(|_, _| Reply::status(FAILED));
    mirror.log();
    run(&sandbox, &["install", "beta", "--dry-run"]).ok();
    insta::assert_snapshot!(mirror.log(), @"
    200 head gzip
    200 objects/[HASH] gzip
    200 objects/[HASH] gzip
    404 root/2 gzip
    ");
}

#[test]
fn a_url_that_is_busy_is_asked_once_where_a_mirror_has_the_file() {
    let (sandbox, hub, server) = served();
    let (own, mirror) = (Edge::before(&server), Edge::before(&server));
    add(&sandbox, &hub, [&own.url(), &mirror.url()]);
    own.log();
    own.rule(|_, _| Reply::status(503));
    run(&sandbox, &["install", "alpha"]).ok();
    // Head and next root are asked for at the same time; from then on the mirror comes first.
    let mut asked: Vec<String> = own.questions().into_iter().map(|question| question.path).collect();
    asked.sort();
    assert_eq!(asked, ["head", "root/2"]);
}

#[test]
fn a_storage_that_forbids_what_is_not_there_has_no_next_root() {
    let (sandbox, hub, server) = served();
    let storage = Edge::before(&server);
    storage.rule(|_, reply| if reply.status == 404 { Reply::status(403) } else { reply });
    super::add(&sandbox, &hub, &storage.url());
    run(&sandbox, &["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
}
