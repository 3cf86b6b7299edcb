//! What a check found, and what to do about it.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// trampoline does not work, or what it promises does not hold.
    Problem,
    /// It works and the promise holds; the machine could stand firmer, or be tidier.
    Advice,
    /// As it should be.
    Ok,
}

/// One thing that a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do; nothing if all is well.
    #[serde(rename = "do")]
    pub todo: Option<String>,
}

impl Finding {
    /// Whether it stops the machine from being healthy.
    pub fn is_problem(&self) -> bool {
        self.level == Level::Problem
    }
}

/// Everything found so far, in the order of the checks.
#[derive(Default, Debug)]
pub struct Report(Vec<Finding>);

/// A thing that is not as it should be: how much it matters, what it is, what to do.
pub type Fault = (Level, String, String);

/// What keeps trampoline from working, or breaks the promise.
pub fn problem(found: impl Into<String>, todo: impl Into<String>) -> Fault {
    (Level::Problem, found.into(), todo.into())
}

/// What could be better.
pub fn advice(found: impl Into<String>, todo: impl Into<String>) -> Fault {
    (Level::Advice, found.into(), todo.into())
}

impl Report {
    /// A check that was made: its faults, or if there is none, what is well.
    pub fn note(&mut self, check: &'static str, faults: impl IntoIterator<Item = Fault>, well: impl Into<String>) {
        let before = self.0.len();
        let finding = |(level, found, todo)| Finding { check, level, found, todo: Some(todo) };
        self.0.extend(faults.into_iter().map(finding));
        if self.0.len() == before {
            self.0.push(Finding { check, level: Level::Ok, found: well.into(), todo: None });
        }
    }

    /// All of it: problems first, and within a level in the order of the checks.
    pub fn worst_first(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.level);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_without_a_fault_is_well_and_problems_come_first() {
        let mut report = Report::default();
        report.note("one", [], "well");
        report.note("two", [advice("a", "b"), problem("c", "d")], "not said");
        let found = report.worst_first();
        let shown: Vec<_> = found.iter().map(|f| (f.check, f.level, f.found.as_str(), f.todo.as_deref())).collect();
        assert_eq!(
            shown,
            [("two", Level::Problem, "c", Some("d")), ("two", Level::Advice, "a", Some("b")), ("one", Level::Ok, "well", None)]
        );
    }
}
