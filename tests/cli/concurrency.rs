//! Many processes at one home: each waits for its turn, readers never see half a change, and what comes out is what
//! the same commands give one after the other.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use leah_plugin::{
    generation::GenerationRecord,
    layout::Layout,
    lock::{Lock, Locked},
    name::PluginName,
};

use crate::{
    fixture::{PackageSpec, hub},
    sandbox::{Output, Sandbox},
};

/// How many commands each process gives; more with this variable set.
const ROUNDS: &str = "LEAHPM_CONCURRENCY_ROUNDS";

const PROCESSES: u64 = 8;

const NAMES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

/// Numbers that are the same in every run: SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % limit as u64).unwrap()
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// A home with a registry of plugins in two versions, some of which need others.
fn home() -> Sandbox {
    let (sandbox, hub) = hub();
    for version in ["1.0.0", "1.1.0"] {
        hub.publish(&PackageSpec::new("alpha", version))
            .publish(&PackageSpec::new("beta", version).needs("alpha", "^1"))
            .publish(&PackageSpec::new("gamma", version).file("docs/guide.md", version))
            .publish(&PackageSpec::new("delta", version).needs("beta", "^1").needs("gamma", "^1"))
            .publish(&PackageSpec::new("epsilon", version));
    }
    sandbox
}

/// Some command. Garbage collection keeps the line of the live generation, which is read afterwards.
fn command(numbers: &mut Numbers) -> Vec<String> {
    let name = numbers.of(&NAMES);
    let old = format!("{name}@~1.0");
    let words: Vec<&str> = match numbers.below(12) {
        0..=2 => vec!["install", name],
        3 => vec!["install", numbers.of(&NAMES), &old],
        4..=5 => vec!["uninstall", name],
        6 => vec!["update"],
        7 => vec!["disable", name],
        8 => vec!["enable", name],
        9 => vec!["rollback"],
        _ => vec!["gc", "--keep", "100000"],
    };
    ["--lock-wait", "300"].into_iter().chain(words).map(str::to_owned).collect()
}

/// Success, or an answer that the same command would get if it were alone at that moment.
#[track_caller]
fn check_answer(output: &Output) {
    let lines = output.stderr.lines().filter(|line| !line.starts_with("Waiting for another leahpm ("));
    let error = lines.clone().find_map(|line| line.strip_prefix("error: "));
    let explicable = |error: &str| {
        ["is not installed", "is needed by", "no earlier generation", "asked for twice", "switched off"]
            .iter()
            .any(|words| error.contains(words))
    };
    match (output.code, error) {
        (0, None) => {}
        (2 | 5, Some(error)) if explicable(error) => {}
        _ => panic!("{output}"),
    }
}

/// What a reader sees is a whole set: everything that a plugin needs is there.
#[track_caller]
fn check_whole(output: &Output) {
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    let plugins = &output.json()["plugins"];
    let names: Vec<&str> =
        plugins.as_array().unwrap().iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    let needs = |name: &str, other: &str| !names.contains(&name) || names.contains(&other);
    let whole = needs("beta", "alpha") && needs("delta", "beta") && needs("delta", "gamma");
    assert!(whole, "{names:?}");
}

/// The generations from the first to the live one, each the parent of the next.
fn line(sandbox: &Sandbox) -> Vec<(GenerationRecord, Lock)> {
    let layout = sandbox.layout();
    let mut next = Layout::number_in_target(&fs::read_link(layout.plugins()).unwrap());
    let mut line = Vec::new();
    while let Some(number) = next {
        let record = GenerationRecord::read(&fs::read(layout.record(number)).unwrap()).unwrap();
        next = record.parent;
        line.push((record, Lock::read(&fs::read(layout.lock_file(number)).unwrap()).unwrap()));
    }
    line.reverse();
    line
}

/// The command that a generation says it was made by. Its record has no ranges; those are in the lock.
fn told(record: &GenerationRecord, lock: &Lock) -> Vec<String> {
    let verb = record.verb.as_str();
    let word = |name: &PluginName| match (verb, lock.requested.get(name)) {
        ("install", Some(request)) => format!("{name}@{}", request.range),
        _ => name.to_string(),
    };
    [verb.to_owned()].into_iter().chain(record.names.iter().map(word)).collect()
}

/// Version and switch of each plugin, and what was asked for.
fn shape(lock: &Lock) -> (BTreeMap<&PluginName, String>, Vec<String>) {
    let plugin = |locked: &Locked| format!("{} {}", locked.version, locked.enabled);
    let plugins = lock.plugins.iter().map(|(name, locked)| (name, plugin(locked))).collect();
    (plugins, lock.requested.iter().map(|(name, request)| format!("{name}@{}", request.range)).collect())
}

#[test]
fn what_eight_processes_do_at_once_is_what_they_would_do_one_after_the_other() {
    let sandbox = home();
    let rounds = std::env::var(ROUNDS).map_or(12, |rounds| rounds.parse().unwrap());
    let done = AtomicBool::new(false);
    let reads = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u32;
            while !done.load(Ordering::SeqCst) {
                check_whole(&sandbox.run(&["list", "--json"]));
                reads += 1;
            }
            reads
        });
        let writers: Vec<_> = (0..PROCESSES)
            .map(|seed| {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    let mut numbers = Numbers(seed);
                    for _ in 0..rounds {
                        check_answer(&sandbox.run(&command(&mut numbers)));
                    }
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::SeqCst);
        ended.into_iter().for_each(|ended| ended.unwrap());
        reader.join().unwrap()
    });
    assert!(reads > 0);

    sandbox.run(&["verify", "--all"]).ok();
    let line = line(&sandbox);
    println!("{reads} reads, {} generations in line", line.len());
    assert!(line.len() > 1, "too little happened to prove anything");
    let alone = Sandbox::new();
    let registry = sandbox.read("home/registries.yaml");
    alone.write("home/registries.yaml", registry);
    for (record, lock) in &line {
        let command = told(record, lock);
        alone.run(&command).ok();
        assert_eq!(shape(&alone.lock()), shape(lock), "{command:?} of generation {}", record.number);
    }

    let live = sandbox.live();
    sandbox.run(&["gc", "--keep", "0"]).ok();
    assert_eq!(sandbox.live(), live);
    sandbox.run(&["verify", "--all"]).ok();
    sandbox.assert_no_leftovers();
}
