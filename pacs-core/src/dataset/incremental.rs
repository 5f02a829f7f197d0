//! Reading a data set from bytes as they arrive.

use super::inflate::Inflater;
use super::walker::{Walker, Window};
use super::{Limits, ReadError, Reading, Until};
use crate::transfer_syntax::TransferSyntax;

/// Whether more bytes are of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Go on.
    More,
    /// What was asked for has been read; further bytes are ignored.
    Done,
}

/// A reader that is fed. It holds what it retains, and of what was fed only the beginning of an
/// element that is not whole yet.
#[derive(Debug)]
pub struct Incremental {
    walker: Walker,
    /// Bytes from `walker.position()` on that could not be taken yet.
    pending: Vec<u8>,
    /// How many bytes of the (inflated) data set have come.
    arrived: u64,
    inflater: Option<Inflater>,
}

impl Incremental {
    /// A reader for one data set. `total_bytes` is its encoded length, where known: lengths that go
    /// beyond it are then found out at once and not at the end.
    pub fn new(syntax: &TransferSyntax, limits: &Limits, until: Until, total_bytes: Option<u64>) -> Self {
        let inflater = syntax.deflated.then(|| Inflater::new(limits.inflated_bytes));
        let total = if syntax.deflated { None } else { total_bytes };
        Self { walker: Walker::new(syntax, limits, until, total), pending: Vec::new(), arrived: 0, inflater }
    }

    /// Takes the next bytes of the encoded data set.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, ReadError> {
        let Some(mut inflater) = self.inflater.take() else { return self.push_plain(bytes) };
        let mut rest = bytes;
        while !self.walker.done() {
            let (inflated, consumed) = match inflater.step(rest) {
                Ok(stepped) => stepped,
                Err(fault) => {
                    self.end_early(fault)?;
                    break;
                }
            };
            if inflated.is_empty() && consumed == 0 {
                break;
            }
            rest = rest.get(consumed..).unwrap_or_default();
            self.push_plain(inflated)?;
        }
        self.inflater = Some(inflater);
        Ok(self.progress())
    }

    /// How many of the next bytes need not be pushed: they belong to a value that is not held. The
    /// caller may tell with [`Incremental::skip`] that it has passed over them.
    pub fn skippable_bytes(&self) -> u64 {
        if self.inflater.is_some() || self.walker.done() {
            return 0;
        }
        self.walker.position().saturating_sub(self.arrived)
    }

    /// Passes over bytes, at most [`Incremental::skippable_bytes`], that are known to be there.
    pub fn skip(&mut self, bytes: u64) {
        self.arrived += bytes.min(self.skippable_bytes());
    }

    /// What was read. Until it was [`Progress::Done`] the bytes pushed so far are taken for all.
    pub fn finish(mut self) -> Result<Reading, ReadError> {
        if let Some(inflater) = &self.inflater
            && !inflater.finished()
            && !self.walker.done()
        {
            self.end_early(ReadError::Deflate { at: self.arrived })?;
        }
        let window = Window { bytes: &self.pending, base: self.base(), shared: None, last: true };
        self.walker.run(&window)?;
        Ok(self.walker.finish())
    }

    /// Ends where nothing more can be inflated.
    fn end_early(&mut self, fault: ReadError) -> Result<(), ReadError> {
        let window = Window { bytes: &self.pending, base: self.base(), shared: None, last: true };
        self.walker.end_early(&window, fault)
    }

    fn push_plain(&mut self, bytes: &[u8]) -> Result<Progress, ReadError> {
        if self.walker.done() || bytes.is_empty() {
            return Ok(self.progress());
        }
        let start = self.arrived;
        self.arrived += bytes.len() as u64;
        if self.pending.is_empty() {
            // Mostly the new bytes are walked where they are and only the last, unfinished element
            // is kept.
            self.walker.run(&Window { bytes, base: start, shared: None, last: false })?;
            let taken = self.walker.position().saturating_sub(start).min(bytes.len() as u64) as usize;
            self.pending.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            self.pending.extend_from_slice(bytes);
            let base = self.base();
            self.walker.run(&Window { bytes: &self.pending, base, shared: None, last: false })?;
            let taken = self.walker.position().saturating_sub(base).min(self.pending.len() as u64) as usize;
            self.pending.drain(..taken);
        }
        Ok(self.progress())
    }

    /// Where the pending bytes begin.
    fn base(&self) -> u64 {
        self.arrived - self.pending.len() as u64
    }

    fn progress(&self) -> Progress {
        if self.walker.done() { Progress::Done } else { Progress::More }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;
    use crate::dataset::{Value, read_slice};
    use crate::tags;

    /// What was inflated before the damage is right; pixels are not worth the loss of the header.
    #[test]
    fn a_deflated_data_set_may_be_damaged_within_its_pixels_and_not_before() {
        let mut plain = b"\x10\0\x20\0LO\x04\0BN-1".to_vec();
        let header_bytes = plain.len();
        plain.extend_from_slice(b"\xe0\x7f\x10\0OW\0\0");
        let pixels: Vec<u8> =
            (0..400_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        plain.extend_from_slice(&(pixels.len() as u32).to_le_bytes());
        plain.extend_from_slice(&pixels);
        let deflated = |bytes: &[u8]| {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.flush().unwrap();
            encoder.get_ref().clone()
        };
        let syntax = TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN;
        let read = |bytes: &[u8]| read_slice(bytes, &syntax, &Limits::default(), Until::End);
        let reserved_block = [0xff; 16];
        for cut in [[&deflated(&plain[..200_000])[..], &reserved_block].concat(), deflated(&plain[..200_000])]
        {
            let reading = read(&cut).unwrap();
            assert!(matches!(reading.fault, Some(ReadError::Deflate { .. })), "{:?}", reading.fault);
            assert_eq!(reading.data_set.text(tags::PATIENT_ID).as_deref(), Some("BN-1"));
            let value = &reading.data_set.get(tags::PIXEL_DATA).unwrap().value;
            let Value::Elsewhere { offset, length } = value else { panic!("{value:?}") };
            assert_eq!(offset + length, 200_000, "as far as it goes");
        }
        let early = [&deflated(&plain[..header_bytes - 2])[..], &reserved_block].concat();
        assert!(matches!(read(&early), Err(ReadError::Deflate { .. })));
    }
}
