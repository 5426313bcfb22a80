//! A flight whose worker writes to the board and sends what it likes.

use super::{Collector, Input};
use crate::flight::{Flight, Loss};
use crate::process::Process;
use crate::transport::{Board, Head, INLINE, SLOTS, Transport, kind, place};
use crate::unresolved::{Scratch, Unresolved};
use executor_core::queue::Husks;
use executor_core::{Bytes, ExecutorExt as _, HeldJob, Job, Task, TaskError, WorkerExit};
use std::collections::VecDeque;
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// A process that has ended: killing it does nothing.
fn ended() -> Arc<Process> {
    static ENDED: OnceLock<Arc<Process>> = OnceLock::new();
    let end = || {
        let child = Command::new("true").spawn().expect("it starts");
        let process = Process::new(child, false).expect("there is a descriptor for it");
        while process.reap().is_none() {
            std::thread::yield_now();
        }
        Arc::new(process)
    };
    ENDED.get_or_init(end).clone()
}

/// The longest result.
const LONGEST: u64 = 1 << 22;

struct World {
    flight: Arc<Flight>,
    board: Arc<Board>,
    jobs: Collector,
    tasks: Vec<Task<u64>>,
    /// The numbers of the jobs that were posted.
    posted: Vec<u64>,
    unresolved: Unresolved,
}

/// Every job has its outcome, once the worker that had it is buried.
pub fn flight(data: &[u8]) {
    let mut input = Input(data);
    let (board, _) = Board::create().expect("there is memory");
    let board = Arc::new(board);
    let way = match input.byte() % 2 {
        0 => Transport::SharedMemory,
        _ => Transport::Messages,
    };
    let mut world = World {
        flight: Flight::new(board.clone(), ended(), Arc::default(), way, LONGEST),
        board,
        jobs: Collector::default(),
        tasks: Vec::new(),
        posted: Vec::new(),
        unresolved: Unresolved::default(),
    };
    let mut violated = false;
    while !input.0.is_empty() && !violated {
        violated = !world.step(&mut input);
        assert!(world.flight.room() <= SLOTS);
        assert!(world.flight.jobs() <= SLOTS);
    }
    world.bury();
}

impl World {
    /// False if the worker was found out.
    fn step(&mut self, input: &mut Input<'_>) -> bool {
        match input.byte() % 16 {
            0..3 => self.post(input),
            // The worker as it should be.
            3 => {
                if let Some(seq) = self.some(input) {
                    let now = (input.byte() < 128).then(Board::now);
                    self.board.slot(seq).claim(seq, now);
                }
            }
            4 => {
                if let Some(seq) = self.some(input) {
                    let len = usize::from(input.byte()) % INLINE;
                    let slot = self.board.slot(seq);
                    slot.write(u32::from(input.byte() % 8), input.bytes(len));
                    slot.end(seq);
                }
            }
            // And as it should not be.
            5 => {
                if let Some(seq) = self.some(input) {
                    let state = u64::from(input.byte() % 8);
                    self.board.slot(seq).poke(0, seq << 3 | state);
                }
            }
            6 => {
                let (seq, place) = (u64::from(input.byte()), input.byte());
                match place {
                    0..200 => self.board.slot(seq).poke(usize::from(place), input.word()),
                    _ => self.board.poke(usize::from(place), input.word()),
                }
            }
            7 | 8 => return self.harvest(),
            9 | 10 => return self.deliver(input),
            11 => {
                let task = usize::from(input.byte()) % self.tasks.len().max(1);
                if let Some(task) = self.tasks.get(task) {
                    let _ = (task.cancel(), task.is_running());
                }
            }
            12 => {
                let taken = self.flight.take_back(usize::from(input.byte() % 8));
                taken.into_iter().for_each(give_up);
            }
            13 => {
                for job in self.flight.take_back_all() {
                    job.fail(TaskError::cancelled("taken back"));
                }
            }
            14 => {
                let _ = (self.flight.first_waits(), self.flight.is_empty());
            }
            _ => return self.go_on(),
        }
        true
    }

    /// What the supervisor does besides.
    fn go_on(&mut self) -> bool {
        if self.flight.is_feeding() {
            return self.flight.feed().is_ok();
        }
        if let Some(&last) = self.posted.last() {
            let _ = (self.flight.is_turn(last), self.board.is_news(last));
        }
        self.flight.release();
        let _ = (self.flight.has_news(), self.flight.is_amid());
        self.flight.shrink();
        true
    }

    fn some(&self, input: &mut Input<'_>) -> Option<u64> {
        let from_the_end = usize::from(input.byte()) % self.posted.len().max(1);
        self.posted.iter().rev().nth(from_the_end).copied()
    }

    fn post(&mut self, input: &mut Input<'_>) {
        // Some are larger than a pipe.
        let len = match input.byte() {
            255 => 2 << 20,
            len => usize::from(len),
        };
        let argument = Bytes::from(vec![0; len]);
        let task = self
            .jobs
            .submit(|bytes: Bytes| bytes.len() as u64, argument);
        self.tasks.push(task);
        let Some(job) = self.jobs.take() else { return };
        let Some(job) = job.encode() else { return };
        let mut hand = VecDeque::from([job]);
        let posted = self.flight.post(&mut hand, 1, &mut Husks::new());
        self.posted.extend(posted);
        hand.into_iter().for_each(give_up);
    }

    fn harvest(&self) -> bool {
        let harvested = self.flight.harvest(&mut self.unresolved.lock());
        if let Ok(Some(seq)) = harvested {
            self.flight.has_all_parts(seq, self.board.parts());
        }
        self.resolve();
        harvested.is_ok()
    }

    fn resolve(&self) {
        let mut scratch = Scratch::default();
        self.unresolved.work_off(&mut scratch);
    }

    fn deliver(&self, input: &mut Input<'_>) -> bool {
        let (slot, seq) = match input.byte() {
            0 => (input.word() as u32 as usize, input.word()),
            _ => self.some(input).map_or((0, 0), |seq| (place(seq), seq)),
        };
        let which = u32::from(input.byte());
        let len = usize::from(input.byte());
        let bytes = input.bytes(len).to_vec();
        let mut found = self.unresolved.lock();
        let delivered = match which {
            kind::PART => {
                let head = Head {
                    len: bytes.len() as u64,
                    slot: slot as u32,
                    kind: which,
                    seq,
                };
                self.flight.part(head, bytes, &mut found)
            }
            _ => self.flight.deliver(slot, seq, which, bytes, &mut found),
        };
        drop(found);
        self.resolve();
        delivered.is_ok()
    }

    fn bury(self) {
        let remains = self.flight.bury(WorkerExit::Signal(9), true);
        let first = remains.first_was_waiting.and_then(HeldJob::release);
        remains.unharmed.into_iter().chain(first).for_each(give_up);
        for (job, loss) in remains.lost {
            job.fail(match loss {
                Loss::Stopped(error) => error,
                Loss::Death(lost) => TaskError::worker_lost(lost),
            });
        }
        assert!(self.flight.is_empty());
        assert_eq!(self.flight.len(), 0);
        self.resolve();
        for task in &self.tasks {
            assert!(task.is_done(), "{task:?}");
            let dropped = task.outcome().and_then(Result::err);
            // That is what a job says that somebody has forgotten.
            assert!(!dropped.is_some_and(TaskError::is_pool_broken), "{task:?}");
        }
    }
}

fn give_up(job: Job) {
    job.fail(TaskError::rejected("not run here"));
}
