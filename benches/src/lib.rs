//! What a job costs on each executor, and on those that others have written.
//!
//! * [`jobs`]: functions that do next to nothing, so that what is measured is the
//!   way to the worker and back;
//! * [`Executors`]: one executor of each kind;
//! * [`peers`]: ours and the others on the same work, in one run.
//!
//! ```sh
//! cargo bench -p benches                                  # criterion, everything
//! cargo bench -p benches -- round_trip                    # one group of it
//! cargo run --release -p benches --bin peers -- --quick   # against the others
//! benches/compare.sh OLD_MIDDLE NEW_MIDDLE 5              # against an older build of ours
//! ```

#![deny(unsafe_code)]

mod executors;
pub mod jobs;
pub mod peers;

pub use self::executors::Executors;
