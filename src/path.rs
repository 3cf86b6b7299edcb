//! A path that can be handed to the kernel as it stands: absolute and normal.
#![forbid(unsafe_code)]

/// An absolute path without `.`, `..`, empty components, control characters, `:` or non-UTF-8; 2 to 1024 bytes, never `/`.
/// The colon is out because the path is a field of `/etc/passwd`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JailPath(String);

impl JailPath {
    /// The path, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let plain = |c: char| !c.is_control() && c != ':';
        let good = text.len() <= 1024
            && rest.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.len() <= 255)
            && text.chars().all(plain)
            && text.trim() == text;
        good.then(|| Self(text.to_owned()))
    }
    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The path without its leading slash: relative to the root of a jail.
    pub fn relative(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }
}

crate::id::shown!(JailPath);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_has_one_spelling() {
        for bad in ["", "/", "a", "//a", "/a/", "/a//b", "/a/./b", "/a/../b", "/a\n", "/a:b", "/a\0", "/a ", "/.."] {
            assert_eq!(JailPath::new(bad), None, "{bad:?}");
        }
        assert_eq!(JailPath::new("/home/alice").as_ref().map(JailPath::relative), Some("home/alice"));
        assert!(JailPath::new("/home/Åsa b").is_some());
    }

    proptest! {
        #[test]
        fn joining_a_path_to_a_root_stays_beneath_it(text in "[/.a]{0,12}") {
            if let Some(path) = JailPath::new(&text) {
                let mut depth = 0i32;
                for part in path.relative().split('/') {
                    depth += match part { ".." => -1, "." | "" => 0, _ => 1 };
                    prop_assert!(depth > 0);
                }
            }
        }
    }
}
