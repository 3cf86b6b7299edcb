//! A user who is being added when somebody kills jailbase: the same command again ends it.

use crate::world::World;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whenever_the_making_of_a_home_is_killed_the_same_command_makes_it() {
    let world = World::new("homeless");
    world.accounts(&[("ann", 2001, 2001)]);
    world.groups(&[("ann", 2001, "")]);
    let add = "jailbase user add ann --create-home";
    let mut killed = 0;
    for call in ["mkdirat", "fchown", "fchownat", "fchmod", "renameat"] {
        for turn in 1.. {
            assert!(turn < 100, "{call} has no end");
            let traced =
                format!("strace -f -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={turn} {add} >&2 || true");
            world.shell(&traced);
            let was_killed = world.spec(2001).is_empty();
            let said = world.shell(add);
            assert_eq!(said.code, 0, "killed at {call} {turn}: {}", said.err);
            let homes: Vec<_> = fs::read_dir(world.dir.join("home")).unwrap().map(|entry| entry.unwrap()).collect();
            assert_eq!(homes.len(), 1, "killed at {call} {turn}: {homes:?}");
            let home = homes[0].metadata().unwrap();
            assert_eq!((homes[0].file_name().to_str(), home.uid(), home.mode() & 0o7777), (Some("ann"), 2001, 0o700));
            world.jailbase("user rm ann --purge").well();
            fs::remove_dir(homes[0].path()).unwrap();
            if !was_killed {
                break;
            }
            killed += 1;
        }
    }
    println!("killed {killed} times");
    assert!(killed >= 8, "{killed}");
}
