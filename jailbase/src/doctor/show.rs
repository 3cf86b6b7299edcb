//! The findings as a table for people, or as JSON.

use super::finding::{Finding, Level};
use crate::colour::{self, Kind};
use crate::table::counted;
use jail::error::Error;

/// For programs.
pub fn json(findings: &[Finding]) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(findings).map_err(|error| Error::failed("write", "JSON", error))?;
    Ok(text + "\n")
}

/// For people: what is wrong first, below each fault what to do, and how many there are.
pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { check, level, found, todo } in findings {
        let verdict = colour::out(kind(*level), &format!("{:7}", word(*level)));
        text += &format!("{verdict}  {check:width$}  {found}\n");
        if let Some(todo) = todo {
            text += &format!("{:7}  {:width$}  -> {todo}\n", "", "");
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let problems = counted(count(Level::Problem), "problem");
    text + &format!("{} ok, {} advice, {problems}\n", count(Level::Ok), count(Level::Advice))
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Problem => "problem",
        Level::Advice => "advice",
        Level::Ok => "ok",
    }
}

fn kind(level: Level) -> Kind {
    match level {
        Level::Problem => Kind::Wrong,
        Level::Advice => Kind::Better,
        Level::Ok => Kind::Right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_was_found() {
        let finding =
            |check, level, todo: Option<&str>| Finding { check, level, found: "f".into(), todo: todo.map(str::to_owned) };
        let text = table(&[finding("long-name", Level::Problem, Some("do it")), finding("short", Level::Ok, None)]);
        assert_eq!(
            text,
            "problem  long-name  f\n                    -> do it\nok       short      f\n1 ok, 0 advice, 1 problem\n"
        );
    }

    #[test]
    fn programs_read_the_same_words_as_people() -> Result<(), Error> {
        let one = Finding { check: "a-check", level: Level::Advice, found: "f".into(), todo: Some("d".into()) };
        let text: String = json(&[one])?.split_whitespace().collect();
        assert_eq!(text, r#"[{"check":"a-check","level":"advice","found":"f","do":"d"}]"#);
        Ok(())
    }
}
