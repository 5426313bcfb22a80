//! [`Diary`]: a file in which every worker notes its start, and the start of
//! each job, before anything else happens there.
//!
//! It survives the workers. So it can be said at the end whether a function ran
//! that must not have, or ran twice. Beside it lie files that hold jobs up, the
//! barriers.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::NamedTempFile;

static OPEN: OnceLock<(File, PathBuf)> = OnceLock::new();

/// Makes a process a worker that keeps the diary; the pool's initializer.
///
/// # Errors
/// If the file cannot be written to.
pub fn open_diary(path: PathBuf) -> Result<(), String> {
    // What panics here is meant to; nobody needs to read of it.
    std::panic::set_hook(Box::new(|_| {}));
    let file = File::options().append(true).open(&path);
    let _ = OPEN.set((file.map_err(|error| error.to_string())?, path));
    note(0);
    Ok(())
}

/// Notes that a job begins; zero stands for the worker itself.
pub(super) fn note(number: u64) {
    if let Some((diary, _)) = OPEN.get() {
        let mut diary = diary;
        // At the end of the file and in one piece, whoever else writes.
        let written = diary.write(&number.to_le_bytes());
        assert_eq!(written.ok(), Some(8), "the diary cannot be written");
    }
}

/// Waits until the barrier with this number is down, and says there who waits.
pub(super) fn wait_at(barrier: u64) {
    if let Some((_, path)) = OPEN.get() {
        if let Ok(mut file) = File::options()
            .append(true)
            .open(barrier_beside(path, barrier))
        {
            let _ = file.write_all(format!("{}\n", std::process::id()).as_bytes());
        }
        while barrier_beside(path, barrier).exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn barrier_beside(diary: &Path, number: u64) -> PathBuf {
    diary.with_extension(format!("barrier-{number}"))
}

/// A file that holds jobs up for as long as it exists.
#[derive(Debug)]
pub struct Barrier(PathBuf);

impl Barrier {
    /// The worker that came to it last.
    pub fn worker(&self) -> Option<u32> {
        let workers = std::fs::read_to_string(&self.0).ok()?;
        let last = workers.rsplit_once('\n')?.0.lines().last()?;
        last.parse().ok()
    }
}

impl Drop for Barrier {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The parent's side.
#[derive(Debug)]
pub struct Diary(NamedTempFile);

impl Diary {
    /// An empty diary.
    ///
    /// # Errors
    /// Those of the directory for temporary files.
    pub fn new() -> io::Result<Self> {
        NamedTempFile::new().map(Self)
    }

    /// Where workers find it.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Holds up the jobs that are given this number, until it is dropped.
    ///
    /// # Errors
    /// Those of the directory for temporary files.
    pub fn barrier(&self, number: u64) -> io::Result<Barrier> {
        let path = barrier_beside(self.path(), number);
        File::create_new(&path)?;
        Ok(Barrier(path))
    }

    /// How many workers have started, and how often each of the jobs below
    /// `jobs` has begun.
    ///
    /// # Errors
    /// Those of the file; and if it holds what no worker writes.
    pub fn read(&self, jobs: usize) -> io::Result<(u64, Vec<u8>)> {
        let mut workers = 0;
        let mut begun = vec![0_u8; jobs];
        let bytes = std::fs::read(self.path())?;
        for entry in bytes.chunks(8) {
            let number = entry.try_into().map_or(u64::MAX, u64::from_le_bytes);
            match usize::try_from(number).ok().and_then(|n| begun.get_mut(n)) {
                Some(_) if number == 0 => workers += 1,
                Some(times) => *times = times.saturating_add(1),
                None => return Err(io::Error::other("a worker wrote nonsense")),
            }
        }
        Ok((workers, begun))
    }
}
