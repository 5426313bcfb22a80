//! [`Surroundings`]: what a task takes with it from where it was created.

use super::Context;
use super::span::{self, Guarded};
use super::variables::{self, Installed};
use std::fmt;

/// The context and the [`tracing`] span in which a task was created.
///
/// Jobs carry theirs by themselves. This is for those who drive coroutines:
/// [`capture`](Self::capture) when one is created, [`resume`](Self::resume) around
/// each of its polls.
///
/// ```
/// use executor_core::{ContextVar, context::Surroundings};
///
/// static STEP: ContextVar<u32> = ContextVar::new("step");
///
/// let mut surroundings = STEP.scope(1, Surroundings::capture);
/// let mut step = || surroundings.resume(|| STEP.set(STEP.get().unwrap_or(0) + 1));
/// assert_eq!((step(), step()), (Some(1), Some(2)));
/// assert_eq!(STEP.get(), None);
/// ```
#[derive(Clone)]
pub struct Surroundings {
    context: Context,
    span: Guarded,
}

impl Surroundings {
    /// The current context and span of this thread.
    pub fn capture() -> Self {
        Self {
            context: Context::current(),
            span: Guarded::current(),
        }
    }

    /// The current ones, or nothing, without an allocation, if there are none.
    #[inline]
    pub(crate) fn capture_boxed() -> Option<Box<Self>> {
        // Two loads, for most programs.
        match variables::is_any() || span::may_exist() {
            true => Self::box_up(),
            false => None,
        }
    }

    #[cold]
    fn box_up() -> Option<Box<Self>> {
        let surroundings = Self::capture();
        (!surroundings.is_empty()).then(|| Box::new(surroundings))
    }

    /// True if there is neither a context nor a span.
    pub fn is_empty(&self) -> bool {
        self.context.is_empty() && self.span.is_none()
    }

    /// Runs `f` in this context and inside this span; the context is afterwards as
    /// `f` left it.
    pub fn resume<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let Self { context, span } = self;
        context.resume(|| span.in_scope(f))
    }

    /// Runs the function of a job in what it carried, or in an empty context.
    ///
    /// Also a job that carries nothing is kept apart from its thread: what it sets
    /// must not reach the next one.
    pub(crate) fn run_job<R>(carried: Option<Box<Self>>, f: impl FnOnce() -> R) -> R {
        let Some(carried) = carried else {
            return apart(f);
        };
        let Self { context, span } = *carried;
        let _inside = Installed::new(context.0);
        span.in_scope(f)
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn span(&self) -> &Guarded {
        &self.span
    }
}

impl Default for Surroundings {
    /// No context and no span.
    fn default() -> Self {
        Self {
            context: Context::new(),
            span: Guarded::none(),
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("context", &self.context)
            .field(
                "span",
                &self
                    .span
                    .get()
                    .and_then(|span| Some(span.metadata()?.name())),
            )
            .finish()
    }
}

/// Runs `f` in an empty context.
pub(super) fn apart<R>(f: impl FnOnce() -> R) -> R {
    let _inside = Installed::new(None);
    f()
}
