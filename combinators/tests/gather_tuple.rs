//! gather of a tuple: tasks of different types.

mod common;

use combinators::{create_task, gather, gather_settled};
use common::{Broken, Wakes, poll_once, run};
use executor_core::{ExecutorExt as _, Inline, Task, TaskError, promise};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::task::Poll;

/// CPython: test_tasks.py::GatherTestsBase::test_success
#[test]
fn values_come_in_their_places_once_the_last_is_in() {
    let (a, number) = promise::<u8>("number");
    let (b, text) = promise::<String>("text");
    let (c, unit) = promise::<()>("unit");
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather((number, text, unit));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    c.resolve(Ok(()));
    b.resolve(Ok("b".to_owned()));
    assert_eq!(wakes.count(), 0, "woken before the end");
    a.resolve(Ok(1));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(values) = poll_once(&mut gathering, &wakes) else {
        panic!("all are done");
    };
    assert_eq!(values.unwrap(), (1, "b".to_owned(), ()));
}

#[test]
fn jobs_and_coroutines_of_any_error_type_mix() {
    let inline = Inline::new();
    let boxed: BoxFuture<'static, Result<bool, TaskError>> = async { Ok(true) }.boxed();
    let values = run(gather((
        inline.submit(|n: u64| n * n, 7),
        async { "8".parse::<i8>() },
        async { Ok::<_, Broken>('c') },
        async { Ok::<_, &str>(vec![1_u8]) },
        create_task(async { "text" }),
        boxed,
    )));
    let (job, parsed, letter, bytes, text, yes): (u64, i8, char, Vec<u8>, &str, bool) =
        values.unwrap();
    assert_eq!((job, parsed, letter, text, yes), (49, 8, 'c', "text", true));
    assert_eq!(bytes, [1]);
}

#[test]
fn one_to_twelve() {
    fn t<T: Send + 'static>(value: T) -> Task<T> {
        Task::ready("t", Ok(value))
    }
    assert_eq!(run(gather((t(1),))).unwrap(), (1,));
    let twelve = (
        t(0_u8),
        t(1_i8),
        t(2_u16),
        t(3_i16),
        t(4_u32),
        t(5_i32),
        t(6_u64),
        t(7_i64),
        t(8_usize),
        t(9_isize),
        t('a'),
        t("b"),
    );
    let values = run(gather(twelve)).unwrap();
    assert_eq!(values, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'a', "b"));
}

/// CPython: test_tasks.py::GatherTestsBase::test_one_exception
#[test]
fn the_first_failure_ends_it() {
    let (a, number) = promise::<u8>("number");
    let (b, text) = promise::<String>("text");
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather((number, text));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    b.resolve(Err(TaskError::failed(Broken(2))));
    assert_eq!(wakes.count(), 1);
    let error = run(&mut gathering).unwrap_err();
    assert_eq!(error.task_name(), Some("text"));
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(2));
    assert!(a.is_pending());
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
}

/// CPython: test_tasks.py::GatherTestsBase::test_return_exceptions
#[test]
fn settled_gives_a_tuple_of_results() {
    let outcomes = run(gather_settled((
        async { "7".parse::<u8>() },
        async { "x".parse::<u8>() },
        Task::<char>::ready("c", Err(TaskError::cancelled("by the test"))),
    )));
    assert_eq!(outcomes.0.unwrap(), 7);
    assert!(
        outcomes
            .1
            .unwrap_err()
            .downcast::<std::num::ParseIntError>()
            .is_ok()
    );
    assert!(outcomes.2.unwrap_err().is_cancelled());
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_it_again_panics() {
    let mut gathering = gather_settled((Task::ready("done", Ok(())),));
    let _ = run(&mut gathering);
    let _ = run(&mut gathering);
}

/// What the compiler can infer of an iterator's tasks, it can infer of a tuple's.
#[test]
fn types_are_inferred_from_either_side() {
    async fn sum() -> Result<u16, TaskError> {
        let tasks = [Task::ready("a", Ok(1)), Task::ready("b", Ok(2))];
        let values: Vec<u16> = gather(tasks).await?;
        let (a, b) = gather((Task::ready("a", Ok(3)), Task::ready("b", Ok(4)))).await?;
        let ((c,), [d, e]): (_, [u16; 2]) = (
            gather((Task::ready("c", Ok(5)),)).await?,
            gather((6..8).map(|n| async move { Ok::<_, TaskError>(n) }))
                .await?
                .try_into()
                .unwrap(),
        );
        fn generic<I: IntoIterator<Item = Task<u16>>>(
            tasks: I,
        ) -> impl Future<Output = Result<Vec<u16>, TaskError>> {
            gather(tasks)
        }
        let none: u16 = generic(None).await?.iter().sum();
        Ok(values.into_iter().sum::<u16>() + a + b + c + d + e + none)
    }
    assert_eq!(run(sum()).unwrap(), 28);
}
