//! How the process holds memory: in small pages, and not for longer than it needs them.

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// The allocator's `mi_option_purge_delay`, which its bindings have no name for.
const PURGE_DELAY: mi_option_t = 15;
/// The allocator gives back at once what nobody uses. Its own second is long enough for a burst of
/// large images to stand on what the burst before has left behind: mixed reads over a hundred
/// connections then took twice as much. What is fetched anew all the time is kept where it is used.
const PURGE_DELAY_MS: i64 = 0;

/// Sets both. To be called first, while there is one thread.
pub fn be_sparing() {
    // SAFETY: the call writes one number of a table of the allocator's own, which is not safe beside other
    // threads that read it; there are none yet. A setting of the environment wins.
    #[allow(unsafe_code, reason = "the allocator has no other door to its options")]
    unsafe {
        mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS);
    }
    forgo_huge_pages();
}

/// Tells the system to back no memory of this process with huge pages, which the allocator asks for
/// and many systems give unasked: of each two megabytes of which a few kilobytes are in use, all
/// would be taken. With many threads that doubles what the program holds.
fn forgo_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages could not be forgone");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_sparingly() {
        // SAFETY: the calls read one number.
        #[allow(unsafe_code, reason = "the allocator has no other door to its options")]
        let delay_ms = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(
            delay_ms(),
            1000,
            "of all options this one has such a default, by which its number is known"
        );
        be_sparing();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
        assert_eq!(delay_ms(), PURGE_DELAY_MS);
    }
}
