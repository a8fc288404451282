//! `log`: cut, at a pace, safe to show.

use super::*;
use crate::bindings::leah::plugin::log::{Host, Level as Theirs};

#[test]
fn a_line_is_written_with_its_level_and_nothing_in_it_moves_a_cursor() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    let mut caller = plugin.on_trial();
    caller.write(Theirs::Warn, "a\u{1b}[2J\nb".into());
    caller.write(Theirs::Trace, "below the level of the host".into());
    assert_eq!(bench.lines(), [(Level::Warn, "a\\u{1b}[2J\\u{a}b".to_owned())]);
}

#[test]
fn a_long_line_is_cut_between_characters() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    plugin.live().write(Theirs::Info, "ä".repeat(1 << 20));
    let [(_, line)] = &bench.lines()[..] else { panic!() };
    assert_eq!(*line, "ä".repeat(2_000) + "…");
}

#[test]
fn a_flood_is_dropped_and_said_so_once() {
    let bench = Bench::new();
    let plugin = bench.limited(&json!([]), Limits { log_lines: 2, ..Limits::default() });
    for number in 0..1_000 {
        plugin.live().write(Theirs::Info, number.to_string());
    }
    let lines = bench.lines();
    let told = lines.iter().filter(|(level, _)| *level == Level::Warn).count();
    // On a slow machine a second may pass, and a few lines more with it.
    assert!((21..200).contains(&lines.len()) && told >= 1, "{} lines", lines.len());
    let expect = "it logs more than 2 lines a second, some of them are dropped".to_owned();
    assert_eq!(lines[20], (Level::Warn, expect));
}
