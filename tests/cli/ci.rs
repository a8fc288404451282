//! The recipes of docs/ci.md are run as they stand there, in a project of their own: by a shell, with `jq` reading what
//! leahpm prints, on a machine that has nothing, and at last on one that has no network.

use std::fmt::Write;

use leah_plugin::digest::Digest;
use leah_registry::serve::Server;
use serde_json::Value;

use crate::{
    fixture::{PackageSpec, TestRegistry},
    readme::{blocks, document},
    sandbox::{Output, Sandbox, is_missing},
};

/// What the guide has in blocks of this language, in order.
fn guide(language: &str) -> Vec<String> {
    let text = document("docs/ci.md").unwrap();
    blocks(&text, language).into_iter().map(str::to_owned).collect()
}

/// A project in a folder, and machines that work on it, each with a home and a cache of its own.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    fn new(wishes: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("project/plugins.yaml", wishes);
        sandbox.run_line("git -C project init --quiet --initial-branch main").ok();
        Self { sandbox }
    }

    /// Runs a script in the project.
    fn run(&self, machine: &str, script: &str) -> Output {
        self.under("", machine, script)
    }

    /// The same on a machine that has no network: nothing may ask for one.
    #[track_caller]
    fn run_without_network(&self, machine: &str, script: &str) -> Output {
        if is_missing("strace") {
            return self.run(machine, script);
        }
        let output = self.under("strace -f -qq --trace=connect,sendto,sendmsg -o ../calls", machine, script);
        let calls = String::from_utf8(self.sandbox.read("calls")).unwrap();
        assert!(!calls.contains("AF_INET"), "{calls}");
        output
    }

    fn under(&self, outer: &str, machine: &str, script: &str) -> Output {
        self.sandbox.write("script.sh", script);
        let folder = self.sandbox.path(machine);
        let places = format!("LEAH_HOME={0}/home LEAH_CACHE={0}/cache", folder.display());
        self.sandbox.run_line(&format!("cd project && {places} {outer} sh ../script.sh"))
    }

    /// The same of a script that makes a bundle, without what any other bundle would not have.
    fn run_bundling(&self, machine: &str, script: &str) -> String {
        let output = self.run(machine, script).to_string();
        let (bundle, told) = (self.sandbox.read("project/plugins.bundle"), self.json("bundle.json"));
        assert_eq!(told["sha256"], Digest::of(&bundle).to_string());
        assert_eq!(told["size"], bundle.len());
        let sha256 = told["sha256"].as_str().unwrap();
        output.replace(sha256, "[SHA256]").replace(&format!("{} bytes", bundle.len()), "[SIZE] bytes")
    }

    /// What a script wrote into a file of the project.
    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.sandbox.read(format!("project/{file}"))).unwrap()
    }

    /// Puts what is there into the history of the project.
    fn commit(&self, message: &str) {
        let git = "git -c user.name=Ada -c user.email=ada@example.org";
        self.run("yours", &format!("git add plugins.yaml leah.lock && {git} commit --quiet -m '{message}'"))
            .ok();
    }
}

/// The four scripts of the guide: on your machine, in CI, what a failure is, without a network.
fn scripts() -> [String; 4] {
    guide("sh").try_into().unwrap()
}

#[test]
fn the_shell_recipe_leads_from_a_wish_list_to_a_machine_without_a_network() {
    let [on_yours, in_ci, failing, offline] = scripts();
    let project = Project::new(&guide("yaml")[0]);
    insta::assert_snapshot!(project.run("yours", &on_yours), @"
    2> + hello-world 1.1.0 (bundled)
    2> + translator 1.1.0 (bundled)
    2> + registry bundled, root key RWRzqWippnsjtXaCVOcXmCaSdh7nff5i2gi8LvpmH09RybJbMwlp6gv9
    2> Wrote `leah.lock`: 2 plugins.
    exit 0
    ");
    insta::assert_snapshot!(project.run_bundling("ci", &in_ci), @"
    1> install hello-world 1.1.0
    1> install translator 1.1.0
    1> 2 packages are as they were signed
    1> plugins.bundle: [SIZE] bytes, sha256 [SHA256]
    exit 0
    ");
    // The second time there is nothing to do, and nothing to complain about.
    insta::assert_snapshot!(project.run_bundling("ci", &in_ci), @"
    1> 2 packages are as they were signed
    1> plugins.bundle: [SIZE] bytes, sha256 [SHA256]
    exit 0
    ");
    insta::assert_snapshot!(project.run("ci", &failing), @"exit 0");
    insta::assert_snapshot!(project.run_without_network("cellar", &offline), @"
    1> generation 1 is live
    exit 0
    ");
}

#[test]
fn the_recipe_works_with_a_registry_on_the_network_and_its_bundle_without_one() {
    let [on_yours, in_ci, _, offline] = scripts();
    let project = Project::new("format: 1\nplugins:\n  alpha: { range: ^1, grant: [use_model] }\n");
    let sandbox = &project.sandbox;
    let hub = TestRegistry::new(sandbox, "hub");
    hub.publish(&PackageSpec::new("alpha", "1.0.0").needs("beta", "^1").permission("use_model"));
    hub.publish_all(&[("beta", "1.0.0")]);
    let server = Server::start(hub.folder.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let (url, key) = (server.url(), hub.root_key().to_string());
    sandbox.redact(&url, "[URL]");
    project.run("yours", &format!("leahpm registry add hub {url} --key {key} --default")).ok();
    project.run("yours", &on_yours).ok();
    // The machine of the CI service knows no registry: the lock that was committed says it all.
    project.run("ci", &in_ci).ok();
    assert_eq!(project.json("verify.json")["packages"], 2);
    // Another lock of the same wishes has the same bytes.
    let lock = sandbox.read("project/leah.lock");
    project.run("ci", "rm leah.lock && leahpm lock --quiet").fails(5);
    project.run("yours", "leahpm lock --quiet").ok();
    assert_eq!(sandbox.read("project/leah.lock"), lock);
    drop(server);
    // A bundle does not vouch for itself.
    insta::assert_snapshot!(project.run_without_network("cellar", "leahpm sync --frozen plugins.bundle").fails(8), @"
    error: the lock brings registry `hub` at `[URL]`, and nobody agreed to its root key `[hub root key]` here
    hint: if you know that key to be the right one, run `leahpm sync --frozen plugins.bundle --key [hub root key]`
    ");
    let trusted = offline.replace("plugins.bundle", &format!("plugins.bundle --key {key}"));
    insta::assert_snapshot!(project.run_without_network("cellar", &trusted), @"
    1> generation 1 is live
    exit 0
    ");
    let verified = project.run_without_network("cellar", "leahpm verify && leahpm export | cmp - leah.lock");
    insta::assert_snapshot!(verified, @"
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
}

/// Changes the project in one way after the other, runs the script of the guide for CI, and what the guide says to do.
#[test]
fn what_goes_wrong_ends_with_the_code_of_the_guide_and_is_mended_as_it_says() {
    let [on_yours, in_ci, ..] = scripts();
    let wishes = &guide("yaml")[0];
    let project = Project::new(wishes);
    let sandbox = &project.sandbox;
    let mut said = String::new();
    let mut check = |what: &str| {
        let failed = project.run("ci", &in_ci);
        let error = &project.json("sync.json")["error"];
        assert_eq!(error["code"], failed.code, "{failed}");
        let (message, hint) = (&error["message"], &error["hint"]);
        assert!(failed.stderr.contains(message.as_str().unwrap()), "the log does not say why: {failed}");
        writeln!(said, "{what}: {}\n  {message}\n  {hint}", failed.code).unwrap();
        project.run("yours", &on_yours).ok();
        project.run("ci", &in_ci).ok();
    };
    check("the lock is missing");
    sandbox.write("project/plugins.yaml", wishes.replace("^1.0", "=1.1.0"));
    check("the wish list changed");
    let other = "grant: [read_messages, modify_messages]\n    deny: [network_access, use_model]";
    let decided = "grant: [read_messages, modify_messages, use_model]\n    deny: [network_access]";
    sandbox.write("project/plugins.yaml", wishes.replace(decided, other));
    check("a grant became a denial");
    sandbox.write("project/plugins.yaml", wishes.replace("deny: [network_access]", "deny: []"));
    insta::assert_snapshot!(project.run("yours", "leahpm lock").fails(8), @"
    error: the wish list says what `translator` may do, but nothing of:
      translator: network_access (send requests to what you enter for its setting `server`)
    hint: write each of them under `grant` or `deny` of its plugin in the wish list, then run `leahpm lock`
    ");
    insta::assert_snapshot!(said, @r#"
    the lock is missing: 5
      "there is no `leah.lock`"
      "`leahpm lock` makes it"
    the wish list changed: 3
      "`leah.lock` is not what `plugins.yaml` asks for:\n  `translator` is asked for as =1.1.0, the lock was made for ^1.0"
      "`leahpm lock` makes it anew"
    a grant became a denial: 3
      "`leah.lock` is not what `plugins.yaml` asks for:\n  `translator` is asked for as ^1.0, the lock was made for =1.1.0\n  `translator` is granted `use_model`, which the wish list denies"
      "`leahpm lock` makes it anew"
    "#);
}

#[test]
fn a_merge_that_left_conflict_markers_is_mended_as_the_guide_says() {
    let wishes = &guide("yaml")[0];
    let project = Project::new(wishes);
    let change = |to: &str| {
        project.sandbox.write("project/plugins.yaml", wishes.replace("^1.0", to));
        project.run("yours", "leahpm lock --quiet").ok();
        project.commit("Change the wish");
    };
    change("^1");
    project.run("yours", "git switch --quiet --create other").ok();
    change("^1.1");
    project.run("yours", "git switch --quiet main").ok();
    change("~1.1");
    let git = "git -c user.name=Ada -c user.email=ada@example.org";
    assert_eq!(project.run("yours", &format!("{git} merge --quiet other")).code, 1);
    project.sandbox.write("project/plugins.yaml", wishes);
    insta::assert_snapshot!(project.run("ci", "leahpm sync --locked").fails(13), @"
    error: cannot read `leah.lock`
    caused by: line 7, column 1: a merge left a conflict marker here
    hint: `git checkout --ours leah.lock` takes one side of it, and `leahpm lock` then makes it fit the wish list
    ");
    project.run("yours", "git checkout --ours leah.lock && leahpm lock && leahpm sync --locked").ok();
}

#[test]
fn the_steps_of_the_workflow_run_as_they_stand_there() {
    let workflow: Value = leah_plugin::yaml::from_slice(guide("yaml")[1].as_bytes()).unwrap();
    let job = &workflow["jobs"]["plugins"];
    let project = Project::new(&guide("yaml")[0]);
    project.run("yours", "leahpm lock").ok();
    let workspace = project.sandbox.path("project").display().to_string();
    let filled = |text: &Value| text.as_str().unwrap().replace("${{ github.workspace }}", &workspace);
    let mut script = String::from("set -e\n");
    for (name, value) in job["env"].as_object().unwrap() {
        writeln!(script, "export {name}='{}'", filled(value)).unwrap();
    }
    let steps = job["steps"].as_array().unwrap();
    for step in steps.iter().filter(|step| step["run"].as_str().is_some_and(|run| run.starts_with("leahpm ")))
    {
        // What is no secret here is empty, as it is there.
        let env = step["env"].as_object().into_iter().flatten();
        env.for_each(|(name, _)| writeln!(script, "export {name}=").unwrap());
        writeln!(script, "{}", filled(&step["run"])).unwrap();
    }
    insta::assert_snapshot!(project.run("unused", &script), @"
    2> + hello-world 1.1.0 (bundled)
    2> + translator 1.1.0 (bundled)
    2> Generation 1 is live.
    2> Everything is as `leah.lock` says; nothing changed.
    2> 2 packages checked; all files are as they were signed.
    exit 0
    ");
    let cached = steps.iter().find(|step| step["uses"] == "actions/cache@v4").unwrap();
    let path = project.sandbox.path("project").join(cached["with"]["path"].as_str().unwrap());
    assert_eq!(filled(&job["env"]["LEAH_CACHE"]), path.display().to_string());
    assert!(cached["with"]["key"].as_str().unwrap().contains("hashFiles('leah.lock')"));
}
