//! The one allocation of a job, and the methods that know its types.

use crate::cell::{Cell, Outcome};
use crate::context::{Sender, Surroundings};
use crate::control::Control;
use crate::entry::{CallFault, Entry};
use crate::error::TaskError;
use crate::job::{Input, Work};
use crate::panic::{PanicReport, catch, discard};
use crate::partial::Parts;
use crate::say;
use crate::task::{AnyTask, Extra, Meta, report_overlooked};
use crate::wakeups::Wakeups;
use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;

/// What an executor's handle and a `Task` share.
pub(crate) struct Shared<I, T> {
    pub(crate) meta: Meta,
    pub(crate) cell: Cell<I, T>,
}

impl<I, T> Drop for Shared<I, T> {
    fn drop(&mut self) {
        // Whoever drops the last handle is not to be harmed by the user's drops.
        if let Some(error) = self.cell.overlooked() {
            report_overlooked(error);
        }
        self.cell.clear();
    }
}

impl<W: Work> Shared<Input<W>, W::Output> {
    // Built where it is stored: moving it once more shows in every submit.
    #[inline(always)]
    pub(crate) fn queued(work: W, extra: Option<Box<Extra>>) -> Self {
        // The context and the span of this moment.
        let carried = Surroundings::capture_boxed();
        Self {
            meta: Meta::of_job(W::function, extra, carried.is_some()),
            cell: Cell::queued(Input::new(work, carried)),
        }
    }
}

/// As `Arc::new`, for a value that is made where it is stored: one that is made on the
/// stack and then copied shows in every submit.
#[inline(always)]
pub(crate) fn new_in_place<T>(make: impl FnOnce() -> T) -> Arc<T> {
    let place = Arc::<T>::new_uninit();
    let value = Arc::as_ptr(&place).cast_mut().cast::<T>();
    // SAFETY: nobody else has the place yet, which is that of a `T`; and it is written
    // before it counts as one.
    unsafe {
        value.write(make());
        place.assume_init()
    }
}

/// Who is told how far a job is that runs in this process.
pub(crate) trait Course {
    /// It has a time limit, and its function is about to start.
    fn limited(&mut self, limit: Duration);
    /// Its function is over; its task is not done yet.
    fn returned(&mut self);
}

/// A job whose types are forgotten. What the methods do is said at `Job` and
/// `HeldJob`, which see to it that each is called in the right phase.
pub(crate) trait AnyJob: AnyTask {
    fn entry(&self) -> Option<Entry>;

    fn refuse(&self, error: TaskError) -> bool;
    fn hold(&self, control: Option<(Arc<dyn Control>, u64)>) -> bool;
    fn expire_in_queue(&self, limit: Duration);
    fn encode(&self) -> bool;
    fn enter(&self, ledger: u32) -> bool;
    fn exit(&self) -> bool;
    fn admit(&self, ledger: u32) -> bool;
    fn leave(&self);

    // From here on the job is held.
    fn has_followers(&self) -> bool;
    fn count_death(&self, begun: bool) -> u32;
    fn run(&self, course: &mut dyn Course);
    fn expire(&self, error: TaskError) -> bool;
    fn release(&self) -> bool;
    fn with_payload(&self, f: &mut dyn FnMut([&[u8]; 2]));
    fn parts(&self) -> Option<Parts>;
    fn complete(&self, result: &mut Vec<u8>, later: Option<&mut Wakeups>);
    fn describe_fault(&self, fault: CallFault) -> TaskError;
    fn fail(&self, error: TaskError);
}

impl<W: Work> AnyJob for Shared<Input<W>, W::Output> {
    fn entry(&self) -> Option<Entry> {
        W::entry(self.meta.carries())
    }

    fn expire_in_queue(&self, limit: Duration) {
        self.cell.expire_in_queue(|| {
            let what = "it still waited in the queue and was not run";
            self.meta.name_it(TaskError::timed_out(limit, what))
        });
    }

    fn encode(&self) -> bool {
        if !self.cell.hold_to_encode() {
            return false;
        }
        if let Err(error) = self.encode_input() {
            self.fail(error);
            return false;
        }
        let released = self.cell.release();
        // What was asked for meanwhile, and had to wait.
        if self.cell.is_wished_away() {
            self.refuse(TaskError::cancelled("before it started"));
        }
        if let Some(limit) = self.meta.passed_queue_limit() {
            self.expire_in_queue(limit);
        }
        released
    }

    fn run(&self, course: &mut dyn Course) {
        // SAFETY: only a `HeldJob` calls this, when it is consumed; it has the
        // right to the input.
        let Some(input) = (unsafe { self.cell.take_input() }) else {
            return;
        };
        // Not before the input is gone: the limit may resolve the task at once.
        let limit = self.meta.timeout();
        if let Some(limit) = limit {
            course.limited(limit);
        }
        let mut result = None;
        let ran = input.run(|value| {
            result = Some(value);
            course.returned();
        });
        let outcome = match (ran, result) {
            (Ok(()), Some(result)) => Ok(result),
            (ran, result) => self.after_panic(ran.err(), result, course),
        };
        // Nobody but a time limit resolves a job that is held.
        if limit.is_none() {
            self.cell.resolve_alone(outcome, None);
        } else {
            discard(self.cell.resolve(outcome));
            // The limit may have resolved it before.
            self.cell.leave();
        }
    }

    fn enter(&self, ledger: u32) -> bool {
        self.cell.enter(ledger)
    }

    fn exit(&self) -> bool {
        self.cell.exit()
    }

    fn admit(&self, ledger: u32) -> bool {
        self.cell.admit(ledger)
    }

    fn leave(&self) {
        self.cell.leave();
    }

    fn refuse(&self, error: TaskError) -> bool {
        self.cell.refuse(|| self.meta.name_it(error))
    }

    fn hold(&self, control: Option<(Arc<dyn Control>, u64)>) -> bool {
        self.cell.hold(control)
    }

    fn has_followers(&self) -> bool {
        self.cell.has_followers()
    }

    fn count_death(&self, begun: bool) -> u32 {
        self.cell.count_death(begun)
    }

    fn release(&self) -> bool {
        self.cell.release()
    }

    fn with_payload(&self, f: &mut dyn FnMut([&[u8]; 2])) {
        // SAFETY: only a `HeldJob` calls this; it has the right to the input until
        // it resolves or releases the job. Bytes may be seen by several threads.
        unsafe {
            self.cell.with_input(|input| {
                if let Some(pieces) = input.and_then(Input::payload) {
                    f(pieces);
                }
            });
        }
    }

    fn parts(&self) -> Option<Parts> {
        // SAFETY: only a `HeldJob` calls this; it has the right to the input until it
        // resolves or releases the job. `Work::parts` clones an `Arc`, which several
        // threads may do.
        unsafe { self.cell.with_input(|input| input.and_then(Input::parts)) }
    }

    fn complete(&self, result: &mut Vec<u8>, later: Option<&mut Wakeups>) {
        let mut decoded = Err(String::new());
        let decode = |input: Option<&Input<W>>| {
            decoded = match input {
                Some(input) => input.complete(result),
                None => Err("its argument was taken before".to_owned()),
            };
        };
        // SAFETY: only a `HeldJob` calls this, when it is consumed; it has the right
        // to the input.
        let caught = catch(|| unsafe { self.cell.with_input(decode) });
        let cause = match (caught, decoded) {
            (Ok(()), Ok(value)) => return self.finish(Ok(value), later),
            (Ok(()), Err(cause)) => cause,
            (Err(report), _) => format!("its Deserialize {report}"),
        };
        let subject = format!("result of type `{}`", type_name::<W::Output>());
        let error = TaskError::decode(subject, cause);
        self.finish(Err(self.meta.name_it(error)), later);
    }

    fn describe_fault(&self, fault: CallFault) -> TaskError {
        match fault {
            CallFault::Argument(cause) => {
                TaskError::decode(format!("argument of type `{}`", W::argument_type()), cause)
            }
            CallFault::Result(cause) => {
                let subject = format!("result of type `{}`", type_name::<W::Output>());
                TaskError::encode(subject, cause)
            }
            CallFault::Context { subject, cause } => TaskError::decode(subject, cause),
        }
    }

    fn fail(&self, error: TaskError) {
        self.finish(Err(self.meta.name_it(error)), None);
    }

    fn expire(&self, error: TaskError) -> bool {
        // Remembered before the task is done, so that the function finds it
        // whenever it asks; told after, so that its answer does not come first.
        let token = self.cell.wish();
        // The input stays with the thread that runs the function.
        let error = self.meta.name_it(error);
        let expired = self.cell.resolve_early(Err(error)).is_ok();
        if let Some(token) = token.filter(|_| expired) {
            token.cancel();
        }
        expired
    }
}

impl<W: Work> Shared<Input<W>, W::Output> {
    /// Encodes the input of a job that is held for this.
    #[inline]
    fn encode_input(&self) -> Result<(), TaskError> {
        let (id, name) = (self.meta.id(), self.meta.name());
        let encode = |input: Option<&mut Input<W>>| match input {
            Some(input) => input.encode(&Sender { id, name }),
            None => Err(TaskError::encode("argument", "it was taken before")),
        };
        // SAFETY: only `encode` calls this, which `Job::encode` calls, and it has held the
        // job; so it has the right to the input, and no time limit runs.
        unsafe { self.cell.with_input_mut(encode) }
    }

    /// The outcome of a function that has panicked, or after which the executor did
    /// when it was told that the function is over.
    #[cold]
    fn after_panic(
        &self,
        panic: Option<PanicReport>,
        result: Option<W::Output>,
        course: &mut dyn Course,
    ) -> Outcome<W::Output> {
        let report = panic.unwrap_or_else(|| PanicReport::new("nothing is known", None));
        let (outcome, executors) = match result {
            // The task must resolve, whatever the executor does in there.
            Some(result) => (Ok(result), Some(report)),
            None => {
                let error = self.meta.name_it(TaskError::panicked(report));
                (Err(error), catch(|| course.returned()).err())
            }
        };
        if let Some(report) = executors {
            say!(error, %report, "an executor panicked at the end of a job");
        }
        outcome
    }

    /// Drops the argument of a held job and resolves it.
    fn finish(&self, outcome: Result<W::Output, TaskError>, later: Option<&mut Wakeups>) {
        // SAFETY: only a `HeldJob` gets here, and it has the right to the input.
        let input = unsafe { self.cell.take_input() };
        if let Some(input) = input {
            input.conclude(outcome.as_ref());
        }
        // A time limit that could come first runs only in this process.
        self.cell.resolve_alone(outcome, later);
    }
}
