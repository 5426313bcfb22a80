//! Who a task is: its id, its name, its options.

use crate::error::TaskError;
use crate::fork;
use crate::job::JobOptions;
use crate::timer::Timer;
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that no other task of this process has, in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id as a number, for logs and wire formats.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A context or a span goes with the job. A flag of its own would make every job
/// eight bytes longer; no process gets so far with its ids.
const CARRIES: u64 = 1 << 63;
/// It is a job, rather than a promise.
const JOB: u64 = 1 << 62;
/// In which process it was made: the low bits of the number of forks behind that.
const FORKS: u64 = 0x3f << FORKS_SHIFT;
const FORKS_SHIFT: u32 = 56;

#[inline]
fn forks() -> u64 {
    (u64::from(fork::count()) << FORKS_SHIFT) & FORKS
}

/// A few words: most jobs have no options, so those are boxed.
pub(crate) struct Meta {
    /// The id, [`FORKS`], [`CARRIES`] and [`JOB`].
    word: u64,
    function: fn() -> &'static str,
    extra: Option<Box<Extra>>,
}

/// What a task has if it was given options.
#[derive(Default)]
pub(crate) struct Extra {
    options: JobOptions,
    /// Here, so that it goes when the task does.
    queue_limit: OnceLock<Timer>,
}

impl Extra {
    #[inline(always)]
    pub(crate) fn of(options: JobOptions) -> Option<Box<Self>> {
        let JobOptions {
            name,
            timeout,
            queue_timeout,
            retries,
        } = &options;
        let plain = name.is_none() && timeout.is_none() && queue_timeout.is_none() && *retries == 0;
        (!plain).then(|| Self::boxed(options))
    }

    #[cold]
    fn boxed(options: JobOptions) -> Box<Self> {
        Box::new(Self {
            options,
            queue_limit: OnceLock::new(),
        })
    }
}

impl Meta {
    /// Of a promise.
    pub(crate) fn new(function: fn() -> &'static str, options: JobOptions) -> Self {
        let mut meta = Self::of_job(function, Extra::of(options), false);
        meta.word &= !JOB;
        meta
    }

    /// `carries` says whether a context or a span goes with the job.
    // Inlined, it is built where it is stored; to move it shows in every submit.
    #[inline(always)]
    pub(crate) fn of_job(
        function: fn() -> &'static str,
        extra: Option<Box<Extra>>,
        carries: bool,
    ) -> Self {
        Self {
            word: TaskId::next().get() | forks() | JOB | if carries { CARRIES } else { 0 },
            function,
            extra,
        }
    }

    /// The same task, seen through another handle.
    pub(crate) fn alias(&self) -> Self {
        Self {
            word: self.word & !CARRIES,
            function: self.function,
            extra: self.options().map(|options| {
                Box::new(Extra {
                    options: options.clone(),
                    ..Extra::default()
                })
            }),
        }
    }

    pub(crate) fn carries(&self) -> bool {
        self.word & CARRIES != 0
    }

    pub(crate) fn is_job(&self) -> bool {
        self.word & JOB != 0
    }

    /// Whether it was made in a process of which this one is a forked child.
    pub(crate) fn is_foreign(&self) -> bool {
        self.word & FORKS != forks()
    }

    #[inline]
    fn options(&self) -> Option<&JobOptions> {
        self.extra.as_ref().map(|extra| &extra.options)
    }

    /// Keeps the timer of the limit on the time in the queue.
    pub(crate) fn keep(&self, queue_limit: Timer) {
        if let Some(extra) = &self.extra {
            // There is but one.
            let _ = extra.queue_limit.set(queue_limit);
        }
    }

    /// The limit on the time in the queue, if it has passed.
    #[inline]
    pub(crate) fn passed_queue_limit(&self) -> Option<Duration> {
        let extra = self.extra.as_ref()?;
        let passed = extra.queue_limit.get().is_some_and(Timer::is_due);
        extra.options.queue_timeout.filter(|_| passed)
    }

    pub(crate) fn id(&self) -> TaskId {
        TaskId(self.word & !(CARRIES | JOB | FORKS))
    }

    #[inline]
    pub(crate) fn function(&self) -> &'static str {
        (self.function)()
    }

    pub(crate) fn name(&self) -> &str {
        let given = self.options().and_then(|o| o.name.as_deref());
        given.unwrap_or_else(|| self.function())
    }

    #[inline]
    pub(crate) fn owned_name(&self) -> Cow<'static, str> {
        if let Some(options) = self.options()
            && let Some(given) = &options.name
        {
            return Cow::Owned(given.clone());
        }
        Cow::Borrowed(self.function())
    }

    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.options().and_then(|options| options.timeout)
    }

    pub(crate) fn queue_timeout(&self) -> Option<Duration> {
        self.options().and_then(|o| o.queue_timeout)
    }

    pub(crate) fn retries(&self) -> u32 {
        self.options().map_or(0, |options| options.retries)
    }

    pub(crate) fn name_it(&self, error: TaskError) -> TaskError {
        error.for_task(self.id(), self.name())
    }
}
