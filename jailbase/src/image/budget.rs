//! How much an image may hold: what comes from elsewhere can claim any amount, and a small archive can unpack to any.

use super::about::Recipe;
use crate::table::bytes;

/// The longest path in a tree, in bytes, and the most parts it has.
pub const LONGEST_PATH: usize = 2048;
/// See [`LONGEST_PATH`].
pub const MOST_PARTS: usize = 128;

/// What is left of the limits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    most_bytes: u64,
    most_files: u64,
    bytes: u64,
    files: u64,
}

impl Budget {
    /// All of what a recipe allows.
    pub fn of(recipe: &Recipe) -> Self {
        Self { most_bytes: recipe.most_bytes, most_files: recipe.most_files, bytes: 0, files: 0 }
    }

    /// Takes one more thing of this length, before any of it is written.
    pub fn take(&mut self, size: u64) -> Result<(), String> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.files > self.most_files {
            return Err(format!("there are more than {} files; give --most-files if that is right", self.most_files));
        }
        if self.bytes > self.most_bytes {
            return Err(format!("the files are longer than {}; give --most-bytes if that is right", bytes(self.most_bytes)));
        }
        Ok(())
    }
}
