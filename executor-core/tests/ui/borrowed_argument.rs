//! A job may outlive the value that its argument borrows.

use executor_core::{ExecutorExt as _, Inline};

fn length(text: &str) -> usize {
    text.len()
}

fn main() {
    let text = String::from("seven");
    let _ = Inline::new().submit(length, text.as_str());
}
