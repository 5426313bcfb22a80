//! What a job costs: alone, and among thousands.

use benches::Executors;
use benches::jobs::{echo, increment};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};
use executor_core::ExecutorExt as _;
use std::num::NonZero;
use std::thread::available_parallelism;

/// How many jobs are in flight in `throughput`.
const JOBS: u64 = 10_000;

/// What a large job carries, each way.
const PAYLOAD: usize = 64 * 1024;

/// One job is submitted and waited for.
fn round_trip(criterion: &mut Criterion) {
    let executors = executors();
    let mut group = criterion.benchmark_group("round_trip");
    for (name, executor) in executors.iter() {
        group.bench_function(BenchmarkId::new(name, "u64"), |bencher| {
            bencher.iter(|| executor.submit(increment, 7).wait().unwrap());
        });
    }
    group.throughput(Throughput::Bytes(PAYLOAD as u64));
    for (name, executor) in executors.iter() {
        group.bench_function(BenchmarkId::new(name, "64 KiB"), |bencher| {
            let payload = || vec![7; PAYLOAD];
            let call = |payload| executor.submit(echo, payload).wait().unwrap();
            bencher.iter_batched(payload, call, BatchSize::SmallInput);
        });
    }
}

/// Many jobs are submitted, and then waited for.
fn throughput(criterion: &mut Criterion) {
    let executors = executors();
    let mut group = criterion.benchmark_group("throughput");
    group.sample_size(50);
    group.throughput(Throughput::Elements(JOBS));
    for (name, executor) in executors.iter() {
        group.bench_function(BenchmarkId::new(name, "u64"), |bencher| {
            bencher.iter(|| {
                let tasks: Vec<_> = (0..JOBS).map(|n| executor.submit(increment, n)).collect();
                tasks
                    .into_iter()
                    .map(|task| task.wait().unwrap())
                    .sum::<u64>()
            });
        });
    }
}

fn executors() -> Executors {
    let workers = available_parallelism().map_or(1, NonZero::get);
    Executors::new(workers).expect("the pools start")
}

criterion_group!(groups, round_trip, throughput);

// Not `criterion_main!`: its `main` would run the benchmarks in the workers too.
fn main() {
    pool_process::init();
    groups();
    Criterion::default().configure_from_args().final_summary();
}
