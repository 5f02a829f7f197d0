//! Where each frame lies in pixel data.
//!
//! Native frames are computed. Encapsulated frames (PS3.5 A.4) come as fragments, and which fragments make a frame
//! is said by the extended offset table, by the basic offset table, by their count, or only by the markers that
//! start and end a compressed image.

use super::error::PixelError;
use super::layout::Layout;
use crate::dataset::Fragment;
use bytes::Bytes;
use std::ops::Range;

/// Bytes of a native frame within the value of Pixel Data. It may begin and end with bits of its neighbours, and takes
/// in whole words where samples were put into them in big endian: [`native_frame`] takes it out.
///
/// # Errors
/// `NoSuchFrame` past the last frame.
pub fn native_frame_range(layout: &Layout, frame: u32, big_endian: bool) -> Result<Range<u64>, PixelError> {
    if frame >= layout.frames {
        return Err(PixelError::NoSuchFrame { frame, frames: layout.frames });
    }
    let unit_bits = unit_bits(layout, big_endian);
    let bits = layout.native_frame_bits();
    let first = u64::from(frame).checked_mul(bits);
    let end = first.and_then(|first| first.checked_add(bits)?.checked_next_multiple_of(unit_bits));
    match (first, end) {
        (Some(first), Some(end)) => Ok(first / unit_bits * (unit_bits / 8)..end / 8),
        _ => Err(PixelError::malformed("the frames are larger than any value")),
    }
}

/// A native frame as [`super::decode()`] takes it, from the bytes of [`native_frame_range`]: samples of up to eight
/// bits follow each other from the first bit on, whatever words they lay in. Wider ones are left in their byte order.
pub fn native_frame(bytes: Bytes, layout: &Layout, frame: u32, big_endian: bool) -> Bytes {
    let unit_bits = unit_bits(layout, big_endian);
    let bits = layout.native_frame_bits();
    let skipped_bits = u64::from(frame).wrapping_mul(bits) % unit_bits;
    let wanted = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
    if unit_bits == 8 && layout.bits_allocated != 1 {
        return bytes;
    }
    // Not copied when nobody else holds them.
    let mut bytes = Vec::from(bytes);
    if unit_bits == 16 {
        bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.reverse());
    }
    bytes.drain(..bytes.len().min((skipped_bits / 8) as usize));
    if layout.bits_allocated == 1 {
        let shift = skipped_bits % 8;
        let mut next = 0;
        for byte in bytes.iter_mut().rev() {
            let own = std::mem::replace(byte, ((next << 8 | u16::from(*byte)) >> shift) as u8);
            next = u16::from(own);
        }
        let last = bytes.get_mut(wanted.wrapping_sub(1));
        if let (Some(last), true) = (last, !bits.is_multiple_of(8)) {
            *last &= (1 << (bits % 8)) - 1;
        }
    }
    bytes.truncate(wanted);
    bytes.into()
}

/// Bits of what cannot be told apart without its neighbours: a byte, and where smaller samples lie in words (VR OW)
/// whose bytes are swapped, a word.
fn unit_bits(layout: &Layout, big_endian: bool) -> u64 {
    if big_endian && layout.words && layout.bits_allocated <= 8 { 16 } else { 8 }
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
/// Frames begin where a table says that accounts for each of them. Without one, all fragments are the one frame, one
/// fragment is one frame when the counts agree, or `starts` is asked for each fragment whether a compressed image
/// begins in it (see [`starts_image`]); the caller reads the first bytes of fragments only in that last case. Where no
/// image is seen to begin, a table of fewer frames is believed, and without any each fragment is a frame.
///
/// # Errors
/// `Malformed` when there are no fragments, or when more images begin in them than frames are declared. Fewer frames
/// than declared are returned as they are: a truncated object still shows what it has.
pub fn encapsulated(
    fragments: &[Fragment],
    frames: u32,
    tables: OffsetTables<'_>,
    starts: impl FnMut(&Fragment) -> bool,
) -> Result<Vec<Vec<Fragment>>, PixelError> {
    let wanted = usize::try_from(frames).unwrap_or(usize::MAX);
    if fragments.is_empty() {
        return Err(PixelError::malformed("there are no fragments"));
    }
    let extended = by_offsets(fragments, tables.extended.iter().copied());
    if let Some(found) = extended.filter(|found| found.len() == wanted) {
        return Ok(cut_to_lengths(found, tables.extended_lengths));
    }
    let basic = by_offsets(fragments, tables.basic.iter().map(|offset| u64::from(*offset)));
    // A table of one zero on several frames is written by some encoders instead of an empty one.
    let by_table = basic.filter(|found| found.len() <= wanted && (found.len() > 1 || wanted == 1));
    if let Some(found) = by_table.as_ref().filter(|found| found.len() == wanted) {
        return Ok(found.clone());
    }
    if wanted == 1 {
        return Ok(vec![fragments.to_vec()]);
    }
    let one_each = || fragments.iter().map(|fragment| vec![*fragment]).collect();
    if by_table.is_none() && fragments.len() == wanted {
        return Ok(one_each());
    }
    let found = by_images(fragments, starts).or(by_table).unwrap_or_else(one_each);
    if found.len() > wanted {
        return Err(PixelError::malformed(format!(
            "{} images begin in the fragments of {frames} frames",
            found.len()
        )));
    }
    Ok(found)
}

/// Frames begin at the fragments in which an image does. `None` when it does in none.
fn by_images(
    fragments: &[Fragment],
    mut starts: impl FnMut(&Fragment) -> bool,
) -> Option<Vec<Vec<Fragment>>> {
    let mut found: Vec<Vec<Fragment>> = Vec::new();
    let mut seen = false;
    for fragment in fragments {
        let starts = starts(fragment);
        seen |= starts;
        match found.last_mut() {
            Some(frame) if !starts => frame.push(*fragment),
            _ => found.push(vec![*fragment]),
        }
    }
    seen.then_some(found)
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

/// Frames begin at the fragments whose item tags lie at the offsets, as far as there are fragments. `None` when the
/// table does not fit.
fn by_offsets(fragments: &[Fragment], offsets: impl Iterator<Item = u64>) -> Option<Vec<Vec<Fragment>>> {
    let first_item = fragments.first()?.offset.checked_sub(ITEM_HEADER_BYTES)?;
    let mut starts = offsets.peekable();
    if starts.peek() != Some(&0) {
        return None;
    }
    let mut found: Vec<Vec<Fragment>> = Vec::new();
    let mut end = 0;
    for fragment in fragments {
        let at = fragment.offset.checked_sub(ITEM_HEADER_BYTES)?.checked_sub(first_item)?;
        if starts.peek() == Some(&at) {
            starts.next();
            found.push(Vec::new());
        }
        found.last_mut()?.push(*fragment);
        end = at.saturating_add(ITEM_HEADER_BYTES).saturating_add(fragment.length);
    }
    // An offset that met no fragment is of one that was cut off, or the table is of another object.
    starts.all(|offset| offset >= end).then_some(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::decode;
    use crate::pixels::layout::Photometric;
    use crate::uid::Uid;

    /// Fragments of ten bytes each, one after another.
    fn fragments(count: u64) -> Vec<Fragment> {
        (0..count).map(|n| Fragment { offset: 100 + n * 18, length: 10 }).collect()
    }

    /// How many fragments each frame has; a compressed image begins in those that `starts` names.
    fn counts(fragments: &[Fragment], frames: u32, basic: &[u32], starts: &[u64]) -> Vec<usize> {
        let tables = OffsetTables { basic, ..OffsetTables::default() };
        let begins = |fragment: &Fragment| starts.contains(&((fragment.offset - 100) / 18));
        let found = encapsulated(fragments, frames, tables, begins).unwrap();
        found.iter().map(Vec::len).collect()
    }

    #[test]
    fn fragments_of_a_frame_stay_together_where_the_counts_do_not_match() {
        let basic = [0, 36, 72, 108];
        // Four frames of two fragments, and Number of Frames 8: by the images, else by the table.
        assert_eq!(counts(&fragments(8), 8, &basic, &[0, 2, 4, 6]), [2; 4]);
        assert_eq!(counts(&fragments(8), 8, &[], &[0, 1, 2, 3, 4, 5, 6, 7]), [1; 8]);
        assert_eq!(counts(&fragments(8), 9, &basic, &[]), [2; 4]);
        // Cut after half of its fragments; the table still tells of all.
        let whole = [0, 36, 72, 108, 144, 180, 216, 252];
        assert_eq!(counts(&fragments(7), 8, &whole, &[0, 2, 4, 6]), [2, 2, 2, 1]);
        assert_eq!(counts(&fragments(7), 8, &whole, &[]), [2, 2, 2, 1]);
        assert_eq!(counts(&fragments(7), 8, &[], &[0, 2, 4, 6]), [2, 2, 2, 1]);
        // Without images to be seen and without a table a fragment is a frame, as RLE wants it.
        assert_eq!(counts(&fragments(7), 8, &[], &[]), [1; 7]);
        assert_eq!(counts(&fragments(8), 8, &[0], &[]), [1; 8]);
        // A table of another object.
        assert_eq!(counts(&fragments(8), 8, &[0, 35], &[]), [1; 8]);
        let tables = OffsetTables::default();
        assert!(encapsulated(&fragments(3), 2, tables, |_| true).is_err(), "one image too many");
    }

    fn native(bits_allocated: u16, frames: u32) -> Layout {
        Layout {
            rows: 3,
            columns: 3,
            samples: 1,
            bits_allocated,
            bits_stored: bits_allocated,
            high_bit: bits_allocated - 1,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
            frames,
            float: false,
            words: true,
        }
    }

    /// The samples of each frame of three by three in a value of words.
    fn decoded(value: &[u8], bits_allocated: u16, frames: u32, big_endian: bool) -> Vec<Vec<u8>> {
        let layout = native(bits_allocated, frames);
        let syntax = if big_endian { "1.2.840.10008.1.2.2" } else { "1.2.840.10008.1.2.1" };
        (0..frames)
            .map(|frame| {
                let range = native_frame_range(&layout, frame, big_endian).unwrap();
                let bytes = Bytes::copy_from_slice(&value[range.start as usize..range.end as usize]);
                let bytes = native_frame(bytes, &layout, frame, big_endian);
                decode(bytes, &Uid::parse(syntax).unwrap(), &layout, 1 << 20).unwrap().bytes
            })
            .collect()
    }

    #[test]
    fn frames_that_share_bytes_and_words_come_out_whole() {
        let swapped = |value: &[u8]| value.as_chunks::<2>().0.iter().flat_map(|[a, b]| [*b, *a]).collect();
        for frames in 1..=5u32 {
            let samples = frames as usize * 9;
            // Eight bits: 1, 2, 3 and so on, and the padding of an odd length.
            let bytes: Vec<u8> = (1..=samples.next_multiple_of(2)).map(|n| n as u8).collect();
            let whole: Vec<Vec<u8>> =
                (0..frames as usize).map(|n| bytes[n * 9..n * 9 + 9].to_vec()).collect();
            assert_eq!(decoded(&bytes, 8, frames, false), whole);
            let big: Vec<u8> = swapped(&bytes);
            assert_eq!(decoded(&big, 8, frames, true), whole);
            // Single bits in a pattern that no shift repeats, with ones behind the last.
            let bit = |at: usize| u8::from(at >= samples || at * at % 7 < 3);
            let packed: Vec<u8> = (0..samples.div_ceil(16) * 2)
                .map(|byte| (0..8).map(|n| bit(byte * 8 + n) << n).sum())
                .collect();
            let whole: Vec<Vec<u8>> =
                (0..frames as usize).map(|n| (n * 9..n * 9 + 9).map(bit).collect()).collect();
            assert_eq!(decoded(&packed, 1, frames, false), whole);
            let big: Vec<u8> = swapped(&packed);
            assert_eq!(decoded(&big, 1, frames, true), whole);
        }
    }
}
