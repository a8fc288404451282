//! How long it takes to read, check and write what a plugin, a registry and an installation consist of. All is in
//! memory, and all keys are made anew.
//!
//! ```sh
//! cargo bench -p leah-plugin --bench formats [-- NAME]
//! ```

#![expect(clippy::unwrap_used, reason = "a benchmark may end at the line that surprises it")]

#[path = "../../tests/fixture/mod.rs"]
mod fixture;
mod made;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leah_plugin::{
    digest::Digest,
    key::SecretKey,
    lock::Lock,
    manifest::Manifest,
    package::{ContentHasher, Limits, Package},
    record::Record,
    signature::{SignatureBlock, UNTRUSTED_COMMENT},
    tree::{self, RecordRef},
};

const MANIFEST: &[u8] = include_bytes!("../../../../plugins/translator/plugin.yaml");

/// A package as it is published: the component has 129 kB.
const TRANSLATOR: &[u8] = include_bytes!("../../../../bundled/packages/translator/translator-1.1.0.tar.gz");

fn signature(c: &mut Criterion) {
    let mut group = c.benchmark_group("signature");
    let key = SecretKey::generate().unwrap();
    let archive = made::bytes(400_000);
    let block = key.sign(&archive, "a comment", UNTRUSTED_COMMENT).unwrap();
    let public = key.public();
    group.bench_function("parse", |b| b.iter(|| SignatureBlock::read(black_box(block.as_text().as_bytes()))));
    for size in [0, 400_000] {
        let block = key.sign(&archive[..size], "a comment", UNTRUSTED_COMMENT).unwrap();
        group.bench_function(BenchmarkId::new("verify", size), |b| {
            b.iter(|| block.verify(&public, black_box(&archive[..size])).unwrap());
        });
    }
    group.finish();
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("record, by versions");
    let (root, publisher) = (SecretKey::generate().unwrap().public(), SecretKey::generate().unwrap());
    let (origin, name) = made::hub();
    for versions in [5, 100] {
        let record = made::record(&publisher, versions, &Manifest::read(MANIFEST).unwrap());
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function(BenchmarkId::new("read", versions), |b| {
            b.iter(|| Record::read(black_box(&record), &origin, &name, &root).unwrap());
        });
        let record = Record::read(&record, &origin, &name, &root).unwrap();
        group.bench_function(BenchmarkId::new("list", versions), |b| b.iter(|| record.versions().len()));
    }
    group.finish();
}

/// A name in a directory of 4,000: the top node, and a leaf of 62 names or so.
fn directory(c: &mut Criterion) {
    let mut group = c.benchmark_group("directory");
    let at = RecordRef { record: Digest::of(b"record"), size: 4_000 };
    let built = tree::build(&made::names(4_000).map(|name| (name, at)).collect());
    let name = made::names(1).next().unwrap();
    let node = |digest| &built.objects.iter().find(|(at, _)| *at == digest).unwrap().1;
    let top = node(built.root);
    let step = |level, node: &[u8]| tree::step(built.depth, level, node, &name).unwrap();
    let tree::Step::Descend(leaf) = step(0, top) else { panic!("a directory of two levels") };
    group.bench_function("inner node", |b| b.iter(|| step(0, black_box(top))));
    group.bench_function("leaf", |b| b.iter(|| step(1, black_box(node(leaf)))));
    group.finish();
}

fn package(c: &mut Criterion) {
    let mut group = c.benchmark_group("package, by bytes of its tar");
    let limits = Limits::default();
    for size in [100_000, 1_000_000, 4_000_000] {
        let archive = made::package(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("read", size), |b| {
            b.iter(|| Package::read(black_box(&archive), &limits).unwrap());
        });
        let package = Package::read(&archive, &limits).unwrap();
        group.bench_function(BenchmarkId::new("content hash", size), |b| {
            b.iter(|| {
                let mut hasher = ContentHasher::new();
                for (path, bytes) in package.files() {
                    hasher.add(path, bytes.len() as u64).unwrap();
                    hasher.update(black_box(bytes)).unwrap();
                }
                assert_eq!(hasher.finish().unwrap(), *package.content());
            });
        });
    }
    group.finish();
    c.bench_function("package/read, the bundled translator", |b| {
        b.iter(|| Package::read(black_box(TRANSLATOR), &limits).unwrap());
    });
}

fn lock(c: &mut Criterion) {
    let mut group = c.benchmark_group("lock, by plugins");
    for plugins in [5, 50, 300] {
        let text = made::lock(plugins).to_text().unwrap();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("read", plugins), |b| {
            b.iter(|| Lock::read(black_box(text.as_bytes())).unwrap());
        });
        let lock = Lock::read(text.as_bytes()).unwrap();
        group.bench_function(BenchmarkId::new("write", plugins), |b| b.iter(|| lock.to_text().unwrap()));
    }
    group.finish();
}

fn manifest(c: &mut Criterion) {
    c.bench_function("manifest/read", |b| b.iter(|| Manifest::read(black_box(MANIFEST)).unwrap()));
}

criterion_group!(benches, signature, record, directory, package, lock, manifest);
criterion_main!(benches);
