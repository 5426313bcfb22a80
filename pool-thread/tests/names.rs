//! The names of threads. One test, so that it alone builds pools in its process.

mod common;

use common::{Gate, finish};
use executor_core::Task;
use pool_thread::ThreadPool;
use std::collections::BTreeSet;

fn names(pool: &ThreadPool) -> BTreeSet<String> {
    let gate = Gate::new();
    let tasks: Vec<_> = (0..pool.max_workers() as u64)
        .map(|n| {
            let ticket = gate.ticket();
            pool.spawn(move || {
                ticket.pass(n);
                std::thread::current().name().map(str::to_owned)
            })
        })
        .collect();
    tasks.iter().for_each(|_| {
        gate.arrival();
    });
    gate.open();
    let name = |task: Task<Option<String>>| finish(task).unwrap().expect("threads have names");
    tasks.into_iter().map(name).collect()
}

/// CPython: `test_shutdown.py::test_thread_names_assigned`, `test_thread_names_default`.
#[test]
fn threads_are_named_as_in_python() {
    let default = |number: usize| (0..3).map(move |n| format!("ThreadPoolExecutor-{number}_{n}"));
    let of_three = || ThreadPool::builder().max_workers(3);

    let first = of_three().build().unwrap();
    assert_eq!(names(&first), default(0).collect());
    let named = of_three().name("SpecialPool").build().unwrap();
    let expected = (0..3).map(|n| format!("SpecialPool_{n}")).collect();
    assert_eq!(names(&named), expected);
    assert_eq!(named.name(), "SpecialPool");
    // Neither a named pool nor one that is refused uses up a number.
    assert!(of_three().max_queued(0).build().is_err());
    let second = of_three().build().unwrap();
    assert_eq!(names(&second), default(1).collect());
    assert_eq!(ThreadPool::new().name(), "ThreadPoolExecutor-2");

    let error = of_three().name("a\0b").build().unwrap_err();
    assert_eq!(error.to_string(), "name must not contain a NUL byte");
}
