//! `leahpm permissions`: what plugins may do, shown in plain words and changed by name.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

fn with_mail() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    let mail = PackageSpec::new("mail", "1.0.0")
        .permission("read_messages")
        .permission("network_access: [mail.example]")
        .permission("write_files");
    hub.publish(&mail).publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "mail", "alpha", "--grant", "all", "--deny", "mail:write_files"]).ok();
    (sandbox, hub)
}

#[test]
fn shows_what_is_granted_and_what_is_denied() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["permissions", "list"]), @"
    1> PLUGIN  PERMISSION               MEANING
    1> mail    read_messages   granted  read your messages and the model's answers
    1> mail    network_access  granted  send requests to mail.example
    1> mail    write_files     denied   keep files in a folder of its own
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["permissions", "list", "alpha"]), @"
    2> No permission is asked for by `alpha`.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["permissions", "list", "mail", "--json"]).pretty(), @r#"
    {
      "command": "permissions list",
      "plugins": [
        {
          "denied": [
            "write_files"
          ],
          "granted": [
            "read_messages",
            {
              "network_access": [
                "mail.example"
              ]
            }
          ],
          "name": "mail"
        }
      ],
      "schema": 1
    }
    "#);
    insta::assert_snapshot!(sandbox.run(&["permissions", "list", "beta"]), @"
    2> error: `beta` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
}

#[test]
fn takes_permissions_away_and_gives_them_back() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["permissions", "revoke", "mail", "network_access"]), @"
    2> ~ mail granted: read_messages; denied: write_files, network_access
    2> Generation 2 is live.
    exit 0
    ");
    let grant = ["permissions", "grant", "mail", "network_access", "write_files"];
    insta::assert_snapshot!(sandbox.run(&grant), @"
    2> ~ mail granted: read_messages, write_files, network_access; denied: none
    2> Generation 3 is live.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&grant), @"
    2> Everything is as it was asked for; nothing changed.
    exit 0
    ");
    let revoke = ["permissions", "revoke", "mail", "write_files", "--json"];
    insta::assert_snapshot!(sandbox.run(&revoke).json(), @r#"{"changed":true,"changes":[{"change":"permissions","denied":["write_files"],"granted":["read_messages",{"network_access":["mail.example"]}],"name":"mail"}],"command":"permissions revoke","dry_run":false,"failed":[],"generation":4,"host":"not_asked","needs_settings":{},"parent":3,"schema":1}"#);
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 4       3       [TIME]  live  revoke mail
    1> 3       2       [TIME]        grant mail
    1> 2       1       [TIME]        revoke mail
    1> 1       -       [TIME]        install mail alpha
    exit 0
    ");
    sandbox.run(&["rollback"]).ok();
    assert!(sandbox.locked("mail").denied.is_empty());
}

#[test]
fn a_dry_run_changes_nothing() {
    let (sandbox, _hub) = with_mail();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["permissions", "revoke", "mail", "network_access", "--dry-run"]), @"
    1> ~ mail granted: read_messages; denied: write_files, network_access
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn grants_nothing_that_was_not_asked_for() {
    let (sandbox, _hub) = with_mail();
    insta::assert_snapshot!(sandbox.run(&["permissions", "grant", "mail", "use_model"]), @"
    2> error: `mail` does not ask for `use_model`
    2> hint: `leahpm permissions list mail` shows what it asks for
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["permissions", "grant", "mail", "fly"]), @"
    2> error: invalid value 'fly' for '<PERMISSION>...': `fly` is not a permission; known are `read_messages`, `modify_messages`, `modify_responses`, `read_files`, `write_files`, `network_access`, `use_model`
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["permissions", "grant", "mail"]), @"
    2> error: the following required arguments were not provided:
    2>   <PERMISSION>...
    2>
    2> Usage: leahpm permissions grant --home <DIR> --cache <DIR> <PLUGIN> <PERMISSION>...
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["permissions", "revoke", "beta", "use_model"]), @"
    2> error: `beta` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
}
