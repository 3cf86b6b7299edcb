//! A table for people: columns as wide as their longest field, two blanks between.

use crate::colour::{self, Kind};

/// The lines of a table under its heads.
pub fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
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
        let line = fields.join("  ");
        let is_head = text.is_empty();
        text += &if is_head { colour::out(Kind::Head, line.trim_end()) } else { line.trim_end().to_owned() };
        text += "\n";
    }
    text
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
