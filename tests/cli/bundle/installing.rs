//! Bundles on another machine: what it takes to install from one, and what a bundle cannot talk anybody into.

use std::fs;

use leah_plugin::bundle::{self, BundlePath};

use super::installed;
use crate::{
    fixture::{PackageSpec, TestRegistry},
    http::{add, served},
    sandbox::{Output, Sandbox, names_in},
};

/// A bundle, file by file.
#[derive(Debug, Clone)]
struct Unpacked {
    lock: Vec<u8>,
    /// By their paths, with the registry's name in front.
    files: Vec<(String, Vec<u8>)>,
}

impl Unpacked {
    fn of(bundle: &[u8]) -> Self {
        let text =
            |field: &[u8]| String::from_utf8(field.split(|b| *b == 0).next().unwrap().to_vec()).unwrap();
        let (mut files, mut at) = (Vec::new(), 0);
        while bundle[at] != 0 {
            let header = &bundle[at..at + 512];
            let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
            let size = usize::from_str_radix(&text(&header[124..136]), 8).unwrap();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            files.push((path, bundle[at + 512..at + 512 + size].to_vec()));
            at += 512 + size.next_multiple_of(512);
        }
        let (_, lock) = files.drain(..2).nth(1).unwrap();
        Self { lock, files }
    }

    fn pack(&self) -> Vec<u8> {
        let mut packed = bundle::begin(&self.lock).unwrap();
        for (path, bytes) in &self.files {
            let (origin, path) = path.split_once('/').unwrap();
            let path = BundlePath::new(&origin.parse().unwrap(), path);
            packed.extend(bundle::header(&path, bytes.len() as u64).unwrap());
            packed.extend(bytes);
            packed.extend(bundle::padding(bytes.len() as u64));
        }
        packed.extend(bundle::end());
        packed
    }

    /// The same with another lock, which is as well made as any.
    #[track_caller]
    fn with_lock(&self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.lock.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        Self { lock: text.replace(from, to).into_bytes(), ..self.clone() }
    }
}

/// A bundle of `alpha`, which needs `beta`, of a registry whose server is gone, and a machine that has nothing else.
fn carried() -> (Sandbox, Sandbox, TestRegistry) {
    let (author, hub, server) = served();
    add(&author, &hub, &server.url());
    author.run(&["install", "alpha"]).ok();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    let machine = Sandbox::new();
    machine.redact(server.url(), "[URL]");
    machine.redact(hub.root_key(), "[hub root key]");
    machine.write("set.leah", author.read("set.leah"));
    (machine, author, hub)
}

/// A machine that knows the registry `hub` and has `app` from it, and the bundle of that set.
fn known() -> (Sandbox, TestRegistry, Unpacked) {
    let (sandbox, hub) = installed();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    sandbox.run(&["uninstall", "app"]).ok();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    let unpacked = Unpacked::of(&sandbox.read("set.leah"));
    assert_eq!(unpacked.pack(), sandbox.read("set.leah"));
    (sandbox, hub, unpacked)
}

/// What `sync` answers to a bundle that it must refuse with this code, changing nothing.
#[track_caller]
fn refuses(sandbox: &Sandbox, code: i32, bundle: &[u8]) -> Output {
    sandbox.write("bad.leah", bundle);
    let before = sandbox.tree();
    let refused = sandbox.run(&["sync", "bad.leah", "--locked"]);
    refused.fails(code);
    assert_eq!(sandbox.tree(), before);
    sandbox.assert_no_leftovers();
    refused
}

#[test]
fn installs_without_a_network_what_a_known_key_vouches_for() {
    let (machine, author, hub) = carried();
    let key = hub.root_key().to_string();
    insta::assert_snapshot!(machine.run(&["sync", "set.leah", "--key", &key]), @"
    2> + registry hub at [URL], root key [hub root key]
    2> + alpha 1.0.0 (hub)
    2> + beta 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
    assert_eq!(machine.read("home/plugins/leah.lock"), author.read("home/plugins/leah.lock"));
    let store = |sandbox: &Sandbox| names_in(&sandbox.layout().store());
    assert_eq!(store(&machine), store(&author));
    machine.run(&["verify"]).ok();
    machine.assert_no_leftovers();
    // Nothing came over the network, so there is nothing to keep.
    assert_eq!(names_in(&machine.path("cache")), Vec::<String>::new());
    insta::assert_snapshot!(machine.run(&["sync", "set.leah"]), @"
    2> Everything is as `set.leah` says; nothing changed.
    exit 0
    ");
    insta::assert_snapshot!(machine.run(&["sync", "set.leah", "--check"]), @"
    2> Everything is as `set.leah` says; nothing changed.
    exit 0
    ");
    machine.run(&["bundle", "-o", "again.leah", "--offline"]).fails(6);
}

#[test]
fn a_bundle_vouches_for_no_registry_that_is_not_known_otherwise() {
    let (machine, _author, hub) = carried();
    insta::assert_snapshot!(machine.run(&["sync", "set.leah"]), @"
    2> error: the lock brings registry `hub` at `[URL]`, and nobody agreed to its root key `[hub root key]` here
    2> hint: if you know that key to be the right one, run `leahpm sync set.leah --key [hub root key]`
    exit 8
    ");
    for more in
        [&["--locked"][..], &["--frozen"], &["--yes"], &["--key", &hub.publisher.public().to_string()]]
    {
        let refused = machine.run(&[&["sync", "set.leah"], more].concat());
        assert_eq!(refused.code, if more.len() == 2 { 7 } else { 8 }, "{refused}");
        assert_eq!(machine.live_line(), "");
    }
}

#[test]
fn a_bundle_that_brings_its_own_root_is_not_the_registry_of_that_name() {
    let (sandbox, hub, _) = known();
    let thief = Sandbox::new();
    let other = TestRegistry::new(&thief, "hub");
    other
        .publish(&PackageSpec::new("app", "1.0.0").description("Not what you wanted"))
        .add_as_default(&thief);
    thief.run(&["install", "app"]).ok();
    thief.run(&["bundle", "-o", "set.leah"]).ok();
    sandbox.redact(other.root_key(), "[other root key]");
    sandbox.redact(other.root_key().id(), "[other root key id]");
    let bundle = Unpacked::of(&thief.read("set.leah"));
    insta::assert_snapshot!(refuses(&sandbox, 7, &bundle.pack()), @"
    2> error: the lock says that the root key of registry `hub` is `[other root key]`, but it is `[hub root key]` here
    2> hint: ask whoever made the lock which key is the right one; `leahpm registry list` shows the one that is trusted here
    exit 7
    ");
    // A lock that names the right key does not help him.
    let posing = bundle.with_lock(&other.root_key().to_string(), &hub.root_key().to_string());
    insta::assert_snapshot!(refuses(&sandbox, 7, &posing.pack()), @"
    2> error: root 1 of the registry is not valid
    2> caused by: the root is not signed as it must be
    2> caused by: signed with another key: [other root key id], expected [hub root key id] (`[hub root key]`)
    exit 7
    ");
}

#[test]
fn a_bundle_that_is_older_than_what_was_seen_is_refused_and_no_evidence() {
    let (sandbox, hub, bundle) = known();
    hub.publish_all(&[("lib", "1.1.0")]);
    sandbox.run(&["install", "lib"]).ok();
    insta::assert_snapshot!(refuses(&sandbox, 7, &bundle.pack()), @"
    2> error: the bundle `bad.leah` is too old
    2> caused by: registry `hub` shows state 1.3, but 1.4 was seen before: it is older than it should be
    2> hint: `leahpm bundle -o FILE` makes a new one where the registry can be reached
    exit 7
    ");
    assert!(!sandbox.layout().evidence().exists());
    // Who has the newer state makes a bundle that is taken.
    sandbox.write("old.lock", &bundle.lock);
    sandbox.run(&["bundle", "-o", "new.leah", "old.lock"]).ok();
    sandbox.run(&["sync", "new.leah"]).ok();
    assert_eq!(sandbox.live_line(), "app 1.0.0, lib 1.0.0");
}

#[test]
fn a_bundle_teaches_what_was_seen_as_a_server_does() {
    let (sandbox, hub, old) = known();
    hub.publish_all(&[("lib", "1.1.0")]);
    let author = Sandbox::new();
    hub.add_as_default(&author);
    author.run(&["install", "app"]).ok();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    sandbox.write("set.leah", author.read("set.leah"));
    sandbox.run(&["sync", "set.leah"]).ok();
    assert_eq!(sandbox.live_line(), "app 1.0.0, lib 1.1.0");
    refuses(&sandbox, 7, &old.pack());
}

#[test]
fn a_bundle_that_lacks_something_installs_nothing() {
    let (sandbox, _hub, bundle) = known();
    for index in 0..bundle.files.len() {
        let mut lacking = bundle.clone();
        let (path, _) = lacking.files.remove(index);
        if path.ends_with(".minisig") {
            continue;
        }
        let refused = refuses(&sandbox, 7, &lacking.pack());
        assert!(refused.stderr.contains(&format!("lacks `{path}`")), "{path}: {refused}");
    }
    let mut lacking = bundle;
    lacking.files.retain(|(path, _)| path != "hub/packages/lib/lib-1.0.0.tar.gz");
    insta::assert_snapshot!(refuses(&sandbox, 7, &lacking.pack()), @"
    2> error: cannot fetch `lib` 1.0.0
    2> caused by: the bundle `bad.leah` lacks `hub/packages/lib/lib-1.0.0.tar.gz`
    exit 7
    ");
}

#[test]
fn files_of_a_bundle_that_change_places_are_noticed() {
    let (sandbox, _hub, bundle) = known();
    for (one, _) in bundle.files.iter().enumerate() {
        let mut swapped = bundle.clone();
        let other = (one + 1) % swapped.files.len();
        let bytes = swapped.files[one].1.clone();
        swapped.files[other].1 = bytes;
        let path = &bundle.files[other].0;
        if path.ends_with(".minisig") {
            continue;
        }
        assert_eq!(refuses(&sandbox, 7, &swapped.pack()).code, 7, "{path}");
    }
}

#[test]
fn what_is_no_bundle_any_more_installs_nothing() {
    let (sandbox, _hub, bundle) = known();
    let whole = bundle.pack();
    insta::assert_snapshot!(refuses(&sandbox, 13, &whole[..whole.len() - 512]), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: it does not end with two empty blocks
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(refuses(&sandbox, 13, &[&whole[..], b"more"].concat()), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: it has 4 bytes after its end
    2> hint: copy it again from where it was made
    exit 13
    ");
    let mut changed = whole.clone();
    let at = whole.windows(8).position(|bytes| bytes == b"enabled:").unwrap();
    changed[at] = b'E';
    let refused = refuses(&sandbox, 7, &changed);
    assert!(refused.stderr.contains("`leah.lock` in it was changed: its sha256 is "), "{refused}");
    let newer = String::from_utf8_lossy(&whole).find("format: 1").unwrap() + "format: ".len();
    let mut changed = whole;
    changed[newer] = b'2';
    insta::assert_snapshot!(refuses(&sandbox, 10, &changed), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: it is of format 2, which needs a newer leahpm
    exit 10
    ");
    // Compressed it is as good as a lock that nobody can read.
    sandbox.run_line("gzip -k set.leah").ok();
    refuses(&sandbox, 13, &sandbox.read("set.leah.gz"));
}

#[test]
fn what_a_tar_can_hold_beside_plain_files_is_refused() {
    let (sandbox, _hub, _) = known();
    sandbox
        .run_line("mkdir u && tar -xf set.leah -C u && ln u/hub/root/1 u/hub/root/2 && ln -s 1 u/hub/root/3")
        .ok();
    let tar = |options: &str, files: &str| {
        sandbox.run_line(&format!("tar -C u --blocking-factor=1 --mode=0644 --mtime=@0 --numeric-owner --owner=0 --group=0 {options} -cf made.leah leah.bundle leah.lock {files}")).ok();
        refuses(&sandbox, 13, &sandbox.read("made.leah")).to_string()
    };
    insta::assert_snapshot!(tar("--format=ustar", "hub"), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: `hub/` in it is a folder; a bundle has plain files alone
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(tar("--format=ustar", "hub/head hub/root/1 hub/root/2"), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: `hub/root/2` in it is a link; a bundle has plain files alone
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(tar("--format=ustar", "hub/head hub/root/3"), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: `hub/root/3` in it is a link; a bundle has plain files alone
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(tar("--format=ustar --hard-dereference", "hub/head hub/root/1 hub/head"), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: `hub/head` in it does not come after `hub/root/1` in the order of bytes
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(tar("--format=gnu", "hub/head"), @"
    2> error: cannot use the bundle `bad.leah`
    2> caused by: the header of `leah.bundle` in it has another magic than in a bundle
    2> hint: copy it again from where it was made
    exit 13
    ");
    insta::assert_snapshot!(tar("--format=pax", "hub/head"), @r"
    2> error: cannot read `bad.leah`
    2> caused by: line 1, column 25: unexpected character: `\u{0}'
    exit 13
    ");
}

#[test]
fn a_lock_in_a_bundle_grants_nothing_by_itself() {
    let (sandbox, hub) = crate::fixture::hub();
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    sandbox.run(&["install", "mail", "--grant", "all"]).ok();
    sandbox.run(&["bundle", "-o", "set.leah"]).ok();
    let machine = Sandbox::new();
    hub.add(&machine);
    machine.write("set.leah", sandbox.read("set.leah"));
    insta::assert_snapshot!(machine.run(&["sync", "set.leah"]), @"
    2> error: the lock grants what nobody agreed to here:
    2>   mail: use_model (ask your chat model)
    2> hint: to agree, run `leahpm sync set.leah --grant mail:use_model`
    2> hint: `leahpm sync set.leah --locked` takes the lock for the consent, as a script may: who committed it has agreed
    exit 8
    ");
    assert_eq!(machine.live_line(), "");
    machine.run(&["sync", "set.leah", "--grant", "use_model"]).ok();
    assert_eq!(machine.live_line(), "mail 1.0.0");
}

#[test]
fn what_is_compiled_in_needs_no_key_and_comes_from_the_bundle() {
    let author = Sandbox::new();
    author.run(&["install", "hello-world", "--grant", "all"]).ok();
    author.run(&["bundle", "-o", "set.leah"]).ok();
    let machine = Sandbox::new();
    machine.write("set.leah", author.read("set.leah"));
    machine.run(&["sync", "set.leah", "--locked", "--offline"]).ok();
    assert_eq!(machine.live(), author.live());
    // Nothing of it is taken from elsewhere when the bundle lacks it.
    let mut lacking = Unpacked::of(&author.read("set.leah"));
    lacking.files.retain(|(path, _)| path != "bundled/head");
    let empty = Sandbox::new();
    empty.write("set.leah", lacking.pack());
    insta::assert_snapshot!(empty.run(&["sync", "set.leah", "--locked"]), @"
    2> error: the bundle `set.leah` lacks `bundled/head`
    exit 7
    ");
}

#[test]
fn a_bundle_on_a_pipe_is_to_be_saved_first() {
    let (sandbox, _hub, _) = known();
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run_line("cat set.leah | leahpm sync /dev/stdin"), @"
    2> error: cannot read `/dev/stdin`
    2> caused by: it is not a regular file
    2> hint: name a file; what comes through a pipe can be saved in one first
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run_line("mkfifo pipe; leahpm sync pipe"), @"
    2> error: cannot read `pipe`
    2> caused by: it is not a regular file
    2> hint: name a file; what comes through a pipe can be saved in one first
    exit 13
    ");
    assert_eq!(sandbox.tree(), before);
    fs::remove_file(sandbox.path("pipe")).unwrap();
}

#[test]
fn a_link_to_a_bundle_is_a_bundle() {
    let (sandbox, _hub, _) = known();
    std::os::unix::fs::symlink("set.leah", sandbox.path("newest")).unwrap();
    sandbox.run(&["sync", "newest"]).ok();
    assert_eq!(sandbox.live_line(), "app 1.0.0, lib 1.0.0");
}
