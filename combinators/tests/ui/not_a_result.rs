//! What cannot fail is started by `create_task`.

use combinators::gather;

fn main() {
    let _ = gather((async { 1 }, async { 2 }));
}
