//! One allocation for a job: the one that the executor and the task share.

use executor_core::{
    Executor, ExecutorExt as _, Inline, Job, Shutdown, ShutdownReport, Task, promise,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Counted only where the thread still has its slot.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// Takes jobs and keeps them.
struct Keeping(Mutex<Vec<Job>>);

impl Executor for Keeping {
    fn execute(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }
    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        1
    }
}

fn double(n: u64) -> u64 {
    2 * n
}

#[test]
fn a_job_is_one_allocation_from_submit_to_result() {
    let executor = Keeping(Mutex::new(Vec::with_capacity(10)));
    let inline = Inline::new();
    // The panic hook is installed with the first job.
    inline.submit(double, 0).wait().unwrap();
    let mut task = None;
    assert_eq!(allocations(|| task = Some(executor.submit(double, 21))), 1);
    let job = executor.0.lock().unwrap().pop().unwrap();
    let mut task = task.unwrap();
    assert_eq!(allocations(|| job.run()), 0);
    assert_eq!(
        allocations(|| assert_eq!(task.try_result().unwrap(), 42)),
        0
    );
    assert_eq!(allocations(|| drop(inline.submit(double, 1).wait())), 1);
}

/// The name "" is none: the task then has the one that any promise has.
#[test]
fn a_promise_without_a_name_is_one_allocation_until_it_is_resolved() {
    let mut pair = None;
    assert_eq!(allocations(|| pair = Some(promise::<u64>(""))), 1);
    let (promise, mut task) = pair.unwrap();
    assert_eq!(task.name(), "promise");
    assert_eq!(allocations(|| promise.resolve(Ok(7))), 0);
    assert_eq!(task.try_result().unwrap(), 7);
}
