//! Lossless JPEG (ITU-T T.81 annex H, process 14) with the left neighbour as predictor, components interleaved, one
//! Huffman table made for the frame.

use super::{Encoded, Stored, output};
use crate::pixels::error::PixelError;

/// Categories of differences: as many bits follow, but none after the last.
const CATEGORIES: usize = 17;

pub(super) fn encode(stored: &Stored<'_>) -> Result<Encoded, PixelError> {
    let layout = stored.layout();
    let components = usize::from(layout.samples);
    let precision = stored.unsigned_precision();
    let mut frequencies = [0u64; CATEGORIES];
    for_each_difference(stored, |difference| {
        if let Some(count) = frequencies.get_mut(category(difference)) {
            *count += 1;
        }
    });
    let table = Huffman::for_frequencies(&frequencies);

    let mut bytes = output(layout);
    bytes.extend([0xFF, 0xD8]);
    let parts = || (1..).take(components);
    let [rows, columns] = [layout.rows, layout.columns].map(u16::to_be_bytes);
    let frame: Vec<u8> = [precision as u8, rows[0], rows[1], columns[0], columns[1], components as u8]
        .into_iter()
        .chain(parts().flat_map(|id| [id, 0x11, 0]))
        .collect();
    segment(&mut bytes, 0xC3, &frame);
    let counted: Vec<u8> =
        std::iter::once(0).chain(table.counts).chain(table.symbols.iter().copied()).collect();
    segment(&mut bytes, 0xC4, &counted);
    let scan: Vec<u8> =
        std::iter::once(components as u8).chain(parts().flat_map(|id| [id, 0])).chain([1, 0, 0]).collect();
    segment(&mut bytes, 0xDA, &scan);
    let mut bits = Bits { bytes: &mut bytes, window: 0, filled: 0 };
    for_each_difference(stored, |difference| {
        let size = category(difference);
        let (code, length) = table.codes.get(size).copied().unwrap_or_default();
        bits.put(code.into(), length.into());
        if size < 16 {
            // Negative differences are one less than their value in ones' complement (T.81 table F.1).
            let low = if difference < 0 { difference - 1 } else { difference };
            bits.put(low as u32 & ((1 << size) - 1), size as u32);
        }
    });
    bits.end();
    bytes.extend([0xFF, 0xD9]);
    Ok(Encoded { bytes, photometric: layout.interleaved_as(layout.photometric).photometric })
}

/// Visits the difference of every sample from its prediction, modulo 65536 as a signed number.
fn for_each_difference(stored: &Stored<'_>, mut visit: impl FnMut(i32)) {
    let layout = stored.layout();
    let components = usize::from(layout.samples);
    // The first column is predicted from above, the first pixel of all from the middle of the range.
    let mut first = vec![1 << (stored.unsigned_precision() - 1); components];
    let mut row = Vec::new();
    for y in 0..usize::from(layout.rows) {
        stored.unsigned_row(y, &mut row);
        let predicted = first.iter().chain(&row);
        row.iter()
            .zip(predicted)
            .for_each(|(sample, predicted)| visit(i32::from((sample - predicted) as i16)));
        first.clear();
        first.extend(row.iter().take(components));
    }
}

/// How many bits tell the difference apart from others of its size (T.81 table H.2).
fn category(difference: i32) -> usize {
    (32 - difference.unsigned_abs().leading_zeros()) as usize
}

fn segment(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend_from_slice(&((content.len() + 2) as u16).to_be_bytes());
    out.extend_from_slice(content);
}

/// A Huffman table of at most sixteen bits a code.
struct Huffman {
    counts: [u8; 16],
    symbols: Vec<u8>,
    /// Code and length of each symbol.
    codes: [(u16, u8); CATEGORIES],
}

impl Huffman {
    /// T.81 K.2: the lengths of an optimal code, in which no code is all ones.
    fn for_frequencies(frequencies: &[u64; CATEGORIES]) -> Huffman {
        // Groups of symbols with their frequency; the last symbol stands for the code of all ones.
        let mut groups: Vec<(u64, Vec<usize>)> = frequencies
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(symbol, count)| (*count, vec![symbol]))
            .chain([(0, vec![CATEGORIES])])
            .collect();
        let mut lengths = [0usize; CATEGORIES + 1];
        while groups.len() > 1 {
            groups.sort_by(|a, b| b.cmp(a));
            let (Some(rarest), Some(next)) = (groups.pop(), groups.pop()) else { break };
            let joined: Vec<usize> = rarest.1.into_iter().chain(next.1).collect();
            for symbol in &joined {
                if let Some(length) = lengths.get_mut(*symbol) {
                    *length += 1;
                }
            }
            groups.push((rarest.0 + next.0, joined));
        }
        // Eighteen symbols make codes of seventeen bits at most: the two longest then become shorter together.
        let mut order: Vec<usize> =
            (0..=CATEGORIES).filter(|symbol| lengths.get(*symbol) > Some(&0)).collect();
        order.sort_by_key(|symbol| (lengths.get(*symbol).copied(), *symbol));
        let mut counts = [0usize; CATEGORIES + 1];
        for symbol in &order {
            if let Some(count) = lengths.get(*symbol).and_then(|length| counts.get_mut(*length)) {
                *count += 1;
            }
        }
        shorten(&mut counts);
        Huffman::canonical(&counts, &order)
    }

    /// Gives out the codes of each length in turn; the last, of all ones, stays unused.
    fn canonical(counts: &[usize; CATEGORIES + 1], order: &[usize]) -> Huffman {
        let mut table = Huffman { counts: [0; 16], symbols: Vec::new(), codes: [(0, 0); CATEGORIES] };
        let mut code = 0u16;
        let mut symbols = order.iter().filter(|symbol| **symbol < CATEGORIES);
        let all = order.len() - 1;
        for (length, count) in counts.iter().enumerate().skip(1).take(16) {
            for _ in 0..*count {
                if table.symbols.len() == all {
                    break;
                }
                let Some(&symbol) = symbols.next() else { break };
                table.symbols.push(symbol as u8);
                if let (Some(to), Some(here)) =
                    (table.codes.get_mut(symbol), table.counts.get_mut(length - 1))
                {
                    *to = (code, length as u8);
                    *here += 1;
                }
                code = code.wrapping_add(1);
            }
            code <<= 1;
        }
        table
    }
}

/// Brings codes of seventeen bits to sixteen (T.81 figure K.3).
fn shorten(counts: &mut [usize; CATEGORIES + 1]) {
    let [shorter @ .., sixteen, seventeen] = counts.as_mut_slice() else { return };
    while *seventeen > 0 {
        let Some(at) = shorter.iter().rposition(|count| *count > 0) else { return };
        *seventeen -= 2;
        *sixteen += 1;
        if let Some(count) = shorter.get_mut(at) {
            *count -= 1;
        }
        match shorter.get_mut(at + 1) {
            Some(count) => *count += 2,
            None => *sixteen += 2,
        }
    }
}

/// Bits of the entropy-coded segment, a zero stuffed after every byte of ones.
struct Bits<'a> {
    bytes: &'a mut Vec<u8>,
    window: u64,
    filled: u32,
}

impl Bits<'_> {
    fn put(&mut self, value: u32, count: u32) {
        self.window = self.window << count | u64::from(value);
        self.filled += count;
        while self.filled >= 8 {
            self.filled -= 8;
            let byte = (self.window >> self.filled) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Fills the last byte up with ones (T.81 F.1.2.3).
    fn end(mut self) {
        let missing = (8 - self.filled) % 8;
        self.put((1 << missing) - 1, missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_prefix_free_and_never_all_ones() {
        let mut steep = [0u64; CATEGORIES];
        steep.iter_mut().enumerate().for_each(|(n, count)| *count = 1 << (2 * n));
        let mut even = [1u64; CATEGORIES];
        even[3] = 1000;
        let mut one = [0u64; CATEGORIES];
        one[0] = 5;
        for frequencies in [steep, even, one] {
            let table = Huffman::for_frequencies(&frequencies);
            let used = frequencies.iter().filter(|count| **count > 0).count();
            assert_eq!(table.symbols.len(), used);
            let mut room = 0f64;
            for (frequency, (code, length)) in frequencies.iter().zip(table.codes) {
                assert_eq!(*frequency > 0, length > 0);
                if length > 0 {
                    assert!(length <= 16 && u32::from(code) < (1 << length) - 1, "{code:b} {length}");
                    room += 0.5f64.powi(length.into());
                }
            }
            assert!(room < 1.0);
        }
    }
}
