//! JPEG 2000 part 1 (ITU-T T.800), bare codestream or JP2 file; also what of T.814 its own decoder does not read.

use super::codestream::{self, Codestream};
use super::samples::Samples;
use super::{Frame, within};
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};
use crate::pixels::openjpeg::{self, Plane};

/// The largest image that is decoded at once: of a mammogram the coefficients alone would take over 200 MB.
const WHOLE_SAMPLES: u64 = 4 << 20;
/// Rows that are decoded at a time of a larger one.
const STRIP_ROWS: u16 = 64;
/// Strips that are decoded by one codec. It keeps the code-blocks that two strips share, but notes with every strip
/// once more where the bytes of each lie.
const STRIPS_TOGETHER: usize = 31;
/// About as many samples are decoded at a time of one in tiles, where each strip begins anew.
const TILED_STRIP_SAMPLES: u64 = 2 << 20;

/// What decoding at once takes beside its result: 32-bit coefficients of the image and of the tile.
fn whole_bytes(layout: &Layout) -> u64 {
    layout.pixels() * u64::from(layout.samples) * 8
}

/// What decoding in strips takes beside its result. Code-blocks above and below a strip reach into it, mostly of 64
/// rows in a subband, which are 128 of the image; they are held as they were coded and as the transform takes them.
fn strip_bytes(layout: &Layout, one_tile: bool) -> u64 {
    const AROUND_BYTES: u64 = 256 * 11;
    const STRIP_BYTES: u64 = 21;
    let row_samples = u64::from(layout.columns) * u64::from(layout.samples);
    row_samples * (u64::from(strip_rows(layout, one_tile)) * STRIP_BYTES + AROUND_BYTES)
}

fn strip_rows(layout: &Layout, one_tile: bool) -> u16 {
    let row_samples = (u64::from(layout.columns) * u64::from(layout.samples)).max(1);
    let rows =
        if one_tile { 0 } else { u16::try_from(TILED_STRIP_SAMPLES / row_samples).unwrap_or(u16::MAX) };
    rows.next_multiple_of(STRIP_ROWS).clamp(STRIP_ROWS, layout.rows.max(STRIP_ROWS))
}

/// Whether the image is decoded at once.
fn is_whole(layout: &Layout) -> bool {
    layout.pixels() * u64::from(layout.samples) <= WHOLE_SAMPLES
        || whole_bytes(layout) <= strip_bytes(layout, true)
}

/// What decoding takes, the result included, but for tiles and their parts: samples, and the code-blocks of the whole
/// codestream.
fn working_sample_bytes(layout: &Layout, beside_bytes: u64, encoded_bytes: u64) -> u64 {
    layout.frame_bytes() + beside_bytes + encoded_bytes
}

/// What is held for tiles and their parts, and with each strip noted again.
fn working_structure_bytes(of_codestream: u64, at_once: bool) -> u64 {
    if at_once { of_codestream } else { of_codestream.saturating_mul(5) / 2 }
}

/// The same for what is decoded at once whatever its size.
pub(super) fn at_once_bytes(layout: &Layout, encoded_bytes: u64) -> u64 {
    working_sample_bytes(layout, whole_bytes(layout), encoded_bytes)
}

/// What decoding an ordinary codestream takes, its result included.
pub(super) fn working_bytes(layout: &Layout, encoded_bytes: u64, halvings: u32) -> u64 {
    let halved = layout.halved(halvings);
    let beside = if is_whole(&halved) { whole_bytes(&halved) } else { strip_bytes(&halved, true) };
    let structure = codestream::ordinary_structure_bytes(layout);
    working_sample_bytes(&halved, beside, encoded_bytes)
        + working_structure_bytes(structure, is_whole(&halved))
}

pub(super) fn decode(
    encoded: &[u8],
    layout: &Layout,
    halvings: u32,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    let codestream = codestream::inspect(encoded)?;
    codestream.stated.agree(layout)?;
    decode_inspected(&codestream, layout, halvings, budget_bytes)
}

/// Decodes a codestream that is what the data set describes.
pub(super) fn decode_inspected(
    codestream: &Codestream<'_>,
    layout: &Layout,
    halvings: u32,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    // Elsewhere on the grid sides are rounded otherwise.
    let halvings = if codestream.origin == [0, 0] { halvings.min(codestream.levels) } else { 0 };
    let halved = layout.halved(halvings);
    // OpenJPEG knows no areas of High-Throughput JPEG 2000.
    let at_once = is_whole(&halved) || codestream.high_throughput;
    let beside = if at_once { whole_bytes(&halved) } else { strip_bytes(&halved, codestream.one_tile) };
    let needed_bytes = working_sample_bytes(&halved, beside, codestream.bytes.len() as u64);
    let structure = working_structure_bytes(codestream.structure_bytes, at_once);
    within(needed_bytes.saturating_add(structure), budget_bytes)?;
    let strips = if at_once { vec![(None, halved.rows)] } else { strips(codestream, layout, halvings) };
    let mut bytes = Vec::with_capacity(usize::try_from(halved.frame_bytes()).unwrap_or(0));
    let mut described = halved;
    let mut take = |planes: &[Plane<'_>], rows: u16| {
        let strip = drawn(codestream, planes, &Layout { rows, ..halved })?;
        described = Layout { rows: halved.rows, ..strip.layout };
        // One strip needs no copy.
        if rows == halved.rows {
            bytes = strip.bytes;
        } else {
            bytes.extend_from_slice(&strip.bytes);
        }
        Ok(())
    };
    // OpenJPEG goes through several tiles once only, so each strip of them begins anew.
    for strips in strips.chunks(if codestream.one_tile { STRIPS_TOGETHER } else { 1 }) {
        let areas: Vec<_> = strips.iter().map(|(area, _)| *area).collect();
        let mut rows = strips.iter().map(|(_, rows)| *rows);
        openjpeg::decode(codestream.bytes, halvings, &areas, |planes| {
            take(planes, rows.next().unwrap_or_default())
        })?;
    }
    Ok(Frame { layout: described, bytes })
}

/// The area and the rows of each strip: areas are told in the image's own size, rows are those that come out.
fn strips(codestream: &Codestream<'_>, layout: &Layout, halvings: u32) -> Vec<(Option<[u32; 4]>, u16)> {
    let halved = layout.halved(halvings);
    let strip_rows = strip_rows(&halved, codestream.one_tile);
    let [left, above] = codestream.origin;
    let right = left.saturating_add(layout.columns.into());
    let strip = |top: u16| {
        let rows = strip_rows.min(halved.rows - top);
        let row = |row: u32| above.saturating_add((row << halvings).min(layout.rows.into()));
        (Some([left, row(top.into()), right, row(u32::from(top) + u32::from(rows))]), rows)
    };
    (0..halved.rows).step_by(usize::from(strip_rows)).map(strip).collect()
}

/// The samples of an image, or of a strip that `layout` describes.
fn drawn(codestream: &Codestream<'_>, planes: &[Plane<'_>], layout: &Layout) -> Result<Frame, PixelError> {
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
