//! [`Values`]: several values, one after another.

use super::explain;
use super::reader::{Account, Reader};
use serde::de::DeserializeOwned;
use std::any::type_name;

/// Reads values in the order in which [`encode`](super::encode) has appended them.
pub(crate) struct Values<'de>(Account<'de>);

impl<'de> Values<'de> {
    pub(crate) fn of(bytes: &'de [u8]) -> Self {
        Self(Account::of(bytes))
    }

    /// True if nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.rest().is_empty()
    }

    /// Reads one. After an error nobody knows where the next one begins.
    #[inline]
    pub(crate) fn next<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(Reader(&self.0)).map_err(|error| self.explain::<T>(&error))
    }

    #[cold]
    fn explain<T>(&self, error: &postcard::Error) -> String {
        match self.0.excess() {
            Some(why) => format!("a value of type `{}` is refused: {why}", type_name::<T>()),
            None => explain::<T>(error),
        }
    }
}
