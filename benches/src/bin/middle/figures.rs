//! [`Figures`]: names and values, as a table and as JSON.

use crate::Fault;
use std::fmt::{self, Write as _};
use std::path::Path;

/// What was measured, in the order it was.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(String, f64)>);

impl Figures {
    pub(crate) fn add(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value)
    }

    /// One object, a name and its number on each line.
    pub(crate) fn json(&self) -> String {
        let mut text = String::from("{");
        for (place, (name, value)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n  \"{name}\": {value:.3}");
        }
        text + "\n}\n"
    }

    /// Reads what [`json`](Self::json) has written; it is no reader of other JSON.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not a name and a number.
    pub(crate) fn read(file: &Path) -> Result<Self, Fault> {
        let at = |fault: Fault| Fault::from(format!("{}: {fault}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| at(error.into()))?;
        let mut figures = Self::default();
        for line in text.lines().filter(|line| !matches!(*line, "{" | "}")) {
            let pair = line.trim().trim_end_matches(',').split_once(':');
            let (name, value) = pair.ok_or_else(|| at("not a figure".into()))?;
            let value = value.trim().parse();
            let value = value.map_err(|error: std::num::ParseFloatError| at(error.into()))?;
            figures.add(name.trim_matches('"'), value);
        }
        Ok(figures)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            writeln!(f, "{name:<30} {value:>12.1}")?;
        }
        Ok(())
    }
}

/// The middle of some values; NaN if there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
