//! `files`: exactly the folders that were granted, and nothing that a link, a pipe or a path makes of them.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};

use super::{super::files::list, *};
use crate::bindings::leah::plugin::{
    files::{Host, Kind},
    store::Host as _,
};

impl Bench {
    fn user(&self, path: &str) -> PathBuf {
        self.folder.path().join("user").join(path)
    }

    fn own(&self) -> PathBuf {
        self.config.home.data_files(&"probe".parse().unwrap())
    }

    /// Makes a file of the user's, with the folders above.
    fn make(&self, path: &str, content: &str) -> String {
        let path = self.user(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn read(plugin: &Plugin, path: &str) -> Result<String, Error> {
    plugin.live().read(path.into()).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn names(plugin: &Plugin, path: &str) -> Vec<(String, Kind, u64)> {
    let entries = plugin.live().list(path.into()).unwrap();
    entries.into_iter().map(|entry| (entry.name, entry.kind, entry.size)).collect()
}

#[track_caller]
fn denied<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Denied)), "{answer:?}");
}

#[test]
fn a_plugin_keeps_files_in_its_own_folder() {
    let bench = Bench::new();
    let plugin = bench.plugin(&json!(["write_files"]));
    assert_eq!(names(&plugin, ""), []);
    plugin.live().write("words/en.txt".into(), "one".into()).unwrap();
    plugin.live().write("words/en.txt".into(), "other".into()).unwrap();
    plugin.live().write("a".into(), "x".into()).unwrap();
    assert_eq!(read(&plugin, "words/en.txt").unwrap(), "other");
    assert_eq!(names(&plugin, ""), [("a".into(), Kind::File, 1), ("words".into(), Kind::Folder, 0)]);
    assert_eq!(names(&plugin, "words"), [("en.txt".into(), Kind::File, 5)]);
    assert!(matches!(plugin.live().remove("words".into()), Err(Error::Failed(_))));
    plugin.live().remove("words/en.txt".into()).unwrap();
    plugin.live().remove("words".into()).unwrap();
    assert!(matches!(read(&plugin, "words/en.txt"), Err(Error::NotFound)));
    assert_eq!(fs::read_dir(bench.own()).unwrap().count(), 1);
}

#[test]
fn a_folder_to_read_is_read_and_not_written() {
    let bench = Bench::new();
    let (path, other) = (bench.make("read/a.txt", "text"), bench.make("other/b.txt", "secret"));
    let plugin = bench.plugin(&json!([{ "read_files": ["{user}/read"] }]));
    assert_eq!(read(&plugin, &path).unwrap(), "text");
    assert_eq!(names(&plugin, bench.user("read").to_str().unwrap()).len(), 1);
    denied(&plugin.live().write(path.clone(), Vec::new()));
    denied(&plugin.live().remove(path.clone()));
    denied(&read(&plugin, &other));
    denied(&read(&plugin, "own"));
    denied(&plugin.live().write("own".into(), Vec::new()));
    denied(&read(&plugin, "/etc/passwd"));
    denied(&read(&plugin, "/proc/self/environ"));
    assert_eq!(fs::read_to_string(path).unwrap(), "text");
    assert!(!bench.config.home.home().exists());
}

#[test]
fn a_folder_to_write_is_read_and_written_whichever_way_it_is_spelled() {
    let bench = Bench::new();
    fs::create_dir(bench.user("notes")).unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": ["~/notes"] }]));
    plugin.live().write("~/notes/deep/a".into(), "1".into()).unwrap();
    assert_eq!(read(&plugin, bench.user("notes/deep/a").to_str().unwrap()).unwrap(), "1");
    denied(&plugin.live().write("~/other".into(), Vec::new()));
    assert!(matches!(plugin.live().remove("~/notes".into()), Err(Error::Invalid(_))));
    plugin.live().remove("~/notes/deep/a".into()).unwrap();
}

#[test]
fn the_user_decides_who_may_read_what_a_plugin_replaces() {
    use fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let path = bench.make("notes/a", "old");
    fs::set_permissions(&path, Permissions::from_mode(0o4644)).unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": ["{user}/notes"] }]));
    plugin.live().write(path.clone(), "new".into()).unwrap();
    plugin.live().write(format!("{path}b"), "new".into()).unwrap();
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&path), mode(&format!("{path}b"))), (0o644, 0o600));
}

#[test]
fn no_link_leads_out_of_a_folder() {
    let bench = Bench::new();
    let secret = bench.make("secret/key", "hunter2");
    bench.make("notes/in/a", "text");
    symlink(bench.user("secret"), bench.user("notes/out")).unwrap();
    symlink("../secret", bench.user("notes/up")).unwrap();
    symlink(&secret, bench.user("notes/key")).unwrap();
    symlink("in/a", bench.user("notes/same")).unwrap();
    symlink("in", bench.user("notes/also")).unwrap();
    symlink("/proc/self", bench.user("notes/proc")).unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": ["{user}/notes"] }]));
    for path in ["out/key", "up/key", "key", "same", "proc/environ", "proc/root/etc/passwd", "proc/cwd"] {
        let path = format!("~/notes/{path}");
        denied(&read(&plugin, &path));
        denied(&plugin.live().write(path.clone(), "x".into()));
        denied(&plugin.live().remove(path));
    }
    for path in ["out", "up", "proc", "proc/fd"] {
        denied(&plugin.live().list(format!("~/notes/{path}")));
        denied(&plugin.live().write(format!("~/notes/{path}/new/file"), "x".into()));
    }
    assert_eq!(fs::read_to_string(secret).unwrap(), "hunter2");
    assert_eq!(read(&plugin, "~/notes/also/a").unwrap(), "text");
    let kinds = names(&plugin, "~/notes");
    assert!(kinds.iter().all(|(name, kind, _)| (*kind == Kind::Folder) == (name == "in")), "{kinds:?}");
    assert_eq!(fs::read_dir(bench.user("secret")).unwrap().count(), 1);
}

#[test]
fn a_pipe_a_device_and_a_folder_are_no_files_and_hold_nobody_up() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let bench = Bench::new();
    fs::create_dir_all(bench.user("notes/folder")).unwrap();
    mknodat(CWD, bench.user("notes/pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(bench.user("notes/socket")).unwrap();
    let plugin = bench.plugin(&json!([{ "read_files": ["/dev"] }, { "write_files": ["{user}/notes"] }]));
    for path in ["~/notes/pipe", "~/notes/socket"] {
        denied(&read(&plugin, path));
        denied(&plugin.live().write(path.into(), Vec::new()));
        denied(&plugin.live().remove(path.into()));
    }
    denied(&read(&plugin, "/dev/zero"));
    assert!(matches!(read(&plugin, "~/notes/folder"), Err(Error::Invalid(_))));
    assert!(matches!(plugin.live().write("~/notes/folder".into(), Vec::new()), Err(Error::Invalid(_))));
    drop(socket);
}

#[test]
fn a_path_that_climbs_is_none() {
    let bench = Bench::new();
    bench.make("secret", "hunter2");
    fs::create_dir(bench.user("notes")).unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": ["{user}/notes"] }]));
    for path in ["../secret", "a/../../secret", "~/notes/../secret", "..", "./a", "a//b", "a/", "a\0b"] {
        for answer in [
            read(&plugin, path).err(),
            plugin.live().write(path.into(), Vec::new()).err(),
            plugin.live().list(path.into()).err(),
            plugin.live().remove(path.into()).err(),
        ] {
            assert!(matches!(answer, Some(Error::Invalid(_))), "{path:?}: {answer:?}");
        }
    }
}

#[test]
fn a_file_that_is_too_large_to_hold_is_not_read() {
    let bench = Bench::new();
    let path = bench.make("read/a", &"x".repeat(2_000));
    let limits = Limits { memory: 1_000, ..Limits::default() };
    let plugin = bench.limited(&json!([{ "read_files": ["{user}/read"] }]), limits);
    assert!(matches!(read(&plugin, &path), Err(Error::TooLarge)));
}

#[test]
fn a_list_leaves_out_names_that_are_no_text_and_ends_somewhere() {
    let bench = Bench::new();
    fs::create_dir(bench.user("read")).unwrap();
    fs::write(bench.user("read").join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    fs::write(bench.user("read/a"), "").unwrap();
    let plugin = bench.plugin(&json!([{ "read_files": ["{user}/read"] }]));
    assert_eq!(names(&plugin, "~/read"), [("a".into(), Kind::File, 0)]);
    fs::write(bench.user("read/b"), "").unwrap();
    let folder = Dir::open_ambient_dir(bench.user("read"), ambient_authority()).unwrap();
    assert!(list(&folder, "", 2).is_ok());
    assert!(matches!(list(&folder, "", 1), Err(Error::TooLarge)));
}

#[test]
fn a_folder_that_holds_the_home_does_not_open_it() {
    let bench = Bench::new();
    let secret = bench.config.home.credentials();
    fs::create_dir_all(bench.config.home.home()).unwrap();
    fs::write(&secret, "token").unwrap();
    symlink("home", bench.folder.path().join("link")).unwrap();
    bench.make("a", "text");
    let above = bench.folder.path().to_str().unwrap();
    let inside = bench.config.home.home().join("settings");
    fs::create_dir(&inside).unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": [above, inside.to_str().unwrap()] }]));
    for path in ["home", "home/data", "link"] {
        denied(&plugin.live().list(format!("{above}/{path}")));
    }
    for path in
        ["home/credentials.yaml", "link/credentials.yaml", "home/new", "link/new/file", "home/settings/x"]
    {
        let path = format!("{above}/{path}");
        denied(&read(&plugin, &path));
        denied(&plugin.live().write(path.clone(), Vec::new()));
        denied(&plugin.live().remove(path));
    }
    assert_eq!(read(&plugin, "~/a").unwrap(), "text");
    assert_eq!(names(&plugin, above).len(), 3);
    assert_eq!(fs::read_to_string(secret).unwrap(), "token");
}

#[test]
fn no_folder_lets_a_plugin_write_the_machine_code_that_the_host_runs() {
    let bench = Bench::new();
    let above = bench.folder.path().to_str().unwrap();
    let plugin = bench.plugin(&json!([{ "write_files": [above] }]));
    let code = format!("{above}/cache/compiled/0123456789abcdef/code");
    denied(&plugin.live().write(code.clone(), "x".into()));
    fs::create_dir_all(Path::new(&code).parent().unwrap()).unwrap();
    fs::write(&code, "machine code").unwrap();
    symlink("cache/compiled", bench.folder.path().join("link")).unwrap();
    for path in [&code, &format!("{above}/link/0123456789abcdef/code")] {
        denied(&plugin.live().write(path.clone(), "x".into()));
        denied(&plugin.live().remove(path.clone()));
    }
    plugin.live().write(format!("{above}/cache/else"), "x".into()).unwrap();
    assert_eq!(fs::read_to_string(code).unwrap(), "machine code");
}

#[test]
fn files_and_store_share_one_quota_that_a_restart_does_not_forget() {
    let mut bench = Bench::new();
    let limits = Limits { disk: 20_000, ..Limits::default() };
    let asked = json!(["write_files"]);
    {
        let plugin = bench.limited(&asked, limits);
        plugin.live().set("k".into(), vec![0; 10_000]).unwrap();
        assert!(matches!(plugin.live().write("a".into(), vec![0; 10_000]), Err(Error::TooLarge)));
        assert_eq!(names(&plugin, ""), []);
        plugin.live().write("a".into(), vec![0; 1_000]).unwrap();
    }
    bench.restart();
    let plugin = bench.limited(&asked, limits);
    assert!(matches!(plugin.live().write("b".into(), vec![0; 1_000]), Err(Error::TooLarge)));
    plugin.live().write("a".into(), vec![0; 2_000]).unwrap();
    plugin.live().remove("a".into()).unwrap();
    plugin.live().write("b".into(), vec![0; 1_000]).unwrap();
}

#[test]
fn empty_files_and_folders_are_not_free_and_folders_of_the_user_count_too() {
    let bench = Bench::new();
    fs::create_dir(bench.user("notes")).unwrap();
    let limits = Limits { disk: 50_000, ..Limits::default() };
    let plugin = bench.limited(&json!([{ "write_files": ["{user}/notes"] }]), limits);
    let fits = |folder: &str| {
        let write = |number: &u32| plugin.live().write(format!("{folder}{number}/x"), Vec::new()).is_ok();
        (0..100).take_while(write).count()
    };
    assert_eq!((fits("own"), fits("~/notes/")), (6, 0));
    plugin.live().remove("own0/x".into()).unwrap();
    plugin.live().remove("own0".into()).unwrap();
    assert_eq!(fits("~/notes/"), 1);
}

#[test]
fn what_a_crash_left_half_written_is_removed_and_never_listed() {
    let bench = Bench::new();
    let left = bench.own().join(".new-0123456789abcdef");
    fs::create_dir_all(bench.own()).unwrap();
    fs::write(&left, "half").unwrap();
    let plugin = bench.plugin(&json!(["write_files"]));
    assert_eq!(names(&plugin, ""), []);
    plugin.live().write("a".into(), "1".into()).unwrap();
    assert!(!Path::new(&left).exists());
    let name = ".new-0123456789abcdef";
    assert!(matches!(plugin.live().write(name.into(), Vec::new()), Err(Error::Invalid(_))));
}
