//! The pulse: a thread that looks at chunks while they run.
//!
//! A function may hang at any input, and what its chunk has finished before is to
//! leave all the same. The thread that hangs cannot see to it, so this one does: it
//! looks at each chunk that runs every [`BEAT`], and at none before that has run for
//! a whole beat, so that a short one costs no more than being entered in a list. When
//! nothing new has come for [`PATIENT`] beats it looks ever less often, down to every
//! [`SLOWEST`]; a chunk that runs on does not wait for it, but looks at [`beat`]
//! after each input, and sees to what it has finished by itself if that has changed.
//! When there are no chunks any more, the thread sleeps.
//!
//! No user code runs on it.

use super::lock;
use crate::say;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often chunks are looked at.
const BEAT: Duration = Duration::from_millis(1);
/// How often, if there has been nothing new for long.
const SLOWEST: Duration = Duration::from_millis(16);
/// So many beats without anything new are not long yet.
const PATIENT: u32 = 8;
/// So many beats without a chunk, and the thread sleeps.
const IDLE: u32 = 50;

/// A chunk that runs.
pub(crate) trait Pulse: Send + Sync {
    /// Sees to it that what is finished leaves. True if there was anything.
    ///
    /// It runs no user code, and does not wait for any.
    fn pulse(self: Arc<Self>) -> bool;
}

struct Heart {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    chunks: Vec<Entry>,
    next: u64,
    /// There is a thread.
    alive: bool,
    /// It rests for longer than a beat, unless it is woken.
    asleep: bool,
}

struct Entry {
    id: u64,
    /// The beat at which it was entered.
    since: usize,
    chunk: Arc<dyn Pulse>,
}

static HEART: Heart = Heart {
    state: Mutex::new(State {
        chunks: Vec::new(),
        next: 0,
        alive: false,
        asleep: false,
    }),
    wake: Condvar::new(),
};

static BEATS: AtomicUsize = AtomicUsize::new(0);

/// A number that changes while chunks are looked at.
#[inline]
pub(crate) fn beat() -> usize {
    BEATS.load(Relaxed)
}

/// A chunk that is looked at, until this is dropped.
#[must_use = "the chunk is looked at for as long as this lives"]
pub(crate) struct Watched(u64);

/// Looks at `chunk` from now on.
///
/// If no thread can be started, that is reported through `tracing` and tried again
/// with the next chunk; until then results come when their chunk ends.
pub(crate) fn watch(chunk: Arc<dyn Pulse>) -> Watched {
    let mut state = lock(&HEART.state);
    let id = state.next;
    state.next += 1;
    let since = beat();
    state.chunks.push(Entry { id, since, chunk });
    let mut failure = None;
    if !state.alive {
        let builder = std::thread::Builder::new().name("executor-pulse".to_owned());
        match builder.spawn(|| HEART.run()) {
            Ok(_) => state.alive = true,
            Err(error) => failure = Some(error),
        }
    }
    let wake = std::mem::replace(&mut state.asleep, false);
    drop(state);
    if wake {
        HEART.wake.notify_one();
    }
    if let Some(error) = failure {
        say!(error, %error, "no thread to look at chunks: results may be late");
    }
    Watched(id)
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut state = lock(&HEART.state);
        let place = state.chunks.iter().position(|entry| entry.id == self.0);
        let entry = place.map(|place| state.chunks.swap_remove(place));
        drop(state);
        drop(entry);
    }
}

impl Heart {
    fn run(&self) {
        let (mut quiet, mut idle, mut newest) = (0, 0, 0);
        let mut state = lock(&self.state);
        loop {
            idle = if state.chunks.is_empty() { idle + 1 } else { 0 };
            state = self.rest(
                state,
                if idle > IDLE {
                    None
                } else {
                    Some(interval(quiet))
                },
            );
            let now = BEATS.fetch_add(1, Relaxed);
            // Those that were entered before the last beat.
            let due = |entry: &&Entry| now.wrapping_sub(entry.since).cast_signed() > 0;
            let due: Vec<_> = state
                .chunks
                .iter()
                .filter(due)
                .map(|it| it.chunk.clone())
                .collect();
            let others = std::mem::replace(&mut newest, state.next) != state.next;
            drop(state);
            // All of them, so `any` would not do.
            let news = due
                .into_iter()
                .fold(others, |news, chunk| chunk.pulse() | news);
            quiet = if news { 0 } else { quiet.saturating_add(1) };
            state = lock(&self.state);
        }
    }

    /// Lets so much time pass, or all that there is; a new chunk ends it if it is more
    /// than a beat.
    fn rest<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        time: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.asleep = time.is_none_or(|time| time > BEAT);
        match time {
            Some(time) => {
                let waited = self.wake.wait_timeout(state, time);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                state.asleep = false;
            }
            None => {
                while state.asleep {
                    let waited = self.wake.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        state
    }
}

fn interval(quiet: u32) -> Duration {
    match quiet.checked_sub(PATIENT) {
        Some(more) => (BEAT * (2 << more.min(8))).min(SLOWEST),
        None => BEAT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    struct Telling(Mutex<Sender<()>>, bool);

    impl Pulse for Telling {
        fn pulse(self: Arc<Self>) -> bool {
            let _ = lock(&self.0).send(());
            self.1
        }
    }

    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn a_chunk_is_looked_at_until_it_ends_whether_or_not_there_is_anything_new() {
        for news in [false, true] {
            let (tell, told) = channel();
            let watched = watch(Arc::new(Telling(Mutex::new(tell), news)));
            for _ in 0..20 {
                told.recv_timeout(DEADLINE).unwrap();
            }
            let before = beat();
            told.recv_timeout(DEADLINE).unwrap();
            told.recv_timeout(DEADLINE).unwrap();
            assert_ne!(beat(), before);
            drop(watched);
            // The list has let go of it; the thread may be at it for the last time.
            while told.recv_timeout(DEADLINE).is_ok() {}
        }
    }

    #[test]
    fn without_news_it_looks_ever_less_often_down_to_a_limit() {
        assert_eq!((interval(0), interval(PATIENT - 1)), (BEAT, BEAT));
        let later = [PATIENT, PATIENT + 1, PATIENT + 2, PATIENT + 3, u32::MAX].map(interval);
        let millis = later.map(|it| it.as_millis());
        assert_eq!(millis, [2, 4, 8, 16, 16]);
    }
}
