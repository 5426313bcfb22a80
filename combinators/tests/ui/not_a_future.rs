//! Numbers are nothing to wait for.

use combinators::gather;

fn main() {
    let _ = gather([1, 2]);
}
