//! An instance as it leaves: as it was sent, or with what was corrected laid over its header.
//!
//! The header of a corrected instance is written anew in its own transfer syntax, in UTF-8 or in what its
//! receiver can read; pixel data and other large values are copied from where they lie. A deflated data
//! set has no such places: it is deflated anew, into a rendition.

use std::ops::Range;
use std::sync::Arc;

use pacs_core::dataset::{self, DataSet, Piece, PixelDataPlace, Until, WriteError};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::{Tag, VR};

use super::header;
use super::instance::InstanceReader;
use super::laid::{Laid, Part};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;

impl Archive {
    /// Opens an instance as it leaves for somebody who reads text in `character_set`: as it was sent, or,
    /// when it was corrected, with a header that says so.
    pub async fn open_leaving(
        &self,
        place: &InstancePlace,
        character_set: CharacterSet,
    ) -> Result<InstanceReader> {
        let reader = self.open_instance(place).await?;
        let Some(overlay) = self.overlay(place).await? else { return Ok(reader) };
        let syntax = transfer_syntax::of(&place.transfer_syntax);
        if syntax.deflated {
            return self.deflated_anew(place, reader, overlay, character_set).await;
        }
        let reading = header::read(&reader, &syntax, Until::PixelData).await?;
        let Some(laid) = overlay.lay_over(&reading.data_set) else { return Ok(reader) };
        let laid = in_character_set(laid, character_set);
        let head = reader.head_bytes();
        let stored = |range: Range<u64>| {
            Part::Stored(head.saturating_add(range.start)..head.saturating_add(range.end))
        };
        let mut parts = vec![Part::Stored(0..head)];
        for piece in dataset::write_around(&laid, &syntax).map_err(unwritable)? {
            parts.push(match piece {
                Piece::Made(bytes) => Part::Made(bytes),
                Piece::Kept(range) => stored(range),
            });
        }
        if let Some(pixels) = &reading.pixel_data {
            parts.push(Part::Made(pixel_header(pixels, &syntax)?.into()));
            parts.push(stored(pixels.value_offset..reader.dataset_bytes()));
        }
        Ok(reader.laid_out(Laid::of(parts)))
    }
}

impl Archive {
    /// The header of an instance as [`Archive::header`] has it, as it leaves for somebody who reads text in
    /// `character_set`: what was corrected is written in that.
    pub async fn header_leaving(
        &self,
        place: &InstancePlace,
        character_set: CharacterSet,
    ) -> Result<Arc<DataSet>> {
        let stored = Arc::clone(&self.parsed(place).await?.set);
        let Some(overlay) = self.overlay(place).await? else { return Ok(stored) };
        let laid = overlay.lay_over(&stored).map(|laid| Arc::new(in_character_set(laid, character_set)));
        Ok(laid.unwrap_or(stored))
    }
}

pub(super) fn in_character_set(laid: DataSet, character_set: CharacterSet) -> DataSet {
    if character_set == CharacterSet::UTF_8 { laid } else { laid.encode_text_in(character_set) }
}

/// A header that was read can be written, unless it is larger than its transfer syntax has room for.
pub(super) fn unwritable(error: WriteError) -> Error {
    Error::TooLarge(format!("a corrected header cannot be written: {error}"))
}

/// The header of the pixel data element: its value follows as it is stored. Implicit means OW for
/// (7FE0,0010), whose words of 8-bit pixels are the same bytes as OB's in little endian (PS3.5 A.1).
pub(super) fn pixel_header(pixels: &PixelDataPlace, syntax: &TransferSyntax) -> Result<Vec<u8>> {
    let length = match pixels.length {
        Some(length) => u32::try_from(length).ok().filter(|length| *length != u32::MAX),
        None => Some(u32::MAX),
    };
    let length = length.ok_or_else(|| Error::TooLarge("the pixel data is too long".to_owned()))?;
    let Tag(group, element) = pixels.tag;
    let big = syntax.big_endian;
    let two = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let four = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut header = [two(group), two(element)].concat();
    if syntax.explicit {
        header.extend(if pixels.vr == VR::UN { VR::OW } else { pixels.vr }.to_bytes());
        header.extend([0, 0]);
    }
    header.extend(four(length));
    Ok(header)
}
