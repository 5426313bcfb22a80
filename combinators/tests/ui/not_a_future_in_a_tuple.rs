//! One of them is nothing to wait for.

use combinators::gather;
use executor_core::Task;

fn main() {
    let task = Task::ready("done", Ok(1));
    let _ = gather((task, 2));
}
