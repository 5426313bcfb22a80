//! The parts of the program `chaos`: jobs of every kind, those who make trouble for
//! them and their workers, and the books that have to balance at the end.
//!
//! * [`Dice`]: chance that can be had again, from a seed;
//! * [`Mischief`], [`Rules`]: what can be switched off, and how long anything may
//!   take;
//! * [`act`], [`Deed`], [`Order`], [`Reply`]: what the jobs do, in the workers;
//! * [`Pace`]: arguments and results that are slow, or block, in the program;
//! * [`Plan`]: one job, what it is asked to do, and which ends it may have;
//! * [`Client`]: submits jobs, cancels some, and looks at every outcome;
//! * [`Errands`], [`Errand`]: done callbacks that wait;
//! * [`Porter`]: opens the gate at which user code blocks, and checks that it holds
//!   nobody else up;
//! * [`Killer`], [`Freezer`]: workers that are killed, stopped, frozen;
//! * [`Flooder`]: a queue that is full;
//! * [`Forker`]: forked children that use the pools;
//! * [`Diary`], [`Ledger`]: which functions began, and how often they may have;
//! * [`Run`]: all of it, with `Cast`, who starts each of these on a thread;
//! * [`Tally`], [`Row`], [`Findings`], [`Report`]: what was counted;
//! * [`Vitals`]: what this process holds: descriptors, mappings, children;
//! * [`Watchdog`]: ends a run that hangs.

mod callbacks;
mod cast;
mod client;
mod deed;
mod diary;
mod dice;
mod findings;
mod fork;
mod freezer;
mod full;
mod gates;
mod job;
mod killer;
mod ledger;
mod mischief;
mod plan;
mod report;
mod row;
mod run;
mod tally;
mod values;
mod vitals;
mod watchdog;

pub use self::callbacks::{Errand, Errands};
pub use self::cast::Fault;
pub use self::client::{Client, Limits};
pub use self::deed::{Answer, Deed, Order, Reply, act};
pub use self::diary::{Barrier, Diary, open_diary};
pub use self::dice::Dice;
pub use self::findings::Findings;
pub use self::fork::Forker;
pub use self::freezer::Freezer;
pub use self::full::Flooder;
pub use self::gates::Porter;
pub use self::killer::Killer;
pub use self::ledger::{Budget, Ledger, Runs};
pub use self::mischief::{Mischief, Rules};
pub use self::plan::Plan;
pub use self::report::Report;
pub use self::row::Row;
pub use self::run::{Run, Settings};
pub use self::tally::{Class, Tally};
pub use self::values::{Pace, SlowToReceive, SlowToSend};
pub use self::vitals::{Vitals, marked_processes, thread_names};
pub use self::watchdog::Watchdog;
