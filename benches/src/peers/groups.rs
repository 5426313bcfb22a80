//! The groups of the report, one file for each kind of work.

mod echo;
mod first_result;
mod gather;
pub(crate) mod idle;
mod process;
mod process_map;
pub(crate) mod queue;
mod thread;

use super::Fault;
use super::measure::{Scale, Subject};
use super::report::Unit;

/// One group, not set up yet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What is done, and by whom: a sentence or two.
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
    /// Measured once, without a warm-up, in place of rounds.
    pub(crate) once: bool,
    /// Sets the subjects up, ours first.
    pub(crate) start: fn(Scale) -> Result<Vec<Subject>, Fault>,
}

/// All of them, in the order of the report.
pub(crate) const ALL: &[Plan] = &[
    process::THROUGHPUT,
    process::ROUND_TRIP,
    process_map::MAP,
    echo::MEBIBYTE,
    echo::LARGE,
    first_result::FIRST_RESULT,
    thread::THROUGHPUT,
    thread::ROUND_TRIP,
    gather::DONE,
    gather::RACING,
    gather::POOL,
    queue::COST,
    queue::MEMORY,
    idle::IDLE,
];
