//! An `Rc` counts without synchronisation, so what holds one stays on its
//! thread.

use executor_core::{ExecutorExt as _, Inline};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

#[derive(Serialize, Deserialize)]
struct Document {
    text: String,
    #[serde(skip)]
    cache: Rc<[u64]>,
}

fn length(document: Document) -> usize {
    document.text.len() + document.cache.len()
}

fn main() {
    let document = Document {
        text: String::from("seven"),
        cache: Rc::new([7]),
    };
    let _ = Inline::new().submit(length, document);
}
