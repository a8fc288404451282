//! A bit turned in every file that a web server shows of a registry, in each byte, and in every file of the cache. All
//! that a client can read is read after each; nothing may come out of it that was not signed.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use leah_http::BaseUrl;
use leah_plugin::{
    catalog::Catalog,
    digest::Digest,
    key::PublicKey,
    layout::{CacheLayout, Layout},
    root::Root,
};
use leah_registry::serve::Server;
use leahpm::{
    config::{Address, NetworkConfig},
    registry::{Registry, RegistryError, Session, Source},
    trust::Demands,
    verify::{Reason, Verified, VerifyError},
};

use super::difference;
use crate::{
    fixture::{PackageSpec, TestRegistry, now},
    http::add,
    sandbox::{Sandbox, tree_of},
};

/// A small registry on a web server: a plugin with two versions, and two roots.
struct Shown {
    sandbox: Sandbox,
    hub: TestRegistry,
    server: Server,
}

/// All that there is to read.
#[derive(Debug, PartialEq)]
struct Reading {
    catalog: Catalog,
    record: Digest,
    packages: Vec<Digest>,
}

/// Why it cannot be read.
#[derive(Debug)]
enum Refusal {
    Registry(RegistryError),
    Archive(VerifyError),
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

/// Whether there is a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    On,
    Off,
}

impl Shown {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let hub = TestRegistry::new(&sandbox, "hub");
        hub.offer(&PackageSpec::new("translator", "1.0.0"));
        let newest = PackageSpec::new("translator", "1.1.0").host(">=0.1");
        hub.offer(&newest.permission("read_messages").hook("on_chat_message").tool("translate"));
        let root = Root { serial: 2, ..hub.first_root() };
        hub.write("root/2", root.sign(&hub.root_key).unwrap());
        hub.change_head(|head| (head.root, head.serial) = (2, head.serial + 1));
        let server = Server::start(hub.folder.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { sandbox, hub, server }
    }

    fn url(&self) -> BaseUrl {
        self.server.url().parse().unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.sandbox.path("cache")
    }

    /// A session without anything in its home.
    fn session(&self, network: Network) -> Session {
        let config = NetworkConfig {
            offline: network == Network::Off,
            timeout: Duration::from_secs(30),
            keep_packages: true,
            ..NetworkConfig::cache_alone(CacheLayout::new(self.cache()))
        };
        Session::new(Layout::new(self.sandbox.path("no-home")), now(), config).unwrap()
    }

    fn source(&self, session: &Session) -> Source {
        session.source(Some(&self.hub.origin), &Address::Web(self.url()), &[]).unwrap()
    }

    /// Reads everything through the doors that commands use.
    fn read(&self, session: &Session) -> Result<Reading, Refusal> {
        let (hub, home) = (&self.hub, Layout::new(self.sandbox.path("no-home")));
        let demands =
            Demands { key: &hub.root_key(), origin: Some(&hub.origin), seen: None, now: Some(now()) };
        let registry = Registry::open(self.source(session), &demands, &home)?;
        registry.check_fresh(now())?;
        let name = "translator".parse().unwrap();
        let record = registry.record(&name)?.expect("no change of bytes hides a name");
        let mut packages = Vec::new();
        for release in record.versions() {
            let archive = registry.archive(&name, release.line, &|_| ())?;
            let verified = Verified::new(registry.origin(), &name, release.line, &archive);
            packages.push(*verified.map_err(Refusal::Archive)?.package().content());
        }
        Ok(Reading { catalog: registry.catalog()?, record: Digest::of(record.as_bytes()), packages })
    }

    /// The same by a client that has nothing in its cache.
    fn read_anew(&self, session: &Session) -> Result<Reading, Refusal> {
        drop(fs::remove_dir_all(self.cache()));
        self.read(session)
    }

    /// The same by one that has everything in its cache but this file and others of its kind.
    fn read_again(&self, session: &Session, file: &str) -> Result<Reading, Refusal> {
        // An object has the same path in the cache, others have not.
        let cached = match file.split('/').next() {
            Some("objects") => file,
            Some("packages") => "archives",
            _ => "registries",
        };
        let path = self.cache().join(cached);
        drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
        self.read(session)
    }

    /// Every file that the server shows, by its path.
    fn files(&self) -> Vec<String> {
        files_in(&self.hub.folder).into_keys().filter(|file| !file.starts_with('.')).collect()
    }
}

/// The files below a folder with their bytes.
fn files_in(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let files = tree_of(folder).into_iter().filter(|(_, what)| what.starts_with("file"));
    files.map(|(file, _)| (file.clone(), fs::read(folder.join(file)).unwrap())).collect()
}

fn tries_all() -> bool {
    std::env::var_os("LEAHPM_TEST_ALL").is_some()
}

/// The bytes with one bit turned, once for each byte; with LEAHPM_TEST_ALL once for each bit.
fn turned(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let bits = if tries_all() { 8 } else { 1 };
    let places = (0..bytes.len()).flat_map(move |at| (0..bits).map(move |bit| (at, (at + bit) % 8)));
    places.map(|(at, bit)| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << bit;
        (at, changed)
    })
}

/// Turns each byte of these files. What may hold anything at all without a difference is returned.
fn turn_all(shown: &Shown, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let session = shown.session(Network::On);
    let clean = shown.read_anew(&session).unwrap();
    let mut idle = Vec::new();
    for file in shown.files().into_iter().filter(|file| wanted(file)) {
        let bytes = shown.hub.read(&file);
        shown.hub.write(&file, "something else");
        match shown.read_anew(&session) {
            Ok(reading) => {
                assert_eq!(reading, clean, "{file}");
                idle.push(file.clone());
            }
            Err(_) => turn(shown, &session, &file, &bytes),
        }
        shown.hub.write(&file, &bytes);
    }
    assert_eq!(shown.read_anew(&session).unwrap(), clean);
    idle
}

fn turn(shown: &Shown, session: &Session, file: &str, bytes: &[u8]) {
    shown.hub.write(file, bytes);
    shown.read_anew(session).unwrap();
    for (at, changed) in turned(bytes) {
        shown.hub.write(file, &changed);
        match shown.read_again(session, file) {
            Ok(_) => panic!("byte {at} of {file} counts for nothing"),
            // What is refused as a package was unpacked, and so was believed.
            Err(Refusal::Archive(VerifyError { source: Reason::Package(error), .. })) => {
                panic!("byte {at} of {file} was unpacked before it was verified: {error}");
            }
            Err(Refusal::Registry(RegistryError::Network(error))) => {
                panic!("byte {at} of {file} was not read at all: {error}")
            }
            Err(_) => {}
        }
    }
}

#[test]
fn no_bit_of_the_index_that_a_server_shows_can_turn_unnoticed() {
    let shown = Shown::new();
    let idle = turn_all(&shown, |file| !file.starts_with("packages/"));
    // What the head, the directory and the catalog lead to, and what is below them.
    let head = shown.hub.head();
    let names = shown.hub.names();
    let list = shown.hub.read(&object(&head.catalog));
    let segments = leah_plugin::catalog::read_list(&list).unwrap();
    let records = names.values().map(|at| object(&at.record));
    let named = [object(&head.tree), object(&head.catalog)].into_iter().chain(records);
    let named: Vec<String> = named.chain(segments.iter().map(|it| object(&it.segment))).collect();
    assert_eq!(named.len(), 4);
    let (idle_objects, others): (Vec<String>, Vec<String>) =
        idle.into_iter().partition(|file| file.starts_with("objects/"));
    assert!(idle_objects.iter().all(|file| !named.contains(file)), "{idle_objects:#?}");
    assert_eq!(idle_objects.len() + named.len(), count(&shown, "objects/"));
    // The second root is signed by the pinned key too, so that it begins the walk; `root.pub` is for people.
    assert_eq!(others, ["root.pub", "root/1"]);
}

fn object(digest: &Digest) -> String {
    leah_plugin::registry_layout::RegistryLayout::object(digest)
}

fn count(shown: &Shown, folder: &str) -> usize {
    shown.files().iter().filter(|file| file.starts_with(folder)).count()
}

#[test]
fn no_bit_of_an_archive_that_a_server_shows_can_turn_unnoticed() {
    let shown = Shown::new();
    let idle = turn_all(&shown, |file| file.starts_with("packages/"));
    // The signature that counts stands in the record.
    assert!(idle.iter().all(|file| file.ends_with(".tar.gz.minisig")), "{idle:#?}");
    assert_eq!(idle.len() * 2, count(&shown, "packages/"));
}

/// The key that a registry offers is shown to a person, and a turned bit makes another of it or none. The comment above
/// it is for nobody.
#[test]
fn no_bit_of_an_offered_key_can_turn_unseen() {
    let shown = Shown::new();
    let session = shown.session(Network::On);
    let bytes = shown.hub.read("root.pub");
    let comment = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let key: PublicKey = shown.source(&session).offered_key().unwrap();
    assert_eq!(key, shown.hub.root_key());
    for (at, changed) in turned(&bytes) {
        shown.hub.write("root.pub", &changed);
        match shown.source(&session).offered_key() {
            Ok(offered) => assert!(at < comment || offered != key, "byte {at}"),
            Err(RegistryError::RootKey { .. }) => {}
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    let add = ["registry", "add", "hub", &shown.server.url()];
    for at in [comment + 20, comment + 40] {
        let mut changed = bytes.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        shown.hub.write("root.pub", &changed);
        let refused = shown.sandbox.run(&add);
        assert!([8, 7].contains(&refused.code) && !refused.stderr.contains(&key.to_string()), "{refused}");
    }
    assert!(!shown.sandbox.home().exists());
}

#[test]
fn no_bit_of_the_cache_is_believed() {
    let shown = Shown::new();
    let (online, offline) = (shown.session(Network::On), shown.session(Network::Off));
    let clean = shown.read_anew(&online).unwrap();
    let cached = files_in(&shown.cache());
    assert_eq!(shown.read(&offline).unwrap(), clean);
    // A file of the cache is checked by the same code as what comes from a server, so that a part of its bytes will do.
    let step = if tries_all() { 1 } else { 5 };
    for (file, bytes) in &cached {
        let path = shown.cache().join(file);
        // What a server said of a head is for that server alone, and the walk begins with the second root.
        let is_idle = file.ends_with("head.json") || file.ends_with("root-1");
        for (at, changed) in turned(bytes).step_by(step) {
            fs::write(&path, &changed).unwrap();
            if let Ok(reading) = shown.read(&offline) {
                assert_eq!((&reading, is_idle), (&clean, true), "byte {at} of {file}");
            }
            assert_eq!(shown.read(&online).unwrap(), clean, "byte {at} of {file}");
            assert!(is_idle || fs::read(&path).unwrap() == *bytes, "byte {at} of {file} was not put right");
        }
        fs::write(&path, bytes).unwrap();
    }
}

/// Two programs that share a cache, or a power cut, can leave an older head beside what a server said of a newer one.
/// The server would then go on to say that nothing changed.
#[test]
fn what_a_server_said_of_another_head_is_not_repeated_to_it() {
    let shown = Shown::new();
    let session = shown.session(Network::On);
    let before = shown.read_anew(&session).unwrap();
    let file = CacheLayout::new(shown.cache()).head(&shown.hub.root_key());
    let older = fs::read(&file).unwrap();
    shown.hub.offer(&PackageSpec::new("translator", "1.2.0"));
    let now = shown.read(&session).unwrap();
    assert_ne!(now, before);
    fs::write(&file, older).unwrap();
    assert_eq!(shown.read(&session).unwrap(), now);
}

/// The same by the program: a sample of bytes, and every command that reads the file.
#[test]
fn the_program_refuses_a_turned_bit_from_a_server_with_exit_code_7() {
    let shown = Shown::new();
    let (sandbox, hub) = (&shown.sandbox, &shown.hub);
    add(sandbox, hub, &shown.server.url());
    sandbox.run(&["install", "translator@1.0.0"]).ok();
    let (install, info) = (["install", "translator@1.1.0", "--grant", "all"], ["info", "translator"]);
    let (search, update) = (["search", "--registry", "hub"], ["update"]);
    let archive = hub.archive_path("translator", "1.1.0").strip_prefix(&hub.folder).unwrap().to_owned();
    let commands: [(String, &[&[&str]]); 5] = [
        ("root/2".into(), &[&install, &info, &search, &update]),
        ("head".into(), &[&install, &info, &search, &update]),
        (object(&hub.head().tree), &[&install, &info, &update]),
        (object(&hub.head().catalog), &[&search]),
        (archive.display().to_string(), &[&install]),
    ];
    for (file, commands) in commands {
        let bytes = hub.read(&file);
        for (command, at) in
            commands.iter().flat_map(|it| [0, bytes.len() / 2, bytes.len() - 1].map(|at| (it, at)))
        {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            hub.write(&file, &changed);
            drop(fs::remove_dir_all(shown.cache()));
            let before = sandbox.tree();
            sandbox.run(command).fails(7);
            assert_eq!(difference(&before, &sandbox.tree()), Vec::<String>::new(), "{command:?}");
        }
        hub.write(&file, &bytes);
    }
    sandbox.run(&install).ok();
}
