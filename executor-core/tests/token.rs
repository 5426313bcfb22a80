//! Cancellation tokens by themselves; as those of jobs they are in `job_token.rs`.

mod common;

use common::{DEADLINE, receive};
use executor_core::panic::catch;
use executor_core::{CancelToken, Cancelled};
use futures::executor::block_on;
use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn it_is_cancelled_once_and_for_all() {
    let token = CancelToken::default();
    assert_eq!((token.is_cancelled(), token.check()), (false, Ok(())));
    assert!(!token.wait_timeout(Duration::ZERO));
    token.clone().cancel();
    token.cancel();
    assert!(token.is_cancelled() && token.wait_timeout(Duration::MAX));
    let error: Cancelled = token.check().unwrap_err();
    assert_eq!(error.to_string(), "its token was cancelled");
    block_on(token.cancelled());
}

#[test]
fn whoever_waits_is_woken_and_whoever_gave_up_is_not() {
    let token = CancelToken::new();
    let wakes = Arc::<[Arc<Wakes>; 4]>::default();
    let poll = |future: &mut executor_core::token::UntilCancelled, n: usize| {
        let waker = Waker::from(wakes[n].clone());
        pin!(future)
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    };
    let (mut stays, mut goes, mut below) = (
        token.cancelled(),
        token.cancelled(),
        token.child().cancelled(),
    );
    assert!(!poll(&mut stays, 0) && !poll(&mut goes, 1) && !poll(&mut below, 2));
    assert!(
        !poll(&mut stays, 3),
        "another waker takes the place of the first"
    );
    drop(goes);
    token.cancel();
    let woken: Vec<_> = wakes.iter().map(|wakes| wakes.0.load(SeqCst)).collect();
    assert_eq!(woken, [0, 0, 1, 1]);
    assert!(poll(&mut stays, 0) && poll(&mut below, 2));
}

#[test]
fn a_panicking_waker_harms_nobody() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("bang")
        }
    }
    let token = CancelToken::new();
    let wakes = Arc::<Wakes>::default();
    let (mut first, mut second) = (token.cancelled(), token.cancelled());
    let (bomb, waker) = (Waker::from(Arc::new(Bomb)), Waker::from(wakes.clone()));
    assert!(
        pin!(&mut first)
            .poll(&mut Context::from_waker(&bomb))
            .is_pending()
    );
    assert!(
        pin!(&mut second)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(catch(|| token.cancel()).is_ok());
    assert_eq!(wakes.0.load(SeqCst), 1);
}

/// All nodes are marked before anybody is woken.
#[test]
fn whoever_is_woken_finds_the_children_cancelled() {
    struct Look(CancelToken, Sender<bool>);
    impl Wake for Look {
        fn wake(self: Arc<Self>) {
            let _ = self.1.send(self.0.is_cancelled());
            // The lock of the token is free.
            drop(self.0.child());
        }
    }
    let token = CancelToken::new();
    let (tell, told) = channel();
    let waker = Waker::from(Arc::new(Look(token.child(), tell)));
    let mut future = token.cancelled();
    assert!(
        pin!(&mut future)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    token.cancel();
    assert!(receive(&told));
}

/// Threads that wait, futures, children and those that come late: nobody is missed.
#[test]
fn a_cancel_reaches_whoever_comes_at_the_same_time() {
    for _ in 0..200 {
        let token = CancelToken::new();
        let start = Arc::new(Barrier::new(4));
        let run = |f: fn(CancelToken)| -> JoinHandle<()> {
            let (token, start) = (token.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                f(token);
            })
        };
        let threads = [
            run(|token| assert!(token.wait_timeout(DEADLINE))),
            run(|token| block_on(token.cancelled())),
            run(|token| assert!(token.child().child().wait_timeout(DEADLINE))),
        ];
        start.wait();
        token.cancel();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    }
}
