//! [`Report`]: the books at the end of a run, and whether they balance.

use super::{Findings, Row, Vitals, thread_names};

/// What the allocator and the thread stacks that it keeps may add to the
/// mappings: a leak for each dead worker is more.
const SLACK: usize = 256;
/// How many lines of a kind are printed.
const LINES: usize = 20;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What all who took part have to say.
    pub found: Findings,
    /// Calls of done callbacks.
    pub callbacks: u64,
    /// Those for a job that had had its call.
    pub twice: u64,
    /// Functions that began more or less often than they may have.
    pub reruns: Vec<String>,
    /// How many workers started.
    pub started: u64,
    /// How many of them ended before the end.
    pub deaths: u64,
    /// What this process held at the start.
    pub before: Vitals,
    /// What it held at the end.
    pub after: Vitals,
    /// Workers that are left.
    pub leftover: usize,
}

impl Report {
    fn table(&self) -> Vec<Row> {
        let tally = &self.found.tally;
        let mut rows = vec![Row::count("jobs submitted", tally.submitted)];
        for (name, count) in tally.rows() {
            let is_right = match name {
                "rejected" => count == tally.refused,
                "other" | "pool broken" => count == 0,
                _ => true,
            };
            rows.push(Row::must(format!("... {name}"), count, is_right));
        }
        let missing = tally.submitted.saturating_sub(tally.ended());
        let silent = tally.submitted.abs_diff(self.callbacks);
        rows.extend([
            Row::never("jobs without an outcome", missing),
            Row::never("jobs without a callback", silent),
            Row::never("jobs with two outcomes", self.twice),
            Row::never("wrong outcomes or contents", tally.wrong.len() as u64),
            Row::never(
                "functions begun too often or not at all",
                self.reruns.len() as u64,
            ),
            Row::never("jobs late to end when stopped", tally.late.len() as u64),
            Row::count("MiB of payload in results", tally.bytes >> 20),
            Row::count("workers started", self.started),
            Row::count("worker deaths", self.deaths),
        ]);
        rows.extend(self.found.rows.iter().cloned());
        rows.extend(self.holdings());
        rows
    }

    fn holdings(&self) -> Vec<Row> {
        let (before, after) = (&self.before, &self.after);
        let pair = |what: &str, before: usize, after: usize, slack: usize| {
            let is_right = after <= before + slack;
            [
                Row::count(format!("{what} before"), before as u64),
                Row::must(format!("{what} after"), after as u64, is_right),
            ]
        };
        let leftover = self.leftover.max(after.children) as u64;
        let mut rows = vec![
            Row::never("zombies", after.zombies as u64),
            Row::never("leftover processes", leftover),
        ];
        rows.extend(pair(
            "descriptors",
            before.descriptors,
            after.descriptors,
            0,
        ));
        rows.extend(pair("threads", before.threads, after.threads, 0));
        rows.extend(pair("mappings", before.mappings, after.mappings, SLACK));
        rows.push(Row::never("... shared with a worker", after.boards as u64));
        let peak = Vitals::peak_memory() >> 10;
        rows.push(Row::count("peak memory of the parent, MiB", peak));
        rows
    }

    /// Prints the table and what is wrong; true if nothing is.
    pub fn print(&self) -> bool {
        println!("\n| {:<42} | {:>12} |", "", "count");
        println!("|{}|{}:|", "-".repeat(44), "-".repeat(13));
        let table = self.table();
        for row in &table {
            let remark = if row.is_right { "" } else { "   <- OFF" };
            println!("| {:<42} | {:>12} |{remark}", row.name, row.count);
        }
        let tally = &self.found.tally;
        let mut fine = table.iter().all(|row| row.is_right) && self.found.complaints.is_empty();
        for (what, lines) in [
            ("STUCK", &tally.stuck),
            ("WRONG", &tally.wrong),
            ("WRONG", &self.reruns),
            ("LATE", &tally.late),
        ] {
            fine &= lines.is_empty();
            for line in lines.iter().take(LINES) {
                println!("{what}: {line}");
            }
        }
        for line in self.found.complaints.iter().take(LINES) {
            println!("{line}");
        }
        if !fine {
            println!("threads: {:?}", thread_names());
        }
        let verdict = if fine {
            "all is well"
        } else {
            "something is OFF"
        };
        println!("{verdict}");
        fine
    }
}
