//! Who waits for a cell: one waiter, any number of followers. How they and the
//! resolver find each other stands in the cell's own file.

use super::Cell;
use super::callbacks::{Callback, CallbackId};
use super::phase::WATCHED;
use crate::panic::{contain, discard};
use crate::sync::{Mutex, lock};
use crate::token::CancelToken;
use crate::wakeups::wake;
use crate::watch::{Settled, Watcher, failures};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;

pub(super) struct Slot<T> {
    pub(super) waiter: Waiter,
    /// Most tasks have none.
    pub(super) others: Option<Box<Others<T>>>,
}

/// Who is called or told besides the one waiter, in the order in which they came.
pub(super) struct Others<T> {
    pub(super) callbacks: Vec<(CallbackId, Callback<T>)>,
    followers: Vec<(Arc<dyn Watcher>, usize)>,
    /// What the function that runs looks at, once it has asked for it.
    pub(super) token: Option<CancelToken>,
}

impl<T> Slot<T> {
    const EMPTY: Self = Self {
        waiter: Waiter::Nobody,
        others: None,
    };

    /// An empty one. It is a constant, so that it is written where it belongs.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) fn empty() -> Mutex<Self> {
        const { Mutex::new(Self::EMPTY) }
    }

    #[cfg(loom)]
    pub(super) fn empty() -> Mutex<Self> {
        Mutex::new(Self::EMPTY)
    }

    pub(super) fn others(&mut self) -> &mut Others<T> {
        self.others.get_or_insert_with(|| {
            Box::new(Others {
                callbacks: Vec::new(),
                followers: Vec::new(),
                token: None,
            })
        })
    }

    pub(super) fn take_callbacks(&mut self) -> Vec<(CallbackId, Callback<T>)> {
        let others = self.others.as_mut();
        others.map_or_else(Vec::new, |others| std::mem::take(&mut others.callbacks))
    }
}

impl<T> Others<T> {
    fn tells_somebody(&self) -> bool {
        !self.callbacks.is_empty() || !self.followers.is_empty()
    }

    pub(super) fn tell(self, settled: Settled) {
        for (watcher, token) in self.followers {
            Waiter::group(watcher, token).tell(settled);
        }
    }
}

/// Who is told when the task is done.
pub(super) enum Waiter {
    Nobody,
    Task(Waker),
    Group(Arc<dyn Watcher>, Token),
    /// One whose token is too large for that.
    Far(Box<(Arc<dyn Watcher>, usize)>),
}

/// A watcher's token, without its highest byte: so the kind of the waiter fits
/// beside it, and each cell is a word shorter.
#[derive(Clone, Copy)]
pub(super) struct Token([u8; WORD - 1]);

const WORD: usize = size_of::<usize>();

impl Token {
    fn new(token: usize) -> Option<Self> {
        let (high, low) = token
            .to_be_bytes()
            .split_first()
            .map(|(h, l)| (*h, l.try_into()))?;
        (high == 0).then_some(Self(low.ok()?))
    }

    fn get(self) -> usize {
        let mut bytes = [0; WORD];
        bytes[1..].copy_from_slice(&self.0);
        usize::from_be_bytes(bytes)
    }
}

/// What a watcher does is foreign code, like what a waker does.
const WATCHER: &str = "a watcher panicked";

impl Waiter {
    fn group(watcher: Arc<dyn Watcher>, token: usize) -> Self {
        match Token::new(token) {
            Some(token) => Self::Group(watcher, token),
            None => Self::Far(Box::new((watcher, token))),
        }
    }

    pub(super) fn tell(self, settled: Settled) {
        match self {
            Self::Nobody => {}
            Self::Task(waker) => wake(waker),
            Self::Group(watcher, token) => {
                contain(WATCHER, move || watcher.settled(token.get(), settled));
            }
            Self::Far(far) => contain(WATCHER, move || far.0.settled(far.1, settled)),
        }
    }
}

impl<I, T> Cell<I, T> {
    /// Asks for `waker` to be woken when the task is done, in place of whoever
    /// waited before. False if it is done already.
    pub(crate) fn wake_when_done(&self, waker: &Waker) -> bool {
        // Cloning a waker is foreign code, as is dropping one: not under the lock.
        self.register(Waiter::Task(waker.clone()))
    }

    /// Asks for `watcher` to be told when the task is done, in place of whoever
    /// waited before. False if it is done already.
    pub(crate) fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.register(Waiter::group(watcher, token))
    }

    /// Asks for `watcher` to be told when the task is done, besides whoever else
    /// is. False if it is done already.
    pub(crate) fn follow(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        let mut slot = lock(&self.slot);
        slot.others().followers.push((watcher, token));
        let registered = self.set_watched();
        // A resolver that saw `WATCHED` has emptied the list before `DONE`, so
        // what stands last in it is what was just put there.
        let withdrawn = match registered {
            true => None,
            false => slot.others().followers.pop(),
        };
        drop(slot);
        discard(withdrawn);
        registered
    }

    /// Wakes whoever waits, to look again: the task is as it was.
    pub(crate) fn nudge(&self) {
        let mut slot = lock(&self.slot);
        // Taken out, since to clone a waker is foreign code: it comes again.
        let nudged = match std::mem::replace(&mut slot.waiter, Waiter::Nobody) {
            waker @ Waiter::Task(_) => Ok(waker),
            Waiter::Nobody => return,
            Waiter::Group(watcher, token) => {
                slot.waiter = Waiter::Group(watcher.clone(), token);
                Err((watcher, token.get()))
            }
            Waiter::Far(far) => {
                let its = (far.0.clone(), far.1);
                slot.waiter = Waiter::Far(far);
                Err(its)
            }
        };
        drop(slot);
        match nudged {
            Ok(waker) => waker.tell(Settled::Value),
            Err((watcher, token)) => {
                contain(WATCHER, move || watcher.nudged(token));
            }
        }
    }

    /// Tells those who listen for failures, once the task is done.
    #[inline]
    pub(super) fn announce(&self, settled: Settled) {
        if settled != Settled::Value {
            failures::tell(self.address(), settled);
        }
    }

    /// The waiter is not to be told any more.
    pub(crate) fn forget_waiter(&self) {
        let former = std::mem::replace(&mut lock(&self.slot).waiter, Waiter::Nobody);
        discard(former);
    }

    fn register(&self, next: Waiter) -> bool {
        let mut slot = lock(&self.slot);
        let former = std::mem::replace(&mut slot.waiter, next);
        let registered = self.set_watched();
        let withdrawn = match registered {
            true => Waiter::Nobody,
            false => std::mem::replace(&mut slot.waiter, Waiter::Nobody),
        };
        drop(slot);
        discard((former, withdrawn));
        registered
    }

    /// Whether resolving the task runs code that is not ours: callbacks, or
    /// somebody's watcher.
    pub(crate) fn has_followers(&self) -> bool {
        // For most tasks, that answers it without a lock.
        if self.state.load(Relaxed) & WATCHED == 0 {
            return false;
        }
        let slot = lock(&self.slot);
        let others = slot.others.as_deref();
        others.is_some_and(Others::tells_somebody)
            || matches!(slot.waiter, Waiter::Group(..) | Waiter::Far(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Book(Mutex<Vec<usize>>);

    impl Watcher for Book {
        fn settled(&self, token: usize, _: Settled) {
            self.0.lock().unwrap().push(token);
        }
    }

    #[test]
    fn every_token_comes_back() {
        let tokens = [
            0,
            1,
            255,
            256,
            usize::MAX >> 9,
            usize::MAX >> 8,
            usize::MAX / 2,
            usize::MAX,
        ];
        let book = Arc::new(Book::default());
        for token in tokens {
            Waiter::group(book.clone(), token).tell(Settled::Value);
        }
        assert_eq!(*book.0.lock().unwrap(), tokens);
    }

    /// What a queued job with two words of input takes, without its counters.
    #[test]
    fn a_cell_is_short() {
        assert_eq!(size_of::<Waiter>(), 3 * WORD);
        assert!(size_of::<Cell<[usize; 2], usize>>() <= 12 * WORD);
    }
}
