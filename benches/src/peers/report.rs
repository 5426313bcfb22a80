//! [`Report`]: what was measured of one group.

use super::bar::Verdict;
use std::fmt;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
    pub(crate) rounds: usize,
    /// One for each subject; the first is ours.
    pub(crate) rows: Vec<Row>,
}

/// One subject.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) subject: &'static str,
    /// What a reader has to know of how it was used.
    pub(crate) note: String,
    /// The figures, or why there are none.
    pub(crate) figures: Result<Figures, String>,
    /// Its median divided by ours.
    pub(crate) ratio: Option<f64>,
    pub(crate) verdict: Option<Verdict>,
}

/// What came of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// What the figures of a group are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Bytes,
    Times,
}

impl Row {
    /// True if it is one of ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.subject.starts_with("ours")
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Bytes => "B",
            Self::Times => "×",
        })
    }
}

/// `number` with three digits that mean something, and thousands apart.
pub(crate) fn three_digits(number: f64) -> String {
    let size = number.abs();
    let decimals = match size {
        0.0 => 0,
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ if size >= 0.09995 => 3,
        _ => 4,
    };
    let plain = format!("{number:.decimals$}");
    if decimals > 0 || size < 999.5 {
        return plain;
    }
    let mut apart = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) && !apart.ends_with('-') {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A report with a subject of each kind, for the tests of how reports are shown.
#[cfg(test)]
pub(crate) fn sample() -> Report {
    use super::bar::Bar;
    let row = |subject, median: f64, bar: Option<Bar>| Row {
        subject,
        note: String::new(),
        figures: Ok(Figures {
            median,
            min: median - 9.5,
            max: median + 50.0,
        }),
        ratio: Some(median / 250.0),
        verdict: bar.and_then(|bar| bar.judge(median, Some(250.0))),
    };
    let absent = Row {
        note: "`note` | with a bar".to_owned(),
        figures: Err("there is no <python3> & \"friends\" here".to_owned()),
        ratio: None,
        ..row("absent", 0.0, None)
    };
    Report {
        name: "test-group",
        title: "Tests, for each",
        about: "What is done.",
        unit: Unit::Nanoseconds,
        rounds: 5,
        rows: vec![
            row("ours", 250.0, None),
            row("slow", 1000.0, Some(Bar::OursTimesThis(0.6))),
            row("fast", 200.0, Some(Bar::OursTimesThis(0.6))),
            absent,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::three_digits;

    #[test]
    fn numbers_have_three_digits_that_mean_something() {
        let cases = [
            (0.0, "0"),
            (0.0123, "0.0123"),
            (0.5, "0.500"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (99.96, "100"),
            (234.5, "234"),
            (999.6, "1,000"),
            (46_800.0, "46,800"),
            (1_234_567.0, "1,234,567"),
        ];
        for (number, shown) in cases {
            assert_eq!(three_digits(number), shown);
        }
    }
}
