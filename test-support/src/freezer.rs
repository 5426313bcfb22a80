//! [`Icebox`]: a cgroup in which processes are frozen.
//!
//! In a v1 `freezer` hierarchy not even SIGKILL reaches what is frozen, before it
//! is thawed. In a v2 hierarchy it does. Making either needs a privilege.

use crate::children::descends_from_us;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long freezing a process, and removing its cgroup, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where cgroups can be made in which processes are frozen.
#[derive(Clone, Debug)]
pub struct Icebox {
    /// The cgroup of this process.
    parent: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// The file that freezes, and what is written to freeze and to thaw.
    fn switch(self) -> (&'static str, [&'static str; 2]) {
        match self {
            Self::One => ("freezer.state", ["FROZEN", "THAWED"]),
            Self::Two => ("cgroup.freeze", ["1", "0"]),
        }
    }

    /// The file that says whether all is frozen, and the words that it has then.
    fn proof(self) -> (&'static str, &'static str) {
        match self {
            Self::One => ("freezer.state", "FROZEN"),
            Self::Two => ("cgroup.events", "frozen 1"),
        }
    }
}

impl Icebox {
    /// Finds the hierarchies: v1, which freezes harder, before v2.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn find_all() -> Result<Vec<Self>, String> {
        let failed = |error: io::Error| error.to_string();
        let mounts = fs::read_to_string("/proc/self/mounts").map_err(failed)?;
        let own = fs::read_to_string("/proc/self/cgroup").map_err(failed)?;
        let mut found = Vec::new();
        let mut last = "no cgroup hierarchy is mounted".to_owned();
        for version in [Version::One, Version::Two] {
            let Some(parent) = own_cgroup(version, &mounts, &own) else {
                continue;
            };
            let icebox = Self { parent, version };
            // Whether it may be used shows when it is.
            match icebox.make() {
                Ok(directory) => {
                    fs::remove_dir(&directory).map_err(failed)?;
                    found.push(icebox);
                }
                Err(error) => last = format!("{}: {error}", icebox.parent.display()),
            }
        }
        match found.is_empty() {
            true => Err(last),
            false => Ok(found),
        }
    }

    /// The one that freezes hardest.
    ///
    /// # Errors
    /// As for [`find_all`](Self::find_all).
    pub fn find() -> Result<Self, String> {
        Ok(Self::find_all()?.swap_remove(0))
    }

    fn make(&self) -> io::Result<PathBuf> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("icebox-{}-{number}", std::process::id());
        let directory = self.parent.join(name);
        fs::create_dir(&directory)?;
        match directory.join(self.version.switch().0).exists() {
            true => Ok(directory),
            false => {
                fs::remove_dir(&directory)?;
                Err(io::Error::other("no freezer there"))
            }
        }
    }

    /// Whether SIGKILL does not end what is frozen.
    pub fn holds_against_kill(&self) -> bool {
        self.version == Version::One
    }

    /// Freezes a process that this one has started, itself or through others, until what
    /// is returned is dropped.
    ///
    /// # Errors
    /// Those of the files; also if the process has ended, or is a stranger.
    pub fn freeze(&self, pid: u32) -> io::Result<Frozen> {
        let frozen = Frozen {
            directory: self.make()?,
            icebox: self.clone(),
        };
        fs::write(frozen.directory.join("cgroup.procs"), pid.to_string())?;
        // The number may have come to be a stranger's before it was moved.
        if !descends_from_us(pid) {
            return Err(io::Error::other("it was not started by this process"));
        }
        let (switch, [on, _]) = self.version.switch();
        fs::write(frozen.directory.join(switch), on)?;
        let (file, words) = self.version.proof();
        let until = Instant::now() + PATIENCE;
        while !fs::read_to_string(frozen.directory.join(file))?.contains(words) {
            if Instant::now() > until {
                return Err(io::Error::other("it does not freeze"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(frozen)
    }
}

/// Where the hierarchy is mounted, and this process in it.
fn own_cgroup(version: Version, mounts: &str, own: &str) -> Option<PathBuf> {
    let mount = mounts.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind, options) = (words.next()?, words.next()?, words.next()?);
        let fits = match version {
            Version::One => kind == "cgroup" && options.split(',').any(|word| word == "freezer"),
            Version::Two => kind == "cgroup2",
        };
        fits.then_some(point)
    })?;
    let path = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let fits = match version {
            Version::One => controllers.split(',').any(|word| word == "freezer"),
            Version::Two => controllers.is_empty(),
        };
        fits.then_some(path)
    })?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}

/// A process that is frozen. Dropping it thaws the process and removes the cgroup.
#[derive(Debug)]
pub struct Frozen {
    directory: PathBuf,
    icebox: Icebox,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let (switch, [_, off]) = self.icebox.version.switch();
        let thawed = fs::write(self.directory.join(switch), off);
        let until = Instant::now() + PATIENCE;
        // A process that was killed meanwhile needs a moment to end.
        loop {
            let inside = fs::read_to_string(self.directory.join("cgroup.procs"));
            for pid in inside.unwrap_or_default().lines() {
                let _ = fs::write(self.icebox.parent.join("cgroup.procs"), pid);
            }
            let removed = fs::remove_dir(&self.directory);
            match removed {
                Ok(()) => return,
                Err(error) if Instant::now() > until => {
                    let directory = self.directory.display();
                    eprintln!("{directory} stays: {error}; thawed: {thawed:?}");
                    return;
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
