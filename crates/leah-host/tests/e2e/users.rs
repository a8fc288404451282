//! Other users of the same machine. These tests need the right to become one, which the administrator has; whoever else
//! runs them runs what is left.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use crate::sandbox::{Peer, Sandbox};

/// Users who need not exist.
const USER: u32 = 48_211;
const OTHER: u32 = 48_212;

/// Says hello as another user, in spite of what the folders' modes say to a well-behaved client, and prints what comes
/// back, if the connection was made.
const INTRUDER: &str = r#"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"jsonrpc":"2.0","id":0,"method":"hello","params":{"protocol":1,"client":"x"}}\n')
    print("heard", s.recv(1000))
except (BrokenPipeError, ConnectionResetError):
    print("heard", b"")
"#;

fn may_become_another() -> bool {
    rustix::process::geteuid().is_root()
}

fn intrude(user: u32, socket: &Path) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", INTRUDER]).arg(socket).env_clear().env("PATH", "/usr/bin:/bin");
    let output = command.current_dir("/").uid(user).gid(user).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// Opens the way to a socket as far as modes can.
fn open_all(socket: &Path) {
    fs::set_permissions(socket, Permissions::from_mode(0o777)).unwrap();
    for folder in socket.ancestors().skip(1).take(3) {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    }
}

#[test]
fn no_other_user_is_heard_at_any_mode_of_the_socket() {
    if !may_become_another() {
        return;
    }
    let sandbox = Sandbox::of_user(USER);
    let host = sandbox.serve();
    assert!(intrude(OTHER, &host.socket).contains("Permission denied"));
    open_all(&host.socket);
    for mode in [0o777, 0o666, 0o622, 0o002] {
        fs::set_permissions(&host.socket, Permissions::from_mode(mode)).unwrap();
        assert_eq!(intrude(OTHER, &host.socket), "heard b''\n", "{mode:o}");
    }
    // The administrator is another user too.
    assert!(Peer::new(&host.socket).is_at_its_end());
    fs::set_permissions(&host.socket, Permissions::from_mode(0o600)).unwrap();
    assert!(intrude(USER, &host.socket).contains(r#""result""#));
}

#[test]
fn a_client_does_not_talk_to_the_host_of_another_user() {
    if !may_become_another() {
        return;
    }
    let mut sandbox = Sandbox::of_user(USER);
    let host = sandbox.serve();
    assert!(sandbox.prints(&["status"]).contains("no generation"));
    for user in [None, Some(OTHER)] {
        sandbox.user = user;
        open_all(&host.socket);
        let said = sandbox.fails(1, &["status"]);
        assert!(said.contains(&format!("belongs to the user with the number {USER}, not to you")), "{said}");
        assert!(said.ends_with("hint: use LEAH as the user that it belongs to, without sudo\n"), "{said}");
    }
}

#[test]
fn a_client_does_not_talk_to_a_host_that_another_user_put_in_its_place() {
    if !may_become_another() {
        return;
    }
    // The folder is the user's own; who listens in it is not.
    let mut sandbox = Sandbox::new();
    let run = sandbox.home().join("run");
    fs::create_dir(&run).unwrap();
    let _listener = {
        fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
        std::os::unix::net::UnixListener::bind(sandbox.socket()).unwrap()
    };
    std::os::unix::fs::chown(&run, Some(USER), Some(USER)).unwrap();
    std::os::unix::fs::chown(sandbox.socket(), Some(USER), Some(USER)).unwrap();
    std::os::unix::fs::chown(sandbox.home(), Some(USER), Some(USER)).unwrap();
    fs::set_permissions(sandbox.home().parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
    sandbox.user = Some(USER);
    let said = sandbox.fails(1, &["status"]);
    assert!(
        said.contains("caused by: the other end belongs to the user with the number 0, not to you"),
        "{said}"
    );
}
