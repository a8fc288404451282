//! What a registry of ten thousand plugins costs a home that knows nothing of it. `docs/performance.md` has the
//! figures, `benches/registry-size` those of a million.

#[path = "../../benches/registry-size/generate.rs"]
mod generate;

use std::fs;

use crate::{
    fixture::{PackageSpec, TestRegistry},
    hostile::server::Hostile,
    http::add,
    sandbox::Sandbox,
};

#[test]
fn an_install_from_ten_thousand_names_reads_little_more_than_the_record_and_the_archive() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    generate::fill(&hub.folder, (&hub.index_key, &hub.publisher), (9_999, 1_000));
    hub.publish(&PackageSpec::new("alpha", "1.0.0"));
    let server = Hostile::start(&hub.folder, None);
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    let size = |path: &str| fs::metadata(hub.path(path)).unwrap().len();
    let asked = server.asked();
    let (record, archive) = (&asked[asked.len() - 2], &asked[asked.len() - 1]);
    assert_eq!(archive, "packages/alpha/alpha-1.0.0.tar.gz");
    assert!(record.starts_with("objects/"), "{asked:?}");
    let beside = server.sent() - size(record) - size(archive);
    assert!((5_000..=20_000).contains(&beside), "{beside} bytes for {asked:?}");
}
