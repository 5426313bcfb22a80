//! [`Line`]: jobs in order, in segments of [`STEP`].
//!
//! One long ring would have to be copied as a whole when it grows, under the executor's
//! lock. Its two ends stand in the line itself: each submit writes one of them, and one more
//! step to find it would be one more line of the cache that goes from one processor to the
//! other under the lock.

use super::STEP;
use crate::job::Job;
use std::collections::VecDeque;
use std::mem::{replace, swap, take};

pub(super) type Segment = VecDeque<Job>;

#[derive(Debug, Default)]
pub(super) struct Line {
    /// May be empty although there are others.
    first: Segment,
    /// None of these is empty.
    middle: VecDeque<Segment>,
    last: Segment,
}

fn with_room() -> Segment {
    Segment::with_capacity(STEP)
}

impl Line {
    #[inline]
    pub(super) fn push_back(&mut self, job: Job) {
        if self.last.len() >= STEP {
            self.middle.push_back(replace(&mut self.last, with_room()));
        }
        self.last.push_back(job);
    }

    pub(super) fn push_front(&mut self, job: Job) {
        if self.first.len() >= STEP {
            self.middle
                .push_front(replace(&mut self.first, with_room()));
        }
        self.first.push_front(job);
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Job> {
        if self.first.is_empty() {
            self.go_on();
        }
        self.first.pop_front()
    }

    /// The next segment is the first: this one is empty.
    fn go_on(&mut self) {
        match self.middle.pop_front() {
            Some(next) => self.first = next,
            None => swap(&mut self.first, &mut self.last),
        }
    }

    /// Moves up to `most` jobs from the front, out of the first segment. Gives their number.
    pub(super) fn move_some(&mut self, most: usize, to: &mut VecDeque<Job>) -> usize {
        if self.first.is_empty() {
            self.go_on();
        }
        let some = most.min(self.first.len());
        to.extend(self.first.drain(..some));
        some
    }

    /// The first segment, whole.
    pub(super) fn pop_segment(&mut self) -> Option<Segment> {
        if self.first.is_empty() {
            self.go_on();
        }
        Some(take(&mut self.first)).filter(|segment| !segment.is_empty())
    }

    /// Adds all jobs of the line behind this one.
    pub(super) fn append(&mut self, mut behind: Self) {
        let last = replace(&mut self.last, behind.last);
        let before = [last, behind.first].into_iter();
        self.middle
            .extend(before.filter(|segment| !segment.is_empty()));
        self.middle.append(&mut behind.middle);
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = (usize, &Segment)> {
        let middle = self.middle.iter().enumerate();
        let middle = middle.map(|(index, segment)| (index + 1, segment));
        let last = (self.middle.len() + 1, &self.last);
        [(0, &self.first)].into_iter().chain(middle).chain([last])
    }

    /// The last job of which `is` is true: its segment, and its place from the front of that.
    pub(super) fn find_from_back(&self, is: impl Fn(&Job) -> bool) -> Option<(usize, usize)> {
        let mut segments = self.segments().rev();
        segments.find_map(|(index, segment)| Some((index, segment.iter().rposition(&is)?)))
    }

    pub(super) fn remove(&mut self, (index, place): (usize, usize)) -> Option<Job> {
        if index == 0 {
            return self.first.remove(place);
        }
        let Some(segment) = self.middle.get_mut(index - 1) else {
            return self.last.remove(place);
        };
        let job = segment.remove(place);
        if segment.is_empty() {
            self.middle.remove(index - 1);
        }
        job
    }
}
