//! `leahpm install`: what people see, what the disk holds, what is refused.

use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::Sandbox,
};

#[test]
fn brings_a_plugin_with_what_it_needs() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&PackageSpec::new("beta", "1.2.0"));
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1"));
    let output = sandbox.run(&hub.with(&["install", "alpha"]));
    insta::assert_snapshot!(output, @"
    2> + alpha 1.0.0 (hub)
    2> + beta 1.2.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.2.0");
    sandbox.assert_no_leftovers();
}
