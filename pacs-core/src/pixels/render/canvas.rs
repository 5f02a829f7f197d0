//! What is drawn on.

use std::ops::Range;

/// Drawn pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canvas {
    /// One byte a pixel, 0 is black.
    Grey(Vec<u8>),
    /// Red, green, blue.
    Rgb(Vec<u8>),
}

/// A drawn frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The pixels.
    pub canvas: Canvas,
}

impl Canvas {
    /// Bytes of a pixel.
    pub(super) fn channels(&self) -> usize {
        match self {
            Canvas::Grey(_) => 1,
            Canvas::Rgb(_) => 3,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Canvas::Grey(bytes) | Canvas::Rgb(bytes) => bytes,
        }
    }

    /// A canvas of the same kind.
    pub(super) fn like(&self, bytes: Vec<u8>) -> Canvas {
        match self {
            Canvas::Grey(_) => Canvas::Grey(bytes),
            Canvas::Rgb(_) => Canvas::Rgb(bytes),
        }
    }

    fn pixel(&mut self, column: u32, row: u32, width: u32) -> Option<&mut [u8]> {
        let channels = self.channels();
        let at = (row as usize).checked_mul(width as usize)?.checked_add(column as usize)? * channels;
        match self {
            Canvas::Grey(bytes) | Canvas::Rgb(bytes) => bytes.get_mut(at..at + channels),
        }
    }

    /// Gives a pixel that grey level.
    pub(super) fn put(&mut self, column: u32, row: u32, width: u32, level: u8) {
        if let Some(pixel) = self.pixel(column, row, width) {
            pixel.fill(level);
        }
    }

    /// Gives a part of a row that grey level.
    pub(super) fn fill(&mut self, row: u32, columns: Range<u32>, width: u32, level: u8) {
        let channels = self.channels();
        let first = (row as usize).saturating_mul(width as usize);
        let at = |column: u32| first.saturating_add(column as usize).saturating_mul(channels);
        let (Canvas::Grey(bytes) | Canvas::Rgb(bytes)) = self;
        if let Some(pixels) = bytes.get_mut(at(columns.start)..at(columns.end)) {
            pixels.fill(level);
        }
    }

    /// Brings a pixel nearer to that grey level, by a share from 0 to 1.
    pub(super) fn blend(&mut self, column: u32, row: u32, width: u32, level: u8, share: f32) {
        if let Some(pixel) = self.pixel(column, row, width) {
            for channel in pixel {
                let from = f32::from(*channel);
                *channel = (from + (f32::from(level) - from) * share).round() as u8;
            }
        }
    }
}
