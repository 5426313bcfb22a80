//! Coroutines given to a loop from another thread, and all kinds of tasks in one
//! `gather`.

use super::blocking::ping;
use super::driving::callbackfunc;
use super::{LoopThread, Outcome, Second, asyncfunc, current_thread};
use combinators::{Handle, create_task, ensure_future, gather};
use executor_core::{Task, TaskError};
use std::time::Instant;

/// Four coroutines, at the same time on the loop's one thread.
pub fn coroutines(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let side = LoopThread::start()?;
    let tasks = [1, 1, 2, 2].map(|number| {
        let coroutine = asyncfunc(number, second.times(1));
        side.handle.run_coroutine_threadsafe(coroutine)
    });
    println!("主线程不会阻塞");
    for task in tasks {
        task.wait()?;
    }
    side.end()
}

/// Tasks from coroutines, from other threads and from an executor, in one
/// `gather`: it takes as long as the slowest, 4 seconds.
pub fn everything(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let side = LoopThread::start()?;
    let main = main(side.handle.clone(), second);
    let task = side.handle.run_coroutine_threadsafe(main);
    println!("主线程不会阻塞");
    task.wait()?;
    side.end()
}

async fn main(handle: Handle, second: Second) -> Result<(), TaskError> {
    let start = Instant::now();
    let func = |number| asyncfunc(number, second.times(number));
    let with_callback = |task: Task<String>| {
        task.add_done_callback(callbackfunc);
        task
    };
    let task1 = with_callback(create_task(func(1)).flatten());
    let task2 = with_callback(create_task(func(2)).flatten());
    // From the loop's own thread these may be awaited; to block on them here would
    // be an error.
    let task3 = with_callback(handle.run_coroutine_threadsafe(func(1)));
    let task4 = with_callback(handle.run_coroutine_threadsafe(func(2)));
    let ping = |url: &str| handle.run_in_executor(None, ping, (url.to_owned(), second, 4));
    let task5 = with_callback(ping("www.baidu.com"));
    let task6 = with_callback(ping("www.yangyanxing.com"));
    let task7 = with_callback(ensure_future(func(1)));
    let task8 = with_callback(ensure_future(func(2)));

    let result = gather([task1, task2, task5, task6, task7, task8]).await?;
    println!("{result:?}");
    println!("一共用了{:.2}时间", second.since(start));
    drop((task3, task4));
    Ok(())
}
