//! Rules about done callbacks that use the executor themselves.

use super::{DEADLINE, Gate, Subject, finish, pass};
use crate::error::TaskError;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::task::Task;
use std::sync::Arc;
use std::sync::mpsc::channel;

fn echo(n: u64) -> u64 {
    n
}

/// Where only the thread that waits could go on, the wait may be an error; a hang is
/// none.
fn assert_ends_well(outcome: Result<u64, TaskError>, expected: u64) {
    match outcome {
        Ok(value) => assert_eq!(value, expected),
        Err(error) => assert!(error.is_would_deadlock(), "{error}"),
    }
}

/// A done callback submits a job to the executor of its own job, and waits for it,
/// although all workers may be taken by callbacks.
pub fn a_callback_may_submit_and_wait(subject: &dyn Subject) {
    let executor: Arc<dyn Executor> = subject.start(1).into();
    let mut gate = Gate::new();
    let task = executor.submit(pass_unless_inline, (subject.runs_inline(), gate.ticket(1)));
    if !subject.runs_inline() {
        assert_eq!(gate.arrival(), 1);
    }
    let (tell, told) = channel();
    let inner = executor.clone();
    task.add_done_callback(move |_| {
        let _ = tell.send(inner.submit(echo, 7).wait());
    });
    gate.open();
    let outcome = told.recv_timeout(DEADLINE).expect("the callback ends");
    assert_ends_well(outcome, 7);
    assert_eq!(finish(task).unwrap(), 1);
    // The executor is as good as before.
    assert_eq!(finish(executor.submit(echo, 2)).unwrap(), 2);
}

fn pass_unless_inline((inline, ticket): (bool, (u16, u64))) -> u64 {
    match inline {
        true => ticket.1,
        false => pass(ticket),
    }
}

/// The callbacks of two jobs each submit a job, and wait for the one that the other has
/// submitted.
pub fn callbacks_of_two_jobs_may_wait_for_each_others_job(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor: Arc<dyn Executor> = subject.start(2).into();
    let mut gate = Gate::new();
    let tasks = [1, 2].map(|n| executor.submit(pass, gate.ticket(n)));
    assert_eq!(gate.arrival() + gate.arrival(), 3);
    let (tell, told) = channel();
    let (to_first, first) = channel::<Task<u64>>();
    let (to_second, second) = channel::<Task<u64>>();
    let ways = [(1, to_second, first), (2, to_first, second)];
    for (task, (own, give, take)) in tasks.iter().zip(ways) {
        let (tell, inner) = (tell.clone(), executor.clone());
        task.add_done_callback(move |_| {
            let _ = give.send(inner.submit(echo, own));
            let others = take.recv_timeout(DEADLINE).expect("the other calls back");
            let _ = tell.send((own, others.wait()));
        });
    }
    gate.open();
    for _ in 0..2 {
        let told = told.recv_timeout(DEADLINE);
        let (own, outcome) = told.expect("the callbacks end");
        assert_ends_well(outcome, 3 - own);
    }
    for (task, n) in tasks.into_iter().zip(1..) {
        assert_eq!(finish(task).unwrap(), n);
    }
}
