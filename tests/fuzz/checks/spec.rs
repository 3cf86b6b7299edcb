//! Specs: whatever is accepted is written back line by line as it was, so nothing was overlooked, guessed or normalised.

use super::sorted_lines;
use jail::image::Image;
use jail::plan::{Plan, Step};
use jail::policy::CEILINGS;
use jail::spec::Spec;
use jail::{explain, plan, record};

/// One file.
pub fn check(bytes: &[u8]) {
    let spec = match Spec::read(bytes) {
        Ok(spec) => spec,
        Err(why) => {
            assert!(!why.contains('\n'), "{why:?}");
            return;
        }
    };
    let text = std::str::from_utf8(bytes).expect("what is accepted is text");
    let written = spec.write();
    // The one key that may be missing is written all the same.
    let whole = if text.contains("\nfilter = ") { text.to_owned() } else { format!("{text}filter = web\n") };
    assert_eq!(sorted_lines(&whole), sorted_lines(&written));
    assert_eq!(Spec::read(written.as_bytes()).as_ref(), Ok(&spec));
    assert!(bytes.len() <= record::LONGEST && text.ends_with('\n') && text.is_ascii());
    assert!(spec.uid.get() != 0 && spec.uid.get() != u32::MAX && spec.gid.get() != 0);
    assert!(spec.groups.iter().all(|group| group.get() != 0 && group.get() != u32::MAX));
    for ((key, asked), (_, most)) in spec.limits.table().into_iter().zip(CEILINGS.table()) {
        assert!((1..=most).contains(&asked), "{key} = {asked}");
    }
    let plan = Plan::of(&spec, &Image { host: vec!["usr"] });
    for step in &plan.0 {
        match step {
            Step::Home(home) => beneath(home.relative()),
            Step::Parents(at) => {
                beneath(at);
                let (_, path) = plan::parents(&spec.home);
                path.iter().for_each(|part| assert!(!part.contains('/') && !["", ".", ".."].contains(&part.as_str())));
            }
            _ => {}
        }
    }
    assert!(explain::jail(&spec, &plan, 1, true).chars().all(|c| c == '\n' || !c.is_control()));
}

/// A path leads nowhere but down.
fn beneath(path: &str) {
    assert!(path.split('/').all(|part| !["", ".", ".."].contains(&part)), "{path:?}");
}
