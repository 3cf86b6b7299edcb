//! A table for people: columns as wide as their longest field, two blanks between.

use crate::colour::{self, Kind};
use std::fmt::Display;

/// The lines of a table under its heads, which stand out where there are colours.
pub fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let text = plain(heads, rows);
    let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{}\n{rest}", colour::out(Kind::Head, head))
}

/// The same without any colour, for what draws its own.
pub fn plain<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let heads = heads.map(str::to_owned);
    let lines = || std::iter::once(&heads).chain(rows);
    let mut widths = [0; N];
    for line in lines() {
        for (width, field) in widths.iter_mut().zip(line) {
            *width = field.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines() {
        let fields: Vec<String> = line.iter().zip(widths).map(|(field, width)| format!("{field:width$}")).collect();
        text += fields.join("  ").trim_end();
        text += "\n";
    }
    text
}

/// A number of things, and the word for one of them or for more.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str) -> String {
    let s = if number == N::from(1) { "" } else { "s" };
    format!("{number} {one}{s}")
}

/// A number of bytes as people say it, with three digits that mean something.
pub fn bytes(count: u64) -> String {
    let mut whole = count;
    let mut rest = 0;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if whole < 1024 {
            return if unit == "B" || whole >= 100 {
                format!("{whole} {unit}")
            } else {
                format!("{whole}.{} {unit}", rest * 10 / 1024)
            };
        }
        rest = whole % 1024;
        whole /= 1024;
    }
    format!("{whole}.{} TiB", rest * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_said_as_if_it_were_more() {
        assert_eq!((counted(0_u64, "file"), counted(1_u64, "file")), ("0 files".into(), "1 file".into()));
        assert_eq!(counted(2_usize, "problem"), "2 problems");
    }

    #[test]
    fn columns_stand_below_their_heads() {
        let row = |name: &str, uid: &str| [name.to_owned(), uid.to_owned(), "host".to_owned()];
        let text = table(["NAME", "UID", "IMAGE"], &[row("a", "2001"), row("a-longer-name", "20010")]);
        let at: Vec<Option<usize>> = text.lines().map(|line| line.find("host").or(line.find("IMAGE"))).collect();
        assert!(at.iter().all(|column| *column == at.first().copied().flatten()), "{text}");
        assert_eq!(table(["NAME", "UID"], &[]), "NAME  UID\n");
    }

    #[test]
    fn bytes_are_said_in_the_unit_that_fits() {
        for (count, said) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (150 << 20, "150 MiB"), (3 << 40, "3.0 TiB")] {
            assert_eq!(bytes(count), said);
        }
    }
}
