//! Writing that begins before its sync.
//!
//! A sync that finds a whole image in the system's cache hands it to the disk in one piece and waits:
//! the disk has idled while the bytes were copied and hashed. Handed over in chunks as they are written
//! they are on their way meanwhile, several at once. A single sender gains a quarter by it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// Large enough to cost few calls, small enough that the disk has several at work for one image.
const CHUNK_BYTES: usize = 128 << 10;
/// The unit of the cache. One that is on its way to the disk makes whoever writes to it wait.
const PAGE_BYTES: u64 = 4096;

/// Writes all of `content` at `offset` and has the system begin to carry it to the disk, except for
/// the pages at both ends, in which the neighbours are still to be written. What has reached the disk
/// is known only after the sync, which reports every error of this writing too.
pub(super) fn write_ahead(file: &File, content: &[u8], mut offset: u64) -> std::io::Result<()> {
    let mut begun = offset.next_multiple_of(PAGE_BYTES);
    for chunk in content.chunks(CHUNK_BYTES) {
        file.write_all_at(chunk, offset)?;
        offset = offset.saturating_add(chunk.len() as u64);
        let whole = offset - offset % PAGE_BYTES;
        if whole > begun {
            begin(file, begun, whole - begun);
            begun = whole;
        }
    }
    Ok(())
}

fn begin(file: &File, offset: u64, length_bytes: u64) {
    let (Ok(offset), Ok(length)) = (offset.try_into(), length_bytes.try_into()) else { return };
    // SAFETY: the call takes no memory of ours, and the descriptor is open as long as `file` is borrowed.
    #[allow(unsafe_code, reason = "no library gives this call a safe face")]
    let begun =
        unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    if begun != 0 {
        // A file system without it loses time and nothing else: the sync does all of the work.
        tracing::trace!(error = %std::io::Error::last_os_error(), "the disk was not told to begin");
    }
}
