//! A list that one side appends to while the other one reads it.
//!
//! # Protocol
//!
//! The list has a fixed number of places. The [`Writer`] fills the next one and
//! **then** says so by `len`, with release; the [`Reader`] asks `len`, with acquire,
//! and reaches for no place beyond it. The writer never comes back to a place that it
//! has filled. So each place has one owner at any time, an element costs one plain
//! store, and neither side ever waits for the other.
//!
//! There is one writer and one reader, each reached by `&mut`.

use crate::panic::discard;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What writer and reader share.
struct Places<T> {
    places: Box<[UnsafeCell<MaybeUninit<T>>]>,
    /// So many were filled.
    len: AtomicUsize,
    /// So many of them were moved out. Written by the reader, for the drop alone.
    taken: AtomicUsize,
}

// SAFETY: a place is reached by the writer until `len` passes it, and by the reader
// after that, so elements move between threads and are never shared: `Send` is enough.
unsafe impl<T: Send> Sync for Places<T> {}

impl<T> Drop for Places<T> {
    fn drop(&mut self) {
        let (taken, len) = (*self.taken.get_mut(), *self.len.get_mut());
        for place in &mut self.places[taken..len] {
            // SAFETY: it was filled and not moved out, and nobody else is left.
            discard(unsafe { place.get_mut().assume_init_read() });
        }
    }
}

/// A list with so many places.
pub(crate) fn published<T: Send>(places: usize) -> (Writer<T>, Reader<T>) {
    let place = || UnsafeCell::new(MaybeUninit::uninit());
    let places = Arc::new(Places {
        places: std::iter::repeat_with(place).take(places).collect(),
        len: AtomicUsize::new(0),
        taken: AtomicUsize::new(0),
    });
    let (count, writer) = (Count(places.clone()), places.clone());
    (
        Writer {
            places: writer,
            len: 0,
        },
        Reader { count, taken: 0 },
    )
}

/// The side that appends.
pub(crate) struct Writer<T: Send> {
    places: Arc<Places<T>>,
    len: usize,
}

impl<T: Send> Writer<T> {
    /// How many were appended.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many there may be.
    pub(crate) fn places(&self) -> usize {
        self.places.places.len()
    }

    /// Asks how many were appended, from anywhere.
    pub(crate) fn count(&self) -> Count<T> {
        Count(self.places.clone())
    }

    /// Appends an element, which the reader may have at once. It comes back if there
    /// is no place left.
    #[inline]
    pub(crate) fn push(&mut self, element: T) -> Result<(), T> {
        let Some(place) = self.places.places.get(self.len) else {
            return Err(element);
        };
        // SAFETY: `len` has not passed this place, so it is the writer's, of which
        // there is one, reached by `&mut`. It is empty.
        unsafe { (*place.get()).write(element) };
        self.len += 1;
        self.places.len.store(self.len, Release);
        Ok(())
    }
}

impl<T: Send + Copy> Writer<T> {
    /// Appends them all or, if there are not so many places, none.
    #[inline]
    pub(crate) fn extend(&mut self, elements: &[T]) -> bool {
        let free = &self.places.places[self.len..];
        if free.len() < elements.len() {
            return false;
        }
        // SAFETY: `len` has not passed these places, so they are the writer's, of
        // which there is one, reached by `&mut`; there are enough of them. A cell of
        // a `MaybeUninit` has the layout of the element.
        unsafe {
            let to = UnsafeCell::raw_get(free.as_ptr()).cast::<T>();
            std::ptr::copy_nonoverlapping(elements.as_ptr(), to, elements.len());
        }
        self.len += elements.len();
        self.places.len.store(self.len, Release);
        true
    }
}

/// The side that reads.
pub(crate) struct Reader<T: Send> {
    count: Count<T>,
    taken: usize,
}

impl<T: Send> Reader<T> {
    /// How many can be had now.
    #[inline]
    pub(crate) fn available(&self) -> usize {
        self.count.get() - self.taken
    }

    /// Moves out so many of those that can be had, and no more than those. Should
    /// `each` panic, those after it are lost.
    #[inline]
    pub(crate) fn take(&mut self, most: usize, mut each: impl FnMut(T)) {
        let start = self.taken;
        self.taken += most.min(self.available());
        let places = &self.count.0;
        // Before any element is the caller's: none is dropped twice.
        places.taken.store(self.taken, Relaxed);
        for place in &places.places[start..self.taken] {
            // SAFETY: `len` has passed it, so it was filled and is the reader's, of
            // which there is one, reached by `&mut`; it has not been moved out before,
            // since `taken` only grows.
            each(unsafe { (*place.get()).assume_init_read() });
        }
    }
}

impl<T: Send + Copy> Reader<T> {
    /// All that can be had now, in one piece. It stays.
    pub(crate) fn unread(&self) -> &[T] {
        let (start, len) = (self.taken, self.available());
        let places = &self.count.0.places[start..start + len];
        // SAFETY: `len` has passed these places, so they were filled and the writer
        // never comes back to them; elements are `Copy`, so none is moved out. A cell
        // of a `MaybeUninit` has the layout of the element.
        unsafe { std::slice::from_raw_parts(UnsafeCell::raw_get(places.as_ptr()).cast::<T>(), len) }
    }

    /// Goes past so many that can be had.
    pub(crate) fn skip(&mut self, elements: usize) {
        self.taken += elements.min(self.available());
    }
}

/// Says how many were appended.
pub(crate) struct Count<T>(Arc<Places<T>>);

impl<T> Count<T> {
    #[inline]
    pub(crate) fn get(&self) -> usize {
        self.0.len.load(Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_arrives_in_order_while_more_is_appended() {
        const MOST: usize = 10_000;
        let (mut writer, mut reader) = published::<Box<usize>>(MOST);
        let appending = std::thread::spawn(move || {
            for n in 0..MOST {
                assert!(writer.push(Box::new(n)).is_ok());
            }
            assert_eq!(*writer.push(Box::new(7)).unwrap_err(), 7, "it is full");
        });
        let mut next = 0;
        while next < MOST {
            reader.take(100, |n| {
                assert_eq!(*n, next);
                next += 1;
            });
            std::thread::yield_now();
        }
        assert_eq!(reader.available(), 0);
        appending.join().unwrap();
    }

    #[test]
    fn copies_are_read_in_one_piece() {
        let (mut writer, mut reader) = published::<u8>(5);
        assert!(writer.extend(&[1, 2]) && writer.extend(&[]) && writer.extend(&[3]));
        assert_eq!(reader.unread(), [1, 2, 3]);
        reader.skip(2);
        assert!(!writer.extend(&[4, 5, 6]), "there are two places");
        assert!(writer.extend(&[4, 5]));
        assert_eq!(reader.unread(), [3, 4, 5]);
        reader.skip(9);
        assert_eq!((reader.unread(), writer.len()), (&[][..], 5));
    }

    #[test]
    fn what_nobody_has_read_is_dropped_once_and_what_panics_takes_no_other_along() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Relaxed);
                panic!("in a drop");
            }
        }
        let drops = Arc::new(AtomicUsize::new(0));
        let (mut writer, mut reader) = published(4);
        for _ in 0..3 {
            assert!(writer.push(Counted(drops.clone())).is_ok());
        }
        reader.take(1, std::mem::forget);
        let mut none = published::<u8>(3).1;
        none.take(9, |_| unreachable!());
        drop((writer, reader));
        assert_eq!(drops.load(Relaxed), 2);
    }
}
