//! The paths a piece of code names, with its groups spread out: `use crate::{sys::fd, id}` names `crate::sys::fd` and `crate::id`.

/// The words and signs of a code without comments and literals.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while !rest.is_empty() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = match word {
            0 if ["::", "=>", "->"].iter().any(|sign| rest.starts_with(sign)) => 2,
            0 => rest.chars().next().map_or(1, char::len_utf8),
            word => word,
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

/// The words of each statement; the fields of a struct stand alone, the arguments of a call do not.
pub fn statements(code: &str) -> Vec<Vec<&str>> {
    let (mut all, mut depth) = (vec![Vec::new()], 0i32);
    for token in tokens(code) {
        depth = match token {
            "(" | "[" => depth + 1,
            ")" | "]" => depth - 1,
            ";" | "{" | "}" => 0,
            _ => depth,
        };
        if [";", "{", "}"].contains(&token) || (token == "," && depth <= 0) {
            all.push(Vec::new());
        } else if let Some(last) = all.last_mut() {
            last.push(token);
        }
    }
    all
}

/// Every path of two or more parts, and every name that stands alone in a `use`.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let before = |n: usize| at.checked_sub(n).map_or("", |i| tokens[i]);
        let leads_on = tokens.get(at + 1) == Some(&"::") || before(1) == "use";
        // What follows `>::` is an item of a type, and of no module.
        let belongs = before(1) == "::" && before(2) == ">";
        at = if is_word(tokens[at]) && leads_on && !belongs { path(&tokens, at, &[], &mut found) } else { at + 1 };
    }
    found
}

/// Words that end where a path with a leading `::` may begin: `use ::nix::sched` is no path of a thing called `use`.
const KEYWORDS: [&str; 17] = [
    "as", "break", "dyn", "else", "for", "if", "impl", "in", "let", "match", "move", "mut", "pub", "return", "use", "where",
    "while",
];

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && !KEYWORDS.contains(&token)
}

/// Reads one path from `at`, spreads its groups, and returns where it ends.
fn path(tokens: &[&str], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut whole = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while tokens.get(at).is_some_and(|t| *t != "}") {
                    at = if tokens[at] == "," { at + 1 } else { path(tokens, at, &whole, found) };
                }
                return at + 1;
            }
            Some(part) => {
                whole.push((*part).to_owned());
                at += 1;
            }
            None => break,
        }
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
        if tokens.get(at) == Some(&"<") {
            break;
        }
    }
    // In a group, a new name is no part of the next path.
    if tokens.get(at) == Some(&"as") && !before.is_empty() {
        at += 2;
    }
    found.push(whole);
    at
}

/// The module a file of the library is: `src/sys/fd.rs` is `sys::fd`.
pub fn module(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.split('/').filter(|part| !["mod", "lib"].contains(part)).map(str::to_owned).collect()
}

/// A path of the library from its root; `None` for one that begins with a crate's or a local name.
pub fn resolved(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let up = path.iter().take_while(|part| *part == "super").count();
    let from = match path.first()?.as_str() {
        "crate" => &[],
        "self" => module,
        "super" => &module[..module.len().saturating_sub(up)],
        _ => return None,
    };
    Some(from.iter().chain(&path[up.max(1)..]).cloned().collect())
}
