//! Death in the middle of a change. The work is done by three scripts that also run on their own, over every point;
//! here they run over a sample, against registries of this test. `docs/reliability.md` holds the figures.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use crate::{fixture::TestRegistry, host::daemon, plugins, sandbox::Sandbox};

/// How many points are tried by each script; more with this variable set.
const POINTS: &str = "LEAHPM_CRASH_POINTS";

/// The registries that the scripts ask for: `hub` before and after new versions came out, and `other`.
fn registries(sandbox: &Sandbox) {
    // Plugins that do something, since one of the scripts runs them.
    let plugin = |name: &str, version: &str| {
        let word = format!("config:\n  word: {{ type: string, default: {name} {version} }}\n");
        plugins::package("good", name, version)
            .permission("read_messages")
            .permission("modify_messages")
            .permission("modify_responses")
            .manifest(&word)
            .file("docs/deep/guide.md", version)
    };
    let hub = TestRegistry::at(sandbox, "hub", "registries/hub-after");
    hub.publish(&plugin("alpha", "1.0.0"))
        .publish(&plugin("beta", "1.0.0").needs("alpha", "^1"))
        .publish(&plugin("gamma", "1.0.0"));
    copy(&hub.folder, &sandbox.path("registries/hub-before"));
    hub.publish(&plugin("alpha", "1.1.0"))
        .publish(&plugin("gamma", "1.1.0"))
        .publish(&plugin("delta", "1.0.0").needs("gamma", "^1"));
    let other = TestRegistry::at(sandbox, "other", "registries/other");
    other.publish(&plugin("zeta", "1.0.0"));
    let keys = json!({ "hub": hub.root_key().to_string(), "other": other.root_key().to_string() });
    sandbox.write("registries/keys.json", keys.to_string());
}

/// Runs a script over a sample of `points`; it says itself why it cannot run here, where it cannot.
#[track_caller]
fn check(script: &str, points: u32, arguments: &[&str]) {
    let sandbox = Sandbox::new();
    registries(&sandbox);
    let points = std::env::var(POINTS).unwrap_or_else(|_| points.to_string());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts").join(script);
    let run = Command::new("python3")
        .arg(&path)
        .args(["--points", &points, "--leahpm", env!("CARGO_BIN_EXE_leahpm"), "--registries"])
        .arg(sandbox.path("registries"))
        .args(arguments)
        .output();
    match run {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            println!("{said}");
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        }
        // A machine with Rust alone can run the tests; the gate, which sets CI, must have what they need.
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "the gate needs python3: {error}");
            println!("not run: there is no python3: {error}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_kill_or_an_error_of_the_disk_at_any_call_leaves_the_old_set_or_the_new() {
    check("kill.py", 100, &[]);
}

#[test]
fn a_kill_while_a_server_is_asked_and_the_cache_is_written_leaves_the_old_set_or_the_new() {
    check("kill.py", 40, &["--only", "install-from-web"]);
}

#[test]
fn a_power_cut_at_any_call_leaves_the_old_set_or_the_new() {
    check("power-cut.py", 20, &[]);
}

#[test]
fn a_power_cut_does_damage_when_nothing_is_synced() {
    check("power-cut.py", 10, &["--unsynced"]);
}

#[test]
fn a_kill_of_leahpm_or_of_the_host_at_any_call_of_a_deploy_leaves_a_host_that_runs_what_is_live() {
    check("kill-host.py", 24, &["--host", daemon::program().to_str().unwrap()]);
}
