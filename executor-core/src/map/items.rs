//! [`Items`]: inputs or results of a chunk, none of which takes another with it.
//!
//! When a value panics while a `Vec` drops it, the `Vec` drops the others while it
//! unwinds; a second one that panics ends the process. These are dropped one by one
//! instead, each panic reported by itself.

use crate::panic::discard;
use serde::{Deserialize, Serialize};
use std::vec::IntoIter;

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Items<T>(Vec<T>);

impl<T> Items<T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.0.push(item);
    }

    pub(super) fn into_vec(mut self) -> Vec<T> {
        std::mem::take(&mut self.0)
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T> Drop for Items<T> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(discard);
    }
}

/// Those that are left of them, in their order.
pub(super) struct Left<T>(IntoIter<T>);

impl<T> Left<T> {
    pub(super) fn of(items: Vec<T>) -> Self {
        Self(items.into_iter())
    }
}

impl<T> Iterator for Left<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> Drop for Left<T> {
    fn drop(&mut self) {
        self.0.by_ref().for_each(discard);
    }
}
