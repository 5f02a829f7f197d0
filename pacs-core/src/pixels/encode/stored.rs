//! The samples of a frame as codecs take them.

use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};

/// A frame with samples of at most sixteen bits, read row by row.
pub(super) struct Stored<'a> {
    frame: &'a Frame,
    /// Bits that hold every sample: Bits Stored, or Bits Allocated where there is something beside the stored bits.
    pub(super) precision: u32,
}

impl<'a> Stored<'a> {
    /// # Errors
    /// `Unencodable` for wider samples.
    pub(super) fn of(frame: &'a Frame) -> Result<Stored<'a>, PixelError> {
        let layout = &frame.layout;
        let (allocated, stored) = (u32::from(layout.bits_allocated), u32::from(layout.bits_stored));
        if !matches!(allocated, 8 | 16) {
            return Err(PixelError::Unencodable(format!("samples of {allocated} bits")));
        }
        let range = if layout.signed { -(1 << (stored - 1))..1 << (stored - 1) } else { 0..1 << stored };
        let whole = numbers(&frame.bytes, layout).all(|sample| range.contains(&sample));
        Ok(Stored { frame, precision: if whole { stored } else { allocated } })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.frame.layout
    }

    /// Bits of the samples without sign, for codecs that know none: two's complement in all allocated bits, which
    /// decoders read as what the data set says without knowing Bits Stored. At least two.
    pub(super) fn unsigned_precision(&self) -> u32 {
        let layout = self.layout();
        if layout.signed { u32::from(layout.bits_allocated) } else { self.precision.max(2) }
    }

    /// The samples of a row, interleaved by pixel, in place of what `row` held.
    pub(super) fn row(&self, y: usize, row: &mut Vec<i32>) {
        let layout = self.layout();
        let (columns, rows) = (usize::from(layout.columns), usize::from(layout.rows));
        let (samples, width) = (usize::from(layout.samples), usize::from(layout.sample_bytes()));
        row.clear();
        if !layout.planar {
            row.extend(self.numbers_at(y * columns * samples * width, columns * samples * width));
            return;
        }
        row.resize(columns * samples, 0);
        for component in 0..samples {
            let values = self.numbers_at((component * rows + y) * columns * width, columns * width);
            row.iter_mut().skip(component).step_by(samples).zip(values).for_each(|(to, value)| *to = value);
        }
    }

    /// As [`Stored::row`], the samples without sign.
    pub(super) fn unsigned_row(&self, y: usize, row: &mut Vec<i32>) {
        self.row(y, row);
        let mask = (1 << self.unsigned_precision()) - 1;
        row.iter_mut().for_each(|sample| *sample &= mask);
    }

    fn numbers_at(&self, start: usize, length: usize) -> impl Iterator<Item = i32> {
        numbers(self.frame.bytes.get(start..start + length).unwrap_or_default(), self.layout())
    }

    /// Whether a codec of the JPEG 2000 family turns the components into luma and chroma: ordinary colours, for which
    /// it pays.
    pub(super) fn is_decorrelated(&self) -> bool {
        let layout = self.layout();
        layout.photometric == Photometric::Rgb && layout.samples == 3 && !layout.signed && self.precision >= 8
    }
}

fn numbers(bytes: &[u8], layout: &Layout) -> impl Iterator<Item = i32> {
    let signed = layout.signed;
    bytes.chunks_exact(usize::from(layout.sample_bytes())).map(move |sample| match (sample, signed) {
        ([low, high], false) => i32::from(u16::from_le_bytes([*low, *high])),
        ([low, high], true) => i32::from(i16::from_le_bytes([*low, *high])),
        ([byte], true) => i32::from(*byte as i8),
        ([byte, ..], _) => i32::from(*byte),
        ([], _) => 0,
    })
}
