//! `leahpm key`, `pack`, `check` and `sign`: from a folder to a package that a registry takes.

use std::{fs, os::unix::fs::PermissionsExt};

use leah_plugin::key::SecretKey;

use crate::{
    fixture::{PackageSpec, hub},
    sandbox::{Sandbox, names_in, tree_of},
};

/// A sandbox with the folder of a plugin in `mail`, and its sizes and hashes hidden.
fn with_source(spec: &PackageSpec) -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, bytes) in spec.source() {
        sandbox.write(format!("mail/{path}"), bytes);
    }
    sandbox
}

fn mail() -> PackageSpec {
    PackageSpec::new("mail", "1.0.0").file("README.md", "Mail\n").file("data/words.txt", "a b c\n")
}

#[test]
fn from_a_folder_to_an_installed_plugin() {
    let (sandbox, hub) = hub();
    for (path, bytes) in mail().source() {
        sandbox.write(format!("mail/{path}"), bytes);
    }
    sandbox.run(&["key", "generate", "me.key", "--without-password"]).ok();
    insta::assert_snapshot!(sandbox.run(&["pack", "mail"]), @"
    2> Packed mail 1.0.0 (296 B): ./mail-1.0.0.tar.gz
    exit 0
    ");
    let sign = ["sign", "mail-1.0.0.tar.gz", "--key", "me.key", "--for", "hub"];
    insta::assert_snapshot!(sandbox.run(&sign), @"
    2> Signed mail 1.0.0 for registry hub: mail-1.0.0.tar.gz.minisig
    exit 0
    ");
    let key = SecretKey::read(&String::from_utf8(sandbox.read("me.key")).unwrap(), None).unwrap();
    let signature = String::from_utf8(sandbox.read("mail-1.0.0.tar.gz.minisig")).unwrap();
    hub.publish_archive(&key, &mail(), &sandbox.read("mail-1.0.0.tar.gz"), &signature);
    sandbox.run(&["install", "mail"]).ok();
    assert_eq!(sandbox.read("home/plugins/mail/data/words.txt"), b"a b c\n");
}

#[test]
fn packs_the_same_bytes_from_the_same_files() {
    let sandbox = with_source(&mail());
    sandbox.run(&["pack", "mail", "--output", "one"]).ok();
    fs::remove_file(sandbox.path("mail/plugin.yaml")).unwrap();
    sandbox.write("mail/plugin.yaml", mail().manifest_text());
    fs::set_permissions(sandbox.path("mail/README.md"), fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.run(&["pack", "mail", "--output", "two"]).ok();
    assert_eq!(tree_of(&sandbox.path("one")), tree_of(&sandbox.path("two")));
    assert_eq!(sandbox.read("one/mail-1.0.0.tar.gz"), mail().archive());
}

#[test]
fn tells_scripts_what_was_packed_and_signed() {
    let sandbox = with_source(&mail());
    sandbox.run(&["key", "generate", "me.key", "--without-password"]).ok();
    let mut packed = sandbox.run(&["pack", "mail", "--json"]).ok().json();
    let archive = sandbox.read("mail-1.0.0.tar.gz");
    assert_eq!(packed["size"].take(), archive.len());
    assert_eq!(packed["sha256"].take(), leah_plugin::digest::Digest::of(&archive).to_string());
    assert_eq!(packed["content"].take(), sandbox.run(&["check", "mail", "--json"]).json()["content"]);
    insta::assert_snapshot!(packed, @r#"{"command":"pack","content":null,"dry_run":false,"file":"./mail-1.0.0.tar.gz","name":"mail","schema":1,"sha256":null,"size":null,"version":"1.0.0"}"#);
    let sign = ["sign", "mail-1.0.0.tar.gz", "--key", "me.key", "--for", "hub", "--json"];
    let mut signed = sandbox.run(&sign).ok().json();
    let public = String::from_utf8(sandbox.read("me.pub")).unwrap();
    assert_eq!(signed["key"].take(), public.lines().nth(1).unwrap());
    assert_eq!(signed["sha256"].take(), leah_plugin::digest::Digest::of(&archive).to_string());
    insta::assert_snapshot!(signed, @r#"{"command":"sign","dry_run":false,"key":null,"name":"mail","registry":"hub","schema":1,"sha256":null,"signature_file":"mail-1.0.0.tar.gz.minisig","version":"1.0.0"}"#);
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = with_source(&mail());
    sandbox.run(&["key", "generate", "me.key", "--without-password"]).ok();
    sandbox.run(&["pack", "mail"]).ok();
    let before = tree_of(&sandbox.path(""));
    sandbox.run(&["pack", "mail", "--output", "out", "--dry-run"]).ok();
    insta::assert_snapshot!(sandbox.run(&["pack", "mail", "--dry-run"]), @"
    2> Would pack mail 1.0.0 (296 B): ./mail-1.0.0.tar.gz
    exit 0
    ");
    sandbox.run(&["sign", "mail-1.0.0.tar.gz", "--key", "me.key", "--for", "hub", "--dry-run"]).ok();
    let generate = ["key", "generate", "other.key", "--without-password", "--dry-run"];
    sandbox.run(&generate).ok();
    assert_eq!(tree_of(&sandbox.path("")), before);
}

#[test]
fn checks_a_folder_and_a_package_alike() {
    let sandbox = with_source(&mail());
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> mail 1.0.0 is a valid package: 4 files, 296 B packed.
    exit 0
    ");
    sandbox.run(&["pack", "mail"]).ok();
    assert_eq!(
        sandbox.run(&["check", "mail", "--json"]).ok().json(),
        sandbox.run(&["check", "mail-1.0.0.tar.gz", "--json"]).ok().json()
    );
    insta::assert_snapshot!(sandbox.run(&["check", "mail", "--json"]).json()["interface"], @r#"{"api":"^1.0","dependencies":{},"hooks":[],"permissions":[],"tools":[]}"#);
}

#[test]
fn names_the_place_of_what_is_wrong_with_a_folder() {
    let sandbox = with_source(&mail().manifest("licence: MIT\n"));
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> error: `plugin.yaml` is not a valid manifest
    2> caused by: line 6, column 1: `licence` is not a key of a manifest; did you mean `license`?
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["pack", "mail"]), @"
    2> error: `plugin.yaml` is not a valid manifest
    2> caused by: line 6, column 1: `licence` is not a key of a manifest; did you mean `license`?
    exit 13
    ");
    sandbox.write("mail/plugin.yaml", mail().hook("on_chat_message").manifest_text());
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> error: `plugin.yaml` is not a valid manifest
    2> caused by: line 7, column 5: the hook `on_chat_message` needs the permission `read_messages`
    exit 13
    ");
    sandbox.write("mail/plugin.yaml", mail().manifest_text());
    fs::remove_file(sandbox.path("mail/plugin.wasm")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> error: the package has no `plugin.wasm` at its top
    exit 13
    ");
    sandbox.write("mail/plugin.wasm", "no wasm");
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> error: `plugin.wasm` cannot be used
    2> caused by: it is not a WebAssembly file
    exit 13
    ");
    fs::remove_file(sandbox.path("mail/plugin.yaml")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["check", "mail"]), @"
    2> error: `plugin.wasm` cannot be used
    2> caused by: it is not a WebAssembly file
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["check", "nowhere"]), @"
    2> error: cannot open `nowhere`
    2> caused by: No such file or directory (os error 2)
    exit 5
    ");
    sandbox.write("text.tar.gz", "no archive");
    insta::assert_snapshot!(sandbox.run(&["check", "text.tar.gz"]), @"
    2> error: the archive is not a gzip file
    exit 13
    ");
    assert!(!sandbox.path("mail-1.0.0.tar.gz").exists());
}

#[test]
fn packs_no_links_and_no_odd_names() {
    let sandbox = with_source(&mail());
    std::os::unix::fs::symlink("/etc/passwd", sandbox.path("mail/link")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["pack", "mail"]), @"
    2> error: `mail/link` is neither a file nor a folder, and a package holds files alone
    exit 13
    ");
    fs::remove_file(sandbox.path("mail/link")).unwrap();
    sandbox.write("mail/a file", "x");
    insta::assert_snapshot!(sandbox.run(&["pack", "mail"]), @"
    2> error: `mail/a file` cannot go into a package
    2> caused by: the path has a character other than letters, digits, `.`, `_`, `-` and `/`
    exit 13
    ");
    assert!(!names_in(&sandbox.path("")).contains(&"mail-1.0.0.tar.gz".to_owned()));
}

#[test]
fn makes_a_key_that_only_its_owner_can_read_and_never_over_another() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["key", "generate", "me.key", "--without-password"]).ok();
    let public = String::from_utf8(sandbox.read("me.pub")).unwrap();
    assert_eq!(output.stdout.trim_end(), public.lines().nth(1).unwrap());
    sandbox.redact(output.stdout.trim_end(), "[my key]");
    insta::assert_snapshot!(sandbox.redacted(&output.to_string()), @"
    1> [my key]
    2> Secret key in me.key; keep a copy where nobody else finds it.
    2> Public key in me.pub:
    exit 0
    ");
    let mode = |file: &str| fs::metadata(sandbox.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("me.key"), mode("me.pub") & 0o077), (0o600, 0o044));
    let before = tree_of(&sandbox.path(""));
    insta::assert_snapshot!(sandbox.run(&["key", "generate", "me.key", "--without-password"]), @"
    2> error: `me.key` is there already
    2> hint: a key is never written over another; name another file
    exit 2
    ");
    assert_eq!(tree_of(&sandbox.path("")), before);
}

#[test]
fn leaves_no_secret_key_behind_when_the_public_one_is_in_the_way() {
    let sandbox = Sandbox::new();
    sandbox.write("me.pub", "somebody's");
    insta::assert_snapshot!(sandbox.run(&["key", "generate", "me.key", "--without-password"]), @"
    2> error: `me.pub` is there already
    2> hint: a key is never written over another; name another file
    exit 2
    ");
    assert_eq!(names_in(&sandbox.path("")), ["me.pub"]);
}

#[test]
fn asks_nobody_for_a_password_where_nobody_is() {
    let sandbox = with_source(&mail());
    insta::assert_snapshot!(sandbox.run(&["key", "generate", "me.key"]), @"
    2> error: a password is needed, and there is no terminal to ask for it
    2> hint: run it on a terminal, or set LEAHPM_KEY_PASSWORD to sign
    2> hint: `--without-password` leaves the key unprotected
    exit 8
    ");
    assert!(!sandbox.path("me.key").exists());
    let (_, text) = SecretKey::generate_protected("a key", "secret").unwrap();
    sandbox.write("me.key", text);
    sandbox.run(&["pack", "mail"]).ok();
    let sign = ["sign", "mail-1.0.0.tar.gz", "--key", "me.key", "--for", "hub"];
    insta::assert_snapshot!(sandbox.run(&sign), @"
    2> error: a password is needed, and there is no terminal to ask for it
    2> hint: run it on a terminal, or set LEAHPM_KEY_PASSWORD to sign
    exit 8
    ");
    insta::assert_snapshot!(sandbox.run_env(&sign, &[("LEAHPM_KEY_PASSWORD", "wrong")]), @"
    2> error: cannot sign with the key file `me.key`
    2> caused by: the password does not open the secret key
    2> caused by: Wrong password for that key
    exit 13
    ");
    assert!(!sandbox.path("mail-1.0.0.tar.gz.minisig").exists());
    sandbox.run_env(&sign, &[("LEAHPM_KEY_PASSWORD", "secret")]).ok();
    fs::remove_file(sandbox.path("mail-1.0.0.tar.gz.minisig")).unwrap();
    let variables = [("LEAHPM_KEY_PASSWORD", "secret"), ("LEAHPM_SIGNING_KEY", "me.key")];
    sandbox.run_env(&["sign", "mail-1.0.0.tar.gz", "--for", "hub"], &variables).ok();
    assert!(sandbox.path("mail-1.0.0.tar.gz.minisig").exists());
}

#[test]
fn signs_nothing_that_is_no_package_and_with_nothing_that_is_no_key() {
    let sandbox = with_source(&mail());
    sandbox.run(&["pack", "mail"]).ok();
    sandbox.run(&["key", "generate", "me.key", "--without-password"]).ok();
    sandbox.write("text.tar.gz", "no archive");
    insta::assert_snapshot!(sandbox.run(&["sign", "text.tar.gz", "--key", "me.key", "--for", "hub"]), @"
    2> error: the archive is not a gzip file
    exit 13
    ");
    sandbox.write("no.key", "no key");
    insta::assert_snapshot!(sandbox.run(&["sign", "mail-1.0.0.tar.gz", "--key", "no.key", "--for", "hub"]), @"
    2> error: cannot sign with the key file `no.key`
    2> caused by: a key file is two lines: `untrusted comment: …` and the key
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["sign", "mail-1.0.0.tar.gz", "--key", "me.pub", "--for", "hub"]), @"
    2> error: cannot sign with the key file `me.pub`
    2> caused by: a key is base64 without spaces or line breaks, this one is not
    exit 13
    ");
    insta::assert_snapshot!(sandbox.run(&["sign", "mail-1.0.0.tar.gz", "--key", "me.key", "--for", "Hub"]), @"
    2> error: invalid value 'Hub' for '--for <REGISTRY>': `Hub` is not a name: use lower-case letters and digits, with single hyphens between them
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(sandbox.run(&["sign", "mail-1.0.0.tar.gz", "--key", "me.key"]), @"
    2> error: the following required arguments were not provided:
    2>   --for <REGISTRY>
    2>
    2> Usage: leahpm sign --key <FILE> --for <REGISTRY> --home <DIR> --cache <DIR> <PACKAGE>
    2>
    2> For more information, try '--help'.
    exit 2
    ");
    assert!(!sandbox.path("mail-1.0.0.tar.gz.minisig").exists());
}
