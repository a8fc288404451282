//! A change that was interrupted: whatever was written before the head must harm nothing.

use std::process::{Command, Stdio};

use leah_plugin::{head::Head, key::SecretKey};

use crate::sandbox::Sandbox;

#[test]
fn everything_but_the_head_can_be_there_already() {
    let sandbox = Sandbox::new();
    let head = sandbox.read("hub/head");
    sandbox.publish("notes", "1.0.0").ok();
    // As if the power had gone before the last rename.
    sandbox.write("hub/head", &head);
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    assert_eq!((&report["serial"], &report["versions"]), (&1.into(), &0.into()));
    assert!(report["unreferenced"].as_array().unwrap().len() >= 4);
    sandbox.publish("notes", "1.0.0").ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn an_object_that_was_damaged_is_written_again() {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let head = sandbox.read("hub/head");
    let before = sandbox.registry_files();
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    let new: Vec<_> = sandbox.registry_files().into_iter().filter(|file| !before.contains(file)).collect();
    for file in &new {
        sandbox.write(&format!("hub/{file}"), "half of i");
    }
    sandbox.write("hub/head", &head);
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    sandbox.run(&["check", "hub"]).ok();
}

#[test]
fn init_goes_on_where_it_was_interrupted() {
    let sandbox = Sandbox::new();
    std::fs::remove_file(sandbox.path("hub/head")).unwrap();
    let keys = ["--root-key", "keys/root.key", "--index-key", "keys/index.key"];
    sandbox.run(&[&["init", "hub", "--origin", "hub"], &keys[..]].concat()).ok();
    sandbox.run(&["check", "hub"]).ok();
}

/// A hand-over of both keys in a registry whose only owner was named by the root key.
const HAND_OVER: [&str; 10] = [
    "rotate",
    "hub",
    "--root-key",
    "keys/root.key",
    "--new-root-key",
    "new/root.key",
    "--new-index-key",
    "new/index.key",
    "--new-epoch",
    "--json",
];

fn recovered() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.publish("notes", "1.0.0").ok();
    let key = SecretKey::generate().unwrap().public().to_string();
    let recover = ["owner", "recover", "hub", "notes", "--new-key", &key, "--root-key", "keys/root.key"];
    sandbox.run(&[&recover[..], &["--index-key", "keys/index.key"]].concat()).ok();
    sandbox
}

/// True when the program was killed as it began its rename of this number, from 1.
fn killed_at(sandbox: &Sandbox, rename: usize) -> bool {
    let inject = format!("--inject=rename,renameat,renameat2:signal=KILL:when={rename}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", &inject]);
    strace.arg(env!("CARGO_BIN_EXE_leah-registry")).args(HAND_OVER);
    strace.current_dir(sandbox.path(".")).env("SOURCE_DATE_EPOCH", crate::sandbox::NOW.to_string());
    !strace.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[expect(clippy::print_stdout, reason = "a test that cannot run here says why")]
#[test]
fn a_hand_over_killed_at_any_rename_is_finished_by_the_same_command() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "the gate needs the program `strace`");
        println!("not run: there is no program `strace`");
        return;
    }
    let mut points = 0;
    loop {
        let sandbox = recovered();
        if !killed_at(&sandbox, points + 1) {
            break;
        }
        points += 1;
        sandbox.run(&HAND_OVER).ok();
        sandbox.run(&["check", "hub"]).ok();
        let head = Head::read(&sandbox.read("hub/head"), &sandbox.secret("new/index.key").public()).unwrap();
        assert_eq!((head.epoch, head.root), (2, 3), "killed at rename {points}");
    }
    // Two public keys, the objects, the prepared head, two roots, the shown key, the head.
    assert!(points >= 8, "{points}");
}
