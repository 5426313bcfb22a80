//! What cannot be gathered, with the message that a person gets for it.
//!
//! The messages are the compiler's, so a new toolchain may word them otherwise:
//! `TRYBUILD=overwrite` writes them again, and the difference is to be read.

#[test]
fn refused_at_compile_time() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
