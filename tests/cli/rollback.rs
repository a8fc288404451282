//! `leahpm history` and `leahpm rollback`: every change can be taken back, and that as well.

use crate::{
    fixture::{TestRegistry, hub},
    sandbox::Sandbox,
};

/// Generation 1 has `alpha` 1.0.0, 2 has 1.1.0, 3 has nothing.
fn three() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    hub.publish_all(&[("alpha", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    sandbox.run(&["uninstall", "alpha"]).ok();
    (sandbox, hub)
}

#[test]
fn shows_every_generation_that_was_live() {
    let (sandbox, _hub) = three();
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 3       2       [TIME]  live  uninstall alpha
    1> 2       1       [TIME]        update
    1> 1       -       [TIME]        install alpha
    exit 0
    ");
    let mut json = sandbox.run(&["history", "--json"]).json();
    for generation in json["generations"].as_array_mut().unwrap() {
        assert!(generation["created"].take().as_u64().unwrap() > 1_700_000_000);
    }
    insta::assert_snapshot!(json, @r#"{"command":"history","generations":[{"created":null,"live":true,"names":["alpha"],"number":3,"parent":2,"verb":"uninstall"},{"created":null,"live":false,"names":[],"number":2,"parent":1,"verb":"update"},{"created":null,"live":false,"names":["alpha"],"number":1,"parent":null,"verb":"install"}],"schema":1}"#);
}

#[test]
fn has_no_history_in_an_empty_home() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    2> Nothing was ever installed here.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["history", "--json"]), @r#"
    1> {"command":"history","generations":[],"schema":1}
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> error: there is no earlier generation to go back to
    2> hint: `leahpm history` shows the generations that were live
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback", "1"]), @"
    2> error: there is no earlier generation to go back to
    2> hint: `leahpm history` shows the generations that were live
    exit 5
    ");
    assert!(!sandbox.home().exists());
}

#[test]
fn goes_back_one_change_at_a_time_and_forward_by_number() {
    let (sandbox, _hub) = three();
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> + alpha 1.1.0 (hub)
    2> Rolled back from generation 3 to 2.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.1.0");
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> ~ alpha 1.1.0 -> 1.0.0
    2> Rolled back from generation 2 to 1.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> error: there is no earlier generation to go back to
    2> hint: `leahpm history` shows the generations that were live
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback", "3"]), @"
    2> - alpha 1.0.0
    2> Rolled back from generation 1 to 3.
    exit 0
    ");
    assert_eq!(sandbox.live_line(), "");
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 3       2       [TIME]  live  uninstall alpha
    1> 2       1       [TIME]        update
    1> 1       -       [TIME]        install alpha
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback", "3"]), @"
    2> Generation 3 is live already; nothing changed.
    exit 0
    ");
    sandbox.assert_no_leftovers();
}

#[test]
fn a_dry_run_shows_what_would_come_back() {
    let (sandbox, _hub) = three();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["rollback", "1", "--dry-run"]), @"
    1> + alpha 1.0.0 (hub)
    2> Would roll back from generation 3 to 1.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback", "1", "--dry-run", "--json"]).json(), @r#"{"changed":false,"changes":[{"change":"install","name":"alpha","registry":"hub","version":"1.0.0"}],"command":"rollback","dry_run":true,"failed":[],"from":3,"generation":1,"host":null,"needs_settings":{},"schema":1}"#);
    assert_eq!(sandbox.tree(), before);
    insta::assert_snapshot!(sandbox.run(&["rollback", "1", "--json"]).json(), @r#"{"changed":true,"changes":[{"change":"install","name":"alpha","registry":"hub","version":"1.0.0"}],"command":"rollback","dry_run":false,"failed":[],"from":3,"generation":1,"host":"not_asked","needs_settings":{},"schema":1}"#);
}

#[test]
fn needs_no_registry() {
    let (sandbox, hub) = three();
    std::fs::remove_dir_all(&hub.folder).unwrap();
    sandbox.run(&["rollback", "1"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn a_change_after_a_rollback_starts_from_where_one_went_back_to() {
    let (sandbox, hub) = three();
    hub.publish_all(&[("beta", "1.0.0")]);
    sandbox.run(&["rollback", "1"]).ok();
    sandbox.run(&["install", "beta"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 4       1       [TIME]  live  install beta
    1> 3       2       [TIME]        uninstall alpha
    1> 2       1       [TIME]        update
    1> 1       -       [TIME]        install alpha
    exit 0
    ");
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn refuses_a_generation_that_was_collected() {
    let (sandbox, _hub) = three();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    insta::assert_snapshot!(sandbox.run(&["rollback", "1"]), @"
    2> error: there is no generation 1
    2> hint: `leahpm history` shows the generations that are still there; `leahpm gc` removes old ones
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback"]), @"
    2> error: there is no generation 2
    2> hint: `leahpm history` shows the generations that are still there; `leahpm gc` removes old ones
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 3       2       [TIME]  live  uninstall alpha
    exit 0
    ");
}

#[test]
fn neither_shows_nor_takes_a_generation_that_never_was_live() {
    let (sandbox, _hub) = three();
    // What a run leaves that dies before it switches.
    let layout = sandbox.layout();
    std::fs::rename(layout.generation(1), layout.generation(9)).unwrap();
    std::fs::remove_file(layout.was_live(9)).unwrap();
    insta::assert_snapshot!(sandbox.run(&["history"]), @"
    1> NUMBER  PARENT  TIME                        WHAT
    1> 3       2       [TIME]  live  uninstall alpha
    1> 2       1       [TIME]        update
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["rollback", "9"]), @"
    2> error: there is no generation 9
    2> hint: `leahpm history` shows the generations that are still there; `leahpm gc` removes old ones
    exit 5
    ");
    sandbox.run(&["rollback", "2"]).ok();
    sandbox.run(&["gc"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn refuses_what_is_no_number() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["rollback", "yesterday"]), @"
    2> error: invalid value 'yesterday' for '[GENERATION]': a generation is a number; `leahpm history` shows them
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    sandbox.run(&["rollback", "0"]).fails(5);
}
