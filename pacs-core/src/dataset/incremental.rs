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
            let (inflated, consumed) = inflater.step(rest)?;
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
            return Err(ReadError::Deflate { at: self.arrived });
        }
        let base = self.arrived - self.pending.len() as u64;
        self.walker.run(&Window { bytes: &self.pending, base, shared: None, last: true })?;
        Ok(self.walker.finish())
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
            let base = self.arrived - self.pending.len() as u64;
            self.walker.run(&Window { bytes: &self.pending, base, shared: None, last: false })?;
            let taken = self.walker.position().saturating_sub(base).min(self.pending.len() as u64) as usize;
            self.pending.drain(..taken);
        }
        Ok(self.progress())
    }

    fn progress(&self) -> Progress {
        if self.walker.done() { Progress::Done } else { Progress::More }
    }
}
