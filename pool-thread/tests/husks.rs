//! What is left of cancelled jobs is dropped where the program's own code may run.

mod common;

use common::{Gate, LONG, block_all, pool};
use executor_core::{Executor as _, ExecutorExt as _};
use pool_thread::ThreadPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Asks the pool how it is, whenever anything is reported.
struct Curious {
    pool: ThreadPool,
    reports: Arc<AtomicUsize>,
}

impl<S: tracing::Subscriber> Layer<S> for Curious {
    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        let _ = (self.pool.queued(), self.pool.workers());
        self.reports.fetch_add(1, Ordering::Relaxed);
    }
}

/// An error that nobody looked at is reported by whoever drops the last reference of the
/// job, which is the pool: the report may ask the pool.
#[test]
fn an_overlooked_error_may_be_reported_by_code_that_asks_the_pool() {
    // Fewer than would be swept while they are submitted, here, where nobody listens.
    const EXPIRING: usize = 400;
    const JOBS: usize = 2000;
    let pool = pool(1);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    for n in 0..EXPIRING as u64 {
        let task = pool
            .task(|n: u64| n, n)
            .queue_timeout(Duration::from_millis(30));
        task.submit().detach();
    }
    let reports = Arc::new(AtomicUsize::new(0));
    let curious = Curious {
        pool: pool.clone(),
        reports: reports.clone(),
    };
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let subscriber = tracing_subscriber::registry().with(curious);
        tracing::subscriber::with_default(subscriber, || {
            while pool.queued() > 0 {
                std::thread::yield_now();
            }
            // Each of these takes a step of the sweep.
            let tasks: Vec<_> = (0..JOBS).map(|_| pool.spawn(|| ())).collect();
            assert_eq!(pool.queued(), JOBS);
            tasks.iter().for_each(|task| {
                task.cancel();
            });
            let ended = pool.shutdown(executor_core::Shutdown::cancel_pending());
            tell.send(()).unwrap();
            drop(ended);
        });
    });
    told.recv_timeout(LONG)
        .expect("nobody waits for a lock of the pool");
    let reports = reports.load(Ordering::Relaxed);
    // The clock's thread may have had the last reference of some.
    assert!(reports > EXPIRING / 2, "{reports}");
    gate.open();
    for task in blocked {
        task.wait().unwrap();
    }
}
