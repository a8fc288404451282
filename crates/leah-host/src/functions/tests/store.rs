//! `store`: what lasts, what is refused, how instances count together.

use std::{
    path::{Path, PathBuf},
    thread,
};

use super::*;
use crate::bindings::leah::plugin::{files::Host as _, store::Host};

fn limits(disk: u64) -> Limits {
    Limits { disk, ..Limits::default() }
}

fn value(caller: &mut Caller<'_>, key: &str) -> Option<String> {
    Host::get(caller, key.into()).unwrap().map(|value| String::from_utf8(value).unwrap())
}

#[test]
fn values_outlive_the_host() {
    let mut bench = Bench::new();
    {
        let plugin = bench.plugin(&json!([]));
        let mut caller = plugin.live();
        assert_eq!(value(&mut caller, "a"), None);
        caller.set("a".into(), "1".into()).unwrap();
        caller.set("b".into(), "2".into()).unwrap();
        caller.delete("b".into()).unwrap();
        caller.delete("c".into()).unwrap();
    }
    bench.restart();
    let plugin = bench.plugin(&json!([]));
    assert_eq!(value(&mut plugin.live(), "a").as_deref(), Some("1"));
    assert_eq!(value(&mut plugin.live(), "b"), None);
}

#[test]
fn a_plugin_that_only_looks_leaves_nothing_behind() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    assert_eq!(value(&mut plugin.live(), "a"), None);
    assert!(plugin.live().list_keys(String::new()).unwrap().is_empty());
    assert!(!bench.config.home.home().exists());
}

#[test]
fn keys_are_listed_by_prefix_in_the_order_of_their_bytes() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    let mut caller = plugin.live();
    for key in ["b/2", "a", "b/10", "b", "ä", "c"] {
        caller.set(key.into(), Vec::new()).unwrap();
    }
    assert_eq!(caller.list_keys(String::new()).unwrap(), ["a", "b", "b/10", "b/2", "c", "ä"]);
    assert_eq!(caller.list_keys("b/".into()).unwrap(), ["b/10", "b/2"]);
    assert_eq!(caller.list_keys("x".into()).unwrap(), [""; 0]);
}

#[test]
fn keys_have_one_to_256_bytes() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!([]));
    let mut caller = plugin.live();
    caller.set("k".repeat(256), Vec::new()).unwrap();
    for key in [String::new(), "k".repeat(257)] {
        assert!(matches!(caller.set(key.clone(), Vec::new()), Err(Error::Invalid(_))));
        assert!(matches!(Host::get(&mut caller, key), Err(Error::Invalid(_))));
    }
}

#[test]
fn instances_of_both_versions_count_together() {
    let bench = Bench::new();
    let (old, new) = (bench.plugin(&json!([])), bench.plugin(&json!([])));
    thread::scope(|scope| {
        for plugin in [&old, &old, &new, &new] {
            scope.spawn(|| {
                for _ in 0..10 {
                    while !count(&mut plugin.live()) {}
                }
            });
        }
    });
    assert_eq!(value(&mut new.live(), "count").as_deref(), Some("40"));
}

/// False if another was faster.
fn count(caller: &mut Caller<'_>) -> bool {
    let before = value(caller, "count");
    let next = before.as_deref().map_or(0, |count| count.parse::<u64>().unwrap()) + 1;
    caller.compare_and_set("count".into(), before.map(Into::into), next.to_string().into()).unwrap()
}

#[test]
fn the_database_stays_open_until_its_last_user_is_gone() {
    let bench = Bench::new();
    let (old, new) = (bench.plugin(&json!([])), bench.plugin(&json!([])));
    old.live().set("a".into(), "1".into()).unwrap();
    assert_eq!(value(&mut new.live(), "a").as_deref(), Some("1"));
    drop(old);
    assert_eq!(value(&mut new.live(), "a").as_deref(), Some("1"));
    drop(new);
    // It is closed: another can open it.
    let path = bench.config.home.data_store(&"probe".parse().unwrap());
    redb::Database::open(path).unwrap();
}

#[test]
fn what_does_not_fit_is_too_large_and_room_comes_back() {
    let bench = Bench::new();
    let plugin = bench.limited(&json!([]), limits(10_000));
    let mut caller = plugin.live();
    caller.set("a".into(), vec![0; 6_000]).unwrap();
    assert!(matches!(caller.set("b".into(), vec![0; 6_000]), Err(Error::TooLarge)));
    assert_eq!(value(&mut caller, "b"), None);
    caller.set("a".into(), vec![0; 6_001]).unwrap();
    caller.delete("a".into()).unwrap();
    caller.set("b".into(), vec![0; 6_000]).unwrap();
}

#[test]
fn the_quota_is_remembered_and_keys_without_values_are_not_free() {
    let mut bench = Bench::new();
    {
        let plugin = bench.limited(&json!([]), limits(1_000));
        let fits = (0..100).take_while(|n| plugin.live().set(n.to_string(), Vec::new()).is_ok()).count();
        assert_eq!(fits, 15);
    }
    bench.restart();
    let plugin = bench.limited(&json!([]), limits(1_000));
    assert!(matches!(plugin.live().set("x".into(), Vec::new()), Err(Error::TooLarge)));
}

#[test]
fn four_instances_together_stay_below_the_quota() {
    let bench = Bench::new();
    let plugin = bench.limited(&json!(["write_files"]), limits(100_000));
    thread::scope(|scope| {
        for instance in 0..4 {
            let plugin = &plugin;
            scope.spawn(move || {
                for number in 0..10 {
                    // Whether it fits depends on the others.
                    let _ = plugin.live().set(format!("{instance}/{number}"), vec![0; 5_000]);
                    let _ = plugin.live().write(format!("{instance}/{number}"), vec![0; 5_000]);
                }
            });
        }
    });
    let mut caller = plugin.live();
    let keys = caller.list_keys(String::new()).unwrap().len();
    let folders = caller.list(String::new()).unwrap();
    let files: usize = folders.iter().map(|folder| caller.list(folder.name.clone()).unwrap().len()).sum();
    let cost = keys * (5_000 + 64 + 3) + files * (5_000 + 4_096) + folders.len() * 4_096;
    assert!(cost <= 100_000 && keys + files >= 8, "{keys} keys, {files} files");
}

#[test]
fn a_damaged_database_fails_is_told_and_stays_where_it_is() {
    let bench = Bench::new();
    let path = bench.config.home.data_store(&"probe".parse().unwrap());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this is no database").unwrap();
    let plugin = bench.plugin(&json!([]));
    let Err(Error::Failed(text)) = plugin.live().set("a".into(), "1".into()) else { panic!() };
    assert_eq!(bench.lines(), [(Level::Error, text)]);
    assert!(matches!(Host::get(&mut plugin.live(), "a".into()), Err(Error::Failed(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"this is no database");
}

/// A database with some values, and its bytes.
fn filled(bench: &Bench) -> (PathBuf, Vec<u8>) {
    let path = bench.config.home.data_store(&"probe".parse().unwrap());
    let plugin = bench.plugin(&json!([]));
    for number in 0..50 {
        plugin.live().set(format!("key {number}"), vec![number; 200]).unwrap();
    }
    drop(plugin);
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

/// Uses a database that is damaged. What it answers does not matter, as long as it does.
fn use_damaged(bench: &mut Bench, path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
    bench.restart();
    let plugin = bench.plugin(&json!([]));
    let answers = [
        plugin.live().list_keys(String::new()).err(),
        Host::get(&mut plugin.live(), "key 7".into()).err(),
        plugin.live().set("key 7".into(), "new".into()).err(),
    ];
    assert!(answers.iter().flatten().all(|error| matches!(error, Error::Failed(_))), "{answers:?}");
}

#[test]
fn no_damaged_page_of_a_database_ends_the_host() {
    let mut bench = Bench::new();
    let (path, whole) = filled(&bench);
    let places = (64..whole.len()).filter(|&place| whole[place] != 0);
    for place in places.step_by(4999) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        use_damaged(&mut bench, &path, &damaged);
    }
}

#[test]
fn a_database_that_was_cut_off_ends_no_host() {
    let mut bench = Bench::new();
    let (path, whole) = filled(&bench);
    for length in [1, 12, 40, 400, 4096, whole.len() / 2, whole.len() - 1] {
        use_damaged(&mut bench, &path, &whole[..length]);
    }
    use_damaged(&mut bench, &path, &whole);
    assert_eq!(value(&mut bench.plugin(&json!([])).live(), "key 7").as_deref(), Some("new"));
}
