//! The transport: how jobs reach a worker and results come back.
//!
//! This is the one seam between the pool and the way bytes move. The pool sees a
//! [`ParentEnd`] and a [`Ringer`], the worker a [`WorkerEnd`], and both a
//! [`Board`] on which they agree about who has which job. Here messages go over
//! ipc-channel, several jobs in one when many wait, and small results stay on
//! the board; another transport may move payloads some other way behind the
//! same names.

mod board;
mod frame;
mod ipc;

pub(crate) use self::board::{Board, INLINE, SLOTS, Sight};
pub(crate) use self::frame::{
    Parcel, REPLY_HEAD, begin_parcel, end_parcel, kind, parcels, read_reply, write_reply_head,
};
pub(crate) use self::ipc::{Ends, Lifeline, ParentEnd, ResultSender, Ringer, WorkerEnd, pair};
