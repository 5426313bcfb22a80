//! The report as a page of documentation, and as a short table for the README.

use super::Fault;
use super::machine::Machine;
use super::report::{Report, Row};
use super::table::{self, escaped, with_unit};

/// The marks between which the README has its table.
const FROM: &str = "<!-- peers -->";
const TO: &str = "<!-- end of peers -->";

/// The whole page; `charts` is where the charts are, seen from it.
pub(crate) fn page(
    machine: &Machine,
    reports: &[Report],
    charts: Option<&str>,
    notes: &str,
) -> String {
    let command = &machine.command;
    let mut page = format!(
        "# Performance\n\n\
         Ours and the others on the same work, in one run. This page is generated, \
         notes at its end apart; to measure again:\n\n\
         ```sh\n{command}\n```\n\n\
         With `--markdown FILE` that writes a page such as this one. Everybody has two \
         threads or two worker processes. In each round each subject is measured once, \
         in an order that rotates; a first round that warms up does not count, and tiny \
         jobs are preceded by a tenth of their number that does not either. Results are \
         checked. The median of the rounds is shown, with the least and the most; \
         ÷ ours is a median divided by that of ours. A bar is what ours is to reach, \
         met or not.\n\n\
         | | |\n|---|---|\n"
    );
    for (what, value) in &machine.facts {
        page += &format!("| {what} | {} |\n", escaped(value));
    }
    for report in reports {
        let rounds = table::rounds(report);
        page += &format!(
            "\n## {}\n\n{} Group `{}`, {rounds}.\n\n",
            report.title, report.about, report.name
        );
        if let Some(charts) = charts {
            page += &format!("![{}]({charts}/{}.svg)\n\n", report.title, report.name);
        }
        page += &table::markdown(report);
    }
    if !notes.trim().is_empty() {
        page += &format!("\n{}\n", notes.trim());
    }
    page
}

/// `readme` with a new table between its marks.
pub(crate) fn replace(
    readme: &str,
    machine: &Machine,
    reports: &[Report],
) -> Result<String, Fault> {
    let (before, after) = around(readme)?;
    let table = short(machine, reports);
    Ok(format!("{before}{FROM}\n{table}{TO}{after}"))
}

/// Whether a table can be put into `readme`.
pub(crate) fn check_marks(readme: &str) -> Result<(), Fault> {
    around(readme).map(drop)
}

fn around(readme: &str) -> Result<(&str, &str), Fault> {
    let missing = || format!("there is no {FROM} with a {TO} after it");
    let (before, rest) = readme.split_once(FROM).ok_or_else(missing)?;
    let (_, after) = rest.split_once(TO).ok_or_else(missing)?;
    Ok((before, after))
}

/// One line for each group.
fn short(machine: &Machine, reports: &[Report]) -> String {
    let mut text = String::from("| | ours | others |\n|---|--:|---|\n");
    for report in reports {
        let (ours, others): (Vec<&Row>, Vec<&Row>) =
            report.rows.iter().partition(|row| row.is_ours());
        let median = |row: &Row| Some(with_unit(report, row.figures.as_ref().ok()?.median));
        // Where there are several of ours, which of them it is stands behind.
        let which = |row: &&Row| {
            let kind = row.subject.strip_prefix("ours, ");
            let kind = kind.map_or(String::new(), |kind| format!(" ({kind})"));
            Some(format!("{}{kind}", median(row)?))
        };
        let theirs = |row: &&Row| Some(format!("{} {}", row.subject, median(row)?));
        let ours: Vec<_> = ours.iter().filter_map(which).collect();
        let others: Vec<_> = others.iter().filter_map(theirs).collect();
        let cells = [report.title, &ours.join(", "), &others.join(", ")].map(escaped);
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text += &format!(
        "\nMedians, {}, {} processors ({}), {}: `{}`.\n",
        machine.date,
        machine.fact("Processors to this program"),
        machine.fact("Processor"),
        machine.fact("Compiler"),
        machine.command
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::report::sample;

    fn machine() -> Machine {
        Machine {
            facts: vec![
                ("Processor", "a|b".to_owned()),
                ("Processors to this program", "2".to_owned()),
                ("Compiler", "rustc 1".to_owned()),
            ],
            command: "peers --quick".to_owned(),
            date: "2026-11-20".to_owned(),
        }
    }

    #[test]
    fn the_page_has_machine_tables_charts_and_notes() {
        let page = page(
            &machine(),
            &[sample()],
            Some("charts"),
            "## Notes\n\nText.\n",
        );
        for part in [
            "```sh\npeers --quick\n```",
            "| Processor | a\\|b |",
            "## Tests, for each\n\nWhat is done. Group `test-group`, 5 rounds.",
            "![Tests, for each](charts/test-group.svg)",
            "| **ours** | 250 ns |",
        ] {
            assert!(page.contains(part), "{part:?} is not in\n{page}");
        }
        assert!(page.ends_with("\n\n## Notes\n\nText.\n"), "{page}");
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let readme = format!("before\n{FROM}\nold\n{TO}\nafter\n");
        let new = replace(&readme, &machine(), &[sample()]).unwrap();
        assert!(
            new.starts_with("before\n<!-- peers -->\n| | ours |"),
            "{new}"
        );
        assert!(new.ends_with("<!-- end of peers -->\nafter\n"), "{new}");
        assert!(!new.contains("old"));
        let row = "| Tests, for each | 250 ns | slow 1,000 ns, fast 200 ns |";
        assert!(new.contains(row), "{new}");
        // Once more, and nothing changes.
        assert_eq!(replace(&new, &machine(), &[sample()]).unwrap(), new);
    }

    #[test]
    fn without_its_marks_a_file_is_left_alone() {
        for readme in ["text", FROM, TO, "<!-- end of peers -->\n<!-- peers -->"] {
            assert!(replace(readme, &machine(), &[]).is_err(), "{readme}");
        }
    }
}
