//! What becomes of an edit when its image is made again.

use super::{Own, jailbase};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_that_makes_an_edited_image_of_its_source_again_says_that_the_edit_is_not_in_it() {
    let own = Own::new("edit-lost");
    own.build("host", &[]).well();
    jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", "echo edited > /etc/motd"]).well();
    let said = jailbase(["image", "update", &own.name]);
    let lost = format!("jailbase: warning: {0}@2 was edited, and what is made of host again has nothing of that", own.name);
    assert!(said.err.starts_with(&lost), "{}", said.err);
    assert!(said.err.contains(&format!("jailbase image rollback {}@2", own.name)), "{}", said.err);
    assert_eq!((said.code, own.current()), (0, 3));
    assert!(!own.file(3, "etc/motd").exists());
    // The next one loses nothing.
    assert_eq!(jailbase(["image", "update", &own.name]).err, "");
}
