//! The house rules that a compiler does not know: who may import whom, what the shipped program may link, how files
//! begin and how long they get, and that one file alone prints.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What each module of `src/` may import of the others. What is pure imports nothing that is not.
const ARROWS: &[(&str, &[&str])] = &[
    // pure
    ("requirements", &[]),
    ("resolve", &["requirements"]),
    ("consent", &[]),
    ("settings", &[]),
    ("plan", &["consent", "requirements", "settings"]),
    ("restore", &[]),
    ("trust", &[]),
    ("verify", &[]),
    ("wishes", &["consent", "requirements"]),
    ("pack", &[]),
    // effects; `fs` and `live` stand in leah-home, for the host needs them too
    ("fs", &[]),
    ("bundle", &["fs"]),
    ("config", &["consent", "fs"]),
    ("credentials", &["fs"]),
    ("live", &["fs"]),
    ("parallel", &[]),
    (
        "registry",
        &["bundle", "config", "credentials", "fs", "parallel", "plan", "requirements", "resolve", "trust"],
    ),
    ("store", &["fs", "live", "verify"]),
    ("fetch", &["settings", "parallel", "registry", "store", "verify"]),
    ("generation", &["fs", "live", "store"]),
    ("host", &["config", "fs", "live"]),
    ("proof", &["fs", "generation", "registry", "requirements", "restore", "trust", "verify"]),
    // driving
    (
        "apply",
        &[
            "bundle",
            "config",
            "credentials",
            "fetch",
            "fs",
            "generation",
            "host",
            "plan",
            "registry",
            "requirements",
            "restore",
            "settings",
            "store",
            "trust",
        ],
    ),
    // surface
    (
        "cli",
        &[
            "apply",
            "bundle",
            "config",
            "consent",
            "credentials",
            "fetch",
            "fs",
            "generation",
            "host",
            "pack",
            "plan",
            "proof",
            "registry",
            "requirements",
            "resolve",
            "restore",
            "settings",
            "store",
            "trust",
            "verify",
            "wishes",
        ],
    ),
];

/// Modules that are values in, values out.
const PURE: &[&str] = &[
    "requirements",
    "resolve",
    "restore",
    "consent",
    "plan",
    "trust",
    "verify",
    "wishes",
    "pack",
    "settings",
];

/// What the package manager never links: an engine that runs plugins, a second way to the network, a second TLS.
const BANNED: [&str; 8] =
    ["wasmtime", "async-std", "smol", "ureq", "native-tls", "openssl", "aws-lc-rs", "hickory-resolver"];

const LONGEST_FILE: usize = 500;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files with this extension below folders of the repository, by their path in it, with their text.
fn files(folders: &[&str], extension: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                // What is built is not ours to keep tidy.
                open.extend((entry.file_name() != "target").then_some(path));
            } else if path.extension().is_some_and(|is| is == extension) {
                found.insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    found
}

/// The part of a source file that is shipped, without comments; nothing of a file that is all tests.
fn shipped(path: &Path, text: &str) -> String {
    let name = path.file_stem().unwrap().to_str().unwrap();
    if name.ends_with("tests") || path == Path::new("src/generation/sandbox.rs") {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\n#[expect").next().unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = |line: &str| line.split("//").next().unwrap().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// The first module of each path that begins with `crate::`, also of those in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => found.extend(first_word(rest)),
            Some(list) => found.extend(items(list).iter().filter_map(|item| first_word(item))),
        }
    }
    found
}

/// The items of a list in braces, up to the brace that closes it.
fn items(list: &str) -> Vec<String> {
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            c if depth == 0 => items.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    items
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The module of `src/` that a file belongs to; none for `lib.rs` and `main.rs`.
fn module(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

/// Names of the packages that a package of the workspace links on this system, itself included.
fn linked(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = ["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"];
    let output = Command::new(cargo).args(tree).current_dir(repository()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let name = |line: &str| line.split(' ').next().unwrap().to_owned();
    String::from_utf8(output.stdout).unwrap().lines().map(name).collect()
}

#[test]
fn modules_import_what_stands_before_them() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["src"], "rs") {
        let Some(module) = module(&path) else { continue };
        let arrows = ARROWS.iter().find(|(name, _)| *name == module);
        let (_, allowed) = arrows.unwrap_or_else(|| panic!("say in ARROWS what `{module}` may import"));
        let foreign = imports(&shipped(&path, &text)).into_iter();
        let foreign = foreign.filter(|import| *import != module && !allowed.contains(&import.as_str()));
        wrong.extend(foreign.map(|import| format!("{} imports {import}", path.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn pure_modules_know_no_file_no_clock_and_no_environment() {
    let effects = ["std::fs", "std::env", "std::net", "std::process", "std::thread", "SystemTime", "Instant"];
    let mut wrong = Vec::new();
    for (path, text) in files(&["src"], "rs") {
        if !module(&path).is_some_and(|module| PURE.contains(&module.as_str())) {
            continue;
        }
        let code = shipped(&path, &text);
        let found = effects.iter().filter(|effect| code.contains(**effect));
        wrong.extend(found.map(|effect| format!("{} uses {effect}", path.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn nothing_becomes_live_past_the_running_host() {
    let calls = |(path, text): &(PathBuf, String)| shipped(path, text).contains(".make_live(");
    let calling: Vec<PathBuf> =
        files(&["src"], "rs").into_iter().filter(calls).map(|(path, _)| path).collect();
    assert_eq!(calling, [Path::new("src/apply/trial.rs")]);
}

#[test]
fn the_packages_of_the_workspace_link_the_contract_and_not_each_other() {
    let ours = |package: &str| {
        let linked = linked(package).into_iter();
        linked.filter(|name| name.starts_with("leah")).collect::<Vec<_>>()
    };
    assert_eq!(ours("leah-plugin"), ["leah-plugin"]);
    assert_eq!(ours("leah-http"), ["leah-http"]);
    assert_eq!(ours("leah-home"), ["leah-home", "leah-plugin"]);
    assert_eq!(ours("leah-socket"), ["leah-home", "leah-plugin", "leah-socket"]);
    assert_eq!(ours("leahpm"), ["leah-home", "leah-http", "leah-plugin", "leah-socket", "leahpm"]);
    assert_eq!(ours("leah-registry"), ["leah-http", "leah-plugin", "leah-registry"]);
    assert_eq!(ours("leah-host"), ["leah-home", "leah-host", "leah-http", "leah-plugin", "leah-socket"]);
}

#[test]
fn the_program_links_no_engine_and_one_way_to_the_network() {
    let linked = linked("leahpm");
    let banned: Vec<_> = BANNED.into_iter().filter(|name| linked.contains(*name)).collect();
    assert_eq!(banned, Vec::<&str>::new());
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent = files(&["src", "crates", "tests", "plugins"], "rs").into_iter();
    let silent: Vec<PathBuf> =
        silent.filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn nothing_is_left_to_be_done_later() {
    // Written in two parts, so that this file does not find itself.
    let words = [["to", "do!("], ["unimplemen", "ted!("], ["db", "g!("], ["FIX", "ME"], ["#[igno", "re"]]
        .map(|word| word.concat());
    let mut left = Vec::new();
    for (path, text) in files(&["src", "crates", "tests", "plugins"], "rs") {
        let found = words.iter().filter(|word| text.contains(word.as_str()));
        left.extend(found.map(|word| format!("{} has {word}", path.display())));
    }
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let long: Vec<String> = files(&["src", "crates"], "rs")
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
    let main = fs::read_to_string(repository().join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
}

#[test]
fn one_file_alone_prints() {
    let streams = ["stdout()", "stderr()", "print!(", "println!(", "eprint!(", "eprintln!("];
    let printing: Vec<String> = files(&["src"], "rs")
        .into_iter()
        .filter(|(path, text)| streams.iter().any(|stream| shipped(path, text).contains(stream)))
        .map(|(path, _)| path.display().to_string())
        .collect();
    // The one that asks gives the cursor back when Ctrl-C ends the process in the middle of a question.
    assert_eq!(printing, ["src/cli/prompt.rs", "src/cli/ui.rs"]);
}

#[test]
fn imports_are_found_wherever_they_stand() {
    let code = "use crate::{\n    a::{self, b},\n    c,\n};\nfn f() -> crate::d::E { crate::g() }";
    assert_eq!(imports(code).into_iter().collect::<Vec<_>>(), ["a", "c", "d", "g"]);
}
