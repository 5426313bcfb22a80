//! [`Parts`]: where the parts of one job go.

use crate::panic::{catch, discard};
use std::fmt;
use std::sync::Arc;

/// Takes the parts of one job.
pub(crate) trait Intake: Send + Sync {
    /// Takes a part, and tells whoever waits for it.
    fn take_in(&self, part: &[u8]) -> Result<(), String>;
}

/// Takes the parts of a job, wherever the [`HeldJob`](crate::HeldJob) is meanwhile: see
/// [`HeldJob::parts`](crate::HeldJob::parts).
#[derive(Clone)]
pub struct Parts(Kept);

impl Parts {
    pub(crate) fn new(intake: Arc<dyn Intake>) -> Self {
        Self(Kept(Some(intake)))
    }

    /// Takes a part of the result, which has left the job while it runs elsewhere: what
    /// the [sink](super::set_sink) was given there. A part that came before is passed
    /// over.
    ///
    /// It decodes the results on this thread, and wakes whoever waits for them before it
    /// returns. The parts of a job are to come in their order, one at a time, and before
    /// the job is completed or failed: what comes later is refused.
    ///
    /// # Errors
    /// Why the part cannot be read; also if a `Deserialize` panics. What stood before
    /// that in it was taken. The job is as it was, and is to be failed, since nothing
    /// that comes after can be believed.
    pub fn deliver(&self, part: &[u8]) -> Result<(), String> {
        let Some(intake) = &self.0.0 else {
            return Err("nobody takes it".to_owned());
        };
        let taken = catch(|| intake.take_in(part));
        taken.unwrap_or_else(|report| Err(format!("its Deserialize {report}")))
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The last one may drop results that nobody has fetched, whose drops may panic.
#[derive(Clone)]
struct Kept(Option<Arc<dyn Intake>>);

impl Drop for Kept {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}
