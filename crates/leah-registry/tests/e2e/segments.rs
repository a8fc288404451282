//! A catalog through many changes without a `refresh`: what it shows, and how much a change writes of it.

use leah_plugin::catalog::{Catalog, CatalogEntry};
use leah_registry::registry::Registry;

use crate::{
    check::add_names,
    sandbox::{NOW, Sandbox},
};

/// So long that a segment of 3,000 bytes takes four.
fn entry(number: usize, version: u64) -> CatalogEntry {
    CatalogEntry {
        name: format!("plugin-{number}").parse().unwrap(),
        version: semver::Version::new(version, 0, 0),
        author: "LEAH contributors".into(),
        description: "what it does ".repeat(39),
        category: None,
        tags: Vec::new(),
    }
}

#[test]
fn the_catalog_stays_right_and_the_list_short_through_many_changes() {
    let sandbox = Sandbox::new();
    let mut shown: Catalog = (0..100).map(|number| (entry(number, 1).name, entry(number, 1))).collect();
    sandbox.change_by_library(|change| {
        add_names(&sandbox, change, 100);
        change.set_catalog(&shown);
    });
    let (mut merges, mut before) = (0, 1);
    for round in 1..=250 {
        let new = entry(round * 7 % 100, round as u64);
        if round % 5 == 0 {
            sandbox.change_by_library(|change| change.remove_catalog_entry(&new.name));
            shown.remove(&new.name);
        } else {
            sandbox.change_by_library(|change| change.set_catalog_entry(new.clone()));
            shown.insert(new.name.clone(), new);
        }
        let registry = Registry::open(&sandbox.path("hub"), None, NOW).unwrap();
        let segments = registry.segments().unwrap();
        assert_eq!(registry.catalog().unwrap(), shown, "round {round}");
        assert!(segments.len() <= 24 && segments.last().unwrap().size <= 60_000, "round {round}");
        if segments.len() < before {
            merges += 1;
        } else {
            assert!(segments.last().unwrap().size <= 3_000, "round {round}");
        }
        before = segments.len();
    }
    assert!((1..=4).contains(&merges), "{merges}");
}
