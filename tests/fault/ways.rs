//! The ways an entry can go: warm, cold, with the holder to be made, and so on. Of a way that is mostly like another only
//! that part is swept in which they differ.

use super::deeds::{Deed, Input, Point, Run};
use super::remains::{self, Left};
use super::scene::Scene;
use super::start::Order;
use super::trace::run;
use crate::common::{RUN, process, seen};
use std::fs;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// One way.
pub struct Way {
    pub name: &'static str,
    order: Order,
    /// Brings about the state in which it begins.
    prepare: fn(&Scene),
    /// What there is of the jail then.
    begins_with: Left,
    /// What is done in every run of it.
    always: Vec<(Point, Deed)>,
    /// What is swept of the calls of each process.
    ranges: Option<Vec<Range<usize>>>,
    /// An untouched run.
    pub untouched: Run,
}

/// The jail is down and the holder is there.
fn cold(scene: &Scene) {
    seen::take_down(scene.user.uid);
}

/// The jail is there.
fn warm(scene: &Scene) {
    if remains::of_jail(scene.user.uid) != Left::Pin {
        scene.next_entry_works("an entry that made the jail");
    }
}

/// No holder, and not even its place.
pub fn first(scene: &Scene) {
    seen::take_down(scene.user.uid);
    let places = [format!("{RUN}/holder"), RUN.to_owned(), PEER.to_owned(), format!("{PEER}/holder")];
    // What was mounted last is on top of the others.
    while let Some(place) = seen::mounts().iter().rev().find_map(|line| {
        let at = line.split(' ').nth(4).unwrap_or_default().to_owned();
        places.contains(&at).then_some(at)
    }) {
        process::unmount(&place, 0).unwrap();
    }
    for dir in [RUN, PEER] {
        if Path::new(dir).exists() {
            fs::remove_dir_all(dir).unwrap();
        }
    }
}

/// A second place of the directory of the holder's pin.
const PEER: &str = "/run/trampoline-check-peer";

/// As on a host whose `/run` is shared with other mount namespaces, after somebody was killed who had put a mount of our own
/// in between: nothing can be pinned there as it is, and another mount would lie on top for good.
fn first_where_mounts_propagate(scene: &Scene) {
    first(scene);
    for dir in [RUN, PEER] {
        fs::DirBuilder::new().mode(0o700).create(dir).unwrap();
        process::mount(RUN, dir, "", libc::MS_BIND, "").unwrap();
        process::mount("", RUN, "", libc::MS_SHARED, "").unwrap();
    }
}

impl Way {
    fn new(scene: &Scene, name: &'static str, order: Order, prepare: fn(&Scene), begins_with: Left) -> Self {
        let mut way = Self { name, order, prepare, begins_with, always: Vec::new(), ranges: None, untouched: Run::default() };
        way.learn(scene);
        way
    }

    /// Runs it untouched, twice: both must make the same calls, or their numbers mean nothing.
    fn learn(&mut self, scene: &Scene) {
        let names = |run: &Run| run.calls.iter().map(|c| c.iter().map(|c| c.name()).collect()).collect::<Vec<Vec<_>>>();
        let [one, two] = [(); 2].map(|()| self.run(scene, Input::EndsWhenAllWait, &[]));
        assert_eq!((one.code, one.err.as_str(), one.hung), (0, "", false), "{} untouched", self.name);
        assert_eq!(names(&one), names(&two), "{} is not always the same", self.name);
        self.untouched = two;
    }

    /// The same way when a call of the first process gets this answer: from that call to the one that does it in the end.
    fn when(&self, scene: &Scene, name: &'static str, nth: usize, errno: i32) -> Self {
        let always = vec![(Point { depth: 0, nth }, Deed::Answer(-i64::from(errno)))];
        let mut way = Self { name, always, order: self.order.clone(), ranges: None, untouched: Run::default(), ..*self };
        way.learn(scene);
        let more = way.untouched.calls[0].len() - self.untouched.calls[0].len();
        way.ranges = Some(vec![nth..nth + more + 1, 0..0, 0..0]);
        way
    }

    /// The part that another way has not: what is left between the calls that both begin with, and those both end with.
    fn but_for(mut self, other: &Self) -> Self {
        let part = |depth: usize| {
            let (own, others) = (&self.untouched.calls[depth], &other.untouched.calls[depth]);
            let same = |(a, b): &(&super::deeds::Call, &super::deeds::Call)| a.number == b.number;
            let begin = own.iter().zip(others).take_while(same).count();
            let end = own.iter().rev().zip(others.iter().rev()).take_while(same).count();
            begin..own.len().saturating_sub(end).max(begin)
        };
        self.ranges = Some((0..3).map(part).collect());
        self
    }

    /// Which call a point is.
    pub fn name_of(&self, at: Point) -> &'static str {
        self.untouched.calls[at.depth][at.nth].name()
    }

    /// Whether the C library makes this call, before a line of ours.
    pub fn is_the_library_s(&self, at: Point) -> bool {
        let first = self.untouched.calls[0].iter().position(|call| call.name() == "getresuid");
        at.depth == 0 && first.is_some_and(|first| at.nth < first)
    }

    /// Whether there are two processes by then, so that one can fail while the other goes on.
    pub fn is_after_the_split(&self, at: Point) -> bool {
        let split =
            |depth: usize, name| self.untouched.calls[depth].iter().position(|call| call.name() == name).unwrap_or(usize::MAX);
        match at.depth {
            0 => at.nth > split(0, "clone3"),
            1 => at.nth > split(1, "clone"),
            _ => false,
        }
    }

    /// What is swept of the calls of one process.
    pub fn range(&self, depth: usize) -> Range<usize> {
        self.ranges.as_ref().map_or(0..self.untouched.calls[depth].len(), |ranges| ranges[depth].clone())
    }

    /// Whether there is no program to run.
    pub fn runs_nothing(&self) -> bool {
        self.untouched.calls[1].is_empty()
    }

    /// Whether all of it is swept.
    pub fn is_whole(&self) -> bool {
        self.ranges.is_none()
    }

    /// All that there is on the host after an untouched run.
    pub fn at_rest(&self, scene: &Scene) -> Vec<String> {
        self.run(scene, Input::EndsWhenAllWait, &[]);
        let at_rest = remains::on_host(scene.user.uid, &scene.user.home);
        if self.begins_with != Left::Pin {
            seen::take_down(scene.user.uid);
        }
        at_rest
    }

    /// Brings about its beginning, and runs it with one more deed.
    pub fn run(&self, scene: &Scene, input: Input, deed: &[(Point, Deed)]) -> Run {
        (self.prepare)(scene);
        assert_eq!(remains::of_jail(scene.user.uid), self.begins_with, "the beginning of {}", self.name);
        run(&self.order, input, &[self.always.as_slice(), deed].concat())
    }
}

/// A cold entry and a warm one, every call of them.
pub fn usual(scene: &Scene) -> [Way; 2] {
    [
        Way::new(scene, "cold entry", scene.entry(), cold, Left::Nothing),
        Way::new(scene, "warm entry", scene.entry(), warm, Left::Pin),
    ]
}

/// What is rare.
pub fn others(scene: &Scene, usual: &Way) -> Vec<Way> {
    let way = |name, order, prepare| Way::new(scene, name, order, prepare, Left::Nothing);
    let first_of_all = way("first entry", scene.entry(), first);
    // Moved are the holder's tmpfs, the template's /dev, the pin of the template, that of the holder, and last that of the jail.
    let moves = |way: &Way| -> Vec<usize> {
        let calls = way.untouched.calls[0].iter().enumerate();
        calls.filter(|(_, call)| call.name() == "move_mount").map(|(nth, _)| nth).collect()
    };
    let (template, holder) = (moves(&first_of_all)[2], moves(&first_of_all)[3]);
    let jail = moves(usual).pop().unwrap();
    vec![
        first_of_all.when(scene, "first entry, pin of the template refused", template, libc::ELOOP),
        // As where mounts propagate: the kernel says that the holder cannot be pinned in a directory that is no mount.
        first_of_all.when(scene, "first entry, pin of the holder refused", holder, libc::EINVAL),
        first_of_all.but_for(usual),
        way("first entry, mounts propagate", scene.entry(), first_where_mounts_propagate).but_for(usual),
        way("--ensure", scene.ensure(), cold).but_for(usual),
        // As while the holder is young.
        usual.when(scene, "cold entry, pin of the jail refused", jail, libc::ELOOP),
    ]
}
