//! The parts of the program `chaos`: jobs of every kind, somebody who kills
//! their workers, and the books that have to balance at the end.
//!
//! * [`Dice`]: chance that can be had again, from a seed;
//! * [`act`], [`Deed`], [`Order`]: what the jobs do, in the workers;
//! * [`Plan`]: one job, what it is asked to do, and which ends it may have;
//! * [`Client`]: submits jobs, cancels some, and looks at every outcome;
//! * [`Killer`]: kills and stops workers at random;
//! * [`Diary`], [`Ledger`]: which functions began, and how often they may have;
//! * [`Tally`]: outcomes, counted;
//! * [`Vitals`]: what this process holds: descriptors, mappings, children.

mod client;
mod deed;
mod diary;
mod dice;
mod killer;
mod ledger;
mod plan;
mod tally;
mod vitals;

pub use self::client::{Client, Limits};
pub use self::deed::{Answer, Deed, Order, act};
pub use self::diary::{Diary, open_diary};
pub use self::dice::Dice;
pub use self::killer::{Killer, Kills};
pub use self::ledger::{Budget, Ledger, Runs};
pub use self::plan::Plan;
pub use self::tally::{Class, Tally};
pub use self::vitals::{Vitals, marked_processes, thread_names};
