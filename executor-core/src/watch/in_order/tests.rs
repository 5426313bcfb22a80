use super::*;
use crate::error::TaskError;
use crate::promise::{Promise, promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};

const MANY: usize = 3000;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    fn poll(self: &Arc<Self>, in_order: &mut InOrder, rest: &mut [Task<u8>]) -> Poll<Progress> {
        let waker = Waker::from(self.clone());
        in_order.poll(rest, &mut Context::from_waker(&waker))
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

type Pair = (Promise<u8>, Task<u8>);

/// In the order of their places in memory.
fn sorted(count: usize) -> Vec<Pair> {
    let mut all: Vec<_> = (0..count).map(|n| promise(n.to_string())).collect();
    all.sort_by_key(|(_, task)| task.cell());
    all
}

fn failed(settled: Settled) -> bool {
    settled != Settled::Value
}

fn fail(promise: Promise<u8>) {
    promise.resolve(Err(TaskError::failed("no luck")));
}

#[test]
fn in_the_reverse_order_it_looks_at_one_task_for_each_wake_up() {
    let (promises, mut tasks): (Vec<_>, Vec<_>) = sorted(MANY).into_iter().unzip();
    let wakes = Arc::<Wakes>::default();
    let mut in_order = InOrder::new(failed);
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    let (mut polled, mut after) = (0, in_order.after);
    for promise in promises.into_iter().skip(1).rev() {
        promise.resolve(Ok(1));
        if wakes.count() > polled {
            polled += 1;
            assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
            assert_eq!(in_order.after, after + 1);
            after += 1;
        }
    }
    assert_eq!(polled, WINDOW - 1);
}

#[test]
fn it_hears_of_what_stands_among_its_own_and_then_each_tells() {
    let mut all = sorted(MANY);
    let (before, between) = (all.remove(0), all.remove(MANY / 2));
    let (mut promises, mut tasks): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let wakes = Arc::<Wakes>::default();
    let mut in_order = InOrder::new(failed);
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    fail(before.0);
    assert_eq!(wakes.count(), 0, "it stands elsewhere");
    fail(between.0);
    assert_eq!(wakes.count(), 1);
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    assert!(matches!(in_order.how, How::Each(_)));
    fail(promises.remove(MANY / 3));
    assert_eq!(wakes.count(), 2);
    let decided = Poll::Ready(Progress::Decided(MANY / 3));
    assert_eq!(wakes.poll(&mut in_order, &mut tasks), decided);
}

#[test]
fn who_is_not_interested_in_failures_does_not_listen() {
    let (mut promises, mut tasks): (Vec<_>, Vec<_>) = sorted(MANY).into_iter().unzip();
    let wakes = Arc::<Wakes>::default();
    let mut in_order = InOrder::new(|_| false);
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    fail(promises.remove(MANY / 2));
    assert_eq!(wakes.count(), 0);
}

#[test]
fn who_is_dropped_is_on_the_list_no_more() {
    let (promises, mut tasks): (Vec<_>, Vec<_>) = sorted(MANY).into_iter().unzip();
    let mut in_order = InOrder::new(failed);
    let wakes = Arc::<Wakes>::default();
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    let How::OneByOne(listening) = &in_order.how else {
        panic!("there are many");
    };
    let listener = listening.watcher();
    // The list, this, the task that tells, and the one that waits.
    assert_eq!(Arc::strong_count(&listener), 4);
    drop(in_order);
    assert_eq!(Arc::strong_count(&listener), 2);
    assert_eq!(Arc::strong_count(&wakes), 1);
    drop((promises, tasks));
    assert_eq!(Arc::strong_count(&listener), 1);
}

#[test]
fn its_first_failure_counts_also_after_a_strangers() {
    let (mut promises, mut tasks): (Vec<_>, Vec<_>) = sorted(MANY).into_iter().unzip();
    let (stranger, _strange) = (promises.remove(MANY / 2), tasks.remove(MANY / 2));
    let wakes = Arc::<Wakes>::default();
    let mut in_order = InOrder::new(failed);
    assert!(wakes.poll(&mut in_order, &mut tasks).is_pending());
    fail(stranger);
    fail(promises.remove(MANY - 7));
    fail(promises.remove(10));
    let decided = Progress::Decided(MANY - 7);
    assert_eq!(wakes.poll(&mut in_order, &mut tasks), Poll::Ready(decided));
}
