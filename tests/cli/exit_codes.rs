//! Each exit code with a run of the real program that ends with it, and that docs/exit-codes.md, the man page and
//! the program tell of the same ones.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use leah_plugin::message::{Call, FaultCode};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    fixture::{PackageSpec, TestRegistry, hub},
    host::fake::{self, Answer},
    http,
    locking::{held, wait_for_line},
    sandbox::Sandbox,
};

/// The codes and when the program ends with each, as the man page says it.
pub const EXIT_STATUS: [(&str, &str); 15] = [
    ("0", "All was done, or there was nothing to do."),
    ("1", "Something unexpected, or an error of the operating system."),
    ("2", "The command line makes no sense."),
    (
        "3",
        "A check failed: files are not as they were signed, the installation is not as a lock says, or a lock is stale.",
    ),
    ("4", "A server demands a token, or a better one."),
    ("5", "There is nothing of that name, or no set of versions fits."),
    (
        "6",
        "A server could not be reached or did not answer as it should, or what is needed is missing offline.",
    ),
    ("7", "A signature, a hash or a pinned key does not fit."),
    ("8", "A person has to agree first, to a permission or to a key."),
    ("9", "It is refused as a rule, such as to forget a registry that plugins are installed from."),
    ("10", "The plugin is for another version of the plugin API or of leah-host."),
    ("11", "The running host refused the change or could not be asked; nothing was changed."),
    ("12", "Another leahpm is changing the same home, for longer than --lock-wait."),
    ("13", "A package, a manifest, a lock or a setting is not valid."),
    ("130", "The user pressed Ctrl-C."),
];

/// Bare names come from `hub`, with `alpha` installed and `mail`, which asks for a permission.
fn with_alpha() -> (Sandbox, TestRegistry) {
    let (sandbox, hub) = hub();
    hub.publish_all(&[("alpha", "1.0.0")])
        .publish(&PackageSpec::new("mail", "1.0.0").permission("use_model"));
    sandbox.run(&["install", "alpha"]).ok();
    (sandbox, hub)
}

#[track_caller]
fn check(sandbox: &Sandbox, arguments: &[&str], code: i32) {
    let output = sandbox.run(arguments);
    assert_eq!(output.code, code, "{arguments:?}: {output}");
    let object = sandbox.run(&[arguments, &["--json"]].concat()).json();
    let told = if code == 0 { &object["schema"] } else { &object["error"]["code"] };
    assert_eq!(*told, if code == 0 { 1 } else { code }, "{arguments:?}: {object}");
}

#[test]
fn ends_with_0_where_all_was_done_or_there_was_nothing_to_do() {
    let (sandbox, _hub) = with_alpha();
    check(&sandbox, &["install", "alpha"], 0);
    check(&sandbox, &["uninstall", "alpha"], 0);
}

#[test]
fn ends_with_1_where_the_system_lets_no_file_be_written_and_keeps_the_old_set() {
    let (sandbox, hub) = with_alpha();
    hub.publish_all(&[("beta", "1.0.0")]);
    let line = "trap '' XFSZ; ulimit -f 0; leahpm install beta";
    let output = sandbox.run_line(line);
    assert_eq!(output.code, 1, "{output}");
    let object = sandbox.run_line(&format!("{line} --json")).json();
    assert_eq!(object["error"]["code"], 1, "{object}");
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn ends_with_2_where_the_line_makes_no_sense() {
    check(&Sandbox::new(), &["install", "alpha", "--nope"], 2);
}

#[test]
fn ends_with_3_where_a_part_of_the_installation_is_gone() {
    let (sandbox, _hub) = with_alpha();
    fs::remove_file(sandbox.layout().plugins().join("alpha")).unwrap();
    check(&sandbox, &["verify"], 3);
}

#[test]
fn ends_with_3_where_the_installation_is_not_as_a_lock_says() {
    let (sandbox, _hub) = with_alpha();
    sandbox.run(&["export", "--output", "leah.lock"]).ok();
    check(&sandbox, &["sync", "--check"], 0);
    sandbox.run(&["uninstall", "alpha"]).ok();
    check(&sandbox, &["sync", "--check"], 3);
}

#[test]
fn ends_with_4_where_a_server_demands_a_token() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // It ends with the process: a question that nobody asks any more is not waited for.
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut question = [0; 4096];
            // Whoever goes away before the answer did not want it.
            if connection.read(&mut question).is_ok() {
                drop(connection.write_all(
                    b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                ));
            }
        }
    });
    check(&sandbox, &["registry", "add", "hub", &url], 4);
}

#[test]
fn ends_with_5_where_there_is_no_such_plugin() {
    let (sandbox, _hub) = with_alpha();
    check(&sandbox, &["install", "nope"], 5);
    check(&sandbox, &["info", "alpha@^9"], 5);
}

#[test]
fn ends_with_6_where_what_is_needed_is_missing_offline() {
    let (sandbox, hub, server) = http::served();
    http::add(&sandbox, &hub, &server.url());
    check(&sandbox, &["install", "alpha", "--offline"], 6);
}

#[test]
fn ends_with_7_where_a_registry_has_another_key_than_it_should() {
    let sandbox = Sandbox::new();
    let (hub, other) = (TestRegistry::new(&sandbox, "hub"), TestRegistry::new(&sandbox, "other"));
    let (folder, key) = (hub.folder.display().to_string(), other.root_key().to_string());
    check(&sandbox, &["registry", "add", "hub", &folder, "--key", &key], 7);
}

#[test]
fn ends_with_8_where_a_person_has_to_agree() {
    let (sandbox, _hub) = with_alpha();
    check(&sandbox, &["install", "mail", "--yes"], 8);
}

#[test]
fn ends_with_9_where_a_rule_forbids_it() {
    let (sandbox, _hub) = with_alpha();
    check(&sandbox, &["registry", "remove", "hub"], 9);
}

#[test]
fn ends_with_10_where_a_plugin_is_for_another_host() {
    let (sandbox, hub) = with_alpha();
    hub.publish(&PackageSpec::new("future", "1.0.0").host(">=9"));
    check(&sandbox, &["install", "future"], 10);
}

#[test]
fn ends_with_11_where_the_running_host_refuses() {
    let (sandbox, hub) = with_alpha();
    hub.publish_all(&[("beta", "1.0.0")]);
    let _host = fake::host(&sandbox, |_, call| match call {
        Call::Prepare(_) => Some(Answer::Fault(FaultCode::Internal)),
        _ => None,
    });
    check(&sandbox, &["install", "beta"], 11);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn ends_with_12_where_another_leahpm_is_at_work() {
    let (sandbox, _hub, _lock) = held();
    check(&sandbox, &["install", "beta", "--lock-wait", "0"], 12);
}

#[test]
fn ends_with_13_where_a_package_is_not_valid() {
    let sandbox = Sandbox::new();
    sandbox.write("source/plugin.yaml", "name: No Name\n");
    check(&sandbox, &["check", "source"], 13);
}

#[test]
fn ends_with_130_where_ctrl_c_is_pressed_and_keeps_the_old_set() {
    let (sandbox, _hub, _lock) = held();
    let mut child = sandbox.spawn(&["install", "beta"]);
    wait_for_line(&mut child, "Waiting for another leahpm");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(sandbox.wait(child).code, 130);
    assert_eq!(sandbox.live_line(), "alpha 1.0.0");
}

#[test]
fn every_exit_code_of_the_man_page_is_one_that_can_happen() {
    // A code that is never reused must not be told of before it is used: those in `failure.rs` are all there are.
    let source = include_str!("../../src/cli/failure.rs");
    let codes = source.lines().filter_map(|line| {
        let (kind, code) = line.trim().split_once(" => ")?;
        kind.starts_with("Self::").then(|| code.trim_end_matches(',').to_owned())
    });
    let told = EXIT_STATUS.iter().map(|(code, _)| (*code).to_owned()).filter(|code| code != "0");
    assert_eq!(codes.collect::<Vec<_>>(), told.collect::<Vec<_>>());
}

#[test]
fn the_document_tells_of_the_same_codes_and_of_a_test_for_each() {
    let document =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).unwrap();
    let rows = document.lines().filter_map(|line| {
        let (code, when) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        code.parse::<u8>().is_ok().then_some((code, when))
    });
    assert_eq!(rows.collect::<Vec<_>>(), EXIT_STATUS);
    let source = include_str!("exit_codes.rs");
    let mut sections = document.split("\n## ").skip(1);
    for (code, _) in EXIT_STATUS {
        let section = sections.next().unwrap_or_else(|| panic!("no section for {code}"));
        assert_eq!(section.lines().next(), Some(code));
        let tests: Vec<&str> = section.split('`').filter(|word| word.starts_with("ends_with_")).collect();
        assert!(!tests.is_empty(), "no test for {code}");
        for test in tests {
            assert!(test.starts_with(&format!("ends_with_{code}_")), "{code}: {test}");
            assert!(source.contains(&format!("fn {test}()")), "{code}: there is no test {test}");
        }
    }
    assert_eq!(sections.next(), None);
}
