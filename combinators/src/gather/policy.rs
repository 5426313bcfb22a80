//! What becomes of the others when one task fails, and of all when nobody waits.

use executor_core::current;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    /// The first failure cancels the others.
    pub(crate) cancel_siblings: bool,
    /// Dropping the future before it is ready cancels all.
    pub(crate) cancel_on_drop: bool,
}

impl Policy {
    /// Whether the tasks are to be cancelled with a future that is dropped before
    /// it was ready. One that is awaited by a coroutine which is being cancelled
    /// passes that on, as Python's does.
    pub(crate) fn cancels_dropped(self, awaited: bool) -> bool {
        self.cancel_on_drop || awaited && current::is_cancelling()
    }
}

/// The methods that choose a policy, for a future that has it in this field.
macro_rules! policies {
    ($($field:ident).+) => {
        /// A failure leaves the others running, detached: Python's rule, and what
        /// holds unless another one is chosen.
        pub fn leave_running(mut self) -> Self {
            self.$($field).+.cancel_siblings = false;
            self
        }

        /// The first failure cancels the others. What they do then is not waited
        /// for, except where all outcomes are asked for. It is to be said before
        /// this is polled.
        pub fn cancel_siblings(mut self) -> Self {
            self.$($field).+.cancel_siblings = true;
            self
        }

        /// Dropping this before it is ready cancels the tasks.
        pub fn cancel_on_drop(mut self) -> Self {
            self.$($field).+.cancel_on_drop = true;
            self
        }
    };
}

pub(crate) use policies;
