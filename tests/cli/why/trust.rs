//! `leahpm why NAME --trust`: from the pinned root key down to what the plugin may do, and what is said where a step does
//! not hold.

use leah_plugin::{key::SecretKey, record::Signer};

use crate::{
    attacks::keys::hand_over,
    fixture::{PackageSpec, TestRegistry, hub, now},
    http,
    publishers::{give, revoke},
    sandbox::{Output, Sandbox},
};

/// `notes` 1.0.0 from `hub`, which may use the model and not read messages.
fn notes() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("notes", "1.0.0").permission("use_model").permission("read_messages"));
    sandbox.run(&["install", "notes", "--grant", "use_model", "--deny", "read_messages"]).ok();
    (sandbox, hub)
}

/// What is printed, with a word in place of hashes: sha256 in full, and the twelve digits in the name of an entry.
fn shown(output: &Output) -> String {
    without(&output.to_string(), |digits| [12, 64].contains(&digits.len()))
}

/// The same with `[HASH]` for each run of hexadecimal digits that `is_hash` takes for one.
fn without(text: &str, is_hash: impl Fn(&str) -> bool) -> String {
    let (mut shown, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(end);
        shown.push_str(if is_hash(digits) { "[HASH]" } else { digits });
        let end = behind.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(behind.len());
        shown.push_str(&behind[..end]);
        rest = &behind[end..];
    }
    shown
}

#[test]
fn tells_every_step_from_the_pinned_key_to_the_grant() {
    let (sandbox, _hub) = notes();
    insta::assert_snapshot!(shown(&sandbox.run(&["why", "notes", "--trust"])), @"
    1> root
    1>   the root key [hub root key] of registry `hub` is pinned in `[HOME]/registries.yaml`
    1>   root 1, epoch 1: signed with it
    1>   root 1 is good until [TIME]
    1> head
    1>   state 1.2 (epoch.serial), sha256 [HASH]
    1>   signed with the index key [hub index key], which root 1 names
    1>   head 2 is good until [TIME]
    1>   read just now from `[DIR]/hub`; the newest state seen so far
    1> record
    1>   sha256 [HASH], 1339 bytes, 2 lines
    1>   named by this hash in the directory, whose top the head names: [HASH]
    1>   all of it was seen before and is the same
    1> publisher
    1>   the first owner of the name: [hub publisher key]; in force when this version was published, when it was chosen for this installation, now
    1>   first seen when it was installed, on the word of the registry, and pinned since
    1> package
    1>   notes 1.0.0, 270 bytes, published [TIME]
    1>   sha256 [HASH], signed with [hub publisher key]
    1>   trusted comment: leahpm:package:1 registry:hub name:notes version:1.0.0 file:notes-1.0.0.tar.gz size:270 sha256:[HASH]
    1>   content hash [HASH]
    1>   the files in `[HOME]/store/notes-1.0.0-[HASH]` were hashed just now and have it
    1>   the archive was verified again just now, signature and all
    1> grant
    1>   granted: use_model: ask your chat model
    1>   denied: read_messages: read your messages and the model's answers
    1>   since generation 1 (install notes, [TIME])
    2> Every step holds.
    exit 0
    ");
}

#[test]
fn tells_how_keys_were_handed_over() {
    let (sandbox, mut hub) = notes();
    hand_over(&mut hub, &sandbox);
    let heir = SecretKey::generate().unwrap();
    sandbox.redact(heir.public(), "[heir's key]");
    give(&hub, &[&heir], (Signer::Publisher, &hub.publisher));
    hub.yank("notes", "1.0.0");
    insta::assert_snapshot!(shown(&sandbox.run(&["why", "notes", "--trust"])), @"
    1> root
    1>   the root key [hub root key] of registry `hub` is pinned in `[HOME]/registries.yaml`
    1>   root 1, epoch 1: signed with it
    1>   root 2, epoch 1: signed with [hub root key], as the root before says; hands over to the root key [new root key]
    1>   root 3, epoch 1: signed with [new root key], as the root before says
    1>   root 3 is good until [TIME]
    1> head
    1>   state 1.5 (epoch.serial), sha256 [HASH]
    1>   signed with the index key [hub index key], which root 3 names
    1>   head 5 is good until [TIME]
    1>   read just now from `[DIR]/hub`; the newest state seen before was 1.2
    1> record
    1>   sha256 [HASH], 2050 bytes, 4 lines
    1>   named by this hash in the directory, whose top the head names: [HASH]
    1>   its first 1339 bytes were seen before and are the same
    1> publisher
    1>   the first owner of the name: [hub publisher key]; in force when this version was published, when it was chosen for this installation
    1>   then [heir's key], signed with [hub publisher key], a key of the owner before; in force now
    1>   pinned since it was installed; the chain of changes is unbroken
    1> package
    1>   notes 1.0.0, 270 bytes, published [TIME]
    1>   sha256 [HASH], signed with [hub publisher key]
    1>   trusted comment: leahpm:package:1 registry:hub name:notes version:1.0.0 file:notes-1.0.0.tar.gz size:270 sha256:[HASH]
    1>   content hash [HASH]
    1>   the files in `[HOME]/store/notes-1.0.0-[HASH]` were hashed just now and have it
    1>   the archive was verified again just now, signature and all
    1>   its people have withdrawn this version since
    1> grant
    1>   granted: use_model: ask your chat model
    1>   denied: read_messages: read your messages and the model's answers
    1>   since generation 1 (install notes, [TIME])
    2> Every step holds.
    exit 0
    ");
}

#[test]
fn a_script_gets_every_step_as_an_object() {
    let (sandbox, hub) = notes();
    let json = sandbox.run(&["why", "notes", "--trust", "--json"]).ok().json();
    let steps = json["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["root", "head", "record", "publisher", "package", "grant"]);
    let locked = sandbox.locked("notes");
    assert_eq!(steps[4]["sha256"], locked.sha256.to_string());
    assert_eq!(steps[4]["archive"], "verified");
    assert_eq!(steps[1]["serial"], hub.head().serial);
    assert_eq!(steps[1]["place"], "[DIR]/hub");
    assert_eq!(steps[5]["since"]["generation"], 1);
}

#[test]
fn a_grant_stands_since_the_generation_that_made_it() {
    let (sandbox, hub) = notes();
    hub.publish_all(&[("other", "1.0.0")]);
    sandbox.run(&["permissions", "grant", "notes", "read_messages"]).ok();
    sandbox.run(&["install", "other"]).ok();
    let since =
        || sandbox.run(&["why", "notes", "--trust", "--json"]).ok().json()["steps"][5]["since"].clone();
    assert_eq!((since()["generation"].as_u64(), since()["or_earlier"].as_bool()), (Some(2), Some(false)));
    sandbox.run(&["gc", "--keep", "0"]).ok();
    assert_eq!((since()["generation"].as_u64(), since()["or_earlier"].as_bool()), (Some(3), Some(true)));
}

#[test]
fn a_bundled_plugin_is_proven_by_this_program_alone() {
    let sandbox = Sandbox::new();
    sandbox.run(&["install", "hello-world", "--grant", "all"]).ok();
    let json = sandbox.run(&["why", "hello-world", "--trust", "--json"]).ok().json();
    assert_eq!(json["steps"][0]["pinned_in"], serde_json::Value::Null);
    assert_eq!(json["steps"][1]["place"], "this leahpm");
    assert_eq!(json["steps"][3]["pinned"], false);
    assert_eq!(json["steps"][4]["archive"], "verified");
}

#[test]
fn tells_over_http_what_was_asked_and_offline_what_was_not() {
    let (sandbox, hub, server) = http::served();
    sandbox.keep_packages();
    http::add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "alpha"]).ok();
    let step = |more: &[&str], at: usize| {
        let line = [&["why", "alpha", "--trust", "--json"], more].concat();
        sandbox.run(&line).ok().json()["steps"][at].clone()
    };
    assert_eq!((&step(&[], 1)["from_cache"], &step(&[], 4)["archive"]), (&false.into(), &"verified".into()));
    drop(server);
    let output = sandbox.run(&["why", "alpha", "--trust", "--offline"]).ok();
    insta::assert_snapshot!(output.stdout.lines().find(|line| line.contains("cache")).unwrap(), @"  read from the cache; whether `[URL]` has a newer one was not asked; the newest state seen so far");
    std::fs::remove_dir_all(sandbox.path("cache/archives")).unwrap();
    assert_eq!(step(&["--offline"], 4)["archive"], "not_at_hand");
    std::fs::remove_dir_all(sandbox.path("cache")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["why", "alpha", "--trust", "--offline"]), @"
    2> error: cannot look at why `alpha` is believed: the step `root`
    2> caused by: `head` of `[URL]` is not in the cache, and nothing is fetched offline
    2> hint: run the command again without `--offline` or `--frozen`
    exit 6
    ");
}

#[test]
fn a_registry_that_is_past_its_time_still_proves_what_is_installed() {
    let (sandbox, hub) = notes();
    hub.change_head(|head| (head.expires, head.serial) = (now() - 60, head.serial + 1));
    let output = sandbox.run(&["why", "notes", "--trust"]).ok();
    insta::assert_snapshot!(output.stdout.lines().find(|line| line.contains("past its time")).unwrap(), @"  head 3 is past its time since [TIME]: nothing new is chosen from it");
}

#[test]
fn files_that_were_changed_since_are_told_apart_from_what_was_signed() {
    let (sandbox, _hub) = notes();
    sandbox.run_line("cd home/plugins/notes/ && chmod -R u+w . && echo '# mine' >> plugin.yaml").ok();
    let output = sandbox.run(&["why", "notes", "--trust"]);
    assert_eq!(output.code, 3);
    insta::assert_snapshot!(without(&output.stderr, |digits| digits.len() == 12), @"
    error: why `notes` is believed does not hold at the step `package`
    caused by: the installed files are not as they were signed:
      the files of `notes-1.0.0-[HASH]` have changed
    hint: `leahpm verify --repair` fetches the damaged plugins again
    ");
    assert!(output.stdout.contains("\npublisher\n") && !output.stdout.contains("\npackage\n"));
    sandbox.run_hint(&output).ok();
    sandbox.run(&["why", "notes", "--trust"]).ok();
}

#[test]
fn what_does_not_hold_ends_with_the_code_for_trust_and_says_at_which_step() {
    let (sandbox, hub) = notes();
    let before = std::fs::read(hub.path("head")).unwrap();
    revoke(&hub, "notes", 1);
    insta::assert_snapshot!(sandbox.run(&["why", "notes", "--trust"]).stderr, @"
    error: why `notes` is believed does not hold at the step `package`
    caused by: `notes` 1.0.0 of registry `hub` is signed with a key that was revoked
    hint: `leahpm update notes` looks for a version that was not revoked
    ");
    let refused = sandbox.run(&["why", "notes", "--trust", "--json"]);
    let (json, trust) = (refused.json(), refused.json()["error"]["details"]["trust"].clone());
    assert_eq!((refused.code, &json["error"]["code"], &trust["step"]), (7, &7.into(), &"package".into()));
    let held: Vec<_> = trust["steps"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect();
    assert_eq!(held, ["root", "head", "record", "publisher"]);
    std::fs::write(hub.archive_path("notes", "1.0.0"), "forged").unwrap();
    hub.write("head", before);
    insta::assert_snapshot!(sandbox.run(&["why", "notes", "--trust"]).stderr, @"
    error: why `notes` is believed does not hold at the step `package`
    caused by: refused `notes` 1.0.0 of registry `hub`
    caused by: the archive has 6 bytes, the index says 270
    ");
    hub.write("head", "forged");
    insta::assert_snapshot!(sandbox.run(&["why", "notes", "--trust"]), @"
    2> error: why `notes` is believed does not hold at the step `head`
    2> caused by: the head of registry `hub` is not valid
    2> caused by: the head is not signed as it must be
    2> caused by: a signature is four lines that each end with a line feed, this one has 0
    exit 7
    ");
}
