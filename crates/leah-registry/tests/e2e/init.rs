//! `init`: the keys and the first head.

use leah_plugin::key::{PublicKey, SecretKey};

use crate::sandbox::{DAY, NOW, Sandbox};

#[test]
fn makes_a_registry_with_two_keys_that_checks() {
    let sandbox = Sandbox::new();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(sandbox.registry_files(), ["head", &format!("objects/e3/{empty}"), "root.pub", "root/1"]);
    let root = PublicKey::from_file_text(&String::from_utf8(sandbox.read("hub/root.pub")).unwrap()).unwrap();
    assert_eq!(sandbox.secret("keys/root.key").public(), root);
    let answer = sandbox.run(&["check", "hub", "--root-key", &root.to_string()]).ok();
    assert_eq!(answer.out, "Everything holds: 0 plugins, 0 versions, head 1\n");
}

#[cfg(unix)]
#[test]
fn keeps_secret_keys_for_their_owner_and_the_registry_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let mode = |path: &str| std::fs::metadata(sandbox.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys/root.key"), mode("keys/index.key")), (0o600, 0o600));
    assert_eq!(mode("hub/head") & 0o444, 0o444);
}

#[test]
fn says_as_json_what_it_made() {
    let sandbox = Sandbox::empty();
    let answer = sandbox.run(&["init", "hub", "--origin", "hub", "--head-days", "7", "--json"]).ok().json();
    assert_eq!((&answer["schema"], &answer["serial"]), (&1.into(), &1.into()));
    assert_eq!(answer["expires"], NOW + 7 * DAY);
    assert_eq!(answer["key_files"], serde_json::json!(["hub-keys/root.key", "hub-keys/index.key"]));
}

#[test]
fn takes_keys_that_are_there_and_makes_none() {
    let sandbox = Sandbox::empty();
    for name in ["r", "i"] {
        sandbox.write(name, SecretKey::generate().unwrap().to_file_text(name).unwrap());
    }
    sandbox.run(&["init", "hub", "--origin", "hub", "--root-key", "r", "--index-key", "i"]).ok();
    assert!(!sandbox.path("hub-keys").exists());
    sandbox.run(&["check", "hub"]).ok();
    let same =
        sandbox.run(&["init", "bub", "--origin", "bub", "--root-key", "r", "--index-key", "r"]).fails(9);
    assert_eq!(same, "error: root key and index key must be two keys\n");
}

#[test]
fn protects_new_keys_with_a_password() {
    let sandbox = Sandbox::empty();
    let password = [("LEAH_REGISTRY_PASSWORD", "secret")];
    sandbox.run_with(&["init", "hub", "--origin", "hub", "--keys", "keys", "--protect"], &password).ok();
    let refresh = ["refresh", "hub", "--index-key", "keys/index.key"];
    insta::assert_snapshot!(sandbox.run(&refresh).fails(4), @r"
    error: cannot use the key file `keys/index.key`
    caused by: the secret key is protected by a password
    hint: type the password on a terminal, or set `LEAH_REGISTRY_PASSWORD`
    ");
    let wrong = sandbox.run_with(&refresh, &[("LEAH_REGISTRY_PASSWORD", "Secret")]).fails(4);
    assert!(wrong.contains("caused by: the password does not open the secret key"), "{wrong}");
    sandbox.run_with(&refresh, &password).ok();
}

#[test]
fn refuses_to_ask_for_a_password_without_a_terminal() {
    let sandbox = Sandbox::empty();
    insta::assert_snapshot!(sandbox.run(&["init", "hub", "--origin", "hub", "--protect"]).fails(4), @r"
    error: a password is needed, and there is no terminal to ask for it
    hint: set `LEAH_REGISTRY_PASSWORD`
    ");
    assert!(!sandbox.path("hub").exists() && !sandbox.path("hub-keys").exists());
}

#[test]
fn refuses_folders_with_files_and_never_overwrites_a_key() {
    let sandbox = Sandbox::new();
    let again = sandbox.run(&["init", "hub", "--origin", "hub", "--keys", "more"]).fails(9);
    assert_eq!(again, "error: `hub` is a registry already\n");
    let other = sandbox.run(&["init", ".", "--origin", "hub", "--keys", "../more"]).fails(9);
    assert!(other.starts_with("error: `.` is not empty: it holds `"), "{other}");
    let keys = sandbox.run(&["init", "bub", "--origin", "bub", "--keys", "keys"]).fails(1);
    assert!(keys.starts_with("error: cannot create `keys/root.key`"), "{keys}");
    assert!(!sandbox.path("bub").exists());
}

#[test]
fn refuses_to_put_keys_where_they_would_be_published() {
    let sandbox = Sandbox::empty();
    for keys in ["hub", "hub/keys", "./hub/keys"] {
        insta::allow_duplicates! {
            let error = sandbox.run(&["init", "hub", "--origin", "hub", "--keys", keys]).fails(9);
            insta::assert_snapshot!(error.replace(&format!("`{keys}`"), "[keys]"), @r"
            error: the keys in [keys] would be published with the registry
            hint: name another folder with `--keys DIR`
            ");
        }
    }
}

#[test]
fn refuses_names_and_days_that_are_none() {
    let sandbox = Sandbox::empty();
    assert_eq!(sandbox.run(&["init", "hub", "--origin", "Hub"]).code, 2);
    assert_eq!(sandbox.run(&["init", "hub", "--origin", "hub", "--head-days", "401"]).code, 2);
    assert_eq!(sandbox.run(&["init", "hub"]).code, 2);
    assert_eq!(sandbox.run(&["--help"]).code, 0);
}
