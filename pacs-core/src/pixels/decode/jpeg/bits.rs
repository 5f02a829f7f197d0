//! Bits and Huffman codes of an entropy-coded segment (ITU-T T.81 F.2.2).

use super::broken;
use crate::pixels::error::PixelError;

/// Reads the bits of a segment, stuffed zero bytes taken out, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, the first one highest.
    window: u64,
    filled: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, window: 0, filled: 0 }
    }

    fn fill(&mut self) {
        // Four bytes at once, where none of them can be stuffed or begin a marker.
        if self.filled <= 32
            && let Some((next, rest)) = self.bytes.split_first_chunk::<4>()
            && !next.contains(&0xFF)
        {
            self.window |= u64::from(u32::from_be_bytes(*next)) << (32 - self.filled);
            self.filled += 32;
            self.bytes = rest;
            return;
        }
        while self.filled <= 56 {
            let byte = match self.bytes {
                [0xFF, 0x00, rest @ ..] => {
                    self.bytes = rest;
                    0xFF
                }
                [0xFF, ..] | [] => return,
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    *byte
                }
            };
            self.window |= u64::from(byte) << (56 - self.filled);
            self.filled += 8;
        }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, PixelError> {
        if count == 0 {
            return Ok(0);
        }
        if self.filled < count {
            self.fill();
        }
        if self.filled < count {
            return Err(broken("the scan ends early"));
        }
        let value = (self.window >> (64 - count)) as u32;
        self.window <<= count;
        self.filled -= count;
        Ok(value)
    }

    /// The symbol of the next Huffman code.
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, PixelError> {
        if self.filled < 16 {
            self.fill();
        }
        let ahead = (self.window >> 48) as usize;
        if let Some(&(length, symbol)) = table.short.get(ahead >> (16 - SHORT_BITS))
            && length > 0
            && u32::from(length) <= self.filled
        {
            self.window <<= length;
            self.filled -= u32::from(length);
            return Ok(symbol);
        }
        self.long_symbol(table)
    }

    /// The canonical walk of T.81 F.2.2.3: codes of one length follow each other.
    fn long_symbol(&mut self, table: &Huffman) -> Result<u8, PixelError> {
        let (mut code, mut first, mut index) = (0usize, 0usize, 0usize);
        for count in table.counts.map(usize::from) {
            code = code << 1 | self.take(1)? as usize;
            if code < first + count {
                let symbol = table.symbols.get(index + (code - first)).copied();
                return symbol.ok_or_else(|| broken("a Huffman code without a symbol"));
            }
            index += count;
            first = (first + count) << 1;
        }
        Err(broken("a code that is in no Huffman table"))
    }

    /// A value of `size` bits, at most 16, in the representation of T.81 table F.1.
    pub(super) fn signed(&mut self, size: u8) -> Result<i32, PixelError> {
        match size {
            0 => Ok(0),
            1..=16 => {
                let value = self.take(u32::from(size))? as i32;
                Ok(if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value })
            }
            _ => Err(broken("a value of more than sixteen bits")),
        }
    }

    /// Passes over a restart marker; the bits before it fill up their byte.
    pub(super) fn restart(&mut self) -> Result<(), PixelError> {
        (self.window, self.filled) = (0, 0);
        let fill = self.bytes.iter().take_while(|byte| **byte == 0xFF).count();
        match self.bytes.get(fill.saturating_sub(1)..) {
            Some([0xFF, 0xD0..=0xD7, rest @ ..]) => {
                self.bytes = rest;
                Ok(())
            }
            _ => Err(broken("a restart marker is missing")),
        }
    }

    /// What follows the segment: from the next marker that is no restart on.
    pub(super) fn rest(self) -> &'a [u8] {
        let mut bytes = self.bytes;
        while let [first, second, ..] = bytes {
            if *first == 0xFF && !matches!(second, 0x00 | 0xFF | 0xD0..=0xD7) {
                break;
            }
            bytes = bytes.get(1..).unwrap_or_default();
        }
        bytes
    }
}

/// Codes up to this length are looked up.
const SHORT_BITS: u32 = 11;

/// A Huffman table as the stream gives it: codes per length and symbols in order (T.81 annex C).
#[derive(Clone, Default)]
pub(super) struct Huffman {
    counts: [u8; 16],
    symbols: Vec<u8>,
    /// Length and symbol by the next bits; length 0 where the code is longer.
    short: Vec<(u8, u8)>,
}

impl Huffman {
    pub(super) fn new(counts: [u8; 16], symbols: Vec<u8>) -> Huffman {
        let mut short = vec![(0, 0); 1 << SHORT_BITS];
        let (mut code, mut index) = (0usize, 0usize);
        for (length, count) in (1..=SHORT_BITS).zip(counts) {
            for _ in 0..count {
                let width = 1 << (SHORT_BITS - length);
                let start = code * width;
                if let (Some(places), Some(symbol)) =
                    (short.get_mut(start..start + width), symbols.get(index))
                {
                    places.fill((length as u8, *symbol));
                }
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
        Huffman { counts, symbols, short }
    }
}
