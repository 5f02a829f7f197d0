//! A corrected instance whose data set is deflated (PS3.5 A.5): inflated, its header laid out anew, and
//! deflated into a rendition, a piece at a time.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use pacs_core::correction::Overlay;
use pacs_core::dataset::{self, Piece, PixelDataPlace, Until};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::header;
use super::instance::InstanceReader;
use super::leaving::{in_character_set, pixel_header, unwritable};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;
use crate::renditions::{Draft, RenditionKey};

/// Bytes read at a time.
const CHUNK_BYTES: u64 = 1 << 20;

impl Archive {
    /// A corrected instance whose data set is deflated (PS3.5 A.5), kept as a rendition.
    pub(super) async fn deflated_anew(
        &self,
        place: &InstancePlace,
        reader: InstanceReader,
        overlay: Arc<Overlay>,
        character_set: CharacterSet,
    ) -> Result<InstanceReader> {
        let variant = format!("leaving {} {character_set}", place.overlay.as_deref().unwrap_or_default());
        let name = RenditionKey::of_instance(place, &variant).file_name();
        let renditions = &self.0.renditions;
        let turn = renditions.making(name.clone());
        let _turn = turn.lock().await;
        if renditions.find(&name).await?.is_none() {
            let syntax = transfer_syntax::of(&place.transfer_syntax);
            let reading = header::read(&reader, &syntax, Until::PixelData).await?;
            let Some(laid) = overlay.lay_over(&reading.data_set) else { return Ok(reader) };
            let laid = in_character_set(laid, character_set);
            let pieces = dataset::write_around(&laid, &syntax).map_err(unwritable)?;
            let plain = Plain { pieces, pixels: reading.pixel_data };
            let (from, drafts, name) = (Blocking::of(&reader)?, renditions.clone(), name.clone());
            let head = reader.read(0..reader.head_bytes()).await?;
            let deflating = spawn_blocking(move || plain.deflate(&head, from, drafts.draft()?, &name));
            deflating.await.map_err(Error::thread)??;
        }
        let made = renditions.find(&name).await?;
        let gone = || Error::Unavailable("the rendition is gone again".into());
        made.and_then(|made| reader.read_from(&made)).ok_or_else(gone)
    }
}

/// The plain data set of a deflated one, as it is to leave.
struct Plain {
    pieces: Vec<Piece>,
    pixels: Option<PixelDataPlace>,
}

impl Plain {
    /// Writes the Part 10 file. Blocks.
    fn deflate(self, head: &[u8], stored: Blocking, mut draft: Draft, name: &str) -> Result<()> {
        let failed = |error| Error::io("deflate a data set", error);
        draft.write_all(head).map_err(failed)?;
        let mut counted = Counted { draft, bytes: head.len() as u64 };
        let mut deflated = DeflateEncoder::new(&mut counted, Compression::default());
        let mut inflated = Inflated::of(stored);
        for piece in self.pieces {
            match piece {
                Piece::Made(bytes) => deflated.write_all(&bytes).map_err(failed)?,
                Piece::Kept(range) => {
                    inflated.copy(range.start, Some(range.end), &mut deflated).map_err(failed)?
                }
            }
        }
        if let Some(pixels) = &self.pixels {
            let header = pixel_header(pixels, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN)?;
            deflated.write_all(&header).map_err(failed)?;
            inflated.copy(pixels.value_offset, None, &mut deflated).map_err(failed)?;
        }
        deflated.finish().map_err(failed)?;
        if counted.bytes % 2 == 1 {
            // PS3.5 A.5: an odd stream is padded with one byte.
            counted.write_all(&[0]).map_err(failed)?;
        }
        counted.draft.publish(name)
    }
}

/// A draft that knows how long it is.
struct Counted {
    draft: Draft,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.draft.flush()
    }
}

/// The plain stream of a deflated data set, read from front to back.
struct Inflated {
    stream: DeflateDecoder<Blocking>,
    stored: Blocking,
    at: u64,
}

impl Inflated {
    fn of(stored: Blocking) -> Self {
        Self { stream: DeflateDecoder::new(stored.clone()), stored, at: 0 }
    }

    /// Copies what lies from `start` to `end`, or to the end of the stream.
    fn copy(&mut self, start: u64, end: Option<u64>, to: &mut impl Write) -> std::io::Result<()> {
        if start < self.at {
            *self = Self::of(self.stored.clone());
        }
        std::io::copy(&mut (&mut self.stream).take(start.saturating_sub(self.at)), &mut std::io::sink())?;
        self.at = start;
        let wanted = end.map_or(u64::MAX, |end| end.saturating_sub(start));
        let copied = std::io::copy(&mut (&mut self.stream).take(wanted), to)?;
        self.at = self.at.saturating_add(copied);
        if end.is_some() && copied < wanted { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// The data set of an instance, read from a blocking thread.
#[derive(Clone)]
struct Blocking {
    reader: InstanceReader,
    runtime: Handle,
    at: u64,
    chunk: Bytes,
}

impl Blocking {
    /// From its beginning; called where a runtime is known.
    fn of(reader: &InstanceReader) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| Error::internal("inflate a data set", error))?;
        Ok(Self { reader: reader.clone(), runtime, at: reader.head_bytes(), chunk: Bytes::new() })
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.chunk.is_empty() {
            let range = self.at..self.at.saturating_add(CHUNK_BYTES);
            self.chunk = self.runtime.block_on(self.reader.read(range)).map_err(std::io::Error::other)?;
            self.at = self.at.saturating_add(self.chunk.len() as u64);
        }
        let count = self.chunk.len().min(buffer.len());
        let part = self.chunk.split_to(count);
        if let Some(buffer) = buffer.get_mut(..count) {
            buffer.copy_from_slice(&part);
        }
        Ok(count)
    }
}
