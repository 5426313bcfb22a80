//! The parts of the program `hashsum` that have nothing to do with executors.
//!
//! * [`File`], [`files`]: which files there are, found while they are hashed;
//! * [`Digest`], [`sha256`]: the function that runs in the workers;
//! * [`write_line`]: a sum as `sha256sum` prints it;
//! * [`Report`]: sums on stdout, problems and progress on stderr;
//! * [`Problem`]: why there is no sum.

mod digest;
mod file;
mod line;
mod problem;
mod report;
mod walk;

pub use self::digest::{Digest, sha256};
pub use self::file::File;
pub use self::line::write_line;
pub use self::problem::Problem;
pub use self::report::Report;
pub use self::walk::files;
