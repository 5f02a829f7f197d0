//! Reading whole sources.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;

use super::walker::{Walker, Window};
use super::{DataSet, Incremental, Limits, Progress, ReadError, Until};
use crate::transfer_syntax::TransferSyntax;
use crate::{Tag, VR};

/// What was read of a data set.
#[derive(Debug)]
pub struct Reading {
    /// The elements: with [`Until::PixelData`] those before the pixel data, else all of them.
    pub data_set: DataSet,
    /// Where the top-level pixel data lies, when there is any.
    pub pixel_data: Option<PixelDataPlace>,
    /// How far the walk went, in bytes from the start of the encoded data set.
    pub end: u64,
    /// What is wrong with or behind the pixel data: it ends early, or what follows is damaged.
    /// Everything in `data_set` is right; whether the instance is good enough is for the caller.
    pub fault: Option<ReadError>,
}

/// Where top-level pixel data lies. Offsets are in bytes from the start of the encoded data set (of
/// the inflated stream, for a deflated one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelDataPlace {
    /// (7FE0,0010), (7FE0,0008) or (7FE0,0009).
    pub tag: Tag,
    /// Its VR.
    pub vr: VR,
    /// Where the element's header begins.
    pub element_offset: u64,
    /// Where the value begins: the pixels, or the item of the basic offset table.
    pub value_offset: u64,
    /// The declared length; `None` when it is encapsulated. Not checked against what is there.
    pub length: Option<u64>,
}

/// Reads a data set in memory, copying what is retained.
pub fn read_slice(
    bytes: &[u8],
    syntax: &TransferSyntax,
    limits: &Limits,
    until: Until,
) -> Result<Reading, ReadError> {
    read_memory(bytes, None, syntax, limits, until)
}

/// Reads a data set in memory; the values are slices of `bytes`, which stays in memory as long as
/// one of them.
pub fn read_bytes(
    bytes: &Bytes,
    syntax: &TransferSyntax,
    limits: &Limits,
    until: Until,
) -> Result<Reading, ReadError> {
    read_memory(bytes, Some(bytes), syntax, limits, until)
}

fn read_memory(
    bytes: &[u8],
    shared: Option<&Bytes>,
    syntax: &TransferSyntax,
    limits: &Limits,
    until: Until,
) -> Result<Reading, ReadError> {
    if syntax.deflated {
        let mut reader = Incremental::new(syntax, limits, until, None);
        reader.push(bytes)?;
        return reader.finish();
    }
    let mut walker = Walker::new(syntax, limits, until, Some(bytes.len() as u64));
    walker.run(&Window { bytes, base: 0, shared, last: true })?;
    Ok(walker.finish())
}

const FIRST_CHUNK_BYTES: usize = 8 << 10;
const CHUNK_BYTES: usize = 64 << 10;

/// Reads the data set that extends from the source's position to its end, seeking over values that
/// are not held.
pub fn read_file<S: Read + Seek>(
    source: &mut S,
    syntax: &TransferSyntax,
    limits: &Limits,
    until: Until,
) -> Result<Reading, ReadError> {
    let start = source.stream_position()?;
    let total = source.seek(SeekFrom::End(0))?.saturating_sub(start);
    source.seek(SeekFrom::Start(start))?;
    let mut reader = Incremental::new(syntax, limits, until, Some(total));
    let mut chunk = vec![0; FIRST_CHUNK_BYTES];
    let mut position = 0;
    loop {
        let length = read_some(source, &mut chunk)?;
        position += length as u64;
        if length == 0 || reader.push(chunk.get(..length).unwrap_or_default())? == Progress::Done {
            return reader.finish();
        }
        let skip = reader.skippable_bytes().min(total.saturating_sub(position));
        if skip > CHUNK_BYTES as u64 {
            source.seek(SeekFrom::Start(start + position + skip))?;
            position += skip;
            reader.skip(skip);
        }
        chunk.resize(CHUNK_BYTES, 0);
    }
}

fn read_some(source: &mut dyn Read, chunk: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match source.read(chunk) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
