//! `--dry-run`: it is said what would be done, and nothing is.

use crate::world::World;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whatever_writes_can_be_asked_first_and_then_writes_nothing() {
    let world = World::new("dry");
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002), ("eve", 2003, 3000)]);
    world.groups(&[("pupils", 3000, "ann,bob")]);
    let empty = world.digest();
    // Before anybody was ever added there is not even a directory.
    for words in ["user add ann --create-home", "user sync --group pupils --create-home"] {
        let said = world.jailbase(&format!("{words} --dry-run")).well();
        assert!(said.contains("added"), "{said}");
    }
    assert_eq!(world.digest(), empty);
    world.jailbase("user add ann --create-home").well();
    world.jailbase("image build other --from dir:/etc/skel").well();
    world.jailbase("image build other --from dir:/etc/cron.d").well();
    let before = world.digest();
    for (words, would) in [
        ("user add ann --cpu 5", "ann (uid 2001): would be updated: cpu 3600 -> 5"),
        ("user add ann", "ann (uid 2001): already so"),
        ("user add bob --create-home", "bob (uid 2002): would be added; the home would be made"),
        ("user set ann --hostname x", "ann (uid 2001): would be set"),
        ("user rm ann", "ann (uid 2001): would be removed"),
        ("user rm ann --purge --remove-home", "/home/ann and all in it"),
        ("user sync --group pupils --create-home", "pupils: 2 added, 1 already so; nothing was done"),
        ("user sync --group pupils --remove", "pupils: 1 already so, 2 failed; nothing was done"),
        ("image build new --from host", "would build new@1 from host"),
        ("image build other --from dir:/etc", "would build other@3 from dir:/etc"),
        ("image update other", "would make it of dir:/etc/cron.d again"),
        ("image edit other", "would open a shell in a clone of other@2"),
        ("image rollback other", "would put other@1 in service instead of other@2"),
    ] {
        let said = world.jailbase(&format!("{words} --dry-run"));
        assert!(said.out.contains(would), "{words}: {}{}", said.out, said.err);
        assert_eq!(world.digest(), before, "{words} --dry-run changed something");
    }
    // What would be refused is refused.
    world.jailbase("user add bob --dry-run").no(77, "does not exist; make it, or say --create-home");
    world.jailbase("image build new --from dir:/nowhere --dry-run").no(125, "/nowhere");
    assert_eq!(world.digest(), before);
}
