//! `policy.toml`: read, judged, and written out as Rust constants.

use serde::Deserialize;

/// No jail is given to a system account, whatever the policy says.
const LOWEST_TARGET: u32 = 1000;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    #[serde(default)]
    enter: Vec<Enter>,
    own: Option<Own>,
    paths: Paths,
    log: Log,
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enter {
    callers: Vec<u32>,
    targets: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    targets: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paths {
    state: String,
    run: String,
    log: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    runs: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Limits {
    cpu: u64,
    memory: u64,
    processes: u64,
    file_size: u64,
    open_files: u64,
    shm: u64,
}

/// Reads the text of a policy and refuses every odd thing in it.
pub fn read(text: &str) -> Result<Policy, String> {
    let policy: Policy = toml::from_str(text).map_err(|e| e.to_string())?;
    if policy.enter.is_empty() && policy.own.is_none() {
        return Err("nobody may enter anything: give an [[enter]] or an [own]".into());
    }
    for rule in &policy.enter {
        range(&rule.targets)?;
        if rule.callers.is_empty() || rule.callers.contains(&u32::MAX) {
            return Err(format!("callers = {:?} must name at least one uid, and never 4294967295", rule.callers));
        }
    }
    policy.own.as_ref().map_or(Ok((0, 0)), |own| range(&own.targets))?;
    let Paths { state, run, log } = &policy.paths;
    for path in [state, run, log] {
        let parts: Vec<&str> = path.split('/').collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if parts.len() < 3 && path != log
            || parts.first() != Some(&"")
            || parts.iter().skip(1).any(|p| p.is_empty() || *p == "." || *p == ".." || !p.chars().all(plain))
        {
            return Err(format!("path {path:?} must be absolute, normal, plain, and at least two deep"));
        }
    }
    if state == run || state.starts_with(&format!("{run}/")) || run.starts_with(&format!("{state}/")) {
        return Err("paths.state and paths.run must not lie in one another".into());
    }
    for temporary in ["/tmp/", "/var/tmp/", "/dev/shm/"] {
        if state.starts_with(temporary) || run.starts_with(temporary) {
            return Err(format!("state and run must not lie under {temporary}: others can write there"));
        }
    }
    let l = &policy.limits;
    let least = [
        ("cpu", l.cpu, 1),
        ("memory", l.memory, 16 << 20),
        ("processes", l.processes, 4),
        ("file-size", l.file_size, 4096),
        ("open-files", l.open_files, 16),
        ("shm", l.shm, 65536),
    ];
    for (name, value, lowest) in least {
        // i64::MAX, not u64::MAX: the latter is RLIM_INFINITY, which a ceiling cannot be.
        if value < lowest || value > i64::MAX.unsigned_abs() {
            return Err(format!("limits.{name} = {value} must lie between {lowest} and {}", i64::MAX));
        }
    }
    Ok(policy)
}

fn range(text: &str) -> Result<(u32, u32), String> {
    let number = |s: &str| s.parse::<u32>().ok().filter(|n| n.to_string() == s);
    match text.split_once('-').map(|(a, b)| (number(a), number(b))) {
        Some((Some(first), Some(last))) if first >= LOWEST_TARGET && first <= last && last < u32::MAX => Ok((first, last)),
        _ => Err(format!("targets = {text:?} must read FIRST-LAST, from {LOWEST_TARGET} up")),
    }
}

impl Policy {
    /// The Rust text that `src/policy.rs` includes.
    pub fn constants(&self) -> String {
        let mut out = String::from("/// Who may enter which targets.\npub const ENTER: &[Rule] = &[\n");
        for rule in &self.enter {
            let (first, last) = range(&rule.targets).unwrap_or((1, 0));
            out += &format!("    Rule {{ callers: &{:?}, first: {first}, last: {last} }},\n", rule.callers);
        }
        let (first, last) = self.own.as_ref().and_then(|o| range(&o.targets).ok()).unwrap_or((1, 0));
        let Limits { cpu, memory, processes, file_size, open_files, shm } = &self.limits;
        let Paths { state, run, log } = &self.paths;
        let runs = self.log.runs;
        out + &format!(
            "];\n\
             /// The targets that may enter their own jail, first and last.\npub const OWN: (u32, u32) = ({first}, {last});\n\
             /// Where specs, images and users' tmp live.\npub const STATE: &str = {state:?};\n\
             /// Where the holder is pinned.\npub const RUN: &str = {run:?};\n\
             /// The socket of syslog.\npub const LOG: &str = {log:?};\n\
             /// Whether each run gets a line of syslog.\npub const LOG_RUNS: bool = {runs};\n\
             /// The size of a jail's `/dev/shm`, in bytes.\npub const SHM_BYTES: u64 = {shm};\n\
             /// What a spec may ask for at the most.\npub const CEILINGS: Limits = Limits {{ cpu: {cpu}, memory: {memory}, \
             processes: {processes}, file_size: {file_size}, open_files: {open_files} }};\n"
        )
    }
}
