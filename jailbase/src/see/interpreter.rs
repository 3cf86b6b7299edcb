//! What starts a program: the interpreter of a script or the loader of a binary, read off its first bytes as the kernel does.

/// What is wrong with a script whose lines end as Windows writes them.
pub const RETURNS: &str = "its #! line ends with a carriage return, which is a part of the last word; dos2unix takes it off";

/// KERNEL: of a script the kernel reads so much (`BINPRM_BUF_SIZE`, include/uapi/linux/binfmts.h; 5.1).
const MOST: usize = 256;

/// The line of a script behind its #!; nothing if it is none.
fn line(head: &[u8]) -> Option<&[u8]> {
    head.get(..head.len().min(MOST))?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()
}

/// Whether the first line of a script ends with a carriage return.
pub fn line_returns(head: &[u8]) -> bool {
    line(head).is_some_and(|line| line.ends_with(b"\r"))
}

/// The interpreter of a script, or the loader of a binary, if it has one; `None` if the file is neither.
///
/// KERNEL: only blanks, tabs and the end of the line end the name of an interpreter (`load_script`, fs/binfmt_script.c; 5.1).
pub fn of(head: &[u8]) -> Option<Option<String>> {
    if head.starts_with(b"#!") {
        let words = std::str::from_utf8(line(head)?).ok()?;
        return words.split([' ', '\t', '\0']).find(|word| !word.is_empty()).map(|word| Some(word.to_owned()));
    }
    let head = head.strip_prefix(b"\x7fELF").map(|_| head)?;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = head.get(at..at.checked_add(size)?)?;
        bytes.iter().rev().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
    };
    // Of 64 bits and the byte order of every machine that we serve: elf(5). Of another kind it is for the kernel to say.
    if head.get(4..6) != Some(&[2, 1]) {
        return Some(None);
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let loader = (0..count).filter_map(|index| table.checked_add(index.checked_mul(size)?)).find(|at| number(*at, 4) == Some(3));
    let Some(at) = loader else { return Some(None) };
    let (offset, length) = (number(at.checked_add(8)?, 8)?, number(at.checked_add(32)?, 8)?);
    let text = head.get(offset..offset.checked_add(length)?)?;
    Some(std::str::from_utf8(text).ok().map(|path| path.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_interpreter_and_a_binary_its_loader() {
        assert_eq!(of(b"#!/bin/sh -e\necho"), Some(Some("/bin/sh".into())));
        assert_eq!(of(b"#! \t/usr/bin/env python3\n"), Some(Some("/usr/bin/env".into())));
        for neither in [&b""[..], b"#!", b"#!\n", b"#! \t\n", b"echo x", b"\x7fEL"] {
            assert_eq!(of(neither), None, "{neither:?}");
        }
        let own = std::fs::read("/proc/self/exe").unwrap_or_default();
        assert!(of(own.get(..4096).unwrap_or_default()).is_some());
        assert_eq!(of(b"\x7fELF\x02\x01 cut off"), None);
    }

    #[test]
    fn a_carriage_return_is_a_part_of_the_last_word_of_the_first_line() {
        assert_eq!((of(b"#!/bin/sh\r\necho"), line_returns(b"#!/bin/sh\r\necho")), (Some(Some("/bin/sh\r".into())), true));
        assert_eq!((of(b"#!/bin/sh -e\r\n"), line_returns(b"#!/bin/sh -e\r\n")), (Some(Some("/bin/sh".into())), true));
        assert!(!line_returns(b"#!/bin/sh\necho\r\n") && !line_returns(b"\r\n") && !line_returns(b""));
    }
}
