//! What a plugin reaches that tries everything: nothing of what was denied, and of what was granted that and nothing
//! beside it. Files and servers that nobody may reach stand where it tries, and tell.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::ToSocketAddrs,
    os::unix::fs::symlink,
    process::{Child, Command, Stdio},
    thread,
};

use leah_plugin::message::{Answer, HookEvent, Verdict};
use serde_json::{Value, json};

use super::{canary::Canary, daemon::Daemon};
use crate::{
    attacks::server::{body, status},
    fixture::{PackageSpec, TestRegistry, hub},
    plugins::probe,
    sandbox::{Sandbox, is_missing, skipped, start, tree_of},
};

/// All permissions that the plugin asks for; of folders and hosts it asks for `open`, `out` and one server.
const ALL: [&str; 7] = [
    "read_messages",
    "modify_messages",
    "modify_responses",
    "read_files",
    "write_files",
    "network_access",
    "use_model",
];

/// The plugin in a running host, with something to reach for each permission.
struct Scene {
    sandbox: Sandbox,
    _hub: TestRegistry,
    host: Daemon,
    /// The server that the plugin asks for.
    server: Canary,
    /// One that it does not ask for.
    other: Canary,
    model: Canary,
}

impl Scene {
    /// With these permissions granted, and the others denied.
    fn granting(granted: &[&str]) -> Self {
        let ask = |sandbox: &Sandbox, server: &Canary| {
            let path = |path| sandbox.path(path).display().to_string();
            probe(&[
                "read_messages",
                "modify_messages",
                "modify_responses",
                &format!("read_files: [{}]", path("open")),
                &format!("write_files: [{}]", path("out")),
                &format!("network_access: [\"{}\"]", server.address()),
                "use_model",
            ])
        };
        let denied: Vec<&str> = ALL.into_iter().filter(|kind| !granted.contains(kind)).collect();
        Self::with(ask, granted, &denied)
    }

    fn with(ask: impl Fn(&Sandbox, &Canary) -> PackageSpec, granted: &[&str], denied: &[&str]) -> Self {
        let (sandbox, hub) = hub();
        let other = Canary::secret();
        let elsewhere = other.address();
        let server = Canary::start(move |question| {
            if question.first.contains("/away") {
                status("302 Found", &format!("Location: http://{elsewhere}/\r\n"))
            } else {
                body(b"public")
            }
        });
        let model = Canary::model(str::to_uppercase);
        for file in ["open/read.txt", "open/deep/read.txt"] {
            sandbox.write(file, "public");
        }
        for file in ["closed/read.txt", "open-not/read.txt", "user/read.txt", "out/read.txt"] {
            sandbox.write(file, "secret");
        }
        sandbox.write(sandbox.layout().data_files(&"other".parse().unwrap()).join("read.txt"), "secret");
        for folder in ["open", "out"] {
            symlink(sandbox.path("closed"), sandbox.path(format!("{folder}/folder"))).unwrap();
            symlink("../closed/read.txt", sandbox.path(format!("{folder}/file.txt"))).unwrap();
        }
        let model_file = format!("model: {{ url: \"http://{}\", name: canary }}\n", model.address());
        sandbox.write("home/host.yaml", model_file);
        hub.publish(&ask(&sandbox, &server));
        let host = Daemon::start(&sandbox);
        let (granted, denied) = (granted.join(","), denied.join(","));
        let mut install = vec!["install", "probe"];
        for (option, list) in [("--grant", &granted), ("--deny", &denied)] {
            if !list.is_empty() {
                install.extend([option, list]);
            }
        }
        sandbox.run(&install).ok();
        Self { sandbox, _hub: hub, host, server, other, model }
    }

    /// What came of a try.
    fn tries(&self, attempt: &Value) -> Value {
        let result = self.host.tool("probe", attempt).unwrap();
        assert!(!result.failed, "{attempt}: {}", result.content);
        serde_json::from_str(&result.content).unwrap()
    }

    #[track_caller]
    fn denies(&self, attempt: &Value) {
        assert_eq!(self.tries(attempt), json!({ "error": "denied" }), "{attempt}");
    }

    #[track_caller]
    fn allows(&self, attempt: &Value, expect: &Value) {
        assert_eq!(self.tries(attempt)["ok"], *expect, "{attempt}");
    }

    /// A path in the sandbox.
    fn path(&self, path: &str) -> String {
        self.sandbox.path(path).display().to_string()
    }

    fn sets(&self, key: &str, value: &str) {
        self.sandbox.run(&["config", "set", "probe", key, value]).ok();
    }

    /// Tries of files that some permission of the plugin's would allow.
    fn tries_of_files(&self) -> Vec<Value> {
        vec![
            reads(&self.path("open/read.txt")),
            reads(&self.path("out/read.txt")),
            reads("own.txt"),
            json!({ "do": "list", "path": self.path("open") }),
            json!({ "do": "list", "path": "" }),
            json!({ "do": "write", "path": self.path("out/new.txt"), "content": "x" }),
            json!({ "do": "write", "path": "own.txt", "content": "x" }),
            json!({ "do": "remove", "path": self.path("out/read.txt") }),
            json!({ "do": "remove", "path": "own.txt" }),
        ]
    }

    /// The same of servers.
    fn tries_of_the_network(&self) -> Vec<Value> {
        let url = format!("http://{}/", self.server.address());
        let post = json!({ "do": "fetch", "url": url, "method": "POST", "body": "x" });
        vec![fetches(&self.server.address()), post]
    }

    /// What is in the folders that it tries.
    fn folders(&self) -> [BTreeMap<String, String>; 6] {
        ["open", "out", "closed", "open-not", "user", "home/data/other"]
            .map(|folder| tree_of(&self.sandbox.path(folder)))
    }

    #[track_caller]
    fn assert_nobody_came(&self) {
        for server in [&self.server, &self.other, &self.model] {
            assert_eq!(server.asked(), []);
        }
    }
}

fn reads(path: &str) -> Value {
    json!({ "do": "read", "path": path })
}

fn fetches(host: &str) -> Value {
    json!({ "do": "fetch", "url": format!("http://{host}/") })
}

fn asks_the_model() -> Value {
    json!({ "do": "chat", "text": "hi" })
}

/// A text of the model.
fn response(content: &str) -> Answer {
    let answer = json!({ "conversation": "c", "prompt": "hi", "model": "m", "content": content });
    serde_json::from_value(answer).unwrap()
}

/// What becomes of a message and of an answer with this content: unchanged where it is `pass`.
fn verdicts(host: &Daemon, content: &str) -> [String; 2] {
    let message = json!({ "conversation": "c", "role": "user", "content": content });
    let message = HookEvent::OnChatMessage(serde_json::from_value(message).unwrap());
    [message, HookEvent::OnBeforeResponse(response(content))].map(|event| match host.outcome(event).verdict {
        Verdict::Pass => "pass".to_owned(),
        Verdict::Replace { content } => content,
        Verdict::Reject { reason } => format!("no: {reason}"),
    })
}

#[test]
fn a_plugin_that_was_denied_everything_reaches_nothing() {
    let scene = Scene::granting(&[]);
    let before = scene.folders();
    let servers = [scene.server.address(), scene.other.address(), scene.model.address()];
    let tries = scene.tries_of_files().into_iter().chain(scene.tries_of_the_network());
    tries.chain(servers.iter().map(|server| fetches(server))).for_each(|attempt| scene.denies(&attempt));
    scene.denies(&asks_the_model());
    for content in ["replace", "reject"] {
        assert_eq!(verdicts(&scene.host, content), ["pass", "pass"]);
    }
    let hooks = scene.host.client().1.hooks;
    assert_eq!(hooks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["on_tool_call"]);
    assert_eq!(scene.host.tool("undeclared_tool", &json!({})), None);
    // Its own settings, keys and log are its own.
    scene.allows(&json!({ "do": "set", "key": "a", "content": "x" }), &Value::Null);
    scene.allows(&json!({ "do": "keys" }), &json!(["a"]));
    // What a scope does not name, a setting does not open.
    scene.sets("readable", &scene.path("closed"));
    scene.sets("writable", &scene.path("out"));
    scene.sets("server", &scene.other.address());
    let told = scene.tries(&json!({ "do": "initialize" }));
    for word in ["read", "write", "fetch", "chat"] {
        assert_eq!(told["ok"][word], json!({ "error": "denied" }), "{word}");
    }
    assert_eq!(scene.folders(), before);
    scene.assert_nobody_came();
}

#[test]
fn before_it_is_live_a_plugin_reaches_nothing_of_what_was_granted() {
    let scene = Scene::granting(&ALL);
    let before = scene.folders();
    scene.sets("readable", &scene.path("open"));
    scene.sets("writable", &scene.path("out"));
    scene.sets("server", &scene.server.address());
    let told = scene.tries(&json!({ "do": "initialize" }));
    for word in ["read", "write", "fetch", "chat", "get", "set"] {
        assert_eq!(told["ok"][word], json!({ "error": "unavailable" }), "{word}");
    }
    assert_eq!(scene.folders(), before);
    scene.assert_nobody_came();
}

#[test]
fn of_files_the_granted_folders_are_reached_and_their_neighbours_are_not() {
    let scene = Scene::granting(&["read_files", "write_files"]);
    let path = |path: &str| scene.path(path);
    let write = |path: &str| json!({ "do": "write", "path": path, "content": "x" });
    let remove = |path: &str| json!({ "do": "remove", "path": path });
    let before = scene.folders();
    for granted in ["open/read.txt", "open/deep/read.txt"] {
        scene.allows(&reads(&path(granted)), &json!("public"));
        scene.denies(&write(&path(granted)));
        scene.denies(&remove(&path(granted)));
    }
    let home = |file: &str| path(&format!("home/{file}"));
    let strangers = [
        path("closed/read.txt"),
        path("open-not/read.txt"),
        path("user/read.txt"),
        "~/read.txt".to_owned(),
        home("host.yaml"),
        home("data/other/files/read.txt"),
        home("plugins/leah.lock"),
        "/etc/passwd".to_owned(),
        "/proc/self/environ".to_owned(),
        format!("/proc/self/root{}", path("open/read.txt")),
    ];
    for stranger in strangers {
        scene.denies(&reads(&stranger));
        scene.denies(&write(&stranger));
        scene.denies(&remove(&stranger));
        scene.denies(&json!({ "do": "list", "path": stranger }));
    }
    // Links lead out of a folder, and the way up does.
    for folder in ["open", "out"] {
        for out in ["file.txt", "folder/read.txt", "../closed/read.txt", "./../closed/read.txt"] {
            let out = path(&format!("{folder}/{out}"));
            for attempt in [reads(&out), json!({ "do": "list", "path": out })] {
                assert!(scene.tries(&attempt).get("error").is_some(), "{attempt}");
            }
        }
    }
    for out in ["out/folder/read.txt", "out/folder/new.txt", "out/../closed/new.txt"] {
        assert!(scene.tries(&write(&path(out))).get("error").is_some(), "{out}");
    }
    assert!(scene.tries(&remove(&path("out/folder/read.txt"))).get("error").is_some());
    assert!(scene.tries(&write("../other/files/read.txt")).get("error").is_some());
    assert_eq!(scene.folders(), before);
    // A file in place of a link, not what the link leads to.
    scene.allows(&write(&path("out/file.txt")), &Value::Null);
    scene.allows(&write(&path("out/new/deep.txt")), &Value::Null);
    scene.allows(&reads(&path("out/new/deep.txt")), &json!("x"));
    scene.allows(&remove(&path("out/read.txt")), &Value::Null);
    scene.allows(&write("own.txt"), &Value::Null);
    let own = scene.sandbox.layout().data_files(&"probe".parse().unwrap()).join("own.txt");
    assert_eq!(fs::read(own).unwrap(), b"x");
    let [open, _, rest @ ..] = scene.folders();
    let [open_before, _, rest_before @ ..] = before;
    assert_eq!((open, rest), (open_before, rest_before));
    scene.tries_of_the_network().iter().for_each(|attempt| scene.denies(attempt));
    scene.denies(&asks_the_model());
    scene.assert_nobody_came();
}

#[test]
fn of_the_network_the_granted_port_is_reached_and_its_neighbours_are_not() {
    let scene = Scene::granting(&["network_access"]);
    let port = scene.server.port();
    let public = scene.tries(&fetches(&scene.server.address()));
    assert_eq!((&public["ok"]["status"], &public["ok"]["body"]), (&json!(200), &json!("public")));
    let neighbours = [
        scene.other.address(),
        scene.model.address(),
        "127.0.0.1".to_owned(),
        format!("127.0.0.2:{port}"),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("0.0.0.0:{port}"),
        // A redirect of the server that was granted.
        format!("{}/away?", scene.server.address()),
    ];
    neighbours.iter().for_each(|host| scene.denies(&fetches(host)));
    let asked = scene.server.asked();
    let asked: Vec<&str> = asked.iter().map(|question| question.first.as_str()).collect();
    assert_eq!(asked, ["GET / HTTP/1.1", "GET /away?/ HTTP/1.1"]);
    assert_eq!((scene.other.asked(), scene.model.asked()), (vec![], vec![]));
    scene.tries_of_files().iter().for_each(|attempt| scene.denies(attempt));
    scene.denies(&asks_the_model());
}

/// A name that this machine has for itself, such as it stands in `/etc/hosts`; none where it has no other than
/// `localhost`.
fn name_of_loopback() -> Option<String> {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap());
    let mut names = lines.flat_map(|line| line.split_whitespace().skip(1));
    let leads_home = |name: &&str| {
        let mut addresses = (*name, 80).to_socket_addrs().into_iter().flatten().peekable();
        *name != "localhost" && addresses.peek().is_some() && addresses.all(|to| to.ip().is_loopback())
    };
    let name = names.find(leads_home);
    if name.is_none() {
        skipped("this machine has no name for loopback but `localhost`");
    }
    name.map(str::to_owned)
}

/// What else it asks for.
const REST: [&str; 3] = ["read_messages", "write_files", "use_model"];

/// Scopes by which a plugin asks for any public host, for a name, and for what the user enters.
fn asks(network: &str) -> PackageSpec {
    probe(&["read_messages", "write_files", "use_model", &format!("network_access{network}")])
}

#[test]
fn who_may_reach_any_public_host_reaches_none_inside() {
    let scene = Scene::with(|_, _| asks(""), &["network_access"], &REST);
    let port = scene.server.port();
    let loopback = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"];
    let named = name_of_loopback();
    for host in loopback.into_iter().chain(named.as_deref()) {
        scene.denies(&fetches(&format!("{host}:{port}")));
    }
    for host in
        ["10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]"]
    {
        scene.denies(&fetches(host));
    }
    scene.assert_nobody_came();
}

#[test]
fn a_name_that_leads_to_loopback_is_reached_when_the_user_entered_it_and_not_when_the_plugin_did() {
    let Some(name) = name_of_loopback() else { return };
    let host = |server: &Canary| format!("{name}:{}", server.port());
    let listed = |_: &Sandbox, server: &Canary| asks(&format!(": [\"{}\"]", host(server)));
    let scene = Scene::with(listed, &["network_access"], &REST);
    scene.denies(&fetches(&host(&scene.server)));
    scene.assert_nobody_came();
    let scene = Scene::with(|_, _| asks(": [\"setting:server\"]"), &["network_access"], &REST);
    scene.denies(&fetches(&host(&scene.server)));
    scene.sets("server", &host(&scene.server));
    assert_eq!(scene.tries(&fetches(&host(&scene.server)))["ok"]["body"], "public");
    scene.denies(&fetches(&scene.server.address()));
    scene.denies(&fetches(&host(&scene.other)));
    assert_eq!((scene.server.asked().len(), scene.other.asked().len()), (1, 0));
}

#[test]
fn the_model_is_asked_by_who_may_and_its_server_is_no_other_way_in() {
    let scene = Scene::granting(&["use_model"]);
    scene.allows(&asks_the_model(), &json!({ "content": "HI", "model": "canary" }));
    scene.denies(&fetches(&scene.model.address()));
    let asked = scene.model.asked();
    assert_eq!(
        asked.iter().map(|question| question.first.as_str()).collect::<Vec<_>>(),
        ["POST /api/chat HTTP/1.1"]
    );
    scene.tries_of_files().iter().for_each(|attempt| scene.denies(attempt));
    scene.tries_of_the_network().iter().for_each(|attempt| scene.denies(attempt));
    assert_eq!((scene.server.asked(), scene.other.asked()), (vec![], vec![]));
}

/// What becomes of a message and of an answer that the plugin would replace, and of those that it would reject.
#[track_caller]
fn check_verdicts(granted: &[&str], expect: [[&str; 2]; 2]) {
    let scene = Scene::granting(granted);
    assert_eq!(["replace", "reject"].map(|content| verdicts(&scene.host, content)), expect, "{granted:?}");
}

#[test]
fn who_may_read_messages_changes_none_and_each_change_has_a_permission_of_its_own() {
    let (replaced, rejected) = ("replaced", "no: rejected");
    check_verdicts(&["read_messages"], [["pass", "pass"], ["pass", "pass"]]);
    check_verdicts(&["read_messages", "modify_messages"], [[replaced, "pass"], [rejected, "pass"]]);
    check_verdicts(&["read_messages", "modify_responses"], [["pass", replaced], ["pass", rejected]]);
}

/// Has `strace` watch a process from now on; none where it is not there or may not.
fn watched(sandbox: &Sandbox, host: &Daemon) -> Option<Child> {
    if is_missing("strace") {
        return None;
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=connect,sendto,sendmsg,bind", "-p", &host.id().to_string(), "-o"]);
    let mut strace = start(command.arg(sandbox.path("trace")).stdin(Stdio::null()).stderr(Stdio::piped()));
    let mut said = BufReader::new(strace.stderr.take().unwrap()).lines().map_while(Result::ok);
    if said.any(|line| line.contains("attached")) {
        // It tells of each further thread, and ends if nobody listens.
        thread::spawn(move || said.for_each(drop));
        return Some(strace);
    }
    strace.wait().unwrap();
    skipped("this system does not let `strace` watch a process that runs");
    None
}

#[test]
fn for_what_was_denied_the_host_does_not_even_knock() {
    let scene = Scene::with(|_, _| asks(""), &["network_access"], &REST);
    let Some(mut strace) = watched(&scene.sandbox, &scene.host) else { return };
    scene.denies(&fetches(&scene.server.address()));
    scene.denies(&fetches("169.254.169.254"));
    scene.denies(&asks_the_model());
    // What it does when it knocks is seen.
    scene.sandbox.run(&["permissions", "grant", "probe", "use_model"]).ok();
    scene.allows(&asks_the_model(), &json!({ "content": "HI", "model": "canary" }));
    drop(scene.host);
    strace.wait().unwrap();
    let trace = fs::read_to_string(scene.sandbox.path("trace")).unwrap();
    let knocks: Vec<&str> = trace.lines().filter(|line| line.contains("AF_INET")).collect();
    let model = format!("htons({})", scene.model.port());
    assert!(knocks.len() == 1 && knocks[0].contains(&model), "{knocks:#?}");
}
