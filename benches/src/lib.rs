//! What a job costs on each executor.
//!
//! * [`jobs`]: functions that do next to nothing, so that what is measured is the
//!   way to the worker and back;
//! * [`Executors`]: one executor of each kind.
//!
//! ```sh
//! cargo bench -p benches                  # everything
//! cargo bench -p benches -- round_trip    # one group
//! ```

#![forbid(unsafe_code)]

mod executors;
pub mod jobs;

pub use self::executors::Executors;
