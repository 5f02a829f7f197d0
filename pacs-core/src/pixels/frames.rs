//! Where each frame lies in pixel data.
//!
//! Native frames are computed. Encapsulated frames (PS3.5 A.4) come as fragments, and which fragments make a frame
//! is said by the extended offset table, by the basic offset table, by their count, or only by the markers that
//! start and end a compressed image.

use super::error::PixelError;
use super::layout::Layout;
use crate::dataset::Fragment;
use std::ops::Range;

/// Bytes of a native frame within the value of Pixel Data. Where frames are single bits the first byte may begin
/// with the end of the frame before: [`first_bit`] says how many bits to skip.
///
/// # Errors
/// `NoSuchFrame` past the last frame.
pub fn native_frame_range(layout: &Layout, frame: u32) -> Result<Range<u64>, PixelError> {
    if frame >= layout.frames {
        return Err(PixelError::NoSuchFrame { frame, frames: layout.frames });
    }
    let bits = layout.native_frame_bits();
    let first = u64::from(frame).checked_mul(bits);
    let end = first.and_then(|first| first.checked_add(bits));
    match (first, end) {
        (Some(first), Some(end)) => Ok(first / 8..end.div_ceil(8)),
        _ => Err(PixelError::malformed("the frames are larger than any value")),
    }
}

/// Bits of the first byte of [`native_frame_range`] that belong to the frame before: 0 unless Bits Allocated is 1.
pub fn first_bit(layout: &Layout, frame: u32) -> u8 {
    (u64::from(frame).wrapping_mul(layout.native_frame_bits()) % 8) as u8
}

/// What an encapsulated object says about where its frames begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct OffsetTables<'a> {
    /// Basic offset table: the first item's value, offsets from the first fragment's item tag.
    pub basic: &'a [u32],
    /// Extended Offset Table (7FE0,0001), the same as 64-bit numbers, one fragment a frame.
    pub extended: &'a [u64],
    /// Extended Offset Table Lengths (7FE0,0002): bytes of each frame without padding.
    pub extended_lengths: &'a [u64],
}

/// The fragments of every frame. `fragments` are those after the basic offset table, in order.
///
/// With a table, frames begin where it says. Without, one fragment is one frame when the counts agree, all fragments
/// are the one frame, or `starts` is asked for each fragment whether a compressed image begins in it (see
/// [`starts_image`]); the caller reads the first bytes of fragments only in that last case.
///
/// # Errors
/// `Malformed` when no rule gives every frame at least one fragment. Fewer frames than declared are returned as they
/// are: a truncated object still shows what it has.
pub fn encapsulated(
    fragments: &[Fragment],
    frames: u32,
    tables: OffsetTables<'_>,
    mut starts: impl FnMut(&Fragment) -> bool,
) -> Result<Vec<Vec<Fragment>>, PixelError> {
    let wanted = usize::try_from(frames).unwrap_or(usize::MAX);
    if fragments.is_empty() {
        return Err(PixelError::malformed("there are no fragments"));
    }
    if !tables.extended.is_empty()
        && let Some(found) = by_offsets(fragments, tables.extended.iter().copied(), wanted)
    {
        return Ok(cut_to_lengths(found, tables.extended_lengths));
    }
    // A table of one zero on several frames is written by some encoders instead of an empty one.
    if (tables.basic.len() > 1 || wanted == 1)
        && let Some(found) =
            by_offsets(fragments, tables.basic.iter().map(|offset| u64::from(*offset)), wanted)
    {
        return Ok(found);
    }
    if wanted == 1 {
        return Ok(vec![fragments.to_vec()]);
    }
    if fragments.len() <= wanted {
        return Ok(fragments.iter().map(|fragment| vec![*fragment]).collect());
    }
    let mut found: Vec<Vec<Fragment>> = Vec::new();
    for fragment in fragments {
        match found.last_mut() {
            Some(frame) if !starts(fragment) => frame.push(*fragment),
            _ => found.push(vec![*fragment]),
        }
    }
    if found.len() > wanted {
        return Err(PixelError::malformed(format!(
            "{} images begin in the fragments of {frames} frames",
            found.len()
        )));
    }
    Ok(found)
}

/// Whether a fragment begins a compressed image: JPEG and JPEG-LS (SOI and a marker), JPEG 2000 (SOC and SIZ, or the
/// signature box), JPEG XL (codestream or container).
pub fn starts_image(prefix: &[u8]) -> bool {
    const SIGNATURES: &[&[u8]] = &[
        &[0xFF, 0xD8, 0xFF],
        &[0xFF, 0x4F, 0xFF, 0x51],
        &[0x00, 0x00, 0x00, 0x0C, 0x6A, 0x50, 0x20, 0x20],
        &[0x00, 0x00, 0x00, 0x0C, 0x4A, 0x58, 0x4C, 0x20],
        &[0xFF, 0x0A],
    ];
    SIGNATURES.iter().any(|signature| prefix.starts_with(signature))
}

/// Frames begin at the fragments whose item tags lie at the offsets. `None` when the table does not fit.
fn by_offsets(
    fragments: &[Fragment],
    offsets: impl Iterator<Item = u64>,
    wanted: usize,
) -> Option<Vec<Vec<Fragment>>> {
    let first_item = fragments.first()?.offset.checked_sub(ITEM_HEADER_BYTES)?;
    let mut starts = offsets.peekable();
    if starts.peek() != Some(&0) {
        return None;
    }
    let mut found: Vec<Vec<Fragment>> = Vec::new();
    for fragment in fragments {
        let at = fragment.offset.checked_sub(ITEM_HEADER_BYTES)?.checked_sub(first_item)?;
        if starts.peek() == Some(&at) {
            starts.next();
            found.push(Vec::new());
        }
        found.last_mut()?.push(*fragment);
    }
    // Every offset must have met a fragment, or the table is of another object.
    (starts.peek().is_none() && found.len() == wanted).then_some(found)
}

/// Takes the padding off frames of one fragment each whose true length is known.
fn cut_to_lengths(mut frames: Vec<Vec<Fragment>>, lengths: &[u64]) -> Vec<Vec<Fragment>> {
    if lengths.len() == frames.len() {
        for (frame, length) in frames.iter_mut().zip(lengths) {
            if let [fragment] = frame.as_mut_slice()
                && *length > 0
            {
                fragment.length = fragment.length.min(*length);
            }
        }
    }
    frames
}

/// Tag and length before a fragment's content.
const ITEM_HEADER_BYTES: u64 = 8;
