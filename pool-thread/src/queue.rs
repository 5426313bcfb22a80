//! [`JobQueue`]: jobs that wait for a worker, in the order they came.
//!
//! A pool has two of them, one behind the other: see [`Shared`](crate::shared).
//!
//! A queued job is cancelled without the queue being told: its captures are
//! freed at once, and what stays here is a tombstone of two words and a small
//! allocation. Tombstones are skipped when their turn comes. So that they cannot
//! pile up behind workers that take long, they are also swept out whenever the
//! queue has become twice as long as the last sweep left it, which costs each
//! job a constant share; and whenever an exact count is asked for, if any job of
//! this process was cancelled since the last sweep.
//!
//! A tombstone holds nothing of the user's any more, so it may be dropped under
//! the pool's locks.

use executor_core::{HeldJob, Job, TaskId};
use std::collections::VecDeque;

/// The queue is not swept on its own account below this length.
const SHORT: usize = 64;

/// An empty queue keeps no more room than for this many jobs.
const ROOM: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct JobQueue {
    jobs: VecDeque<Job>,
    /// The length at which it is swept next.
    sweep_at: usize,
    /// The cancellations of this process, before the last sweep began.
    cancellations: u64,
    /// How many tombstones have been removed.
    removed: usize,
}

impl Default for JobQueue {
    fn default() -> Self {
        Self {
            jobs: VecDeque::new(),
            sweep_at: SHORT,
            cancellations: 0,
            removed: 0,
        }
    }
}

impl JobQueue {
    /// Whether it is to be [swept](Self::sweep) before another job comes.
    pub(crate) fn is_long(&self) -> bool {
        self.jobs.len() >= self.sweep_at
    }

    /// Takes tombstones out, because it has become long.
    pub(crate) fn sweep(&mut self) {
        self.live();
        self.sweep_at = SHORT.max(2 * self.jobs.len());
    }

    pub(crate) fn push(&mut self, job: Job) {
        self.jobs.push_back(job);
    }

    /// Takes all jobs of the queue behind this one, which has none.
    pub(crate) fn take_over(&mut self, behind: &mut Self) {
        if behind.jobs.is_empty() {
            return;
        }
        std::mem::swap(&mut self.jobs, &mut behind.jobs);
        self.cancellations = behind.cancellations;
        behind.sweep_at = SHORT;
        if behind.jobs.capacity() > ROOM {
            behind.jobs = VecDeque::new();
        }
    }

    /// The job whose turn it is. It cannot be cancelled any more: it leaves the
    /// queue and that state in one step, so that no worker comes back from a job
    /// that did not run.
    pub(crate) fn pop(&mut self) -> Option<HeldJob> {
        loop {
            match self.jobs.pop_front()?.begin() {
                Some(job) => return Some(job),
                None => self.removed += 1,
            }
        }
    }

    /// The job of this task, out of its turn, if it waits here. What is asked for
    /// came late as a rule, so it is looked for from the end.
    pub(crate) fn pop_task(&mut self, id: TaskId) -> Option<HeldJob> {
        let place = self.jobs.iter().rposition(|job| job.id() == id)?;
        let job = self.jobs.remove(place)?.begin();
        self.removed += usize::from(job.is_none());
        job
    }

    pub(crate) fn has(&self, id: TaskId) -> bool {
        self.jobs
            .iter()
            .any(|job| job.id() == id && job.is_queued())
    }

    /// How many jobs wait, and perhaps some that were cancelled.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// How many jobs wait that are not cancelled.
    pub(crate) fn live(&mut self) -> usize {
        let cancellations = Job::cancellations();
        if cancellations != self.cancellations {
            self.cancellations = cancellations;
            let before = self.jobs.len();
            self.jobs.retain(Job::is_queued);
            self.removed += before - self.jobs.len();
        }
        self.jobs.len()
    }

    /// How many cancelled jobs have been taken out so far.
    pub(crate) fn removed(&self) -> usize {
        self.removed
    }

    /// Takes out everything.
    pub(crate) fn take_all(&mut self) -> VecDeque<Job> {
        self.live();
        std::mem::take(&mut self.jobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use executor_core::{JobOptions, Task};

    fn job(n: usize) -> (Job, Task<usize>) {
        Job::from_closure(move || n, JobOptions::default())
    }

    #[test]
    fn jobs_leave_in_the_order_they_came_and_cancelled_ones_are_skipped() {
        let mut queue = JobQueue::default();
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let (job, task) = job(n);
                queue.push(job);
                task
            })
            .collect();
        tasks[1].cancel();
        tasks[4].cancel();
        while let Some(job) = queue.pop() {
            job.run_with(|| (), || ());
        }
        let done = |task: Task<usize>| task.wait().ok();
        let results: Vec<_> = tasks.into_iter().map(done).collect();
        assert_eq!(results, [Some(0), None, Some(2), Some(3), None]);
        assert_eq!((queue.len(), queue.removed()), (0, 2));
    }

    #[test]
    fn a_job_can_be_taken_out_of_its_turn_unless_it_was_cancelled() {
        let mut queue = JobQueue::default();
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let (job, task) = job(n);
                queue.push(job);
                task
            })
            .collect();
        tasks[2].cancel();
        assert!(queue.pop_task(tasks[2].id()).is_none());
        let job = queue.pop_task(tasks[1].id()).unwrap();
        job.run_with(|| (), || ());
        assert!(queue.pop_task(tasks[1].id()).is_none());
        assert_eq!((queue.len(), queue.removed()), (1, 1));
        queue.take_all().into_iter().for_each(Job::run);
        assert!(tasks[0].is_done() && tasks[1].is_done());
    }

    #[test]
    fn cancelled_jobs_do_not_pile_up() {
        let mut queue = JobQueue::default();
        let (first, kept) = job(0);
        queue.push(first);
        for n in 0..10_000 {
            let (job, task) = job(n);
            if queue.is_long() {
                queue.sweep();
            }
            queue.push(job);
            task.cancel();
            assert!(queue.len() <= SHORT + 1, "{} at {n}", queue.len());
        }
        assert_eq!(queue.live(), 1);
        assert_eq!((queue.take_all().len(), queue.removed()), (1, 10_000));
        assert!(kept.wait().is_err(), "its job was dropped");
    }

    #[test]
    fn live_jobs_stay_however_many_there_are() {
        let mut queue = JobQueue::default();
        let tasks: Vec<_> = (0..1000)
            .map(|n| {
                let (job, task) = job(n);
                queue.push(job);
                task
            })
            .collect();
        assert_eq!((queue.len(), queue.live()), (1000, 1000));
        tasks.iter().step_by(2).for_each(|task| {
            task.cancel();
        });
        assert_eq!((queue.len(), queue.live()), (1000, 500));
        queue.take_all().into_iter().for_each(Job::run);
    }

    #[test]
    fn one_queue_takes_over_what_stands_behind_it() {
        let (mut front, mut behind) = <(JobQueue, JobQueue)>::default();
        front.take_over(&mut behind);
        assert_eq!((front.len(), behind.len()), (0, 0));
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let (job, task) = job(n);
                behind.push(job);
                task
            })
            .collect();
        tasks[3].cancel();
        behind.sweep();
        assert!(!behind.is_long());
        tasks[5].cancel();
        front.take_over(&mut behind);
        assert_eq!((front.len(), behind.len()), (199, 0));
        assert_eq!((front.live(), behind.live()), (198, 0));
        assert_eq!(front.removed() + behind.removed(), 2);
        front.take_all().into_iter().for_each(Job::run);
    }
}
