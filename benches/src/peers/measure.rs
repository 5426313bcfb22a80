//! [`measure`]: the rounds of one group.

use super::Fault;
use super::bar::Bar;
use super::groups::Plan;
use super::report::{Figures, Report, Row};
use super::watchdog::Watchdog;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// One measurement of a subject, in the unit of its group. It checks its results.
pub(crate) type Sample = Box<dyn FnMut() -> Result<f64, Fault>>;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
}

impl Scale {
    /// How often each subject is measured.
    pub(crate) fn rounds(self) -> usize {
        self.pick(9, 5)
    }

    /// The first of two amounts, or the second if it is to be quick.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// One way to do the work of a group.
pub(crate) struct Subject {
    name: &'static str,
    note: String,
    bar: Option<Bar>,
    /// How it is measured, or why it cannot be.
    sample: Result<Sample, String>,
}

impl Subject {
    pub(crate) fn new(
        name: &'static str,
        sample: impl FnMut() -> Result<f64, Fault> + 'static,
    ) -> Self {
        Self::ours(name, Box::new(sample))
    }

    /// One of ours, which is set up already.
    pub(crate) fn ours(name: &'static str, sample: Sample) -> Self {
        Self::of(name, Ok(sample))
    }

    /// One of others: that it cannot be set up ends nothing, and is told in its row.
    pub(crate) fn rival(name: &'static str, start: impl FnOnce() -> Result<Sample, Fault>) -> Self {
        Self::of(name, contained(start).map_err(|fault| fault.to_string()))
    }

    fn of(name: &'static str, sample: Result<Sample, String>) -> Self {
        Self {
            name,
            note: String::new(),
            bar: None,
            sample,
        }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub(crate) fn bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }

    /// Ours is to take at most so many times what this one takes.
    pub(crate) fn ours_at_most(self, times: f64) -> Self {
        self.bar(Bar::OursTimesThis(times))
    }
}

/// Sets the subjects of a group up, and measures them.
///
/// # Errors
/// The first fault of a subject, a panic included, with its name.
pub(crate) fn measure(plan: &Plan, scale: Scale) -> Result<Report, Fault> {
    eprintln!("{}: {}", plan.name, plan.title);
    let watchdog = Watchdog::start();
    let start = Instant::now();
    let started = contained(|| (plan.start)(scale));
    let mut subjects = started.map_err(|fault| format!("{}: {fault}", plan.name))?;
    let mut values = vec![Vec::new(); subjects.len()];
    let rounds = if plan.once { 1 } else { scale.rounds() };
    // The one before the first warms everybody up and is thrown away.
    let warm_up = usize::from(!plan.once);
    for round in 0..rounds + warm_up {
        for turn in 0..subjects.len() {
            let place = (turn + round) % subjects.len();
            let subject = &mut subjects[place];
            let Ok(sample) = &mut subject.sample else {
                continue;
            };
            let name = format!("{}: {}", plan.name, subject.name);
            watchdog.watch(&name);
            let value = contained(sample).map_err(|fault| format!("{name}: {fault}"))?;
            watchdog.rest();
            if round >= warm_up {
                values[place].push(value);
            }
        }
    }
    eprintln!("{}: {:.0?}", plan.name, start.elapsed());
    Ok(conclude(plan, rounds, &subjects, &values))
}

/// What `call` returns; a panic in it is a fault.
fn contained<T>(call: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => value,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            Err(format!("it panicked: {}", text.unwrap_or("without a message")).into())
        }
    }
}

fn conclude(plan: &Plan, rounds: usize, subjects: &[Subject], values: &[Vec<f64>]) -> Report {
    let figures: Vec<_> = values.iter().map(|values| figures(values)).collect();
    let ours = figures.first().copied().flatten().map(|ours| ours.median);
    let row = |place: usize| {
        let (subject, figures) = (&subjects[place], figures[place]);
        let figures = figures.ok_or_else(|| match &subject.sample {
            Err(why) => why.clone(),
            Ok(_) => "there were no rounds".to_owned(),
        });
        let median = figures.as_ref().ok().map(|figures| figures.median);
        let mut row = Row {
            subject: subject.name,
            note: subject.note.clone(),
            figures,
            ratio: None,
            verdict: None,
        };
        // Others are compared with ours, and ours that is the first with itself.
        if let (Some(median), Some(ours)) = (median, ours)
            && (place == 0 || !row.is_ours())
        {
            row.ratio = Some(median / ours).filter(|ratio| ratio.is_finite());
        }
        row.verdict = median.and_then(|median| subject.bar?.judge(median, ours));
        row
    };
    Report {
        name: plan.name,
        title: plan.title,
        about: plan.about,
        unit: plan.unit,
        rounds,
        rows: (0..subjects.len()).map(row).collect(),
    }
}

/// Median, least and most; `None` of nothing.
fn figures(values: &[f64]) -> Option<Figures> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Figures { median, min, max })
}

#[cfg(test)]
mod tests;
