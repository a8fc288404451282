//! `leahpm tree`: what is installed, each plugin below those that need it.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

/// `speak` needs `alpha` and `beta`, `alpha` needs `beta` and `gamma`, `beta` needs `gamma`; `beta` was asked for too.
pub fn woven() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("gamma", "1.0.0"))
        .publish(&PackageSpec::new("beta", "1.2.0").needs("gamma", "^1"))
        .publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1.2").needs("gamma", "*"))
        .publish(&PackageSpec::new("speak", "2.0.0").needs("alpha", "^1").needs("beta", ">=1, <3"));
    sandbox.run(&["install", "speak@^2", "beta"]).ok();
    (sandbox, hub)
}

#[test]
fn shows_what_each_plugin_needs_and_a_shared_part_once() {
    let (sandbox, _hub) = woven();
    insta::assert_snapshot!(sandbox.run(&["tree"]), @"
    1> beta 1.2.0 (hub, asked for as *)
    1> └── gamma 1.0.0 (needed as ^1)
    1> speak 2.0.0 (hub, asked for as ^2)
    1> ├── alpha 1.0.0 (needed as ^1)
    1> │   ├── beta 1.2.0 (needed as ^1.2, shown above)
    1> │   └── gamma 1.0.0 (needed as *)
    1> └── beta 1.2.0 (needed as >=1, <3, shown above)
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["tree", "alpha", "gamma"]), @"
    1> alpha 1.0.0 (hub)
    1> ├── beta 1.2.0 (needed as ^1.2)
    1> │   └── gamma 1.0.0 (needed as ^1)
    1> └── gamma 1.0.0 (needed as *)
    1> gamma 1.0.0 (hub)
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["tree", "--json"]).pretty(), @r#"
    {
      "command": "tree",
      "generation": 1,
      "plugins": [
        {
          "dependencies": {
            "beta": "^1.2",
            "gamma": "*"
          },
          "enabled": true,
          "held": false,
          "name": "alpha",
          "range": null,
          "registry": "hub",
          "version": "1.0.0"
        },
        {
          "dependencies": {
            "gamma": "^1"
          },
          "enabled": true,
          "held": false,
          "name": "beta",
          "range": "*",
          "registry": "hub",
          "version": "1.2.0"
        },
        {
          "dependencies": {},
          "enabled": true,
          "held": false,
          "name": "gamma",
          "range": null,
          "registry": "hub",
          "version": "1.0.0"
        },
        {
          "dependencies": {
            "alpha": "^1",
            "beta": ">=1, <3"
          },
          "enabled": true,
          "held": false,
          "name": "speak",
          "range": "^2",
          "registry": "hub",
          "version": "2.0.0"
        }
      ],
      "roots": [
        "beta",
        "speak"
      ],
      "schema": 1
    }
    "#);
}

#[test]
fn marks_what_is_switched_off_and_what_is_held() {
    let (sandbox, _hub) = woven();
    sandbox.run(&["hold", "beta"]).ok();
    sandbox.run(&["disable", "speak", "alpha"]).ok();
    insta::assert_snapshot!(sandbox.run(&["tree"]), @"
    1> beta 1.2.0 (hub, asked for as *, held)
    1> └── gamma 1.0.0 (needed as ^1)
    1> speak 2.0.0 (hub, asked for as ^2, disabled)
    1> ├── alpha 1.0.0 (needed as ^1, disabled)
    1> │   ├── beta 1.2.0 (needed as ^1.2, held, shown above)
    1> │   └── gamma 1.0.0 (needed as *)
    1> └── beta 1.2.0 (needed as >=1, <3, held, shown above)
    exit 0
    ");
    sandbox.run(&["uninstall", "speak"]).ok();
    insta::assert_snapshot!(sandbox.run(&["tree"]), @"
    1> beta 1.2.0 (hub, asked for as *, held)
    1> └── gamma 1.0.0 (needed as ^1)
    exit 0
    ");
}

#[test]
fn has_nothing_to_show_where_nothing_is_installed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["tree"]), @"
    2> No plugins are installed. `leahpm search` shows what there is.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["tree", "--json"]), @r#"
    1> {"command":"tree","generation":null,"plugins":[],"roots":[],"schema":1}
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["tree", "alpha"]), @"
    2> error: `alpha` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
}
