//! The registry that is compiled in: it holds, it is what the sources in `plugins/` say, stock minisign accepts it, and
//! what users get of it by `install translator`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use leah_plugin::{
    digest::Digest,
    key::{PublicKey, SecretKey},
    signature::package_comment,
};

use crate::{
    fixture::{PackageSpec, hub, now},
    sandbox::{Sandbox, code, is_missing, names_in, tree_of},
};

/// A path in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Name and version of each plugin in `plugins/`, with the sum of its sources, as `published.sha256` has them.
fn published() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(repository("plugins/published.sha256")).unwrap();
    let fields = |line: &str| {
        let [sum, version, name] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        [name, version, sum].map(str::to_owned).into()
    };
    text.lines().map(fields).collect()
}

/// What `find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` says in `folder`.
fn sum_of_sources(folder: &Path) -> String {
    let files = tree_of(folder).into_iter().filter(|(_, what)| what.starts_with("file"));
    let mut files: Vec<String> = files.map(|(path, _)| format!("./{path}")).collect();
    files.sort();
    let line = |file: &String| format!("{}  {file}\n", Digest::of(&fs::read(folder.join(file)).unwrap()));
    Digest::of(files.iter().map(line).collect::<String>().as_bytes()).to_string()
}

/// Runs the minisign of the system.
pub fn minisign(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut minisign = Command::new("minisign");
    let output = minisign.args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.expect("these tests need the program `minisign`");
    let said = || format!("exit {}: {}", code(output.status), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said()) }
}

#[test]
fn the_bundled_registry_holds() {
    let folder = repository("bundled");
    let registry = leah_registry::registry::Registry::open(&folder, None, now()).unwrap();
    // Its age does not count: it is as old as the program, and no program takes its own for too old.
    let report = leah_registry::check::check(&folder, None, now().min(registry.head().expires - 1)).unwrap();
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!((report.origin.unwrap().as_str(), report.plugins), ("bundled", published().len()));
}

#[test]
fn every_plugin_is_published_as_its_sources_are_now() {
    let manifests = names_in(&repository("plugins"));
    let plugins = manifests.iter().filter(|name| repository(&format!("plugins/{name}/plugin.yaml")).exists());
    let published = published();
    assert_eq!(plugins.collect::<Vec<_>>(), published.iter().map(|(name, ..)| name).collect::<Vec<_>>());
    for (name, version, sum) in published {
        let folder = repository(&format!("plugins/{name}"));
        assert_eq!(
            sum_of_sources(&folder),
            sum,
            "plugins/{name} has changed since {version}: raise its version and run plugins/publish.sh"
        );
        let manifest = fs::read_to_string(folder.join("plugin.yaml")).unwrap();
        assert!(manifest.contains(&format!("version: {version}\n")), "{name} is published as {version}");
        let archive = repository(&format!("bundled/packages/{name}/{name}-{version}.tar.gz"));
        assert!(archive.exists(), "{}", archive.display());
    }
}

#[test]
fn stock_minisign_accepts_the_committed_packages_and_refuses_a_changed_one() {
    if is_missing("minisign") {
        return;
    }
    let sandbox = Sandbox::new();
    for (name, version, _) in published() {
        let info = sandbox.run(&["info", &format!("{name}@={version}"), "--json"]).json();
        let key: PublicKey = info["key"].as_str().unwrap().parse().unwrap();
        let file = format!("{name}-{version}.tar.gz");
        for file in [file.clone(), format!("{file}.minisig")] {
            fs::copy(repository(&format!("bundled/packages/{name}/{file}")), sandbox.path(&file)).unwrap();
        }
        let verify = ["-V", "-P", &key.to_string(), "-m", &file];
        assert_eq!(minisign(&sandbox.path(""), &verify), Ok(()));
        let mut bytes = sandbox.read(&file);
        bytes[100] ^= 1;
        sandbox.write(&file, bytes);
        let refused = minisign(&sandbox.path(""), &verify).unwrap_err();
        assert!(refused.starts_with("exit 1: Signature verification failed"), "{refused}");
    }
}

#[test]
fn a_package_that_stock_minisign_has_signed_is_published_and_installed() {
    if is_missing("minisign") {
        return;
    }
    let (sandbox, hub) = hub();
    minisign(&sandbox.path(""), &["-G", "-W", "-p", "me.pub", "-s", "me.key"]).unwrap();
    let key = SecretKey::read(&fs::read_to_string(sandbox.path("me.key")).unwrap(), None).unwrap();
    let spec = PackageSpec::new("alpha", "1.0.0");
    let archive = spec.archive();
    let size = archive.len() as u64;
    let comment = package_comment(&hub.origin, &spec.name(), &spec.version(), size, &Digest::of(&archive));
    assert!(comment.contains('\t'), "the fields of the comment stand behind tabs");
    sandbox.write("alpha-1.0.0.tar.gz", &archive);
    let sign = ["-S", "-s", "me.key", "-t", &comment, "-c", "signed by hand", "-m", "alpha-1.0.0.tar.gz"];
    minisign(&sandbox.path(""), &sign).unwrap();
    let signature = String::from_utf8(sandbox.read("alpha-1.0.0.tar.gz.minisig")).unwrap();
    hub.publish_archive(&key, &spec, &archive, &signature);
    sandbox.run(&["install", "alpha"]).ok();
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn installs_the_translator_into_an_empty_home_and_changes_nothing_the_second_time() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["install", "translator", "--grant", "all"]), @"
    2> + translator 1.1.0 (bundled)
    2> Generation 1 is live.
    exit 0
    ");
    let files = names_in(&sandbox.path("home/plugins/translator"));
    assert_eq!(files, ["README.md", "plugin.wasm", "plugin.yaml"]);
    for file in ["README.md", "plugin.yaml"] {
        let source = fs::read(repository(&format!("plugins/translator/{file}"))).unwrap();
        assert_eq!(sandbox.read(format!("home/plugins/translator/{file}")), source, "{file}");
    }
    let before = sandbox.tree();
    insta::assert_snapshot!(sandbox.run(&["install", "translator", "--grant", "all"]), @"
    2> `translator` is installed already; nothing changed. `leahpm update` looks for newer versions of it.
    exit 0
    ");
    assert_eq!(sandbox.tree(), before);
    sandbox.run(&["verify"]).ok();
    sandbox.assert_no_leftovers();
}

/// Neither a look at what is there nor an install of what is there does more than read a few files.
#[test]
fn list_and_an_install_of_what_is_there_open_no_socket_and_start_no_thread() {
    let sandbox = Sandbox::new();
    sandbox.run(&["install", "translator", "--grant", "all"]).ok();
    for quiet in [&["list"][..], &["install", "translator"], &["install", "translator", "--grant", "all"]] {
        is_quiet(&sandbox, quiet);
    }
}

/// Asserts that a command succeeds, opens no socket and starts neither a thread nor a program.
#[track_caller]
pub fn is_quiet(sandbox: &Sandbox, arguments: &[&str]) {
    if is_missing("strace") {
        return;
    }
    let trace = sandbox.path("trace");
    let calls = "--trace=network,clone,clone3,fork,vfork,execve";
    let strace = ["strace", "-f", "-qq", calls, "-o", trace.to_str().unwrap()];
    sandbox.run_under(&strace, arguments).ok();
    let lines = fs::read_to_string(&trace).unwrap();
    let call = |line: &str| line.split_once(' ').unwrap().1.split('(').next().unwrap().trim().to_owned();
    assert_eq!(lines.lines().map(call).collect::<Vec<_>>(), ["execve"], "{arguments:?}");
}
