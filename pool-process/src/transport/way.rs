//! [`Transport`]: the two ways in which jobs and results move.

/// How jobs and results move between a pool and its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Transport {
    /// Through memory that each worker shares with its parent, with system calls
    /// only where one side sleeps. The default.
    #[default]
    SharedMemory,
    /// As messages over channels, with no more than the state of each job and
    /// small results in shared memory: slower, for systems where processes
    /// cannot wake one another through shared memory.
    Messages,
}
