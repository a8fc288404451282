//! What a call through the host costs, beside the floor: what it costs to say something over a Unix socket at all. All
//! is measured in turn within one round, so that whatever else the machine does hits all alike; what counts is the
//! median.
//!
//!     cargo bench -p leah-host --bench host [-- --rounds 20000] [-- --check]

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark of a machine that works"
)]

mod daemon;
mod home;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use leah_host::{config::Config, control::Control, host::Host};
use leah_plugin::{
    layout::CacheLayout,
    message::{Call, Committed, Prepared, Verdict},
};

use self::{
    daemon::{Daemon, PATIENCE},
    home::Home,
};

const FAULT: &[u8] = include_bytes!("../../../../tests/plugins/fault.wasm");
/// A setting that both components read.
const WORD: &str = "config:\n  word: { type: string, default: good }\n";

const GOOD: &[u8] = include_bytes!("../../../../tests/plugins/good.wasm");

/// Calls of one process before it is the next one's turn.
const IN_A_ROW: usize = 100;

/// A number and the goal that it is to meet.
struct Row {
    what: &'static str,
    value: f64,
    unit: &'static str,
    goal: f64,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut rounds, mut check) = (20_000, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--floor" => return daemon::serve_floor(arguments.next().unwrap().into()),
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            "--check" => check = true,
            other => panic!("`{other}` is neither `--rounds N` nor `--check`"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut rows = calls(folder.path(), rounds);
    rows.extend(in_process(folder.path(), rounds));
    rows.push(endless(folder.path()));
    rows.extend(deploys(folder.path()));
    rows.extend(hundred(folder.path()));
    let missed = rows.iter().filter(|row| row.value > row.goal).count();
    for Row { what, value, unit, goal } in rows {
        let verdict = if value > goal { "MISSED" } else { "" };
        println!("{what:52} {value:9.2} {unit:3}   goal {goal:6.1} {verdict}");
    }
    assert!(!check || missed == 0, "{missed} goals were missed");
}

/// Hooks over the socket, with one plugin, two and eleven, beside the floor.
fn calls(folder: &Path, rounds: usize) -> Vec<Row> {
    let serving = |plugins: usize| {
        let home = Home::new(folder, &format!("calls-{plugins}"), GOOD, WORD);
        home.write(1, plugins);
        home.switch(1);
        Daemon::host(&home)
    };
    let mut daemons = [Daemon::floor(folder), serving(1), serving(2), serving(11)];
    for (daemon, plugins) in daemons.iter_mut().zip([1, 1, 2, 11]) {
        let outcome = daemon.hook();
        assert!(matches!(outcome.verdict, Verdict::Replace { .. }), "{outcome:?}");
        assert_eq!(outcome.by.len(), plugins, "all plugins took part");
    }
    let mut taken = [const { Vec::new() }; 4];
    // Many in a row, as a client calls: with one call each, the processor that answers would have gone to sleep since its
    // last one, and what is measured is how it wakes up.
    for _ in 0..rounds / IN_A_ROW {
        for (daemon, taken) in daemons.iter_mut().zip(&mut taken) {
            for _ in 0..IN_A_ROW {
                let began = Instant::now();
                daemon.hook();
                taken.push(began.elapsed());
            }
        }
    }
    let [floor, one, two, eleven] = taken.map(median);
    println!(
        "floor {:.2} us, one {:.2} us, two {:.2} us, eleven {:.2} us\n",
        us(floor),
        us(one),
        us(two),
        us(eleven)
    );
    vec![
        Row { what: "a hook of one plugin over the socket", value: us(one), unit: "us", goal: 40.0 },
        Row {
            what: "the same, as a multiple of the floor",
            value: us(one) / us(floor),
            unit: "x",
            goal: 3.0,
        },
        Row { what: "a second plugin in its chain", value: us(two) - us(one), unit: "us", goal: 2.0 },
    ]
}

/// A hook of one plugin, called by a program that has the host within, and of eleven.
fn in_process(folder: &Path, rounds: usize) -> Vec<Row> {
    let [one, eleven] = [1, 11].map(|plugins| {
        let home = Home::new(folder, &format!("within-{plugins}"), GOOD, WORD);
        home.write(1, plugins);
        home.switch(1);
        let host = host(&home);
        let taken = (0..rounds).map(|_| {
            let (event, control) = (daemon::event(), Arc::new(Control::new(PATIENCE)));
            let began = Instant::now();
            let outcome = host.call_hook(event, &control).unwrap();
            let taken = began.elapsed();
            assert_eq!(outcome.by.len(), plugins);
            taken
        });
        us(median(taken.collect()))
    });
    vec![
        Row { what: "a hook of one plugin, in the process", value: one, unit: "us", goal: 2.0 },
        Row {
            what: "each further plugin of a chain of eleven, there",
            value: (eleven - one) / 10.0,
            unit: "us",
            goal: 2.0,
        },
    ]
}

/// A hook that never ends, from the call until it is given up. The limit is 50 ms.
fn endless(folder: &Path) -> Row {
    let home = Home::new(
        folder,
        "endless",
        FAULT,
        "config:\n  mode: { type: string, default: loop }\n  word: { type: string, default: good }\n",
    );
    let mut taken = Vec::new();
    for round in 1..=20 {
        // Each with a host of its own: after five in a minute it would not be called any more.
        home.write(round, 1);
        home.switch(round);
        let (host, control) = (host(&home), Arc::new(Control::new(PATIENCE)));
        let began = Instant::now();
        let outcome = host.call_hook(daemon::saying("now"), &control).unwrap();
        taken.push(began.elapsed());
        assert_eq!(outcome.verdict, Verdict::Pass);
        assert_eq!(host.plugins().plugins[0].faults, 1);
    }
    Row {
        what: "an endless hook, until it is stopped",
        value: us(median(taken)) / 1e3,
        unit: "ms",
        goal: 70.0,
    }
}

/// From `prepare` until a call is answered by the new set, its machine code being in the cache.
fn deploys(folder: &Path) -> Vec<Row> {
    let home = Home::new(folder, "deploys", GOOD, WORD);
    home.write(1, 1);
    home.switch(1);
    let mut daemon = Daemon::host(&home);
    let taken = (2..102).map(|number| {
        let wanted = home.write(number, 1);
        let began = Instant::now();
        let prepared: Prepared = daemon.client.call(&Call::Prepare(wanted.clone()), PATIENCE).unwrap();
        assert!(matches!(prepared, Prepared::Ready { .. }), "{prepared:?}");
        home.switch(number);
        let committed: Committed = daemon.client.call(&Call::Commit(wanted), PATIENCE).unwrap();
        assert!(committed.failed.is_empty(), "{committed:?}");
        daemon.hook();
        began.elapsed()
    });
    let value = us(median(taken.collect())) / 1e3;
    vec![Row { what: "from the signal to live, with a warm cache", value, unit: "ms", goal: 10.0 }]
}

/// A hundred plugins: how long they take to load, and how much memory they hold.
fn hundred(folder: &Path) -> Vec<Row> {
    let home = Home::new(folder, "hundred", GOOD, WORD);
    home.write(1, 100);
    home.switch(1);
    let taken = (0..20).map(|_| {
        let began = Instant::now();
        let host = host(&home);
        let taken = began.elapsed();
        assert_eq!(host.plugins().plugins.len(), 100);
        host.stop();
        taken
    });
    let load = us(median(taken.collect())) / 1e3;
    let mut daemon = Daemon::host(&home);
    assert_eq!(daemon.hook().by.len(), 100);
    let resident = daemon.resident() as f64 / f64::from(1 << 20);
    vec![
        Row { what: "100 plugins loaded from the cache", value: load, unit: "ms", goal: 100.0 },
        Row { what: "memory of an idle host with 100 plugins", value: resident, unit: "MiB", goal: 40.0 },
    ]
}

fn host(home: &Home) -> Host {
    let cache = CacheLayout::new(&home.cache);
    let compiler = env!("CARGO_BIN_EXE_leah-host").into();
    Host::start(Config { compiler, ..Config::read(home.layout.clone(), cache).unwrap() }).unwrap()
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken[taken.len() / 2]
}

fn us(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e6
}
