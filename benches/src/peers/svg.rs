//! A report as a chart: a bar for each subject, drawn by hand.
//!
//! The bars are medians, with the least and the most as a line over each. Where the
//! largest is far from the smallest the axis is logarithmic, and says so. The
//! colours follow the reader's light or dark mode, and the background is left as
//! it is.

use super::report::{Figures, Report, Row, Unit, three_digits};
use super::table::with_unit;
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
/// Where bars begin and how long they may be.
const LEFT: f64 = 200.0;
const LENGTH: f64 = 440.0;
/// Where the first row begins, and how high rows are.
const TOP: f64 = 44.0;
const ROW: f64 = 28.0;

/// The largest divided by the smallest, from which on the axis is logarithmic.
const FAR: f64 = 20.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.label { text-anchor: end }
.tick { text-anchor: middle; font-size: 11px }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.other { fill: #9aa4af }
.ours { fill: #0969da }
.limit { fill: none; stroke: #59636e; stroke-dasharray: 4 3 }
.span { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .grid { stroke: #3d444d }
  .other { fill: #656c76 }
  .ours { fill: #4493f8 }
  .limit { stroke: #9198a1 }
  .span { stroke: #f0f6fc }
}
";

/// The chart of one group.
pub(crate) fn chart(report: &Report) -> String {
    let axis = Axis::of(report);
    let bottom = TOP + ROW * report.rows.len() as f64;
    let height = bottom + 46.0;
    let title = escaped(report.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n\
         <text class=\"title\" x=\"8\" y=\"22\">{title}</text>\n"
    );
    for (tick, label) in axis.ticks() {
        let x = LEFT + axis.place(tick);
        let below = bottom + 16.0;
        svg += &format!(
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\n\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{below}\">{label}</text>\n"
        );
    }
    for (place, row) in report.rows.iter().enumerate() {
        draw(&mut svg, report, row, &axis, TOP + ROW * place as f64);
    }
    let (x, y) = (LEFT + LENGTH / 2.0, height - 8.0);
    let what = escaped(&axis.title(report.unit));
    svg += &format!("<text class=\"tick\" x=\"{x}\" y=\"{y}\">{what}</text>\n</svg>\n");
    svg
}

fn draw(svg: &mut String, report: &Report, row: &Row, axis: &Axis, top: f64) {
    let (subject, base, label) = (escaped(row.subject), top + 18.0, LEFT - 10.0);
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        svg,
        "<text class=\"label\" x=\"{label}\" y=\"{base}\">{subject}</text>"
    );
    let Ok(figures) = &row.figures else {
        let x = LEFT + 6.0;
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{base}\">not measured</text>");
        return;
    };
    let class = match row.subject {
        _ if row.is_ours() => "ours",
        limit if limit.starts_with("limit") => "limit",
        _ => "other",
    };
    let (length, bar, middle) = (axis.place(figures.median), top + 5.0, top + 14.0);
    let (from, to) = (
        LEFT + axis.place(figures.min),
        LEFT + axis.place(figures.max),
    );
    let after = (LEFT + length).max(to) + 8.0;
    let value = escaped(&with_unit(report, figures.median));
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{bar}\" width=\"{length:.1}\" height=\"18\"/>\n\
         <line class=\"span\" x1=\"{from:.1}\" y1=\"{middle}\" x2=\"{to:.1}\" y2=\"{middle}\"/>\n\
         <text x=\"{after:.1}\" y=\"{base}\">{value}</text>"
    );
}

/// From values to places.
struct Axis {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    fn of(report: &Report) -> Self {
        let figures = || {
            report
                .rows
                .iter()
                .filter_map(|row| row.figures.as_ref().ok())
        };
        let most = figures().map(|figures| figures.max).fold(0.0, f64::max);
        let least = figures().map(|figures: &Figures| figures.min);
        let least = least.fold(f64::INFINITY, f64::min);
        if least > 0.0 && most / least > FAR {
            return Self {
                from: 10_f64.powf(least.log10().floor()),
                to: 10_f64.powf(most.log10().ceil()),
                logarithmic: true,
            };
        }
        let step = step(most);
        Self {
            from: 0.0,
            // At least one step, also where all are zero.
            to: ((most / step).ceil() * step).max(step),
            logarithmic: false,
        }
    }

    /// How far from the left a value is.
    fn place(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value / self.from).log10() / (self.to / self.from).log10()
        } else {
            value / self.to
        };
        part.clamp(0.0, 1.0) * LENGTH
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = Vec::new();
        let mut tick = self.from;
        // A little further, since sums of fractions are not exact.
        while tick <= self.to * 1.001 {
            let label = match tick {
                0.0 => "0".to_owned(),
                _ if tick >= 1.0 && tick.fract() == 0.0 => three_digits_or_whole(tick),
                _ => format!("{}", (tick * 1e6).round() / 1e6),
            };
            ticks.push((tick, label));
            tick = if self.logarithmic {
                tick * 10.0
            } else {
                tick + step(self.to)
            };
        }
        ticks
    }

    fn title(&self, unit: Unit) -> String {
        let unit = match unit {
            Unit::Nanoseconds => "nanoseconds",
            Unit::Microseconds => "microseconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Bytes => "bytes",
            Unit::Times => "times",
        };
        let scale = if self.logarithmic {
            ", logarithmic"
        } else {
            ""
        };
        format!("{unit}{scale}; less is better")
    }
}

fn three_digits_or_whole(tick: f64) -> String {
    if tick < 100.0 {
        format!("{tick}")
    } else {
        three_digits(tick)
    }
}

/// A round number that divides what goes up to `most` into some four parts.
fn step(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let rough = most / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|&step| step >= rough)
        .unwrap_or(rough)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
