//! [`Whole`]: the reference of a job that is there until the job is consumed.
//!
//! Jobs have a `Drop`, so nothing can be moved out of them, and an `Option` would
//! cost them the niche with which `Option<HeldJob>` is returned in two registers.

use super::AnyJob;
use std::mem::ManuallyDrop;
use std::sync::Arc;

pub(super) struct Whole(ManuallyDrop<Arc<dyn AnyJob>>);

impl Whole {
    #[inline]
    pub(super) fn new(job: Arc<dyn AnyJob>) -> Self {
        Self(ManuallyDrop::new(job))
    }

    #[inline]
    pub(super) fn get(&self) -> &Arc<dyn AnyJob> {
        &self.0
    }

    /// Moves the reference out. What is not moved out is never freed.
    ///
    /// # Safety
    /// Nothing else is called on this afterwards.
    #[inline]
    pub(super) unsafe fn take(&mut self) -> Arc<dyn AnyJob> {
        // SAFETY: the caller promises that this is the last that is seen of it.
        unsafe { ManuallyDrop::take(&mut self.0) }
    }
}
