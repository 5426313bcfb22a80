//! [`Findings`]: what one of those who use a pool, or make trouble for it, has to
//! say at the end.

use super::{Row, Tally};

/// What one of them saw, or all together.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The outcomes of its jobs.
    pub tally: Tally,
    /// What it counted besides.
    pub rows: Vec<Row>,
    /// What it has to say on rows that are not right.
    pub complaints: Vec<String>,
    /// How many workers of pools of its own lived until it shut them down.
    pub survivors: u64,
}

impl Findings {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.tally.add(other.tally);
        self.rows.extend(other.rows);
        self.complaints.extend(other.complaints);
        self.survivors += other.survivors;
    }
}
