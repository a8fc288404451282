//! How long the resolver takes, with all records there: nothing is read, asked for or checked.
//!
//! ```sh
//! cargo bench -p leahpm --bench resolver [-- NAME]
//! ```
//!
//! What is timed is `resolve` as a whole: which versions can be used, the solver, the order of getting ready and why
//! each newer version was passed over. `index` is what comes before it, candidates sorted into an index.

#![expect(clippy::unwrap_used, reason = "a benchmark may end at the line that surprises it")]

mod hostile;
mod market;

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use leahpm::{
    requirements::Update,
    resolve::{Index, Resolution, ResolveError, resolve},
};

use self::market::{Market, VERSIONS};

/// What a command gives the resolver.
const LIMIT: Duration = Duration::from_secs(2);

/// Plugins of the market.
const PLUGINS: usize = 1_000;

fn in_time(market: &Market) -> Resolution {
    resolve(&market.requirements, &market.index, &|| false).unwrap()
}

/// 1,000 plugins with 20 versions each, all of them in the answer.
fn market(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("{PLUGINS} plugins of {VERSIONS} versions"));
    let asked = Market::new(PLUGINS, PLUGINS);
    assert_eq!(in_time(&asked).plugins.len(), PLUGINS);
    group.bench_function("index", |b| {
        let add = |records: Vec<_>| {
            let mut index = Index::default();
            records.into_iter().for_each(|(id, candidates)| index.add(id, candidates));
            index
        };
        b.iter_batched(|| asked.records(), add, BatchSize::LargeInput);
    });
    group.bench_function("all asked for", |b| b.iter(|| in_time(&asked)));

    let few = Market::new(PLUGINS, PLUGINS / 20);
    assert_eq!(in_time(&few).plugins.len(), PLUGINS);
    group.bench_function("one in twenty asked for, the others needed", |b| b.iter(|| in_time(&few)));

    let mut locked = Market::new(PLUGINS, PLUGINS / 20);
    locked.lock(&in_time(&few));
    group.bench_function("all locked, as an install finds them", |b| b.iter(|| in_time(&locked)));
    locked.requirements.update = Update::All;
    group.bench_function("all locked, to be updated", |b| b.iter(|| in_time(&locked)));

    let mut laggards = Market::new(PLUGINS, PLUGINS / 20);
    laggards.hold_back();
    assert_ne!(in_time(&laggards), in_time(&few));
    group.bench_function("one that needs what is old", |b| b.iter(|| in_time(&laggards)));
    group.finish();
}

/// Indexes that are made to keep the resolver busy: it ends, at the deadline at the latest, and says what it was about.
fn deadline(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("until a deadline of {LIMIT:?}"));
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(LIMIT * 10);
    for (shape, market) in hostile::shapes() {
        group.bench_function(shape, |b| {
            b.iter(|| {
                let end = Instant::now() + LIMIT;
                let answer = resolve(&market.requirements, &market.index, &|| Instant::now() >= end);
                match answer.unwrap_err() {
                    ResolveError::Deadline { busiest } => assert!(!busiest.is_empty()),
                    ResolveError::NoSolution(explanation) => assert!(!explanation.facts.is_empty()),
                    error => panic!("{error}"),
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, market, deadline);
criterion_main!(benches);
