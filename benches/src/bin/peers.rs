//! Ours and the others, on the same work, in one run.
//!
//! ```sh
//! cargo run --release -p benches --bin peers               # everything, some minutes
//! cargo run --release -p benches --bin peers -- --quick    # less than two
//! cargo run --release -p benches --bin peers -- --help
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    // Both make a worker of this process if it was started as one of theirs, and
    // know the other's by nothing: each goes by a variable of its own.
    pool_process::init();
    procspawn::init();
    benches::peers::main()
}
