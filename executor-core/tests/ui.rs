//! What must not compile, with the message that a person gets for it.
//!
//! The messages are the compiler's, so a new toolchain may word them otherwise:
//! `TRYBUILD=overwrite` writes them again, and the difference is to be read.

#[test]
fn refused_at_compile_time() {
    let cases = trybuild::TestCases::new();
    // A program that compiles makes trybuild build, not only check: the size of
    // a function is asserted when `submit` is instantiated, which a check skips.
    cases.pass("tests/ui/allowed.rs");
    cases.compile_fail("tests/ui/capturing_closure.rs");
    cases.compile_fail("tests/ui/function_pointer.rs");
    cases.compile_fail("tests/ui/not_send.rs");
    cases.compile_fail("tests/ui/not_serialisable.rs");
    cases.compile_fail("tests/ui/borrowed_argument.rs");
}
