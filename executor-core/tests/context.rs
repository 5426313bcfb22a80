//! Context variables in one process: who sees what, and who does not.

use executor_core::context::Surroundings;
use executor_core::panic::catch;
use executor_core::{Context, ContextVar, Executor, ExecutorExt as _, Inline, Job, JobOptions};
use executor_core::{Shutdown, ShutdownReport, Task, promise};
use futures::{StreamExt as _, executor::block_on};
use std::sync::{Arc, Mutex};

static USER: ContextVar<String> = ContextVar::new("user");
static DEPTH: ContextVar<u32> = ContextVar::new("depth");

fn user(_: ()) -> Option<String> {
    USER.get()
}

/// Takes jobs and keeps them.
#[derive(Default)]
struct Keeping(Mutex<Vec<Job>>);

impl Keeping {
    fn run_all(&self) {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        jobs.into_iter().for_each(Job::run);
    }
}

impl Executor for Keeping {
    fn execute(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }
    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        4
    }
}

#[test]
fn set_take_and_scope_give_and_restore_what_was_there() {
    assert_eq!(USER.get(), None);
    assert_eq!(USER.set("ada".to_owned()), None);
    assert_eq!(USER.set("bob".to_owned()).as_deref(), Some("ada"));
    let inside = USER.scope("eve".to_owned(), || {
        DEPTH.set(1);
        USER.take()
    });
    assert_eq!(inside.as_deref(), Some("eve"));
    assert_eq!(USER.get().as_deref(), Some("bob"));
    assert_eq!(DEPTH.get(), Some(1), "only its own variable is put back");
    let caught = catch(|| USER.scope("mallory".to_owned(), || panic!("out")));
    assert!(caught.is_err());
    assert_eq!(USER.take().as_deref(), Some("bob"));
    assert_eq!((USER.take(), DEPTH.take()), (None, Some(1)));
    assert!(Context::current().is_empty());
    DEPTH.scope(3, || {
        assert_eq!(format!("{:?}", Context::current()), r#"Context(["depth"])"#)
    });
    assert!(
        Context::current().is_empty(),
        "a scope leaves nothing behind"
    );
}

#[test]
fn a_snapshot_never_changes() {
    USER.set("ada".to_owned());
    let snapshot = Context::current();
    USER.set("bob".to_owned());
    assert_eq!(
        snapshot.run(|| USER.set("eve".to_owned())).as_deref(),
        Some("ada")
    );
    assert_eq!(snapshot.run(|| USER.get()).as_deref(), Some("ada"));
    assert_eq!(USER.get().as_deref(), Some("bob"));
    assert_eq!(Context::new().run(|| USER.get()), None);
    let caught = catch(|| snapshot.run(|| panic!("out")));
    assert!(caught.is_err());
    assert_eq!(USER.take().as_deref(), Some("bob"));
}

/// CPython: test_futures.py / test_tasks.py::test_context_1..6
#[test]
fn a_job_has_the_context_of_its_submission() {
    let executor = Keeping::default();
    let before = executor.submit(user, ());
    USER.set("ada".to_owned());
    let during = executor.submit(user, ());
    let (job, closure) = Job::from_closure(|| USER.get(), JobOptions::default());
    executor.execute(job);
    USER.set("bob".to_owned());
    executor.run_all();
    assert_eq!(before.wait().unwrap(), None);
    assert_eq!(during.wait().unwrap().as_deref(), Some("ada"));
    assert_eq!(closure.wait().unwrap().as_deref(), Some("ada"));
    assert_eq!(USER.take().as_deref(), Some("bob"));
}

#[test]
fn what_a_job_sets_leaks_nowhere() {
    let change = |panics: bool| {
        let seen = USER.set("job".to_owned());
        DEPTH.set(9);
        assert!(!panics, "with everything set");
        seen
    };
    let inline = Inline::new();
    // Neither from a job that carries nothing nor from one that does.
    for user in [None, Some("ada".to_owned())] {
        let look = || {
            (
                inline.submit(change, false).wait(),
                inline.submit(change, true).wait(),
            )
        };
        let (seen, panicked) = match user.clone() {
            None => look(),
            Some(user) => USER.scope(user, look),
        };
        assert_eq!(seen.unwrap(), user);
        assert!(panicked.unwrap_err().is_panicked());
        assert!(Context::current().is_empty());
        // The next job of this thread.
        let (job, task) = Job::from_closure(|| DEPTH.get(), JobOptions::default());
        job.run();
        assert_eq!(task.wait().unwrap(), None);
    }
}

#[test]
fn a_job_within_a_job_inherits_what_the_outer_one_has_set() {
    let outer = |_: ()| {
        DEPTH.set(2);
        Inline::new()
            .submit(|_: ()| DEPTH.get(), ())
            .wait()
            .unwrap()
    };
    assert_eq!(
        DEPTH
            .scope(1, || Inline::new().submit(outer, ()))
            .wait()
            .unwrap(),
        Some(2)
    );
}

#[test]
fn chunks_of_a_map_carry_it_too() {
    let inline = Inline::new();
    let add = |n: u32| n + DEPTH.get().unwrap_or(100);
    for chunk in [1, 3] {
        let sums = inline.map(add, 0..7).chunks(chunk);
        let sums: Vec<_> = DEPTH.scope(10, || block_on(sums.map(Result::unwrap).collect()));
        assert_eq!(sums, [10, 11, 12, 13, 14, 15, 16]);
    }
}

/// What a job carries is freed when it is cancelled, and before it is done.
#[test]
fn a_job_that_is_cancelled_or_over_lets_its_context_go() {
    static HELD: ContextVar<Held> = ContextVar::new("held");
    let witness = Arc::new(());
    let executor = Keeping::default();
    let submit = || HELD.scope(Held(witness.clone()), || executor.submit(user, ()));
    let cancelled = submit();
    let run = submit();
    assert_eq!(Arc::strong_count(&witness), 3);
    assert!(cancelled.cancel().took_effect());
    assert_eq!(Arc::strong_count(&witness), 2);
    let seen = witness.clone();
    run.add_done_callback(move |_| assert_eq!(Arc::strong_count(&seen), 2));
    executor.run_all();
    assert_eq!(Arc::strong_count(&witness), 1);
    assert!(run.is_done());
}

#[derive(Clone)]
struct Held(#[allow(dead_code)] Arc<()>);

impl serde::Serialize for Held {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> serde::Deserialize<'de> for Held {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self(Arc::default()))
    }
}

#[test]
fn a_context_value_that_panics_when_it_is_dropped_harms_nobody() {
    static BOMB: ContextVar<Bomb> = ContextVar::new("bomb");
    let executor = Keeping::default();
    let armed = Arc::new(());
    let submit = || executor.submit(user, ());
    let (cancelled, run) = BOMB.scope(Bomb { armed }, || (submit(), submit()));
    assert!(cancelled.cancel().took_effect());
    executor.run_all();
    assert_eq!(run.wait().unwrap(), None);
}

/// Panics when its last clone is dropped on a thread that does not panic already.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Bomb {
    #[serde(skip)]
    armed: Arc<()>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(
            Arc::strong_count(&self.armed) > 1 || std::thread::panicking(),
            "bang"
        );
    }
}

#[test]
fn a_coroutine_keeps_its_changes_and_keeps_them_to_itself() {
    let mut surroundings = DEPTH.scope(1, Surroundings::capture);
    assert!(!surroundings.is_empty());
    let mut step = || surroundings.resume(|| DEPTH.set(DEPTH.get().unwrap_or(0) + 1));
    assert_eq!((step(), step(), DEPTH.get()), (Some(1), Some(2), None));
    let caught = catch(|| {
        surroundings.resume(|| -> () {
            DEPTH.set(7);
            panic!("out")
        })
    });
    assert!(caught.is_err());
    assert_eq!(
        (surroundings.resume(|| DEPTH.get()), DEPTH.get()),
        (Some(7), None)
    );
    assert!(Surroundings::capture().is_empty());
}

#[test]
fn it_can_be_used_while_a_thread_is_torn_down() {
    struct Late(std::sync::mpsc::Sender<bool>);
    impl Drop for Late {
        fn drop(&mut self) {
            DEPTH.set(1);
            let _ = self
                .0
                .send(Inline::new().submit(|n: u8| n, 3).wait().is_ok());
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        LATE.with(|late| *late.borrow_mut() = Some(Late(tell)));
        DEPTH.set(5);
    });
    thread.join().unwrap();
    assert_eq!(told.recv(), Ok(true));
}

/// A promise has no function that could run in a context.
#[test]
fn a_promise_is_resolved_in_the_context_of_who_resolves_it() {
    let (promise, task) = DEPTH.scope(1, || promise::<Option<u32>>("answer"));
    promise.resolve(Ok(DEPTH.get()));
    assert_eq!(task.wait().unwrap(), None);
}
