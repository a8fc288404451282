//! What somebody does who can write to a registry's server, holds one of its keys, or wrote a plugin. Each
//! test bears the name of the attack; each asserts the exit code, the sentence, and a home in which not one
//! file came, went or changed.

pub mod forge;
mod tar;

mod archives;
mod bombs;
mod bytes;
mod index;
mod manifests;
mod served;
mod signatures;
mod states;
mod texts;
mod unsolved;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    fixture::{PackageSpec, TestRegistry},
    sandbox::{Output, Sandbox, tree_of},
};

/// A home in which `keeper` of the registry `hub` is live; `hub` is the default registry.
pub struct Scene {
    pub sandbox: Sandbox,
    pub hub: TestRegistry,
}

impl Scene {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let hub = TestRegistry::new(&sandbox, "hub");
        hub.offer(&PackageSpec::new("keeper", "1.0.0"));
        hub.add_as_default(&sandbox);
        let scene = Self { sandbox, hub };
        scene.installs("keeper");
        scene
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.run(arguments)
    }

    /// Installs what must be taken: the attack of a test would otherwise fail for another reason.
    #[track_caller]
    pub fn installs(&self, plugin: &str) {
        self.run(&["install", plugin]).ok();
        self.sandbox.assert_no_leftovers();
    }

    /// The message of a command that must fail with `code`. Since `keeper` is live, the files of locks are
    /// there, so that no file at all may come, go or change: not in the store, not beside the live set.
    #[track_caller]
    pub fn refuses(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.sandbox.tree();
        let output = self.run(arguments);
        let error = output.fails(code);
        let changed = difference(&before, &self.sandbox.tree());
        assert!(changed.is_empty(), "{arguments:?} changed the home: {changed:#?}\n{error}");
        shown(error)
    }

    /// The message of a command that must fail with 7 because the registry contradicts itself: the one new file in
    /// the home is the evidence.
    #[track_caller]
    pub fn convicts(&self, arguments: &[&str]) -> String {
        let before = self.sandbox.tree();
        let output = self.run(arguments);
        let error = output.fails(7);
        let changed = difference(&before, &self.sandbox.tree());
        let new = |path: &String| path.starts_with("evidence: None") || path.starts_with("evidence/hub-");
        assert!(changed.iter().all(new) && !changed.is_empty(), "{arguments:?}: {changed:#?}\n{error}");
        shown(error)
    }

    /// Forgets what was seen of the registry, as a home that meets it for the first time.
    pub fn forget_what_was_seen(&self) {
        fs::remove_file(self.sandbox.layout().registry_state(&self.hub.origin)).unwrap();
    }

    /// The message of an install that must fail with `code`.
    #[track_caller]
    pub fn refuses_to_install(&self, code: i32, plugin: &str) -> String {
        self.refuses(code, &["install", plugin, "--grant", "all"])
    }

    /// Puts all files of a registry aside, to be served again later.
    pub fn copy_of(&self, registry: &TestRegistry) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        copy(&registry.folder, folder.path());
        Copy(folder)
    }
}

/// An earlier state of a registry's folder.
pub struct Copy(tempfile::TempDir);

impl Copy {
    /// Serves one file of the earlier state.
    pub fn put_back(&self, registry: &TestRegistry, file: &str) {
        registry.write(file, fs::read(self.0.path().join(file)).unwrap());
    }

    /// Serves the earlier state and nothing else.
    pub fn put_back_all(&self, registry: &TestRegistry) {
        fs::remove_dir_all(&registry.folder).unwrap();
        copy(self.0.path(), &registry.folder);
    }
}

/// What came, went or changed between two states of a folder.
pub fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    changed.map(|path| format!("{path}: {:?} -> {:?}", before.get(path), after.get(path))).collect()
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for file in tree_of(from).into_iter().filter(|(_, what)| what.starts_with("file")).map(|(file, _)| file) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}

/// A message without what differs from run to run: hashes, paths of objects, keys and their ids.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let found = WORDS.iter().find_map(|(word, length)| length(rest).map(|length| (*word, length)));
        let (word, length) = found.unwrap_or((&rest[..next.len_utf8()], next.len_utf8()));
        shown.push_str(word);
        rest = &rest[length..];
    }
    shown
}

/// A word, and how many bytes at the begin of a text it stands for, if any.
type Word = (&'static str, fn(&str) -> Option<usize>);

const WORDS: [Word; 5] = [
    ("objects/[sha256]", |text| {
        text.strip_prefix("objects/").and_then(|rest| run_of(&rest[3..], 64, is_lower)).map(|n| n + 11)
    }),
    ("[sha256]", |text| run_of(text, 64, is_lower)),
    ("[hex].yaml", |text| {
        run_of(text, 12, is_lower).filter(|_| text[12..].starts_with(".yaml")).map(|n| n + 5)
    }),
    ("[key]", |text| {
        run_of(text, 56, |c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
            .filter(|_| text.starts_with("RW"))
    }),
    ("[id]", |text| run_of(text, 16, |c| matches!(c, '0'..='9' | 'A'..='F'))),
];

fn is_lower(c: char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f')
}

/// The length if the text begins with exactly so many characters of a kind.
fn run_of(text: &str, length: usize, kind: fn(char) -> bool) -> Option<usize> {
    (text.chars().take_while(|c| kind(*c)).count() == length).then_some(length)
}

#[test]
fn hashes_and_keys_are_shown_as_words() {
    let (hash, key) = ("0a".repeat(32), format!("RW{}", "x/".repeat(27)));
    let text = format!("`{hash}`, `objects/0a/{hash}`, `{key}` 0123456789ABCDEF, 7");
    assert_eq!(shown(&text), "`[sha256]`, `objects/[sha256]`, `[key]` [id], 7");
}
