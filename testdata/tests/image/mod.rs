//! Image files and their frames, for the tests of this folder.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "each test binary uses some of it, and may fail a test as tests do"
)]

use pacs_core::dataset::{DataSet, Limits, Reading, Until, Value, read_slice};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::pixels::frames::{OffsetTables, encapsulated, native_frame, native_frame_range, starts_image};
use pacs_core::pixels::{Frame, Layout, PixelError, decode};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use std::path::{Path, PathBuf};

/// Enough for every file here.
pub const BUDGET_BYTES: u64 = 512 << 20;

/// One image file, opened.
pub struct Image {
    pub data_set: DataSet,
    pub transfer_syntax: Uid,
    pub layout: Layout,
    pub frames: Vec<Vec<u8>>,
}

pub fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    vec![here.join("files"), here.join("../../shared/dicom")]
}

pub fn open(path: &Path) -> Result<Image, Box<dyn std::error::Error>> {
    read(&std::fs::read(path)?)
}

/// A Part 10 file, or a bare data set.
pub fn read(file: &[u8]) -> Result<Image, Box<dyn std::error::Error>> {
    let (transfer_syntax, offset) = match part10::read_head(file)? {
        HeadProgress::Head(head) => (head.transfer_syntax, head.dataset_offset as usize),
        _ => (part10::guess_transfer_syntax(file).ok_or("not a data set")?, 0),
    };
    let syntax = transfer_syntax::of(&transfer_syntax);
    let mut inflated = Vec::new();
    let encoded = if syntax.deflated {
        use std::io::Read;
        flate2::read::DeflateDecoder::new(&file[offset..]).read_to_end(&mut inflated)?;
        &inflated[..]
    } else {
        &file[offset..]
    };
    let plain =
        if syntax.deflated { transfer_syntax::of(&Uid::parse("1.2.840.10008.1.2.1")?) } else { syntax };
    let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
    let reading = read_slice(encoded, &plain, &limits, Until::End)?;
    let layout = Layout::from(&reading.data_set)?;
    let frames = frames(&reading, &layout, encoded, plain.big_endian)?;
    Ok(Image { data_set: reading.data_set, transfer_syntax, layout, frames })
}

/// The encoded bytes of every frame.
fn frames(
    reading: &Reading,
    layout: &Layout,
    encoded: &[u8],
    big_endian: bool,
) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let place = reading.pixel_data.ok_or("no pixel data")?;
    let at = |offset: u64, length: u64| {
        encoded.get(offset as usize..(offset + length) as usize).ok_or("bytes are missing")
    };
    if let Some(Value::Fragments(fragments)) = reading.data_set.get(place.tag).map(|element| &element.value) {
        let (table, fragments) = fragments.split_first().ok_or("no basic offset table")?;
        let basic: Vec<u32> = at(table.offset, table.length)?
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        let longs = |tag| -> Vec<u64> {
            let bytes = reading.data_set.get(tag).and_then(|element| element.bytes());
            bytes
                .map(|bytes| bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
                .unwrap_or_default()
        };
        let (extended, extended_lengths) =
            (longs(tags::EXTENDED_OFFSET_TABLE), longs(tags::EXTENDED_OFFSET_TABLE_LENGTHS));
        let tables = OffsetTables { basic: &basic, extended: &extended, extended_lengths: &extended_lengths };
        let found = encapsulated(fragments, layout.frames, tables, |fragment| {
            at(fragment.offset, fragment.length.min(12)).is_ok_and(starts_image)
        })?;
        return found
            .iter()
            .map(|frame| {
                let mut bytes = Vec::new();
                for fragment in frame {
                    bytes.extend_from_slice(at(fragment.offset, fragment.length)?);
                }
                Ok(bytes)
            })
            .collect();
    }
    (0..layout.frames)
        .map(|frame| {
            let range = native_frame_range(layout, frame, big_endian)?;
            let bytes = at(place.value_offset + range.start, range.end - range.start)?;
            Ok(native_frame(bytes.to_vec().into(), layout, frame, big_endian).to_vec())
        })
        .collect()
}

impl Image {
    pub fn decode(&self, frame: usize) -> Result<Frame, PixelError> {
        let encoded = self.frames[frame].clone().into();
        decode(encoded, &self.transfer_syntax, &self.layout, BUDGET_BYTES)
    }
}

/// The samples as pydicom orders them: colours interleaved.
pub fn interleaved(frame: &Frame) -> Vec<u8> {
    if !frame.layout.planar {
        return frame.bytes.clone();
    }
    let width = frame.layout.sample_bytes() as usize;
    let plane = frame.bytes.len() / frame.layout.samples as usize;
    (0..plane / width)
        .flat_map(|n| (0..frame.layout.samples as usize).map(move |sample| sample * plane + n * width))
        .flat_map(|at| frame.bytes[at..at + width].iter().copied())
        .collect()
}

/// The samples as numbers, for lossy frames.
pub fn numbers(frame: &Frame) -> Vec<i64> {
    let bytes = interleaved(frame);
    match (frame.layout.sample_bytes(), frame.layout.signed) {
        (1, false) => bytes.iter().map(|byte| i64::from(*byte)).collect(),
        (1, true) => bytes.iter().map(|byte| i64::from(*byte as i8)).collect(),
        (2, false) => bytes.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word).into()).collect(),
        (2, true) => bytes.as_chunks().0.iter().map(|word| i16::from_le_bytes(*word).into()).collect(),
        (width, _) => panic!("lossy samples of {width} bytes"),
    }
}
