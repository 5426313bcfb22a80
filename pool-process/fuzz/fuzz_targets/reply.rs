//! Results, faults and panic reports.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pool_process::fuzzing::reply(data));
