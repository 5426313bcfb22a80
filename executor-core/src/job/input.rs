//! What a job is made of until it runs: its work, and what it carries along.

use super::Work;
use crate::context::{Sender, Surroundings};
use crate::error::TaskError;
use crate::panic::{PanicReport, catch, discard};
use crate::partial::Parts;

/// Dropped as a whole when the job is cancelled, and used up when it runs.
pub(crate) struct Input<W> {
    work: W,
    carried: Option<Box<Surroundings>>,
}

impl<W: Work> Input<W> {
    #[inline]
    pub(crate) fn new(work: W, carried: Option<Box<Surroundings>>) -> Self {
        Self { work, carried }
    }

    /// Runs the function and gives its result to `then`; a panic of either comes
    /// back as a report.
    #[inline]
    pub(crate) fn run(self, then: impl FnOnce(W::Output)) -> Result<(), PanicReport> {
        let Self { work, carried } = self;
        catch(|| then(Surroundings::run_job(carried, || work.run())))
    }

    /// Decodes the result.
    pub(crate) fn complete(&self, bytes: &mut Vec<u8>) -> Result<W::Output, String> {
        self.work.complete(bytes)
    }

    /// What takes results that leave the job before it has ended.
    pub(crate) fn parts(&self) -> Option<Parts> {
        self.work.parts()
    }

    /// Drops it. A panic in there is reported, and harms nobody.
    pub(crate) fn conclude(self, outcome: Result<&W::Output, &TaskError>) {
        let Self { work, carried } = self;
        work.conclude(outcome);
        discard(carried);
    }

    /// The argument, if it is nothing but bytes.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.work.bytes()
    }

    /// Appends what stands before the argument in what its trampoline reads.
    pub(crate) fn encode_carried(
        &self,
        task: &Sender<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), TaskError> {
        match &self.carried {
            Some(carried) => carried.encode(task, buffer),
            None => Ok(()),
        }
    }

    /// Appends what its trampoline reads.
    pub(crate) fn encode(&self, task: &Sender<'_>, buffer: &mut Vec<u8>) -> Result<(), TaskError> {
        self.encode_carried(task, buffer)?;
        let encoded = catch(|| self.work.encode(buffer));
        let encoded = encoded.unwrap_or_else(|report| Err(format!("its Serialize {report}")));
        encoded.map_err(|cause| {
            TaskError::encode(format!("argument of type `{}`", W::argument_type()), cause)
        })
    }
}
