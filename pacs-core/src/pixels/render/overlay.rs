//! Overlay planes: groups 6000 to 601E (PS3.3 C.9.2).

use super::canvas::Canvas;
use crate::dataset::DataSet;
use crate::pixels::decode::Frame;
use crate::{Tag, tags};
use bytes::Bytes;
use std::ops::Range;

/// The bits of one plane that lie over one frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overlay {
    pub(super) group: u16,
    columns: usize,
    rows: usize,
    /// The image's pixel under the plane's first one, counted from 0.
    left: i64,
    top: i64,
    bits: Bits,
}

/// Where the bits are.
#[derive(Debug, Clone, PartialEq)]
enum Bits {
    /// Eight in a byte, the first one lowest, from that bit on.
    Packed { bytes: Bytes, first: usize },
    /// One in every word of the image, where it is that bit (retired).
    Embedded { bit: u16 },
}

impl Overlay {
    /// The planes that the data set has for a frame, counted from 0.
    pub(super) fn all(set: &DataSet, frame: u32) -> Vec<Overlay> {
        groups().filter_map(|group| Overlay::read(set, group, frame)).collect()
    }

    /// The groups that a presentation state puts on one of its layers (60xx,1001).
    pub(super) fn activated(state: &DataSet) -> Vec<u16> {
        groups().filter(|group| state.text(Tag(*group, 0x1001)).is_some()).collect()
    }

    fn read(set: &DataSet, group: u16, frame: u32) -> Option<Overlay> {
        let int = |element| set.int(Tag(group, element));
        let side = |element, of_image| {
            int(element).or_else(|| set.int(of_image)).and_then(|side| usize::try_from(side).ok())
        };
        let (rows, columns) = (side(0x0010, tags::ROWS)?, side(0x0011, tags::COLUMNS)?);
        let origin = set.ints(Tag(group, 0x0050));
        let [top, left] = [0, 1].map(|n| origin.get(n).map_or(0, |place| place - 1));
        let bits = match set.get(Tag(group, 0x3000)).map(|element| element.bytes()) {
            Some(bytes) => {
                let frames = int(0x0015).unwrap_or(1).max(1);
                let first_frame = int(0x0051).unwrap_or(1).max(1) - 1;
                // One plane lies over every frame, several over as many frames from the first one on.
                let plane = if frames == 1 { 0 } else { i64::from(frame) - first_frame };
                let plane = usize::try_from(plane).ok().filter(|_| plane < frames)?;
                let first = plane.checked_mul(rows.checked_mul(columns)?)?;
                Bits::Packed { bytes: bytes?.clone(), first }
            }
            None => {
                let bit = int(0x0102).and_then(|bit| u16::try_from(bit).ok())?;
                (int(0x0100)? > 1 && bit < 16).then_some(Bits::Embedded { bit })?
            }
        };
        Some(Overlay { group, columns, rows, left, top, bits })
    }

    /// Calls `mark` with the column and row of every pixel of the image that the plane marks.
    pub(super) fn each(&self, frame: &Frame, mut mark: impl FnMut(u32, u32)) {
        let layout = &frame.layout;
        let (first_row, rows) = visible(self.top, self.rows, layout.rows);
        let (first_column, columns) = visible(self.left, self.columns, layout.columns);
        for (row, y) in (first_row..).zip(rows) {
            for (column, x) in (first_column..).zip(columns.clone()) {
                if self.is_set(frame, y * self.columns + x) {
                    mark(column, row);
                }
            }
        }
    }

    fn is_set(&self, frame: &Frame, at: usize) -> bool {
        match &self.bits {
            Bits::Packed { bytes, first } => {
                let at = first + at;
                bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
            }
            Bits::Embedded { bit } => {
                let word = frame.bytes.as_chunks::<2>().0.get(at);
                frame.layout.sample_bytes() == 2
                    && word.is_some_and(|word| u16::from_le_bytes(*word) >> bit & 1 == 1)
            }
        }
    }

    /// Draws the plane in one grey level.
    pub(super) fn draw(&self, frame: &Frame, level: u8, canvas: &mut Canvas) {
        self.each(frame, |column, row| canvas.put(column, row, frame.layout.columns.into(), level));
    }
}

/// Which rows or columns of a plane that begins at `first` lie over those of the image, and the first of the image's
/// that they cover.
fn visible(first: i64, length: usize, of_image: u16) -> (u32, Range<usize>) {
    let length = length.min(usize::from(u16::MAX)) as i64;
    let start = first.saturating_neg().clamp(0, length);
    let end = i64::from(of_image).saturating_sub(first).clamp(start, length);
    (first.clamp(0, i64::from(of_image)) as u32, start as usize..end as usize)
}

fn groups() -> impl Iterator<Item = u16> {
    (0x6000..=0x601E).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::layout::{Layout, Photometric};
    use std::time::{Duration, Instant};

    #[test]
    fn what_lies_beside_the_image_costs_nothing() {
        let layout = Layout {
            rows: u16::MAX,
            columns: 1,
            samples: 1,
            bits_allocated: 8,
            bits_stored: 8,
            high_bit: 7,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
            frames: 1,
            float: false,
            words: false,
        };
        let side = usize::from(u16::MAX);
        let frame = Frame { layout, bytes: vec![0; side] };
        // Only the last column of the plane lies over the image.
        let mut bytes = vec![0; side * side / 8 + 1];
        let last_of_row_7 = 7 * side + side - 1;
        bytes[last_of_row_7 / 8] = 1 << (last_of_row_7 % 8);
        let bits = Bits::Packed { bytes: bytes.into(), first: 0 };
        let plane = Overlay { group: 0x6000, columns: side, rows: side, left: 1 - side as i64, top: 0, bits };
        let begun = Instant::now();
        let mut marked = Vec::new();
        for _ in 0..16 {
            plane.each(&frame, |column, row| marked.push((column, row)));
        }
        assert_eq!(marked, [(0, 7); 16]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let above = Overlay { top: -7, left: i64::MIN, ..plane.clone() };
        above.each(&frame, |_, _| panic!("it lies beside the image"));
        let above = Overlay { top: -7, ..plane };
        above.each(&frame, |column, row| assert_eq!((column, row), (0, 0)));
    }
}
