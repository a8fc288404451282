//! Every command with `--json`, once where it does its work and once where it cannot: one object on standard output and
//! nothing else, as docs/json says. That the fields are right is for the tests of each command.

use std::{collections::BTreeSet, fs::File};

use leah_plugin::message::{Call, Done};
use leah_registry::serve::Server;

use crate::{
    fixture::{PackageSpec, TestRegistry},
    host::fake::{self, FakeHost, result},
    http,
    sandbox::{Output, Sandbox, is_missing},
    schemas::{self, schema_of},
};

/// The words of a command, arguments with which it does its work where everything above it was done, and arguments
/// with which it ends with this exit code.
type Run = (&'static str, &'static str, &'static str, i32);

/// In this order in one home. `taken` is a file where a folder should be.
const RUNS: [Run; RUN_COUNT] = [
    ("registry add", "hub URL --default", "other nowhere", 5),
    ("registry list", "", "--home taken", 1),
    ("registry login", "hub", "nope", 5),
    ("registry logout", "hub", "hub --home taken", 1),
    ("search", "", "--registry nope", 5),
    ("install", "alpha mail --grant all", "picky", 8),
    ("info", "alpha", "nope", 5),
    ("list", "", "--home taken", 1),
    ("tree", "", "nope", 5),
    ("why", "beta", "nope", 5),
    ("outdated", "", "--home taken", 1),
    ("config list", "mail", "nope", 5),
    ("config set", "mail place here", "nope place here", 5),
    ("config get", "mail place", "mail nope", 5),
    ("config unset", "mail place", "mail nope", 5),
    ("permissions list", "", "nope", 5),
    ("permissions revoke", "mail use_model", "mail read_files", 5),
    ("permissions grant", "mail use_model", "nope use_model", 5),
    ("disable", "mail", "beta", 5),
    ("enable", "mail", "nope", 5),
    ("hold", "alpha", "nope", 5),
    ("unhold", "alpha", "nope", 5),
    ("update", "", "nope", 5),
    ("uninstall", "mail", "beta", 5),
    ("history", "", "--home taken", 1),
    ("diff", "", "99", 5),
    ("rollback", "", "99", 5),
    ("verify", "", "--home taken", 1),
    ("gc", "", "--home taken", 1),
    ("export", "--output exported.lock", "--home empty", 5),
    ("lock", "", "nope.yaml", 5),
    ("sync", "", "nope.lock", 5),
    ("bundle", "--output set.bundle", "--output other.bundle nope.lock", 5),
    ("host status", "", "--home taken", 11),
    ("host reload", "", "--home taken", 1),
    ("host logs", "", "--home empty", 5),
    ("key generate", "new.key --without-password", "new.key --without-password", 2),
    ("check", "source", "nope", 5),
    ("pack", "source", "nope", 5),
    ("sign", "alpha-1.0.0.tar.gz --key new.key --for hub", "nope.tar.gz --key new.key --for hub", 5),
    ("cache info", "", "--cache taken", 1),
    ("cache clean", "", "--cache taken", 1),
    ("registry remove", "spare", "hub", 9),
    ("completions", "bash", "tcsh", 2),
];

const RUN_COUNT: usize = 44;

struct Scene {
    // First to go, since it ends by a call on the socket in the sandbox.
    _host: FakeHost,
    server: Server,
    sandbox: Sandbox,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, hub, server) = http::served();
        let mail = PackageSpec::new("mail", "1.0.0").permission("use_model");
        let setting = "config:\n  place: { type: string, description: A place }\n";
        hub.publish(&mail.manifest(setting));
        hub.publish(&PackageSpec::new("picky", "1.0.0").permission("use_model"));
        http::add(&sandbox, &hub, &server.url());
        TestRegistry::new(&sandbox, "spare").add(&sandbox);
        for (path, bytes) in PackageSpec::new("alpha", "1.0.0").source() {
            sandbox.write(format!("source/{path}"), bytes);
        }
        sandbox.write("token", "a-token");
        sandbox.write("taken", "");
        sandbox.write("plugins.yaml", "format: 1\nplugins:\n  alpha: \"*\"\n");
        let host = fake::host(&sandbox, |id, call| match call {
            Call::LogTail(_) => Some(result(id, &Done {})),
            _ => None,
        });
        Self { _host: host, server, sandbox }
    }

    #[track_caller]
    fn run(&self, words: &str, arguments: &str) -> Output {
        let line = format!("{words} --json {}", arguments.replace("URL", &self.server.url()));
        let mut command = self.sandbox.command(&line.split_whitespace().collect::<Vec<_>>());
        let token = File::open(self.sandbox.path("token")).unwrap();
        let output = self.sandbox.finish(command.stdin(token));
        assert_eq!(output.stdout.lines().count(), 1, "{line}: {output}");
        output
    }
}

#[test]
fn every_command_prints_one_object_that_its_schema_describes_whether_it_succeeds_or_fails() {
    let scene = Scene::new();
    for (words, arguments, _, _) in RUNS {
        let output = scene.run(words, arguments).ok();
        assert_eq!(schema_of(&output.json()), Some(words.replace(' ', "-")), "{words}: {output}");
    }
    let seen: BTreeSet<String> = RUNS.iter().map(|(words, ..)| words.replace(' ', "-")).collect();
    assert_eq!(seen, schemas::commands());
    // Later, so that a failure has no part in what the others see.
    let mut others = Vec::new();
    for (words, _, arguments, code) in RUNS {
        let output = scene.run(words, arguments);
        assert_eq!(schema_of(&output.json()).as_deref(), Some("error"), "{words}: {output}");
        assert_eq!(output.json()["error"]["code"], output.code, "{words}: {output}");
        others.extend((output.code != code).then(|| format!("{words} {arguments}: {output}")));
    }
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn the_questions_of_the_document_are_answered() {
    if is_missing("jq") {
        return;
    }
    let scene = Scene::new();
    scene.run("install", "alpha").ok();
    let document = include_str!("../../docs/json/README.md");
    let questions = document.lines().filter(|line| line.starts_with("leahpm ") && line.contains("| jq"));
    let answers =
        questions.map(|line| scene.sandbox.run_line(line).ok().stdout.trim_end().replace('\n', ", "));
    insta::assert_snapshot!(answers.collect::<Vec<_>>().join("\n"), @"
    alpha 1.0.0, beta 1.0.0
    alpha

    true
    1
    0
    alpha, beta
    mail:use_model
    true
    ");
}
