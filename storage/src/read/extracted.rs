//! Some frames of a stored instance as an instance of its own (PS3.4 Y.3): a header made anew, and the frames where
//! they lie. Nothing of it is kept.

use std::ops::Range;
use std::sync::Arc;

use pacs_core::dataset::{self, DataSet, Piece, PixelDataPlace};
use pacs_core::extraction::{self, Refusal, Selection};
use pacs_core::pixels::Layout;
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::uid::Uid;
use pacs_core::{VR, tags};

use super::PixelPlace;
use super::instance::InstanceReader;
use super::laid::{Laid, Part};
use super::leaving::{pixel_header, unwritable};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;

/// Instances with more frames are not taken apart: the place of each is held in memory.
const MAX_FRAMES: u32 = 1 << 16;

/// An instance of some frames.
#[derive(Clone)]
pub struct Extracted {
    /// Where the instance lies that they are of; the UID is that of the new instance.
    pub place: InstancePlace,
    /// The new instance in the transfer syntax of its source.
    pub reader: InstanceReader,
    /// Its header; large values are left where they lie.
    pub header: Arc<DataSet>,
    /// Its frames by their numbers in the source, counted from 0.
    pub frames: Arc<[u32]>,
}

impl Archive {
    /// The instance of the frames that are meant, as it leaves for somebody who reads text in `letters`. Asked for the
    /// same of the same source it is the same, under the same UID. The inner refusal is for whoever asks.
    pub async fn extracted(
        &self,
        place: &InstancePlace,
        selection: &Selection,
        letters: CharacterSet,
    ) -> Result<Result<Extracted, Refusal>> {
        let source = self.header_leaving(place, letters).await?;
        let count = match self.frame_count(place, &source).await? {
            Ok(count) => count,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let uid = uid_of(place, selection);
        let made = selection.frames(&source, count).and_then(|frames| {
            let header = extraction::header(&source, selection, &frames, count, &uid)?;
            Ok((frames, header))
        });
        let (frames, header) = match made {
            Ok(made) => made,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut ranges = Vec::with_capacity(frames.len());
        for frame in &frames {
            match self.frame_ranges(place, *frame).await {
                Ok(Some(of_frame)) => ranges.push(of_frame),
                Ok(None) | Err(Error::NotFound) => return Ok(Err(Refusal::NotExtracted)),
                Err(error) => return Err(error),
            }
        }
        let reader = self.open_instance(place).await?;
        let syntax = transfer_syntax::of(&place.transfer_syntax);
        let vr = header.vr(tags::PIXEL_DATA).unwrap_or(VR::OW);
        let mut head = header.clone();
        head.retain(|element| element.tag < tags::PIXEL_DATA);
        let mut parts = head_parts(&head, &syntax, reader.head_bytes())?;
        parts.extend(pixel_parts(&ranges, vr, &syntax)?);
        let place = InstancePlace { uid, frames: i64::try_from(frames.len()).ok(), ..place.clone() };
        let reader = reader.laid_out(Laid::of(parts));
        Ok(Ok(Extracted { place, reader, header: Arc::new(header), frames: frames.into() }))
    }

    /// How many frames the source has, where they can be told apart.
    async fn frame_count(&self, place: &InstancePlace, source: &DataSet) -> Result<Result<u32, Refusal>> {
        let Some(declared) = source.int(tags::NUMBER_OF_FRAMES).and_then(|count| u32::try_from(count).ok())
        else {
            return Ok(Err(Refusal::NotMade("it is no multi-frame image")));
        };
        if !source.contains(tags::PIXEL_DATA) {
            return Ok(Err(Refusal::NotExtracted));
        }
        let is_apart = match self.pixel_place(place).await? {
            PixelPlace::Fragments(index) => index.count() == declared,
            PixelPlace::Native(_) => Layout::from(source).is_ok(),
            PixelPlace::Deflated | PixelPlace::Nowhere => false,
        };
        Ok(if is_apart && declared <= MAX_FRAMES { Ok(declared) } else { Err(Refusal::NotExtracted) })
    }
}

/// The same for the same frames of the same content with the same corrections.
fn uid_of(place: &InstancePlace, selection: &Selection) -> Uid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(place.uid.as_str().as_bytes());
    hasher.update(&place.hash);
    hasher.update(place.overlay.as_deref().unwrap_or_default().as_bytes());
    hasher.update(format!("{selection:?}").as_bytes());
    let mut entropy = [0; 16];
    hasher.finalize_xof().fill(&mut entropy);
    Uid::generate(entropy)
}

fn head_parts(head: &DataSet, syntax: &TransferSyntax, head_bytes: u64) -> Result<Vec<Part>> {
    let mut parts = vec![Part::Stored(0..head_bytes)];
    for piece in dataset::write_around(head, syntax).map_err(unwritable)? {
        parts.push(match piece {
            Piece::Made(bytes) => Part::Made(bytes),
            Piece::Kept(range) => {
                Part::Stored(head_bytes.saturating_add(range.start)..head_bytes.saturating_add(range.end))
            }
        });
    }
    Ok(parts)
}

/// The pixel data element: frames one after another, or an offset table and their fragments (PS3.5 A.4).
fn pixel_parts(frames: &[Vec<Range<u64>>], vr: VR, syntax: &TransferSyntax) -> Result<Vec<Part>> {
    const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
    let length = |range: &Range<u64>| range.end.saturating_sub(range.start);
    let pixels =
        |length| PixelDataPlace { tag: tags::PIXEL_DATA, vr, element_offset: 0, length, value_offset: 0 };
    if !syntax.encapsulated {
        let bytes: u64 = frames.iter().flatten().map(length).sum();
        let mut parts = vec![Part::Made(pixel_header(&pixels(Some(bytes + bytes % 2)), syntax)?.into())];
        parts.extend(frames.iter().flatten().cloned().map(Part::Stored));
        if bytes % 2 == 1 {
            parts.push(Part::Made(vec![0].into()));
        }
        return Ok(parts);
    }
    let item = |bytes: u64| {
        let bytes = u32::try_from(bytes).map_err(|_| Error::TooLarge("a fragment is too long".to_owned()))?;
        Ok::<_, Error>([ITEM, bytes.to_le_bytes()].concat())
    };
    let mut offsets = Vec::new();
    let mut fragments = Vec::new();
    let mut at = 0u64;
    for frame in frames {
        offsets.push(u32::try_from(at).ok());
        for range in frame {
            fragments.push(Part::Made(item(length(range))?.into()));
            fragments.push(Part::Stored(range.clone()));
            at = at.saturating_add(8).saturating_add(length(range));
        }
    }
    // Without a table where it has no room for the offsets.
    let offsets: Vec<u32> = offsets.into_iter().collect::<Option<_>>().unwrap_or_default();
    let mut table = pixel_header(&pixels(None), syntax)?;
    table.extend(item(offsets.len() as u64 * 4)?);
    table.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
    let end = Part::Made(vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0].into());
    Ok(std::iter::once(Part::Made(table.into())).chain(fragments).chain([end]).collect())
}
