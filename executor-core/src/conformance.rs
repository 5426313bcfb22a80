//! The conformance suite: what every executor has to pass.
//!
//! A crate with an executor implements [`Subject`] and calls
//! [`conformance_tests!`](crate::conformance_tests) in an integration test; each
//! rule becomes a test with its own name. The rules know nothing of threads or
//! processes: jobs and test meet through a [`Gate`], a socket on the loopback
//! interface, which works from wherever a job runs on the same machine.
//!
//! Every wait has a deadline of [`DEADLINE`] and panics when it passes.
//!
//! ```no_run
//! use executor_core::{Executor, Inline, conformance::Subject};
//!
//! struct Inlines;
//!
//! impl Subject for Inlines {
//!     fn start(&self, _workers: usize) -> Box<dyn Executor> {
//!         Box::new(Inline::new())
//!     }
//!     fn runs_inline(&self) -> bool {
//!         true
//!     }
//! }
//!
//! executor_core::conformance_tests!(Inlines);
//! # fn main() {}
//! ```

mod callbacks;
mod cancel;
mod context;
mod gate;
mod lifecycle;
mod limits;
mod outcomes;
mod streams;

pub use self::callbacks::*;
pub use self::cancel::*;
pub use self::context::*;
pub use self::gate::{Canary, Gate, pass, visit};
pub use self::lifecycle::*;
pub use self::limits::*;
pub use self::outcomes::*;
pub use self::streams::*;

use crate::error::TaskError;
use crate::executor::Executor;
use crate::task::Task;
use std::time::Duration;

/// How long the suite waits for anything before it fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The executor under test.
pub trait Subject {
    /// A new executor that runs up to `workers` jobs at the same time. Its last
    /// handle is the one that is returned.
    fn start(&self, workers: usize) -> Box<dyn Executor>;

    /// Whether `submit` runs the function before it returns. The rules about
    /// queued and running jobs do not apply to such an executor.
    fn runs_inline(&self) -> bool {
        false
    }

    /// A new executor as from [`start`](Self::start), with room for `queued` jobs that
    /// wait; None if there is no such setting. The rule about full queues does not apply
    /// then.
    fn start_bounded(&self, workers: usize, queued: usize) -> Option<Box<dyn Executor>> {
        let _ = (workers, queued);
        None
    }

    /// Whether a job that runs can be stopped, as in a process.
    fn stops_running_jobs(&self) -> bool {
        false
    }
}

/// Makes one test of each rule, for a [`Subject`].
#[macro_export]
macro_rules! conformance_tests {
    ($subject:expr) => {
        $crate::conformance_tests! { @each $subject =>
            results_and_arguments_arrive
            a_panic_fails_its_task_alone
            an_error_of_the_function_is_typed_and_fails_a_flattened_task
            names_and_ids_tell_tasks_apart
            callbacks_see_the_outcome_in_order_and_once
            a_result_is_taken_once
            boxed_and_shared_executors_work_alike
            ten_threads_submit_at_once
            dropping_a_task_detaches_it
            cancel_before_start_removes_the_job
            cancel_while_running_says_what_it_could_do
            cancel_on_drop_cancels
            a_time_limit_counts_from_the_start
            a_limit_on_waiting_ends_with_the_start
            jobs_start_in_the_order_they_were_submitted
            as_many_jobs_run_at_once_as_there_are_workers
            after_shutdown_submit_is_refused
            drain_finishes_what_is_queued
            a_report_counts_each_job_once
            cancel_pending_cancels_what_is_queued
            a_shutdown_with_a_deadline_ends
            dropping_the_executor_loses_nothing
            map_keeps_order_and_places_of_errors
            map_reads_no_further_ahead_than_asked
            map_rejects_zero
            map_unordered_yields_each_once
            map_unordered_holds_up_nobody
            map_with_a_limit_ends_with_one_error
            map_dropped_cancels_what_is_queued
            the_context_follows_the_job
            a_callback_may_submit_and_wait
            callbacks_of_two_jobs_may_wait_for_each_others_job
            a_full_queue_refuses_at_once_and_takes_jobs_again
            a_limit_without_end_is_no_limit
        }
    };
    (@each $subject:expr => $($rule:ident)+) => {$(
        #[test]
        fn $rule() {
            $crate::conformance::$rule(&$subject);
        }
    )+};
}

/// Waits for a task, but not for ever.
fn finish<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    match task.wait_timeout(DEADLINE) {
        Some(outcome) => outcome,
        None => panic!("no outcome within {DEADLINE:?}: {task:?}"),
    }
}
