//! JPEG 2000 part 1 (ITU-T T.800), bare codestream or JP2 file; also what of T.814 its own decoder does not read.

use super::codestream::{self, Codestream};
use super::samples::Samples;
use super::{Frame, within};
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use crate::pixels::openjpeg;

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

/// What decoding at once takes beside its result: 32-bit coefficients of the image and of the tile.
fn whole_bytes(layout: &Layout) -> u64 {
    layout.pixels() * u64::from(layout.samples) * 8
}

/// What decoding in strips takes beside its result: coefficients of a strip and of its surroundings, and the
/// code-blocks of the whole codestream.
fn strip_bytes(layout: &Layout) -> u64 {
    STRIP_SAMPLES * 16 + layout.frame_bytes() / 2
}

/// What decoding an ordinary codestream takes beside its result.
pub(super) fn working_bytes(layout: &Layout) -> u64 {
    let coefficients = if is_whole(layout) { whole_bytes(layout) } else { strip_bytes(layout) };
    coefficients + codestream::ordinary_structure_bytes(layout)
}

pub(super) fn decode(encoded: &[u8], layout: &Layout, budget_bytes: u64) -> Result<Frame, PixelError> {
    let codestream = codestream::inspect(encoded)?;
    codestream.stated.agree(layout)?;
    decode_inspected(&codestream, layout, budget_bytes)
}

/// Decodes a codestream that is what the data set describes.
pub(super) fn decode_inspected(
    codestream: &Codestream<'_>,
    layout: &Layout,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    // OpenJPEG knows no areas of High-Throughput JPEG 2000.
    let at_once = is_whole(layout) || codestream.high_throughput;
    let coefficients = if at_once { whole_bytes(layout) } else { strip_bytes(layout) };
    let needed_bytes = layout.frame_bytes() + coefficients;
    within(needed_bytes.saturating_add(codestream.structure_bytes), budget_bytes)?;
    if at_once {
        return part(codestream, layout, None);
    }
    let row_samples = u64::from(layout.columns) * u64::from(layout.samples);
    let strip_rows = (STRIP_SAMPLES / row_samples.max(1) / CODE_BLOCK_ROWS).max(1) * CODE_BLOCK_ROWS;
    let [left, above] = codestream.origin;
    let mut bytes = Vec::with_capacity(usize::try_from(layout.frame_bytes()).unwrap_or(0));
    let mut described = *layout;
    for top in (0..layout.rows).step_by(usize::try_from(strip_rows).unwrap_or(usize::MAX)) {
        let rows = u64::from(layout.rows - top).min(strip_rows);
        let strip = Layout { rows: u16::try_from(rows).unwrap_or(layout.rows), ..*layout };
        let (from, columns) = (above.saturating_add(top.into()), left.saturating_add(layout.columns.into()));
        let area = [left, from, columns, from.saturating_add(strip.rows.into())];
        let decoded = part(codestream, &strip, Some(area))?;
        described = Layout { rows: layout.rows, ..decoded.layout };
        bytes.extend_from_slice(&decoded.bytes);
    }
    Ok(Frame { layout: described, bytes })
}

/// Decodes an area of the image, or all of it; `layout` describes what comes out.
fn part(codestream: &Codestream<'_>, layout: &Layout, area: Option<[u32; 4]>) -> Result<Frame, PixelError> {
    let planes = openjpeg::decode(codestream.bytes, area)
        .map_err(|why| PixelError::malformed(format!("JPEG 2000: {why}")))?;
    let size = (u32::from(layout.columns), u32::from(layout.rows));
    let whole = planes.iter().all(|plane| (plane.columns, plane.rows) == size);
    if planes.len() != usize::from(layout.samples) || !whole {
        return Err(PixelError::Unsupported("JPEG 2000 with components of different size".to_owned()));
    }
    let pixels = usize::try_from(layout.pixels()).unwrap_or(usize::MAX);
    let interleaved =
        (0..pixels).flat_map(|n| planes.iter().filter_map(move |plane| plane.samples.get(n).copied()));
    let mut samples = Samples::new(codestream.stated.precision, layout)?;
    samples.put_all(interleaved);
    Ok(samples.frame(colours(codestream, layout)))
}

/// What the samples are once the decoder has undone the component transform. A transform that the data set does not
/// tell of is undone all the same, so it is RGB then whatever the data set says.
fn colours(codestream: &Codestream<'_>, layout: &Layout) -> Photometric {
    match layout.photometric {
        Photometric::YbrRct | Photometric::YbrIct => Photometric::Rgb,
        _ if codestream.transformed && layout.samples == 3 => Photometric::Rgb,
        other => other,
    }
}
