//! `mirror`: copies that are as good as the registry, and sources that are not believed.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use leah_plugin::{
    head::Head,
    record::{Line, Record, VersionLine},
    signature::{UNTRUSTED_COMMENT, package_comment},
};
use leah_registry::{registry::Registry, serve::Server};

use crate::{
    check::add_names,
    sandbox::{Answer, NOW, Sandbox},
};

/// A registry of three plugins.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, version) in
        [("notes", "1.0.0"), ("notes", "1.1.0"), ("translator", "1.0.0"), ("weather", "0.1.0")]
    {
        sandbox.publish(name, version).ok();
    }
    sandbox.change("yank", &["notes", "1.0.0", "--reason", "loses text"]).ok();
    sandbox
}

fn root_key(sandbox: &Sandbox) -> String {
    sandbox.secret("keys/root.key").public().to_string()
}

/// Copies the folder `hub` to the folder `copy`.
fn mirror(sandbox: &Sandbox, more: &[&str]) -> Answer {
    sandbox.run(&[&["mirror", "hub", "copy", "--key", &root_key(sandbox)], more].concat())
}

/// The same files with the same bytes, but for those that nothing names.
#[track_caller]
fn check_same(sandbox: &Sandbox) {
    let hub: BTreeMap<_, _> = sandbox.snapshot().into_iter().collect();
    for (file, bytes) in sandbox.snapshot_of("copy") {
        assert_eq!(hub.get(&file), Some(&bytes), "{file}");
    }
    let report = |folder| sandbox.run(&["check", folder, "--json"]).ok().json();
    let (hub, copy) = (report("hub"), report("copy"));
    assert_eq!(
        (&hub["serial"], &hub["plugins"], &hub["versions"]),
        (&copy["serial"], &copy["plugins"], &copy["versions"])
    );
}

/// A mirror that must fail and leave the copy as it was.
#[track_caller]
fn refuses(sandbox: &Sandbox, code: i32) -> String {
    let before = sandbox.snapshot_of("copy");
    let error = mirror(sandbox, &[]).fails(code);
    let head = |files: &[(String, Vec<u8>)]| files.iter().find(|(file, _)| file == "head").cloned();
    assert_eq!(head(&sandbox.snapshot_of("copy")), head(&before));
    error
}

/// Puts a saved state of the registry back, and signs a head for it that is newer than all others.
fn put_back(sandbox: &Sandbox, head: &[u8], serial: u64) {
    let key = sandbox.secret("keys/index.key");
    let head = Head::read(head, &key.public()).unwrap();
    sandbox.write("hub/head", Head { serial, ..head }.sign(&key).unwrap());
}

#[test]
fn a_copy_over_http_is_the_registry_byte_for_byte_and_can_be_copied_itself() {
    let sandbox = published();
    let server = Server::start(sandbox.path("hub"), "127.0.0.1:0".parse().unwrap()).unwrap();
    let key = root_key(&sandbox);
    let done = sandbox.run(&["mirror", &server.url(), "copy", "--key", &key, "--json"]).ok().json();
    assert_eq!((&done["plugins"], &done["versions"], &done["serial"]), (&3.into(), &4.into(), &6.into()));
    check_same(&sandbox);
    // Three records, four archives, a leaf, the list and one segment of the catalog.
    assert_eq!(done["fetched_files"], 10);
    let again = sandbox.run(&["mirror", &server.url(), "copy", "--json"]).ok().json();
    assert_eq!((&again["fetched_files"], &again["unreferenced"]), (&0.into(), &0.into()));
    sandbox.run(&["mirror", "copy", "copy-of-copy", "--key", &key]).ok();
    assert_eq!(sandbox.snapshot_of("copy-of-copy"), sandbox.snapshot_of("copy"));
}

#[test]
fn a_copy_is_brought_up_to_date_and_keeps_what_is_no_longer_named_until_it_is_pruned() {
    let sandbox = published();
    let first = mirror(&sandbox, &[]).ok().out;
    assert_eq!(
        first,
        "`copy` is a copy of `hub`, head 6: 3 plugins, 4 versions; fetched 10 files, [bytes] bytes\n"
            .replace("[bytes]", first.rsplit(' ').nth(1).unwrap())
    );
    sandbox.publish("notes", "1.2.0").ok();
    let update = sandbox.run(&["mirror", "hub", "copy"]).ok().out;
    assert!(update.contains("head 7: 3 plugins, 5 versions; fetched 5 files, "), "{update}");
    assert!(update.ends_with("\n4 files are no longer named; `--prune` removes them\n"), "{update}");
    check_same(&sandbox);
    sandbox.write("copy/index.html", "of the people who run the mirror");
    let pruned = sandbox.run(&["mirror", "hub", "copy", "--prune"]).ok().out;
    assert!(
        pruned.ends_with("fetched 0 files, 0 bytes\nRemoved 4 files that it no longer names\n"),
        "{pruned}"
    );
    let report = sandbox.run(&["check", "copy", "--json"]).ok().json();
    assert_eq!(report["unreferenced"], serde_json::json!(["index.html"]));
}

#[test]
fn without_a_key_the_one_that_the_registry_shows_must_be_confirmed() {
    let sandbox = published();
    let key = sandbox.secret("keys/root.key").public();
    let error = sandbox.run(&["mirror", "hub", "copy"]).fails(8);
    assert_eq!(
        error,
        format!(
            "error: the root key of the registry at `hub` is not known; it shows {} (`{key}`)\n\
             hint: compare it with what its people say elsewhere, then run `leah-registry mirror hub copy --key {key}`\n",
            key.id()
        )
    );
    assert!(!sandbox.path("copy").exists());
    assert_eq!(
        sandbox.run(&["mirror", "nowhere", "copy"]).fails(5),
        "error: there is no registry at `nowhere`: it has no `root/1`\n"
    );
}

#[test]
fn nothing_is_written_for_another_root_key() {
    let sandbox = published();
    let other = sandbox.publisher.public().to_string();
    sandbox.run(&["mirror", "hub", "copy", "--key", &other]).fails(7);
    assert!(!sandbox.path("copy").exists());
}

#[test]
fn a_byte_changed_cut_off_or_added_in_any_file_is_noticed_and_never_copied() {
    let sandbox = published();
    // Neither is believed, and neither is read: the key was given, and signatures stand in the records.
    let unread = |file: &str| file == "root.pub" || file.ends_with(".minisig");
    for (file, bytes) in sandbox.snapshot().into_iter().filter(|(file, _)| !unread(file)) {
        if !is_named(&sandbox, &file) {
            continue;
        }
        let mut changed = bytes.clone();
        let at = changed.len() / 2;
        changed[at] ^= 1;
        for wrong in [&changed[..], &bytes[..bytes.len() - 1], &[&bytes[..], b"\n"].concat()] {
            sandbox.write(&format!("hub/{file}"), wrong);
            mirror(&sandbox, &[]).fails(7);
            assert!(!sandbox.path("copy/head").exists(), "{file}");
            let written = sandbox.snapshot_of("copy");
            assert!(written.iter().all(|(written, bytes)| *written != file && bytes != wrong), "{file}");
        }
        sandbox.write(&format!("hub/{file}"), &bytes);
        fs::remove_dir_all(sandbox.path("copy")).ok();
    }
    mirror(&sandbox, &[]).ok();
    check_same(&sandbox);
}

/// True for a file that the head leads to.
fn is_named(sandbox: &Sandbox, file: &str) -> bool {
    let report = sandbox.run(&["check", "hub", "--json"]).ok().json();
    !report["unreferenced"].as_array().unwrap().contains(&file.into())
}

#[test]
fn an_older_state_is_refused_and_so_is_another_one_under_the_same_number() {
    let sandbox = published();
    let older = sandbox.read("hub/head");
    sandbox.change("refresh", &[]).ok();
    mirror(&sandbox, &[]).ok();
    sandbox.write("hub/head", &older);
    assert_eq!(refuses(&sandbox, 7), "error: the registry shows state 1.6, the copy has 1.7 already\n");
    put_back(&sandbox, &older, 7);
    assert_eq!(refuses(&sandbox, 7), "error: the registry shows another state 1.7 than the copy has\n");
}

#[test]
fn a_line_or_a_name_that_is_withheld_is_noticed_although_the_index_key_signs_for_it() {
    let sandbox = Sandbox::new();
    let empty = sandbox.read("hub/head");
    sandbox.publish("notes", "1.0.0").ok();
    let before_yank = sandbox.read("hub/head");
    sandbox.change("yank", &["notes", "1.0.0"]).ok();
    mirror(&sandbox, &[]).ok();
    for head in [before_yank, empty] {
        put_back(&sandbox, &head, 9);
        assert_eq!(
            refuses(&sandbox, 7),
            "error: the record of `notes` lacks lines that the copy has; records only grow\n"
        );
    }
}

#[test]
fn a_copy_of_another_registry_and_a_folder_with_other_files_are_left_alone() {
    let sandbox = published();
    let other = Sandbox::new();
    fs::rename(other.path("hub"), sandbox.path("copy")).unwrap();
    assert_eq!(refuses(&sandbox, 7), "error: `root/1` in the copy is another one than in the registry\n");
    fs::remove_dir_all(sandbox.path("copy")).unwrap();
    fs::create_dir(sandbox.path("copy")).unwrap();
    sandbox.write("copy/letter.txt", "mine");
    assert_eq!(refuses(&sandbox, 9), "error: `copy` is not a copy of a registry: it holds `letter.txt`\n");
    assert_eq!(sandbox.snapshot_of("copy").len(), 1);
}

#[test]
fn an_interrupted_copy_goes_on_and_a_damaged_one_is_made_whole() {
    let sandbox = published();
    mirror(&sandbox, &[]).ok();
    let whole = sandbox.snapshot_of("copy");
    for (number, (file, bytes)) in
        whole.iter().enumerate().filter(|(_, (file, _))| !file.starts_with("root/"))
    {
        let path = sandbox.path(&format!("copy/{file}"));
        match number % 3 {
            0 => fs::remove_file(path).unwrap(),
            1 if file != "head" => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            _ if file != "head" => fs::write(path, bytes.repeat(2)).unwrap(),
            _ => {}
        }
    }
    mirror(&sandbox, &[]).ok();
    assert_eq!(sandbox.snapshot_of("copy"), whole);
}

#[test]
fn a_copy_follows_a_change_of_keys_and_can_be_interrupted_before_its_head() {
    let sandbox = published();
    mirror(&sandbox, &[]).ok();
    let (old_key, old_head) = (root_key(&sandbox), sandbox.read("hub/head"));
    let keys = ["--index-key", "keys/index.key", "--new-root-key", "keys/new-root.key"];
    sandbox.run(&[&["rotate", "hub", "--root-key", "keys/root.key"], &keys[..]].concat()).ok();
    mirror(&sandbox, &[]).ok();
    check_same(&sandbox);
    // As if it had ended when the new roots were there, and the new head was not.
    sandbox.write("copy/head", &old_head);
    sandbox.run(&["mirror", "hub", "copy"]).ok();
    check_same(&sandbox);
    for key in [old_key, sandbox.secret("keys/new-root.key").public().to_string()] {
        sandbox.run(&["check", "copy", "--root-key", &key]).ok();
    }
}

#[test]
fn a_registry_without_one_of_its_archives_is_not_copied() {
    let sandbox = published();
    fs::remove_file(sandbox.path("hub/packages/notes/notes-1.1.0.tar.gz")).unwrap();
    assert_eq!(refuses(&sandbox, 7), "error: the registry lacks `packages/notes/notes-1.1.0.tar.gz`\n");
}

#[test]
fn an_archive_whose_signature_is_of_other_bytes_is_not_copied_even_if_it_is_there_already() {
    let sandbox = published();
    let archive = sandbox.read("hub/packages/weather/weather-0.1.0.tar.gz");
    sandbox.change_by_library(|change| {
        let name = "weather".parse().unwrap();
        let record = change.record(&name).unwrap().unwrap();
        let (release, version) = (record.versions()[0].line.clone(), semver::Version::new(0, 2, 0));
        let origin = change.registry().origin().clone();
        let comment = package_comment(&origin, &name, &version, release.size, &release.sha256);
        let signature = sandbox.publisher.sign(b"other bytes", &comment, UNTRUSTED_COMMENT).unwrap();
        let line = VersionLine { version, signature, serial: change.serial(), ..release };
        let root_key = *change.registry().root_key();
        change.set_record(&record.append(&Line::Version(Box::new(line)), &root_key).unwrap());
        change.add_file("packages/weather/weather-0.2.0.tar.gz".into(), archive.clone());
    });
    for _ in 0..2 {
        let error = refuses(&sandbox, 7);
        assert!(error.starts_with("error: `packages/weather/weather-0.2.0.tar.gz` is refused\n"), "{error}");
        fs::create_dir_all(sandbox.path("copy/packages/weather")).unwrap();
        sandbox.write("copy/packages/weather/weather-0.2.0.tar.gz", &archive);
    }
}

#[test]
fn versions_in_a_format_of_the_future_are_not_copied_and_that_is_said() {
    let sandbox = published();
    sandbox.change_by_library(|change| {
        let name = "weather".parse().unwrap();
        let record = change.record(&name).unwrap().unwrap();
        let newer = b"{\"kind\":\"version\",\"format\":2,\"moon\":\"full\"}\n";
        let bytes = [record.as_bytes(), newer].concat();
        let root_key = *change.registry().root_key();
        change.set_record(&Record::read(&bytes, change.registry().origin(), &name, &root_key).unwrap());
    });
    let done = mirror(&sandbox, &[]).ok().out;
    assert!(done.ends_with("\nNot copied, since they need a newer leah-registry: 1 versions\n"), "{done}");
    check_same(&sandbox);
}

#[test]
fn a_directory_with_inner_nodes_is_copied() {
    let sandbox = published();
    let head = sandbox.change_by_library(|change| add_names(&sandbox, change, 150));
    assert_eq!(head.depth, 1);
    mirror(&sandbox, &[]).ok();
    check_same(&sandbox);
    let copy = Registry::open(&sandbox.path("copy"), None, NOW).unwrap();
    assert_eq!(copy.names().unwrap().records.len(), 153);
}

/// Serves the folder `hub` over HTTP; `answer` gets the path, the lower-case headers and the bytes, and says
/// what is sent instead.
fn serve(
    sandbox: &Sandbox,
    answer: impl Fn(&str, &[String], Vec<u8>) -> (&'static str, Vec<u8>) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let files: BTreeMap<_, _> = sandbox.snapshot().into_iter().collect();
    // It ends with the tests: nobody asks any more.
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let path = lines.next().unwrap().split(' ').nth(1).unwrap()[1..].to_owned();
            let asked = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase());
            let asked: Vec<_> = asked.collect();
            let (status, body) = match files.get(&path) {
                Some(bytes) => answer(&path, &asked, bytes.clone()),
                None => ("404 Not Found", Vec::new()),
            };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
                .unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    url
}

#[test]
fn what_a_cache_has_spoilt_is_asked_for_once_more_past_it() {
    let sandbox = published();
    let url = serve(&sandbox, |path, asked, mut bytes| {
        if path.starts_with("objects/") && !asked.contains(&"cache-control: no-cache".into()) {
            bytes.pop();
        }
        ("200 OK", bytes)
    });
    sandbox.run(&["mirror", &url, "copy", "--key", &root_key(&sandbox)]).ok();
    check_same(&sandbox);
}

#[test]
fn a_private_registry_is_copied_with_a_token_and_not_without() {
    let sandbox = published();
    let url = serve(&sandbox, |_, asked, bytes| {
        let known = asked.contains(&"authorization: bearer secret-word".into());
        if known { ("200 OK", bytes) } else { ("401 Unauthorized", Vec::new()) }
    });
    let key = root_key(&sandbox);
    let arguments = ["mirror", &url, "copy", "--key", &key];
    let error = sandbox.run(&arguments).fails(4);
    assert!(error.ends_with("hint: set `LEAH_REGISTRY_TOKEN` to a token for that registry\n"), "{error}");
    let error = sandbox.run_with(&arguments, &[("LEAH_REGISTRY_TOKEN", "other\u{1b}word")]).fails(4);
    assert!(error.ends_with("hint: look at what `LEAH_REGISTRY_TOKEN` holds\n"), "{error}");
    assert!(!error.contains("other"), "{error}");
    sandbox.run_with(&arguments, &[("LEAH_REGISTRY_TOKEN", "secret-word")]).ok();
    check_same(&sandbox);
}

#[test]
fn a_server_that_is_not_there_is_a_matter_of_the_network() {
    let sandbox = published();
    let server = Server::start(sandbox.path("hub"), "127.0.0.1:0".parse().unwrap()).unwrap();
    let url = server.url();
    drop(server);
    let error = sandbox.run(&["mirror", &url, "copy", "--key", &root_key(&sandbox)]).fails(6);
    assert!(error.starts_with(&format!("error: cannot get `{url}root/1`")), "{error}");
    assert!(!sandbox.path("copy").exists());
}
