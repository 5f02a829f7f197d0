//! Bits of a JPEG-LS scan: after a byte of ones only seven bits of the next one are used (T.87 A.1).

use crate::pixels::jpeg_ls::Coding;

pub(super) struct Bits<'a> {
    bytes: &'a mut Vec<u8>,
    window: u64,
    filled: u32,
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Bits<'a> {
        Bits { bytes, window: 0, filled: 0, after_ones: false }
    }

    /// Appends the low `count` bits, at most 32.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.window = self.window << count | u64::from(value);
        self.filled += count;
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let width = if self.after_ones { 7 } else { 8 };
            if self.filled < width {
                return;
            }
            self.filled -= width;
            let byte = (self.window >> self.filled) as u8 & (0xFF >> (8 - width));
            self.after_ones = byte == 0xFF;
            self.bytes.push(byte);
        }
    }

    /// A code of the limited-length Golomb family (T.87 A.5.3).
    pub(super) fn golomb(&mut self, code: i32, k: u32, limit: u32, coding: &Coding) {
        let longest = coding.longest_prefix(limit);
        let code = code as u32;
        let prefix = code >> k;
        if prefix < longest {
            self.zeros(prefix);
            self.put(1, 1);
            self.put(code & ((1 << k) - 1), k);
        } else {
            self.zeros(longest);
            self.put(1, 1);
            self.put(code - 1, coding.error_bits);
        }
    }

    fn zeros(&mut self, mut count: u32) {
        while count > 0 {
            let some = count.min(32);
            self.put(0, some);
            count -= some;
        }
    }

    /// Fills the last byte up; one of ones may not stand before a marker.
    pub(super) fn end(mut self) {
        if self.filled > 0 || self.after_ones {
            let width = if self.after_ones { 7 } else { 8 };
            self.put(0, width - self.filled);
        }
    }
}
