//! `leahpm update --exclude`, and the refusal of an update that wants more: nothing changes, the difference is told,
//! and both commands that it suggests do what they say.

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    sandbox::{Output, Sandbox},
};

fn mail(version: &str, hosts: &str) -> PackageSpec {
    PackageSpec::new("mail", version)
        .permission("read_messages")
        .permission(&format!("network_access: [{hosts}]"))
        .hook("on_chat_message")
}

/// `alpha` and `mail` 1.0.0 with all that they ask for; there is 1.1.0 of both, and that `mail` wants more.
fn wanting() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&mail("1.0.0", "a.example")).publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "mail", "alpha", "--grant", "all"]).ok();
    hub.publish(&mail("1.1.0", "a.example, b.example").permission("use_model"));
    hub.publish_all(&[("alpha", "1.1.0")]);
    (sandbox, hub)
}

/// What a command answers that must be refused for want of consent and change nothing at all.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let before = sandbox.tree();
    let refused = sandbox.run(arguments);
    refused.fails(8);
    assert_eq!(sandbox.tree(), before);
    refused
}

#[test]
fn an_update_that_wants_more_tells_the_difference_and_how_to_grant_it() {
    let (sandbox, _hub) = wanting();
    let refused = refused(&sandbox, &["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `mail` asks for more than it was granted:
    2>   mail 1.0.0 -> 1.1.0: network_access (also send requests to b.example)
    2>   mail 1.0.0 -> 1.1.0: use_model (ask your chat model)
    2> hint: to agree, run `leahpm update --grant mail:network_access,mail:use_model`; `--deny` refuses one
    2> hint: to update the rest alone, run `leahpm update --exclude mail`
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run_hint(&refused), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> ~ mail 1.0.0 -> 1.1.0
    2> ~ mail granted: read_messages, network_access, use_model; denied: none
    2> Generation 2 is live.
    exit 0
    ");
}

#[test]
fn a_person_is_asked_for_what_is_new_and_for_nothing_else() {
    let (sandbox, _hub) = wanting();
    let before = sandbox.tree();
    // Enter alone takes the last answer, which is to cancel; one down from there is the first, which is all of it.
    let Some(no) = sandbox.at_a_terminal("leahpm update", "\r") else { return };
    let asked = "mail 1.1.0 wants more than 1.0.0 was granted:\r\n  - network_access (also send requests to \
                 b.example)\r\n  - use_model (ask your chat model)\r\n";
    assert!(no.stdout.contains(asked), "{no}");
    assert_eq!((no.code, sandbox.tree()), (8, before));
    assert_eq!(sandbox.at_a_terminal("leahpm update", "j\r").unwrap().code, 0);
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, mail 1.1.0");
    assert_eq!(sandbox.locked("mail").granted.iter().count(), 3);
}

#[test]
fn an_update_that_wants_more_leaves_the_rest_to_be_updated_without_it() {
    let (sandbox, _hub) = wanting();
    let refused = refused(&sandbox, &["update"]);
    insta::assert_snapshot!(sandbox.run_second_hint(&refused), @"
    2> ~ alpha 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0, mail 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["update", "--exclude", "mail"]), @"
    2> All plugins but `mail`, which stays as it is, are up to date; nothing changed.
    exit 0
    ");
    assert!(!sandbox.locked("mail").held, "it stays for one run alone");
}

#[test]
fn an_update_by_name_that_wants_more_tells_how_to_update_the_others_that_are_named() {
    let (sandbox, hub) = wanting();
    hub.publish_all(&[("beta", "1.0.0")]);
    sandbox.run(&["install", "beta"]).ok();
    hub.publish_all(&[("beta", "1.1.0")]);
    let both = refused(&sandbox, &["update", "mail", "beta"]);
    insta::assert_snapshot!(sandbox.run_second_hint(&both), @"
    2> ~ beta 1.0.0 -> 1.1.0
    2> Generation 3 is live.
    exit 0
    ");
    let alone = refused(&sandbox, &["update", "mail"]);
    insta::assert_snapshot!(alone, @"
    2> error: `mail` asks for more than it was granted:
    2>   mail 1.0.0 -> 1.1.0: network_access (also send requests to b.example)
    2>   mail 1.0.0 -> 1.1.0: use_model (ask your chat model)
    2> hint: to agree, run `leahpm update mail --grant mail:network_access,mail:use_model`; `--deny` refuses one
    exit 8
    ");
}

#[test]
fn what_a_new_version_brings_along_is_left_out_with_it() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0"), ("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha", "beta"]).ok();
    hub.publish(&PackageSpec::new("spy", "1.0.0").permission("use_model"));
    hub.publish(&PackageSpec::new("between", "1.0.0").needs("spy", "^1"));
    hub.publish(&PackageSpec::new("alpha", "1.1.0").needs("between", "^1")).publish_all(&[("beta", "1.1.0")]);
    let refused = refused(&sandbox, &["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `spy` is not granted what it asks for:
    2>   spy: use_model (ask your chat model)
    2> hint: to agree, run `leahpm update --grant spy:use_model`; `--deny` refuses one
    2> hint: to update the rest alone, run `leahpm update --exclude alpha`
    exit 8
    ");
    sandbox.run_second_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.1.0");
}

#[test]
fn a_plugin_that_wants_more_only_because_another_is_left_out_is_left_out_too() {
    let (sandbox, hub) = hub();
    let app = |version: &str| PackageSpec::new("app", version);
    hub.publish_all(&[("lib", "1.0.0"), ("beta", "1.0.0")]).publish(&app("1.0.0").needs("lib", "^1"));
    sandbox.run(&["install", "app", "beta"]).ok();
    // The newest `app` wants nothing but a `lib` that does; the one before goes with the old `lib` and wants more.
    hub.publish(&PackageSpec::new("lib", "2.0.0").permission("use_model"));
    hub.publish(&app("1.1.0").needs("lib", "^1").permission("use_model"));
    hub.publish(&app("1.2.0").needs("lib", "^2")).publish_all(&[("beta", "1.1.0")]);
    let refused = refused(&sandbox, &["update"]);
    insta::assert_snapshot!(refused, @"
    2> error: `lib` asks for more than it was granted:
    2>   lib 1.0.0 -> 2.0.0: use_model (ask your chat model)
    2> hint: to agree, run `leahpm update --grant lib:use_model`; `--deny` refuses one
    2> hint: to update the rest alone, run `leahpm update --exclude app,lib`
    exit 8
    ");
    sandbox.run_second_hint(&refused).ok();
    assert_eq!(sandbox.live_line(), "app 1.0.0, beta 1.1.0, lib 1.0.0");
}

#[test]
fn leaves_out_what_is_named_once_or_in_a_list_and_says_so_where_nothing_is_left() {
    let (sandbox, _hub) = wanting();
    insta::assert_snapshot!(sandbox.run(&["update", "--exclude", "mail,alpha"]), @"
    2> All plugins but `alpha` and `mail`, which stay as they are, are up to date; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "--exclude", "mail", "--exclude", "alpha"]), @"
    2> All plugins but `alpha` and `mail`, which stay as they are, are up to date; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "mail", "--exclude", "mail"]), @"
    2> error: nothing is left to update: all plugins that are named are excluded too
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["update", "--exclude", "gamma"]), @"
    2> error: `gamma` is not installed
    2> hint: `leahpm list` shows what is installed
    exit 5
    ");
    sandbox.run(&["hold", "mail"]).ok();
    insta::assert_snapshot!(sandbox.run(&["update", "--dry-run"]), @"
    1> ~ alpha 1.0.0 -> 1.1.0
    2> Nothing was changed: this was a dry run.
    exit 0
    ");
    sandbox.run(&["update"]).ok();
    insta::assert_snapshot!(sandbox.run(&["update"]), @"
    2> All plugins but `mail`, which stays as it is, are up to date; nothing changed.
    exit 0
    ");
}
