//! A program that does not call `init` is told so.

use pool_process::ProcessPool;

#[test]
fn a_forgotten_init_is_a_clear_error() {
    let error = ProcessPool::new().unwrap_err();
    assert!(error.is_missing_init());
    let message = error.to_string();
    assert!(message.contains("pool_process::init()"), "{message}");
    assert!(message.contains("main"), "{message}");
}
