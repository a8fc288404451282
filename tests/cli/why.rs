//! `leahpm why`: every way from what was asked for to a plugin.

mod trust;

use crate::{sandbox::Sandbox, tree::woven};

#[test]
fn tells_every_way_to_a_plugin() {
    let (sandbox, _hub) = woven();
    insta::assert_snapshot!(sandbox.run(&["why", "gamma"]), @"
    1> gamma 1.0.0 (hub)
    1> ├── needed by alpha 1.0.0 as *
    1> │   └── needed by speak 2.0.0 as ^1
    1> │       └── asked for as ^2
    1> └── needed by beta 1.2.0 as ^1
    1>     ├── asked for as *
    1>     ├── needed by alpha 1.0.0 as ^1.2, shown above
    1>     └── needed by speak 2.0.0 as >=1, <3, shown above
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "speak"]), @"
    1> speak 2.0.0 (hub)
    1> └── asked for as ^2
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "beta", "--json"]).pretty(), @r#"
    {
      "command": "why",
      "generation": 1,
      "name": "beta",
      "plugins": [
        {
          "enabled": true,
          "held": false,
          "name": "alpha",
          "needed_by": [
            {
              "name": "speak",
              "range": "^1"
            }
          ],
          "range": null,
          "registry": "hub",
          "version": "1.0.0"
        },
        {
          "enabled": true,
          "held": false,
          "name": "beta",
          "needed_by": [
            {
              "name": "alpha",
              "range": "^1.2"
            },
            {
              "name": "speak",
              "range": ">=1, <3"
            }
          ],
          "range": "*",
          "registry": "hub",
          "version": "1.2.0"
        },
        {
          "enabled": true,
          "held": false,
          "name": "speak",
          "needed_by": [],
          "range": "^2",
          "registry": "hub",
          "version": "2.0.0"
        }
      ],
      "schema": 1
    }
    "#);
}

#[test]
fn tells_that_a_plugin_is_held_or_switched_off() {
    let (sandbox, _hub) = woven();
    sandbox.run(&["hold", "beta"]).ok();
    sandbox.run(&["disable", "speak", "alpha", "beta"]).ok();
    insta::assert_snapshot!(sandbox.run(&["why", "beta"]), @"
    1> beta 1.2.0 (hub)
    1> ├── asked for as *
    1> ├── needed by alpha 1.0.0 as ^1.2
    1> │   └── needed by speak 2.0.0 as ^1
    1> │       └── asked for as ^2
    1> └── needed by speak 2.0.0 as >=1, <3, shown above
    2> It is held at 1.2.0; `leahpm unhold beta` lets it move.
    2> It is switched off; `leahpm enable beta` switches it on.
    exit 0
    ");
}

#[test]
fn a_plugin_that_is_not_installed_has_no_reason_to_be() {
    let (sandbox, _hub) = woven();
    let refused = sandbox.run(&["why", "gama"]);
    insta::assert_snapshot!(refused, @"
    2> error: `gama` is not installed
    2> hint: did you mean `leahpm why gamma`?
    exit 5
    ");
    sandbox.run_hint(&refused).ok();
    insta::assert_snapshot!(sandbox.run(&["why", "zzz"]), @"
    2> error: `zzz` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    insta::assert_snapshot!(Sandbox::new().run(&["why", "alpha"]), @"
    2> error: nothing was ever installed here
    2> hint: `leahpm search` shows what there is to install
    exit 5
    ");
}
