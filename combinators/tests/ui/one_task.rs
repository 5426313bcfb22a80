//! A single task is awaited, not gathered.

use combinators::gather;
use executor_core::Task;

fn main() {
    let _ = gather(Task::ready("done", Ok(1)));
}
