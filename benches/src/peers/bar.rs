//! [`Bar`]: what ours is to reach.

/// A bar, which stands in the row of the subject that it is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    /// Ours takes at most so many times what this subject takes.
    OursTimesThis(f64),
    /// This subject, one of ours, has at most this value.
    AtMost(f64),
}

/// A bar, and how far ours came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) bar: Bar,
    /// What is compared with the bar's number.
    pub(crate) reached: f64,
}

impl Bar {
    /// What came of it, where `this` and `ours` are medians.
    pub(crate) fn judge(self, this: f64, ours: Option<f64>) -> Option<Verdict> {
        let reached = match self {
            Self::OursTimesThis(_) => ours? / this,
            Self::AtMost(_) => this,
        };
        Some(Verdict { bar: self, reached })
    }
}

impl Verdict {
    /// The bar's number.
    pub(crate) fn limit(&self) -> f64 {
        match self.bar {
            Bar::OursTimesThis(limit) | Bar::AtMost(limit) => limit,
        }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.reached <= self.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_ours_divided_by_theirs() {
        let bar = Bar::OursTimesThis(0.5);
        let verdict = bar.judge(200.0, Some(90.0)).unwrap();
        assert_eq!(verdict.reached, 0.45);
        assert!(verdict.is_met());
        assert!(!bar.judge(200.0, Some(101.0)).unwrap().is_met());
        assert_eq!(bar.judge(200.0, None), None);
    }

    #[test]
    fn a_bar_of_its_own_needs_no_other() {
        assert!(Bar::AtMost(0.0).judge(0.0, None).unwrap().is_met());
        assert!(!Bar::AtMost(200.0).judge(201.0, None).unwrap().is_met());
    }
}
