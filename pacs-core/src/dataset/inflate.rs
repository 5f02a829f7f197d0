//! Deflated data sets (PS3.5 A.5), inflated piece by piece.

use flate2::{Decompress, FlushDecompress, Status};

use super::ReadError;

const OUT_BYTES: usize = 32 << 10;

/// Inflates what is fed to it, up to a limit.
#[derive(Debug)]
pub(super) struct Inflater {
    inner: Option<Decompress>,
    out: Vec<u8>,
    limit: u64,
    inflated: u64,
    finished: bool,
    /// Nothing more comes out, but what did has been handed on.
    damaged: bool,
}

impl Inflater {
    pub(super) fn new(limit: u64) -> Self {
        Self { inner: None, out: vec![0; OUT_BYTES], limit, inflated: 0, finished: false, damaged: false }
    }

    /// Whether the end of the deflated stream has come.
    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    /// Inflates some of `input`: the bytes that came out and how many went in. Nothing out means
    /// that more input is needed or the stream has ended; until then more may come out even when
    /// all input has gone in.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<(&[u8], usize), ReadError> {
        if self.damaged {
            return Err(ReadError::Deflate { at: self.inflated });
        }
        if self.finished || (input.is_empty() && self.inner.is_none()) {
            return Ok((&[], 0));
        }
        // The standard wants a raw stream; some writers put the header of zlib in front, which as a
        // raw stream would begin with a stored block of an absurd length.
        let inner = self
            .inner
            .get_or_insert_with(|| Decompress::new(matches!(input, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])));
        let (in_before, out_before) = (inner.total_in(), inner.total_out());
        let status = inner.decompress(input, &mut self.out, FlushDecompress::None);
        let consumed = (inner.total_in() - in_before) as usize;
        let produced = (inner.total_out() - out_before) as usize;
        self.inflated += produced as u64;
        if self.inflated > self.limit {
            return Err(ReadError::TooLarge { at: self.limit });
        }
        match status {
            Ok(status) => self.finished = status == Status::StreamEnd,
            // What came out before the damage is right: it goes first, and the error with the next step.
            Err(_) if produced > 0 => self.damaged = true,
            Err(_) => return Err(ReadError::Deflate { at: self.inflated }),
        }
        Ok((self.out.get(..produced).unwrap_or_default(), consumed))
    }
}
