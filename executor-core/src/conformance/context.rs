//! The rule about context variables.

use super::{Gate, Subject, finish, pass, visit};
use crate::context::ContextVar;
use crate::ext::ExecutorExt as _;

static WHO: ContextVar<String> = ContextVar::new("executor_core::conformance::WHO");
static DEPTH: ContextVar<u64> = ContextVar::new("executor_core::conformance::DEPTH");

/// Says what it finds, and leaves something else behind.
fn look(ticket: (u16, u64)) -> (Option<String>, Option<u64>) {
    visit(ticket);
    (WHO.set("a job".to_owned()), DEPTH.set(99))
}

/// A job has the context of its submission, whatever is set later and wherever it
/// runs; what it sets reaches neither the submitter nor the next job.
pub fn the_context_follows_the_job(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut gate = Gate::new();
    // Behind this one the others wait, if there is a queue.
    let first = match subject.runs_inline() {
        true => None,
        false => {
            let task = executor.submit(pass, gate.ticket(0));
            assert_eq!(gate.arrival(), 0);
            Some(task)
        }
    };
    let submit = |number| executor.submit(look, gate.ticket(number));
    let bare = submit(1);
    WHO.set("ada".to_owned());
    let one = submit(2);
    DEPTH.set(7);
    let both = WHO.scope("bob".to_owned(), || submit(3));
    WHO.take();
    DEPTH.take();
    let again = submit(4);
    gate.open();
    assert!(first.is_none_or(|task| finish(task).is_ok()));
    assert_eq!(finish(bare).unwrap(), (None, None));
    assert_eq!(finish(one).unwrap(), (Some("ada".to_owned()), None));
    assert_eq!(finish(both).unwrap(), (Some("bob".to_owned()), Some(7)));
    assert_eq!(finish(again).unwrap(), (None, None));
    assert_eq!((WHO.get(), DEPTH.get()), (None, None));
}
