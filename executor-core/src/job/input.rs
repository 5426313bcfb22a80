//! What a job is made of until it runs: its work, and what it carries along.

use super::payload::{Payload, with_buffer};
use super::{Rest, Work};
use crate::context::{Sender, Surroundings};
use crate::error::TaskError;
use crate::panic::{PanicReport, catch, discard};
use crate::partial::Parts;

/// Dropped as a whole when the job is cancelled, and used up when it runs.
pub(crate) enum Input<W: Work> {
    Whole {
        work: W,
        carried: Option<Box<Surroundings>>,
    },
    /// For another process: the argument is gone, and all it takes is here.
    Encoded { payload: Payload, rest: W::Rest },
    /// In between.
    Nothing,
}

/// An argument that is nothing but bytes is not copied if there are no fewer.
const LARGE: usize = 1024;

impl<W: Work> Input<W> {
    #[inline]
    pub(crate) fn new(work: W, carried: Option<Box<Surroundings>>) -> Self {
        Self::Whole { work, carried }
    }

    /// Runs the function and gives its result to `then`; a panic of either comes
    /// back as a report.
    #[inline]
    pub(crate) fn run(self, then: impl FnOnce(W::Output)) -> Result<(), PanicReport> {
        match self {
            Self::Whole { work, carried } => {
                catch(|| then(Surroundings::run_job(carried, || work.run())))
            }
            Self::Encoded { .. } | Self::Nothing => {
                Err(PanicReport::new("it was encoded for another process", None))
            }
        }
    }

    /// Decodes the result.
    pub(crate) fn complete(&self, bytes: &mut Vec<u8>) -> Result<W::Output, String> {
        match self {
            Self::Encoded { rest, .. } => rest.complete(bytes),
            Self::Whole { .. } | Self::Nothing => Err("it was never encoded".to_owned()),
        }
    }

    /// What takes results that leave the job before it has ended.
    pub(crate) fn parts(&self) -> Option<Parts> {
        match self {
            Self::Encoded { rest, .. } => rest.parts(),
            Self::Whole { .. } | Self::Nothing => None,
        }
    }

    /// Drops it. A panic in there is reported, and harms nobody.
    pub(crate) fn conclude(self, outcome: Result<&W::Output, &TaskError>) {
        match self {
            Self::Whole { work, carried } => {
                work.into_rest().conclude(outcome);
                discard(carried);
            }
            Self::Encoded { payload, rest } => {
                rest.conclude(outcome);
                payload.let_go();
            }
            Self::Nothing => {}
        }
    }

    /// What its trampoline reads, in two pieces, if it was encoded.
    pub(crate) fn payload(&self) -> Option<[&[u8]; 2]> {
        match self {
            Self::Encoded { payload, .. } => Some(payload.pieces()),
            Self::Whole { .. } | Self::Nothing => None,
        }
    }

    /// Encodes what its trampoline reads, and drops the argument. On failure it is as
    /// before.
    pub(crate) fn encode(&mut self, task: &Sender<'_>) -> Result<(), TaskError> {
        let Self::Whole { work, carried } = self else {
            return Ok(());
        };
        let mut before = Vec::new();
        if let Some(carried) = carried {
            carried.encode(task, &mut before)?;
        }
        if let Some(bytes) = work.take_bytes(LARGE) {
            self.become_encoded(Payload::Long(bytes), before);
            return Ok(());
        }
        with_buffer(|buffer| {
            if let Self::Whole { work, .. } = self {
                encode_work(work, buffer)?;
            }
            self.become_encoded(Payload::of(buffer), before);
            Ok(())
        })
    }

    #[inline]
    fn become_encoded(&mut self, payload: Payload, before: Vec<u8>) {
        if let Self::Whole { work, carried } = std::mem::replace(self, Self::Nothing) {
            let rest = work.into_rest();
            let payload = match carried {
                Some(carried) => payload.behind(before, carried),
                None => payload,
            };
            *self = Self::Encoded { payload, rest };
        }
    }
}

#[inline]
fn encode_work<W: Work>(work: &W, buffer: &mut Vec<u8>) -> Result<(), TaskError> {
    // The result is not moved out of the closure: see `panic::catch`.
    let mut encoded = Ok(());
    let cause = match catch(|| encoded = work.encode(buffer)) {
        Ok(()) => match encoded {
            Ok(()) => return Ok(()),
            Err(cause) => cause,
        },
        Err(report) => format!("its Serialize {report}"),
    };
    let subject = format!("argument of type `{}`", W::argument_type());
    Err(TaskError::encode(subject, cause))
}
