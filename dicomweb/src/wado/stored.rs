//! The stored bytes of instances, and what is said when they are gone.
//!
//! A row that leads to an instance does not make its bytes be there: a disk loses them, or cuts them short. That has
//! to be known before an answer begins, and it is damage, not the absence of something that never was.

use crate::error::Error;
use bytes::{Bytes, BytesMut};
use pacs_core::dataset::{DataSet, Fragment};
use pacs_core::pixels::Layout;
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax;
use std::ops::Range;
use std::sync::Arc;
use storage::{Archive, FrameBytes, InstancePlace, InstanceReader, PixelPlace};

/// Opens an instance as it was sent, whose bytes are there to the last one. Not found when it was deleted meanwhile.
pub async fn open(archive: &Archive, place: &InstancePlace) -> Result<InstanceReader, Error> {
    let reader = opened(archive, place).await?;
    let end = reader.length_bytes();
    read(&reader, place, end.saturating_sub(1)..end).await?;
    Ok(reader)
}

/// Opens an instance as it leaves when it is not encoded anew: as stored, or with a corrected header.
pub async fn leaving(archive: &Archive, place: &InstancePlace) -> Result<InstanceReader, Error> {
    let reader = archive.open_leaving(place, CharacterSet::UTF_8).await;
    let reader = reader.map_err(|error| Error::or_not_found(error, "the instance"))?;
    let end = reader.length_bytes();
    read(&reader, place, end.saturating_sub(1)..end).await?;
    Ok(reader)
}

/// All bytes of a small instance as it leaves.
pub async fn whole(archive: &Archive, place: &InstancePlace) -> Result<Bytes, Error> {
    let reader = archive.open_leaving(place, CharacterSet::UTF_8).await;
    let reader = reader.map_err(|error| Error::or_not_found(error, "the instance"))?;
    read(&reader, place, 0..reader.length_bytes()).await
}

/// All elements of an instance as corrected, large values left where they lie.
pub async fn header(archive: &Archive, place: &InstancePlace) -> Result<Arc<DataSet>, Error> {
    match archive.header(place).await {
        Err(storage::Error::NotFound) => {
            open(archive, place).await?;
            // What describes a pack went without it.
            Err(lost(place))
        }
        header => Ok(header?),
    }
}

/// Where the pixels of an instance lie.
pub async fn pixel_place(archive: &Archive, place: &InstancePlace) -> Result<PixelPlace, Error> {
    // What is wrong with the header is said in one way.
    header(archive, place).await?;
    Ok(archive.pixel_place(place).await?)
}

/// One frame, counted from 0, in the stored transfer syntax.
pub async fn frame(archive: &Archive, place: &InstancePlace, frame: u32) -> Result<FrameBytes, Error> {
    match archive.frame(place, frame).await {
        Err(storage::Error::NotFound) => Err(no_frame(archive, place).await),
        frame => Ok(frame?),
    }
}

/// Size of a frame, counted from 0, in the stored transfer syntax; of a deflated data set, once it is inflated.
pub async fn frame_bytes(
    archive: &Archive,
    place: &InstancePlace,
    frame: u32,
    layout: &Layout,
) -> Result<u64, Error> {
    if !transfer_syntax::of(&place.transfer_syntax).encapsulated {
        return Ok(layout.native_frame_bits().div_ceil(8).saturating_add(1));
    }
    let ranges = frame_ranges(archive, place, frame).await?.unwrap_or_default();
    Ok(ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum())
}

/// Where a frame, counted from 0, lies in the Part 10 file; `None` when it has to be made.
pub async fn frame_ranges(
    archive: &Archive,
    place: &InstancePlace,
    frame: u32,
) -> Result<Option<Vec<Range<u64>>>, Error> {
    match archive.frame_ranges(place, frame).await {
        Err(storage::Error::NotFound) => Err(no_frame(archive, place).await),
        ranges => Ok(ranges?),
    }
}

/// Where a frame, counted from 0, of a deflated data set lies once that is inflated; `None` when it lies elsewhere or
/// has to be made.
pub async fn inflated_frame_range(
    archive: &Archive,
    place: &InstancePlace,
    frame: u32,
) -> Result<Option<Range<u64>>, Error> {
    match archive.inflated_frame_range(place, frame).await {
        Err(storage::Error::NotFound) => Err(no_frame(archive, place).await),
        range => Ok(range?),
    }
}

/// Fragments of the stored data set as one.
pub async fn joined(
    archive: &Archive,
    place: &InstancePlace,
    fragments: &[Fragment],
) -> Result<Bytes, Error> {
    let reader = open(archive, place).await?;
    let mut whole = BytesMut::new();
    for fragment in fragments {
        let start = reader.head_bytes().saturating_add(fragment.offset);
        whole.extend_from_slice(&reader.read(start..start.saturating_add(fragment.length)).await?);
    }
    Ok(whole.freeze())
}

/// Why a frame was not found: there is no such frame, or its bytes are gone.
async fn no_frame(archive: &Archive, place: &InstancePlace) -> Error {
    let there = match header(archive, place).await {
        Ok(_) => open(archive, place).await.map(drop),
        Err(error) => Err(error),
    };
    there.err().unwrap_or(Error::NotFound("the frame"))
}

async fn opened(archive: &Archive, place: &InstancePlace) -> Result<InstanceReader, Error> {
    archive.open_instance(place).await.map_err(|error| Error::or_not_found(error, "the instance"))
}

async fn read(reader: &InstanceReader, place: &InstancePlace, range: Range<u64>) -> Result<Bytes, Error> {
    match reader.read(range).await {
        Err(storage::Error::NotFound) => Err(lost(place)),
        read => Ok(read?),
    }
}

fn lost(place: &InstancePlace) -> Error {
    storage::Error::Corrupt(format!("the bytes of instance {} are gone", place.uid)).into()
}
