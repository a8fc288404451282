//! `refresh`: heads that live on.

use leah_registry::registry::Registry;

use crate::sandbox::{DAY, NOW, Sandbox};

#[test]
fn a_new_head_lives_from_the_day_it_was_signed() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run_at(NOW + 20 * DAY, &["refresh", "hub", "--index-key", "keys/index.key"]).ok();
    assert_eq!(answer.out, "Signed head 2, which lasts 30 days\n");
    sandbox.run_at(NOW + 49 * DAY, &["check", "hub"]).ok();
}

#[test]
fn an_expired_head_can_be_refreshed_and_an_expired_root_cannot() {
    let sandbox = Sandbox::new();
    let refresh = ["refresh", "hub", "--index-key", "keys/index.key"];
    sandbox.run_at(NOW + 400 * DAY, &refresh).ok();
    insta::assert_snapshot!(sandbox.run_at(NOW + 6 * 365 * DAY, &refresh).fails(3), @r"
    error: root 1 has expired; it must be renewed with the root key before anything can change
    hint: renew it: `leah-registry rotate DIR --root-key FILE --index-key FILE`
    ");
}

#[test]
fn merges_the_segments_of_the_catalog_into_one() {
    let sandbox = Sandbox::new();
    let segments = || Registry::open(&sandbox.path("hub"), None, NOW).unwrap().segments().unwrap().len();
    let mut number = 0;
    while segments() < 3 {
        number += 1;
        sandbox.publish(&format!("p{number}"), "1.0.0").ok();
    }
    assert!((20..80).contains(&number), "{number}");
    sandbox.change("yank", &["p1", "1.0.0"]).ok();
    sandbox.change("refresh", &[]).ok();
    assert_eq!(segments(), 1);
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn a_registry_of_yanked_versions_alone_keeps_its_empty_catalog() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    sandbox.change("refresh", &[]).ok();
    let registry = || Registry::open(&sandbox.path("hub"), None, NOW).unwrap();
    assert!(!registry().has_no_catalog().unwrap());
    sandbox.change("unyank", &["notes", "1.0.0"]).ok();
    assert_eq!(registry().catalog().unwrap().len(), 1);
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn leaves_nothing_in_a_folder_that_is_no_registry() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("hup")).unwrap();
    for folder in ["hup", "nowhere"] {
        let error = sandbox.run(&["refresh", folder, "--index-key", "keys/index.key"]).fails(5);
        assert_eq!(error, format!("error: `{folder}` is not a registry: it has no `head`\n"));
    }
    assert_eq!(std::fs::read_dir(sandbox.path("hup")).unwrap().count(), 0);
}
