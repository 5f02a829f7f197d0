//! A part of a file, read as if it were one: by position, so that many may read at once. A file that ends
//! before the part does has lost something, and must not look like a shorter part: a data set may end after
//! any of its elements.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// `length` bytes of a file from `start` on.
#[derive(Debug)]
pub struct Region<'a> {
    file: &'a File,
    start: u64,
    length: u64,
    at: u64,
}

impl<'a> Region<'a> {
    /// The region, at its beginning.
    pub fn new(file: &'a File, start: u64, length: u64) -> Self {
        Self { file, start, length, at: 0 }
    }
}

impl Read for Region<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self.file.read_at(buffer, self.start.saturating_add(self.at))?;
        if read == 0 && wanted > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl Seek for Region<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = sought(to, self.at, self.length)?;
        Ok(self.at)
    }
}

/// The place that is sought, from a place in something of that length.
pub(crate) fn sought(to: SeekFrom, at: u64, length: u64) -> std::io::Result<u64> {
    let place = match to {
        SeekFrom::Start(place) => Some(place),
        SeekFrom::End(by) => length.checked_add_signed(by),
        SeekFrom::Current(by) => at.checked_add_signed(by),
    };
    Ok(place.ok_or(ErrorKind::InvalidInput)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_early_is_no_shorter_region() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"0123456789", 0).unwrap();
        let mut text = String::new();
        Region::new(&file, 2, 8).read_to_string(&mut text).unwrap();
        assert_eq!(text, "23456789");
        for (start, length) in [(2, 9), (10, 1), (30, 5)] {
            let error = Region::new(&file, start, length).read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{start} {length}");
        }
        Region::new(&file, 10, 0).read_to_end(&mut Vec::new()).unwrap();
    }
}
