//! [`Machine`]: where and when the figures were taken.

use super::rivals::python;
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// A machine and the program on it, as far as they matter to figures.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// What and its value, in the order of the report.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The command that repeats the measurements.
    pub(crate) command: String,
    /// The day, in UTC.
    pub(crate) date: String,
}

impl Machine {
    /// Looks at this one.
    pub(crate) fn look(command: &str) -> Self {
        let unknown = || "unknown".to_owned();
        let date = today();
        let build = if cfg!(debug_assertions) {
            "debug: these figures say nothing"
        } else {
            "release"
        };
        let facts = vec![
            ("Date", date.clone()),
            ("Commit", commit().unwrap_or_else(unknown)),
            ("Processor", processor().unwrap_or_else(unknown)),
            ("Processors to this program", processors()),
            ("Kernel", kernel().unwrap_or_else(unknown)),
            (
                "Compiler",
                said("rustc", &["--version"]).unwrap_or_else(unknown),
            ),
            ("Build", build.to_owned()),
            (
                "Python",
                python::version().unwrap_or_else(|| "none".to_owned()),
            ),
            ("Load when it began", load().unwrap_or_else(unknown)),
        ];
        let command = command.to_owned();
        Self {
            facts,
            command,
            date,
        }
    }

    /// One of the facts; empty if there is no such.
    pub(crate) fn fact(&self, what: &str) -> &str {
        let fact = self.facts.iter().find(|(name, _)| *name == what);
        fact.map_or("", |(_, value)| value)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.facts.iter().map(|(what, _)| what.len()).max();
        for (what, value) in &self.facts {
            writeln!(f, "{what:<width$}  {value}", width = width.unwrap_or(0))?;
        }
        Ok(())
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn processors() -> String {
    std::thread::available_parallelism().map_or("unknown".to_owned(), |n| n.to_string())
}

fn kernel() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("Linux {}", text.trim()))
}

fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

/// The commit, and whether the sources are still those of it.
fn commit() -> Option<String> {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    Some(match changed {
        Some(_) => format!("{commit}, with changes"),
        None => commit,
    })
}

/// What a program prints; `None` if that is nothing.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}

fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = now.map_or(0, |since| since.as_secs() / 86_400);
    let (year, month, day) = date(days);
    format!("{year}-{month:02}-{day:02}")
}

/// The date of a day that is so many after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut left = days;
    let mut year = 1970;
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(58), (1970, 2, 28));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_777), (2026, 11, 20));
    }

    #[test]
    fn all_facts_are_known_here_or_said_not_to_be() {
        let machine = Machine::look("command");
        assert!(machine.facts.iter().all(|(_, value)| !value.is_empty()));
        assert_eq!(machine.fact("Date"), machine.date);
        assert_eq!(machine.fact("no such"), "");
    }
}
