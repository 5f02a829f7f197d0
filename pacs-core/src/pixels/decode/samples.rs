//! Samples as codecs give them, written as the data set describes them.

use super::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};

/// A frame of interleaved samples that a codec fills, chroma given for every pixel.
///
/// Where codestream and data set disagree about the sign, the data set is believed: the low bits of a sample, as many
/// as the codestream states, are read as it says.
pub(super) struct Samples {
    layout: Layout,
    unused_bits: u32,
    bytes: Vec<u8>,
}

impl Samples {
    /// A frame for samples of `precision` bits with the width of Bits Allocated.
    ///
    /// # Errors
    /// `Malformed` when `precision` does not fit Bits Allocated, `Unsupported` for samples wider than 32 bits.
    pub(super) fn new(precision: u32, layout: &Layout) -> Result<Samples, PixelError> {
        if precision == 0 || precision > u32::from(layout.bits_allocated).min(32) {
            return Err(PixelError::malformed(format!(
                "samples of {precision} bits where {} are allocated",
                layout.bits_allocated
            )));
        }
        if !matches!(layout.sample_bytes(), 1 | 2 | 4) {
            let bits = layout.bits_allocated;
            return Err(PixelError::Unsupported(format!("compressed samples of {bits} bits")));
        }
        let length = usize::try_from(layout.frame_bytes()).unwrap_or(usize::MAX);
        Ok(Samples { layout: *layout, unused_bits: 32 - precision, bytes: vec![0; length] })
    }

    /// Puts one component of a row in its place. What is too long is left out.
    pub(super) fn put_row(&mut self, row: usize, component: usize, values: impl Iterator<Item = i32>) {
        let width = usize::from(self.layout.sample_bytes());
        let pixel_bytes = width * usize::from(self.layout.samples);
        let row_bytes = pixel_bytes * usize::from(self.layout.columns);
        let (unused, signed) = (self.unused_bits, self.layout.signed);
        let pixels = self.bytes.get_mut(row * row_bytes..(row + 1) * row_bytes).unwrap_or_default();
        let at = component * width;
        for (pixel, value) in pixels.chunks_exact_mut(pixel_bytes).zip(values) {
            let value = extended(value, unused, signed).to_le_bytes();
            if let (Some(to), Some(from)) = (pixel.get_mut(at..at + width), value.get(..width)) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Puts all samples, in the order of pixels and then components.
    pub(super) fn put_all(&mut self, values: impl Iterator<Item = i32>) {
        let (unused, signed) = (self.unused_bits, self.layout.signed);
        let values = values.map(|value| extended(value, unused, signed).to_le_bytes());
        match self.layout.sample_bytes() {
            1 => self.bytes.iter_mut().zip(values).for_each(|(to, [low, ..])| *to = low),
            2 => {
                let words = self.bytes.as_chunks_mut::<2>().0;
                words.iter_mut().zip(values).for_each(|(to, [low, high, ..])| *to = [low, high]);
            }
            _ => self.bytes.as_chunks_mut::<4>().0.iter_mut().zip(values).for_each(|(to, value)| *to = value),
        }
    }

    /// The frame, whose samples are what `photometric` says.
    pub(super) fn frame(self, photometric: Photometric) -> Frame {
        Frame { layout: self.layout.interleaved_as(photometric), bytes: self.bytes }
    }
}

/// The low bits of a sample as a number with or without a sign.
fn extended(sample: i32, unused_bits: u32, signed: bool) -> u32 {
    let left = (sample as u32) << unused_bits;
    if signed { ((left as i32) >> unused_bits) as u32 } else { left >> unused_bits }
}
