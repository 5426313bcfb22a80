//! The others, each set up the way its documentation says.
//!
//! * `offload`: what takes a function and gives a future: `spawn_blocking` and the
//!   like, and thread pools with a oneshot;
//! * `procspawn`, `ipc`, `python`: the ones in other processes;
//! * `limit`: what no pool can do better than;
//! * `partner`: another process, mostly of this program in one of its roles.

pub(crate) mod ipc;
pub(crate) mod limit;
pub(crate) mod offload;
pub(crate) mod partner;
pub(crate) mod procspawn;
pub(crate) mod python;
