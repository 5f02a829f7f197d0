//! JPEG extended sequential with twelve bits (ITU-T T.81 process 4), one component: what …1.2.4.51 is used for.

use super::header::JpegHeader;
use crate::pixels::error::PixelError;

/// Coefficients of a block.
type Block = [f32; 64];

/// Row-major places of the coefficients in the order of the stream (T.81 figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Decodes the samples in the order of the rows.
pub(super) fn decode(encoded: &[u8], header: &JpegHeader) -> Result<Vec<u16>, PixelError> {
    if header.stated.components != 1 {
        return Err(PixelError::Unsupported("12-bit JPEG in colour".to_owned()));
    }
    let tables = Tables::read(encoded)?;
    let (columns, rows) = (header.stated.columns as usize, header.stated.rows as usize);
    let blocks_across = columns.div_ceil(8);
    let stride = blocks_across * 8;
    let mut out = vec![0u16; stride * rows.div_ceil(8) * 8];
    let basis = cosines();
    let mut bits = Bits { bytes: tables.scan, window: 0, filled: 0 };
    let mut predictor = 0i32;
    for (n, origin) in (0..rows.div_ceil(8))
        .flat_map(|down| (0..blocks_across).map(move |across| down * 8 * stride + across * 8))
        .enumerate()
    {
        if tables.restart_interval > 0 && n > 0 && n % tables.restart_interval == 0 {
            bits.restart()?;
            predictor = 0;
        }
        let block = tables.block(&mut bits, &mut predictor)?;
        for (line, values) in inverse_transform(&block, &basis).as_chunks::<8>().0.iter().enumerate() {
            if let Some(to) = out.get_mut(origin + line * stride..origin + line * stride + 8) {
                for (to, value) in to.iter_mut().zip(values) {
                    *to = (value + 2048.0).round().clamp(0.0, 4095.0) as u16;
                }
            }
        }
    }
    Ok(out.chunks_exact(stride).take(rows).flat_map(|row| row.iter().take(columns).copied()).collect())
}

/// Quantisation and Huffman tables that the only scan uses.
struct Tables<'a> {
    quantisation: [u16; 64],
    dc: Huffman,
    ac: Huffman,
    restart_interval: usize,
    scan: &'a [u8],
}

impl<'a> Tables<'a> {
    /// Walks the marker segments, which [`super::header::jpeg`] has found whole.
    fn read(encoded: &'a [u8]) -> Result<Tables<'a>, PixelError> {
        let mut quantisation = [[0u16; 64]; 4];
        let mut huffman: [Huffman; 8] = Default::default();
        let (mut restart_interval, mut quantisation_of_component) = (0, 0);
        let mut left = encoded.get(2..).unwrap_or_default();
        while let [0xFF, marker, rest @ ..] = left {
            if matches!(marker, 0xFF | 0x01 | 0xD0..=0xD7) {
                left = left.get(if *marker == 0xFF { 1 } else { 2 }..).unwrap_or_default();
                continue;
            }
            let [high, low, ..] = rest else { break };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let segment = rest.get(2..length).unwrap_or_default();
            match marker {
                0xDB => read_quantisation(segment, &mut quantisation)
                    .ok_or_else(|| broken("quantisation table"))?,
                0xC4 => read_huffman(segment, &mut huffman).ok_or_else(|| broken("Huffman table"))?,
                0xDD => restart_interval = segment.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
                0xC1 => quantisation_of_component = usize::from(segment.get(8).copied().unwrap_or(0)),
                0xDA => {
                    let selector = usize::from(segment.get(2).copied().unwrap_or(0));
                    let [dc, ac] = [selector >> 4 & 3, 4 + (selector & 3)]
                        .map(|place| huffman.get_mut(place).map(std::mem::take).unwrap_or_default());
                    return Ok(Tables {
                        quantisation: *quantisation.get(quantisation_of_component & 3).unwrap_or(&[0; 64]),
                        dc,
                        ac,
                        restart_interval,
                        scan: rest.get(length..).unwrap_or_default(),
                    });
                }
                _ => {}
            }
            left = rest.get(length..).unwrap_or_default();
        }
        Err(broken("header"))
    }

    /// One block: its DC difference, then runs of zeros and AC coefficients, dequantised.
    fn block(&self, bits: &mut Bits<'_>, predictor: &mut i32) -> Result<Block, PixelError> {
        let mut block = [0.0; 64];
        let mut put = |at: usize, value: i32| {
            let place = ZIGZAG.get(at).and_then(|place| block.get_mut(usize::from(*place)));
            if let (Some(to), Some(scale)) = (place, self.quantisation.get(at)) {
                *to = value as f32 * f32::from(*scale);
            }
        };
        let size = self.dc.symbol(bits)?;
        *predictor = predictor.wrapping_add(bits.signed(size)?);
        put(0, *predictor);
        let mut at = 1;
        while at < 64 {
            let symbol = self.ac.symbol(bits)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => at += 16,
                (_, 0) => break,
                (zeros, size) => {
                    at += usize::from(zeros);
                    put(at, bits.signed(size)?);
                    at += 1;
                }
            }
        }
        Ok(block)
    }
}

fn read_quantisation(mut segment: &[u8], tables: &mut [[u16; 64]; 4]) -> Option<()> {
    while let [head, rest @ ..] = segment {
        let wide = head >> 4 != 0;
        let bytes = if wide { 128 } else { 64 };
        let values = rest.get(..bytes)?;
        let table = tables.get_mut(usize::from(head & 3))?;
        for (at, to) in table.iter_mut().enumerate() {
            *to = if wide {
                u16::from_be_bytes([*values.get(at * 2)?, *values.get(at * 2 + 1)?])
            } else {
                u16::from(*values.get(at)?)
            };
        }
        segment = rest.get(bytes..)?;
    }
    Some(())
}

fn read_huffman(mut segment: &[u8], tables: &mut [Huffman; 8]) -> Option<()> {
    while let [head, rest @ ..] = segment {
        let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let symbols = rest.get(16..16 + total)?;
        let place = usize::from(head >> 4 & 1) * 4 + usize::from(head & 3);
        *tables.get_mut(place)? = Huffman { counts, symbols: symbols.to_vec() };
        segment = rest.get(16 + total..)?;
    }
    Some(())
}

/// A Huffman table as the stream gives it: codes per length and symbols in order (T.81 annex C).
#[derive(Default)]
struct Huffman {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl Huffman {
    /// The canonical walk of T.81 F.2.2.3: codes of one length follow each other.
    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, PixelError> {
        let (mut code, mut first, mut index) = (0usize, 0usize, 0usize);
        for count in self.counts.map(usize::from) {
            code = code << 1 | bits.take(1)? as usize;
            if code < first + count {
                return self
                    .symbols
                    .get(index + (code - first))
                    .copied()
                    .ok_or_else(|| broken("Huffman code"));
            }
            index += count;
            first = (first + count) << 1;
        }
        Err(broken("Huffman code"))
    }
}

/// Bits of the entropy-coded segment, stuffed zero bytes taken out (T.81 F.1.2.3).
struct Bits<'a> {
    bytes: &'a [u8],
    window: u32,
    filled: u32,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, PixelError> {
        while self.filled < count {
            let byte = match self.bytes {
                [0xFF, 0x00, rest @ ..] => {
                    self.bytes = rest;
                    0xFF
                }
                [0xFF, ..] | [] => return Err(broken("scan: it ends early")),
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    *byte
                }
            };
            self.window = self.window << 8 | u32::from(byte);
            self.filled += 8;
        }
        self.filled -= count;
        Ok(self.window >> self.filled & ((1 << count) - 1))
    }

    /// A value of `size` bits in the representation of T.81 table F.1.
    fn signed(&mut self, size: u8) -> Result<i32, PixelError> {
        if size == 0 {
            return Ok(0);
        }
        if size > 16 {
            return Err(broken("coefficient"));
        }
        let value = self.take(u32::from(size))? as i32;
        Ok(if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value })
    }

    fn restart(&mut self) -> Result<(), PixelError> {
        (self.window, self.filled) = (0, 0);
        match self.bytes {
            [0xFF, 0xD0..=0xD7, rest @ ..] => {
                self.bytes = rest;
                Ok(())
            }
            _ => Err(broken("restart marker")),
        }
    }
}

/// `cosines()[x][u]`: half the scaled cosine of the inverse transform.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let scale = if u == 0 { std::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
            0.5 * scale * ((2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / 16.0).cos()
        })
    })
}

/// The inverse DCT (T.81 A.3.3), rows then columns.
fn inverse_transform(block: &Block, basis: &[[f32; 8]; 8]) -> Block {
    let dot = |left: &[f32; 8], right: [f32; 8]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f32>();
    let mut rows = [[0.0f32; 8]; 8];
    for (to, row) in rows.iter_mut().zip(block.as_chunks::<8>().0) {
        *to = std::array::from_fn(|x| basis.get(x).map_or(0.0, |cosines| dot(cosines, *row)));
    }
    let mut out = [0.0; 64];
    for (y, line) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        *line = std::array::from_fn(|x| {
            let column = rows.map(|row| row.get(x).copied().unwrap_or(0.0));
            basis.get(y).map_or(0.0, |cosines| dot(cosines, column))
        });
    }
    out
}

fn broken(what: &str) -> PixelError {
    PixelError::malformed(format!("12-bit JPEG: {what}"))
}
