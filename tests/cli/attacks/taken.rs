//! What somebody can do who takes something else than a server: a token, a name, a look at the terminal, the store.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{
    Attack,
    server::{Liar, status},
};
use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Sandbox, tree_of},
};

/// What must be seen nowhere.
const TOKEN: &str = "s3cr3t-t0ken";

#[test]
fn token_stolen() {
    let thief = Liar::start(std::path::Path::new("/nowhere"), |_| None);
    let elsewhere = thief.url.clone();
    // The registry's own server sends for its packages elsewhere, and a mirror is somebody else as well.
    let attack = Attack::with(move |path| {
        path.starts_with("packages/keeper/keeper-1.1.0")
            .then(|| status("302 Found", &format!("Location: {elsewhere}{path}\r\n")))
    });
    let sandbox = &attack.scene.sandbox;
    sandbox.redact(&thief.url, "[THIEF]");
    let key = attack.hub().root_key().to_string();
    sandbox.run(&["registry", "add", "hub", &attack.server.url, "--mirror", &thief.url, "--key", &key]).ok();
    attack.hub().offer(&PackageSpec::new("keeper", "1.1.0"));
    attack.forget_cache();
    let before = attack.server.asked().len();
    let output = sandbox.run_env(&["update", "--verbose"], &[("LEAHPM_TOKEN_HUB", TOKEN)]);
    insta::assert_snapshot!(output, @"
    2> error: cannot fetch `keeper` 1.1.0
    2> caused by: `[URL]` lacks `packages/keeper/keeper-1.1.0.tar.gz`
    exit 7
    ");
    let asked = |server: &Liar, from: usize| server.asked().split_off(from);
    let has_token = |server: &Liar, from| {
        asked(server, from).iter().map(|asked| asked.head.contains(TOKEN)).collect::<Vec<_>>()
    };
    assert!(has_token(&attack.server, before).iter().all(|has| *has), "the server itself must get it");
    let stolen = has_token(&thief, 0);
    assert!(!stolen.is_empty() && stolen.iter().all(|has| !*has), "{:?}", thief.asked());
    assert!(!format!("{output:?}").contains(TOKEN));
    // Nothing keeps a token of the environment, and the file of `login` is for its owner alone.
    let holds = |sandbox: &Sandbox| -> Vec<String> {
        let files = tree_of(&sandbox.path("")).into_iter().filter(|(_, what)| what.starts_with("file"));
        let holds = |path: &String| String::from_utf8_lossy(&sandbox.read(path)).contains(TOKEN);
        files.map(|(path, _)| path).filter(holds).collect()
    };
    assert_eq!(holds(sandbox), Vec::<String>::new());
    sandbox.write("token", TOKEN);
    sandbox.run_line("leahpm registry login hub < token").ok();
    fs::remove_file(sandbox.path("token")).unwrap();
    assert_eq!(holds(sandbox), ["home/credentials.yaml"]);
    let mode = fs::metadata(sandbox.layout().credentials()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn squatting() {
    let attack = Attack::new();
    // A name that differs by a letter is told with the one that was meant, and never taken in its place.
    insta::assert_snapshot!(attack.refuses(5, &["install", "keepr"]), @"
    error: registry `hub` has no plugin `keepr`
    hint: did you mean `leahpm install keeper`?
    ");
    // The same name in a registry that was not asked for is told as such.
    let other = TestRegistry::new(&attack.scene.sandbox, "other");
    other.offer(&PackageSpec::new("friend", "1.0.0"));
    other.add(&attack.scene.sandbox);
    insta::assert_snapshot!(attack.refuses(5, &["install", "friend"]), @"
    error: registry `hub` has no plugin `friend`
    hint: registry `other` has one: `leahpm install other/friend`
    ");
}

#[test]
fn dependency_confusion() {
    let attack = Attack::new();
    let hub = attack.hub();
    hub.offer(&PackageSpec::new("lib", "1.0.0"));
    hub.offer(&PackageSpec::new("app", "1.0.0").needs("lib", "^1"));
    attack.run(&["install", "app"]).ok();
    // Somebody else publishes all those names, newer, in a registry that is then the default one.
    let public = TestRegistry::new(&attack.scene.sandbox, "public");
    for name in ["app", "keeper", "lib"] {
        public.offer(&PackageSpec::new(name, "1.9.0"));
    }
    public.add_as_default(&attack.scene.sandbox);
    for line in [&["update"][..], &["install", "app"], &["install", "lib"], &["install", "keeper@^1"]] {
        attack.run(line).ok();
        assert_eq!(attack.scene.sandbox.live_line(), "app 1.0.0, keeper 1.0.0, lib 1.0.0", "{line:?}");
    }
    // To take one from there is a step that somebody must agree to.
    insta::assert_snapshot!(attack.refuses(8, &["install", "public/keeper"]), @"
    error: `keeper` would come from another registry, where somebody else may have the name:
      keeper 1.0.0 (hub) -> 1.9.0 (public)
    hint: to agree, run `leahpm install public/keeper --yes`
    ");
    insta::assert_snapshot!(attack.refuses(5, &["install", "public/lib"]), @"
    error: no versions fit together:
      you asked for `public/lib`
      `app` 1.0.0 needs `lib` ^1
      `lib` would come from the registries `hub` and `public`, but a set holds a name once
    hint: after `leahpm uninstall app`, `leahpm install public/lib` would work, with lib 1.9.0
    ");
}

#[test]
fn terminal_escapes() {
    const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J";
    let attack = Attack::with(|path| {
        path.starts_with("packages/evil").then(|| {
            let location = format!("Location: http://{EVIL}/\r\nRetry-After: {EVIL}\r\n");
            status(&format!("302 {EVIL}"), &location)
        })
    });
    attack.hub().offer(&PackageSpec::new("evil", "1.0.0"));
    let error = attack.refuses(6, &["install", "evil"]);
    assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
    insta::assert_snapshot!(error, @"
    error: cannot fetch `evil` 1.0.0
    caused by: cannot get `[URL]packages/evil/evil-1.0.0.tar.gz`
    caused by: the answer of the server makes no sense
    caused by: invalid HTTP status-code parsed
    ");
}

#[test]
fn tampered_store() {
    let attack = Attack::new();
    let sandbox = &attack.scene.sandbox;
    let entry = sandbox.layout().entry(&sandbox.locked("keeper").entry(&"keeper".parse().unwrap()));
    let program = entry.join("plugin.wasm");
    let good = fs::read(&program).unwrap();
    let mut bytes = good.clone();
    bytes[10] ^= 1;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&program, &bytes).unwrap();
    insta::assert_snapshot!(sandbox.run(&["verify"]), @"
    2> error: installed files are not as they were signed:
    2>   the files of `keeper-1.0.0-6263dce0a82b` have changed
    2> hint: `leahpm verify --repair` fetches the damaged plugins again
    exit 3
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--repair"]), @"
    2> Repaired keeper.
    2> 1 package checked; all files are as they were signed.
    exit 0
    ");
    assert_eq!(fs::read(&program).unwrap(), good);
    attack.still_works();
    // What was put there and never was live is not believed when it comes to be needed.
    attack.hub().offer(&PackageSpec::new("friend", "1.0.0").file("a.txt", "a"));
    attack.run(&["install", "friend"]).ok();
    let entry = sandbox.layout().entry(&sandbox.locked("friend").entry(&"friend".parse().unwrap()));
    attack.run(&["uninstall", "friend"]).ok();
    attack.run(&["gc", "--keep", "0"]).ok();
    fs::create_dir(&entry).unwrap();
    fs::write(entry.join("plugin.yaml"), "name: friend\nversion: 1.0.0\n").unwrap();
    attack.run(&["install", "friend"]).ok();
    assert_eq!(fs::read_to_string(entry.join("a.txt")).unwrap(), "a");
    attack.still_works();
}
