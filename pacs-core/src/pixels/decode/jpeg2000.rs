//! JPEG 2000 part 1 (ITU-T T.800), bare codestream or JP2 file.

use super::Frame;
use super::header::{self, Stated};
use super::samples;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use jpeg2k::{DecodeArea, DecodeParameters, Image};

/// The largest image that is decoded at once: of a mammogram the coefficients alone would take over 200 MB.
const WHOLE_SAMPLES: u64 = 4 << 20;
/// About as many samples are decoded at a time of a larger one.
const STRIP_SAMPLES: u64 = 2 << 20;
/// Most code-blocks are so high; strips that end within them decode them twice.
const CODE_BLOCK_ROWS: u64 = 64;

/// Whether the image is decoded at once.
fn is_whole(layout: &Layout) -> bool {
    layout.pixels() * u64::from(layout.samples) <= WHOLE_SAMPLES
}

/// What decoding takes beside its result: 32-bit coefficients of the image and of the tile; of a strip also those of
/// its surroundings, and a copy of the codestream.
pub(super) fn working_bytes(layout: &Layout) -> u64 {
    if is_whole(layout) {
        layout.pixels() * u64::from(layout.samples) * 8
    } else {
        STRIP_SAMPLES * 16 + layout.frame_bytes() / 2
    }
}

pub(super) fn decode(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    if is_whole(layout) {
        return at_once(encoded, layout);
    }
    let (stated, codestream) = checked(encoded, layout)?;
    let row_samples = u64::from(layout.columns) * u64::from(layout.samples);
    let strip_rows = (STRIP_SAMPLES / row_samples.max(1) / CODE_BLOCK_ROWS).max(1) * CODE_BLOCK_ROWS;
    let (left, above) = header::jpeg2000_origin(codestream)?;
    let mut bytes = Vec::with_capacity(usize::try_from(layout.frame_bytes()).unwrap_or(0));
    let mut described = *layout;
    for top in (0..layout.rows).step_by(usize::try_from(strip_rows).unwrap_or(usize::MAX)) {
        let rows = u64::from(layout.rows - top).min(strip_rows);
        let strip = Layout { rows: u16::try_from(rows).unwrap_or(layout.rows), ..*layout };
        let (from, columns) = (above.saturating_add(top.into()), left.saturating_add(layout.columns.into()));
        let area = DecodeArea::new(left, from, columns, from.saturating_add(strip.rows.into()));
        let decoded = part(codestream, stated.precision, &strip, Some(area))?;
        described = Layout { rows: layout.rows, ..decoded.layout };
        bytes.extend_from_slice(&decoded.bytes);
    }
    Ok(Frame { layout: described, bytes })
}

/// Decodes an image whatever its size. OpenJPEG knows no areas of High-Throughput JPEG 2000.
pub(super) fn at_once(encoded: &[u8], layout: &Layout) -> Result<Frame, PixelError> {
    let (stated, codestream) = checked(encoded, layout)?;
    part(codestream, stated.precision, layout, None)
}

/// The codestream of the image that the data set describes.
fn checked<'a>(encoded: &'a [u8], layout: &Layout) -> Result<(Stated, &'a [u8]), PixelError> {
    let (stated, start) = header::jpeg2000(encoded)?;
    stated.agree(layout)?;
    // A JP2 file's boxes are against PS3.5 A.4.4 and say nothing the data set does not: only the codestream counts.
    Ok((stated, encoded.get(start..).unwrap_or_default()))
}

/// Decodes an area of the image, or all of it; `layout` describes what comes out.
fn part(
    codestream: &[u8],
    precision: u32,
    layout: &Layout,
    area: Option<DecodeArea>,
) -> Result<Frame, PixelError> {
    let parameters = DecodeParameters::new().strict(false).decode_area(area);
    let image = Image::from_bytes_with(codestream, parameters)
        .map_err(|error| PixelError::malformed(format!("JPEG 2000: {error}")))?;
    let pixels = usize::try_from(layout.pixels()).unwrap_or(usize::MAX);
    let planes: Vec<&[i32]> = image
        .components()
        .iter()
        .map(|component| component.data())
        .filter(|plane| plane.len() == pixels)
        .collect();
    if planes.len() != usize::from(layout.samples) {
        return Err(PixelError::Unsupported("JPEG 2000 with components of different size".to_owned()));
    }
    let interleaved = (0..pixels).flat_map(|n| planes.iter().filter_map(move |plane| plane.get(n).copied()));
    samples::write(interleaved, precision, layout, after_transform(layout.photometric))
}

/// The codestream's own colour transform is undone by the decoder.
fn after_transform(photometric: Photometric) -> Photometric {
    match photometric {
        Photometric::YbrRct | Photometric::YbrIct => Photometric::Rgb,
        other => other,
    }
}
