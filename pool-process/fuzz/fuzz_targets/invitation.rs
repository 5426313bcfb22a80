//! What a worker is invited with.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pool_process::fuzzing::invitation(data));
