//! Workers for programs that have no `main` of their own: tests.
//!
//! A binary made by `cargo test` has libtest's `main`, which cannot call
//! [`init`](crate::init). So a worker of such a binary is the binary again, told
//! to run one test, and that test serves. [`test_worker!`](crate::test_worker)
//! writes it.

use crate::worker::{self, Host};

/// Makes process pools work in the tests of this file.
///
/// Write it once, at the top of an integration test or of a module of unit
/// tests. It adds a test called `pool_process_worker`, which does nothing when
/// it is run as a test, and a function `init_test_worker()`, which every test
/// that builds a pool calls first. Works under `cargo test` and nextest.
///
/// In a worker, standard output is standard error, since the harness writes to
/// the former.
///
/// Here `doubles` would be a `#[test]`:
///
/// ```
/// pool_process::test_worker!();
///
/// fn double(n: u64) -> u64 {
///     2 * n
/// }
///
/// fn doubles() {
///     init_test_worker();
///     let pool = pool_process::ProcessPool::builder().max_workers(1).build().unwrap();
///     // …
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! test_worker {
    () => {
        const POOL_PROCESS_WORKER: &str =
            ::core::concat!(::core::module_path!(), "::pool_process_worker");

        #[test]
        fn pool_process_worker() {
            $crate::testing::serve(POOL_PROCESS_WORKER);
        }

        /// Call this before building a process pool in a test.
        fn init_test_worker() {
            $crate::testing::init(POOL_PROCESS_WORKER);
        }
    };
}

/// Serves, if this process was started as a worker; what the test that
/// [`test_worker!`](crate::test_worker) adds does.
///
/// `path` is that test's path with the name of the crate in front.
pub fn serve(path: &'static str) {
    worker::serve_if_invited(host(path));
}

/// Notes which test serves; what `init_test_worker()` calls.
///
/// `path` is as for [`serve`].
pub fn init(path: &'static str) {
    worker::init(host(path));
}

/// libtest leaves the name of the crate out.
fn host(path: &'static str) -> Host {
    Host::Test(path.split_once("::").map_or(path, |(_, test)| test))
}
