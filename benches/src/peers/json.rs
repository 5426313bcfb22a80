//! The report as JSON: an array with an object for each subject of each group.
//!
//! `median`, `min` and `max` are in `unit`, and `ratio_to_ours` is the median
//! divided by that of ours. Where a subject cannot run, they are null and `why`
//! says why. `bar` is null, or has the `limit`, what was `reached`, `of` what, and
//! whether it was `met`.

use super::bar::Bar;
use super::report::{Report, Row};
use std::fmt::Write as _;

/// All rows of all groups.
pub(crate) fn array(reports: &[Report]) -> String {
    let rows = reports.iter().flat_map(|report| {
        let of_report = move |row| object(report, row);
        report.rows.iter().map(of_report)
    });
    let rows: Vec<String> = rows.collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

fn object(report: &Report, row: &Row) -> String {
    let figures = row.figures.as_ref().ok();
    let why = row.figures.as_ref().err();
    let fields = [
        ("group", string(report.name)),
        ("subject", string(row.subject)),
        ("unit", string(&report.unit.to_string())),
        ("median", number(figures.map(|figures| figures.median))),
        ("min", number(figures.map(|figures| figures.min))),
        ("max", number(figures.map(|figures| figures.max))),
        ("ratio_to_ours", number(row.ratio)),
        ("bar", bar(row)),
        ("note", string(&row.note)),
        ("why", why.map_or("null".to_owned(), |why| string(why))),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\": {value}"));
    format!("  {{{}}}", fields.join(", "))
}

fn bar(row: &Row) -> String {
    let Some(verdict) = row.verdict else {
        return "null".to_owned();
    };
    let of = match verdict.bar {
        Bar::OursTimesThis(_) => "ours divided by this",
        Bar::AtMost(_) => "this",
    };
    format!(
        "{{\"of\": \"{of}\", \"limit\": {}, \"reached\": {}, \"met\": {}}}",
        number(Some(verdict.limit())),
        number(Some(verdict.reached)),
        verdict.is_met()
    )
}

/// JSON has no infinities and nothing that is not a number.
fn number(number: Option<f64>) -> String {
    match number {
        Some(number) if number.is_finite() => number.to_string(),
        _ => "null".to_owned(),
    }
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            // Writing to a string cannot fail.
            control if control < ' ' => drop(write!(quoted, "\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::report::sample;
    use serde_json::Value;

    #[test]
    fn it_parses_back_to_what_was_measured() {
        let parsed: Value = serde_json::from_str(&array(&[sample(), sample()])).unwrap();
        let rows = parsed.as_array().unwrap();
        assert_eq!(rows.len(), 2 * sample().rows.len());
        let ours = &rows[0];
        assert_eq!(ours["group"], "test-group");
        assert_eq!(ours["subject"], "ours");
        assert_eq!(ours["unit"], "ns");
        assert_eq!(ours["median"].as_f64(), Some(250.0));
        let number = |name: &str| ours[name].as_f64().unwrap();
        assert_eq!((number("min"), number("max")), (240.5, 300.0));
        assert_eq!(ours["ratio_to_ours"].as_f64(), Some(1.0));
        assert_eq!(ours["bar"], Value::Null);
        let theirs = &rows[1];
        assert_eq!(theirs["ratio_to_ours"].as_f64(), Some(4.0));
        assert_eq!(theirs["bar"]["met"], true);
        assert_eq!(theirs["bar"]["limit"], 0.6);
        assert_eq!(theirs["bar"]["reached"], 0.25);
    }

    #[test]
    fn who_could_not_run_has_a_reason_in_place_of_figures() {
        let parsed: Value = serde_json::from_str(&array(&[sample()])).unwrap();
        let absent = &parsed[3];
        assert_eq!(absent["median"], Value::Null);
        assert_eq!(absent["why"], "there is no <python3> & \"friends\" here");
    }

    #[test]
    fn whatever_is_in_a_text_survives() {
        let text = "\"quoted\" \\ and\nlines\tand \u{1} and µ";
        assert_eq!(serde_json::from_str::<String>(&string(text)).unwrap(), text);
        assert_eq!(number(Some(f64::NAN)), "null");
        assert_eq!(number(None), "null");
    }
}
