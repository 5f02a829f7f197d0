//! Describing one instance from its data set: metadata as DICOM JSON, and where its pixels lie.

use std::io::{Read, Seek, SeekFrom};

use pacs_core::dataset::{self, DataSet, Limits, ReadError, Until};
use pacs_core::json::{self, PathStep};
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR};

use super::pixels::PixelIndex;
use crate::packs::companion::BULK_MARK;

/// What a data set says of itself.
pub(crate) struct Described {
    /// All elements; large values are left where they lie.
    pub header: DataSet,
    /// Where its pixels lie.
    pub pixels: PixelIndex,
}

/// Reads a data set to its end, passing over large values.
pub(crate) fn read<S: Read + Seek>(dataset: &mut S, syntax: &Uid) -> Result<Described, ReadError> {
    let syntax = transfer_syntax::of(syntax);
    dataset.seek(SeekFrom::Start(0))?;
    let reading = dataset::read_file(dataset, &syntax, &Limits::default(), Until::End)?;
    let pixels = PixelIndex::of(&reading, &syntax, dataset);
    Ok(Described { header: reading.data_set, pixels })
}

/// The metadata of an instance as one line of DICOM JSON, bulk data named under [`BULK_MARK`].
pub(crate) fn metadata(header: &DataSet, instance: &Uid) -> Vec<u8> {
    let mut out = Vec::new();
    let uri = |path: &[PathStep], tag: Tag, _: VR| {
        Some(format!("{BULK_MARK}{instance}/bulkdata/{}", bulkdata_path(path, tag)))
    };
    json::write(header, &mut out, &uri);
    out
}

/// The path under which a value of an instance is fetched by itself: tags and item numbers (from
/// 0) parted by slashes, such as `7FE00010` or `54000100/0/54001010`.
pub fn bulkdata_path(path: &[PathStep], tag: Tag) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for step in path {
        // Writing to a string does not fail.
        let _ = write!(out, "{:04X}{:04X}/{}/", step.tag.group(), step.tag.element(), step.item);
    }
    let _ = write!(out, "{:04X}{:04X}", tag.group(), tag.element());
    out
}
