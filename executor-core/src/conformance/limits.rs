//! Rules about bounds: of the queue, and of time.

use super::{Gate, Subject, finish, pass, visit};
use crate::error::TaskErrorKind;
use crate::ext::ExecutorExt as _;
use crate::shutdown::Shutdown;
use crate::task::Task;
use std::sync::Barrier;
use std::time::Duration;

/// How many jobs may wait in the rule about full queues.
const ROOM: usize = 3;

/// With a bound on the queue, exactly so many jobs wait while the workers are taken,
/// however many submit at once. One more is refused before `submit` returns; when one has
/// gone, there is room again.
pub fn a_full_queue_refuses_at_once_and_takes_jobs_again(subject: &dyn Subject) {
    let Some(executor) = subject.start_bounded(2, ROOM) else {
        return;
    };
    let executor = &*executor;
    let mut gate = Gate::new();
    for _ in 0..3 {
        let running = [1, 2].map(|n| executor.submit(pass, gate.ticket(n)));
        assert_eq!(gate.arrival() + gate.arrival(), 3);
        let (start, ticket) = (Barrier::new(8), gate.ticket(3));
        let waiting: Vec<Task<u64>> = std::thread::scope(|scope| {
            let submit = || {
                start.wait();
                let tasks = (0..20).map(|_| executor.submit(visit, ticket));
                let (refused, taken): (Vec<_>, Vec<_>) = tasks.partition(Task::is_done);
                for task in refused {
                    let error = finish(task).unwrap_err();
                    assert_eq!(error.kind(), TaskErrorKind::Rejected);
                    assert!(error.to_string().contains("full"), "{error}");
                }
                taken
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(submit)).collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.flatten().collect()
        });
        assert_eq!(waiting.len(), ROOM);
        // Each that goes makes room for one.
        assert!(waiting[0].cancel().took_effect());
        let next = executor.submit(visit, gate.ticket(3));
        assert!(!next.is_done());
        let refused = executor.submit(visit, gate.ticket(3));
        assert!(finish(refused).unwrap_err().is_rejected());
        gate.open();
        for (task, n) in running.into_iter().zip(1..) {
            assert_eq!(finish(task).unwrap(), n);
        }
        for task in waiting.into_iter().skip(1).chain([next]) {
            assert_eq!(finish(task).unwrap(), 3);
        }
        assert_eq!([(); ROOM].map(|()| gate.arrival()), [3; ROOM]);
        assert_eq!(gate.unexpected(), []);
    }
}

/// A limit that no clock can represent is none, wherever one is given.
pub fn a_limit_without_end_is_no_limit(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let limited = |number| {
        let task = executor.task(visit, gate.ticket(number));
        task.timeout(Duration::MAX)
            .queue_timeout(Duration::MAX)
            .submit()
    };
    let mut tasks = [1, 2].map(limited);
    for (task, n) in tasks.iter_mut().zip(1..) {
        assert_eq!(task.wait_timeout(Duration::MAX).unwrap().unwrap(), n);
    }
    let last = limited(3);
    let report = finish(executor.shutdown(Shutdown::drain().within(Duration::MAX))).unwrap();
    assert_eq!((report.cancelled, report.abandoned.len()), (0, 0));
    assert_eq!(last.wait_or_cancel(Duration::MAX).unwrap(), 3);
    assert_eq!([(); 3].map(|()| gate.arrival()), [1, 2, 3]);
}
