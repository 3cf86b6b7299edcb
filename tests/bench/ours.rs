//! Our own contenders: the warm entry, the cold entry, and the start of the program by itself.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::thread::sleep;

use crate::Outcome;
use crate::crew::{Crew, Who};
use crate::options::Options;
use crate::probe::{self, Asked, FULL};
use crate::rounds::{Contender, SETTLE};
use crate::stage::Scratch;
use crate::users::{self, Users};

/// How many jails a turn of cold entries makes.
const COLD: u32 = 20;

/// Where our programs are.
#[derive(Clone)]
pub struct Programs {
    /// The setuid program.
    pub trampoline: String,
    /// The one that sweeps.
    pub reaper: String,
    /// The administrator's.
    pub jailbase: String,
}

/// Finds them through the environment. A trampoline that is not installed setuid yet is measured as a copy that is.
pub fn find(options: &Options, scratch: &Scratch) -> Outcome<Programs> {
    if options.peers_only {
        return Err("--peers-only".into());
    }
    let mut programs = Programs { trampoline: named("TRAMPOLINE")?, reaper: named("REAPER")?, jailbase: named("JAILBASE")? };
    let failed = |error: std::io::Error| format!("cannot make {} setuid root in a copy: {error}", programs.trampoline);
    let data = fs::metadata(&programs.trampoline).map_err(failed)?;
    if data.uid() != 0 || data.mode() & 0o4000 == 0 {
        let copy = scratch.path("trampoline");
        fs::copy(&programs.trampoline, &copy).map_err(failed)?;
        chown(&copy, Some(0), Some(33)).map_err(failed)?;
        // ORDER: after chown, which takes the setuid bit away.
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o4750)).map_err(failed)?;
        programs.trampoline = copy;
    }
    Ok(programs)
}

fn named(variable: &str) -> Outcome<String> {
    let path = std::env::var(variable).map_err(|_| format!("{variable} does not say where the program is"))?;
    if !path.starts_with('/') || !fs::metadata(&path).is_ok_and(|data| data.is_file()) {
        return Err(format!("{variable}={path} is not the absolute path of a file"));
    }
    Ok(path)
}

/// Our programs and the users they serve, ready to be timed.
pub struct Ours {
    /// Where the programs are.
    pub programs: Programs,
    /// Who has a jail for now.
    pub users: Users,
    /// The host's mount table before the first jail.
    pub before: Lines,
}

impl Ours {
    /// Makes the first users, and looks around inside the first jail.
    pub fn ready(crew: &mut Crew, programs: Programs) -> Outcome<Ours> {
        let users = Users::new(&programs);
        sweep_twice(crew, &programs)?;
        let before = host_lines()?;
        users.add(0..=COLD)?;
        let script = ["/bin/sh".to_string(), "-c".into(), probe::script(&users::home(0))];
        let look = enter(&programs, 0, &script);
        let asked = Asked { uid: &users::uid(0).to_string(), home: &users::home(0), own: FULL };
        probe::inside(crew, Who::Web, &look, &asked)?;
        Ok(Ours { programs, users, before })
    }

    /// The contenders of the common rounds.
    pub fn contenders(&self) -> Vec<Contender> {
        let programs = self.programs.clone();
        let cold = move |crew: &mut Crew| {
            sweep_twice(crew, &programs)?;
            sleep(SETTLE);
            // The program itself may be warm, only the jail must not be there: bench0 is not one of the timed.
            crew.time(Who::Web, 1, 0, &run_true(&programs, 0))?;
            let mut samples = Vec::new();
            for number in 1..=COLD {
                samples.extend(crew.time(Who::Web, 1, 0, &run_true(&programs, number))?);
            }
            Ok(samples)
        };
        let version = vec![self.programs.trampoline.clone(), "--version".to_string()];
        let full = "uid 33 enters; own mnt pid ipc uts net";
        vec![
            Contender::spawned("trampoline --version", Who::Web, version, "starting our program alone, no entry"),
            Contender::spawned("warm entry", Who::Web, run_true(&self.programs, 0), full),
            Contender::with_turn("cold entry", Box::new(cold), "as above, and the jail is made"),
        ]
    }
}

/// The command that enters a user's jail.
pub fn enter(programs: &Programs, number: u32, program: &[String]) -> Vec<String> {
    let mut argv = vec![programs.trampoline.clone(), users::name(number), "--".to_string()];
    argv.extend(program.iter().cloned());
    argv
}

/// The command that is timed.
pub fn run_true(programs: &Programs, number: u32) -> Vec<String> {
    enter(programs, number, &["/bin/true".to_string()])
}

/// Takes down every jail that nobody uses.
pub fn sweep_twice(crew: &mut Crew, programs: &Programs) -> Outcome<()> {
    for _ in 0..2 {
        crew.look(Who::Root, &[&programs.reaper]).map_err(|why| format!("the reaper failed: {why}"))?;
    }
    Ok(())
}

/// How many lines the host's mount table has, and how many of them pin a namespace.
pub struct Lines {
    /// All of them.
    pub all: f64,
    /// The pins: the holder's, which stays once it is there, and other programs'.
    pub pins: usize,
}

/// Counts in the table of pid 1, whoever started us.
pub fn host_lines() -> Outcome<Lines> {
    let table = fs::read_to_string("/proc/1/mountinfo").map_err(|error| format!("/proc/1/mountinfo: {error}"))?;
    let pins = table.lines().filter(|line| line.contains(" - nsfs ")).count();
    Ok(Lines { all: table.lines().map(|_| 1.0).sum(), pins })
}
