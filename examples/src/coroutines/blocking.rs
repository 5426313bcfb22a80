//! Blocking functions in an asynchronous program: what blocks the loop, and what
//! does not.

use super::{LoopThread, Outcome, Second, current_thread};
use executor_core::{Executor, ExecutorExt as _, Task};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::thread::sleep;

/// Whom the article pings.
pub(super) const URLS: [&str; 3] = ["www.baidu.com", "www.qq.com", "www.yangyanxing.com"];

/// The article's blocking function, of two seconds. Like the article, from its
/// second program on, it only pretends to ping.
pub(super) fn ping((url, second, seconds): (String, Second, u32)) -> String {
    let here = || format!("{} 进程ID为: {}", current_thread(), std::process::id());
    println!("阻塞函数开始运行,当前的线程ID为: {}", here());
    sleep(second.times(seconds));
    println!("模拟ping 输出  {url}");
    println!("阻塞函数运行结束,当前的线程ID为: {}", here());
    url
}

fn not_blocked() {
    println!("主线程不会阻塞");
}

/// Threads, made by hand.
pub fn threads(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let threads = URLS.map(|url| std::thread::spawn(move || ping((url.to_owned(), second, 2))));
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(())
}

/// Callbacks of a loop in another thread: one after another, on that thread.
pub fn callbacks(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let side = LoopThread::start()?;
    for url in URLS {
        side.handle.call_soon_threadsafe(move || {
            ping((url.to_owned(), second, 2));
        })?;
    }
    not_blocked();
    // The article leaves the loop running: here, until it is through with them.
    let (tell, told) = std::sync::mpsc::channel::<()>();
    side.handle.call_soon_threadsafe(move || drop(tell))?;
    let _ = told.recv();
    side.end()
}

/// The loop's default executor: at the same time, on threads of its own.
pub fn default_executor(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let side = LoopThread::start()?;
    let tasks = URLS.map(|url| {
        side.handle
            .run_in_executor(None, ping, (url.to_owned(), second, 2))
    });
    not_blocked();
    finish(tasks)?;
    side.end()
}

/// An executor of two threads, and then one of processes: the only change is
/// which one is made.
pub fn executors(second: Second) -> Outcome {
    println!("In main thread  {}", current_thread());
    let threads = ThreadPool::builder().max_workers(2).build()?;
    on(&threads, second)?;
    let processes = ProcessPool::builder().build()?;
    on(&processes, second)
}

fn on(executor: &dyn Executor, second: Second) -> Outcome {
    let tasks = URLS.map(|url| executor.submit(ping, (url.to_owned(), second, 2)));
    not_blocked();
    finish(tasks)
}

fn finish(tasks: [Task<String>; 3]) -> Outcome {
    for task in tasks {
        task.wait()?;
    }
    Ok(())
}
