//! RLE Lossless (PS3.5 annex G): every byte of every sample is a plane of its own, packed by PackBits.

use super::{Encoded, output};
use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::rle::{HEADER_BYTES, MAX_SEGMENTS};

pub(super) fn encode(frame: &Frame) -> Result<Encoded, PixelError> {
    let layout = &frame.layout;
    let sample_bytes = usize::from(layout.sample_bytes());
    let segments = sample_bytes * usize::from(layout.samples);
    if segments > MAX_SEGMENTS {
        return Err(PixelError::Unencodable(format!("a pixel of {segments} bytes in RLE")));
    }
    let pixels = usize::try_from(layout.pixels()).unwrap_or(usize::MAX);
    let (start_of_a_sample, between_pixels) =
        if layout.planar { (pixels * sample_bytes, sample_bytes) } else { (sample_bytes, segments) };
    let mut bytes = output(layout);
    bytes.resize(HEADER_BYTES, 0);
    let mut header = vec![segments as u32];
    let mut row = Vec::with_capacity(usize::from(layout.columns));
    for segment in 0..segments {
        header.push(u32::try_from(bytes.len()).map_err(|_| PixelError::malformed("too large for RLE"))?);
        // The most significant byte comes first, and lies last in the frame.
        let (sample, significance) = (segment / sample_bytes, segment % sample_bytes);
        let first = sample * start_of_a_sample + (sample_bytes - 1 - significance);
        for y in 0..usize::from(layout.rows) {
            let start = first + y * usize::from(layout.columns) * between_pixels;
            row.clear();
            row.extend(
                frame.bytes.iter().skip(start).step_by(between_pixels).take(usize::from(layout.columns)),
            );
            pack(&row, &mut bytes);
        }
        if !bytes.len().is_multiple_of(2) {
            bytes.push(0);
        }
    }
    for (to, word) in bytes.chunks_exact_mut(4).zip(header) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    Ok(Encoded { bytes, photometric: layout.interleaved_as(layout.photometric).photometric })
}

/// PackBits of one row, which PS3.5 G.3.1 wants each by itself: runs of three and more, everything else literal.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    const LONGEST: usize = 128;
    let mut left = row;
    while let Some(first) = left.first() {
        let run = left.iter().take(LONGEST).take_while(|byte| *byte == first).count();
        let length = if run >= 3 {
            out.extend([(257 - run) as u8, *first]);
            run
        } else {
            // A run that begins later is not met by this literal.
            let ahead = left.get(..LONGEST + 2).unwrap_or(left);
            let runs = ahead.windows(3).position(|window| matches!(window, [a, b, c] if a == b && b == c));
            let length = runs.unwrap_or(left.len()).min(LONGEST);
            out.push((length - 1) as u8);
            out.extend_from_slice(left.get(..length).unwrap_or_default());
            length
        };
        left = left.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_long_row_costs_no_more_than_short_ones() {
        let row: Vec<u8> = (0..u16::MAX).map(|n| (n % 251) as u8).collect();
        let mut packed = Vec::new();
        let begun = Instant::now();
        for _ in 0..2000 {
            packed.clear();
            pack(&row, &mut packed);
        }
        assert_eq!(packed.len(), row.len() + row.len().div_ceil(128));
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}
