//! One frame of an instance, as it is stored.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use pacs_core::pixels::{Layout, PixelError, frames};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use pacs_core::uids;

use super::header::Header;
use super::instance::InstanceReader;
use super::pixels::PixelIndex;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;

/// The largest frame that is given as one piece, as stored and as its header says that it will be
/// when it is decoded: a mammogram of 4,915 by 5,928 pixels has 58 MB, and what is drawn is held two or
/// three times over. Whoever must send a larger one streams its [`Archive::frame_ranges`], or what is inflated at its
/// [`Archive::inflated_frame_range`].
const FRAME_BYTES: u64 = 64 << 20;
/// Header of an item between two fragments.
const ITEM_BYTES: u64 = 8;

/// The pixels of one frame.
#[derive(Debug, Clone)]
pub struct FrameBytes {
    /// Encoded as the transfer syntax says; native samples of up to eight bits follow each other from the first one on,
    /// whatever bytes and words they share in the value.
    pub bytes: Bytes,
    /// That of the instance; Explicit VR Little Endian when the instance is deflated.
    pub transfer_syntax: Uid,
    /// What the pixels mean.
    pub layout: Layout,
}

/// Where the pixels of an instance lie.
#[derive(Clone)]
pub enum PixelPlace {
    /// There are none.
    Nowhere,
    /// Uncompressed, at this range of the Part 10 file.
    Native(Range<u64>),
    /// Uncompressed in a data set that is deflated.
    Deflated,
    /// Compressed, in the fragments of frames.
    Fragments(FrameIndex),
}

/// Where each compressed frame of an instance lies. It holds the header: whoever goes through many instances
/// keeps one at a time.
#[derive(Clone)]
pub struct FrameIndex {
    header: Arc<Header>,
    head_bytes: u64,
    count: u32,
}

impl FrameIndex {
    /// How many frames there are; 0 when nothing tells which fragments are whose.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Where a frame, counted from 0, lies in the Part 10 file: several ranges when it was sent in several fragments.
    /// Not found past the last.
    pub fn ranges(&self, frame: u32) -> Result<Vec<Range<u64>>> {
        match &self.header.pixels {
            PixelIndex::Encapsulated { frames, .. } => fragments(frames, frame, self.head_bytes),
            _ => Err(Error::NotFound),
        }
    }
}

impl Archive {
    /// Where the pixels of an instance lie.
    pub async fn pixel_place(&self, place: &InstancePlace) -> Result<PixelPlace> {
        let header = self.parsed(place).await?;
        let head_bytes = place.place.head_bytes;
        Ok(match &header.pixels {
            PixelIndex::Native { offset, length } if *length > 0 => {
                let start = head_bytes.saturating_add(*offset);
                PixelPlace::Native(start..start.saturating_add(*length))
            }
            PixelIndex::Deflated { length, .. } if *length > 0 => PixelPlace::Deflated,
            // The first fragment is the offset table.
            PixelIndex::Encapsulated { fragments, frames } if fragments.len() > 1 => {
                let declared = Layout::from(&header.set).map_or(u32::MAX, |layout| layout.frames);
                let count = u32::try_from(frames.len()).unwrap_or(u32::MAX).min(declared);
                PixelPlace::Fragments(FrameIndex { header, head_bytes, count })
            }
            _ => PixelPlace::Nowhere,
        })
    }

    /// One frame, counted from 0, in the stored transfer syntax. Not found past the last frame or
    /// where there are no pixels; too large beyond 64 MiB.
    pub async fn frame(&self, place: &InstancePlace, frame: u32) -> Result<FrameBytes> {
        let header = self.parsed(place).await?;
        let layout = Layout::from(&header.set).map_err(odd)?;
        bound(layout.frame_bytes())?;
        let reader = self.open_instance(place).await?;
        if let PixelIndex::Deflated { offset, length } = &header.pixels {
            let bytes = inflate(&reader, native_place(&layout, frame, false, (*offset, *length))?).await?;
            let transfer_syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN)
                .map_err(|error| Error::internal("name a syntax", error))?;
            let bytes = frames::native_frame(bytes, &layout, frame, false);
            return Ok(FrameBytes { bytes, transfer_syntax, layout });
        }
        let big_endian = transfer_syntax::of(&place.transfer_syntax).big_endian;
        let ranges = ranges(&header, &layout, frame, big_endian, reader.head_bytes())?;
        bound(ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum())?;
        let bytes = read_ranges(&reader, &ranges).await?;
        let bytes = if matches!(header.pixels, PixelIndex::Native { .. }) {
            frames::native_frame(bytes, &layout, frame, big_endian)
        } else {
            bytes
        };
        Ok(FrameBytes { bytes, transfer_syntax: place.transfer_syntax.clone(), layout })
    }

    /// Where a frame, counted from 0, lies in the Part 10 file: several ranges when it was sent in
    /// several fragments. `None` when it does not lie anywhere as [`Archive::frame`] gives it: in a deflated data
    /// set, or begun within a byte or a word. Not found past the last frame or where there are no pixels.
    pub async fn frame_ranges(&self, place: &InstancePlace, frame: u32) -> Result<Option<Vec<Range<u64>>>> {
        let header = self.parsed(place).await?;
        let layout = Layout::from(&header.set).map_err(odd)?;
        let big_endian = transfer_syntax::of(&place.transfer_syntax).big_endian;
        let made = match header.pixels {
            PixelIndex::Deflated { .. } => true,
            PixelIndex::Native { .. } => {
                layout.bits_allocated == 1 || (big_endian && layout.words && layout.bits_allocated == 8)
            }
            PixelIndex::Encapsulated { .. } | PixelIndex::None => false,
        };
        if made {
            return Ok(None);
        }
        ranges(&header, &layout, frame, big_endian, place.place.head_bytes).map(Some)
    }

    /// Where a frame, counted from 0, of a deflated instance lies in its data set once that is inflated
    /// ([`InstanceReader::stream_inflated`]). `None` of any other instance, and when it begins within a byte. Not found
    /// past the last frame.
    pub async fn inflated_frame_range(
        &self,
        place: &InstancePlace,
        frame: u32,
    ) -> Result<Option<Range<u64>>> {
        let header = self.parsed(place).await?;
        let PixelIndex::Deflated { offset, length } = &header.pixels else { return Ok(None) };
        let layout = Layout::from(&header.set).map_err(odd)?;
        if layout.bits_allocated == 1 {
            return Ok(None);
        }
        native_place(&layout, frame, false, (*offset, *length)).map(Some)
    }
}

fn ranges(
    header: &Arc<Header>,
    layout: &Layout,
    frame: u32,
    big_endian: bool,
    head_bytes: u64,
) -> Result<Vec<Range<u64>>> {
    match &header.pixels {
        PixelIndex::None => Err(Error::NotFound),
        PixelIndex::Deflated { .. } => {
            Err(Error::Conflict("the frames of a deflated data set have no place".into()))
        }
        PixelIndex::Native { offset, length } => {
            let start = head_bytes.saturating_add(*offset);
            let place = native_place(layout, frame, big_endian, (start, *length))?;
            Ok(std::iter::once(place).collect())
        }
        PixelIndex::Encapsulated { frames, .. } => fragments(frames, frame, head_bytes),
    }
}

fn fragments(frames: &[Vec<(u64, u64)>], frame: u32, head_bytes: u64) -> Result<Vec<Range<u64>>> {
    let index = usize::try_from(frame).map_err(|_| Error::NotFound)?;
    let fragments = frames.get(index).ok_or(Error::NotFound)?;
    let range = |(offset, length): &(u64, u64)| {
        let start = head_bytes.saturating_add(*offset);
        start..start.saturating_add(*length)
    };
    Ok(fragments.iter().map(range).collect())
}

/// Where an uncompressed frame lies among the pixels that begin at `start` and are `length` bytes long.
fn native_place(
    layout: &Layout,
    frame: u32,
    big_endian: bool,
    (start, length): (u64, u64),
) -> Result<Range<u64>> {
    let range = frames::native_frame_range(layout, frame, big_endian).map_err(odd)?;
    if range.end > length {
        return Err(Error::NotFound);
    }
    Ok(start.saturating_add(range.start)..start.saturating_add(range.end))
}

/// A layout that is missing or odd is no frame to be found.
fn odd(error: PixelError) -> Error {
    tracing::debug!(%error, "a frame was asked for that cannot be told");
    Error::NotFound
}

fn bound(bytes: u64) -> Result<()> {
    if bytes > FRAME_BYTES {
        Err(Error::TooLarge("the frame is larger than 64 MiB".to_owned()))
    } else {
        Ok(())
    }
}

/// The ranges in one piece. Fragments that follow each other are read in one go.
async fn read_ranges(reader: &InstanceReader, ranges: &[Range<u64>]) -> Result<Bytes> {
    let [first, .., last] = ranges else {
        return match ranges {
            [only] => reader.read(only.clone()).await,
            _ => Err(Error::NotFound),
        };
    };
    let wanted: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    let span = last.end.saturating_sub(first.start);
    let mut whole = BytesMut::new();
    if span <= wanted.saturating_add(ITEM_BYTES * ranges.len() as u64) {
        let all = reader.read(first.start..last.end).await?;
        for range in ranges {
            let at = |offset: u64| usize::try_from(offset.saturating_sub(first.start)).unwrap_or(usize::MAX);
            whole.extend_from_slice(all.get(at(range.start)..at(range.end)).unwrap_or_default());
        }
    } else {
        for range in ranges {
            whole.extend_from_slice(&reader.read(range.clone()).await?);
        }
    }
    Ok(whole.freeze())
}

/// Bytes of a deflated data set (PS3.5 A.5), counted in the inflated stream. Given up with whoever waits for them.
async fn inflate(reader: &InstanceReader, range: Range<u64>) -> Result<Bytes> {
    let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut skip = range.start;
    let mut inflated = pin!(reader.stream_inflated());
    let mut bytes = Vec::with_capacity(wanted);
    while bytes.len() < wanted
        && let Some(mut piece) = inflated.try_next().await?
    {
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
        skip -= skipped as u64;
        let piece = piece.split_off(skipped);
        bytes.extend_from_slice(piece.get(..wanted - bytes.len()).unwrap_or(&piece));
    }
    if bytes.len() == wanted { Ok(bytes.into()) } else { Err(Error::NotFound) }
}
