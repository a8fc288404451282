//! Homes and registries of other releases. What an older one wrote works on; what a newer one wrote is refused by name
//! and left alone; and what is written here can be read by older ones wherever nothing in it is new to them.

use std::fs;

use leah_plugin::{
    digest::Digest,
    key::SecretKey,
    signature::{UNTRUSTED_COMMENT, head_comment, root_comment},
};

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    http::{add, served},
    sandbox::Sandbox,
};

/// The first line of a file of the home.
fn format_of(sandbox: &Sandbox, file: &str) -> String {
    let text = String::from_utf8(sandbox.read(format!("home/{file}"))).unwrap();
    text.lines().next().unwrap().to_owned()
}

/// Puts other text in place of a part of a file of the home, which may be read-only.
fn change(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(sandbox.read(format!("home/{file}"))).unwrap();
    assert!(text.contains(from), "{file}: {text}");
    let path = sandbox.home().join(file);
    fs::remove_file(&path).unwrap();
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_home_of_the_first_release_works_on() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1")).publish_all(&[("beta", "1.0.0")]);
    sandbox.run(&["install", "alpha"]).ok();
    // As that release wrote them: without mirrors, without head and root, without plugins that are held.
    let (folder, key) = (hub.folder.display(), hub.root_key());
    let list =
        format!("format: 1\ndefault: hub\nregistries:\n  hub:\n    url: {folder}\n    root_key: {key}\n");
    assert_eq!(String::from_utf8(sandbox.read("home/registries.yaml")).unwrap(), list);
    let locked = ["alpha", "beta"].map(|name| (name, sandbox.locked(name).owner));
    let (head, digest) = (hub.head(), Digest::of(&hub.read("head")));
    let owners: String = locked.iter().map(|(name, owner)| format!("  {name}: {owner}\n")).collect();
    let (epoch, serial) = (head.epoch, head.serial);
    let seen = format!("format: 1\nepoch: {epoch}\nserial: {serial}\nhead: {digest}\nowners:\n{owners}");
    sandbox.write("home/registries/hub", seen);
    assert_eq!(format_of(&sandbox, "plugins/leah.lock"), "format: 1");

    hub.publish_all(&[("beta", "1.1.0")]);
    for command in
        [&["list"][..], &["verify", "--all"], &["outdated"], &["update"], &["rollback"], &["history"]]
    {
        sandbox.run(command).ok();
    }
    assert_eq!(sandbox.live_line(), "alpha 1.0.0, beta 1.0.0");
    assert_eq!(format_of(&sandbox, "registries/hub"), "format: 2");
    sandbox.assert_no_leftovers();
}

#[test]
fn a_file_says_no_newer_format_than_it_needs() {
    let (sandbox, hub, server) = served();
    hub.add_as_default(&sandbox);
    sandbox.run(&["install", "alpha"]).ok();
    let formats = || ["registries.yaml", "plugins/leah.lock"].map(|file| format_of(&sandbox, file));
    assert_eq!(formats(), ["format: 1", "format: 1"]);
    sandbox.run(&["hold", "beta"]).ok();
    add(&sandbox, &hub, &server.url());
    assert_eq!(formats(), ["format: 2", "format: 2"]);
    sandbox.run(&["unhold", "beta"]).ok();
    hub.add_as_default(&sandbox);
    assert_eq!(formats(), ["format: 1", "format: 1"]);
}

#[test]
fn a_file_of_a_newer_format_is_refused_by_name_and_nothing_is_touched() {
    let files = [
        "plugins/leah.lock",
        "registries.yaml",
        "registries/hub",
        "credentials.yaml",
        "generations/1/generation.yaml",
    ];
    let mut errors = String::new();
    for file in files {
        let (sandbox, hub, server) = served();
        add(&sandbox, &hub, &server.url());
        sandbox.run(&["install", "beta"]).ok();
        sandbox.write("home/credentials.yaml", "format: 1\ntokens: {}\n");
        let format = format_of(&sandbox, file);
        change(&sandbox, file, &format, "format: 99\nnew: [1]");
        let command: &[&str] =
            if file.contains("generation.yaml") { &["rollback", "1"] } else { &["install", "alpha"] };
        let before = sandbox.tree();
        errors.push_str(sandbox.run(command).fails(13));
        assert_eq!(sandbox.tree(), before, "{file}");
        assert_eq!(sandbox.live_line(), "beta 1.0.0");
    }
    insta::assert_snapshot!(errors, @"
    error: cannot read `[HOME]/generations/1/leah.lock`
    caused by: the lock is of format 99, which needs a newer leahpm
    error: cannot read `[HOME]/registries.yaml`
    caused by: line 1, column 9: format 99 is not known, this leahpm knows format 3; a newer leahpm may have written it
    error: cannot read `[HOME]/registries/hub`
    caused by: line 1, column 9: format 99 is not known, this leahpm knows format 2; a newer leahpm may have written it
    error: cannot read `[HOME]/credentials.yaml`
    caused by: line 1, column 9: format 99 is not known, this leahpm knows format 1; a newer leahpm may have written it
    error: cannot read `[HOME]/generations/1/generation.yaml`
    caused by: the generation is of format 99, which needs a newer leahpm
    ");
}

#[test]
fn a_live_set_of_a_newer_revision_is_used_and_not_changed() {
    let (sandbox, _hub) = crate::fixture::hub();
    sandbox.run(&["install", "hello-world", "--registry", "bundled", "--grant", "all"]).ok();
    change(&sandbox, "plugins/leah.lock", "format: 1\n", "format: 1\nrevision: 7\nmood: good\n");
    let before = sandbox.tree();
    for command in [&["list"][..], &["verify"], &["outdated"], &["why", "hello-world"]] {
        sandbox.run(command).ok();
    }
    insta::assert_snapshot!(sandbox.run(&["disable", "hello-world"]), @"
    2> error: the new set of plugins cannot be written as a lock
    2> caused by: the lock is of revision 7, and this leahpm writes none above 0
    2> hint: update leahpm, then run the command again
    exit 10
    ");
    assert_eq!(sandbox.tree(), before);
}

/// What is signed, whatever a newer release means by it.
fn signed(key: &SecretKey, comment: &str, body: &str) -> Vec<u8> {
    let block = key.sign(body.as_bytes(), comment, UNTRUSTED_COMMENT).unwrap();
    [block.as_text().as_bytes(), body.as_bytes()].concat()
}

/// A registry on a web server, installed from, that then is of a newer release.
fn newer(file: &str, bytes: impl FnOnce(&TestRegistry) -> Vec<u8>) -> (Sandbox, String) {
    let (sandbox, hub, server) = served();
    add(&sandbox, &hub, &server.url());
    sandbox.run(&["install", "beta"]).ok();
    hub.write(file, bytes(&hub));
    let before = sandbox.tree();
    let [error, others @ ..] = [&["install", "alpha"][..], &["update"], &["info", "alpha"]]
        .map(|command| sandbox.run(command).fails(10).to_owned());
    assert!(others.iter().all(|other| *other == error), "{error}{others:?}");
    assert_eq!(sandbox.tree(), before);
    (sandbox, error)
}

#[test]
fn a_head_of_a_newer_format_needs_a_newer_leahpm_and_what_is_installed_stays() {
    let (sandbox, error) = newer("head", |hub| {
        let comment = head_comment(&hub.origin, 1, 99, 1);
        signed(&hub.index_key, &comment, "{\"format\":99,\"new\":true}\n")
    });
    insta::assert_snapshot!(error, @"
    error: the head of registry `hub` is not valid
    caused by: the head has format 99, this release knows 2: it needs a newer leahpm
    ");
    sandbox.run(&["uninstall", "beta"]).ok();
    sandbox.run(&["rollback"]).ok();
    assert_eq!(sandbox.live_line(), "beta 1.0.0");
}

#[test]
fn a_root_of_a_newer_format_needs_a_newer_leahpm() {
    let (_, error) = newer("root/2", |hub| {
        signed(&hub.root_key, &root_comment(&hub.origin, 2), "{\"format\":99,\"new\":true}\n")
    });
    insta::assert_snapshot!(error, @"
    error: root 2 of the registry is not valid
    caused by: the root has format 99, this release knows 1: it needs a newer leahpm
    ");
}

#[test]
fn a_format_that_nobody_signed_is_no_newer_one() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    let stranger = SecretKey::generate().unwrap();
    let comment = head_comment(&hub.origin, 1, 99, 1);
    hub.write("head", signed(&stranger, &comment, "{\"format\":99,\"new\":true}\n"));
    sandbox.run(&["install", "alpha"]).fails(7);
}

#[test]
fn a_version_of_a_newer_format_is_left_out_and_older_ones_are_offered() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    let record = hub.record_text("alpha")
        + "{\"kind\":\"version\",\"format\":99,\"version\":\"2.0.0\",\"new\":true}\n";
    hub.serve_record("alpha", record.as_bytes());
    insta::assert_snapshot!(sandbox.run(&["install", "alpha@2.0.0"]), @"
    2> error: no version of `alpha` fits `=2.0.0`: it has 1.0.0
    2> hint: `leahpm install alpha@^1.0.0` would work, with alpha 1.0.0
    2> hint: `leahpm info alpha` shows all its versions
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> registry `hub` has versions of `alpha` that only a newer leahpm can read
    2> + alpha 1.0.0 (hub)
    2> Generation 1 is live.
    exit 0
    ");
}

#[test]
fn a_line_of_an_unknown_kind_is_refused() {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")]);
    hub.serve_record(
        "alpha",
        (hub.record_text("alpha") + "{\"kind\":\"transfer\",\"format\":99}\n").as_bytes(),
    );
    insta::assert_snapshot!(sandbox.run(&["install", "alpha"]), @"
    2> error: the record of `alpha` in registry `hub` is not valid
    2> caused by: line 3 of the record of `alpha` is refused
    2> caused by: column 18: unknown variant `transfer`, expected one of `owner`, `version`, `yank`, `unyank`, `revoke`
    exit 7
    ");
}
