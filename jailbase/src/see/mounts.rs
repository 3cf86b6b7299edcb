//! The mounts of a jail as its plan has them: what each shows, and where that comes from.

use jail::id::Target;
use jail::layout;
use jail::plan::{Plan, Step};
use jail::policy::STATE;
use jail::spec::Spec;
use serde::Serialize;

/// One mount.
#[derive(Serialize, Debug)]
pub struct Mount {
    /// Where it is in the jail.
    pub at: String,
    pub flags: String,
    /// What it shows.
    pub shows: String,
    /// The path outside that is shown; nothing if the file system is made for the jail.
    pub source: Option<String>,
    /// Which file or rule it comes from.
    pub from: String,
}

/// All mounts of a jail, in the order they are made; procfs, which each session has for itself, is the last.
pub fn of(spec: &Spec, plan: &Plan, generation: u32) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = plan.0.iter().map(|step| mount(step, spec, generation)).collect();
    mounts.push(Mount {
        at: "/proc".into(),
        flags: "nosuid,nodev,noexec".into(),
        shows: "the processes of the session, made at each entry".into(),
        source: None,
        from: "every jail".into(),
    });
    mounts
}

fn mount(step: &Step, spec: &Spec, generation: u32) -> Mount {
    let at = at(step);
    // As --explain of trampoline says it: place, flags, and what it is.
    let text = step.to_string();
    let rest = text.strip_prefix(at.as_str()).unwrap_or(&text).trim_start();
    let (flags, shows) = rest.split_once(' ').unwrap_or((rest, ""));
    let (flags, shows) = (flags.to_owned(), shows.trim_start().to_owned());
    Mount { at, flags, shows, source: source(step, spec, generation), from: from(step, spec, generation) }
}

/// Where a step is in the jail.
pub fn at(step: &Step) -> String {
    match step {
        Step::Base => "/".into(),
        Step::Host(dir) => format!("/{dir}"),
        Step::Own { at, .. } | Step::Tmp(at) => format!("/{at}"),
        Step::Dev => "/dev".into(),
        Step::Pts => "/dev/pts".into(),
        Step::Shm(_) => "/dev/shm".into(),
        Step::Parents(at) => format!("/{at}"),
        Step::Home(path) => path.as_str().to_owned(),
    }
}

/// The path outside that a step shows.
pub fn source(step: &Step, spec: &Spec, generation: u32) -> Option<String> {
    let own = |name: &str| Some(format!("{}/{name}", layout::jail_dir(spec.uid)));
    match step {
        Step::Base => Some(format!("{}/{}", image(spec, generation), layout::TREE)),
        Step::Host(dir) => Some(format!("/{dir}")),
        Step::Own { file, .. } => own(file),
        Step::Dev | Step::Pts | Step::Shm(_) => None,
        Step::Parents(_) => own(layout::PARENTS),
        Step::Home(path) => Some(path.as_str().to_owned()),
        Step::Tmp(_) => own(layout::TMP),
    }
}

fn from(step: &Step, spec: &Spec, generation: u32) -> String {
    match step {
        Step::Base => format!("spec: image = {}; {}/{}", spec.image, layout::image_dir(&spec.image), layout::CURRENT),
        Step::Host(_) => format!("{}/{}: host =", image(spec, generation), layout::MANIFEST),
        Step::Own { .. } | Step::Dev | Step::Pts | Step::Tmp(_) => "every jail".into(),
        Step::Shm(_) => "policy: [limits] shm".into(),
        Step::Parents(_) | Step::Home(_) => format!("spec: home = {}", spec.home),
    }
}

fn image(spec: &Spec, generation: u32) -> String {
    format!("{}/{generation}", layout::image_dir(&spec.image))
}

/// Where a user's spec is.
pub fn spec_path(target: Target) -> String {
    format!("{STATE}/{}/{target}/{}", layout::JAILS, layout::SPEC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jail::image::Image;

    #[test]
    fn every_mount_says_where_it_is_what_it_may_and_where_it_comes_from() -> Result<(), String> {
        let text = "format = 1\nname = alice\nuid = 2001\ngid = 2001\ngroups = none\nimage = host\nhome = /home/a b\nshell = /bin/sh\n\
                    root = readonly\nnetwork = none\ninit = builtin\nhostname = jail\ndomain = none\ncpu = 1\nmemory = 1\nprocesses = 1\n\
                    file-size = 1\nopen-files = 1\n";
        let spec = Spec::read(text.as_bytes())?;
        let plan = Plan::of(&spec, &Image { host: vec!["usr"] });
        let mounts = of(&spec, &plan, 3);
        assert_eq!(mounts.len(), plan.0.len() + 1);
        for mount in &mounts {
            assert!(mount.at.starts_with('/') && mount.flags.contains("nosuid") && !mount.shows.is_empty(), "{mount:?}");
            assert!(!mount.flags.contains(' ') && !mount.from.is_empty(), "{mount:?}");
        }
        let home = mounts.iter().find(|mount| mount.at == "/home/a b").ok_or("no home")?;
        assert_eq!((home.source.as_deref(), home.flags.as_str()), (Some("/home/a b"), "nosuid,nodev"));
        let base = mounts.first().and_then(|mount| mount.source.clone()).unwrap_or_default();
        assert!(base.ends_with("/images/host/3/root"), "{base}");
        Ok(())
    }
}
