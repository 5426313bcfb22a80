//! What stands on the board, and what is sent about it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pool_process::fuzzing::flight(data));
