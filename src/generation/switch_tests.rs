//! Writing a generation and making it live, giving it up, dying in between.

#![expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]

use std::fs as disk;

use leah_plugin::layout::Layout;

use super::{
    sandbox::{Packed, Sandbox, add, draft, patiently},
    *,
};
use crate::{fs, store::Trust};

fn packed() -> [Packed; 2] {
    [Packed::new("text-tools", "one"), Packed::new("translator", "one")]
}

#[track_caller]
fn check_live(sandbox: &Sandbox, number: Option<u64>, plugins: &[&str]) {
    let live = Generation::live(&sandbox.layout).unwrap();
    assert_eq!(live.as_ref().map(Generation::number), number);
    let names = live.iter().flat_map(|live| live.lock().plugins.keys());
    assert_eq!(names.map(ToString::to_string).collect::<Vec<_>>(), plugins);
}

#[track_caller]
fn check_generations(sandbox: &Sandbox, expect: &[&str]) {
    assert_eq!(sandbox.names(&sandbox.layout.generations()), expect);
    let home = sandbox.names(sandbox.layout.home());
    assert!(!home.iter().any(|name| name.starts_with('.')), "{home:?}");
}

#[test]
fn each_change_is_a_generation_with_the_one_before_as_parent() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    check_live(&sandbox, None, &[]);
    assert_eq!(sandbox.deploy(&[&tools]), 1);
    assert_eq!(sandbox.deploy(&[&tools, &translator]), 2);
    check_live(&sandbox, Some(2), &["text-tools", "translator"]);
    let record = Generation::live(&sandbox.layout).unwrap().unwrap().record().clone();
    assert_eq!((record.parent, record.verb.as_str()), (Some(1), "install"));
    check_generations(&sandbox, &["1", "2"]);
    let manifest = sandbox.layout.plugins().join("translator/plugin.yaml");
    assert_eq!(disk::read(manifest).unwrap(), b"translator");
}

#[test]
fn a_disabled_plugin_has_no_link() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    let store = sandbox.store();
    let mut draft = draft(&[&tools, &translator]);
    draft.lock.plugins.get_mut(&tools.name).unwrap().enabled = false;
    add(&store, &tools, Trust::WhatWasLive);
    add(&store, &translator, Trust::WhatWasLive);
    let writer = patiently(|patience| Writer::begin(&store, "leahpm disable", patience)).unwrap();
    let number = writer.write(&draft).unwrap().make_live().unwrap();
    let expect = ["generation.yaml", "leah.lock", "leah.lock.json", "translator", "was.live"];
    assert_eq!(sandbox.names(&sandbox.layout.generation(number)), expect);
}

#[test]
fn a_plugin_may_be_called_live() {
    let (sandbox, package) = (Sandbox::new(), Packed::new("live", "one"));
    sandbox.deploy(&[&package]);
    sandbox.deploy(&[]);
    assert_eq!(sandbox.roll_back(1).unwrap(), 1);
}

#[test]
fn changes_nothing_when_it_is_given_up_or_forgotten() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    sandbox.deploy(&[&tools]);
    sandbox.try_deploy(&[&translator], |pending| Ok(pending.discard()?)).unwrap();
    check_generations(&sandbox, &["1"]);
    sandbox.try_deploy(&[&translator], |_forgotten| Ok(())).unwrap();
    check_generations(&sandbox, &["1"]);
    check_live(&sandbox, Some(1), &["text-tools"]);
}

#[test]
fn changes_nothing_when_the_rename_fails() {
    let (sandbox, [tools, _]) = (Sandbox::new(), packed());
    let block = |pending: Pending<'_>| {
        // A folder in the way: no link can be renamed over it.
        disk::create_dir(sandbox.layout.plugins()).unwrap();
        let result = pending.make_live();
        disk::remove_dir(sandbox.layout.plugins()).unwrap();
        result
    };
    assert!(sandbox.try_deploy(&[&tools], block).is_err());
    check_generations(&sandbox, &[]);
    check_live(&sandbox, None, &[]);
}

#[test]
fn after_a_crash_the_next_writer_removes_what_never_was_live() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    sandbox.deploy(&[&tools]);
    sandbox.crash(&[&translator]);
    disk::create_dir(sandbox.layout.staging_generation("0")).unwrap();
    fs::symlink(&Layout::plugins_target(2), &sandbox.layout.next_plugins("0")).unwrap();
    assert!(matches!(Generation::read(&sandbox.layout, 2).unwrap_err(), ReadError::Unknown { number: 2 }));
    check_live(&sandbox, Some(1), &["text-tools"]);
    assert_eq!(sandbox.deploy(&[&translator]), 2);
    check_generations(&sandbox, &["1", "2"]);
}

#[test]
fn a_rollback_makes_no_new_generation_and_can_be_rolled_back() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    sandbox.deploy(&[&tools]);
    sandbox.deploy(&[&translator]);
    assert_eq!(sandbox.roll_back(1).unwrap(), 1);
    check_live(&sandbox, Some(1), &["text-tools"]);
    assert_eq!(sandbox.roll_back(2).unwrap(), 2);
    check_live(&sandbox, Some(2), &["translator"]);
    sandbox.roll_back(1).unwrap();
    assert_eq!(sandbox.deploy(&[]), 3);
    let record = Generation::live(&sandbox.layout).unwrap().unwrap().record().clone();
    assert_eq!(record.parent, Some(1));
}

#[test]
fn refuses_to_return_to_what_is_live_or_unknown_or_incomplete() {
    let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
    sandbox.deploy(&[&tools]);
    sandbox.deploy(&[&translator]);
    assert_eq!(sandbox.roll_back(2).unwrap_err().to_string(), "generation 2 is live already");
    assert_eq!(sandbox.roll_back(7).unwrap_err().to_string(), "there is no generation 7");
    fs::remove_tree(&sandbox.layout.entry(&tools.entry())).unwrap();
    let expect = format!("`{}` is not in the store any more", tools.entry());
    assert_eq!(sandbox.roll_back(1).unwrap_err().to_string(), expect);
    check_live(&sandbox, Some(2), &["translator"]);
}

#[test]
fn settings_belong_to_their_generation_and_to_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (sandbox, [tools, _]) = (Sandbox::new(), packed());
    let store = sandbox.store();
    add(&store, &tools, Trust::WhatWasLive);
    let writer = patiently(|patience| Writer::begin(&store, "leahpm config", patience)).unwrap();
    let file = writer.add_settings(&tools.name, b"key: secret\n").unwrap();
    let mut draft = draft(&[&tools]);
    draft.settings.insert(file.name().clone(), file.clone());
    writer.write(&draft).unwrap().make_live().unwrap();
    let path = sandbox.layout.settings_file(&file);
    assert_eq!(disk::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    disk::remove_file(path).unwrap();
    assert!(matches!(writer.write(&draft).unwrap_err(), SwitchError::SettingsMissing { .. }));
}

#[test]
fn settings_that_were_added_go_with_a_generation_that_does_not_become_live() {
    let (sandbox, [tools, _]) = (Sandbox::new(), packed());
    let store = sandbox.store();
    let writer = patiently(|patience| Writer::begin(&store, "leahpm config", patience)).unwrap();
    let next = || {
        let file = writer.add_settings(&tools.name, b"key: secret\n").unwrap();
        let settings = [(tools.name.clone(), file.clone())].into();
        Draft { settings, added: vec![file], ..draft(&[&tools]) }
    };
    assert!(matches!(writer.write(&next()).unwrap_err(), SwitchError::EntryMissing { .. }));
    add(&store, &tools, Trust::WhatWasLive);
    drop(writer.write(&next()).unwrap());
    writer.write(&next()).unwrap().discard().unwrap();
    assert_eq!(sandbox.names(&sandbox.layout.settings()), [""; 0]);
    writer.write(&next()).unwrap().make_live().unwrap();
    let live = Generation::live(&sandbox.layout).unwrap().unwrap();
    let named = live.record().settings[&tools.name].to_string();
    assert_eq!(sandbox.names(&sandbox.layout.settings()), [named]);
}
