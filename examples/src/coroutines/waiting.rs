//! Coroutines that wait for each other, and the loop that runs them.

use super::{Outcome, Second, ZeroDivisionError, divide, testa, testb};
use combinators::{EventLoop, ReturnWhen, Waited, create_task, ensure_future, gather, sleep, wait};
use executor_core::{Task, TaskError};
use std::time::Instant;

async fn add3(x: i32) -> Result<i32, TaskError> {
    println!("in async fun add");
    Ok(x + 3)
}

/// A coroutine runs when a loop runs it.
pub fn first(_: Second) -> Outcome {
    let mut event_loop = EventLoop::new();
    let result = event_loop.run_until_complete(add3(2))?;
    println!("{result}");

    // Awaited by another one, which has to be run all the same.
    let main = async { add3(2).await };
    println!("{}", event_loop.run_until_complete(main)?);
    Ok(())
}

/// Two awaits in sequence take as long as both: 4 seconds.
pub fn sequence(second: Second) -> Outcome {
    let main = async {
        let start = Instant::now();
        let resulta = testa(1, second).await?;
        let resultb = testb(2, second).await?;
        println!("test a result is {resulta}");
        println!("test b result is {resultb}");
        println!("use {:.2} time", second.since(start));
        Ok::<_, TaskError>(())
    };
    Ok(EventLoop::new().run_until_complete(main)?)
}

/// `gather` takes as long as the slowest, 3 seconds; results in argument order.
pub fn gathered(second: Second) -> Outcome {
    let main = async {
        let start = Instant::now();
        let (resulta, resultb) = gather((testa(1, second), testb(2, second))).await?;
        println!("test a result is {resulta}");
        println!("test b result is {resultb}");
        println!("use {:.2} time", second.since(start));
        Ok::<_, TaskError>(())
    };
    Ok(EventLoop::new().run_until_complete(main)?)
}

/// Tasks: from `ensure_future`, and then from `create_task`.
pub fn tasks(second: Second) -> Outcome {
    let ensured = async {
        watch(
            ensure_future(testa(1, second)),
            ensure_future(testb(2, second)),
            second,
        )
        .await
    };
    EventLoop::new().run_until_complete(ensured)?;
    let created = async {
        watch(
            create_task(testa(1, second)).flatten(),
            create_task(testb(2, second)).flatten(),
            second,
        )
        .await
    };
    Ok(EventLoop::new().run_until_complete(created)?)
}

async fn watch(
    mut taska: Task<i32>,
    mut taskb: Task<i32>,
    second: Second,
) -> Result<(), TaskError> {
    let start = Instant::now();
    println!("{taska:?}");
    println!("{taskb:?}");
    println!("{} {}", taska.is_done(), taskb.is_done());
    // Asking too early is an error, and changes nothing.
    if let Err(error) = taska.try_result() {
        println!("{error}");
    }
    let resultb = (&mut taskb).await?;
    let resulta = (&mut taska).await?;
    println!("{} {}", taska.is_done(), taskb.is_done());
    println!("{resultb}");
    println!("{resulta}");
    println!("use {:.2} time", second.since(start));
    Ok(())
}

/// `wait` gives the tasks back, those that are done and those that are not.
pub fn waited(second: Second) -> Outcome {
    let main = async {
        let start = Instant::now();
        let tasks = [
            ensure_future(testa(1, second)),
            ensure_future(testb(2, second)),
        ];
        let Waited { mut done, pending } = wait(tasks, ReturnWhen::AllCompleted).await;
        println!("{done:?}");
        println!("{pending:?}");
        println!("{}", done[0].try_result()?);
        println!("use {:.2} time", second.since(start));
        Ok::<_, TaskError>(())
    };
    Ok(EventLoop::new().run_until_complete(main)?)
}

/// The first failure ends this `wait`, after 1 second; the other task is pending.
pub fn first_exception(second: Second) -> Outcome {
    let testa = async move {
        println!("in test a");
        sleep(second.times(3)).await;
        println!("{}", divide(1, 0)?);
        println!("Resuming a");
        Ok::<_, ZeroDivisionError>(1)
    };
    let testb = async move {
        println!("in test b");
        sleep(second.times(1)).await;
        println!("{}", divide(1, 0)?);
        println!("Resuming b");
        Ok::<_, ZeroDivisionError>(2)
    };
    let main = async {
        let start = Instant::now();
        let tasks = [ensure_future(testa), ensure_future(testb)];
        let waited = wait(tasks, ReturnWhen::FirstException).await;
        println!("{:?}", waited.done);
        println!("{:?}", waited.pending);
        // In place of a result there is the error, and it is the coroutine's own.
        for mut task in waited.done {
            if let Err(error) = task.try_result() {
                println!("exception={:?}", error.downcast_ref::<ZeroDivisionError>());
            }
        }
        println!("use {:.2} time", second.since(start));
        for task in waited.pending {
            task.cancel();
        }
        Ok::<_, TaskError>(())
    };
    Ok(EventLoop::new().run_until_complete(main)?)
}
