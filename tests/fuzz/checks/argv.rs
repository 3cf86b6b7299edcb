//! Command lines: trampoline's own reader beside a slow and plain one.

#[allow(dead_code)]
#[path = "../../../trampoline/src/request.rs"]
mod request;

use super::{is_identifier, spelled, words};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

/// What a command line says, in the shape in which trampoline's own types show themselves.
mod said {
    #![allow(dead_code)]
    use std::ffi::CString;
    use std::time::Duration;

    #[derive(Debug)]
    pub enum Request {
        Help,
        Version,
        Policy,
        Jail(Wanted),
    }
    #[derive(Debug)]
    pub struct Wanted {
        pub who: Who,
        pub task: Task,
    }
    #[derive(Debug)]
    pub enum Who {
        Uid(Target),
        Name(Name),
    }
    #[derive(Debug)]
    pub struct Target(pub u64);
    #[derive(Debug)]
    pub struct Name(pub String);
    #[derive(Debug)]
    pub enum Task {
        Explain,
        Ensure,
        Run(Run),
    }
    #[derive(Debug, Default)]
    pub struct Run {
        pub command: Vec<CString>,
        pub directory: Option<CString>,
        pub environment: Vec<Asked>,
        pub timeout: Option<Duration>,
    }
    #[derive(Debug)]
    pub struct Asked(pub CString);
}

const USAGE: u8 = 64;
const REFUSED: u8 = 77;
const YEAR: u64 = 31_622_400;

/// One command line, its words parted by zero bytes.
pub fn check(bytes: &[u8]) {
    let line: Vec<Vec<u8>> = words(bytes).into_iter().map(<[u8]>::to_vec).collect();
    let expected = read(&line).map(|request| format!("{request:?}"));
    let given = request::Request::parse(line.iter().map(|word| OsString::from_vec(word.clone())).collect());
    if let Err(error) = &given {
        let text = error.plain(jail::id::Caller::new(33));
        assert!(!text.chars().any(char::is_control) && text.len() < 700, "not one plain line: {text:?}");
    }
    let given = given.map(|request| format!("{request:?}")).map_err(|error| error.code());
    assert_eq!(given, expected, "{line:?}");
}

/// What stands where an option stands.
enum Option_ {
    Chdir,
    Env,
    Timeout,
    Ensure,
    Explain,
    Question(said::Request),
}

fn long(name: &[u8]) -> Option<Option_> {
    Some(match name {
        b"chdir" => Option_::Chdir,
        b"env" => Option_::Env,
        b"timeout" => Option_::Timeout,
        b"ensure" => Option_::Ensure,
        b"explain" => Option_::Explain,
        b"help" => Option_::Question(said::Request::Help),
        b"version" => Option_::Question(said::Request::Version),
        b"policy" => Option_::Question(said::Request::Policy),
        _ => return None,
    })
}

fn short(letter: u8) -> Option<Option_> {
    Some(match letter {
        b'C' => Option_::Chdir,
        b'e' => Option_::Env,
        b't' => Option_::Timeout,
        b'h' => Option_::Question(said::Request::Help),
        b'V' => Option_::Question(said::Request::Version),
        _ => return None,
    })
}

/// Reads a command line from left to right; the first thing that is wrong decides.
fn read(line: &[Vec<u8>]) -> Result<said::Request, u8> {
    let mut rest: &[Vec<u8>] = line.get(1..).unwrap_or_default();
    let mut run = said::Run::default();
    let (mut asked_for_more, mut only_words) = (false, false);
    let mut found: Option<(said::Who, Option<said::Task>)> = None;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if !only_words && word == b"--" {
            only_words = true;
            continue;
        }
        if only_words || word == b"-" || !word.starts_with(b"-") {
            // After --ensure and --explain no word is left to be said.
            if found.is_some() {
                return Err(USAGE);
            }
            found = Some((who(word)?, None));
            let (Some(b"--"), Some(command)) = (rest.first().map(Vec::as_slice), rest.get(1..)) else { return Err(USAGE) };
            if command.first().is_none_or(|program| program.is_empty()) {
                return Err(USAGE);
            }
            run.command = command.iter().map(|word| CString::new(word.clone()).unwrap()).collect();
            rest = &[];
            continue;
        }
        // What is glued to an option, and the option.
        let (option, glued) = match word.strip_prefix(b"--") {
            Some(name) => match name.iter().position(|b| *b == b'=') {
                Some(at) => (long(&name[..at]), Some(&name[at + 1..])),
                None => (long(name), None),
            },
            None => {
                let tail = &word[2..];
                (short(word[1]), (!tail.is_empty()).then(|| tail.strip_prefix(b"=").unwrap_or(tail)))
            }
        };
        let option = option.ok_or(USAGE)?;
        if let Option_::Question(question) = option {
            let alone = glued.is_none() && (rest.is_empty() || rest == [b"--".to_vec()]);
            return if alone { Ok(question) } else { Err(USAGE) };
        }
        // An option given twice, or a second answer to who is meant, is wrong before its value is.
        match option {
            Option_::Chdir if run.directory.is_some() => return Err(USAGE),
            Option_::Timeout if run.timeout.is_some() => return Err(USAGE),
            Option_::Ensure | Option_::Explain if found.is_some() => return Err(USAGE),
            _ => {}
        }
        let value = match glued {
            Some(value) => value,
            None => {
                let (value, after) = rest.split_first().ok_or(USAGE)?;
                rest = after;
                value
            }
        };
        match option {
            Option_::Chdir if value.starts_with(b"/") => run.directory = Some(CString::new(value).unwrap()),
            Option_::Timeout => {
                let seconds = spelled(value, YEAR).filter(|seconds| *seconds > 0).ok_or(USAGE)?;
                run.timeout = Some(Duration::from_secs(seconds));
            }
            Option_::Env if is_asked(value) => run.environment.push(said::Asked(CString::new(value).unwrap())),
            Option_::Ensure => found = Some((who(value)?, Some(said::Task::Ensure))),
            Option_::Explain => found = Some((who(value)?, Some(said::Task::Explain))),
            _ => return Err(USAGE),
        }
        asked_for_more |= run.directory.is_some() || run.timeout.is_some() || !run.environment.is_empty();
    }
    match found {
        Some((_, Some(_))) if asked_for_more => Err(USAGE),
        Some((who, Some(task))) => Ok(said::Request::Jail(said::Wanted { who, task })),
        Some((who, None)) => Ok(said::Request::Jail(said::Wanted { who, task: said::Task::Run(run) })),
        None => Err(USAGE),
    }
}

fn who(word: &[u8]) -> Result<said::Who, u8> {
    if word.len() <= 32 && is_identifier(word, b"-.") {
        return Ok(said::Who::Name(said::Name(String::from_utf8(word.to_vec()).unwrap())));
    }
    match spelled(word, u64::from(u32::MAX)) {
        Some(0 | 0xffff_ffff) => Err(REFUSED),
        Some(uid) => Ok(said::Who::Uid(said::Target(uid))),
        None => Err(USAGE),
    }
}

/// Whether a caller may ask for this variable.
pub fn is_asked(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|b| *b == b'=') else { return false };
    let name = &text[..at];
    is_identifier(name, b"") && ![&b"HOME"[..], b"USER", b"LOGNAME", b"SHELL"].contains(&name)
}

/// Whether this is a command line that trampoline goes on with.
#[allow(dead_code)]
pub fn is_accepted(bytes: &[u8]) -> bool {
    request::Request::parse(words(bytes).into_iter().map(|word| OsString::from_vec(word.to_vec())).collect()).is_ok()
}
