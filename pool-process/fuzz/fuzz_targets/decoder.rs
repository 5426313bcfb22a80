//! What comes over the wire, in any pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pool_process::fuzzing::decoder(data));
