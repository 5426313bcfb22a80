//! The figures of two builds, side by side.

use crate::Fault;
use crate::figures::{Figures, median};
use std::path::PathBuf;

/// Prints, for each figure, the medians of the old and the new files, the new
/// one divided by the old, and from where to where the values go.
///
/// # Errors
/// Those of [`Figures::read`].
pub(crate) fn compare(old: &[PathBuf], new: &[PathBuf]) -> Result<(), Fault> {
    let read = |files: &[PathBuf]| -> Result<Vec<Figures>, Fault> {
        files.iter().map(|file| Figures::read(file)).collect()
    };
    let (old, new) = (read(old)?, read(new)?);
    println!(
        "{} runs of the old build, {} of the new",
        old.len(),
        new.len()
    );
    let (figure, range) = ("figure", "range");
    println!(
        "{figure:<30} {:>12} {:>12} {:>8}  {range}",
        "old", "new", "new/old"
    );
    for name in new.first().into_iter().flat_map(Figures::names) {
        let values = |runs: &[Figures]| -> Vec<f64> {
            runs.iter().filter_map(|run| run.get(name)).collect()
        };
        let (old, new) = (values(&old), values(&new));
        let ranges = format!("{} against {}", range_of(&old), range_of(&new));
        let (old, new) = (median(old), median(new));
        let ratio = new / old;
        println!("{name:<30} {old:>12.1} {new:>12.1} {ratio:>8.3}  {ranges}");
    }
    Ok(())
}

fn range_of(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least:.1}–{most:.1}")
}
