//! `leahpm export`: the live lock, byte for byte.

use std::path::Path;

use leah_plugin::{lock::Lock, yaml};
use serde_json::Value;

use crate::{
    fixture::{PackageSpec, hub},
    sandbox::{Sandbox, names_in},
};

fn installed() -> Sandbox {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    sandbox.run(&["install", "mail", "--grant", "all"]).ok();
    sandbox
}

/// A file as the sandbox shows it.
fn shown(sandbox: &Sandbox, path: impl AsRef<Path>) -> String {
    sandbox.redacted(&String::from_utf8(sandbox.read(path)).unwrap())
}

/// The lock of the live generation as it is on disk.
fn live_lock(sandbox: &Sandbox) -> String {
    shown(sandbox, sandbox.layout().plugins().join("leah.lock"))
}

#[test]
fn prints_the_live_lock_and_nothing_else() {
    let sandbox = installed();
    let output = sandbox.run(&["export"]).ok();
    assert_eq!((output.stdout, output.stderr.as_str()), (live_lock(&sandbox), ""));
}

#[test]
fn writes_a_file_in_one_step_over_what_stands_there() {
    let sandbox = installed();
    sandbox.write(
        "project/leah.lock",
        [&sandbox.read("home/plugins/leah.lock")[..], b"# another one\n"].concat(),
    );
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "project/leah.lock"]), @"
    2> Wrote the lock to `project/leah.lock`.
    exit 0
    ");
    assert_eq!(shown(&sandbox, "project/leah.lock"), live_lock(&sandbox));
    assert_eq!(names_in(&sandbox.path("project")), ["leah.lock"]);
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "other.lock", "--dry-run"]), @"
    2> Would write the lock to `other.lock`.
    exit 0
    ");
    assert!(!sandbox.path("other.lock").exists());
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "no/such/leah.lock"]), @"
    2> error: cannot find `no/such`
    2> caused by: No such file or directory (os error 2)
    exit 5
    ");
}

#[test]
fn a_script_gets_the_lock_as_an_object() {
    let sandbox = installed();
    let json = sandbox.run(&["export", "--json"]).ok().json();
    assert_eq!(
        (&json["command"], &json["generation"], &json["file"]),
        (&"export".into(), &1.into(), &Value::Null)
    );
    let lock: Value = yaml::from_slice(&sandbox.read(sandbox.layout().plugins().join("leah.lock"))).unwrap();
    let lock: Value = serde_json::from_str(&sandbox.redacted(&lock.to_string())).unwrap();
    assert_eq!((&json["lock"], &lock["plugins"]["mail"]["granted"][0]), (&lock, &"use_model".into()));
    let written = sandbox.run(&["export", "--json", "-o", "leah.lock"]).ok().json();
    assert_eq!(written["file"], "leah.lock");
    assert_eq!(shown(&sandbox, "leah.lock"), live_lock(&sandbox));
}

#[test]
fn has_nothing_to_print_where_nothing_was_installed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["export"]), @"
    2> error: nothing was ever installed here
    2> hint: `leahpm search` shows what there is to install
    exit 5
    ");
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "leah.lock", "--json"]), @r#"
    1> {"error":{"causes":[],"code":5,"details":{},"hint":"`leahpm search` shows what there is to install","hints":["`leahpm search` shows what there is to install"],"message":"nothing was ever installed here"},"schema":1}
    exit 5
    "#);
    assert!(!sandbox.path("leah.lock").exists() && !sandbox.home().exists());
}

#[test]
fn a_set_without_plugins_is_a_set_too() {
    let sandbox = installed();
    sandbox.run(&["uninstall", "mail"]).ok();
    insta::assert_snapshot!(sandbox.run(&["export"]), @r#"
    1> format: 1
    1> requested: {}
    1> plugins: {}
    1> registries: {}
    1> resolved_for:
    1>   api: "1.0.0"
    1>   host: "0.1.0"
    exit 0
    "#);
}

#[test]
fn a_project_can_begin_with_what_is_installed() {
    let (sandbox, hub) = hub();
    hub.publish(&PackageSpec::new("mail", "1.0.0").permission("use_model").permission("read_messages"));
    hub.publish(&PackageSpec::new("notes", "1.2.0").needs("mail", "^1"));
    sandbox.run(&["install", "notes@^1.2", "mail", "--grant", "use_model", "--deny", "read_messages"]).ok();
    insta::assert_snapshot!(sandbox.run(&["export", "--wishes"]), @r#"
    1> format: 1
    1> plugins:
    1>   mail:
    1>     range: "*"
    1>     registry: hub
    1>     grant:
    1>     - use_model
    1>     deny:
    1>     - read_messages
    1>   notes:
    1>     range: ^1.2
    1>     registry: hub
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["export", "--wishes", "--json"]), @r#"
    1> {"command":"export","dry_run":false,"file":null,"generation":1,"schema":1,"wishes":{"format":1,"plugins":{"mail":{"deny":["read_messages"],"grant":["use_model"],"range":"*","registry":"hub"},"notes":{"range":"^1.2","registry":"hub"}}}}
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["export", "--wishes", "-o", "plugins.yaml"]), @"
    2> Wrote the wishes to `plugins.yaml`.
    exit 0
    ");
    sandbox.run(&["lock"]).ok();
    let lock = Lock::read(&sandbox.read("leah.lock")).unwrap();
    assert_eq!(lock.plugins, sandbox.lock().plugins);
}

#[test]
fn puts_no_file_in_the_place_of_a_device_a_pipe_a_folder_or_a_link() {
    let sandbox = installed();
    let places = sandbox.path("places");
    std::fs::create_dir_all(places.join("folder")).unwrap();
    std::os::unix::fs::symlink("/dev/null", places.join("link")).unwrap();
    sandbox.run_line("mkfifo places/pipe").ok();
    let kinds = || {
        ["folder", "link", "pipe"]
            .map(|name| std::fs::symlink_metadata(places.join(name)).unwrap().file_type())
    };
    let before = kinds();
    for place in ["places/folder", "places/link", "places/pipe"] {
        let refused = sandbox.run(&["export", "-o", place]);
        assert!(refused.fails(9).contains("there is something else than a file at"), "{refused}");
    }
    assert_eq!((kinds(), names_in(&places).len()), (before, 3));
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "places/link"]), @"
    2> error: there is something else than a file at `places/link`
    2> hint: without `-o` the text goes to standard output
    exit 9
    ");
}

#[test]
fn replaces_a_lock_and_nothing_that_people_wrote() {
    let sandbox = installed();
    sandbox.write("notes.txt", "what I must not forget\n");
    insta::assert_snapshot!(sandbox.run(&["export", "-o", "notes.txt"]), @"
    2> error: `notes.txt` is there already, and it is no lock
    2> hint: `leahpm export > FILE` writes it to a file that you choose
    exit 9
    ");
    sandbox.write("plugins.yaml", "format: 1 # by hand\nplugins: {}\n");
    insta::assert_snapshot!(sandbox.run(&["export", "--wishes", "-o", "plugins.yaml"]), @"
    2> error: `plugins.yaml` is there already, and somebody may have written it
    2> hint: `leahpm export --wishes > FILE` writes it to a file that you choose
    exit 9
    ");
    assert_eq!(sandbox.read("plugins.yaml"), b"format: 1 # by hand\nplugins: {}\n");
    sandbox.run(&["export", "--wishes", "-o", "new.yaml"]).ok();
    sandbox.run(&["export", "--wishes", "-o", "new.yaml"]).ok();
}
