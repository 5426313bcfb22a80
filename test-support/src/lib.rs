//! What the tests of several crates of this workspace need, and the chaos test among the
//! examples. It knows none of those crates.
//!
//! * [`reading`]: a stream that is read while the test does something else;
//! * [`children`]: the end of a forked child, and whose child a process is;
//! * [`freezer`]: cgroups in which processes are frozen.

pub mod children;
pub mod freezer;
pub mod reading;
