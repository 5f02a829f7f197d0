//! The companion of a pack: what a reader wants to know of its instances without reading them.
//!
//! A gzip file of JSON lines beside the tar: first a line on the pack, then two lines an instance,
//! its [`CompanionEntry`] and its metadata as DICOM JSON (PS3.18 F). Lines, so that a companion of
//! thousands of instances is written and read in bounded memory. Bulk data is named by URIs that
//! begin with [`BULK_MARK`], to be replaced by a real base when a rendition is made.
//!
//! The companion is written after its pack; a pack without one is not finished, or has lost it. [`super::anew`] makes
//! it again from the pack.

use std::io::{BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::read::pixels::PixelIndex;

/// What stands in metadata for `<base>/studies/…/series/…/instances/`.
pub const BULK_MARK: &str = "sen:/";
const FORMAT: u32 = 1;
/// The longest line that is read: far more than the metadata of any instance whose header is held.
const LINE_BYTES: u64 = 64 << 20;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    format: u32,
    series: Uid,
    instances: usize,
}

/// What a companion says of one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompanionEntry {
    /// SOP Instance UID.
    pub instance: Uid,
    /// Where the Part 10 file begins in the tar.
    pub offset_bytes: u64,
    /// Size of the Part 10 file.
    pub length_bytes: u64,
    /// Size of its head.
    pub head_bytes: u64,
    /// blake3 of the data set, in hexadecimal digits.
    pub dataset_blake3: String,
    /// Transfer syntax of the data set.
    pub transfer_syntax: Uid,
    /// When it was received, UTC.
    pub received_ms: i64,
    /// The facility it was filed under.
    pub facility: String,
    /// Who sent it.
    pub calling_ae: Option<AeTitle>,
    /// Where its pixels lie.
    pub pixels: PixelIndex,
}

impl CompanionEntry {
    /// The hash as bytes.
    pub fn hash(&self) -> Result<[u8; 32]> {
        blake3::Hash::from_hex(&self.dataset_blake3)
            .map(|hash| *hash.as_bytes())
            .map_err(|_| Error::Corrupt("a hash in a companion is not one".to_owned()))
    }
}

/// Writes a companion into memory: compressed, it is a few hundred bytes an instance.
pub struct CompanionWriter(GzEncoder<Vec<u8>>);

impl CompanionWriter {
    /// Begins the companion of a pack of that series.
    pub fn new(series: &Uid, instances: usize) -> Result<Self> {
        let mut writer = Self(GzEncoder::new(Vec::new(), Compression::new(4)));
        writer.json(&Title { format: FORMAT, series: series.clone(), instances })?;
        Ok(writer)
    }

    /// Adds an instance; `metadata` is one DICOM JSON object without line breaks.
    pub fn add(&mut self, entry: &CompanionEntry, metadata: &[u8]) -> Result<()> {
        self.json(entry)?;
        self.line(metadata)
    }

    /// The companion.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.0.finish().map_err(|error| Error::internal("write a companion", error))
    }

    fn json(&mut self, line: &impl Serialize) -> Result<()> {
        let line = serde_json::to_vec(line).map_err(|error| Error::internal("write a companion", error))?;
        self.line(&line)
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        let context = "write a companion";
        self.0.write_all(line).map_err(|error| Error::internal(context, error))?;
        self.0.write_all(b"\n").map_err(|error| Error::internal(context, error))
    }
}

/// Reads a companion entry by entry. Blocks for as long as unpacking takes.
pub struct CompanionReader<R: Read> {
    lines: BufReader<GzDecoder<R>>,
    left: usize,
    series: Uid,
    line: Vec<u8>,
}

impl<R: Read> CompanionReader<R> {
    /// Reads the first line.
    pub fn new(compressed: R) -> Result<Self> {
        let mut lines = BufReader::with_capacity(64 << 10, GzDecoder::new(compressed));
        let mut line = Vec::new();
        read_line(&mut lines, &mut line)?;
        let title: Title = parse(&line)?;
        if title.format != FORMAT {
            return Err(Error::Corrupt("a companion has a format this version does not know".to_owned()));
        }
        Ok(Self { lines, left: title.instances, series: title.series, line })
    }

    /// The series that the pack was made of.
    pub fn series(&self) -> &Uid {
        &self.series
    }

    /// The next instance and its metadata, `None` after the last, when the checksum of the whole is
    /// right and nothing follows.
    pub fn next_entry(&mut self) -> Result<Option<(CompanionEntry, &[u8])>> {
        if self.left == 0 {
            let rest = self.lines.fill_buf().map_err(cannot_be_unpacked)?;
            return if rest.is_empty() {
                Ok(None)
            } else {
                Err(Error::Corrupt("a companion goes on after its end".to_owned()))
            };
        }
        self.left -= 1;
        read_line(&mut self.lines, &mut self.line)?;
        let entry: CompanionEntry = parse(&self.line)?;
        read_line(&mut self.lines, &mut self.line)?;
        Ok(Some((entry, &self.line)))
    }
}

fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<()> {
    line.clear();
    lines.take(LINE_BYTES).read_until(b'\n', line).map_err(cannot_be_unpacked)?;
    if line.pop() != Some(b'\n') {
        return Err(Error::Corrupt("a companion ends early".to_owned()));
    }
    Ok(())
}

fn cannot_be_unpacked(error: std::io::Error) -> Error {
    Error::Corrupt(format!("a companion cannot be unpacked: {error}"))
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T> {
    serde_json::from_slice(line).map_err(|error| Error::Corrupt(format!("a companion is damaged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64) -> CompanionEntry {
        CompanionEntry {
            instance: Uid::parse(&format!("1.2.{at}")).unwrap(),
            offset_bytes: at,
            length_bytes: 10,
            head_bytes: 3,
            dataset_blake3: blake3::hash(b"x").to_hex().to_string(),
            transfer_syntax: Uid::parse("1.2.840.10008.1.2").unwrap(),
            received_ms: 5,
            facility: "A".to_owned(),
            calling_ae: AeTitle::parse("CT1").ok(),
            pixels: PixelIndex::Encapsulated { fragments: vec![(1, 2)], frames: vec![vec![(3, 4)]] },
        }
    }

    #[test]
    fn entries_come_back_in_order() {
        let series = Uid::parse("1.2").unwrap();
        let mut writer = CompanionWriter::new(&series, 2).unwrap();
        for at in 0..2 {
            writer.add(&entry(at), format!("{{\"{at}\":1}}").as_bytes()).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let mut reader = CompanionReader::new(bytes.as_slice()).unwrap();
        assert_eq!(reader.series(), &series);
        for at in 0..2 {
            let (found, metadata) = reader.next_entry().unwrap().unwrap();
            assert_eq!((found.offset_bytes, &found.pixels), (at, &entry(at).pixels));
            assert_eq!(metadata, format!("{{\"{at}\":1}}").as_bytes());
        }
        assert!(reader.next_entry().unwrap().is_none());
        for cut in [0, 10, bytes.len() / 2, bytes.len() - 9] {
            let mut all = CompanionReader::new(&bytes[..cut]);
            let whole = all.as_mut().is_ok_and(|r| {
                std::iter::from_fn(|| r.next_entry().map(|e| e.map(drop)).transpose()).all(|e| e.is_ok())
            });
            assert!(!whole, "cut at {cut}");
        }
    }
}
