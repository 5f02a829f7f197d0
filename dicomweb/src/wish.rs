//! What a client wishes of one media range: in which form, as which media type, in which transfer syntax.

use crate::accept::AcceptError;
use crate::media::MediaType;
use pacs_core::uid::Uid;

/// The transfer syntax that an accepted media type asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxWish {
    /// Whatever is stored.
    Stored,
    /// Nothing in particular.
    Any,
    /// The default of PS3.18: Explicit VR Little Endian.
    Default,
    /// This one.
    Exactly(Uid),
}

/// What holds instances on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `multipart/related`.
    Multipart,
    /// The one `application/dicom` body.
    Single,
    /// `application/zip`.
    Zip,
}

/// How whole instances are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceWish {
    /// What holds them.
    pub form: Form,
    /// The acceptable transfer syntaxes, best first; never empty.
    pub syntaxes: Vec<SyntaxWish>,
}

/// One acceptable way of sending pixels or other bulk data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkWish {
    /// As `multipart/related`, or as the one body.
    pub multipart: bool,
    /// The media range of the part.
    pub media: MediaType,
    /// Its transfer syntax.
    pub syntax: SyntaxWish,
    /// What the range takes in and another one refuses.
    refused: Vec<Refusal>,
}

/// A media range of weight 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    media: MediaType,
    /// Whether only parts of a multipart body are refused.
    in_multipart: bool,
}

impl Refusal {
    /// What a range of weight 0 refuses; one that names a transfer syntax refuses no media type.
    pub fn of(range: &MediaType) -> Result<Option<Self>, AcceptError> {
        let (in_multipart, media) = opened(range)?;
        let of_syntax = |media: &MediaType| media.parameter("transfer-syntax").is_some_and(|uid| uid != "*");
        let refusal = Self { media, in_multipart };
        Ok((!of_syntax(range) && !of_syntax(&refusal.media)).then_some(refusal))
    }
}

impl BulkWish {
    /// What a media range wishes; one that takes anything is multipart where that is usual and not refused. Of the
    /// refusals those count that are more specific than the range (RFC 9110 12.5.1).
    pub fn of(
        range: &MediaType,
        refusals: &[Refusal],
        multipart_is_usual: bool,
    ) -> Result<Self, AcceptError> {
        let (multipart, media) = opened(range)?;
        let indifferent = media.is("*", "*") || media.is("application", "*");
        let syntax = match range.parameter("transfer-syntax").or_else(|| media.parameter("transfer-syntax")) {
            Some("*") => SyntaxWish::Stored,
            Some(uid) => {
                let uid =
                    Uid::parse(uid).map_err(|_| AcceptError::Invalid("a transfer-syntax is not a UID"))?;
                SyntaxWish::Exactly(uid)
            }
            None if indifferent => SyntaxWish::Any,
            None => SyntaxWish::Default,
        };
        let no_multipart = refusals.iter().any(|refusal| refusal.in_multipart && refusal.media.is("*", "*"));
        let multipart = multipart || (indifferent && multipart_is_usual && !no_multipart);
        let counts = |refusal: &&Refusal| {
            refusal.media.specificity() > media.specificity() && (multipart || !refusal.in_multipart)
        };
        let refused = refusals.iter().filter(counts).cloned().collect();
        Ok(Self { multipart, media, syntax, refused })
    }

    /// Whether `kind/subtype` is wished for.
    pub fn takes(&self, kind: &str, subtype: &str) -> bool {
        self.media.covers(kind, subtype) && !self.refuses(kind, subtype)
    }

    /// Whether `kind/subtype` is refused by another range.
    pub fn refuses(&self, kind: &str, subtype: &str) -> bool {
        self.refused.iter().any(|refusal| refusal.media.covers(kind, subtype))
    }
}

/// Whether a range is of multipart bodies, and the media range of what is sent.
pub fn opened(range: &MediaType) -> Result<(bool, MediaType), AcceptError> {
    let multipart = range.is("multipart", "related");
    let media = match (multipart, range.parameter("type")) {
        (true, Some(inner)) => MediaType::parse(inner)?,
        (true, None) => MediaType::parse("*/*")?,
        (false, _) => range.clone(),
    };
    Ok((multipart, media))
}
