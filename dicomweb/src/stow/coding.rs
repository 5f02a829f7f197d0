//! How pixel data that came in parts is coded (PS3.18 8.7.3).

use super::bulk::{Bulk, Part};
use super::jpeg;
use super::outcome::{Failure, Reason};
use crate::media::MediaType;
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use pacs_core::uids;
use std::ops::Range;

/// What the media type of the parts says.
pub enum Coding {
    /// The bytes are the value.
    Plain,
    /// They are compressed in this transfer syntax.
    Compressed(Uid),
    /// They are JPEG, of a process that the picture there tells.
    Jpeg(Range<u64>),
}

impl Coding {
    /// Of parts that came for one value: the transfer syntax that they name, else that of their media type (PS3.18
    /// table 8.7.3-5).
    pub fn of(parts: &[Part]) -> Result<Self, Failure> {
        let Some(Part { media: Some(media), range }) = parts.first() else { return Ok(Self::Plain) };
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
            None if media.is("application", "octet-stream") => return Ok(Self::Plain),
            // The default is a lossless process that hardly any picture is in: the picture itself says which it is.
            None if media.is("image", "jpeg") => return Ok(Self::Jpeg(range.clone())),
            None => {
                let syntax = default_of(media);
                of_standard(syntax.ok_or_else(|| refused(format!("say the transfer-syntax of {media}")))?)?
            }
        };
        let named = transfer_syntax::of(&syntax);
        if named.big_endian || named.deflated {
            return Err(refused("samples by themselves are little endian"));
        }
        Ok(if named.encapsulated { Self::Compressed(syntax) } else { Self::Plain })
    }

    /// The transfer syntax; `None` of what is not compressed.
    pub async fn syntax(self, bulk: &Bulk) -> Result<Option<Uid>, Failure> {
        match self {
            Self::Plain => Ok(None),
            Self::Compressed(syntax) => Ok(Some(syntax)),
            Self::Jpeg(picture) => {
                let head = bulk.beginning(&picture).await.map_err(|error| Failure::of_request(&error))?;
                let syntax = jpeg::transfer_syntax(&head);
                of_standard(syntax.ok_or_else(|| refused("the JPEG is of a process unknown here"))?).map(Some)
            }
        }
    }
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

/// A transfer syntax of the standard.
pub fn of_standard(uid: &str) -> Result<Uid, Failure> {
    Uid::parse(uid)
        .map_err(|_| Failure::new(Reason::Processing, "a transfer syntax of the standard is no UID"))
}

/// An instance that is not understood.
pub fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Reason::CannotUnderstand, why)
}
