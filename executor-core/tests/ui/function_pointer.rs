//! A pointer's target is known only while the program runs.

use executor_core::{ExecutorExt as _, Inline};

fn square(n: u64) -> u64 {
    n * n
}

fn main() {
    let function: fn(u64) -> u64 = square;
    let _ = Inline::new().submit(function, 7);
}
