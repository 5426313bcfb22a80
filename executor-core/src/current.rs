//! Who runs on this thread: the task whose function or coroutine is at work, and
//! what that means for tasks which are awaited, dropped or blocked on in it.
//!
//! Jobs that run in this process are entered by the core itself. What drives
//! coroutines calls [`enter`] round each poll, and [`cancelling`] round the drop
//! of a coroutine that was cancelled.

use crate::error::TaskError;
use crate::job::AnyJob;
use crate::task::{AnyTask, TaskId, TaskRef};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

thread_local! {
    /// The task that was entered last and not left: a borrow of the reference that
    /// [`within`] was given, without its lifetime. So entering costs no counting.
    static TASK: Cell<Option<NonNull<dyn AnyTask>>> = const { Cell::new(None) };
    static CANCELLING: Cell<bool> = const { Cell::new(false) };
    /// The cells whose done callbacks run on this thread at present, by address.
    static CALLING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// How many jobs wait on this thread while another one runs.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static HELPER: RefCell<Option<Arc<dyn Helper>>> = const { RefCell::new(None) };
}

/// The task whose function or coroutine runs on this thread at present: Python's
/// `current_task`, and it knows jobs too.
///
/// In a worker process there is none: the task is in the parent.
///
/// ```
/// use executor_core::{ExecutorExt as _, Inline, current_task};
///
/// let named = |_: ()| current_task().map(|task| task.name().to_owned());
/// let task = Inline::new().task(named, ()).name("me").submit();
/// assert_eq!(task.wait()?.as_deref(), Some("me"));
/// assert!(current_task().is_none());
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn task() -> Option<TaskRef> {
    let task = TASK.get()?;
    // SAFETY: `within` got the pointer from an `Arc`, which it borrows for as long
    // as the pointer stands here: so the task is alive, and its count may be
    // raised to make another `Arc` of it.
    let task = unsafe {
        Arc::increment_strong_count(task.as_ptr());
        Arc::from_raw(task.as_ptr())
    };
    Some(TaskRef::new(task))
}

pub(crate) fn is(id: TaskId) -> bool {
    // SAFETY: as in `task`; the reference does not leave this line.
    TASK.get()
        .is_some_and(|task| unsafe { task.as_ref() }.meta().id() == id)
}

/// Runs `f` as a part of `task`.
///
/// It may be nested; the former task is back afterwards, also after a panic.
pub fn enter<R>(task: TaskRef, f: impl FnOnce() -> R) -> R {
    within(Kept::by(task.shared()), f)
}

/// A task that somebody keeps for as long as `'a`.
pub(crate) struct Kept<'a> {
    task: NonNull<dyn AnyTask>,
    by: PhantomData<&'a ()>,
}

impl<'a> Kept<'a> {
    /// `task` comes from an `Arc` that is borrowed for `'a`.
    fn new(task: *const dyn AnyTask) -> Option<Self> {
        let task = NonNull::new(task.cast_mut())?;
        let by = PhantomData;
        Some(Self { task, by })
    }

    pub(crate) fn by_job(job: &'a Arc<dyn AnyJob>) -> Option<Self> {
        let task: *const dyn AnyJob = Arc::as_ptr(job);
        Self::new(task)
    }

    pub(crate) fn by(task: &'a Arc<dyn AnyTask>) -> Option<Self> {
        Self::new(Arc::as_ptr(task))
    }
}

/// [`enter`]s a task that is only borrowed.
#[inline]
pub(crate) fn within<R>(task: Option<Kept<'_>>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonNull<dyn AnyTask>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            TASK.set(self.0);
        }
    }
    let pointer = task.as_ref().map(|task| task.task);
    let _restore = Restore(TASK.replace(pointer));
    f()
}

/// Runs `f`, which drops a coroutine that was cancelled.
///
/// A [`Task`](crate::Task) that is dropped in there is cancelled, if the coroutine
/// had begun to await it: Python passes a cancellation on to what is awaited. A
/// task that the coroutine merely held is detached, as ever. One that it awaited
/// by reference for a while, and then put aside, counts as awaited too, until
/// [`Task::unwatch`](crate::Task::unwatch).
pub fn cancelling<R>(f: impl FnOnce() -> R) -> R {
    with_cancelling(true, f)
}

/// Says for as long as `f` runs whether that is a cancellation.
fn with_cancelling<R>(cancelling: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = CANCELLING.try_with(|cancelling| cancelling.set(self.0));
        }
    }
    let former = CANCELLING.try_with(|slot| slot.replace(cancelling));
    let _restore = Restore(former.unwrap_or(false));
    f()
}

/// Runs `f`, which belongs to nobody who is at work on this thread: it is no part
/// of the current task, nor of a cancellation.
pub(crate) fn outside<R>(f: impl FnOnce() -> R) -> R {
    with_cancelling(false, || within(None, f))
}

/// Runs `f`, which calls the done callbacks of the cell at this address: it is not
/// done as long as they run, so they must not wait for it.
pub(crate) fn calling_back<R>(cell: usize, f: impl FnOnce() -> R) -> R {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            let _ = CALLING.try_with(|calling| calling.borrow_mut().pop());
        }
    }
    let entered = CALLING.try_with(|calling| calling.borrow_mut().push(cell));
    let _done = entered.is_ok().then_some(Done);
    outside(f)
}

pub(crate) fn is_calling_back(cell: usize) -> bool {
    let called = |calling: &RefCell<Vec<usize>>| calling.borrow().contains(&cell);
    CALLING.try_with(called).unwrap_or(false)
}

/// Whether a coroutine that was cancelled is being dropped on this thread.
pub fn is_cancelling() -> bool {
    CANCELLING.try_with(Cell::get).unwrap_or(false)
}

/// Who runs jobs on a thread: asked when one of them blocks that thread.
pub trait Helper: Send + Sync {
    /// Runs the job of this task here and now, if it still waits in the queue of
    /// the executor whose worker this thread is. False if it does not.
    ///
    /// Called by [`Task::wait`](crate::Task::wait), under no lock.
    ///
    /// # Errors
    /// Why to wait for it would be in vain.
    fn run_queued(&self, id: TaskId) -> Result<bool, TaskError>;

    /// Whether another worker may come to the queue before long: one that is free, on
    /// its way, or at a job which does not wait for another in its turn.
    ///
    /// Asked now and then by a job that waits with a limit, under no lock. Unless it is
    /// overridden, none may: the queued job is then run here at once.
    fn others_may_come(&self) -> bool {
        false
    }

    /// The job on this thread waits for a task from now on, or does so no longer.
    fn set_waiting(&self, waiting: bool) {
        let _ = waiting;
    }
}

/// Makes this thread a worker's: `helper` is asked before a job that runs here
/// blocks for another one, so that the two cannot wait for each other for ever.
pub fn set_helper(helper: Option<Arc<dyn Helper>>) {
    let _ = HELPER.try_with(|slot| slot.replace(helper));
}

/// Who is asked when this thread is about to block, if it is a worker's.
pub(crate) fn helper() -> Option<Arc<dyn Helper>> {
    let helper = HELPER.try_with(|helper| helper.borrow().clone());
    helper.ok().flatten()
}

/// Has the helper of this thread run the job of this task, if it has not begun.
pub(crate) fn help(helper: &dyn Helper, id: TaskId) -> Result<bool, TaskError> {
    below(|| helper.run_queued(id))
}

/// Runs `f`, which runs another job than the one that this thread is at.
fn below<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = DEPTH.try_with(|depth| depth.set(self.0));
        }
    }
    let _restore = Restore(depth());
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
    outside(f)
}

/// How many jobs wait on this thread for the one that it runs meanwhile.
///
/// For those who keep something for a thread, such as the event loop that runs on
/// it: what was there at another depth is not of the job that asks.
pub fn depth() -> usize {
    DEPTH.try_with(Cell::get).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::promise;

    #[test]
    fn the_former_task_is_back_after_a_panic() {
        let (_a, outer) = promise::<()>("outer");
        let (_b, inner) = promise::<()>("inner");
        enter(outer.reference(), || {
            let caught = crate::panic::catch(|| enter(inner.reference(), || panic!("out")));
            assert!(caught.is_err());
            assert_eq!(task(), Some(outer.reference()));
        });
        assert_eq!(task(), None);
    }

    #[test]
    fn only_a_cancellation_is_one() {
        assert!(!is_cancelling());
        let _ = crate::panic::catch(|| cancelling(|| panic!("out")));
        assert!(!is_cancelling());
        cancelling(|| cancelling(|| assert!(is_cancelling())));
        let still = cancelling(|| {
            cancelling(|| ());
            is_cancelling()
        });
        assert!(still && !is_cancelling());
    }
}
