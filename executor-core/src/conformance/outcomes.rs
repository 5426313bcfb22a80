//! Rules about results and failures.

use super::{Subject, finish};
use crate::error::TaskErrorKind;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::job::Job;
use crate::panic::catch;
use crate::shutdown::{Shutdown, ShutdownReport};
use crate::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Shape {
    #[default]
    Unit,
    Newtype(String),
    Fields {
        map: BTreeMap<String, Option<i128>>,
        list: Vec<Shape>,
        float: f64,
    },
}

fn echo<T>(value: T) -> T {
    value
}

/// Arguments and results arrive as they were sent, of whatever type and size.
pub fn results_and_arguments_arrive(subject: &dyn Subject) {
    let executor = subject.start(2);
    let shape = Shape::Fields {
        map: [("ä".to_owned(), Some(i128::MIN)), (String::new(), None)].into(),
        list: vec![Shape::Unit, Shape::Newtype("\0\u{10ffff}".to_owned())],
        float: -0.0,
    };
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let shapes = executor.submit(echo, shape.clone());
    let units = executor.submit(echo, ());
    let large = executor.submit(echo, bytes.clone());
    let closure = executor.submit(|(a, b): (u8, char)| format!("{a}{b}"), (7, '€'));
    assert_eq!(finish(shapes).unwrap(), shape);
    finish(units).unwrap();
    assert!(finish(large).unwrap() == bytes);
    assert_eq!(finish(closure).unwrap(), "7€");
}

fn panics(text: String) -> u8 {
    panic!("on purpose: {text}")
}

/// A panic comes back as an error with its message and place; others go on.
pub fn a_panic_fails_its_task_alone(subject: &dyn Subject) {
    let executor = subject.start(1);
    let task = executor
        .task(panics, "ünïcode".to_owned())
        .name("doomed")
        .submit();
    let next = executor.submit(echo, 1_u8);
    let error = finish(task).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Panicked);
    assert_eq!(error.task_name(), Some("doomed"));
    let report = error.panic_report().expect("a panic is reported");
    assert_eq!(report.message(), "on purpose: ünïcode");
    let location = report.location().expect("the place is known");
    assert!(location.contains("outcomes.rs:"), "{location}");
    assert!(error.to_string().contains("on purpose"), "{error}");
    assert_eq!(finish(next).unwrap(), 1);
}

/// The empty error: failure must not be told from the error's value.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

fn only_even(n: u64) -> Result<u64, Refused> {
    if n.is_multiple_of(2) {
        Ok(n)
    } else {
        Err(Refused)
    }
}

/// A function's own `Err` comes back typed; a flattened task has failed.
pub fn an_error_of_the_function_is_typed_and_fails_a_flattened_task(subject: &dyn Subject) {
    let executor = subject.start(1);
    assert_eq!(finish(executor.submit(only_even, 3)).unwrap(), Err(Refused));
    assert_eq!(finish(executor.submit(only_even, 4).flatten()).unwrap(), 4);
    let task = executor.task(only_even, 5).name("five").submit().flatten();
    let error = finish(task).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Failed);
    assert_eq!(error.task_name(), Some("five"));
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(error.downcast::<Refused>().unwrap(), Refused);
}

/// Each task has an id of its own, and a name: its function's, or the given.
pub fn names_and_ids_tell_tasks_apart(subject: &dyn Subject) {
    let executor = subject.start(1);
    let plain = executor.submit(only_even, 2);
    let named = executor.task(only_even, 2).name("a name").submit();
    assert!(plain.name().ends_with("only_even"), "{}", plain.name());
    assert_eq!(named.name(), "a name");
    assert!(plain.id() < named.id());
    assert!(format!("{named:?}").contains("a name"));
    assert!(finish(plain).is_ok() && finish(named).is_ok());
}

/// Done callbacks run once each, in order, with the outcome; one that panics
/// harms neither the others nor the task; a late one runs at once.
pub fn callbacks_see_the_outcome_in_order_and_once(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut task = executor.submit(echo, 21_u64);
    let (tell, told) = channel();
    for number in 0..3 {
        let tell = tell.clone();
        task.add_done_callback(move |outcome| {
            tell.send((number, *outcome.expect("it returns"))).unwrap();
            assert!(number != 0, "the first callback panics");
        });
    }
    let outcome = task.wait_timeout(super::DEADLINE).expect("it ends");
    assert_eq!(outcome.unwrap(), 21);
    let calls: Vec<_> = told.try_iter().collect();
    assert_eq!(calls, [(0, 21), (1, 21), (2, 21)]);

    let failed = executor.submit(panics, String::new());
    while !failed.is_done() {
        std::thread::yield_now();
    }
    failed.add_done_callback(move |outcome| {
        assert!(outcome.unwrap_err().is_panicked());
        tell.send((9, 9)).unwrap();
    });
    assert_eq!(told.try_recv(), Ok((9, 9)));
}

/// The outcome is moved out once; asking too early or again is an error.
pub fn a_result_is_taken_once(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut task = executor.submit(echo, "x".to_owned());
    assert_eq!(
        task.wait_timeout(super::DEADLINE)
            .expect("it ends")
            .unwrap(),
        "x"
    );
    let again = task.try_result().unwrap_err();
    assert_eq!(again.kind(), TaskErrorKind::InvalidState);
    assert!(task.is_done() && !task.is_running() && !task.is_cancelled());
    assert!(task.outcome().is_none());
    assert!(finish(task).unwrap_err().is_invalid_state());
}

/// A box, an `Arc` and a reference of an executor are executors.
pub fn boxed_and_shared_executors_work_alike(subject: &dyn Subject) {
    fn generic<E: Executor>(executor: E) -> u8 {
        finish(executor.submit(echo, 1)).unwrap()
    }
    struct Wrapped(Arc<dyn Executor>);
    impl Executor for Wrapped {
        fn execute(&self, job: Job) {
            self.0.execute(job);
        }
        fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
            self.0.shutdown(how)
        }
        fn concurrency(&self) -> usize {
            self.0.concurrency()
        }
    }
    let shared: Arc<dyn Executor> = subject.start(1).into();
    assert_eq!(generic(&shared), 1);
    assert_eq!(generic(&*shared), 1);
    assert_eq!(generic(Box::new(Wrapped(shared.clone()))), 1);
    assert_eq!(shared.concurrency(), 1);
}

/// Ten threads submit at once, and each gets its own results.
pub fn ten_threads_submit_at_once(subject: &dyn Subject) {
    let executor = subject.start(4);
    let start = Barrier::new(10);
    let ids = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10_u64)
            .map(|thread| {
                let (executor, start) = (&*executor, &start);
                scope.spawn(move || {
                    start.wait();
                    let tasks: Vec<_> = (0..100)
                        .map(|n| executor.submit(echo, (thread, n)))
                        .collect();
                    let ids: Vec<_> = tasks.iter().map(Task::id).collect();
                    for (n, task) in tasks.into_iter().enumerate() {
                        assert_eq!(finish(task).unwrap(), (thread, n));
                    }
                    ids
                })
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().flat_map(join).collect::<BTreeSet<_>>()
    });
    assert_eq!(ids.len(), 1000);
    assert!(catch(|| drop(executor)).is_ok());
}
