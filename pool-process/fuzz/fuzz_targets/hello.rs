//! What a worker introduces itself with.

#![no_main]

// libfuzzer takes every panic for a failure, also one that is caught. Those of
// ipc-channel, over channels that are not there, are expected and caught; any
// other still ends the run.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| ())),
    |data: &[u8]| pool_process::fuzzing::hello(data)
);
