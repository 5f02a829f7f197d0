//! Puts an instance together from its metadata and the values that came beside it (PS3.18 10.5.1, figure 8.6-1).

use super::bulk::{Bulk, Part};
use super::coding::{Coding, of_standard, refused};
use super::outcome::Failure;
use super::references::{self, Named, missing};
use pacs_core::dataset::anew::{self, Impossible, Piece};
use pacs_core::dataset::{DataSet, Element};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use std::ops::Range;

/// An instance ready to be taken in.
pub struct Assembled {
    /// Transfer syntax of the data set.
    pub transfer_syntax: Uid,
    /// SOP Class UID, when it is one.
    pub class: Option<Uid>,
    /// SOP Instance UID, when it is one.
    pub instance: Option<Uid>,
    /// The data set; what is copied lies in the file of values.
    pub pieces: Vec<Piece>,
}

impl Assembled {
    /// The length of the data set.
    pub fn length_bytes(&self) -> u64 {
        let made = self.pieces.iter().map(|piece| match piece {
            Piece::Made(bytes) => bytes.len() as u64,
            Piece::Copied { .. } | Piece::Frames => 0,
        });
        made.fold(self.copied_bytes(), u64::saturating_add)
    }

    /// How much of it is copied from the file of values.
    pub fn copied_bytes(&self) -> u64 {
        let copied = self.pieces.iter().map(|piece| match piece {
            Piece::Copied { length, .. } => *length,
            Piece::Made(_) | Piece::Frames => 0,
        });
        copied.fold(0, u64::saturating_add)
    }
}

/// Puts an instance together: metadata with the values that it holds and names, and `named` for the rest.
pub async fn assemble(mut data_set: DataSet, named: Named, bulk: &Bulk) -> Result<Assembled, Failure> {
    // File meta information is of files; ours is made when the instance is kept (PS3.18 8.7.3.1).
    data_set.retain(|element| element.tag.0 > 2);
    let uid = |tag| data_set.uid(tag).and_then(Result::ok);
    let (class, instance) = (uid(tags::SOP_CLASS_UID), uid(tags::SOP_INSTANCE_UID));
    match laid_out(data_set, named, bulk).await {
        Ok((transfer_syntax, pieces)) => Ok(Assembled { transfer_syntax, pieces, class, instance }),
        Err(failure) => Err(failure.about(class, instance)),
    }
}

async fn laid_out(mut data_set: DataSet, named: Named, bulk: &Bulk) -> Result<(Uid, Vec<Piece>), Failure> {
    if let Some(failure) = named.missing {
        return Err(failure);
    }
    let mut frames = None;
    if let Some((vr, location)) = named.pixels {
        let parts = bulk.named(&location);
        match Coding::of(parts)?.syntax(bulk).await? {
            Some(syntax) => frames = Some((syntax, frames_of(parts, &data_set)?)),
            None => {
                let value = references::one(parts).map_err(|why| missing(tags::PIXEL_DATA, why))?;
                data_set.put(Element { tag: tags::PIXEL_DATA, vr, value });
            }
        }
    }
    // One data set has one transfer syntax, for the pictures within it too (PS3.5 A.4).
    for location in &named.pictures {
        let syntax = Coding::of(bulk.named(location))?.syntax(bulk).await?;
        if syntax.as_ref() != frames.as_ref().map(|(syntax, _)| syntax) {
            return Err(refused("a picture within is not compressed as the frames are"));
        }
    }
    let (syntax, pieces) = match frames {
        Some((syntax, frames)) => (syntax, anew::lay_out_encapsulated(&data_set, &frames)),
        None => {
            let plain = &TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
            (of_standard(uids::EXPLICIT_VR_LITTLE_ENDIAN)?, anew::lay_out(&data_set, plain, None))
        }
    };
    let pieces = pieces.map_err(|Impossible| refused("a value is too long for Explicit VR Little Endian"))?;
    Ok((syntax, pieces))
}

/// Each part is a frame, but a video is one part.
fn frames_of(parts: &[Part], data_set: &DataSet) -> Result<Vec<Range<u64>>, Failure> {
    let is_video = parts.iter().any(|part| part.media.as_ref().is_some_and(|media| media.kind() == "video"));
    let frames = if is_video { 1 } else { data_set.int(tags::NUMBER_OF_FRAMES).unwrap_or(1) };
    if i64::try_from(parts.len()) != Ok(frames) {
        return Err(refused(format!("{} frames came of {frames}", parts.len())));
    }
    Ok(parts.iter().map(|part| part.range.clone()).collect())
}
