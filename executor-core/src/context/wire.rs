//! How a context and a span cross to another process: in front of the argument.
//!
//! A job that carries neither travels as ever. One that does has a trampoline of
//! its own, so the transport knows nothing of this: what it takes for the argument
//! is a [`Head`], then the argument.

use super::Context;
use super::carried::{Surroundings, apart};
use super::span::Guarded;
use super::variables::{Undecodable, Variables};
use crate::codec;
use crate::entry::{CallFault, Trampoline};
use crate::error::TaskError;
use crate::task::TaskId;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    span: Option<Parent<'a>>,
    variables: Vec<Sent<'a>>,
}

/// What is told of the submitter's span, and of the task.
#[derive(Serialize, Deserialize)]
struct Parent<'a> {
    task_id: u64,
    task: &'a str,
    name: &'a str,
    target: &'a str,
    id: u64,
}

#[derive(Serialize, Deserialize)]
struct Sent<'a> {
    name: &'a str,
    type_name: &'a str,
    #[serde(serialize_with = "as_bytes", borrow)]
    bytes: Cow<'a, [u8]>,
}

/// In one piece, where serde would write one number after the other.
fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The task whose surroundings are sent.
pub(crate) struct Sender<'a> {
    pub(crate) id: TaskId,
    pub(crate) name: &'a str,
}

impl Surroundings {
    /// Appends them to `buffer`; on failure that may hold anything.
    pub(crate) fn encode(&self, task: &Sender<'_>, buffer: &mut Vec<u8>) -> Result<(), TaskError> {
        let mut variables = Vec::new();
        if let Some(context) = &self.context().0 {
            context.send(|name, type_name, bytes| {
                variables.push(Sent {
                    name,
                    type_name,
                    bytes,
                });
            })?;
        }
        let parent = |span: &tracing::Span| {
            let metadata = span.metadata()?;
            Some(Parent {
                task_id: task.id.get(),
                task: task.name,
                name: metadata.name(),
                target: metadata.target(),
                id: span.id().map_or(0, |id| id.into_u64()),
            })
        };
        let span = self.span().get().and_then(parent);
        let head = Head { span, variables };
        codec::encode(&head, buffer).map_err(|cause| TaskError::encode("context", cause))
    }
}

/// Decodes what was put before the argument, and calls the trampoline inside it.
pub(crate) fn call_within(
    call: Trampoline,
    message: &mut Vec<u8>,
    result: &mut Vec<u8>,
) -> Result<(), CallFault> {
    let (mut context, span, len) = receive(message)?;
    message.drain(..len);
    let called = catch_unwind(AssertUnwindSafe(|| {
        context.resume(|| span.in_scope(|| call(message, result)))
    }));
    crate::panic::discard(context);
    called.unwrap_or_else(|payload| match Undecodable::raised(&*payload) {
        Some(Undecodable { subject, cause }) => Err(CallFault::Context { subject, cause }),
        // Message and place are with whoever catches it next.
        None => resume_unwind(payload),
    })
}

/// Decodes what was put before the argument, and says how long it was.
fn receive(message: &[u8]) -> Result<(Context, Guarded, usize), CallFault> {
    let (head, argument): (Head<'_>, _) =
        postcard::take_from_bytes(message).map_err(|error| CallFault::Context {
            subject: "context".to_owned(),
            cause: error.to_string(),
        })?;
    let mut variables = Variables::default();
    for Sent {
        name,
        type_name,
        bytes,
    } in &head.variables
    {
        variables.receive(name, type_name, bytes);
    }
    let context = Context((!head.variables.is_empty()).then(|| Arc::new(variables)));
    let span = head.span.map_or_else(Guarded::none, |parent| {
        Guarded::made_by(|| {
            tracing::info_span!(
                "job",
                task = parent.task,
                task_id = parent.task_id,
                parent = parent.name,
                parent_target = parent.target,
                parent_id = parent.id,
            )
        })
    });
    Ok((context, span, message.len() - argument.len()))
}

/// Calls a function whose job carried nothing, apart from what others have set.
pub(crate) fn call_apart<R>(f: impl FnOnce() -> R) -> R {
    apart(f)
}
