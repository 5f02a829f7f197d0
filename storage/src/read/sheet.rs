//! The metadata of a series being written: an array of instances, plain and packed at once.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use pacs_core::correction::Overlay;
use tokio::sync::mpsc;

use super::describe;
use super::header::damaged;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;
use crate::index::place::Kept;
use crate::packs::companion::{BULK_MARK, CompanionReader};
use crate::renditions::{Draft, Renditions};
use crate::spool::Spool;
use crate::spool::region::Region;

/// What a sheet is written from.
pub(super) enum Part {
    /// The instances of a companion that begin at these offsets of its pack.
    Companion(Bytes, HashSet<u64>),
    /// Instances in the spool.
    Spooled(Vec<InstancePlace>),
    /// There is nothing more.
    End,
}

/// Writes a sheet from the parts that come, in the order they come, and keeps it under both names.
/// Without an end it comes to nothing. Blocks.
pub(super) fn write(
    renditions: &Renditions,
    spool: &Spool,
    bulk: String,
    overlay: Option<Arc<Overlay>>,
    (plain, gzip): (&str, &str),
    mut parts: mpsc::Receiver<Part>,
) -> Result<()> {
    let drafts = (renditions.draft()?, renditions.draft()?);
    let mut sheet = Sheet::new(drafts, bulk, overlay)?;
    loop {
        match parts.blocking_recv() {
            Some(Part::Companion(compressed, wanted)) => sheet.add_companion(&compressed, &wanted)?,
            Some(Part::Spooled(places)) => sheet.add_spooled(spool, &places)?,
            Some(Part::End) => return sheet.publish(plain, gzip),
            None => return Err(Error::Unavailable("the metadata of a series was not finished".into())),
        }
    }
}

struct Sheet {
    plain: Draft,
    gzip: GzEncoder<Draft>,
    /// What [`BULK_MARK`] becomes, as it stands within JSON text.
    bulk: String,
    /// What is laid over the metadata of every instance.
    overlay: Option<Arc<Overlay>>,
    empty: bool,
}

impl Sheet {
    fn new((plain, gzip): (Draft, Draft), bulk: String, overlay: Option<Arc<Overlay>>) -> Result<Self> {
        let gzip = GzEncoder::new(gzip, Compression::new(4));
        let mut sheet = Self { plain, gzip, bulk, overlay, empty: true };
        sheet.write(b"[")?;
        Ok(sheet)
    }

    fn add_companion(&mut self, compressed: &[u8], wanted: &HashSet<u64>) -> Result<()> {
        let mut reader = CompanionReader::new(compressed)?;
        while let Some((entry, metadata)) = reader.next_entry()? {
            if wanted.contains(&entry.offset_bytes) {
                self.add(metadata)?;
            }
        }
        Ok(())
    }

    fn add_spooled(&mut self, spool: &Spool, places: &[InstancePlace]) -> Result<()> {
        for place in places {
            let Kept::Segment(segment) = place.place.kept else { continue };
            let file = File::open(spool.path(segment.0)).map_err(|error| match error.kind() {
                ErrorKind::NotFound => Error::NotFound,
                _ => Error::io("open a segment", error),
            })?;
            let bytes = place.place;
            let start = bytes.offset_bytes.saturating_add(bytes.head_bytes);
            let mut dataset = Region::new(&file, start, bytes.length_bytes.saturating_sub(bytes.head_bytes));
            let described = describe::read(&mut dataset, &place.transfer_syntax).map_err(damaged)?;
            self.add(&describe::metadata(&described.header, &place.uid))?;
        }
        Ok(())
    }

    /// Adds one instance as corrected, naming its bulk data. The mark stands where a string begins, which within
    /// a value it cannot: there a quotation mark is escaped.
    fn add(&mut self, metadata: &[u8]) -> Result<()> {
        if !self.empty {
            self.write(b",")?;
        }
        self.empty = false;
        let laid = match &self.overlay {
            Some(overlay) => {
                overlay.lay_over_json(metadata).map_err(|error| Error::Corrupt(error.to_string()))?
            }
            None => None,
        };
        let metadata = laid.as_deref().unwrap_or(metadata);
        let mark = format!("\"BulkDataURI\":\"{BULK_MARK}");
        let not_text = |error| Error::internal("name bulk data", error);
        let mut rest = std::str::from_utf8(metadata).map_err(not_text)?;
        while let Some((before, after)) = rest.split_once(&mark) {
            self.write(before.as_bytes())?;
            self.write(b"\"BulkDataURI\":")?;
            let bulk = std::mem::take(&mut self.bulk);
            let written = self.write(bulk.as_bytes());
            self.bulk = bulk;
            written?;
            rest = after;
        }
        self.write(rest.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.plain
            .write_all(bytes)
            .and_then(|()| self.gzip.write_all(bytes))
            .map_err(|error| Error::io("write a rendition", error))
    }

    fn publish(mut self, plain: &str, gzip: &str) -> Result<()> {
        self.write(b"]")?;
        self.plain.publish(plain)?;
        let packed = self.gzip.finish().map_err(|error| Error::io("write a rendition", error))?;
        packed.publish(gzip)
    }
}
