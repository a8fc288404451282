//! Reading generations while others write and collect them; the reader stands in `leah-home`.

#![expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]

use std::{
    fs as disk,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use leah_plugin::lock::LockError;

use super::*;
use crate::{
    fs::{self, Durability},
    generation::{
        gc,
        sandbox::{Packed, Sandbox, patiently},
    },
};

#[test]
fn shows_what_was_live_the_newest_first() {
    let (sandbox, package) = (Sandbox::new(), Packed::new("translator", "one"));
    assert!(history(&sandbox.layout).unwrap().is_empty());
    sandbox.deploy(&[&package]);
    sandbox.deploy(&[]);
    sandbox.deploy(&[&package]);
    sandbox.roll_back(2).unwrap();
    sandbox.crash(&[]);
    let shown: Vec<_> = history(&sandbox.layout).unwrap().iter().map(|p| (p.record.number, p.live)).collect();
    assert_eq!(shown, [(3, false), (2, true), (1, false)]);
}

#[test]
fn loses_no_history_with_the_link() {
    let (sandbox, package) = (Sandbox::new(), Packed::new("translator", "one"));
    sandbox.deploy(&[&package]);
    disk::remove_file(sandbox.layout.plugins()).unwrap();
    assert!(Generation::live(&sandbox.layout).unwrap().is_none());
    assert_eq!(sandbox.roll_back(1).unwrap(), 1);
}

#[test]
fn tells_a_live_generation_whose_files_are_gone() {
    let sandbox = Sandbox::new();
    sandbox.deploy(&[]);
    fs::remove_tree(&sandbox.layout.generation(1)).unwrap();
    let error = Generation::live(&sandbox.layout).unwrap_err();
    assert_eq!(error.to_string(), "generation 1 is live, but its files are gone");
}

#[test]
fn refuses_the_record_of_another_generation_and_a_newer_lock() {
    let sandbox = Sandbox::new();
    sandbox.deploy(&[]);
    sandbox.deploy(&[]);
    disk::copy(sandbox.layout.record(1), sandbox.layout.record(2)).unwrap();
    assert!(matches!(Generation::live(&sandbox.layout), Err(ReadError::Number { found: 1, .. })));
    disk::write(sandbox.layout.lock_file(1), "format: 9\n").unwrap();
    let error = Generation::read(&sandbox.layout, 1).unwrap_err();
    assert!(matches!(error, ReadError::Lock { source: LockError::Format(9), .. }), "{error:?}");
}

#[test]
fn a_reader_always_sees_a_whole_generation_while_others_switch_and_collect() {
    let sandbox = Sandbox::new();
    let packages = [Packed::new("translator", "one"), Packed::new("translator", "two")];
    sandbox.deploy(&[&packages[0]]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..30 {
                sandbox.deploy(&[&packages[round % 2]]);
                let sync = Durability::Unsynced;
                patiently(|patience| gc::collect(&sandbox.layout, 0, "leahpm gc", sync, patience)).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let live = Generation::live(&sandbox.layout).unwrap().unwrap();
            for entry in live.entries() {
                let manifest = sandbox.layout.entry(&entry).join("plugin.yaml");
                assert_eq!(disk::read(manifest).unwrap(), b"translator");
            }
        }
    });
}
