//! `leahpm host`: status, reload and logs.

use leah_plugin::message::{Call, Done, Level, LogLine, Message, Notice, Prepared, write_line};

use super::{
    fake::{self, Answer},
    refuses::changes_nothing,
    states::{all_states, with_plugins},
    with_alpha,
};
use crate::sandbox::Sandbox;

#[test]
fn status_shows_what_the_host_says_of_its_plugins() {
    let (sandbox, _hub) = with_alpha();
    let host = with_plugins(&sandbox, all_states());
    insta::assert_snapshot!(sandbox.run(&["host", "status"]), @r#"
    1> leah-host 0.1.0 runs generation 1; plugin API 1.0.0
    1> NAME   VERSION  STATE           FAULTS  HOOKS            WHY
    1> alpha  1.0.0    running         0       on_chat_message
    1> beta   1.0.0    failed          0       on_chat_message  it said \u{1b}[31mno\u{a}and no
    1> delta  1.0.0    quarantined     0       on_chat_message  it said \u{1b}[31mno\u{a}and no
    1> gamma  1.0.0    needs settings  0       on_chat_message  key, place
    2> `leahpm host logs beta` shows what `beta` logged; `leahpm host reload` tries it again
    2> `leahpm host logs delta` shows what `delta` logged; `leahpm host reload` tries it again
    2> `gamma` does not start before `key` and `place` are set: `leahpm config set gamma key`, `leahpm config set gamma place VALUE`
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["host", "status", "--json"]).pretty(), @r#"
    {
      "api": "1.0.0",
      "command": "host status",
      "generation": 1,
      "hooks": [],
      "host": "0.1.0",
      "live": 1,
      "plugins": [
        {
          "faults": 0,
          "hooks": [
            "on_chat_message"
          ],
          "name": "alpha",
          "state": "running",
          "tools": [],
          "version": "1.0.0"
        },
        {
          "faults": 0,
          "hooks": [
            "on_chat_message"
          ],
          "name": "beta",
          "reason": "it said \u001b[31mno\nand no",
          "state": "failed",
          "tools": [],
          "version": "1.0.0"
        },
        {
          "faults": 0,
          "hooks": [
            "on_chat_message"
          ],
          "name": "delta",
          "reason": "it said \u001b[31mno\nand no",
          "state": "quarantined",
          "tools": [],
          "version": "1.0.0"
        },
        {
          "faults": 0,
          "hooks": [
            "on_chat_message"
          ],
          "missing": [
            "key",
            "place"
          ],
          "name": "gamma",
          "state": "needs_settings",
          "tools": [],
          "version": "1.0.0"
        }
      ],
      "running": true,
      "schema": 1
    }
    "#);
    sandbox.run(&["install", "beta", "--no-host"]).ok();
    let told = sandbox.run(&["host", "status"]).ok().stderr;
    insta::assert_snapshot!(told.lines().next().unwrap(), @"Generation 2 is live, and the host does not run it yet; `leahpm host reload` has it do so.");
    drop(host);
}

#[test]
fn without_a_host_status_says_so_and_the_others_cannot_do_their_work() {
    let (sandbox, _hub) = with_alpha();
    insta::assert_snapshot!(sandbox.run(&["host", "status"]), @"
    1> No host runs for `[HOME]`. `leah-host serve` starts one.
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["host", "status", "--json"]), @r#"
    1> {"api":null,"command":"host status","generation":null,"hooks":[],"host":null,"live":1,"plugins":[],"running":false,"schema":1}
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["host", "reload"]), @"
    2> error: no host runs for `[HOME]`
    2> hint: `leah-host serve` starts one
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["host", "logs"]), @"
    2> error: no host runs for `[HOME]`
    2> hint: `leah-host serve` starts one
    exit 5
    ");
    insta::assert_snapshot!(Sandbox::new().run(&["host", "reload"]), @"
    2> error: no host runs for `[HOME]`
    2> hint: `leah-host serve` starts one
    exit 5
    ");
}

#[test]
fn reload_has_the_live_generation_tried_and_committed_again() {
    let (sandbox, _hub) = with_alpha();
    let host = with_plugins(&sandbox, all_states());
    insta::assert_snapshot!(sandbox.run(&["host", "reload"]), @r#"
    1> NAME   VERSION  STATE           FAULTS  HOOKS            WHY
    1> alpha  1.0.0    running         0       on_chat_message
    1> beta   1.0.0    failed          0       on_chat_message  it said \u{1b}[31mno\u{a}and no
    1> delta  1.0.0    quarantined     0       on_chat_message  it said \u{1b}[31mno\u{a}and no
    1> gamma  1.0.0    needs settings  0       on_chat_message  key, place
    2> The host runs generation 1: 1 of 4 plugins running.
    exit 0
    "#);
    let calls = ["hello", "prepare 1 while 1 is live", "commit 1 while 1 is live", "plugins/list"];
    assert_eq!(host.heard(), calls);
    let json = sandbox.run(&["host", "reload", "--json"]).ok().json();
    assert_eq!((&json["generation"], &json["plugins"][0]["state"]), (&1.into(), &"running".into()));
    assert_eq!(host.heard(), calls);
    insta::assert_snapshot!(sandbox.run(&["host", "reload", "--dry-run"]), @"
    2> Nothing was loaded anew: this was a dry run.
    exit 0
    ");
    assert_eq!(host.heard(), Vec::<String>::new());
    sandbox.run(&["history"]).ok();
    sandbox.assert_no_leftovers();
}

#[test]
fn reload_of_a_plugin_that_still_does_not_start_is_refused() {
    let (sandbox, _hub) = with_alpha();
    let _host = fake::host(&sandbox, |id, call| match call {
        Call::Prepare(_) => {
            let plugin = Some("alpha".parse().unwrap());
            Some(fake::result(id, &Prepared::Refused { plugin, reason: "still no luck".into() }))
        }
        _ => None,
    });
    insta::assert_snapshot!(changes_nothing(&sandbox, &["host", "reload"]), @"
    2> error: `alpha` does not start in the running host, so nothing was changed
    2> caused by: still no luck
    2> hint: `leahpm host logs alpha` shows what it logged
    exit 11
    ");
}

fn line(time_ms: u64, plugin: Option<&str>, level: Level, message: &str) -> Notice {
    let plugin = plugin.map(|name| name.parse().unwrap());
    Notice::Log(LogLine { time_ms, plugin, level, message: message.into() })
}

#[test]
fn logs_shows_the_last_lines_and_ends() {
    let (sandbox, _hub) = with_alpha();
    let host = fake::host(&sandbox, |id, call| match call {
        Call::LogTail(_) => {
            let lines = vec![
                line(1_800_000_000_123, Some("alpha"), Level::Info, "hello"),
                line(1_800_000_001_000, None, Level::Error, "\u{1b}[31mred\nsecond line"),
                line(u64::MAX, Some("alpha"), Level::Warn, "a time that no calendar has"),
            ];
            Some(Answer::Told(lines, Box::new(fake::result(id, &Done {}))))
        }
        _ => None,
    });
    let shown = sandbox.run(&["host", "logs"]).ok();
    insta::assert_snapshot!(shown.stdout, @r#"
    2027-01-15T08:00:00.123Z info  alpha: hello
    2027-01-15T08:00:01.000Z error host: \u{1b}[31mred\u{a}second line
    18446744073709551 warn  alpha: a time that no calendar has
    "#);
    let asked = "LogTail(LogTail { plugin: None, lines: 100 })";
    assert_eq!(host.heard(), ["hello", asked]);
    insta::assert_snapshot!(sandbox.run(&["host", "logs", "alpha", "-n", "3", "--json"]).ok().stdout, @r#"
    {"command":"host logs","lines":[{"level":"info","message":"hello","plugin":"alpha","time_ms":1800000000123},{"level":"error","message":"\u001b[31mred\nsecond line","time_ms":1800000001000},{"level":"warn","message":"a time that no calendar has","plugin":"alpha","time_ms":18446744073709551615}],"schema":1}
    "#);
    let asked = r#"LogTail(LogTail { plugin: Some(PluginName("alpha")), lines: 3 })"#;
    assert_eq!(host.heard(), ["hello", asked]);
}

#[test]
fn logs_follows_until_the_host_ends() {
    let (sandbox, _hub) = with_alpha();
    // Behind the answer, so that only who follows sees it; then the host ends.
    let _host = fake::host(&sandbox, |id, call| match call {
        Call::LogTail(_) => {
            let Answer::Line(mut lines) = fake::result(id, &Done {}) else { unreachable!("it is a line") };
            let later = line(1_800_000_000_000, None, Level::Info, "later");
            lines.extend(write_line(&Message::Notice(later)).unwrap());
            Some(Answer::LineAndEnd(lines))
        }
        _ => None,
    });
    insta::assert_snapshot!(sandbox.run(&["host", "logs", "--follow"]), @"
    1> 2027-01-15T08:00:00.000Z info  host: later
    2> The host ended.
    exit 0
    ");
    // Whether the line came with the answer or behind it is up to the socket; the shape is the same.
    let followed = sandbox.run(&["host", "logs", "--follow", "--json"]).ok();
    let lines = followed.stdout.lines().flat_map(|object| {
        let object: serde_json::Value = serde_json::from_str(object).unwrap();
        object["lines"].as_array().unwrap().clone()
    });
    let said: Vec<_> = lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!((said, followed.stderr.as_str()), (vec!["later".to_owned()], "The host ended.\n"));
}

#[test]
fn logs_ends_well_with_ctrl_c() {
    use std::io::{BufRead, BufReader};

    use rustix::process::{Pid, Signal, kill_process};

    let (sandbox, _hub) = with_alpha();
    let _host = fake::host(&sandbox, |id, call| match call {
        Call::LogTail(_) => {
            let lines = vec![line(1_800_000_000_000, None, Level::Info, "there")];
            Some(Answer::Told(lines, Box::new(fake::result(id, &Done {}))))
        }
        _ => None,
    });
    let mut child = sandbox.spawn(&["host", "logs", "--follow"]);
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.ends_with("info  host: there\n"), "{first}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    insta::assert_snapshot!(sandbox.wait(child), @"exit 130");
}
