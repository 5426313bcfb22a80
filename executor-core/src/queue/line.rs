//! [`Line`]: jobs in order, in segments of [`STEP`].
//!
//! One long ring would have to be copied as a whole when it grows, under the executor's
//! lock.

use super::STEP;
use crate::job::Job;
use std::collections::VecDeque;

pub(super) type Segment = VecDeque<Job>;

/// No segment of it is empty, but for the only one.
#[derive(Debug, Default)]
pub(super) struct Line(VecDeque<Segment>);

fn with_room() -> Segment {
    Segment::with_capacity(STEP)
}

impl Line {
    #[inline]
    pub(super) fn push_back(&mut self, job: Job) {
        match self.0.back_mut() {
            Some(segment) if segment.len() < STEP => segment.push_back(job),
            _ => {
                let mut segment = with_room();
                segment.push_back(job);
                self.0.push_back(segment);
            }
        }
    }

    pub(super) fn push_front(&mut self, job: Job) {
        match self.0.front_mut() {
            Some(segment) if segment.len() < STEP => segment.push_front(job),
            _ => {
                let mut segment = with_room();
                segment.push_front(job);
                self.0.push_front(segment);
            }
        }
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Job> {
        let segment = self.0.front_mut()?;
        let job = segment.pop_front();
        // The only one is kept, for the next jobs.
        if segment.is_empty() && self.0.len() > 1 {
            self.0.pop_front();
        }
        job
    }

    /// Moves up to `most` jobs from the front, out of the first segment. Gives their number.
    pub(super) fn move_some(&mut self, most: usize, to: &mut VecDeque<Job>) -> usize {
        let Some(segment) = self.0.front_mut() else {
            return 0;
        };
        let some = most.min(segment.len());
        to.extend(segment.drain(..some));
        if segment.is_empty() && self.0.len() > 1 {
            self.0.pop_front();
        }
        some
    }

    /// The first segment, whole.
    pub(super) fn pop_segment(&mut self) -> Option<Segment> {
        self.0.pop_front().filter(|segment| !segment.is_empty())
    }

    /// Adds all jobs of the line behind this one.
    pub(super) fn append(&mut self, mut behind: Self) {
        self.0.retain(|segment| !segment.is_empty());
        behind.0.retain(|segment| !segment.is_empty());
        self.0.append(&mut behind.0);
    }

    /// The last job of which `is` is true, counted from the front of its segment.
    pub(super) fn find_from_back(&self, is: impl Fn(&Job) -> bool) -> Option<(usize, usize)> {
        let mut segments = self.0.iter().enumerate().rev();
        segments.find_map(|(index, segment)| Some((index, segment.iter().rposition(&is)?)))
    }

    pub(super) fn remove(&mut self, (index, place): (usize, usize)) -> Option<Job> {
        let segment = self.0.get_mut(index)?;
        let job = segment.remove(place);
        if segment.is_empty() && self.0.len() > 1 {
            self.0.remove(index);
        }
        job
    }
}
