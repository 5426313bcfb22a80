//! A coroutine, polled by hand.

use super::*;
use executor_core::CancelOutcome;
use futures::future::poll_fn;
use futures::task::noop_waker_ref;
use std::sync::atomic::AtomicUsize;

/// A coroutine that the test polls, and how often its future was polled.
struct ByHand {
    coroutine: Coroutine<Pin<Box<dyn Future<Output = u8> + Send>>, u8>,
    task: Task<u8>,
    polls: Arc<AtomicUsize>,
}

/// `step` is called with the number of the poll, from one.
fn by_hand(step: impl Fn(usize) -> Poll<u8> + Send + 'static) -> ByHand {
    let polls = Arc::<AtomicUsize>::default();
    let count = polls.clone();
    let future = poll_fn(move |_| step(count.fetch_add(1, Ordering::SeqCst) + 1));
    let (coroutine, task) = Coroutine::new(Box::pin(future) as _, Ok, Home::Runtime);
    ByHand {
        coroutine,
        task,
        polls,
    }
}

fn poll(by_hand: &mut ByHand) -> Poll<()> {
    let mut context = Context::from_waker(noop_waker_ref());
    Pin::new(&mut by_hand.coroutine).poll(&mut context)
}

#[test]
fn cancelled_before_its_first_poll_it_never_starts() {
    let mut it = by_hand(|_| Poll::Pending);
    assert!(!it.task.is_running());
    assert_eq!(it.task.cancel(), CancelOutcome::Requested);
    assert!(!it.task.is_done(), "the runtime has not got round to it");
    assert!(poll(&mut it).is_ready());
    assert_eq!(it.polls.load(Ordering::SeqCst), 0);
    let error = it.task.wait().unwrap_err();
    assert!(error.is_cancelled());
    assert!(error.to_string().contains("before it started"), "{error}");
}

#[test]
fn cancelled_at_an_await_it_is_not_polled_again() {
    let mut it = by_hand(|_| Poll::Pending);
    assert!(poll(&mut it).is_pending());
    assert!(it.task.is_running());
    assert!(it.task.cancel().took_effect());
    assert!(poll(&mut it).is_ready());
    assert_eq!(it.polls.load(Ordering::SeqCst), 1);
    assert_eq!(it.task.cancel(), CancelOutcome::TooLate);
    assert!(it.task.wait().unwrap_err().is_cancelled());
}

#[test]
fn cancelled_within_a_poll_it_ends_where_that_poll_does() {
    let slot = Arc::<std::sync::Mutex<Option<Task<u8>>>>::default();
    let own = slot.clone();
    let mut it = by_hand(move |_| {
        let task = own.lock().unwrap().take();
        assert_eq!(task.unwrap().cancel(), CancelOutcome::Requested);
        Poll::Pending
    });
    let (keep, other) = executor_core::promise("other");
    let task = std::mem::replace(&mut it.task, other);
    let (tell, told) = std::sync::mpsc::channel();
    task.add_done_callback(move |outcome| tell.send(outcome.is_err()).unwrap());
    *slot.lock().unwrap() = Some(task);
    assert!(poll(&mut it).is_ready());
    assert_eq!(it.polls.load(Ordering::SeqCst), 1);
    assert_eq!(told.try_recv(), Ok(true));
    assert!(keep.is_pending());
}

#[test]
fn a_coroutine_that_its_runtime_drops_is_cancelled() {
    let mut it = by_hand(|_| Poll::Pending);
    assert!(poll(&mut it).is_pending());
    drop(it.coroutine);
    assert!(it.task.wait().unwrap_err().is_cancelled());
}

#[test]
fn a_panic_ends_it() {
    let mut it = by_hand(|poll| match poll {
        1 => Poll::Pending,
        _ => panic!("at poll {poll}"),
    });
    assert!(poll(&mut it).is_pending());
    assert!(poll(&mut it).is_ready());
    let error = it.task.wait().unwrap_err();
    assert_eq!(error.panic_report().unwrap().message(), "at poll 2");
}
