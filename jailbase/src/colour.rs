//! Colours, where they help to find something: the heads of tables, what went wrong, and the doctor's verdicts. On a terminal
//! alone, unless somebody says otherwise.

use clap::ValueEnum;
use console::Style;
use std::io::{IsTerminal, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

/// When there are colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// On a terminal that has them, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether there are colours on standard output, and on standard error.
static OUT: AtomicBool = AtomicBool::new(false);
static ERR: AtomicBool = AtomicBool::new(false);

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The head of a table.
    Head,
    /// Something is wrong.
    Wrong,
    /// Something could be better.
    Better,
    /// Something is as it should be.
    Right,
}

/// Decides it, once.
pub fn begin(when: When) {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let wanted = set("NO_COLOR").is_none() && set("TERM").is_some_and(|term| term != "dumb");
    for (on, is_terminal) in [(&OUT, stdout().is_terminal()), (&ERR, stderr().is_terminal())] {
        let has = match when {
            When::Auto => wanted && is_terminal,
            When::Always => true,
            When::Never => false,
        };
        on.store(has, Ordering::Relaxed);
    }
}

/// A text for standard output.
pub fn out(kind: Kind, text: &str) -> String {
    paint(&OUT, kind, text)
}

/// A text for standard error.
pub fn err(kind: Kind, text: &str) -> String {
    paint(&ERR, kind, text)
}

fn paint(on: &AtomicBool, kind: Kind, text: &str) -> String {
    if !on.load(Ordering::Relaxed) {
        return text.to_owned();
    }
    let style = Style::new().force_styling(true);
    let style = match kind {
        Kind::Head => style.bold(),
        Kind::Wrong => style.red().bold(),
        Kind::Better => style.yellow(),
        Kind::Right => style.green(),
    };
    style.apply_to(text).to_string()
}
