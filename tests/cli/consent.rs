//! Permissions are given by a person and by name: what is asked, what is refused, and that the command which a
//! refusal suggests does what it says.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::Sandbox,
};

fn mail(version: &str) -> PackageSpec {
    PackageSpec::new("mail", version)
        .permission("read_messages")
        .permission("network_access: [mail.example, \"setting:server\"]")
        .hook("on_chat_message")
        .manifest("config:\n  server: { type: string, description: A host }\n")
}

/// Names of what is granted, then of what is denied.
fn permissions(sandbox: &Sandbox, name: &str) -> String {
    let locked = sandbox.locked(name);
    let names = |set: &leah_plugin::manifest::Permissions| {
        set.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(" ")
    };
    format!("+{} -{}", names(&locked.granted), names(&locked.denied))
}

#[test]
fn nothing_is_installed_before_somebody_agrees() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    let before = sandbox.tree();
    let refused = sandbox.run(&["install", "mail"]);
    insta::assert_snapshot!(refused, @"
    2> error: `mail` is not granted what it asks for:
    2>   mail: read_messages (read your messages and the model's answers)
    2>   mail: network_access (send requests to mail.example, what you enter for its setting `server`)
    2> hint: to agree, run `leahpm install mail --grant mail:read_messages,mail:network_access`; `--deny` refuses one
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "mail", "--json"]).json(), @r#"{"error":{"causes":[],"code":8,"details":{"permissions":[{"meaning":"read your messages and the model's answers","permission":"read_messages","plugin":"mail","scope":null,"version":"1.0.0"},{"meaning":"send requests to mail.example, what you enter for its setting `server`","permission":"network_access","plugin":"mail","scope":["mail.example","setting:server"],"version":"1.0.0"}]},"hint":"to agree, run `leahpm install mail --json --grant mail:read_messages,mail:network_access`; `--deny` refuses one","hints":["to agree, run `leahpm install mail --json --grant mail:read_messages,mail:network_access`; `--deny` refuses one"],"message":"`mail` is not granted what it asks for:\n  mail: read_messages (read your messages and the model's answers)\n  mail: network_access (send requests to mail.example, what you enter for its setting `server`)"},"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> + mail 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages network_access -");
}

#[test]
fn yes_grants_nothing() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run(&["install", "mail", "--yes"]).fails(8);
    sandbox.run_env(&["install", "mail"], &[("LEAHPM_YES", "true"), ("CI", "true")]).fails(8);
    assert_eq!(sandbox.live_line(), "");
}

#[test]
fn the_permissions_of_a_dependency_are_asked_for_as_well() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("mail", "^1").permission("use_model"));
    let refused = sandbox.run(&["install", "alpha"]);
    insta::assert_snapshot!(refused, @"
    2> error: `alpha` and `mail` are not granted what they ask for:
    2>   alpha: use_model (ask your chat model)
    2>   mail: read_messages (read your messages and the model's answers)
    2>   mail: network_access (send requests to mail.example, what you enter for its setting `server`)
    2> hint: to agree, run `leahpm install alpha --grant alpha:use_model,mail:read_messages,mail:network_access`; `--deny` refuses one
    exit 8
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, mail 1.0.0");
}

#[test]
fn the_command_of_a_refusal_asks_for_the_same_versions_of_the_same_registry() {
    let sandbox = Sandbox::new();
    let hub = TestRegistry::new(&sandbox, "hub");
    hub.publish(&mail("1.0.0")).publish(&mail("2.0.0"));
    let refused = sandbox.run(&hub.with(&["install", "mail@^1", "--deny", "network_access"]));
    refused.fails(8);
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "mail 1.0.0");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -network_access");
    sandbox.run(&["uninstall", "mail"]).ok();
    let refused = sandbox.run(&["install", "hub/mail@=1.0.0"]);
    refused.fails(8);
    sandbox.run_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "mail 1.0.0");
}

#[test]
fn a_denied_permission_is_no_obstacle() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run(&["install", "mail", "--grant", "read_messages", "--deny", "network_access"]).ok();
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -network_access");
    sandbox.run(&["uninstall", "mail"]).ok();
    sandbox.run(&["install", "mail", "--deny", "all"]).ok();
    assert_eq!(permissions(&sandbox, "mail"), "+ -read_messages network_access");
    assert_eq!(sandbox.live_line(), "mail 1.0.0");
}

#[test]
fn a_grant_for_a_part_leaves_the_rest_to_be_asked() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    let refused = sandbox.run(&["install", "mail", "--grant", "mail:read_messages"]);
    insta::assert_snapshot!(refused, @"
    2> error: `mail` is not granted what it asks for:
    2>   mail: network_access (send requests to mail.example, what you enter for its setting `server`)
    2> hint: to agree, run `leahpm install mail --grant mail:read_messages --grant mail:network_access`; `--deny` refuses one
    exit 8
    ");
    sandbox.run_hint(&refused).ok();
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages network_access -");
}

#[test]
fn a_grant_for_one_plugin_is_none_for_another() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0")).publish(&PackageSpec::new("alpha", "1.0.0").permission("read_messages"));
    let refused = sandbox.run(&["install", "mail", "alpha", "--grant", "mail:all"]);
    insta::assert_snapshot!(refused, @"
    2> error: `alpha` is not granted what it asks for:
    2>   alpha: read_messages (read your messages and the model's answers)
    2> hint: to agree, run `leahpm install mail alpha --grant mail:all --grant alpha:read_messages`; `--deny` refuses one
    exit 8
    ");
    assert_eq!(sandbox.live_line(), "");
    sandbox.run(&["install", "mail", "alpha", "--grant", "mail:all,alpha:all"]).ok();
}

#[test]
fn grants_come_from_the_environment_too() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run_env(&["install", "mail"], &[("LEAHPM_GRANT", "read_messages,mail:network_access")]).ok();
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages network_access -");
}

#[test]
fn a_word_that_is_no_permission_is_wrong_usage() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["install", "mail", "--grant", "read_mesages"]), @"
    2> error: invalid value 'read_mesages' for '--grant <PERMISSION>': there is no permission `read_mesages`; there are `read_messages`, `modify_messages`, `modify_responses`, `read_files`, `write_files`, `network_access`, `use_model` and `all`
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "mail", "--grant", "Mail:all"]), @"
    2> error: invalid value 'Mail:all' for '--grant <PERMISSION>': write PERMISSION, all, or PLUGIN:PERMISSION
    2>
    2> For more information, try '--help'.
    exit 2
    ");
}

#[test]
fn an_install_of_what_is_there_can_change_what_is_granted() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run(&["install", "mail", "--deny", "all"]).ok();
    insta::assert_snapshot!(sandbox.run(&["install", "mail", "--grant", "read_messages"]), @"
    2> ~ mail granted: read_messages; denied: network_access
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -network_access");
}

#[test]
fn an_update_that_wants_more_changes_nothing_until_somebody_agrees() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0")).publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "mail", "alpha", "--grant", "all"]).ok();
    hub.publish(&mail("1.1.0").permission("use_model")).publish_all(&[("alpha", "1.1.0")]);
    let before = sandbox.tree();
    let refused = sandbox.run(&["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `mail` asks for more than it was granted:
    2>   mail 1.0.0 -> 1.1.0: use_model (ask your chat model)
    2> hint: to agree, run `leahpm update --grant mail:use_model`; `--deny` refuses one
    2> hint: to update the rest alone, run `leahpm update --exclude mail`
    exit 8
    ");
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> ~ mail 1.0.0 -> 1.1.0
    2> ~ mail granted: read_messages, network_access, use_model; denied: none
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages network_access use_model -");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, mail 1.1.0");
}

#[test]
fn an_update_that_wants_a_wider_scope_asks_for_it() {
    let (sandbox, hub) = hub();
    let spec = |version: &str, hosts: &str| {
        PackageSpec::new("mail", version).permission(&format!("network_access: [{hosts}]"))
    };
    hub.publish(&spec("1.0.0", "a.example"));
    sandbox.run(&["install", "mail", "--grant", "all"]).ok();
    hub.publish(&spec("1.1.0", "a.example, b.example"));
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> error: `mail` asks for more than it was granted:
    2>   mail 1.0.0 -> 1.1.0: network_access (also send requests to b.example)
    2> hint: to agree, run `leahpm update --grant mail:network_access`; `--deny` refuses one
    2> hint: to update the rest alone, run `leahpm update --exclude mail`
    exit 8
    ");
    hub.publish(&spec("1.2.0", "a.example"));
    sandbox.run(&["update"]).ok();
    assert_eq!(sandbox.live_line(), "mail 1.2.0");
}

#[test]
fn an_update_keeps_what_was_granted_and_what_was_denied() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run(&["install", "mail", "--grant", "read_messages", "--deny", "network_access"]).ok();
    hub.publish(&mail("1.1.0"));
    insta::assert_snapshot!(sandbox.run(&["update", "mail"]), @"
    2> ~ mail 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(permissions(&sandbox, "mail"), "+read_messages -network_access");
}

#[test]
fn a_plugin_that_was_taken_out_must_ask_again() {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0"));
    sandbox.run(&["install", "mail", "--grant", "all"]).ok();
    sandbox.run(&["uninstall", "mail"]).ok();
    sandbox.run(&["install", "mail"]).fails(8);
}
