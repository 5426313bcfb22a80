//! A report as a table: for the terminal, and in Markdown.

use super::bar::{Bar, Verdict};
use super::report::{Report, Row, three_digits};

const HEAD: [&str; 5] = ["subject", "median", "min – max", "÷ ours", "bar"];

/// A table whose columns are lined up by spaces.
pub(crate) fn plain(report: &Report) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(report.rows.iter().map(|row| cells(report, row)));
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 5] = std::array::from_fn(width);
    let rounds = rounds(report);
    let mut text = format!("{}: {} ({rounds})\n", report.name, report.title);
    for (place, line) in lines.iter().enumerate() {
        let mut shown = String::from(" ");
        for (column, cell) in line.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            // Text stands on the left, numbers on the right.
            shown += &match column {
                0 | 4 => format!(" {cell}{pad} "),
                _ => format!(" {pad}{cell} "),
            };
        }
        text += shown.trim_end();
        if let Some(why) = place.checked_sub(1).and_then(|row| why(&report.rows[row])) {
            text += &format!("  {why}");
        }
        text.push('\n');
    }
    text
}

/// A Markdown table, with the notes and the reasons.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = format!("| {} |\n|---|--:|--:|--:|---|\n", HEAD.join(" | "));
    for row in &report.rows {
        let mut cells = cells(report, row);
        if row.is_ours() {
            cells[0] = format!("**{}**", cells[0]);
        }
        if !row.note.is_empty() {
            cells[0] = format!("{} ({})", cells[0], row.note);
        }
        if let Some(why) = why(row) {
            cells[4] = why.to_owned();
        }
        let cells = cells.map(|cell| escaped(&cell));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

/// `text` as it can stand in a cell of a Markdown table.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// How often everybody was measured.
pub(crate) fn rounds(report: &Report) -> String {
    match report.rounds {
        1 => "measured once".to_owned(),
        rounds => format!("{rounds} rounds"),
    }
}

/// Number and unit.
pub(crate) fn with_unit(report: &Report, number: f64) -> String {
    format!("{} {}", three_digits(number), report.unit)
}

fn cells(report: &Report, row: &Row) -> [String; 5] {
    let subject = row.subject.to_owned();
    let Ok(figures) = &row.figures else {
        return [subject, "–".into(), "–".into(), "–".into(), String::new()];
    };
    let (min, max) = (three_digits(figures.min), three_digits(figures.max));
    [
        subject,
        with_unit(report, figures.median),
        format!("{min} – {max}"),
        row.ratio.map_or("–".to_owned(), three_digits),
        row.verdict.as_ref().map_or(String::new(), verdict),
    ]
}

fn why(row: &Row) -> Option<&str> {
    row.figures.as_ref().err().map(String::as_str)
}

fn verdict(verdict: &Verdict) -> String {
    let limit = three_digits(verdict.limit());
    let limit = match limit.contains('.') {
        true => limit.trim_end_matches('0').trim_end_matches('.'),
        false => &limit,
    };
    let end = if verdict.is_met() { "met" } else { "missed" };
    match verdict.bar {
        Bar::OursTimesThis(_) => {
            let reached = three_digits(verdict.reached);
            format!("ours ≤ {limit} of it: {end}, {reached}")
        }
        Bar::AtMost(_) => format!("≤ {limit}: {end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::report::sample;

    #[test]
    fn columns_are_lined_up() {
        let expected = "\
test-group: Tests, for each (5 rounds)
  subject    median    min – max  ÷ ours  bar
  ours       250 ns    240 – 300    1.00
  slow     1,000 ns  990 – 1,050    4.00  ours ≤ 0.6 of it: met, 0.250
  fast       200 ns    190 – 250   0.800  ours ≤ 0.6 of it: missed, 1.25
  absent          –            –       –  there is no <python3> & \"friends\" here
";
        assert_eq!(plain(&sample()), expected);
    }

    #[test]
    fn a_markdown_table_keeps_its_columns() {
        let table = markdown(&sample());
        assert!(table.contains("| **ours** | 250 ns | 240 – 300 | 1.00 |"));
        assert!(table.contains("absent (`note` \\| with a bar)"), "{table}");
        for line in table.lines() {
            let columns = line.replace("\\|", "").matches('|').count();
            assert_eq!(columns, 6, "{line}");
        }
    }
}
