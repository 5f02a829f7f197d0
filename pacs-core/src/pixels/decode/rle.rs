//! RLE Lossless (PS3.5 annex G): every byte of every sample is a plane of its own, packed by PackBits.

use super::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use crate::pixels::rle::{HEADER_BYTES, MAX_SEGMENTS};

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let sample_bytes = usize::from(layout.sample_bytes());
    let wanted = sample_bytes * usize::from(layout.samples);
    let segments = segments(encoded)?;
    if segments.len() != wanted {
        return Err(PixelError::malformed(format!(
            "{} RLE segments where {wanted} are needed",
            segments.len()
        )));
    }
    let pixels = usize::try_from(layout.pixels()).unwrap_or(usize::MAX);
    let mut bytes = vec![0; pixels * wanted];
    let mut plane = Vec::with_capacity(pixels);
    for (place, segment) in segments.into_iter().enumerate() {
        plane.clear();
        unpack(segment, pixels, &mut plane);
        if plane.len() < pixels {
            return Err(PixelError::malformed(format!(
                "an RLE segment of {} bytes for {pixels} pixels",
                plane.len()
            )));
        }
        // Segments hold the most significant byte first, the frame holds it last.
        let (sample, significance) = (place / sample_bytes, place % sample_bytes);
        let at = sample * sample_bytes + (sample_bytes - 1 - significance);
        for (pixel, byte) in bytes.chunks_exact_mut(wanted).zip(&plane) {
            if let Some(to) = pixel.get_mut(at) {
                *to = *byte;
            }
        }
    }
    Ok(Frame { layout: layout.interleaved_as(layout.photometric), bytes })
}

/// Cuts the frame at the offsets of its header.
fn segments(encoded: &[u8]) -> Result<Vec<&[u8]>, PixelError> {
    let (words, _) = encoded
        .get(..HEADER_BYTES)
        .ok_or_else(|| PixelError::malformed("an RLE header is cut short"))?
        .as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_le_bytes(*word) as usize);
    let count = words.next().unwrap_or(0);
    if count > MAX_SEGMENTS {
        return Err(PixelError::malformed(format!("{count} RLE segments")));
    }
    let starts: Vec<usize> = words.take(count).collect();
    let ends = starts.iter().skip(1).copied().chain([encoded.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| encoded.get(start..end).filter(|_| start >= HEADER_BYTES))
        .collect::<Option<_>>()
        .ok_or_else(|| PixelError::malformed("RLE segments lie outside the frame"))
}

/// PackBits, until `most` bytes are there or the input ends. What follows is padding.
fn unpack(mut packed: &[u8], most: usize, out: &mut Vec<u8>) {
    while out.len() < most
        && let Some((&control, rest)) = packed.split_first()
    {
        let room = most - out.len();
        match control {
            0..=127 => {
                let count = usize::from(control) + 1;
                let (literal, after) = rest.split_at(count.min(rest.len()));
                out.extend_from_slice(literal.get(..room.min(literal.len())).unwrap_or_default());
                packed = after;
            }
            128 => packed = rest,
            129..=255 => {
                let Some((&byte, after)) = rest.split_first() else { return };
                out.resize(out.len() + (257 - usize::from(control)).min(room), byte);
                packed = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::layout::Photometric;
    use proptest::prelude::*;

    fn layout(rows: u16, columns: u16, samples: u16, bits: u16) -> Layout {
        Layout {
            rows,
            columns,
            samples,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            signed: false,
            photometric: if samples == 3 { Photometric::Rgb } else { Photometric::Monochrome2 },
            planar: false,
            frames: 1,
            float: false,
            words: false,
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes, &layout(4, 4, 1, 16));
        }
    }

    #[test]
    fn a_bomb_yields_no_more_than_the_frame() {
        let layout = layout(2, 2, 1, 8);
        let mut encoded: Vec<u8> = [1u32, 64].iter().flat_map(|word| word.to_le_bytes()).collect();
        encoded.resize(64, 0);
        encoded.extend([0x81, 7].repeat(10_000));
        assert_eq!(decode(&encoded, &layout).unwrap().bytes, [7; 4]);
    }
}
