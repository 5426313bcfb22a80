//! The transport: how jobs reach a worker and results come back.
//!
//! This is the one seam between the pool and the way bytes move. The parent
//! posts jobs, the worker takes them off the [`Board`] or from
//! a [`JobSource`], and both agree on the board about who has which job. There
//! are two ways, see [`Transport`]: everything through shared memory, or large
//! payloads and wake-ups by message. The handshake, the orders of a worker and
//! the watch on its parent are the same for both: ipc-channel and the [`Wire`].

mod bell;
mod board;
mod bootstrap;
mod decoder;
mod frame;
mod ipc;
mod large;
mod patience;
mod pipe;
mod slot;
mod way;
mod wire;

pub(crate) use self::board::{Board, NoArgument, SAMPLED, SLOTS, place};
pub(crate) use self::bootstrap::{Server, hand_over};
pub(crate) use self::decoder::Incoming;
#[cfg(fuzzing)]
pub(crate) use self::decoder::{Decoder, Source};
pub(crate) use self::frame::{HEAD, Head, Parcel, append_parcel, kind, parcels};
pub(crate) use self::ipc::{Ends, JobSource, Jobs, Lifeline, Sent, over_the_wire, warm_up};
pub(crate) use self::patience::{Patience, look_until, looks_at_all, processors};
pub(crate) use self::slot::{INLINE, Order, Sight, Slot};
pub use self::way::Transport;
pub(crate) use self::wire::{Cutter, Wire, WorkerWire};
