//! How much of a large registry one install reads and one publish writes. `benches/registry-size` says the
//! same of a million names.

use std::collections::BTreeSet;

use leah_plugin::{registry_layout::RegistryLayout, tree};
use leah_registry::{registry::Registry, serve::Server};

use crate::{
    cold, generate,
    sandbox::{NOW, Sandbox},
    serve::ask,
};

const NAMES: usize = 10_000;

/// Every so many names there is a record behind the name; making all of them would take most of the time.
const STEP: usize = 50;

/// What the issue of a large registry allows, in bytes.
const MOST: usize = 20_000;

fn large() -> Sandbox {
    let sandbox = Sandbox::new();
    let keys = (&sandbox.secret("keys/index.key"), &sandbox.publisher);
    generate::fill(&sandbox.path("hub"), keys, (NAMES, STEP));
    sandbox
}

#[test]
fn a_cold_client_of_ten_thousand_names_reads_little_more_than_the_record() {
    let sandbox = large();
    let root_key = sandbox.secret("keys/root.key").public();
    let server = Server::start(sandbox.path("hub"), "127.0.0.1:0".parse().unwrap()).unwrap();
    let get = |path: &str| {
        let (head, body) = ask(&server.url(), "GET", &format!("/{path}"), "");
        head.starts_with("http/1.1 200 ").then_some(body)
    };
    let mut most = 0;
    for number in (0..NAMES).step_by(STEP) {
        let (read, record) = cold::look_up(get, &root_key, &generate::name(number));
        assert!(record.is_some(), "{}", generate::name(number));
        most = most.max(read);
    }
    let (read, record) = cold::look_up(get, &root_key, &"nobody-has-this".parse().unwrap());
    assert_eq!(record, None);
    assert!((1_000..=MOST).contains(&most.max(read)), "{most} {read}");
    assert!(most < 8_000, "{most} bytes, which is more than docs/performance.md says");
}

#[test]
fn publishing_into_ten_thousand_names_rewrites_little() {
    let sandbox = large();
    let mut before = objects(&sandbox);
    let mut check = |name: &str| {
        let after = objects(&sandbox);
        let new: usize =
            after.difference(&before).map(|path| sandbox.read(&format!("hub/{path}")).len()).sum();
        let registry = Registry::open(&sandbox.path("hub"), None, NOW).unwrap();
        let record = registry.find(&name.parse().unwrap()).unwrap().unwrap().size as usize;
        before = after;
        assert!((4_096..=MOST).contains(&(new - record)), "{name}: {}", new - record);
    };
    for number in [0, 1, 50, 99, 199].map(|number| number * STEP) {
        let name = generate::name(number).to_string();
        sandbox.publish(&name, "1.0.0").ok();
        check(&name);
        sandbox.change("yank", &[&name, "1.0.0"]).ok();
        check(&name);
    }
    for name in ["something-new", "nothing-old"] {
        sandbox.publish(name, "1.0.0").ok();
        check(name);
    }
    let registry = Registry::open(&sandbox.path("hub"), None, NOW).unwrap();
    assert!(registry.has_no_catalog().unwrap());
    assert_eq!(registry.names().unwrap().records.len(), NAMES + 2);
    assert_eq!(tree::build(&registry.names().unwrap().records).root, registry.head().tree);
}

fn objects(sandbox: &Sandbox) -> BTreeSet<String> {
    let folder = format!("{}/", RegistryLayout::OBJECTS);
    sandbox.registry_files().into_iter().filter(|file| file.starts_with(&folder)).collect()
}
