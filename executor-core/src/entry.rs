//! The trampoline: how a plain function is called where its type is not known.
//!
//! `submit(function, argument)` takes a function *type* `F` of size zero: a
//! function item, a generic function, or a closure that captures nothing. Such
//! a value carries no data, so another process that runs the same program image
//! can call it, given only the address that the trampoline for its type has in that
//! image.

use crate::{codec, context};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// The trampoline of a job's function, as an address in this program's image.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Trampoline);

/// Decodes an argument, calls the function, appends the encoded result.
pub type Trampoline = fn(argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault>;

/// Why a trampoline has no result, short of a panic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallFault {
    /// The argument could not be decoded: the function did not run.
    Argument(String),
    /// The function ran, but its result could not be encoded.
    Result(String),
    /// The context of the job, or a variable of it that the function asked for,
    /// could not be decoded.
    Context {
        /// What it was.
        subject: String,
        /// Why it could not be decoded.
        cause: String,
    },
}

impl Entry {
    /// The trampoline of a function. One that captures anything is an error at
    /// compile time.
    pub fn of<F, A, R>(_: F) -> Self
    where
        F: Fn(A) -> R + Copy + 'static,
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        assert_captures_nothing::<F>();
        Self::to_call::<Plain<F, A, R>>(false)
    }

    /// The trampoline that makes this call; `carries` says that the context of the job
    /// stands before the argument.
    pub(crate) fn to_call<C: Remote>(carries: bool) -> Self {
        Self(match carries {
            false => call_apart::<C>,
            true => call_within::<C>,
        })
    }

    /// The address of the trampoline, in this process.
    pub fn address(self) -> usize {
        self.0 as usize
    }

    /// The entry at an address, in this process.
    ///
    /// # Safety
    /// `address` must be what [`address`](Self::address) gave for some entry,
    /// in this process or, adjusted for where the image is loaded, in another
    /// process that runs the same image.
    pub unsafe fn from_address(address: usize) -> Self {
        // SAFETY: by the caller's promise this is the address of a function of
        // exactly this type, since `Entry::of` is the only source of entries.
        Self(unsafe { std::mem::transmute::<usize, Trampoline>(address) })
    }

    /// Decodes the argument, calls the function, appends the encoded result.
    ///
    /// The argument is read as [`encode_argument`](codec::encode_argument) writes it.
    /// Its memory may go to the function: it may be empty afterwards.
    ///
    /// # Errors
    /// The side that could not be coded. `result` may then hold anything.
    ///
    /// # Panics
    /// Where the function, or the serde implementation of a value, does.
    pub fn call(self, argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault> {
        (self.0)(argument, result)
    }
}

/// Refuses, at compile time, a function that captures something.
pub(crate) fn assert_captures_nothing<F>() {
    const {
        assert!(
            size_of::<F>() == 0,
            "this closure captures variables (or is a function pointer), so it cannot be sent to \
             another process: pass what it needs as the argument, or use `ThreadPool::spawn`, \
             which takes any closure"
        );
    }
}

/// The call that a trampoline makes. Its type alone says what is called, since nothing but
/// the address of the trampoline reaches another process.
pub(crate) trait Remote {
    /// Decodes the argument, calls the function in whatever the current context is, and
    /// appends the encoded result.
    fn call_here(argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault>;
}

fn call_apart<C: Remote>(argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault> {
    context::call_apart(|| C::call_here(argument, result))
}

fn call_within<C: Remote>(message: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault> {
    context::call_within(C::call_here, message, result)
}

/// One call of a plain function, of which there is a value where an entry is made.
pub(crate) struct Plain<F, A, R>(PhantomData<fn(F, A) -> R>);

impl<F, A, R> Remote for Plain<F, A, R>
where
    F: Fn(A) -> R + Copy + 'static,
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call_here(argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault> {
        let argument = codec::decode_whole::<A>(argument).map_err(CallFault::Argument)?;
        // SAFETY: an entry is made only where a value of the function is at hand.
        let function = unsafe { copy_of::<F>() };
        codec::encode_result(function(argument), result).map_err(CallFault::Result)
    }
}

/// Another copy of a function.
///
/// # Safety
/// A value of `F` exists, in this process or in the one that made the entry.
pub(crate) unsafe fn copy_of<F: Copy>() -> F {
    assert_captures_nothing::<F>();
    // SAFETY: `F` has size zero, so there are no bytes to initialise, and a
    // dangling aligned pointer may be read. A value of it exists, as the caller
    // promises, and `F: Copy`, so another copy of it is always allowed.
    unsafe { std::ptr::NonNull::<F>::dangling().as_ptr().read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add<T: std::ops::Add<Output = T>>((a, b): (T, T)) -> T {
        a + b
    }

    #[test]
    fn functions_generics_and_closures_are_called_through_their_address() {
        for entry in [Entry::of(add::<u64>), Entry::of(|(a, b): (u64, u64)| a + b)] {
            // SAFETY: the address was just taken from an entry of this process.
            let entry = unsafe { Entry::from_address(entry.address()) };
            let (mut argument, mut result) = (Vec::new(), Vec::new());
            codec::encode(&(40_u64, 2_u64), &mut argument).unwrap();
            entry.call(&mut argument, &mut result).unwrap();
            assert_eq!(codec::decode::<u64>(&result), Ok(42));
        }
    }

    #[test]
    fn a_bad_argument_is_a_fault_and_the_function_does_not_run() {
        let entry = Entry::of(|_: String| -> u8 { unreachable!() });
        let fault = entry.call(&mut vec![200], &mut Vec::new()).unwrap_err();
        assert!(matches!(fault, CallFault::Argument(why) if why.contains("String")));
    }
}
