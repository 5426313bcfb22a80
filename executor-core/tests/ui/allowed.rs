//! Function items, generic functions and closures that capture nothing.

use executor_core::{ExecutorExt as _, Inline};

fn square(n: u64) -> u64 {
    n * n
}

fn last<T>(items: Vec<T>) -> Option<T> {
    items.into_iter().next_back()
}

fn main() {
    let pool = Inline::new();
    assert_eq!(pool.submit(square, 7).wait().unwrap(), 49);
    assert_eq!(pool.submit(last, vec![1, 2]).wait().unwrap(), Some(2));
    assert_eq!(pool.submit(|(a, b)| a + b, (1, 2)).wait().unwrap(), 3);
}
