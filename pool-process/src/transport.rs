//! The transport: how jobs reach a worker and results come back.
//!
//! This is the one seam between the pool and the way bytes move. The supervisor
//! has [`Ends`] to send jobs to and a [`Wire`] to wait at, the worker a
//! [`JobSource`] and a [`WorkerWire`], and both a [`Board`] on which they agree
//! about who has which job. Jobs go over ipc-channel, several in one message
//! when many wait; small results stay on the board; another transport may move
//! payloads some other way behind the same names.

mod board;
mod decoder;
mod frame;
mod ipc;
mod wire;

pub(crate) use self::board::{Board, INLINE, SLOTS, Sight};
pub(crate) use self::decoder::Incoming;
#[cfg(fuzzing)]
pub(crate) use self::decoder::{Decoder, Source};
pub(crate) use self::frame::{HEAD, Head, Parcel, begin_parcel, end_parcel, kind, parcels};
pub(crate) use self::ipc::{Ends, JobSource, Jobs, Lifeline, Sent, pair, warm_up};
pub(crate) use self::wire::{Wire, WorkerWire};
