//! [`Options`]: the command line.

use super::Fault;
use super::groups::{self, Plan};
use super::markdown;
use super::measure::Scale;
use clap::Parser;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Measures the executors of this workspace and those of others on the same work.
#[derive(Clone, Debug, Parser)]
#[command(name = "peers")]
pub(crate) struct Options {
    /// Measure less: all groups together in under two minutes
    #[arg(long)]
    pub(crate) quick: bool,

    /// Measure this group only; may be given several times
    #[arg(long, value_name = "GROUP")]
    pub(crate) only: Vec<String>,

    /// List the groups, and measure nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Write what was measured to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw a chart of each group into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,

    /// Write the whole report to this file, as a page of documentation
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,

    /// The text that the page ends with
    #[arg(long, value_name = "FILE", default_value = "docs/performance-notes.md")]
    pub(crate) notes: PathBuf,

    /// Replace, in this file, what stands between `<!-- peers -->` and
    /// `<!-- end of peers -->` with a short table
    #[arg(long, value_name = "FILE")]
    pub(crate) readme: Option<PathBuf>,
}

impl Options {
    /// The groups that are asked for, in the order of the report.
    pub(crate) fn plans(&self) -> Result<Vec<&'static Plan>, Fault> {
        let known = |name: &String| groups::ALL.iter().any(|plan| plan.name == name);
        if let Some(unknown) = self.only.iter().find(|name| !known(name)) {
            let names: Vec<_> = groups::ALL.iter().map(|plan| plan.name).collect();
            let names = names.join(", ");
            return Err(format!("there is no group {unknown:?}; there are {names}").into());
        }
        let asked = |plan: &&Plan| self.only.is_empty() || self.only.iter().any(|n| n == plan.name);
        Ok(groups::ALL.iter().filter(asked).collect())
    }

    /// Finds out before minutes of measurement what would go wrong after them.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if let Some(directory) = &self.svg {
            let cannot = |error| format!("{}: {error}", directory.display());
            fs::create_dir_all(directory).map_err(cannot)?;
        }
        for file in [&self.json, &self.markdown].into_iter().flatten() {
            let opened = File::options().create(true).append(true).open(file);
            opened.map_err(|error| format!("{}: {error}", file.display()))?;
        }
        if self.markdown.is_some() {
            read(&self.notes)?;
        }
        match &self.readme {
            Some(readme) => markdown::check_marks(&read(readme)?),
            None => Ok(()),
        }
    }

    pub(crate) fn scale(&self) -> Scale {
        Scale { quick: self.quick }
    }

    /// Where the charts are, seen from the page, if both are asked for and the page
    /// can name them.
    pub(crate) fn charts(&self) -> Option<String> {
        let beside = self.markdown.as_ref()?.parent()?;
        let charts = self.svg.as_ref()?.strip_prefix(beside).ok()?;
        Some(charts.to_str()?.to_owned()).filter(|path| !path.is_empty())
    }

    /// The command that repeats these measurements.
    pub(crate) fn command(&self) -> String {
        let mut command = "cargo run --release -p benches --bin peers".to_owned();
        let mut arguments = Vec::new();
        if self.quick {
            arguments.push("--quick".to_owned());
        }
        arguments.extend(self.only.iter().map(|name| format!("--only {name}")));
        if !arguments.is_empty() {
            command = format!("{command} -- {}", arguments.join(" "));
        }
        command
    }
}

/// Writes `text` to `file`.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), Fault> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}

/// Reads `file`.
pub(crate) fn read(file: &Path) -> Result<String, Fault> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_repeats_what_was_asked_for() {
        let options = Options::parse_from(["peers", "--quick", "--only", "gather-done"]);
        let command = "cargo run --release -p benches --bin peers -- --quick --only gather-done";
        assert_eq!(options.command(), command);
        let plans = options.plans().unwrap();
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].name, "gather-done");
    }

    #[test]
    fn the_page_finds_charts_that_are_below_it() {
        let of = |svg| ["peers", "--markdown", "docs/P.md", "--svg", svg];
        let charts = |svg| Options::parse_from(of(svg)).charts();
        assert_eq!(charts("docs/charts").as_deref(), Some("charts"));
        assert_eq!(charts("elsewhere"), None);
        assert_eq!(
            Options::parse_from(["peers", "--markdown", "P.md"]).charts(),
            None
        );
    }

    #[test]
    fn without_a_choice_all_groups_are_measured() {
        let plans = Options::parse_from(["peers"]).plans().unwrap();
        assert_eq!(plans.len(), groups::ALL.len());
    }

    #[test]
    fn an_unknown_group_is_an_error_that_lists_the_known_ones() {
        let error = Options::parse_from(["peers", "--only", "x"])
            .plans()
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"x\""), "{error}");
        assert!(error.contains(groups::ALL[0].name), "{error}");
    }
}
