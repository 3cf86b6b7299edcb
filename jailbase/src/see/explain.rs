//! `explain`: what a user's jail is made of, which file or rule each part comes from, and what would be refused.

use super::alive::Ask;
use super::mounts::{self, Mount};
use super::program::View;
use super::{alive, hindrance, whom};
use crate::table::table;
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::explain::word;
use jail::plan::Plan;
use jail::policy::{CEILINGS, ENTER, OWN, Rule};
use jail::report::escaped;
use jail::spec::{FILTERS, Filter, NETWORKS, Network, Spec};
use jail::state::host::Host;
use jail::state::images::Generation;
use jail::sys::root::Root;
use serde::Serialize;

/// The command line of `explain`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// Say also whether the user could execute this program, and exit with what trampoline would exit with if not
    #[arg(last = true)]
    program: Vec<String>,
    /// For programs: an object instead of a page
    #[arg(long)]
    json: bool,
}

/// One fact, and where it comes from.
#[derive(Serialize, Debug)]
struct Fact {
    what: &'static str,
    is: String,
    from: String,
}

/// All there is to say.
#[derive(Serialize, Debug)]
struct Page {
    facts: Vec<Fact>,
    mounts: Vec<Mount>,
    /// Why an entry would be refused or fail; nothing if none would.
    refused: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<Program>,
    /// What trampoline would exit with; 0 if nothing hinders.
    #[serde(skip)]
    code: u8,
}

/// What came of looking for a program.
#[derive(Serialize, Debug)]
struct Program {
    name: String,
    /// Whether the user could execute it.
    runs: bool,
    /// Where it is, or why not.
    found: String,
    notes: Vec<String>,
}

/// Explains; the exit code answers for a program, if one is asked about.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<u8, Error> {
    let spec = whom::user(&words.user)?;
    // An entry would be well all the same.
    let live = alive::of(root, host, spec.uid, Ask::Uses);
    let shows = live.map(|jail| jail.map(|jail| jail.kept.and_then(|kept| kept.image)));
    let page = page(&spec, shows, words.program.first().map(String::as_str));
    if words.json { tell::json(&page) } else { tell::say(&text(&page)) }?;
    Ok(if words.program.is_empty() { 0 } else { page.code })
}

/// `live`: which generation the live jail shows, if it lives, and if that can be told.
fn page(spec: &Spec, live: Result<Option<Option<String>>, Error>, program: Option<&str>) -> Page {
    let generation = Generation::in_service(&spec.image);
    let hindrances = hindrance::all(spec, generation.as_ref());
    let mut code = hindrances.first().map_or(0, |first| first.code);
    let mut refused: Vec<String> = hindrances.into_iter().map(|hindrance| hindrance.why).collect();
    let mut facts = facts(spec);
    let Ok(generation) = generation else { return Page { facts, mounts: Vec::new(), refused, program: None, code } };
    let in_service = format!("{}@{}", spec.image, generation.number);
    let is = match live {
        Err(error) => format!("{error}"),
        Ok(None) => "not up; the next entry makes it".to_owned(),
        Ok(Some(None)) => "up; which generation it shows cannot be told here".to_owned(),
        Ok(Some(Some(shows))) if shows == in_service => format!("up, and shows {shows}"),
        Ok(Some(Some(shows))) => format!("up, and still shows {shows} until it is unmounted"),
    };
    facts.push(Fact { what: "live jail", is, from: "the kernel".into() });
    let plan = Plan::of(spec, &generation.image);
    let mounts = mounts::of(spec, &plan, generation.number);
    let program = program.map(|name| {
        let shown = escaped(name.as_bytes());
        match View::of(spec, &plan, generation.number).program(name) {
            Ok((found, notes)) => {
                let notes = notes.iter().map(|note| escaped(note.as_bytes())).collect();
                Program { name: shown, runs: true, found: escaped(found.as_bytes()), notes }
            }
            Err(no) => {
                code = if code == 0 { no.code } else { code };
                Program { name: shown, runs: false, found: escaped(no.why.as_bytes()), notes: Vec::new() }
            }
        }
    });
    refused.extend(program.iter().filter(|program| !program.runs).map(|program| {
        // What was found of a path begins with it.
        if program.found.starts_with(&program.name) {
            program.found.clone()
        } else {
            format!("{}: {}", program.name, program.found)
        }
    }));
    Page { facts, mounts, refused, program, code }
}

fn facts(spec: &Spec) -> Vec<Fact> {
    let of_spec = |key: &str| format!("spec: {key} =");
    let fact = |what, is: String, from: String| Fact { what, is, from };
    let groups: Vec<String> = spec.groups.iter().map(ToString::to_string).collect();
    let cleared = |name: &Option<jail::id::Name>| name.as_ref().map_or_else(|| "(cleared)".to_owned(), ToString::to_string);
    let mut facts = vec![
        fact("spec", mounts::spec_path(spec.uid), "jailbase user add".into()),
        fact("user", spec.name.to_string(), of_spec("name")),
        fact("uid", spec.uid.to_string(), of_spec("uid")),
        fact("gid", spec.gid.to_string(), of_spec("gid")),
        fact("groups", if groups.is_empty() { "none".into() } else { groups.join(" ") }, of_spec("groups")),
        fact("callers", callers(spec), "policy: [[enter]], [own]".into()),
        fact("image", spec.image.to_string(), of_spec("image")),
        fact("shell", spec.shell.to_string(), of_spec("shell")),
        fact("hostname", cleared(&spec.hostname), of_spec("hostname")),
        fact("domain", cleared(&spec.domain), of_spec("domain")),
        fact("network", format!("{}: {}", word(&NETWORKS, spec.network), network(spec.network)), of_spec("network")),
        fact("filter", format!("{}: {}", word(&FILTERS, spec.filter), filter(spec.filter)), of_spec("filter")),
    ];
    let ceilings = CEILINGS.table().map(|(_, most)| most);
    for ((key, value), most) in spec.limits.table().into_iter().zip(ceilings) {
        facts.push(fact(key, format!("{value}, of at most {most}"), format!("{}; policy: [limits]", of_spec(key))));
    }
    let process = "no capability, bounding set empty, no_new_privs, own session and keyring, no core dumps, umask 022";
    facts.push(fact("process", process.into(), "every jail".into()));
    facts.push(fact("namespaces", "own mount, pid, ipc, uts".into(), "every jail".into()));
    facts
}

fn network(network: Network) -> &'static str {
    match network {
        Network::None => "its own, with the loopback interface alone",
        Network::Host => "the host's; without its abstract unix sockets since Linux 6.12",
    }
}

fn filter(filter: Filter) -> &'static str {
    match filter {
        Filter::Web => "no debugging",
        Filter::Dev => "with debugging of own processes",
    }
}

/// Whom the compiled policy lets into this jail.
fn callers(spec: &Spec) -> String {
    let target = spec.uid.get();
    let within = |rule: &&Rule| (rule.first..=rule.last).contains(&target);
    let mut all: Vec<u32> = ENTER.iter().filter(within).flat_map(|rule| rule.callers).copied().collect();
    if (OWN.0..=OWN.1).contains(&target) {
        all.push(target);
    }
    all.sort_unstable();
    all.dedup();
    let all: Vec<String> = all.iter().map(|caller| format!("uid {caller}")).collect();
    if all.is_empty() { "nobody".into() } else { all.join(", ") }
}

fn text(page: &Page) -> String {
    let facts: Vec<[String; 3]> = page.facts.iter().map(|fact| [fact.what.into(), fact.is.clone(), fact.from.clone()]).collect();
    let mounts: Vec<[String; 5]> = page
        .mounts
        .iter()
        .map(|mount| {
            let source = mount.source.clone().unwrap_or_else(|| "-".into());
            [mount.at.clone(), mount.flags.clone(), mount.shows.clone(), source, mount.from.clone()]
        })
        .collect();
    let mut text = table(["WHAT", "IS", "FROM"], &facts) + "\n" + &table(["MOUNT", "FLAGS", "SHOWS", "SOURCE", "FROM"], &mounts);
    if let Some(program) = &page.program {
        text += &format!("\n{}: {}\n", program.name, if program.runs { &program.found } else { "does not run" });
        for note in &program.notes {
            text += &format!("  note: {note}\n");
        }
    }
    text += if page.refused.is_empty() { "\nnothing of this would be refused\n" } else { "\nwould be refused or fail:\n" };
    page.refused.iter().for_each(|why| text += &format!("  {why}\n"));
    text
}
