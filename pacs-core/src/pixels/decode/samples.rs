//! Samples as codecs give them, written as the data set describes them.

use super::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};

/// Writes interleaved samples of `precision` bits with the width of Bits Allocated. Where codestream and data set
/// disagree about the sign, the data set is believed: the low `precision` bits are read as it says.
///
/// # Errors
/// `Malformed` when `precision` does not fit Bits Allocated.
pub(super) fn write(
    samples: impl Iterator<Item = i32>,
    precision: u32,
    layout: &Layout,
    photometric: Photometric,
) -> Result<Frame, PixelError> {
    if precision == 0 || precision > u32::from(layout.bits_allocated).min(32) {
        return Err(PixelError::malformed(format!(
            "samples of {precision} bits where {} are allocated",
            layout.bits_allocated
        )));
    }
    let unused = 32 - precision;
    let read = |sample: i32| {
        let left = (sample as u32) << unused;
        if layout.signed { ((left as i32) >> unused) as u32 } else { left >> unused }
    };
    let mut bytes = Vec::with_capacity(usize::try_from(layout.frame_bytes()).unwrap_or(0));
    match layout.sample_bytes() {
        1 => bytes.extend(samples.map(|sample| read(sample) as u8)),
        2 => samples.for_each(|sample| bytes.extend_from_slice(&(read(sample) as u16).to_le_bytes())),
        4 => samples.for_each(|sample| bytes.extend_from_slice(&read(sample).to_le_bytes())),
        width => return Err(PixelError::Unsupported(format!("compressed samples of {width} bytes"))),
    }
    Ok(Frame { layout: layout.interleaved_as(photometric), bytes })
}
