//! Tasks that a loop drives: their results, their callbacks, and its end.

use super::{Outcome, Second, asyncfunc, current_thread};
use combinators::{EventLoop, create_task, gather};
use executor_core::{Task, TaskError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The article's `callbackfunc`.
pub(super) fn callbackfunc(outcome: Result<&String, &TaskError>) {
    match outcome {
        Ok(result) => println!("task 运行结束,它的结果是: {result}"),
        Err(error) => println!("task 运行结束,它的结果是: {error}"),
    }
}

/// One task, run to its end; then its result is there.
pub fn one_task(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let mut event_loop = EventLoop::new();
    let coroutine = asyncfunc(1, second.times(1));
    let mut task = event_loop.handle().run_coroutine_threadsafe(coroutine);
    let result = event_loop.run_until_complete(&mut task)?;
    println!("task result is  {result}");
    Ok(())
}

/// The same with a callback.
pub fn callback(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let mut event_loop = EventLoop::new();
    let coroutine = asyncfunc(1, second.times(1));
    let mut task = event_loop.handle().run_coroutine_threadsafe(coroutine);
    task.add_done_callback(callbackfunc);
    event_loop.run_until_complete(&mut task)?;
    Ok(())
}

/// A task whose loop never runs is destroyed, and that is reported.
pub fn never_run(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    handle.set_exception_handler(|context| println!("{context}"));
    let task = handle.run_coroutine_threadsafe(asyncfunc(1, second.times(1)));
    task.add_done_callback(callbackfunc);
    drop(event_loop);
    Ok(())
}

/// A loop that runs for ever, until a callback stops it.
pub fn run_forever(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let mut event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let task = handle.run_coroutine_threadsafe(asyncfunc(1, second.times(1)));
    task.add_done_callback(move |outcome| {
        callbackfunc(outcome);
        handle.stop();
    });
    task.detach();
    Ok(event_loop.run_forever()?)
}

/// Two tasks at once. The article's loop never ends; the last callback ends this.
pub fn two_tasks(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let mut event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let left = Arc::new(AtomicUsize::new(2));
    for number in [1, 2] {
        let task = handle.run_coroutine_threadsafe(asyncfunc(number, second.times(1)));
        let (left, handle) = (left.clone(), handle.clone());
        task.add_done_callback(move |outcome| {
            callbackfunc(outcome);
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                handle.stop();
            }
        });
        task.detach();
    }
    Ok(event_loop.run_forever()?)
}

/// `gather` collects results: of tasks with callbacks, and of coroutines.
pub fn collected(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let main = async move {
        let task = |number| -> Task<String> {
            let task = create_task(asyncfunc(number, second.times(1))).flatten();
            task.add_done_callback(callbackfunc);
            task
        };
        println!("{:?}", gather([task(1), task(2)]).await?);
        Ok::<_, TaskError>(())
    };
    EventLoop::new().run_until_complete(main)?;
    let main2 = async move {
        let coroutine = |number| asyncfunc(number, second.times(1));
        println!("{:?}", gather([coroutine(1), coroutine(2)]).await?);
        Ok::<_, TaskError>(())
    };
    Ok(EventLoop::new().run_until_complete(main2)?)
}
