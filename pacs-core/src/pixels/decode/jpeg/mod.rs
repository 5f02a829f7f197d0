//! JPEG (ITU-T T.81): baseline, extended, progressive and lossless. Which of them a stream is, its frame marker says
//! and not the transfer syntax: objects that say lossless and are not are common.

mod baseline;
mod bits;
mod dct;
mod lossless;
mod progressive;
mod segments;
mod transform;

use super::header::{self, JpegHeader};
use super::samples::Samples;
use super::{Frame, within};
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use crate::pixels::ybr;
use bytes::Bytes;

const BASELINE: u8 = 0xC0;
const EXTENDED: u8 = 0xC1;
const PROGRESSIVE: u8 = 0xC2;
const LOSSLESS: u8 = 0xC3;

/// What decoding takes beside its result where all coefficients are there at once: they, of 16 bits, and the samples of
/// a component.
pub(super) fn progressive_bytes(layout: &Layout) -> u64 {
    // Blocks are filled up to whole units of the sampling factors.
    let side = |pixels: u16| u64::from(pixels).next_multiple_of(32);
    side(layout.rows) * side(layout.columns) * u64::from(layout.samples) * 4
}

/// What decoding takes beside its result where blocks are decoded row by row: the samples of eight bits, and rows.
pub(super) fn sequential_bytes(layout: &Layout) -> u64 {
    const ROWS: u64 = 256;
    (layout.pixels() + ROWS * u64::from(layout.columns)) * u64::from(layout.samples)
}

pub(super) fn decode(encoded: Bytes, layout: &Layout, budget_bytes: u64) -> Result<Frame, PixelError> {
    let header = header::jpeg(&encoded)?;
    header.stated.agree(layout)?;
    let precision = header.stated.precision;
    if header.process == LOSSLESS {
        return Ok(lossless::decode(&encoded, precision, layout)?.frame(layout.photometric));
    }
    let row_by_row = header.process != PROGRESSIVE && header.interleaved && precision == 8;
    let beside = if row_by_row { sequential_bytes(layout) } else { progressive_bytes(layout) };
    within(layout.frame_bytes() + beside, budget_bytes)?;
    match (header.process, precision) {
        (BASELINE | EXTENDED | PROGRESSIVE, 8) => {
            dct::check(&encoded, layout, header.process == PROGRESSIVE)?;
            let mut decoded = baseline::decode(encoded, &header)?;
            let mut photometric = layout.photometric;
            if layout.samples == 3 {
                if is_ybr(&header, layout) {
                    ybr::full_to_rgb(&mut decoded);
                }
                photometric = Photometric::Rgb;
            }
            if layout.bits_allocated == 8 {
                return Ok(Frame { layout: layout.interleaved_as(photometric), bytes: decoded });
            }
            let mut samples = Samples::new(precision, layout)?;
            samples.put_all(decoded.into_iter().map(i32::from));
            Ok(samples.frame(photometric))
        }
        (EXTENDED | PROGRESSIVE, 12) => {
            let samples = dct::decode(&encoded, precision, layout, header.process == PROGRESSIVE)?;
            Ok(samples.frame(layout.photometric))
        }
        (process, precision) => Err(PixelError::Unsupported(format!(
            "JPEG of the process with marker FF{process:02X} and {precision} bits"
        ))),
    }
}

/// Whether three components are luma and chroma. The stream's own markers are believed first; without them
/// Photometric Interpretation decides.
fn is_ybr(header: &JpegHeader, layout: &Layout) -> bool {
    match header.adobe_transform {
        Some(transform) => transform != 0,
        None => !header.is_named_rgb() && (header.jfif || layout.photometric != Photometric::Rgb),
    }
}

fn broken(what: &str) -> PixelError {
    PixelError::malformed(format!("JPEG: {what}"))
}
