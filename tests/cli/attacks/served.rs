//! What a server, a mirror or a cache can do to the files that it serves, without any key of the registry.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use leah_plugin::{
    record::{Line, RevokeLine},
    registry_layout::RegistryLayout,
};

use super::{
    Attack,
    server::{self, status},
};
use crate::fixture::{PackageSpec, TestRegistry, now};

/// A file of which one byte is turned.
#[derive(Clone)]
struct Turned {
    path: String,
    /// Place of the byte, counted from the end where it is less than zero.
    at: i64,
    bytes: Vec<u8>,
}

/// What kind of file a path is.
fn kind(attack: &Attack, path: &str) -> &'static str {
    let hub = attack.hub();
    match path.split('/').next().unwrap() {
        "root" => "root",
        "head" => "head",
        "packages" => "archive",
        _ if path == hub.record_path("keeper") => "record",
        _ => "directory",
    }
}

#[test]
fn byte_changed() {
    let turned: Arc<Mutex<Option<Turned>>> = Arc::default();
    let told = Arc::clone(&turned);
    let attack = Attack::with(move |path| {
        let Turned { at, mut bytes, .. } =
            told.lock().unwrap().clone().filter(|turned| turned.path == path)?;
        let at = at.rem_euclid(bytes.len() as i64) as usize;
        bytes[at] ^= 1;
        Some(server::body(&bytes))
    });
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let mut said: BTreeMap<&str, String> = BTreeMap::new();
    let hub = attack.hub();
    let directory = RegistryLayout::object(&hub.head().tree);
    let archive = "packages/keeper/keeper-1.1.0.tar.gz".to_owned();
    for path in ["root/1".into(), "head".into(), directory, hub.record_path("keeper"), archive] {
        for at in [0, 150, -1] {
            *turned.lock().unwrap() = Some(Turned { path: path.clone(), at, bytes: hub.read(&path) });
            said.insert(kind(&attack, &path), attack.refuses(7, &["update"]));
        }
    }
    insta::assert_snapshot!(said.iter().map(|(kind, text)| format!("{kind}\n{text}")).collect::<String>(), @"
    archive
    error: refused `keeper` 1.1.0 of registry `hub`
    caused by: the archive's sha256 is [sha256], the index says [sha256]
    directory
    error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]
    head
    error: the head of registry `hub` is not valid
    caused by: the head is not signed as it must be
    caused by: the signature of key [hub index key id] (`[hub index key]`) does not fit: the bytes or the comment were changed
    caused by: The signature verification failed
    record
    error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]
    root
    error: root 1 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: the signature of key [hub root key id] (`[hub root key]`) does not fit: the bytes or the comment were changed
    caused by: The signature verification failed
    ");
}

#[test]
fn files_of_two_states_mixed() {
    let attack = Attack::new();
    let older = attack.scene.copy_of(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let head = attack.hub().read("head");
    // The newer head over the older files, and an older file under the name of a newer one.
    let newer = attack.scene.copy_of(attack.hub());
    older.put_back_all(attack.hub());
    let old_record = attack.hub().read(&attack.hub().record_path("keeper"));
    attack.hub().write("head", head);
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"error: `[URL]` lacks `objects/[sha256]`");
    newer.put_back_all(attack.hub());
    attack.hub().write(&attack.hub().record_path("keeper"), old_record);
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]");
}

#[test]
fn rollback() {
    let attack = Attack::new();
    let older = attack.scene.copy_of(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    attack.run(&["update"]).ok();
    older.put_back_all(attack.hub());
    insta::assert_snapshot!(attack.convicts(&["update"]), @"
    error: registry `hub` shows state 1.2, but 1.3 was seen before: it is older than it should be
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    // Nor does it help to ask for the older version, or to forget the plugin first.
    attack.refuses(7, &["install", "keeper@1.0.0"]);
    attack.run(&["uninstall", "keeper"]).ok();
    attack.run(&["install", "keeper"]).fails(7);
}

#[test]
fn freeze() {
    let attack = Attack::new();
    let old = attack.scene.copy_of(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    // Who serves the old state again and again hides the new one, and nobody can tell until that is past its time.
    old.put_back_all(attack.hub());
    attack.run(&["update"]).ok();
    assert_eq!(attack.scene.sandbox.live_line(), "keeper 1.0.0");
    let days_ago = now() - 3 * 24 * 3600 - 60;
    attack.hub().change_head(|head| (head.expires, head.serial) = (days_ago, head.serial + 1));
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"
    error: the head of registry `hub` expired 3 days ago
    hint: its people publish a new head with `leah-registry refresh`; then run the command again
    ");
    attack.refuses(7, &["install", "keeper@1.1.0"]);
}

#[test]
fn equivocation() {
    let attack = Attack::new();
    let common = attack.scene.copy_of(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    attack.run(&["update"]).ok();
    // The registry's own keys sign another story under the same number, for this user alone.
    common.put_back_all(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.2.0"));
    insta::assert_snapshot!(attack.convicts(&["update"]), @"
    error: registry `hub` shows another state 1.3 than the one that was seen before
    hint: ask the registry's people about it; what it showed is kept in `[HOME]/evidence/hub-[hex].yaml`
    ");
    let evidence = fs::read_dir(attack.scene.sandbox.layout().evidence()).unwrap().next().unwrap().unwrap();
    let evidence = fs::read_to_string(evidence.path()).unwrap();
    // Two heads of one number, both signed by the index key: who reads it needs to believe nobody.
    assert_eq!(evidence.matches("leahpm:head:1\tregistry:hub\tepoch:1\tserial:3").count(), 2, "{evidence}");
}

/// A registry whose server keeps the first who asks for `keeper` 1.1.0 waiting: what tells that somebody does, and what
/// ends the wait.
fn waiting() -> (Attack, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, is_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let may_go = Mutex::new(Some(may_go));
    let attack = Attack::with(move |path| {
        if path == "packages/keeper/keeper-1.1.0.tar.gz"
            && let Some(may_go) = may_go.lock().unwrap().take()
        {
            asked.send(()).unwrap();
            may_go.recv().unwrap();
        }
        None
    });
    (attack, is_asked, go)
}

#[test]
fn rollback_of_a_run_that_is_kept_waiting() {
    let (attack, is_asked, go) = waiting();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let first = attack.scene.sandbox.spawn(&["update"]);
    is_asked.recv_timeout(Duration::from_secs(60)).unwrap();
    // Another run learns meanwhile that this version was withdrawn.
    attack.hub().yank("keeper", "1.1.0").offer(&PackageSpec::new("keeper", "1.2.0"));
    attack.forget_cache();
    attack.run(&["update"]).ok();
    go.send(()).unwrap();
    insta::assert_snapshot!(attack.scene.sandbox.wait(first), @"
    2> All plugins are up to date; nothing changed.
    exit 0
    ");
    assert_eq!(attack.scene.sandbox.live_line(), "keeper 1.2.0");
}

#[test]
fn equivocation_towards_two_runs_at_once() {
    let (attack, is_asked, go) = waiting();
    let common = attack.scene.copy_of(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let one_story = attack.scene.copy_of(attack.hub());
    common.put_back_all(attack.hub());
    attack.hub().offer(&PackageSpec::new("keeper", "1.2.0"));
    let other_story = attack.scene.copy_of(attack.hub());
    one_story.put_back_all(attack.hub());
    let first = attack.scene.sandbox.spawn(&["update"]);
    is_asked.recv_timeout(Duration::from_secs(60)).unwrap();
    // The first run believes its head by now, and has written nothing.
    other_story.put_back_all(attack.hub());
    attack.forget_cache();
    attack.run(&["update"]).ok();
    one_story.put_back_all(attack.hub());
    go.send(()).unwrap();
    let refused = attack.scene.sandbox.wait(first);
    insta::assert_snapshot!(refused.fails(7), @"error: registry `hub` shows another state 1.3 than the one that was seen before");
    assert_eq!(attack.scene.sandbox.live_line(), "keeper 1.2.0");
    // Nor is there a later run that takes it.
    attack.convicts(&["update"]);
}

#[test]
fn old_version_served_as_new() {
    let attack = Attack::new();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    let archive = |version: &str| attack.hub().archive_path("keeper", version);
    fs::copy(archive("1.0.0"), archive("1.1.0")).unwrap();
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"
    error: refused `keeper` 1.1.0 of registry `hub`
    caused by: the archive has 242 bytes, the index says 243
    ");
}

#[test]
fn package_of_another_name() {
    let attack = Attack::new();
    attack.hub().offer(&PackageSpec::new("friend", "1.0.0").file("why.txt", "larger than the other"));
    attack.hub().offer(&PackageSpec::new("frienb", "1.0.0"));
    let archive = |name: &str| attack.hub().archive_path(name, "1.0.0");
    fs::copy(archive("frienb"), archive("friend")).unwrap();
    insta::assert_snapshot!(attack.refuses(7, &["install", "friend"]), @"
    error: refused `friend` 1.0.0 of registry `hub`
    caused by: the archive has 243 bytes, the index says 281
    ");
    let record = attack.hub().read(&attack.hub().record_path("frienb"));
    attack.hub().write(&attack.hub().record_path("friend"), record);
    insta::assert_snapshot!(attack.refuses(7, &["install", "friend"]), @"error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]");
}

#[test]
fn package_of_another_registry() {
    let attack = Attack::new();
    let other = TestRegistry::new(&attack.scene.sandbox, "bub");
    let spec = PackageSpec::new("friend", "1.0.0");
    attack.hub().offer(&spec);
    // The same publisher and the same bytes, but signed for another registry: what was said there is not said here.
    let other = TestRegistry { publisher: attack.hub().publisher.clone(), ..other };
    other.offer(&spec);
    let record = other.read(&other.record_path("friend"));
    attack.hub().write(&attack.hub().record_path("friend"), &record);
    insta::assert_snapshot!(attack.refuses(7, &["install", "friend"]), @"error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]");
    // Even if the thief has the index key.
    attack.hub().serve_record("friend", &record);
    insta::assert_snapshot!(attack.refuses(7, &["install", "friend"]), @"
    error: the record of `friend` in registry `hub` is not valid
    caused by: line 1 of the record of `friend` is refused
    caused by: the change of owners does not count
    caused by: the owner line is not signed as it must be
    caused by: the signature is for the registry `bub`, not for `hub`
    ");
}

#[test]
fn line_withheld() {
    let attack = Attack::new();
    let (key, before) = (attack.hub().publisher.public(), attack.hub().record_text("keeper"));
    attack.hub().add_line("keeper", |serial| Line::Revoke(RevokeLine { key, from: 1, serial }));
    attack.hub().write(&attack.hub().record_path("keeper"), before);
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"error: `objects/[sha256]` of registry `hub` was changed: its sha256 is [sha256]");
}

#[test]
fn deleted_version() {
    let attack = Attack::new();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    fs::remove_file(attack.hub().archive_path("keeper", "1.1.0")).unwrap();
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"
    error: cannot fetch `keeper` 1.1.0
    caused by: `[URL]` lacks `packages/keeper/keeper-1.1.0.tar.gz`
    ");
    // All of the name is gone: what is installed stays, and so do the earlier sets.
    fs::remove_dir_all(attack.hub().path("packages")).unwrap();
    fs::remove_file(attack.hub().path(&attack.hub().record_path("keeper"))).unwrap();
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"error: `[URL]` lacks `objects/[sha256]`");
    attack.run(&["uninstall", "keeper"]).ok();
    attack.run(&["rollback"]).ok();
    attack.still_works();
}

#[test]
fn server_taken_over() {
    let attack = Attack::new();
    let thief = TestRegistry::at(&attack.scene.sandbox, "hub", "thief");
    thief.offer(&PackageSpec::new("keeper", "2.0.0"));
    thief.offer(&PackageSpec::new("keeper", "3.0.0"));
    attack.scene.copy_of(&thief).put_back_all(attack.hub());
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"
    error: root 1 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: signed with another key: [thief root key id], expected [hub root key id] (`[hub root key]`)
    ");
    insta::assert_snapshot!(attack.refuses(7, &["install", "keeper@2.0.0", "--yes"]), @"
    error: root 1 of the registry is not valid
    caused by: the root is not signed as it must be
    caused by: signed with another key: [thief root key id], expected [hub root key id] (`[hub root key]`)
    ");
    // Adding it again under its own key does not help either: the name has a key.
    let key = thief.root_key().to_string();
    let add = ["registry", "add", "hub", &attack.server.url, "--key", &key];
    insta::assert_snapshot!(attack.refuses(7, &add), @"
    error: there is a registry `hub` already, at another place or with another key
    hint: `leahpm registry remove hub` forgets the one that is there
    ");
}

#[test]
fn mirror_that_lies() {
    let attack = Attack::new();
    let liar = server::Liar::start(&attack.hub().folder, |path| {
        path.starts_with("packages/").then(|| server::body(b"something else"))
    });
    let key = attack.hub().root_key().to_string();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    // The lie first, the honest server as its mirror: wrong bytes are as good as none.
    let add = ["registry", "add", "hub", &liar.url, "--mirror", &attack.server.url, "--key", &key];
    attack.run(&add).ok();
    insta::assert_snapshot!(attack.run(&["update"]), @"
    2> ~ keeper 1.0.0 -> 1.1.0
    2> Generation 2 is live.
    exit 0
    ");
    assert!(liar.asked().iter().any(|asked| asked.path.starts_with("packages/")));
    // The lie alone.
    attack.hub().offer(&PackageSpec::new("keeper", "1.2.0"));
    attack.run(&["registry", "add", "hub", &liar.url, "--key", &key]).ok();
    insta::assert_snapshot!(attack.refuses(7, &["update"]), @"
    error: refused `keeper` 1.2.0 of registry `hub`
    caused by: the archive has 14 bytes, the index says 244
    ");
}

#[test]
fn redirect_to_http_and_to_local_addresses() {
    let target: Arc<Mutex<&str>> = Arc::default();
    let to = Arc::clone(&target);
    let attack = Attack::with(move |path| {
        let to = *to.lock().unwrap();
        (!to.is_empty()).then(|| status("302 Found", &format!("Location: {to}{path}\r\n")))
    });
    let mut said = String::new();
    for to in
        ["http://plugins.example.com/", "http://10.0.0.1/", "http://169.254.169.254/latest/", "file:///etc/"]
    {
        *target.lock().unwrap() = to;
        said.push_str(&attack.refuses(6, &["update"]));
    }
    insta::assert_snapshot!(said, @"
    error: cannot get `[URL]head`
    caused by: the server sent somewhere else, which was not followed
    caused by: a redirect to `http://plugins.example.com/head`, which is not encrypted
    hint: `leahpm registry add NAME URL` takes the address where the registry is now
    error: cannot get `[URL]head`
    caused by: the server sent somewhere else, which was not followed
    caused by: a redirect to `http://10.0.0.1/head`, which is not encrypted
    hint: `leahpm registry add NAME URL` takes the address where the registry is now
    error: cannot get `[URL]head`
    caused by: the server sent somewhere else, which was not followed
    caused by: a redirect to `http://169.254.169.254/latest/head`, which is not encrypted
    hint: `leahpm registry add NAME URL` takes the address where the registry is now
    error: cannot get `[URL]head`
    caused by: the server sent somewhere else, which was not followed
    caused by: a redirect that leads nowhere
    hint: `leahpm registry add NAME URL` takes the address where the registry is now
    ");
}
