//! The inline executor passes the conformance suite.

use executor_core::{Executor, Inline, conformance::Subject};

struct Inlines;

impl Subject for Inlines {
    fn start(&self, _workers: usize) -> Box<dyn Executor> {
        Box::new(Inline::new())
    }
    fn runs_inline(&self) -> bool {
        true
    }
}

executor_core::conformance_tests!(Inlines);
