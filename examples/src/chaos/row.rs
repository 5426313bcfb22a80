//! [`Row`]: one line of the table at the end of a run.

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was counted.
    pub name: String,
    /// How many there were.
    pub count: u64,
    /// False if there must not be so many.
    pub is_right: bool,
}

impl Row {
    /// A count of which any is right.
    pub fn count(name: impl Into<String>, count: u64) -> Self {
        Self::must(name, count, true)
    }

    /// A count of what must not happen.
    pub fn never(name: impl Into<String>, count: u64) -> Self {
        Self::must(name, count, count == 0)
    }

    /// A count, and whether it is right.
    pub fn must(name: impl Into<String>, count: u64, is_right: bool) -> Self {
        let name = name.into();
        Self {
            name,
            count,
            is_right,
        }
    }
}
