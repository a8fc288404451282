//! Locks that agree with the index and locks that do not: each test changes one thing.

use leah_plugin::{
    key::SecretKey,
    lock::{Request, ResolvedFor},
    manifest::{PermissionKind, Scope},
    record::{Line, OwnerLine, RevokeLine, Signer, VERSION_FORMAT},
    signature::{UNTRUSTED_COMMENT, package_comment},
};

use super::*;

const INTERFACE: &str = r#"{"api":"^1.0","host":">=0.1","dependencies":{"lib":"^1"},"permissions":["use_model"],"hooks":[],"tools":[]}"#;

fn hub() -> Origin {
    "hub".parse().unwrap()
}

fn plugin(name: &str) -> PluginName {
    name.parse().unwrap()
}

fn owner(
    keys: &[&SecretKey],
    previous: Option<Digest>,
    signer: (Signer, &SecretKey),
    serial: u64,
) -> OwnerLine {
    let keys = keys.iter().map(|key| key.public()).collect();
    OwnerLine::sign(keys, (&hub(), &plugin("alpha"), previous), signer, serial).unwrap()
}

fn version(text: &str, key: &SecretKey, serial: u64) -> VersionLine {
    let version: Version = text.parse().unwrap();
    let archive = text.as_bytes();
    let (size, sha256) = (archive.len() as u64, Digest::of(archive));
    let comment = package_comment(&hub(), &plugin("alpha"), &version, size, &sha256);
    VersionLine {
        format: VERSION_FORMAT,
        version,
        interface: serde_json::from_str(INTERFACE).unwrap(),
        size,
        sha256,
        content: Digest::of(b"tar"),
        key: key.public(),
        signature: key.sign(archive, &comment, UNTRUSTED_COMMENT).unwrap(),
        serial,
        published: 1_700_000_000,
    }
}

/// The record of `alpha`: 1.0.0 by one publisher, 2.0.0 by the next, to whom the first gave the name.
fn record() -> (Record, SecretKey) {
    let (first, second) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let started =
        Record::start(owner(&[&first], None, (Signer::Publisher, &first), 1), &hub(), &plugin("alpha"));
    let started = started.unwrap();
    let handed = owner(&[&second], Some(started.owner().digest), (Signer::Publisher, &first), 3);
    let lines = [
        Line::Version(Box::new(version("1.0.0", &first, 2))),
        Line::Owner(handed),
        Line::Version(Box::new(version("2.0.0", &second, 4))),
    ];
    let record = lines.iter().fold(started, |record, line| record.append(line, &second.public()).unwrap());
    (record, second)
}

fn permissions(kinds: &[PermissionKind]) -> Permissions {
    let mut permissions = Permissions::empty();
    kinds.iter().for_each(|kind| drop(permissions.insert(*kind, Scope::Bare).unwrap()));
    permissions
}

fn locked(record: &Record, version: &str, owner: usize) -> Locked {
    let release = record.version(&version.parse().unwrap()).unwrap();
    let line = release.line;
    Locked {
        version: line.version.clone(),
        registry: hub(),
        sha256: line.sha256,
        content: line.content,
        size: line.size,
        key: line.key,
        owner: record.owners()[owner].digest,
        dependencies: line.interface.dependencies.clone(),
        enabled: true,
        held: false,
        granted: permissions(&[PermissionKind::UseModel]),
        denied: Permissions::empty(),
    }
}

fn check(locked: &Locked, record: &Record, host: &str) -> Result<Version, String> {
    let (api, host) = (Version::new(1, 0, 0), host.parse().unwrap());
    let platform = Platform { api: &api, host: &host };
    let checked = check_package(&plugin("alpha"), locked, Some(record), platform);
    checked.map(|line| line.version.clone()).map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut Locked), expect: &str) {
    let (record, _) = record();
    let mut locked = locked(&record, "2.0.0", 1);
    change(&mut locked);
    assert_eq!(check(&locked, &record, "0.1.0").unwrap_err(), expect);
}

#[track_caller]
fn refuses_field(field: &str, change: impl FnOnce(&mut Locked)) {
    refuses(change, &format!("`{field}` of `alpha` 2.0.0 in the lock differs from what registry `hub` says"));
}

#[test]
fn takes_what_the_index_says_with_the_owner_of_then_or_of_later() {
    let (record, _) = record();
    for (version, owner) in [("1.0.0", 0), ("1.0.0", 1), ("2.0.0", 1)] {
        check(&locked(&record, version, owner), &record, "0.1.0").unwrap();
    }
    let mut denied = locked(&record, "1.0.0", 0);
    std::mem::swap(&mut denied.granted, &mut denied.denied);
    check(&denied, &record, "0.1.0").unwrap();
}

#[test]
fn refuses_an_owner_of_before_the_version() {
    let (record, _) = record();
    let locked = locked(&record, "2.0.0", 0);
    let error = check(&locked, &record, "0.1.0").unwrap_err();
    assert_eq!(error, "`owner` of `alpha` 2.0.0 in the lock differs from what registry `hub` says");
}

#[test]
fn refuses_every_field_that_is_not_as_the_index_says() {
    refuses_field("sha256", |locked| locked.sha256 = Digest::of(b"other"));
    refuses_field("content", |locked| locked.content = Digest::of(b"other"));
    refuses_field("size", |locked| locked.size += 1);
    refuses_field("key", |locked| locked.key = SecretKey::generate().unwrap().public());
    refuses_field("owner", |locked| locked.owner = Digest::of(b"other"));
    refuses_field("dependencies", |locked| locked.dependencies.clear());
    // The version alone, of another package.
    refuses(
        |locked| locked.version = Version::new(1, 0, 0),
        "`sha256` of `alpha` 1.0.0 in the lock differs from what registry `hub` says",
    );
    refuses(|locked| locked.version = Version::new(9, 0, 0), "registry `hub` has no `alpha` 9.0.0");
    refuses(
        |locked| {
            locked.version = Version::new(9, 0, 0);
            locked.registry = Origin::bundled();
        },
        "`alpha` 9.0.0 of registry `bundled` needs a newer leahpm",
    );
}

#[test]
fn refuses_permissions_that_nobody_decided_on_and_such_as_nobody_asked_for() {
    refuses(
        |locked| locked.granted = Permissions::empty(),
        "the lock does not say whether `alpha` 2.0.0 is granted `use_model`",
    );
    let asks_not =
        "the lock says of `alpha` 2.0.0 whether it is granted `read_messages`, for which it does not ask";
    let more = permissions(&[PermissionKind::UseModel, PermissionKind::ReadMessages]);
    refuses(|locked| locked.granted = more, asks_not);
    refuses(|locked| locked.denied = permissions(&[PermissionKind::ReadMessages]), asks_not);
}

#[test]
fn refuses_a_revoked_key_before_anything_else() {
    let (record, key) = record();
    let revoke = RevokeLine { key: key.public(), from: 4, serial: 5 };
    let record = record.append(&Line::Revoke(revoke), &key.public()).unwrap();
    let mut lying = locked(&record, "2.0.0", 1);
    lying.size += 1;
    let error = check(&lying, &record, "0.1.0").unwrap_err();
    assert_eq!(error, "`alpha` 2.0.0 of registry `hub` is signed with a key that was revoked");
    check(&locked(&record, "1.0.0", 1), &record, "0.1.0").unwrap();
}

#[test]
fn refuses_what_is_made_for_another_host() {
    let (record, _) = record();
    let error = check(&locked(&record, "2.0.0", 1), &record, "0.0.9").unwrap_err();
    assert_eq!(error, "`alpha` 2.0.0 is for leah-host >=0.1, this one is 0.0.9");
    let (api, host) = (Version::new(2, 0, 0), Version::new(0, 1, 0));
    let locked = locked(&record, "2.0.0", 1);
    let platform = Platform { api: &api, host: &host };
    let error = check_package(&plugin("alpha"), &locked, Some(&record), platform).unwrap_err();
    assert_eq!(error.to_string(), "`alpha` 2.0.0 is for plugin API ^1.0, this host has 2.0.0");
}

/// A lock in which each plugin is of `hub` and needs the ones behind it in any version; the first of each is requested.
fn lock(plugins: &[(&str, &str, &[&str])]) -> Lock {
    let (record, key) = record();
    let mut lock = Lock::empty(ResolvedFor { api: Version::new(1, 0, 0), host: Version::new(0, 1, 0) });
    lock.registries.insert(hub(), LockedRegistry { url: None, root_key: key.public() });
    for (name, version, needs) in plugins {
        let mut one = locked(&record, "2.0.0", 1);
        one.version = version.parse().unwrap();
        one.dependencies = needs
            .iter()
            .map(|need| need.split_once(' ').unwrap())
            .map(|(name, range)| (plugin(name), range.parse().unwrap()))
            .collect();
        lock.plugins.insert(plugin(name), one);
    }
    lock
}

fn ask(lock: &mut Lock, names: &[&str]) {
    for name in names {
        let request = Request { range: VersionReq::STAR, registry: hub() };
        lock.requested.insert(plugin(name), request);
    }
}

#[track_caller]
fn check_extra(of_lock: &[(&str, &str, &[&str])], expect: Result<&str, &str>) {
    let mut live = lock(&[
        ("app", "1.0.0", &["lib ^1"]),
        ("lib", "1.0.0", &[]),
        ("mail", "1.0.0", &[]),
        ("orphan", "1.0.0", &[]),
    ]);
    ask(&mut live, &["app", "mail"]);
    let mut wanted = lock(of_lock);
    ask(&mut wanted, &["mail"]);
    // The same registry in both.
    wanted.registries.clone_from(&live.registries);
    let whole = with_extra(&wanted, &live);
    let shown = whole.map(|whole| {
        let plugins = whole.plugins.iter().map(|(name, locked)| format!("{name} {}", locked.version));
        plugins.collect::<Vec<_>>().join(", ")
    });
    let shown = shown.map_err(|misfit| format!("{misfit}: {}", misfit.source));
    assert_eq!(shown, expect.map(str::to_owned).map_err(str::to_owned));
}

#[test]
fn keeps_beside_a_lock_what_was_asked_for_and_what_that_needs() {
    check_extra(&[("mail", "2.0.0", &[])], Ok("app 1.0.0, lib 1.0.0, mail 2.0.0"));
    // What the lock has of a plugin counts, also where it is only needed.
    check_extra(
        &[("mail", "1.0.0", &["lib ^1"]), ("lib", "1.2.0", &[])],
        Ok("app 1.0.0, lib 1.2.0, mail 1.0.0"),
    );
}

#[test]
fn names_those_that_cannot_stay_beside_a_lock() {
    check_extra(
        &[("mail", "1.0.0", &["lib ^2"]), ("lib", "2.0.0", &[])],
        Err("`app` cannot stay beside what the lock names: `app` needs `lib` ^1, but the lock has 2.0.0"),
    );
    let live = {
        let mut live = lock(&[("app", "1.0.0", &[])]);
        ask(&mut live, &["app"]);
        live
    };
    // Each lock of these tests has a root key of its own.
    let misfit = with_extra(&lock(&[("mail", "1.0.0", &[])]), &live).unwrap_err();
    assert_eq!(
        misfit.source.to_string(),
        "`app` comes from a registry to which the lock gives another root key"
    );
}

#[test]
fn refuses_a_set_that_no_resolution_brings_about() {
    let mut set = lock(&[("app", "1.0.0", &["lib ^1"]), ("lib", "1.0.0", &[])]);
    check_set(&set).unwrap();
    set.plugins.get_mut("lib").unwrap().enabled = false;
    let off = "in the lock `app` is switched on and needs `lib`, which is switched off";
    assert_eq!(check_set(&set).unwrap_err().to_string(), off);
    set.plugins.get_mut("app").unwrap().enabled = false;
    check_set(&set).unwrap();
    set.plugins.get_mut("lib").unwrap().registry = "other".parse().unwrap();
    let strange = "in the lock `app` of registry `hub` needs `lib`, which comes from registry `other`";
    assert_eq!(check_set(&set).unwrap_err().to_string(), strange);
}

#[test]
fn tells_what_is_granted_now_and_was_not_before() {
    let mut live = lock(&[("app", "1.0.0", &[])]);
    let next = lock(&[("app", "2.0.0", &[]), ("mail", "1.0.0", &[])]);
    let names = |live: Option<&Lock>| -> Vec<String> {
        new_grants(live, &next).keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(None), ["app", "mail"]);
    assert_eq!(names(Some(&live)), ["mail"]);
    live.plugins.get_mut("app").unwrap().registry = "other".parse().unwrap();
    assert_eq!(names(Some(&live)), ["app", "mail"]);
}
