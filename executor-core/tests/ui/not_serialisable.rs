//! A type that does not say how it crosses a process boundary.

use executor_core::{ExecutorExt as _, Inline};

struct Document {
    text: String,
}

fn length(document: Document) -> usize {
    document.text.len()
}

fn main() {
    let text = String::from("seven");
    let _ = Inline::new().submit(length, Document { text });
}
