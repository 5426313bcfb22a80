//! What the tests of the programs share.

// Each test file is a program of its own, and none uses all of this.
#![allow(dead_code, unreachable_pub)]

pub mod hashsum;
pub mod processes;
pub mod program;
pub mod tree;
