//! Registries that are made to keep the resolver busy, as in `src/resolve/hostile_tests.rs`, but larger.

use std::collections::BTreeMap;

use leah_plugin::name::PluginName;
use leahpm::{requirements::PluginId, resolve::Candidate};
use semver::{Version, VersionReq};

use crate::market::Market;

/// Each with what it is.
pub(crate) fn shapes() -> [(&'static str, Market); 2] {
    let crowd = crowd(1_000, 500);
    [("200 pigeons, 199 holes", pigeons(199)), ("1,000 plugins of 500 versions, needed at once", crowd)]
}

/// Every pigeon needs a hole to itself, and there is one hole too few: no proof of that is short.
fn pigeons(holes: u64) -> Market {
    let pigeon = |i: u64| {
        let hole = move |at: u64| vec![(name("hole", at), format!("={i}.0.0").parse().unwrap())];
        (id("pigeon", i), versions(holes, hole))
    };
    let mut records: Vec<_> = (1..=holes + 1).map(pigeon).collect();
    records.extend((1..=holes).map(|at| (id("hole", at), versions(holes + 1, |_| Vec::new()))));
    Market::of(records, (1..=holes + 1).map(|i| (name("pigeon", i), VersionReq::STAR)))
}

/// Each of twenty versions needs each of many plugins, in a version of its own, and none of them will do.
fn crowd(plugins: u64, count: u64) -> Market {
    let all =
        |at: u64| (0..plugins).map(|i| (name("one", i), format!("={at}.0.0").parse().unwrap())).collect();
    let mut records = vec![(id("all", 0), versions(20, all))];
    records.extend((0..plugins).map(|i| (id("one", i), versions(count, |_| Vec::new()))));
    let wanted = [(name("all", 0), VersionReq::STAR), (name("one", 0), "=21.0.0".parse().unwrap())];
    Market::of(records, wanted.into_iter())
}

/// Versions 1.0.0 to `count`.0.0 of a plugin, each with what `needs` says of it.
fn versions(count: u64, needs: impl Fn(u64) -> Vec<(PluginName, VersionReq)>) -> Vec<Candidate> {
    let candidate = |major| Candidate {
        version: Version::new(major, 0, 0),
        dependencies: needs(major).into_iter().collect::<BTreeMap<_, _>>(),
        api: VersionReq::STAR,
        host: None,
        yanked: false,
        revoked: false,
    };
    (1..=count).map(candidate).collect()
}

fn name(word: &str, number: u64) -> PluginName {
    format!("{word}-{number}").parse().unwrap()
}

fn id(word: &str, number: u64) -> PluginId {
    PluginId { registry: "hub".parse().unwrap(), name: name(word, number) }
}
