//! Memory of a program that lives for milliseconds: one region, taken from its start, and hardly ever given back.
//!
//! An allocator that asks the kernel for each size it has not met costs a tenth of a warm entry: calls, and pages touched.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of the region. Pages that nobody touches cost nothing; what does not fit goes to libc's allocator.
const SIZE: usize = 128 * 1024;

/// Every piece begins at a multiple of this many bytes.
const GRAIN: usize = 16;

/// The region, and how many of its bytes are taken.
#[derive(Debug)]
#[repr(align(16))]
pub struct Region(UnsafeCell<[u8; SIZE]>, AtomicUsize);

// SAFETY: who may touch which byte is decided by the counter alone, which changes in one atomic step.
unsafe impl Sync for Region {}

impl Region {
    /// All of it free.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; SIZE]), AtomicUsize::new(0))
    }
}

// SAFETY: a piece is within the region, aligned to GRAIN, and nobody else's until it is given back; all else is libc's.
unsafe impl GlobalAlloc for Region {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(GRAIN);
        let take = |taken: usize| taken.checked_add(size).filter(|end| *end <= SIZE && layout.align() <= GRAIN);
        match self.1.fetch_update(Relaxed, Relaxed, take) {
            // SAFETY: the piece ends at or before the end of the region.
            Ok(at) => unsafe { self.0.get().cast::<u8>().add(at) },
            // SAFETY: the caller's promises are handed on.
            Err(_) => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let at = piece.addr().wrapping_sub(self.0.get().addr());
        if at >= SIZE {
            // SAFETY: what is not of the region came from there.
            return unsafe { System.dealloc(piece, layout) };
        }
        // What was taken last is free again, so that a text that grows takes no more than it needs.
        self.1.compare_exchange(at.wrapping_add(layout.size().next_multiple_of(GRAIN)), at, Relaxed, Relaxed).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
            #[test]
            fn no_two_living_pieces_share_a_byte(orders in prop::collection::vec((0usize..9000, 0u32..7, any::<bool>()), 1..80)) {
                let region = Box::new(Region::new());
                let mut living: Vec<(*mut u8, Layout, u8)> = Vec::new();
                for (number, (size, align, free)) in orders.into_iter().enumerate() {
                    let layout = Layout::from_size_align(size.max(1), 1 << align).map_err(|e| TestCaseError::fail(e.to_string()))?;
                    let mark = u8::try_from(number).unwrap_or(0);
                    // SAFETY: the layout is not empty; the piece is written within its size only.
                    let piece = unsafe { region.alloc(layout) };
                    prop_assert!(!piece.is_null() && piece.addr().is_multiple_of(layout.align()));
                    // SAFETY: as above.
                    unsafe { piece.write_bytes(mark, layout.size()) };
                    living.push((piece, layout, mark));
                    if free {
                        let (piece, layout, mark) = living.swap_remove(number % living.len());
                        // SAFETY: a living piece, and its own size.
                        let own = unsafe { std::slice::from_raw_parts(piece, layout.size()) };
    prop_assert!(own.iter().all(|b| *b == mark));
                        // SAFETY: it is given back once, to where it came from.
                        unsafe { region.dealloc(piece, layout) };
                    }
                }
                for (piece, layout, mark) in living {
                    // SAFETY: a living piece, and its own size.
                    let own = unsafe { std::slice::from_raw_parts(piece, layout.size()) };
    prop_assert!(own.iter().all(|b| *b == mark));
                    // SAFETY: it is given back once, to where it came from.
                    unsafe { region.dealloc(piece, layout) };
                }
            }
        }

    #[test]
    fn a_text_that_grows_takes_no_more_than_it_needs() {
        let region = Region::new();
        let layout = |size| Layout::from_size_align(size, 1).unwrap_or(Layout::new::<u8>());
        // SAFETY: pieces of the sizes named, given back once each.
        unsafe {
            for size in [8, 4000, 70_000] {
                let piece = region.alloc(layout(size));
                region.dealloc(piece, layout(size));
            }
        }
        assert_eq!(region.1.load(Relaxed), 0);
    }
}
