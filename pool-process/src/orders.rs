//! What a worker is told to make of itself before it takes any job.

use crate::transport::Transport;
use executor_core::{Entry, codec};
use serde::{Deserialize, Serialize};

/// The first message to a worker.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Where its jobs come from.
    pub(crate) transport: Transport,
    /// Added to its niceness.
    pub(crate) nice: Option<i32>,
    /// Whether a crash may leave a core dump.
    pub(crate) core_dumps: bool,
    /// How much sooner than others the kernel takes it when memory is short.
    pub(crate) oom_score_adj: Option<i32>,
    /// The most address space it may have, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// The processor it is to stay on.
    pub(crate) processor: Option<usize>,
    pub(crate) initializer: Option<Initializer>,
    /// Whether its memory is nobody's concern: it may then keep some that it has
    /// used for large payloads.
    pub(crate) keeps_memory: bool,
}

/// A function that each worker calls before its first job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Initializer {
    pub(crate) offset: i64,
    pub(crate) argument: Vec<u8>,
}

/// What an initializer may return.
///
/// Implemented for `()` and for `Result<(), E>`: an error, like a panic, means
/// that the worker is not fit for jobs.
pub trait Initialized {
    /// The error as text.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

impl Initialized for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: std::fmt::Display> Initialized for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

impl Initializer {
    /// Prepares `function(argument)`; the error says why it cannot travel.
    pub(crate) fn new<F, A, R>(function: F, argument: &A) -> Result<Self, String>
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + serde::de::DeserializeOwned + 'static,
        R: Initialized,
    {
        let entry = Entry::of(move |argument: A| function(argument).into_result());
        let mut bytes = Vec::new();
        codec::encode_argument(argument, &mut bytes)?;
        let offset = crate::image::offset_of(entry)
            .ok_or("the initializer is not part of the program itself")?;
        Ok(Self {
            offset,
            argument: bytes,
        })
    }
}
