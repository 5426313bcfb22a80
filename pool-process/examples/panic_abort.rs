//! Shows that a panic is reported although the program is built to abort.
//!
//! Run with `cargo run --profile abort -p pool-process --example panic_abort`.

use executor_core::{ExecutorExt as _, WorkerExit};
use pool_process::ProcessPool;

fn panics(text: String) -> u8 {
    panic!("on purpose: {text}")
}

fn panics_elsewhere(text: String) -> u8 {
    let thread = std::thread::spawn(|| panics(text));
    thread.join().unwrap_or(0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pool_process::init();
    if !cfg!(panic = "abort") {
        return Err("build this with `--profile abort`".into());
    }
    let pool = ProcessPool::builder().max_workers(2).build()?;
    let tasks = [
        pool.submit(panics, "here".to_owned()),
        pool.submit(panics_elsewhere, "on another thread".to_owned()),
    ];
    for task in tasks {
        let error = task.wait().expect_err("it panics");
        println!("{error}");
        assert!(error.is_panicked());
        let report = error.panic_report().ok_or("no report")?;
        assert!(report.message().starts_with("on purpose"));
        assert!(
            report
                .location()
                .is_some_and(|at| at.contains("panic_abort.rs"))
        );
    }
    // An abort without a panic is still told apart.
    let error = pool
        .submit(|()| -> () { std::process::abort() }, ())
        .wait()
        .expect_err("it aborts");
    let exit = error.lost_worker().map(|lost| lost.exit());
    assert_eq!(exit, Some(WorkerExit::Signal(6)));
    assert_eq!(pool.submit(|n: u8| n, 7).wait()?, 7);
    println!("fine");
    Ok(())
}
