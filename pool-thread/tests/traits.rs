//! Facts about the types that must not change by accident.

use executor_core::Executor;
use pool_thread::{BuildError, ThreadPool, ThreadPoolBuilder};
use std::error::Error;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

fn shared<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug + 'static>() {}

#[test]
fn the_types_have_the_traits_they_should() {
    shared::<ThreadPool>();
    shared::<ThreadPoolBuilder>();
    shared::<BuildError>();
    fn handle<T: Executor + Clone + Default>() {}
    handle::<ThreadPool>();
    fn error<T: Error>() {}
    error::<BuildError>();
    assert_eq!(size_of::<ThreadPool>(), size_of::<usize>());
}

#[test]
fn a_pool_is_an_executor_behind_any_pointer() {
    let pool = ThreadPool::new();
    let borrowed: &dyn Executor = &pool;
    let boxed: Box<dyn Executor> = Box::new(pool.clone());
    assert_eq!(borrowed.concurrency(), boxed.concurrency());
}
