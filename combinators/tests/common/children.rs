//! Children of task groups.

use super::{Broken, Canary};
use combinators::TaskGroup;
use executor_core::{Task, TaskError};
use futures::future::pending;
use std::sync::mpsc::Receiver;

/// A child that never ends by itself, and tells when it is dropped.
pub(crate) fn endless(group: &TaskGroup) -> (Task<()>, Receiver<()>) {
    let (canary, dropped) = Canary::new();
    let task = group.create_task(async move {
        let _canary = canary;
        pending::<Result<(), TaskError>>().await
    });
    (task, dropped)
}

pub(crate) async fn fail(with: u32) -> Result<(), Broken> {
    Err(Broken(with))
}
