//! A lower bound, not a product: the whole signed install from a real registry with everything left out that can be
//! left out. No TLS, no solver, no limits, no locks, no errors but panics. It says how fast the same bytes can be
//! fetched, checked, unpacked and switched to on this machine.
//!
//! ```text
//! floor cold|locked|warm|noop|resolve HOST:PORT FOLDER ROOT-KEY SYNC [NAME...]
//! ```
//!
//! SYNC is `none`, `syncfs` (once, before the switch), `fsync` (each file and folder) or `content` (`syncfs`, and the
//! content hash of each package is made and compared, as leahpm does).

mod disk;
mod http;
mod registry;
mod signed;

use std::{
    env, fs,
    sync::{Mutex, mpsc},
    thread,
};

use disk::{Folder, Sync};
use http::Http;
use registry::{Lock, Locked};

/// As many as the machine has processors that this is measured on.
const THREADS: usize = 2;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, host, folder, root_key, sync, names @ ..] = arguments.as_slice() else {
        panic!("usage: floor MODE HOST:PORT FOLDER ROOT-KEY SYNC [NAME...]");
    };
    let folder = Folder::new(folder, Sync::parse(sync));
    match mode.as_str() {
        "noop" => folder.check(&folder.read_lock()),
        "warm" => folder.switch(&folder.read_lock()),
        "resolve" => folder.write_lock(&registry::resolve(&mut Http::new(host), root_key, names, |_, _| ())),
        "locked" => {
            let lock = folder.read_lock();
            install(host, &folder, |packages| lock.iter().for_each(|(name, locked)| packages(name, locked)));
            folder.switch(&lock);
        }
        "cold" => {
            let mut lock = Lock::new();
            install(host, &folder, |packages| {
                lock = registry::resolve(&mut Http::new(host), root_key, names, packages);
            });
            folder.write_lock(&lock);
            folder.switch(&lock);
        }
        other => panic!("no mode `{other}`"),
    }
}

/// Fetches, checks and unpacks each package that `find` comes upon, while it still looks for others.
fn install(host: &str, folder: &Folder, find: impl FnOnce(&mut dyn FnMut(&str, &Locked))) {
    fs::create_dir_all(folder.store()).unwrap();
    let (sender, receiver) = mpsc::channel::<(String, Locked)>();
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let (mut http, mut unpacker) = (Http::new(host), disk::Unpacker::default());
                loop {
                    let next = receiver.lock().unwrap().recv();
                    let Ok((name, locked)) = next else { break };
                    let archive = http.get(&registry::archive(&name, &locked.version));
                    assert_eq!(signed::sha256(&archive), locked.sha256);
                    signed::verify(&locked.key, &locked.signature, &archive);
                    unpacker.unpack(&archive, &locked, folder);
                }
            });
        }
        find(&mut |name, locked| sender.send((name.to_owned(), locked.clone())).unwrap());
        drop(sender);
    });
}
