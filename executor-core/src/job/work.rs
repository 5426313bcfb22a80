//! [`Work`]: what a job does, with its types: a call of a plain function, or a closure.
//! The chunks of a map are the third kind, see `map/chunk.rs`.

use crate::codec;
use crate::entry::{Entry, Plain};
use crate::error::TaskError;
use crate::panic::discard;
use crate::partial::Parts;
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;
use std::marker::PhantomData;

/// A piece of work, with its types.
pub(crate) trait Work: Send + 'static {
    type Output: Send + 'static;

    /// The path of the function's type.
    fn function() -> &'static str;
    fn run(self) -> Self::Output;

    /// The trampoline; `carries` says that a context goes before the argument.
    fn entry(_carries: bool) -> Option<Entry> {
        None
    }
    /// The name of the argument's type.
    fn argument_type() -> &'static str {
        "()"
    }
    fn encode(&self, _buffer: &mut Vec<u8>) -> Result<(), String> {
        Err(STAYS_HERE.to_owned())
    }
    /// The argument, if it is nothing but bytes.
    fn bytes(&self) -> Option<&[u8]> {
        None
    }
    fn decode(_bytes: &mut Vec<u8>) -> Result<Self::Output, String> {
        Err(STAYS_HERE.to_owned())
    }
    /// As `decode`, with the work at hand.
    fn complete(&self, bytes: &mut Vec<u8>) -> Result<Self::Output, String> {
        Self::decode(bytes)
    }
    /// What takes results that leave the job before it has ended.
    fn parts(&self) -> Option<Parts> {
        None
    }
    /// Told how the job ended elsewhere, before its task is done.
    fn conclude(self, _outcome: Result<&Self::Output, &TaskError>)
    where
        Self: Sized,
    {
        discard(self);
    }
}

const STAYS_HERE: &str = "a closure that captures cannot leave its process";

/// A plain function and its argument.
pub(crate) struct Call<F, A, R> {
    function: F,
    argument: A,
    result: PhantomData<fn() -> R>,
}

impl<F, A, R> Call<F, A, R> {
    pub(crate) fn new(function: F, argument: A) -> Self {
        crate::entry::assert_captures_nothing::<F>();
        Self {
            function,
            argument,
            result: PhantomData,
        }
    }
}

impl<F, A, R> Work for Call<F, A, R>
where
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    type Output = R;

    fn function() -> &'static str {
        type_name::<F>()
    }
    fn run(self) -> R {
        (self.function)(self.argument)
    }
    fn entry(carries: bool) -> Option<Entry> {
        Some(Entry::to_call::<Plain<F, A, R>>(carries))
    }
    fn argument_type() -> &'static str {
        type_name::<A>()
    }
    fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), String> {
        codec::encode_argument(&self.argument, buffer)
    }
    fn bytes(&self) -> Option<&[u8]> {
        codec::as_bytes(&self.argument)
    }
    fn decode(bytes: &mut Vec<u8>) -> Result<R, String> {
        codec::decode_whole(bytes)
    }
}

/// A closure that may capture.
pub(crate) struct Closure<C>(pub(crate) C);

impl<C, R> Work for Closure<C>
where
    C: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = R;

    fn function() -> &'static str {
        type_name::<C>()
    }
    fn run(self) -> R {
        (self.0)()
    }
}
