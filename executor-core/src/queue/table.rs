//! The blocks of counters that ledgers are made of, found by number.
//!
//! A job remembers the ledger that counts it for as long as it exists, perhaps longer
//! than its executor. So a block is never freed, and a job needs neither a counted
//! reference, which every submit would contend for, nor eight bytes for a pointer. A
//! block is used again once its ledger is gone and all that was counted in it is
//! settled: nobody will touch it any more.

use crate::sync::AtomicUsize;
#[cfg(not(loom))]
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// The counters of one ledger. A line of the cache of their own: cancelling jobs of one
/// executor is to cost no other anything.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Block {
    /// Jobs that were withdrawn while they stood in a queue.
    pub(super) withdrawn: AtomicUsize,
    /// Those of them that queues have taken out which are gone.
    pub(super) removed: AtomicUsize,
    /// Jobs that were admitted and have not left.
    pub(super) admitted: AtomicUsize,
}

#[cfg(not(loom))]
impl Block {
    /// For a ledger that is new: nobody else uses the block.
    fn reset(&self) {
        self.withdrawn.store(0, Relaxed);
        self.removed.store(0, Relaxed);
    }

    /// Whether no job that was ever counted here will be counted again.
    fn is_settled(&self) -> bool {
        self.withdrawn.load(Acquire) == self.removed.load(Acquire)
            && self.admitted.load(Acquire) == 0
    }
}

#[cfg(not(loom))]
pub(super) use self::grown::{block, give_back, take};

#[cfg(not(loom))]
mod grown {
    use super::Block;
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// Each chunk is twice as long as the one before.
    static CHUNKS: [OnceLock<Box<[Block]>>; 25] = [const { OnceLock::new() }; 25];
    /// The length of the first.
    const FIRST: u32 = 64;
    /// The next number that was never given out.
    static FRESH: AtomicU32 = AtomicU32::new(0);
    /// The numbers of ledgers that are gone.
    static GONE: Mutex<VecDeque<u32>> = Mutex::new(VecDeque::new());
    /// How many of those are looked at for a new ledger.
    const LOOKS: usize = 8;

    /// The block with this number.
    pub(crate) fn block(number: u32) -> &'static Block {
        let chunk = (number / FIRST + 1).ilog2();
        let length = (FIRST as usize) << chunk;
        let before = length - FIRST as usize;
        let blocks =
            CHUNKS[chunk as usize].get_or_init(|| (0..length).map(|_| Block::default()).collect());
        &blocks[number as usize - before]
    }

    /// The number of a block that nobody uses.
    pub(crate) fn take() -> u32 {
        // A child that was forked may find it locked for ever: it does without.
        let mut gone = match GONE.try_lock() {
            Ok(gone) => Some(gone),
            Err(std::sync::TryLockError::Poisoned(gone)) => Some(gone.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        };
        if let Some(gone) = &mut gone {
            for _ in 0..gone.len().min(LOOKS) {
                let Some(number) = gone.pop_front() else {
                    break;
                };
                if block(number).is_settled() {
                    block(number).reset();
                    return number;
                }
                gone.push_back(number);
            }
        }
        FRESH.fetch_add(1, Relaxed)
    }

    /// The ledger with this number is gone; jobs that it counts may be left.
    pub(crate) fn give_back(number: u32) {
        let mut gone = GONE.lock().unwrap_or_else(PoisonError::into_inner);
        gone.push_back(number);
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_number_has_a_block_of_its_own() {
            let mut seen = std::collections::HashSet::new();
            for number in 0..1000 {
                assert!(seen.insert(std::ptr::from_ref(block(number))));
                assert!(std::ptr::eq(block(number), block(number)));
            }
        }
    }
}

#[cfg(loom)]
pub(super) use self::modelled::{block, give_back, take};

/// One ledger for each execution of a model.
#[cfg(loom)]
mod modelled {
    use super::Block;

    loom::lazy_static! {
        static ref BLOCK: Block = Block::default();
    }

    pub(crate) fn block(_number: u32) -> &'static Block {
        &BLOCK
    }

    pub(crate) fn take() -> u32 {
        0
    }

    pub(crate) fn give_back(_number: u32) {}
}
