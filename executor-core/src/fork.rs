//! Whether this process is a forked child of the one in which something was made.
//!
//! A child has a copy of its parent's memory and none of its threads: a pool that was
//! built before the fork has no workers here, and a lock that another thread held at
//! that moment is never released. So what belongs to threads is given up in a child, and
//! nothing of it is waited for or locked.
//!
//! The C library calls a handler of ours in each child (`pthread_atfork`), which counts.
//! To look costs one relaxed load. A child that is made by a bare `clone` or `vfork`
//! system call, without the C library, is not noticed; nor is any on a system that has no
//! `fork`.

use crate::error::TaskError;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// How many forks lie between the first process and this one.
static FORKS: Apart = Apart(AtomicU32::new(0));

/// On a cache line of its own: each job reads it, and beside it might stand what each
/// job writes.
#[repr(align(128))]
struct Apart(AtomicU32);

/// The process in which something was made, as far as its descendants can tell.
///
/// ```
/// use executor_core::fork::Generation;
///
/// let made_here = Generation::current();
/// assert!(!made_here.is_foreign());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u32);

impl Generation {
    /// This process. From now on its children are told apart from it.
    pub fn current() -> Self {
        watch();
        Self(FORKS.0.load(Ordering::Relaxed))
    }

    /// True in a child, or a later descendant, of the process it was taken in.
    #[inline]
    pub fn is_foreign(self) -> bool {
        self.0 != FORKS.0.load(Ordering::Relaxed)
    }
}

/// What a job is refused with, or a shutdown, that is asked of a pool in a child: the pool
/// with this name was made in an ancestor.
#[cold]
pub fn refusal(pool: &str) -> TaskError {
    TaskError::rejected(format!(
        "the pool `{pool}` is in the process that this one was forked from, where its \
         threads are"
    ))
}

/// How many forks lie behind this process, among those that are counted.
#[inline]
pub(crate) fn count() -> u32 {
    FORKS.0.load(Ordering::Relaxed)
}

#[cfg(unix)]
fn watch() {
    extern "C" fn in_child() {
        FORKS.0.fetch_add(1, Ordering::Relaxed);
    }
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler is a function of this program, does nothing that is not
        // allowed after a fork, and does not unwind.
        let refused = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        // There is no memory for it: then forks are not noticed.
        let _ = refused;
    });
}

#[cfg(not(unix))]
fn watch() {}

/// One `T` for each process: a forked child makes its own, and never looks at its
/// parent's, which may be locked for ever. None is freed.
pub(crate) struct PerProcess<T>(AtomicPtr<Owned<T>>);

struct Owned<T> {
    generation: Generation,
    value: T,
}

impl<T: Default + Send + Sync + 'static> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The one of this process.
    pub(crate) fn get(&'static self) -> &'static T {
        let known = self.0.load(Ordering::Acquire);
        // SAFETY: it is null, or was leaked below.
        if let Some(owned) = unsafe { known.as_ref() }
            && !owned.generation.is_foreign()
        {
            return &owned.value;
        }
        self.make(known)
    }

    #[cold]
    fn make(&'static self, known: *mut Owned<T>) -> &'static T {
        let made = Box::into_raw(Box::new(Owned {
            generation: Generation::current(),
            value: T::default(),
        }));
        let placed = self
            .0
            .compare_exchange(known, made, Ordering::AcqRel, Ordering::Acquire);
        let theirs = match placed {
            Ok(_) => made,
            Err(theirs) => {
                // SAFETY: it was just made here, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
                theirs
            }
        };
        // SAFETY: what stands in there is never freed, and is of this process: it was
        // placed after `known`, which no other process can have done.
        unsafe { &(*theirs).value }
    }
}
