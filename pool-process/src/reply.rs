//! Resolving a job with the result that its worker left.

use crate::transport::kind;
use executor_core::panic::PanicReport;
use executor_core::{CallFault, HeldJob, TaskError, Wakeups, codec};

/// Resolves `job`. Whatever the bytes are, only this job is concerned.
pub(crate) fn resolve(job: HeldJob, kind: u32, bytes: &mut Vec<u8>, wakeups: &mut Wakeups) {
    match kind {
        kind::VALUE => job.complete_and_wake_later(bytes, wakeups),
        kind::FAULT => match codec::decode::<CallFault>(bytes) {
            Ok(fault) => job.complete_fault(fault),
            Err(cause) => job.fail(malformed(cause)),
        },
        kind::PANIC => match codec::decode::<PanicReport>(bytes) {
            Ok(report) => job.complete_panic(report),
            Err(cause) => job.fail(malformed(cause)),
        },
        other => job.fail(malformed(format!("it is of no known kind: {other}"))),
    }
}

fn malformed(cause: String) -> TaskError {
    TaskError::decode("the worker's report", cause)
}
