//! [`Work`]: what a job does, with its types: a call of a plain function, or a closure.
//! The chunks of a map are the third kind, see `map/chunk.rs`. [`Rest`] is what is left
//! of it when its argument was encoded for another process.

use crate::bytes::Bytes;
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
    type Rest: Rest<Output = Self::Output>;

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
    /// Takes the argument, if it is nothing but bytes, and no fewer than these.
    fn take_bytes(&mut self, _least: usize) -> Option<Bytes> {
        None
    }
    /// Drops what is not needed once the argument was encoded.
    fn into_rest(self) -> Self::Rest;
}

/// What is left of a piece of work while its function runs in another process.
pub(crate) trait Rest: Send + 'static {
    type Output;

    /// Decodes the result.
    fn complete(&self, bytes: &mut Vec<u8>) -> Result<Self::Output, String>;
    /// What takes results that leave the job before it has ended.
    fn parts(&self) -> Option<Parts> {
        None
    }
    /// Told how the job ended, before its task is done.
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
    type Rest = Decoded<R>;

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
    fn take_bytes(&mut self, least: usize) -> Option<Bytes> {
        codec::take_bytes(&mut self.argument, least)
    }
    fn into_rest(self) -> Decoded<R> {
        discard(self.argument);
        Decoded(PhantomData)
    }
}

/// A result that is yet to come: nothing but its type.
pub(crate) struct Decoded<R>(PhantomData<fn() -> R>);

impl<R: DeserializeOwned + 'static> Rest for Decoded<R> {
    type Output = R;

    fn complete(&self, bytes: &mut Vec<u8>) -> Result<R, String> {
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
    type Rest = Never<R>;

    fn function() -> &'static str {
        type_name::<C>()
    }
    fn run(self) -> R {
        (self.0)()
    }
    fn into_rest(self) -> Never<R> {
        discard(self);
        Never(PhantomData)
    }
}

/// A result that does not come from elsewhere.
pub(crate) struct Never<R>(PhantomData<fn() -> R>);

impl<R: 'static> Rest for Never<R> {
    type Output = R;

    fn complete(&self, _: &mut Vec<u8>) -> Result<R, String> {
        Err(STAYS_HERE.to_owned())
    }
}
