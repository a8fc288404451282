//! `serve`, `status` and `call`, from the first start to the last signal.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    sync::mpsc::channel,
    thread,
    time::Instant,
};

use leah_plugin::layout::Layout;
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Peer, Sandbox, TIME};

#[test]
fn a_host_tells_where_it_listens_and_ends_well_by_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let sandbox = Sandbox::new();
        let host = sandbox.serve();
        let mut idle = host.greeted();
        let socket = host.socket.clone();
        assert!(socket.exists());
        host.signal(signal);
        let (code, told) = host.ended();
        assert_eq!(code, Some(0), "{told}");
        let (home, at) = (sandbox.home(), socket.display());
        assert_eq!(told, format!("Serving `{}` at `{at}`: no plugins are installed\n", home.display()));
        assert!(!socket.exists());
        assert!(idle.is_at_its_end());
    }
}

#[test]
fn a_host_that_is_still_loading_ends_by_a_signal_too() {
    let sandbox = Sandbox::new();
    let home = Layout::new(sandbox.home());
    fs::create_dir_all(home.generation(1)).unwrap();
    std::os::unix::fs::symlink(Layout::plugins_target(1), home.plugins()).unwrap();
    // Whoever reads this generation waits until it is let go.
    let held = fs::File::create(home.record(1)).unwrap();
    held.lock().unwrap();
    let mut host = sandbox.command(&["serve"]).spawn().unwrap();
    let began = Instant::now();
    while !home.host_lock().exists() {
        assert!(began.elapsed() < TIME);
        thread::yield_now();
    }
    kill_process(Pid::from_child(&host), Signal::TERM).unwrap();
    let (ended, end) = channel();
    let waiting = thread::spawn(move || ended.send(host.wait().unwrap().code()).unwrap());
    let code = end.recv_timeout(TIME);
    drop(held);
    assert_eq!(code, Ok(Some(0)));
    waiting.join().unwrap();
}

#[test]
fn status_shows_who_runs_to_people_and_to_programs() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    let socket = host.socket.display();
    assert_eq!(
        sandbox.prints(&["status"]),
        format!("leah-host 0.1.0, plugin API 1.0.0, no generation, at {socket}\nNo plugins are loaded.\n")
    );
    let status: serde_json::Value = serde_json::from_str(&sandbox.prints(&["status", "--json"])).unwrap();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["generation"], serde_json::Value::Null);
    assert_eq!(status["plugins"], serde_json::json!([]));
    assert_eq!(status["socket"], host.socket.to_str().unwrap());
}

#[test]
fn without_a_host_there_is_nobody_to_ask() {
    let sandbox = Sandbox::new();
    let expect = "error: no host serves `[folder]/home`\nhint: start one: `leah-host serve`\n";
    assert_eq!(sandbox.fails(5, &["status"]), expect);
    assert_eq!(sandbox.fails(5, &["call", "on_chat_message", r#"{"content":"hi"}"#]), expect);
    fs::remove_dir(sandbox.home()).unwrap();
    assert_eq!(sandbox.fails(5, &["status"]), expect);
    assert!(!sandbox.home().exists());
}

#[test]
fn a_call_prints_what_comes_of_it() {
    let sandbox = Sandbox::new();
    let _host = sandbox.serve();
    for (hook, json) in [
        ("on_chat_message", r#"{"content":"hi"}"#),
        ("on_before_response", r#"{"content":"ho","prompt":"hi"}"#),
        ("on_after_response", r#"{"content":"ho","meta":{"a":"b"}}"#),
    ] {
        assert_eq!(sandbox.prints(&["call", hook, json]), "{\"verdict\":\"pass\",\"by\":[]}\n");
    }
    assert_eq!(
        sandbox.fails(5, &["call", "on_tool_call", r#"{"name":"translate"}"#]),
        "error: no plugin knows the tool `translate`\n\
         hint: `leah-host status --json` lists the tools of each plugin\n"
    );
    assert_eq!(
        sandbox.fails(13, &["call", "on_chat_message", r#"{"text":"hi"}"#]),
        "error: the JSON is not what `on_chat_message` is shown\n\
         caused by: missing field `content` at line 1 column 13\n\
         hint: `leah-host call --help` shows examples\n"
    );
}

#[test]
fn one_host_serves_a_home_and_a_second_one_leaves_it_alone() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    assert_eq!(
        sandbox.fails(12, &["serve"]),
        "error: another host serves `[folder]/home` already\n\
         hint: one host serves a home: `leah-host status` shows what it runs\n"
    );
    host.still_answers();
}

#[test]
fn a_killed_host_is_followed_by_another_at_the_same_place() {
    let sandbox = Sandbox::new();
    let host = sandbox.serve();
    host.signal(Signal::KILL);
    assert_eq!(host.ended().0, None);
    assert!(sandbox.socket().exists());
    assert!(sandbox.fails(5, &["status"]).starts_with("error: no host serves"));
    sandbox.serve().still_answers();
}

#[test]
fn a_host_does_not_start_with_a_mistake_in_its_file() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join("host.yaml"), "limits:\n  memroy: 1 MiB\n").unwrap();
    assert_eq!(
        sandbox.fails(13, &["serve"]),
        "error: cannot use `[folder]/home/host.yaml`\n\
         caused by: line 2, column 3: `memroy` is not a key that is known here; did you mean `memory`?\n"
    );
    assert!(!sandbox.socket().exists());
    assert_eq!(
        Sandbox::new().fails(13, &["serve", "--model", "llama3.2"]),
        "error: a model needs `--model-url URL` and `--model NAME`, and `host.yaml` does not say the other one\n\
         hint: name both: `leah-host serve --model-url http://127.0.0.1:11434 --model llama3.2`\n"
    );
}

#[test]
fn the_example_of_the_help_is_a_file_that_a_host_starts_with() {
    let sandbox = Sandbox::new();
    let help = sandbox.prints(&["serve", "--help"]);
    let example = help.split("every key may be left out:\n").nth(1).unwrap();
    let example: String =
        example.lines().map(|line| line.strip_prefix("  ").unwrap().to_owned() + "\n").collect();
    assert!(example.contains("guest_time"));
    fs::write(sandbox.home().join("host.yaml"), example).unwrap();
    sandbox.serve().still_answers();
}

#[test]
fn a_folder_that_others_may_enter_is_not_used_by_either_side() {
    let sandbox = Sandbox::new();
    let run = sandbox.home().join("run");
    let host = sandbox.serve();
    fs::set_permissions(&run, Permissions::from_mode(0o755)).unwrap();
    let said = sandbox.fails(1, &["status"]);
    assert!(said.contains("`[folder]/home/run` is open to other users (its mode is 755)"), "{said}");
    assert!(said.ends_with("hint: close it to others: `chmod 700 [folder]/home/run`\n"), "{said}");
    drop(host);
    assert_eq!(sandbox.fails(1, &["serve"]), said);
}

#[test]
fn a_home_that_is_too_deep_for_a_socket_is_told_so() {
    let sandbox = Sandbox::new();
    let home = sandbox.home().join("x".repeat(100));
    let said = sandbox.fails(1, &["serve", "--home", home.to_str().unwrap()]);
    assert!(said.contains("is too long for the path of a socket: "), "{said}");
    assert!(said.contains("hint: set `LEAH_HOME` to a shorter path, or `XDG_RUNTIME_DIR`"), "{said}");
}

#[test]
fn the_socket_stands_in_the_folder_that_the_system_gives_a_user() {
    let sandbox = Sandbox::new();
    let runtime = tempfile::tempdir().unwrap();
    let mut command = sandbox.command(&["serve"]);
    command.env("XDG_RUNTIME_DIR", runtime.path()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let told = child.stderr.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(told), &mut first).unwrap();
    let sockets: Vec<_> = fs::read_dir(runtime.path().join("leah")).unwrap().collect();
    assert_eq!(sockets.len(), 1);
    let mut peer = Peer::new(&sockets[0].as_ref().unwrap().path());
    assert!(peer.asks(crate::sandbox::HELLO).contains("result"));
    child.kill().unwrap();
    child.wait().unwrap();
}
