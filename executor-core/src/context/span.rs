//! [`Guarded`]: a span of the program's, whose subscriber may panic.
//!
//! To clone, enter, leave and drop a span calls the subscriber. Where a task is at work a
//! panic in there must neither take the place of its result nor, while another panic
//! unwinds, end the program: so it is contained, and the task goes on without the span.

use crate::panic::call_subscriber;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing::span::Entered;

/// A span, if there is one that somebody records.
pub(super) struct Guarded(Option<Span>);

impl Guarded {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The span that this thread is in.
    pub(super) fn current() -> Self {
        match may_exist() {
            true => Self::made_by(Span::current),
            false => Self::none(),
        }
    }

    /// The span that `make` gives.
    pub(super) fn made_by(make: impl FnOnce() -> Span) -> Self {
        let span = call_subscriber(make);
        Self(span.filter(|span| !span.is_disabled()))
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn get(&self) -> Option<&Span> {
        self.0.as_ref()
    }

    /// Runs `f` inside it.
    #[inline]
    pub(super) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let Some(span) = &self.0 else {
            return f();
        };
        let _inside = Inside(call_subscriber(|| span.enter()));
        f()
    }
}

/// False where nobody records anything.
#[inline]
pub(super) fn may_exist() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}

impl Clone for Guarded {
    fn clone(&self) -> Self {
        let span = self.0.as_ref();
        Self(span.and_then(|span| call_subscriber(|| span.clone())))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            let _ = call_subscriber(|| drop(span));
        }
    }
}

struct Inside<'a>(Option<Entered<'a>>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if let Some(entered) = self.0.take() {
            let _ = call_subscriber(|| drop(entered));
        }
    }
}
