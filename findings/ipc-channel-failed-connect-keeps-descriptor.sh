#!/usr/bin/env bash
# Package: ipc-channel =0.23.1 (Rust), on Linux.
# Behaviour: `IpcSender::connect(name)` where nobody listens gives an error, as it should,
#   and leaves the socket that it has made open: one descriptor for each failed call.
# Guess before: an `Err` leaves nothing behind, since the sender that would own the socket
#   was never made.
# Seen: 100 failed calls, 100 descriptors more.
# Why it matters here: a program that tries again until its peer is there uses up its
#   descriptors. This workspace connects to sockets of its own alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
ipc-channel = "=0.23.1"
TOML
cat > "$work/src/main.rs" <<'RUST'
use ipc_channel::ipc::IpcSender;

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn main() {
    let nobody = std::env::temp_dir().join("nobody-listens-here");
    let nobody = nobody.to_str().unwrap().to_owned();
    let before = open_descriptors();
    for _ in 0..100 {
        assert!(IpcSender::<u8>::connect(nobody.clone()).is_err());
    }
    println!("{}", open_descriptors() - before);
}
RUST
more=$(cd "$work" && TMPDIR="$work" cargo run --quiet)
echo "ipc-channel 0.23.1: 100 failed connects leave $more descriptors open"
test "$more" -eq 100
