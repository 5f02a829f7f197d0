//! Bits of a JPEG-LS scan: after a byte of ones only seven bits of the next one count (T.87 A.1).

use crate::pixels::error::PixelError;
use crate::pixels::jpeg_ls::{Coding, broken};

pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, the first one highest.
    window: u64,
    filled: u32,
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, window: 0, filled: 0, after_ones: false }
    }

    /// Takes in whole bytes while there is room, up to the next marker.
    fn fill(&mut self) {
        while self.filled <= 56 {
            let Some((&byte, rest)) = self.bytes.split_first() else { return };
            let width = if self.after_ones { 7 } else { 8 };
            let marker = byte == 0xFF && rest.first().is_none_or(|next| *next >= 0x80);
            if marker || (self.after_ones && byte >= 0x80) {
                return;
            }
            self.window |= u64::from(byte) << (64 - width) >> self.filled;
            self.filled += width;
            self.after_ones = byte == 0xFF;
            self.bytes = rest;
        }
    }

    /// The next `count` bits, at most 32.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, PixelError> {
        if count == 0 {
            return Ok(0);
        }
        self.need(count)?;
        let value = self.window >> (64 - count);
        self.drop(count);
        Ok(value as u32)
    }

    /// Zeros before the next one, which is taken too. More than `most` zeros are an error.
    pub(super) fn zeros(&mut self, most: u32) -> Result<u32, PixelError> {
        let mut zeros = 0;
        loop {
            self.need(1)?;
            let run = self.window.leading_zeros().min(self.filled);
            zeros += run;
            if zeros > most {
                return Err(broken("a code is too long"));
            }
            if run < self.filled {
                self.drop(run + 1);
                return Ok(zeros);
            }
            self.drop(run);
        }
    }

    /// A code of the limited-length Golomb family (T.87 A.5.3).
    pub(super) fn golomb(&mut self, k: u32, limit: u32, coding: &Coding) -> Result<i32, PixelError> {
        let longest = coding.longest_prefix(limit);
        let prefix = self.zeros(longest)?;
        if prefix < longest {
            return Ok((prefix << k | self.take(k)?) as i32);
        }
        Ok(self.take(coding.error_bits)? as i32 + 1)
    }

    /// What follows the scan: from the next marker on.
    pub(super) fn rest(self) -> &'a [u8] {
        // Bytes that were taken in ahead are all of the scan, since `fill` stops at a marker.
        let mut bytes = self.bytes;
        while let [first, second, ..] = bytes {
            if *first == 0xFF && *second >= 0x80 {
                break;
            }
            bytes = bytes.get(1..).unwrap_or_default();
        }
        bytes
    }

    fn need(&mut self, count: u32) -> Result<(), PixelError> {
        if self.filled < count {
            self.fill();
        }
        if self.filled < count { Err(broken("the scan ends early")) } else { Ok(()) }
    }

    fn drop(&mut self, count: u32) {
        self.window = self.window.checked_shl(count).unwrap_or(0);
        self.filled -= count;
    }
}
