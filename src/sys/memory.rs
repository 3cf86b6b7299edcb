//! Memory of a program that lives for milliseconds: one region, taken from its start, and hardly ever given back.
//!
//! An allocator that asks the kernel for each size it has not met costs a tenth of a warm entry: calls, and pages touched.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Bytes of the region. Pages that nobody touches cost nothing; what does not fit goes to libc's allocator.
const SIZE: usize = 128 * 1024;

/// Every piece begins at a multiple of this many bytes.
const GRAIN: usize = 16;

// A common symbol: linkers put these behind all other memory that begins as zeros. So what is taken first lies in the page of
// the libraries' own variables, and a process that is copied writes to one page for both.
core::arch::global_asm!(".comm jail_region, {}, {}", const SIZE, const GRAIN);

// SAFETY: it is the symbol above, of that size.
unsafe extern "C" {
    /// The region; the counter decides who may touch which byte.
    static mut jail_region: [u8; SIZE];
}

/// How many bytes of the region are taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The memory of a program.
#[derive(Debug)]
pub struct Region;

/// Where in the region a piece begins; SIZE or more is not in it.
fn offset(piece: *mut u8) -> usize {
    piece.addr().wrapping_sub((&raw const jail_region).addr())
}

/// Moves the end of a piece, if it was the last to be taken and there is room.
fn resize(piece: *mut u8, from: usize, to: usize) -> bool {
    let end = |size: usize| offset(piece).wrapping_add(size.next_multiple_of(GRAIN));
    offset(piece) < SIZE && end(to) <= SIZE && TAKEN.compare_exchange(end(from), end(to), SeqCst, SeqCst).is_ok()
}

// SAFETY: a piece is within the region, aligned to GRAIN, and nobody else's until it is given back; all else is libc's. Who has
// which byte changes in one atomic step.
unsafe impl GlobalAlloc for Region {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(GRAIN);
        let take = |taken: usize| taken.checked_add(size).filter(|end| *end <= SIZE && layout.align() <= GRAIN);
        let piece = match TAKEN.fetch_update(SeqCst, SeqCst, take) {
            // SAFETY: the piece ends at or before the end of the region.
            Ok(at) => unsafe { (&raw mut jail_region).cast::<u8>().add(at) },
            // SAFETY: the caller's promises are handed on.
            Err(_) => unsafe { System.alloc(layout) },
        };
        // The standard library would first say so, and we may still be root.
        std::ptr::NonNull::new(piece).map_or_else(|| std::process::abort(), std::ptr::NonNull::as_ptr)
    }

    // SAFETY: what the caller promises, a piece of ours with its own layout, is all that is needed.
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // What was taken last is free again.
        if !resize(piece, layout.size(), 0) && offset(piece) >= SIZE {
            // SAFETY: what is not of the region came from libc, and is the caller's to give back.
            unsafe { System.dealloc(piece, layout) }
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // What was taken last grows and shrinks where it is: a buffer takes no more than came to be in it.
        if resize(piece, layout.size(), size) {
            return piece;
        }
        // SAFETY: the caller's promises are handed on; the new piece is another one, and both are as long as is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            new.copy_from_nonoverlapping(piece, size.min(layout.size()));
            self.dealloc(piece, layout);
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// The one region, all of it free.
    fn region() -> (Region, MutexGuard<'static, ()>) {
        static ONE: Mutex<()> = Mutex::new(());
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        TAKEN.store(0, SeqCst);
        (Region, one)
    }

    fn holds(piece: *mut u8, size: usize, mark: u8) -> bool {
        // SAFETY: a living piece, and no more than its own size.
        let own = unsafe { std::slice::from_raw_parts(piece, size) };
        own.iter().all(|byte| *byte == mark)
    }

    proptest! {
        #[test]
        fn no_two_living_pieces_share_a_byte_and_each_keeps_what_is_in_it(
            orders in prop::collection::vec((1usize..9000, 0u32..7, 0u8..3), 1..80)
        ) {
            let (region, _one) = region();
            let mut living: Vec<(*mut u8, Layout, u8)> = Vec::new();
            for (number, (size, align, what)) in orders.into_iter().enumerate() {
                let mark = u8::try_from(number).unwrap_or(0);
                if what == 0 || living.is_empty() {
                    let layout = Layout::from_size_align(size, 1 << align).map_err(|e| TestCaseError::fail(e.to_string()))?;
                    // SAFETY: the layout is not empty; the piece is written within its size only.
                    let piece = unsafe { region.alloc(layout) };
                    prop_assert!(!piece.is_null() && piece.addr().is_multiple_of(layout.align()));
                    // SAFETY: as above.
                    unsafe { piece.write_bytes(mark, layout.size()) };
                    living.push((piece, layout, mark));
                    continue;
                }
                // The last one as often as any other.
                let at = if size % 2 == 0 { living.len() - 1 } else { number % living.len() };
                let (piece, layout, mark) = living.swap_remove(at);
                prop_assert!(holds(piece, layout.size(), mark));
                if what == 1 {
                    // SAFETY: it is given back once, to where it came from.
                    unsafe { region.dealloc(piece, layout) };
                    continue;
                }
                let new = Layout::from_size_align(size, layout.align()).map_err(|e| TestCaseError::fail(e.to_string()))?;
                // SAFETY: a living piece with its own layout; the new size is not 0.
                let piece = unsafe { region.realloc(piece, layout, size) };
                prop_assert!(!piece.is_null() && piece.addr().is_multiple_of(new.align()));
                prop_assert!(holds(piece, size.min(layout.size()), mark));
                // SAFETY: within its new size.
                unsafe { piece.write_bytes(mark, size) };
                living.push((piece, new, mark));
            }
            for (piece, layout, mark) in living {
                prop_assert!(holds(piece, layout.size(), mark));
                // SAFETY: it is given back once, to where it came from.
                unsafe { region.dealloc(piece, layout) };
            }
        }
    }

    #[test]
    fn a_text_that_grows_takes_no_more_than_it_needs() {
        let (region, _one) = region();
        let layout = |size| Layout::from_size_align(size, 1).unwrap_or(Layout::new::<u8>());
        // SAFETY: pieces of the sizes named, given back once each.
        unsafe {
            for size in [8, 4000, 70_000] {
                let piece = region.alloc(layout(size));
                region.dealloc(piece, layout(size));
            }
            assert_eq!(TAKEN.load(SeqCst), 0);
            let first = region.alloc(layout(8));
            let piece = [4000, 70_000, 100]
                .into_iter()
                .fold((first, 8), |(piece, old), new| (region.realloc(piece, layout(old), new), new));
            assert_eq!(piece, (first, 100));
        }
        assert_eq!(TAKEN.load(SeqCst), 112);
    }

    #[test]
    fn what_does_not_fit_comes_from_libc_and_goes_back_there() {
        let (region, _one) = region();
        let layout = |size| Layout::from_size_align(size, 1).unwrap_or(Layout::new::<u8>());
        // SAFETY: pieces of the sizes named, given back once each.
        unsafe {
            let piece = region.realloc(region.alloc(layout(10)), layout(10), SIZE + 1);
            assert!(offset(piece) >= SIZE && TAKEN.load(SeqCst) == 0);
            piece.write_bytes(7, SIZE + 1);
            let piece = region.realloc(piece, layout(SIZE + 1), 10);
            assert!(offset(piece) == 0 && holds(piece, 10, 7));
            region.dealloc(piece, layout(10));
        }
        assert_eq!(TAKEN.load(SeqCst), 0);
    }
}
