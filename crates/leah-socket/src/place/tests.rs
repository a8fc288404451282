//! Tests of where a socket may stand, and of what becomes of one that is left behind.

#![expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use super::*;
use crate::line::{Line, Wait};

const TIME: Duration = Duration::from_secs(20);

#[test]
fn two_ends_of_one_user_meet() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    assert!(connect(&path, TIME).unwrap().is_none());
    let listener = Listener::bind(&path).unwrap();
    let (mut reader, _writer) = connect(&path, TIME).unwrap().unwrap();
    let (_, writer) = listener.accept(TIME).unwrap();
    writer.send(b"hello\n").unwrap();
    assert_eq!(reader.next(Wait::Whole(TIME)).unwrap(), Line::Whole(b"hello\n"));
    drop(listener);
    assert!(!path.exists());
    assert!(connect(&path, TIME).unwrap().is_none());
}

#[test]
fn nobody_listens_on_a_socket_that_was_left_behind_and_the_next_one_replaces_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    fs::create_dir(home.path().join("run")).unwrap();
    fs::set_permissions(home.path().join("run"), Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    assert!(connect(&path, TIME).unwrap().is_none());
    let _listener = Listener::bind(&path).unwrap();
    assert!(connect(&path, TIME).unwrap().is_some());
}

#[test]
fn leaves_alone_what_is_no_socket() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    drop(Listener::bind(&path).unwrap());
    fs::write(&path, "kept").unwrap();
    let error = Listener::bind(&path).unwrap_err();
    assert!(matches!(error, SocketError::Place { source: PrivateError::NotASocket(_), .. }));
    assert!(error.hint().is_some());
    assert!(connect(&path, TIME).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn uses_no_folder_that_others_may_enter() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/s");
    let _listener = Listener::bind(&path).unwrap();
    fs::set_permissions(home.path().join("run"), Permissions::from_mode(0o711)).unwrap();
    let error = connect(&path, TIME).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot use `{}`", path.display()));
    assert_eq!(
        error.hint().unwrap(),
        format!("close it to others: `chmod 700 {}/run`", home.path().display())
    );
    assert!(Listener::bind(&path).is_err());
    // The socket of the one that listens is still there.
    assert!(path.exists());
}

#[test]
fn refuses_a_path_that_fits_no_address_and_takes_the_longest_that_does() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    let room = MAX_PATH_BYTES - folder.as_os_str().len() - 1;
    let _listener = Listener::bind(&folder.join("x".repeat(room))).unwrap();
    let long = folder.join("x".repeat(room + 1));
    let error = Listener::bind(&long).unwrap_err();
    assert!(matches!(&error, SocketError::TooLong(_)));
    assert!(error.hint().unwrap().contains("LEAH_HOME"));
    // Nobody can listen there.
    assert!(connect(&long, TIME).unwrap().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn gives_up_a_host_that_takes_no_more_connections() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let socket =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let time = Duration::from_millis(20);
    let _first = dial(&path, time).unwrap();
    assert_eq!(dial(&path, time).unwrap_err().kind(), io::ErrorKind::TimedOut);
}
