//! How far Debian's tools are, off what they say: at which stage, and how many of its packages are done where that is known.

use crate::progress::Progress;
use jail::report::escaped;

/// What a line of mmdebstrap's, apt's or dpkg's tells.
#[derive(PartialEq, Eq, Debug)]
enum Told<'a> {
    /// A stage begins.
    Stage(&'a [u8]),
    /// So many packages are to be installed.
    Packages(u64),
    /// One is unpacked or set up: each is both.
    Step,
    /// Nothing of that.
    Other,
}

fn told(line: &[u8]) -> Told<'_> {
    if let Some(stage) = line.strip_prefix(b"I: ") {
        return Told::Stage(stage);
    }
    if [&b"Unpacking "[..], b"Setting up "].iter().any(|step| line.starts_with(step)) {
        return Told::Step;
    }
    // "0 upgraded, 69 newly installed, 0 to remove and 0 not upgraded."
    let text = String::from_utf8_lossy(line);
    let count = text.split_once(" upgraded, ").and_then(|(_, rest)| rest.split_once(" newly installed,")?.0.parse().ok());
    count.map_or(Told::Other, Told::Packages)
}

/// What is shown of a making.
pub struct Stages {
    what: String,
    stage: String,
    /// The packages that were fetched, and are not installed yet.
    fetched: u64,
    progress: Option<Progress>,
}

impl Stages {
    /// Of this work.
    pub fn of(what: String) -> Self {
        let progress = Some(Progress::endless(&what));
        Self { what, stage: String::new(), fetched: 0, progress }
    }

    /// Hears one line.
    pub fn hear(&mut self, line: &[u8]) {
        match told(line) {
            Told::Stage(stage) => {
                escaped(stage).trim_end_matches(['.', ' ']).clone_into(&mut self.stage);
                let packages = if self.installs() { std::mem::take(&mut self.fetched) } else { 0 };
                self.show(packages);
            }
            Told::Packages(packages) if self.installs() => self.show(packages),
            Told::Packages(packages) => self.fetched = packages,
            Told::Step => self.progress.iter().for_each(Progress::step),
            Told::Other => {}
        }
    }

    fn installs(&self) -> bool {
        self.stage.starts_with("installing ")
    }

    fn show(&mut self, packages: u64) {
        // ORDER: one is off the screen before the next is drawn.
        self.progress = None;
        let what = format!("{}: {}", self.what, self.stage);
        self.progress = Some(match packages {
            0 => Progress::endless(&what),
            packages => Progress::of(&what, packages.saturating_mul(2)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_lines_tell_the_stage_the_number_of_packages_and_each_step() {
        assert_eq!(told(b"I: extracting archives..."), Told::Stage(b"extracting archives..."));
        assert_eq!(told(b"0 upgraded, 69 newly installed, 0 to remove and 0 not upgraded."), Told::Packages(69));
        assert_eq!([told(b"Unpacking mawk (1.3) ..."), told(b"Setting up mawk (1.3) ...")], [Told::Step, Told::Step]);
        for other in
            ["", "Get:1 http://a.example x [1 B]", "many upgraded, many newly installed, ", "Preparing to unpack .../x.deb ..."]
        {
            assert_eq!(told(other.as_bytes()), Told::Other, "{other}");
        }
    }
}
