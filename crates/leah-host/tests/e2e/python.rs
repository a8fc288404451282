//! docs/leah_client.py against a real host: as a command, and as a module in programs that a test writes.

use std::{path::Path, process::Command};

use crate::sandbox::{Sandbox, Served};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

fn python(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("LEAH_HOME", sandbox.home()).env("PYTHONPATH", DOCS).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// What the client prints as a command.
#[track_caller]
fn prints(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let script = Path::new(DOCS).join("leah_client.py");
    let output = python(sandbox, &[&[script.to_str().unwrap()], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a program that imports the client; it fails by an exception.
#[track_caller]
fn runs(sandbox: &Sandbox, program: &str) -> String {
    let output = python(sandbox, &["-c", program]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn served() -> (Sandbox, Served) {
    let sandbox = Sandbox::new();
    let host = sandbox.serve_with(&["--log-level", "debug"]);
    (sandbox, host)
}

#[test]
fn the_command_asks_for_all_that_there_is() {
    let (sandbox, _host) = served();
    assert!(prints(&sandbox, &["hello"]).starts_with(r#"{"protocol": 1, "host": "0.1.0", "api": "1.0.0""#));
    assert_eq!(prints(&sandbox, &["plugins"]), "[]\n");
    assert_eq!(prints(&sandbox, &["tools"]), "[]\n");
    let call = ["call", "on_chat_message", r#"{"content": "hi"}"#, "--deadline-ms", "5000"];
    assert_eq!(prints(&sandbox, &call), "{\"verdict\": \"pass\", \"by\": []}\n");
    assert_eq!(prints(&sandbox, &["call", "on_tool_call", r#"{"name": "translate"}"#]), "null\n");
    let log = prints(&sandbox, &["log", "--lines", "2", "--seconds", "0.01"]);
    assert_eq!(log, "debug host \"`leah_client.py 1` connected\"\n".repeat(2));
}

#[test]
fn the_command_tells_when_there_is_no_host() {
    let sandbox = Sandbox::new();
    let script = Path::new(DOCS).join("leah_client.py");
    let output = python(&sandbox, &[script.to_str().unwrap(), "hello"]).output().unwrap();
    let socket = sandbox.socket();
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("error: no host listens at `{}`\n", socket.display())
    );
}

#[test]
fn the_example_of_the_page_runs() {
    let (sandbox, _host) = served();
    let page = include_str!("../../../../docs/host-protocol.md");
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(runs(&sandbox, program), "");
    // Without handlers the hook is not called; called nevertheless, it passes.
    assert_eq!(
        runs(&sandbox, &program.replace("if host.has_handlers", "if not host.has_handlers")),
        "pass []\n"
    );
}

#[test]
fn requests_overlap_and_are_cancelled_and_faults_are_exceptions() {
    let (sandbox, _host) = served();
    runs(
        &sandbox,
        r#"
import leah_client as leah
with leah.Host.connect() as host:
    first, second = host.start("tools/list"), host.start("plugins/list")
    assert host.wait(second) == {"plugins": []}
    host.cancel(first)
    assert host.wait(first) == {"tools": []}
    def fault(method, params=None):
        try:
            host.call(method, params)
        except leah.Fault as fault:
            return fault.code
    digest = "0" * 64
    assert fault("rm") == leah.METHOD
    assert fault("prepare", {}) == leah.PARAMETERS
    assert fault("commit", {"generation": 3, "digest": digest}) == leah.NOT_PREPARED
    assert host.prepare(3, digest)["outcome"] == "refused"
    try:
        host.abort(3, digest)
        raise AssertionError("nothing was prepared")
    except leah.Fault as fault_:
        assert fault_.code == leah.NOT_PREPARED
    host.subscribe()
    assert list(host.notices(patience=0.0)) == []
    # A request that is given up leaves the connection in order.
    number = host.start("tools/list")
    try:
        host.wait(number, patience=0.0)
    except leah.Late:
        pass
    assert host.tools() == []
"#,
    );
}

#[test]
fn the_log_is_followed_by_one_while_another_talks() {
    let (sandbox, _host) = served();
    let told = runs(
        &sandbox,
        r#"
import leah_client as leah
with leah.Host.connect(client="listener 1") as listener:
    listener.tail_log(lines=1)
    with leah.Host.connect(client="ümlaut 1"):
        pass
    notices = listener.notices(patience=20)
    for _ in range(2):
        method, line = next(notices)
        print(method, line["level"], line["message"].encode())
"#,
    );
    assert_eq!(told, "log debug b'`listener 1` connected'\nlog debug b'`\\xc3\\xbcmlaut 1` connected'\n");
}

#[test]
fn the_client_uses_no_folder_that_others_may_enter() {
    let (sandbox, host) = served();
    let run = host.socket.parent().unwrap();
    std::fs::set_permissions(run, std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
    let told = runs(
        &sandbox,
        r#"
import leah_client as leah
try:
    leah.Host.connect()
except leah.Unsafe as error:
    print(error)
"#,
    );
    assert_eq!(told, format!("the folder of `{}` is not this user's alone\n", host.socket.display()));
}
