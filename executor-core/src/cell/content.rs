//! What a cell holds: the input at first, the outcome at last, and nothing while
//! the function runs.
//!
//! Both stand in one place, since there is never both: whoever resolves the cell
//! takes the input out before, or finds it taken. A job with a time limit is no
//! exception, as the limit is armed when the function already has its argument.

use super::Outcome;
use crate::error::TaskError;
use crate::panic::discard;

pub(super) enum Content<I, T> {
    Nothing,
    Input(I),
    Output(Outcome<T>),
}

impl<I, T> Content<I, T> {
    /// Moves the input out, if it is there.
    #[inline]
    pub(super) fn take_input(&mut self) -> Option<I> {
        match std::mem::replace(self, Self::Nothing) {
            Self::Input(input) => Some(input),
            other => {
                *self = other;
                None
            }
        }
    }

    pub(super) fn input_mut(&mut self) -> Option<&mut I> {
        match self {
            Self::Input(input) => Some(input),
            Self::Nothing | Self::Output(_) => None,
        }
    }

    pub(super) fn input(&self) -> Option<&I> {
        match self {
            Self::Input(input) => Some(input),
            Self::Nothing | Self::Output(_) => None,
        }
    }

    /// Moves the outcome out, if it is there.
    #[inline]
    pub(super) fn take_output(&mut self) -> Option<Outcome<T>> {
        match std::mem::replace(self, Self::Nothing) {
            Self::Output(outcome) => Some(outcome),
            other => {
                *self = other;
                None
            }
        }
    }

    pub(super) fn output(&self) -> Option<&Outcome<T>> {
        match self {
            Self::Output(outcome) => Some(outcome),
            Self::Nothing | Self::Input(_) => None,
        }
    }

    /// Moves the outcome out, if it is an error.
    pub(super) fn take_error(&mut self) -> Option<TaskError> {
        match self {
            Self::Output(Err(_)) => self.take_output().and_then(Result::err),
            Self::Nothing | Self::Input(_) | Self::Output(Ok(_)) => None,
        }
    }

    /// Drops what is left, and contains a panic of that.
    pub(super) fn clear(&mut self) {
        struct Rest<'a, I, T>(&'a mut Content<I, T>);
        impl<I, T> Drop for Rest<'_, I, T> {
            fn drop(&mut self) {
                *self.0 = Content::Nothing;
            }
        }
        if !matches!(self, Self::Nothing) {
            discard(Rest(self));
        }
    }
}
