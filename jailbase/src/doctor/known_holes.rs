//! Known holes of the kernel that reach through any sandbox, by its version. A distribution may have mended one under an
//! older number, so this is advice.

use super::finding::{Fault, Report, advice};

/// A release of the kernel: 6.18.31.
type Release = [u32; 3];

/// A hole, what it does, and in each maintained branch the first release without it. The last branch and all after it are
/// without it.
struct Hole {
    id: &'static str,
    what: &'static str,
    mended: &'static [Release],
}

const HOLES: [Hole; 4] = [
    Hole {
        id: "CVE-2026-31431",
        what: "a program can change files in the page cache, read-only or not",
        mended: &[[6, 18, 22], [6, 19, 12], [7, 0, 0]],
    },
    Hole {
        id: "CVE-2026-43284",
        what: "a program can change files in the page cache, read-only or not",
        mended: &[[6, 6, 138], [6, 12, 87], [6, 18, 28], [7, 0, 0]],
    },
    Hole {
        id: "CVE-2026-43500",
        what: "a program can change files in the page cache, read-only or not",
        mended: &[[6, 18, 29], [7, 0, 6]],
    },
    Hole {
        id: "CVE-2026-46333",
        what: "a caller can take open files out of a setuid program that ends",
        mended: &[[5, 10, 256], [5, 15, 207], [6, 1, 173], [6, 6, 139], [6, 12, 89], [6, 18, 31], [7, 0, 8]],
    },
];

/// `kernel-holes`.
pub fn look(report: &mut Report) {
    let said = nix::sys::utsname::uname();
    let shown = said.as_ref().map(|u| (u.release().to_string_lossy(), u.version().to_string_lossy()));
    let (release, version) = shown.unwrap_or_default();
    let faults = match running(&release, &version) {
        Some(running) => faults(running),
        None => vec![advice(format!("the kernel's release {release:?} is no number"), "look up its holes with who made it")],
    };
    report.note("kernel-holes", faults, format!("{release}: none of the {} holes this program knows", HOLES.len()));
}

/// What runs: Debian says in the version which release the kernel is made of, and in the release only the branch.
fn running(release: &str, version: &str) -> Option<Release> {
    let of_debian = version.split_once("Debian ").map(|(_, rest)| rest);
    of_debian.and_then(numbers).or_else(|| numbers(release))
}

fn numbers(text: &str) -> Option<Release> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let mut parts = text.get(..end)?.split('.').map(str::parse);
    let mut next = || parts.next().map_or(Some(0), Result::ok);
    Some([next()?, next()?, next()?])
}

fn faults(running: Release) -> Vec<Fault> {
    let open = HOLES.iter().filter(|hole| !without(hole, running));
    open.map(|hole| {
        let [a, b, c] = running;
        advice(
            format!("Linux {a}.{b}.{c} was released before {} was mended: {}", hole.id, hole.what),
            format!("update the kernel, or look up whether its maker mended {} in it", hole.id),
        )
    })
    .collect()
}

/// Whether a release is known to be without a hole. A branch that is not in the list was never mended.
fn without(hole: &Hole, running: Release) -> bool {
    let branch = |release: &Release| (release[0], release[1]);
    match hole.mended.iter().find(|mended| branch(mended) == branch(&running)) {
        Some(mended) => running >= *mended,
        None => hole.mended.last().is_some_and(|last| running > *last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(release: &str, version: &str) -> Vec<&'static str> {
        let Some(running) = running(release, version) else { return vec!["no number"] };
        HOLES.iter().filter(|hole| !without(hole, running)).map(|hole| hole.id).collect()
    }

    #[test]
    fn a_hole_is_open_up_to_the_release_that_mends_it_in_each_branch() {
        assert!(open("6.18.44-cloud", "#1 SMP").is_empty());
        assert!(open("7.1.0", "").is_empty());
        assert_eq!(open("6.18.30", ""), ["CVE-2026-46333"]);
        assert_eq!(open("7.0.7", ""), ["CVE-2026-46333"]);
        assert_eq!(open("6.18", "").len(), HOLES.len());
        assert_eq!(open("6.17.9", "").len(), HOLES.len());
    }

    #[test]
    fn debian_says_its_release_in_the_version() {
        let debian = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.89-1 (2026-06-01)";
        assert!(!open("6.12.43+deb13-amd64", debian).contains(&"CVE-2026-46333"));
        assert!(open("6.12.43+deb13-amd64", "#1 SMP").contains(&"CVE-2026-46333"));
        assert_eq!(open("unknown", ""), ["no number"]);
    }
}
