//! [`Role`]: what a copy of this program does that a group has started.
//!
//! A copy is started with the word [`ROLE`], the role's name and what it needs.

use super::Fault;
use super::groups::{idle, queue};
use super::rivals::{ipc, limit};
use std::io::Read as _;

/// The first argument of a copy.
pub(crate) const ROLE: &str = "role";

/// The name of a role, and what it is given.
pub(crate) struct Role(Vec<String>);

/// The role that this process was started for, if it is a copy.
pub(crate) fn asked() -> Option<Role> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == ROLE).then(|| Role(arguments.collect()))
}

impl Role {
    pub(crate) fn play(&self) -> Result<(), Fault> {
        let words: Vec<_> = self.0.iter().map(String::as_str).collect();
        match words[..] {
            [limit::NOTHING] => Ok(()),
            [limit::FUTEX, path] => limit::answer(path),
            [ipc::ROLE, server] => ipc::serve(server),
            [queue::ROLE, pool, jobs] => queue::weigh(pool, jobs.parse()?),
            [idle::ROLE, pool] => idle::rest(pool),
            _ => Err(format!("there is no role {words:?}").into()),
        }
    }
}

/// Waits until whoever has started this copy wants its end.
pub(crate) fn wait_for_the_end() {
    // A line may come first, and an error is an end as well.
    let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
}
