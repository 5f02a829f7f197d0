//! Puts an instance together from its metadata and the values that came beside it (PS3.18 10.5.1, figure 8.6-1).

use super::bulk::{Bulk, Part};
use super::jpeg;
use super::outcome::{Failure, Reason};
use super::references::{self, Named, missing};
use crate::explicit::{self, Impossible, Piece};
use crate::media::MediaType;
use pacs_core::dataset::{DataSet, Element};
use pacs_core::transfer_syntax::{self, TransferSyntax};
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
    named.whole()?;
    let mut frames = None;
    if let Some((vr, location)) = named.pixels {
        let parts = bulk.named(&location);
        match syntax_of(parts, bulk).await? {
            Some(syntax) => frames = Some((syntax, frames_of(parts, &data_set)?)),
            None => {
                let value = references::one(parts).map_err(|why| missing(tags::PIXEL_DATA, why))?;
                data_set.put(Element { tag: tags::PIXEL_DATA, vr, value });
            }
        }
    }
    let (syntax, pieces) = match frames {
        Some((syntax, frames)) => (syntax, explicit::lay_out_encapsulated(&data_set, &frames)),
        None => {
            let plain = &TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
            (of_standard(uids::EXPLICIT_VR_LITTLE_ENDIAN)?, explicit::lay_out(&data_set, plain, None))
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

/// The transfer syntax of compressed parts: the one that they name, else that of their media type (PS3.18 table
/// 8.7.3-5). `None` for bytes that are the value itself.
async fn syntax_of(parts: &[Part], bulk: &Bulk) -> Result<Option<Uid>, Failure> {
    let Some(Part { media: Some(media), range }) = parts.first() else { return Ok(None) };
    let said = |media: &MediaType| media.parameter("transfer-syntax").map(str::to_owned);
    let alike = |part: &Part| {
        part.media
            .as_ref()
            .is_some_and(|other| other.to_string() == media.to_string() && said(other) == said(media))
    };
    if !parts.iter().all(alike) {
        return Err(refused("the frames are not of one media type"));
    }
    let syntax = match said(media) {
        Some(text) => Uid::parse(&text).map_err(|_| refused("a transfer-syntax is not a UID"))?,
        None if media.is("application", "octet-stream") => return Ok(None),
        // The default is a lossless process that hardly any picture is in: the picture itself says which it is.
        None if media.is("image", "jpeg") => {
            let head = bulk.beginning(range).await.map_err(|error| Failure::of_request(&error))?;
            let syntax = jpeg::transfer_syntax(&head);
            of_standard(syntax.ok_or_else(|| refused("the JPEG is of a process unknown here"))?)?
        }
        None => {
            let syntax = default_of(media);
            of_standard(syntax.ok_or_else(|| refused(format!("say the transfer-syntax of {media}")))?)?
        }
    };
    let named = transfer_syntax::of(&syntax);
    if named.big_endian || named.deflated {
        return Err(refused("samples by themselves are little endian"));
    }
    Ok(Some(syntax).filter(|_| named.encapsulated))
}

fn default_of(media: &MediaType) -> Option<&'static str> {
    let defaults = [
        ("jls", uids::JPEGLS_LOSSLESS),
        ("jp2", uids::JPEG2000_LOSSLESS),
        ("jpx", uids::JPEG2000MC_LOSSLESS),
        ("jphc", uids::HTJ2K_LOSSLESS),
        ("dicom-rle", uids::RLE_LOSSLESS),
    ];
    defaults.into_iter().find(|(subtype, _)| media.is("image", subtype)).map(|(_, syntax)| syntax)
}

fn of_standard(uid: &str) -> Result<Uid, Failure> {
    Uid::parse(uid)
        .map_err(|_| Failure::new(Reason::Processing, "a transfer syntax of the standard is no UID"))
}

fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Reason::CannotUnderstand, why)
}
