//! What a closure captures would stay behind in this process.

use executor_core::{ExecutorExt as _, Inline};

fn main() {
    let factor = 3;
    let _ = Inline::new().submit(move |n: u64| n * factor, 7);
}
