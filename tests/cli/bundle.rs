//! `leahpm bundle`: what goes into the file, what keeps it from being made, and what others can do with it.

mod installing;
mod reading;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use leah_plugin::digest::Digest;

use crate::{
    bundled::minisign,
    fixture::{PackageSpec, TestRegistry, hub},
    http::{add, served},
    publishers::revoke,
    sandbox::{Sandbox, is_missing, names_in},
};

/// A home in which `app` 1.0.0 of the registry `hub` is installed, which needs `lib` 1.0.0.
pub fn installed() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    hub.publish_all(&[("lib", "1.0.0")]);
    sandbox.run(&["install", "app"]).ok();
    (sandbox, hub)
}

/// The paths in a bundle as `tar` lists them, with the names of objects as `[SHA-256]`.
#[track_caller]
fn listed(sandbox: &Sandbox, bundle: &str) -> Vec<String> {
    let listed = sandbox.run_line(&format!("tar -tf {bundle}")).ok().stdout;
    let shown = |path: &str| match path.split_once("/objects/") {
        Some((origin, _)) => format!("{origin}/objects/[SHA-256]"),
        None => path.to_owned(),
    };
    listed.lines().map(shown).collect()
}

#[track_caller]
fn refuses(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> String {
    let (before, here) = (sandbox.tree(), names_in(&sandbox.path("")));
    let refused = sandbox.run(arguments);
    refused.fails(code);
    assert_eq!(sandbox.tree(), before);
    assert_eq!(names_in(&sandbox.path("")), here);
    refused.to_string()
}

#[test]
fn puts_the_lock_and_what_leads_to_each_package_into_one_file() {
    let (sandbox, _hub) = installed();
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah"]), @"
    2> Bundled 2 plugins (16.00 KiB) into `set.leah`.
    exit 0
    ");
    insta::assert_snapshot!(listed(&sandbox, "set.leah").join("\n"), @"
    leah.bundle
    leah.lock
    hub/head
    hub/objects/[SHA-256]
    hub/objects/[SHA-256]
    hub/objects/[SHA-256]
    hub/packages/app/app-1.0.0.tar.gz
    hub/packages/app/app-1.0.0.tar.gz.minisig
    hub/packages/lib/lib-1.0.0.tar.gz
    hub/packages/lib/lib-1.0.0.tar.gz.minisig
    hub/root/1
    ");
    sandbox.run_line("tar -xf set.leah leah.lock").ok();
    assert_eq!(sandbox.read("leah.lock"), sandbox.read("home/plugins/leah.lock"));
    assert_eq!(fs::metadata(sandbox.path("set.leah")).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn the_same_lock_gives_the_same_bytes_whoever_bundles_it() {
    let (sandbox, hub) = installed();
    let made = sandbox.run(&["bundle", "-o", "one.leah", "--json"]).ok().json();
    assert_eq!(made["sha256"], Digest::of(&sandbox.read("one.leah")).to_string());
    assert_eq!(made["size"], sandbox.read("one.leah").len());
    sandbox.run(&["export", "-o", "leah.lock"]).ok();
    sandbox.run(&["bundle", "leah.lock", "-o", "two.leah"]).ok();
    assert_eq!(sandbox.read("two.leah"), sandbox.read("one.leah"));
    let other = Sandbox::new();
    hub.add(&other);
    other.write("leah.lock", sandbox.read("leah.lock"));
    other.run(&["bundle", "leah.lock", "-o", "three.leah"]).ok();
    assert_eq!(other.read("three.leah"), sandbox.read("one.leah"));
    // Nothing was installed there.
    assert_eq!(other.live_line(), "");
}

#[test]
fn what_a_lock_says_besides_stays_in_it_byte_for_byte() {
    let (sandbox, _hub) = installed();
    let text = [b"\xef\xbb\xbf# ours\r\n", sandbox.read("home/plugins/leah.lock").as_slice()].concat();
    sandbox.write("sets/ours.lock", &text);
    symlink("sets/ours.lock", sandbox.path("link.lock")).unwrap();
    sandbox.run(&["bundle", "link.lock", "-o", "set.leah"]).ok();
    sandbox.run_line("tar -xf set.leah leah.lock").ok();
    assert_eq!(sandbox.read("leah.lock"), text);
}

#[test]
fn holds_plugins_of_a_folder_of_a_server_and_of_what_is_compiled_in() {
    let (sandbox, served, server) = served();
    sandbox.keep_packages();
    add(&sandbox, &served, &server.url());
    let local = TestRegistry::new(&sandbox, "local");
    local.publish_all(&[("tool", "2.0.0")]).add(&sandbox);
    let plugins = ["alpha", "local/tool", "bundled/hello-world"];
    sandbox.run(&[&["install", "--grant", "all"][..], &plugins].concat()).ok();
    let made = sandbox.run(&["bundle", "-o", "set.leah", "--json"]).ok().json();
    insta::assert_snapshot!(made["plugins"], @r#"[{"name":"alpha","registry":"hub","version":"1.0.0"},{"name":"beta","registry":"hub","version":"1.0.0"},{"name":"hello-world","registry":"bundled","version":"1.1.0"},{"name":"tool","registry":"local","version":"2.0.0"}]"#);
    let paths = listed(&sandbox, "set.leah");
    for path in ["bundled/head", "hub/root/1", "local/packages/tool/tool-2.0.0.tar.gz"] {
        assert!(paths.iter().any(|listed| listed == path), "{path}: {paths:?}");
    }
    // What came over the network is in the cache by now.
    drop(server);
    sandbox.run(&["bundle", "-o", "again.leah", "--offline"]).ok();
    assert_eq!(sandbox.read("again.leah"), sandbox.read("set.leah"));
}

#[test]
fn what_is_unpacked_of_it_is_a_registry_that_stock_minisign_accepts() {
    let (sandbox, hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    fs::create_dir(sandbox.path("unpacked")).unwrap();
    sandbox.run_line("tar -xf set.leah -C unpacked").ok();
    let other = Sandbox::new();
    let (folder, key) = (sandbox.path("unpacked/hub").display().to_string(), hub.root_key().to_string());
    other.run(&["registry", "add", "hub", &folder, "--key", &key, "--default"]).ok();
    other.run(&["install", "app"]).ok();
    assert_eq!(other.live_line(), "app 1.0.0, lib 1.0.0");
    if is_missing("minisign") {
        return;
    }
    let publisher = hub.publisher.public().to_string();
    let verify = |file: &str| minisign(&sandbox.path("unpacked"), &["-V", "-m", file, "-P", &publisher]);
    for name in ["app", "lib"] {
        assert_eq!(verify(&format!("hub/packages/{name}/{name}-1.0.0.tar.gz")), Ok(()));
    }
}

#[test]
fn stock_tar_makes_the_same_of_what_it_unpacked() {
    let sandbox = Sandbox::new();
    // With this name in front, some paths need the second field that a header has for them.
    let long = TestRegistry::new(&sandbox, "a-registry-with-a-name-that-is-rather-long");
    long.publish_all(&[("app", "1.0.0")]).add_as_default(&sandbox);
    sandbox.run(&["install", "app"]).ok();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let options =
        "--format=ustar --mode=0644 --numeric-owner --owner=0 --group=0 --mtime=@0 --blocking-factor=1";
    let files = "(echo leah.bundle; echo leah.lock; find */ -type f | LC_ALL=C sort)";
    let line =
        format!("mkdir u && cd u && tar -xf ../set.leah && {files} | tar {options} -cf ../again.leah -T -");
    sandbox.run_line(&line).ok();
    assert_eq!(sandbox.read("again.leah"), sandbox.read("set.leah"));
}

#[test]
fn a_file_name_that_no_tar_header_holds_is_no_obstacle() {
    let (sandbox, hub) = hub();
    let (name, version) = (["name"; 12].join("-"), format!("1.0.0-{}", "x".repeat(100)));
    hub.publish(&PackageSpec::new(&name, &version));
    sandbox.run(&["install", &format!("{name}@{version}")]).ok();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let long = listed(&sandbox, "set.leah").into_iter().filter(|path| path.starts_with("hub/long/"));
    assert_eq!(long.count(), 2);
}

#[test]
fn replaces_a_bundle_and_nothing_else() {
    let (sandbox, hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let first = sandbox.read("set.leah");
    hub.publish_all(&[("lib", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    assert_ne!(sandbox.read("set.leah"), first);
    sandbox.write("leah.lock", "precious");
    sandbox.write("empty", "");
    fs::create_dir(sandbox.path("folder")).unwrap();
    symlink("set.leah", sandbox.path("link")).unwrap();
    for there in ["leah.lock", "empty", "folder", "link", "/dev/null"] {
        refuses(&sandbox, 9, &["bundle", "-o", there]);
    }
    assert_eq!(sandbox.read("leah.lock"), b"precious");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "leah.lock"]), @"
    2> error: there is something else than a bundle at `leah.lock`
    2> hint: name another file, or remove that one first
    exit 9
    ");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "-"]), @"
    2> error: a bundle is written to a file, not to standard output
    2> hint: `leahpm bundle -o FILE` names one
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "nowhere/set.leah"]), @"
    2> error: cannot create `nowhere/set.leah`
    2> caused by: No such file or directory (os error 2)
    exit 5
    ");
}

#[test]
fn a_dry_run_checks_everything_but_the_packages_and_writes_nothing() {
    let (sandbox, _hub) = installed();
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah", "--dry-run"]), @"
    2> Would bundle 2 plugins into `set.leah`.
    exit 0
    ");
    let object = sandbox.run(&["bundle", "-o", "set.leah", "--dry-run", "--json"]).ok().json();
    assert!(object["size"].is_null() && object["sha256"].is_null());
    assert!(!sandbox.path("set.leah").exists());
}

#[test]
fn needs_a_lock_and_registries_that_are_known() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah"]), @"
    2> error: nothing was ever installed here
    2> hint: `leahpm search` shows what there is to install
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah", "leah.lock"]), @"
    2> error: cannot find `leah.lock`
    2> caused by: No such file or directory (os error 2)
    exit 5
    ");
    sandbox.write("leah.lock", "format: 1\n");
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah", "leah.lock"]), @"
    2> error: cannot read `leah.lock`
    2> caused by: line 1, column 1: missing field `requested`
    exit 13
    ");
    let (author, hub) = installed();
    sandbox.redact(hub.root_key(), "[hub root key]");
    sandbox.write("leah.lock", author.read("home/plugins/leah.lock"));
    insta::assert_snapshot!(sandbox.run(&["bundle", "-o", "set.leah", "leah.lock"]), @"
    2> error: there is no registry `hub`, only `bundled`
    2> hint: if its people confirm that key, `leahpm registry add hub PLACE --key [hub root key]` adds it
    exit 5
    ");
    assert_eq!(names_in(&sandbox.path("")), ["leah.lock"]);
}

#[test]
fn bundles_no_lock_that_is_not_what_the_registries_say() {
    let (sandbox, hub) = installed();
    let text = String::from_utf8(sandbox.read("home/plugins/leah.lock")).unwrap();
    let locked = sandbox.locked("lib");
    let bundle = ["bundle", "-o", "set.leah", "leah.lock"];
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        sandbox.write("leah.lock", text.replace(from, to));
    };
    change(&locked.sha256.to_string(), &Digest::of(b"other").to_string());
    insta::assert_snapshot!(refuses(&sandbox, 7, &bundle), @"
    2> error: `sha256` of `lib` 1.0.0 in the lock differs from what registry `hub` says
    2> hint: the lock was changed, or made from another registry of that name; ask whoever made the lock for a new one
    exit 7
    ");
    change(&hub.root_key().to_string(), &hub.publisher.public().to_string());
    insta::assert_snapshot!(refuses(&sandbox, 7, &bundle), @"
    2> error: the lock says that the root key of registry `hub` is `[hub publisher key]`, but it is `[hub root key]` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
    change("version: \"1.0.0\"", "version: \"1.0.1\"");
    insta::assert_snapshot!(refuses(&sandbox, 5, &bundle), @"
    2> error: registry `hub` has no `app` 1.0.1
    2> hint: `leahpm info hub/app` shows the versions that there are
    exit 5
    ");
}

#[test]
fn bundles_no_package_that_is_not_what_was_signed_and_keeps_the_bundle_that_is_there() {
    let (sandbox, hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let before = sandbox.read("set.leah");
    let archive = hub.archive_path("lib", "1.0.0");
    let mut bytes = fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&archive, bytes).unwrap();
    refuses(&sandbox, 7, &["bundle", "-o", "set.leah"]);
    fs::remove_file(&archive).unwrap();
    insta::assert_snapshot!(refuses(&sandbox, 7, &["bundle", "-o", "set.leah"]), @"
    2> error: cannot fetch `lib` 1.0.0
    2> caused by: `[DIR]/hub` lacks `packages/lib/lib-1.0.0.tar.gz`
    exit 7
    ");
    assert_eq!(sandbox.read("set.leah"), before);
    revoke(&hub, "lib", 1);
    insta::assert_snapshot!(refuses(&sandbox, 7, &["bundle", "-o", "set.leah"]), @"
    2> error: `lib` 1.0.0 of registry `hub` is signed with a key that was revoked
    2> hint: ask whoever made the lock for one with a version of `lib` that was not revoked
    exit 7
    ");
}

#[test]
fn says_so_where_nothing_can_be_written_and_leaves_nothing_when_it_is_killed() {
    let (sandbox, _hub) = installed();
    fs::create_dir(sandbox.path("closed")).unwrap();
    fs::set_permissions(sandbox.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    insta::assert_snapshot!(sandbox.run_as_user(&["bundle", "-o", "closed/set.leah"]), @"
    2> error: cannot create `closed/set.leah`
    2> caused by: Permission denied (os error 13)
    2> hint: check who owns this path; it may have been made by another user or with sudo
    exit 1
    ");
    let before = names_in(&sandbox.path(""));
    // The system ends a process that writes more than it may to a file, here 1,024 bytes.
    let killed = sandbox.run_line("ulimit -f 2; exec leahpm bundle -o set.leah");
    assert_eq!(killed.code, 128 + 25, "{killed}");
    if cfg!(target_os = "linux") {
        assert_eq!(names_in(&sandbox.path("")), before);
    }
}

#[test]
fn a_kill_or_an_error_of_the_disk_leaves_the_old_bundle_or_the_new_and_nothing_else() {
    if is_missing("strace") {
        return;
    }
    let (sandbox, hub) = installed();
    sandbox.run(&["bundle", "-o", "old.leah"]).ok();
    hub.publish_all(&[("lib", "1.1.0")]);
    sandbox.run(&["update"]).ok();
    sandbox.run(&["bundle", "-o", "new.leah"]).ok();
    let (old, new) = (sandbox.read("old.leah"), sandbox.read("new.leah"));
    sandbox.write("set.leah", &old);
    let here = names_in(&sandbox.path(""));
    let mut interrupted = 0;
    for (call, step) in [("write", 11), ("fsync", 1), ("linkat", 1), ("rename", 1)] {
        for what in ["signal=KILL", "error=ENOSPC", "error=EIO"] {
            for number in (1..).step_by(step) {
                let inject = format!("--inject={call}:{what}:when={number}");
                let strace = ["strace", "-f", "-qq", "-o", "/dev/null", &format!("--trace={call}"), &inject];
                let run = sandbox.run_under(&strace, &["bundle", "-o", "set.leah", "--quiet"]);
                let bundle = sandbox.read("set.leah");
                assert!(bundle == new || bundle == old && run.code != 0, "{inject}: {run}");
                // Between the two last steps the new file has a name of its own.
                let is_other = |name: &String| !here.contains(name) && !name.starts_with(".new-");
                let left: Vec<String> = names_in(&sandbox.path("")).into_iter().filter(is_other).collect();
                assert_eq!(left, Vec::<String>::new(), "{inject}");
                if what != "signal=KILL" {
                    assert_eq!(names_in(&sandbox.path("")), here, "{inject}");
                }
                let new_names = names_in(&sandbox.path("")).into_iter().filter(|name| !here.contains(name));
                new_names.for_each(|name| fs::remove_file(sandbox.path(name)).unwrap());
                sandbox.write("set.leah", &old);
                // There are not so many calls.
                if run.code == 0 {
                    break;
                }
                interrupted += 1;
            }
        }
    }
    assert!(interrupted > 12, "{interrupted}");
}
