//! JPEG-LS (ITU-T T.87), lossless and near-lossless.

use super::Frame;
use super::header;
use super::samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use charls::CharLS;

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let header = header::jpeg(encoded)?;
    header.stated.agree(layout)?;
    let precision = header.stated.precision;
    let decoded = CharLS::default()
        .decode(encoded)
        .map_err(|error| PixelError::malformed(format!("JPEG-LS: {error}")))?;
    let count = usize::from(layout.samples);
    let planes = header.interleave == 0 && count > 1;
    if precision > 8 {
        let (words, _) = decoded.as_chunks::<2>();
        let words: Vec<i32> = words.iter().map(|word| i32::from(u16::from_ne_bytes(*word))).collect();
        let words = if planes { samples::interleave(&words, count) } else { words };
        samples::write(words.into_iter(), precision, layout, layout.photometric)
    } else {
        let bytes = if planes { samples::interleave(&decoded, count) } else { decoded };
        samples::write(bytes.into_iter().map(i32::from), precision, layout, layout.photometric)
    }
}
