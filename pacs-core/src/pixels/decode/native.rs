//! Native pixel data (PS3.5 8.1): byte order, single bits, shared chroma.

use super::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use crate::pixels::ybr;
use bytes::Bytes;
use std::io::Read;

pub(super) fn decode(mut encoded: Bytes, big_endian: bool, layout: &Layout) -> Result<Frame, PixelError> {
    let needed = layout.native_frame_bits().div_ceil(8);
    let there = encoded.len();
    let needed = usize::try_from(needed)
        .ok()
        .filter(|needed| *needed <= there)
        .ok_or_else(|| PixelError::malformed(format!("{there} of {needed} bytes of the frame are there")))?;
    encoded.truncate(needed);
    // Not copied when nobody else holds them.
    let mut bytes = Vec::from(encoded);
    if big_endian {
        to_little_endian(&mut bytes, layout.sample_bytes());
    }
    if layout.bits_allocated == 1 {
        return Ok(unpack_bits(&bytes, layout));
    }
    if layout.shares_chroma() { spread_chroma(&bytes, layout) } else { Ok(Frame { layout: *layout, bytes }) }
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
fn unpack_bits(packed: &[u8], layout: &Layout) -> Frame {
    let samples = layout.pixels() * u64::from(layout.samples);
    let bytes = packed
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1))
        .take(usize::try_from(samples).unwrap_or(0))
        .collect();
    Frame { layout: Layout { bits_allocated: 8, bits_stored: 1, high_bit: 0, ..*layout }, bytes }
}

/// Turns the bytes of each sample round.
fn to_little_endian(bytes: &mut [u8], sample_bytes: u16) {
    for sample in bytes.chunks_exact_mut(usize::from(sample_bytes)) {
        sample.reverse();
    }
}

/// Y1 Y2 Cb Cr for two pixels of a row becomes Y1 Cb Cr, Y2 Cb Cr.
fn spread_chroma(bytes: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    if layout.bits_allocated != 8 {
        return Err(PixelError::Unsupported(format!(
            "{} with {} bits allocated",
            layout.photometric.term().unwrap_or_default(),
            layout.bits_allocated
        )));
    }
    if layout.columns % 2 == 1 {
        return Err(PixelError::malformed("shared chroma with an odd number of columns"));
    }
    let (groups, _) = bytes.as_chunks::<4>();
    let mut bytes: Vec<u8> =
        groups.iter().flat_map(|[y1, y2, cb, cr]| [*y1, *cb, *cr, *y2, *cb, *cr]).collect();
    if layout.photometric == Photometric::YbrPartial422 {
        // No term names samples of this range with chroma for every pixel.
        ybr::partial_to_rgb(&mut bytes);
        return Ok(Frame { layout: layout.interleaved_as(Photometric::Rgb), bytes });
    }
    Ok(Frame { layout: layout.interleaved_as(Photometric::YbrFull), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(samples: u16, bits: u16, photometric: Photometric) -> Layout {
        Layout {
            rows: 1,
            columns: 4,
            samples,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            signed: false,
            photometric,
            planar: false,
            frames: 1,
            float: false,
            words: true,
        }
    }

    #[test]
    fn samples_are_turned_round() {
        let encoded = Bytes::from_static(&[0, 1, 0, 2, 0, 3, 1, 0]);
        let layout = layout(1, 16, Photometric::Monochrome2);
        assert_eq!(decode(encoded.clone(), true, &layout).unwrap().bytes, [1, 0, 2, 0, 3, 0, 0, 1]);
        assert_eq!(decode(encoded.clone(), false, &layout).unwrap().bytes, encoded);
        let cut = decode(encoded.slice(..7), true, &layout);
        assert!(matches!(cut, Err(PixelError::Malformed(_))), "{cut:?}");
    }

    #[test]
    fn shared_chroma_is_spread() {
        let encoded = Bytes::from_static(&[10, 20, 128, 128, 30, 40, 128, 128]);
        let full = decode(encoded.clone(), false, &layout(3, 8, Photometric::YbrFull422)).unwrap();
        assert_eq!(full.bytes, [10, 128, 128, 20, 128, 128, 30, 128, 128, 40, 128, 128]);
        assert_eq!(full.layout.photometric, Photometric::YbrFull);
        let partial = decode(encoded, false, &layout(3, 8, Photometric::YbrPartial422)).unwrap();
        assert_eq!(partial.bytes[3..], [5, 5, 5, 16, 16, 16, 28, 28, 28]);
        assert_eq!(partial.layout.photometric, Photometric::Rgb);
    }
}
