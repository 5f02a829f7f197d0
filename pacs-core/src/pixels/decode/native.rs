//! Native pixel data (PS3.5 8.1): byte order, single bits, shared chroma.

use super::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use bytes::Bytes;
use std::io::Read;

pub(super) fn decode(
    mut encoded: Bytes,
    first_bit: u8,
    big_endian: bool,
    layout: &Layout,
) -> Result<Frame, PixelError> {
    let needed = (u64::from(first_bit) + layout.native_frame_bits()).div_ceil(8);
    let there = encoded.len();
    let needed = usize::try_from(needed)
        .ok()
        .filter(|needed| *needed <= there)
        .ok_or_else(|| PixelError::malformed(format!("{there} of {needed} bytes of the frame are there")))?;
    encoded.truncate(needed);
    if layout.bits_allocated == 1 {
        return Ok(unpack_bits(&encoded, first_bit, layout));
    }
    // Not copied when nobody else holds them.
    let mut bytes = Vec::from(encoded);
    if big_endian {
        to_little_endian(&mut bytes, layout);
    }
    match layout.photometric {
        Photometric::YbrFull422 if layout.samples == 3 => spread_chroma(&bytes, layout),
        _ => Ok(Frame { layout: *layout, bytes }),
    }
}

/// Inflates one frame, never beyond the size it is described with.
pub(super) fn inflate(encoded: &[u8], layout: &Layout) -> Result<Vec<u8>, PixelError> {
    let most = layout.native_frame_bits().div_ceil(8);
    let mut bytes = Vec::with_capacity(usize::try_from(most).unwrap_or(0));
    flate2::read::DeflateDecoder::new(encoded)
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| PixelError::malformed(format!("a deflated frame: {error}")))?;
    Ok(bytes)
}

/// Single bits, the first pixel in the lowest bit, become bytes of 0 and 1.
fn unpack_bits(packed: &[u8], first_bit: u8, layout: &Layout) -> Frame {
    let samples = layout.pixels() * u64::from(layout.samples);
    let bytes = packed
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1))
        .skip(usize::from(first_bit))
        .take(usize::try_from(samples).unwrap_or(0))
        .collect();
    Frame { layout: Layout { bits_allocated: 8, bits_stored: 1, high_bit: 0, ..*layout }, bytes }
}

/// Swaps the bytes of each word. Samples of eight bits in words (VR OW) lie swapped in pairs too.
fn to_little_endian(bytes: &mut [u8], layout: &Layout) {
    let word = match layout.sample_bytes() {
        1 if layout.words => 2,
        width => usize::from(width),
    };
    for word in bytes.chunks_exact_mut(word) {
        word.reverse();
    }
}

/// Y1 Y2 Cb Cr for two pixels of a row becomes Y1 Cb Cr, Y2 Cb Cr.
fn spread_chroma(bytes: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    if layout.bits_allocated != 8 {
        return Err(PixelError::Unsupported(format!(
            "YBR_FULL_422 with {} bits allocated",
            layout.bits_allocated
        )));
    }
    if layout.columns % 2 == 1 {
        return Err(PixelError::malformed("YBR_FULL_422 with an odd number of columns"));
    }
    let (groups, _) = bytes.as_chunks::<4>();
    let bytes = groups.iter().flat_map(|[y1, y2, cb, cr]| [*y1, *cb, *cr, *y2, *cb, *cr]).collect();
    Ok(Frame { layout: layout.interleaved_as(Photometric::YbrFull), bytes })
}
