//! [`Report`]: sums on stdout, problems and progress on stderr.

use super::{Digest, File, Problem, files, write_line};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// What the user sees.
///
/// The progress bar is drawn only where stderr is a terminal. For its end the
/// files are counted meanwhile, by a walk of its own that hashes nothing.
#[derive(Debug)]
pub struct Report {
    sums: BufWriter<StdoutLock<'static>>,
    /// Each sum is shown at once, and above the bar.
    interactive: bool,
    bar: ProgressBar,
    complete: bool,
}

impl Report {
    /// Takes stdout for itself, and shows the progress through `paths`.
    pub fn new(paths: &[PathBuf]) -> Self {
        let stdout = io::stdout().lock();
        Self {
            interactive: stdout.is_terminal(),
            sums: BufWriter::new(stdout),
            bar: progress_bar(paths),
            complete: true,
        }
    }

    /// A file is done.
    ///
    /// # Errors
    /// Those of stdout.
    pub fn done(&mut self, file: &File, sum: Result<Digest, String>) -> io::Result<()> {
        self.bar.inc(1);
        match sum {
            Ok(digest) => self.sum(file, &digest),
            Err(reason) => {
                self.problem(&Problem::new(file.path(), reason));
                Ok(())
            }
        }
    }

    fn sum(&mut self, file: &File, digest: &Digest) -> io::Result<()> {
        if !self.interactive {
            return write_line(&mut self.sums, digest, file.path());
        }
        self.bar.suspend(|| {
            write_line(&mut self.sums, digest, file.path())?;
            self.sums.flush()
        })
    }

    /// There is no sum for something.
    pub fn problem(&mut self, problem: &Problem) {
        self.complete = false;
        // If nobody reads stderr either, the exit status still tells.
        let _ = self
            .bar
            .suspend(|| writeln!(io::stderr(), "hashsum: {problem}"));
    }

    /// Writes out what is left.
    ///
    /// # Errors
    /// Those of stdout.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sums.flush()
    }

    /// True if there was no problem so far.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn progress_bar(paths: &[PathBuf]) -> ProgressBar {
    let template = "{spinner} {wide_bar} {human_pos}/{human_len} files, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let bar = ProgressBar::new(0).with_style(style);
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(100));
        let (paths, counted) = (paths.to_vec(), bar.clone());
        thread::spawn(move || files(&paths).flatten().for_each(|_| counted.inc_length(1)));
    }
    bar
}
