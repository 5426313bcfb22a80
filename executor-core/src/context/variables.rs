//! The list behind a [`Context`](super::Context), and the current one of each
//! thread.
//!
//! No code of the user's runs while the thread's slot is empty: what is read is
//! cloned, decoded and dropped outside of [`current`] and [`install`].

use crate::codec;
use crate::error::TaskError;
use crate::panic::{catch, discard};
use serde::{Serialize, de::DeserializeOwned};
use std::any::{Any, type_name};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::{Arc, OnceLock};

thread_local! {
    /// Whether there is a current context. It has no destructor, so that to find
    /// none, as nearly always, costs one load.
    static ANY: Cell<bool> = const { Cell::new(false) };
    static CURRENT: Cell<Option<Arc<Variables>>> = const { Cell::new(None) };
    /// What [`Undecodable::raise`] is unwinding with.
    static RAISED: RefCell<Option<Undecodable>> = const { RefCell::new(None) };
}

/// Whether this thread has a current context.
#[inline]
pub(super) fn is_any() -> bool {
    ANY.get()
}

/// The current context of this thread; none while the thread is torn down.
pub(super) fn current() -> Option<Arc<Variables>> {
    if !ANY.get() {
        return None;
    }
    let current = install(None);
    install(current.clone());
    current
}

/// Makes `next` the current context, and gives the former one.
pub(super) fn install(next: Option<Arc<Variables>>) -> Option<Arc<Variables>> {
    if next.is_none() && !ANY.get() {
        return None;
    }
    let any = next.is_some();
    let former = CURRENT.try_with(|slot| slot.replace(next));
    ANY.set(any && former.is_ok());
    former.unwrap_or_default()
}

/// Changes the current context; `change` gives what is to be dropped.
pub(super) fn update<R>(change: impl FnOnce(&mut Variables) -> R) {
    let mut current = install(None).unwrap_or_default();
    // Whoever else has it keeps it as it is.
    let dropped = change(Arc::make_mut(&mut current));
    install((!current.0.is_empty()).then_some(current));
    drop(dropped);
}

/// A context that is current until this is dropped.
pub(super) struct Installed {
    former: Option<Arc<Variables>>,
    removed: bool,
}

impl Installed {
    pub(super) fn new(context: Option<Arc<Variables>>) -> Self {
        Self {
            former: install(context),
            removed: false,
        }
    }

    /// Puts the former one back, once, and gives what the context has become.
    pub(super) fn remove(&mut self) -> Option<Arc<Variables>> {
        match std::mem::replace(&mut self.removed, true) {
            false => install(self.former.take()),
            true => None,
        }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Some(inside) = self.remove() {
            discard(inside);
        }
    }
}

/// A few variables and their values; a search is shorter than a hash.
#[derive(Clone, Default)]
pub(crate) struct Variables(Vec<Variable>);

#[derive(Clone)]
struct Variable {
    name: Cow<'static, str>,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// It was set in this process.
    Here(Arc<dyn Held>),
    /// It came from another one.
    Sent(Arc<Sent>),
}

struct Sent {
    type_name: Box<str>,
    bytes: Box<[u8]>,
    decoded: OnceLock<Arc<dyn Held>>,
}

/// A value whose type is forgotten.
trait Held: Any + Send + Sync {
    fn type_name(&self) -> &'static str;
    fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), String>;
}

impl<T: Serialize + Send + Sync + 'static> Held for T {
    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }
    fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), String> {
        codec::encode(self, buffer)
    }
}

fn cloned<T: Clone + 'static>(held: &Arc<dyn Held>) -> Option<T> {
    let any: &dyn Any = &**held;
    any.downcast_ref::<T>().cloned()
}

impl Variable {
    fn is<T: 'static>(&self, name: &str) -> bool {
        self.name == name
            && match &self.value {
                Value::Here(held) => {
                    let any: &dyn Any = &**held;
                    any.is::<T>()
                }
                Value::Sent(sent) => *sent.type_name == *type_name::<T>(),
            }
    }
}

impl Variables {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|variable| &*variable.name)
    }

    fn find<T: 'static>(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|variable| variable.is::<T>(name))
    }

    pub(super) fn read<T>(&self, name: &'static str) -> Result<Option<T>, Undecodable>
    where
        T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    {
        let Some(at) = self.find::<T>(name) else {
            return Ok(None);
        };
        match &self.0[at].value {
            Value::Here(held) => Ok(cloned(held)),
            Value::Sent(sent) => match sent.decoded.get().and_then(cloned) {
                Some(value) => Ok(Some(value)),
                None => sent.decode(name).map(Some),
            },
        }
    }

    /// Gives what the variable was before.
    #[must_use]
    pub(super) fn write<T>(&mut self, name: &'static str, value: Option<T>) -> impl Sized + use<T>
    where
        T: Send + Sync + Serialize + 'static,
    {
        let next = value.map(|value| Variable {
            name: Cow::Borrowed(name),
            value: Value::Here(Arc::new(value)),
        });
        self.put::<T>(name, next)
    }

    /// Makes the variable what it is in `other`; gives what it was before.
    #[must_use]
    pub(super) fn copy<T: 'static>(
        &mut self,
        name: &str,
        other: Option<&Self>,
    ) -> impl Sized + use<T> {
        let there = other.and_then(|other| other.find::<T>(name).map(|at| other.0[at].clone()));
        self.put::<T>(name, there)
    }

    fn put<T: 'static>(&mut self, name: &str, next: Option<Variable>) -> Option<Variable> {
        match (self.find::<T>(name), next) {
            (Some(at), Some(next)) => Some(std::mem::replace(&mut self.0[at], next)),
            (Some(at), None) => Some(self.0.remove(at)),
            (None, next) => {
                self.0.extend(next);
                None
            }
        }
    }

    // ----- across processes -----

    /// Takes in a variable that came from another process.
    pub(super) fn receive(&mut self, name: &str, type_name: &str, bytes: &[u8]) {
        self.0.push(Variable {
            name: Cow::Owned(name.to_owned()),
            value: Value::Sent(Arc::new(Sent {
                type_name: type_name.into(),
                bytes: bytes.into(),
                decoded: OnceLock::new(),
            })),
        });
    }

    /// Calls `send` with the name, the type and the encoding of each variable.
    pub(super) fn send<'a>(
        &'a self,
        mut send: impl FnMut(&'a str, &'a str, Cow<'a, [u8]>),
    ) -> Result<(), TaskError> {
        for Variable { name, value } in &self.0 {
            match value {
                Value::Sent(sent) => send(name, &sent.type_name, Cow::Borrowed(&sent.bytes)),
                Value::Here(held) => {
                    let mut bytes = Vec::new();
                    let encoded = catch(|| held.encode(&mut bytes))
                        .unwrap_or_else(|report| Err(format!("its Serialize {report}")));
                    let type_name = (**held).type_name();
                    encoded.map_err(|cause| TaskError::encode(subject(name, type_name), cause))?;
                    send(name, type_name, Cow::Owned(bytes));
                }
            }
        }
        Ok(())
    }
}

impl Sent {
    fn decode<T>(&self, name: &'static str) -> Result<T, Undecodable>
    where
        T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    {
        let decoded = catch(|| codec::decode::<T>(&self.bytes))
            .unwrap_or_else(|report| Err(format!("its Deserialize {report}")));
        let value = decoded.map_err(|cause| Undecodable {
            subject: subject(name, type_name::<T>()),
            cause,
        })?;
        // Another thread may have been faster; then the next `get` sees its value.
        let _ = self.decoded.set(Arc::new(value.clone()));
        Ok(value)
    }
}

fn subject(name: &str, type_name: &str) -> String {
    format!("context variable `{name}` of type `{type_name}`")
}

/// A value that came from another process and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undecodable {
    pub(super) subject: String,
    pub(super) cause: String,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {} could not be decoded: {}",
            self.subject, self.cause
        )
    }
}

impl Undecodable {
    pub(super) fn into_error(self) -> TaskError {
        TaskError::decode(self.subject, self.cause)
    }

    /// Ends the function that asked; its job fails with this.
    #[track_caller]
    pub(super) fn raise(self) -> ! {
        RAISED.with(|raised| raised.replace(Some(self.clone())));
        panic!("{self}")
    }

    /// What a function was ended with, if that is what this payload says: it may
    /// have caught that, and have panicked for another reason later.
    pub(super) fn raised(payload: &(dyn Any + Send)) -> Option<Self> {
        let raised = RAISED.with(|raised| raised.take())?;
        let message = payload.downcast_ref::<String>()?;
        (*message == raised.to_string()).then_some(raised)
    }
}
