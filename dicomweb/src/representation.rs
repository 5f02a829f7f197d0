//! From what is accepted and what is stored to what is sent.

use crate::wish::{BulkWish, SyntaxWish};
use pacs_core::pixels::{self, Codec};
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::uid::Uid;
use pacs_core::uids;

const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// What happens to an instance or a frame on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Nothing.
    AsStored,
    /// It becomes Explicit VR Little Endian, compressed pixels decoded.
    Uncompressed,
    /// Its pixels are encoded in another transfer syntax.
    Encoded(Codec),
}

/// How a frame or an element is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkChoice {
    /// As `multipart/related`, or as the one body.
    pub multipart: bool,
    /// Whether pixels are decoded, or encoded anew.
    pub encoding: Encoding,
    /// Media type of the part, without its transfer syntax.
    pub media: &'static str,
    /// Transfer syntax of the part.
    pub transfer_syntax: String,
    /// Whether the stored form will do when decoding fails: nobody named a transfer syntax, and what cannot be decoded
    /// is all that there is (PS3.18 8.7.3.4).
    pub stored_will_do: bool,
}

impl BulkChoice {
    /// The Content-Type of a part. It always names the transfer syntax: a client that finds none takes the bytes for
    /// implicit little endian.
    pub fn content_type(&self) -> String {
        format!("{}; transfer-syntax={}", self.media, self.transfer_syntax)
    }

    /// The stored form in place of a decoded one that could not be made, where it will do.
    pub fn as_stored(&self, stored: &Uid) -> Option<Self> {
        let instead =
            Self { encoding: Encoding::AsStored, transfer_syntax: stored.to_string(), ..self.clone() };
        (self.stored_will_do && transfer_syntax::of(stored).encapsulated).then_some(instead)
    }
}

/// Whether the syntax is none that web services use (PS3.18 8.7.3). Whoever asks for what is stored gets it all the
/// same.
fn is_foreign_to_the_web(stored: &Uid) -> bool {
    [uids::IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN].contains(&stored.as_str())
}

/// How to encode an instance stored in `stored`; `None` when no wish can be fulfilled.
pub fn of_instance(wishes: &[SyntaxWish], stored: &Uid) -> Option<Encoding> {
    let plain = stored.as_str() == uids::EXPLICIT_VR_LITTLE_ENDIAN;
    let named = |uid: &str| {
        wishes.iter().any(|wish| matches!(wish, SyntaxWish::Exactly(named) if named.as_str() == uid))
    };
    // Among acceptable encodings the stored one loses nothing and costs nothing.
    let (default, any) = (wishes.contains(&SyntaxWish::Default), wishes.contains(&SyntaxWish::Any));
    if plain && default
        || any && !is_foreign_to_the_web(stored)
        || wishes.contains(&SyntaxWish::Stored)
        || named(stored.as_str())
    {
        return Some(Encoding::AsStored);
    }
    let wanted = default || any || named(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    match (wanted, is_decodable(stored)) {
        (true, true) => Some(Encoding::Uncompressed),
        (true, false) if default || any => Some(Encoding::AsStored),
        // Values of a deflated data set do not lie anywhere that they could be copied from.
        (false, true) if !transfer_syntax::of(stored).deflated => wishes.iter().find_map(|wish| match wish {
            // What is lossy would be another instance (PS3.3 C.12.1.1.5).
            SyntaxWish::Exactly(uid) => {
                Codec::of(uid).filter(|codec| codec.is_lossless()).map(Encoding::Encoded)
            }
            _ => None,
        }),
        _ => None,
    }
}

/// How to send frames of an object stored in `stored`: by the first wish that can be fulfilled without encoding, which
/// costs far more than all else, or by the first that can be at all.
pub fn of_frames(wishes: &[BulkWish], stored: &Uid) -> Option<BulkChoice> {
    let at_hand = wishes.iter().find_map(|wish| of_frame(wish, stored));
    at_hand.or_else(|| wishes.iter().find_map(|wish| encoded(wish, stored)))
}

/// How to send frames that are encoded for a wish.
fn encoded(wish: &BulkWish, stored: &Uid) -> Option<BulkChoice> {
    /// The defaults of media types (PS3.18 table 8.7.3-5).
    const DEFAULTS: [Codec; 5] =
        [Codec::JpegLossless, Codec::JpegLs, Codec::Jpeg2000, Codec::HighThroughput2000, Codec::Rle];
    let media = |codec: Codec| {
        let syntax = Uid::parse(codec.transfer_syntax()).ok()?;
        let own = media_of(&transfer_syntax::of(&syntax));
        names(wish, own).then_some(own)
    };
    let (codec, media) = match &wish.syntax {
        SyntaxWish::Exactly(uid) => {
            let codec = Codec::of(uid)?;
            let octets = || wish.takes("application", "octet-stream").then_some("application/octet-stream");
            (codec, media(codec).or_else(octets)?)
        }
        SyntaxWish::Default => DEFAULTS.into_iter().find_map(|codec| Some((codec, media(codec)?)))?,
        SyntaxWish::Stored | SyntaxWish::Any => return None,
    };
    is_decodable(stored).then(|| BulkChoice {
        multipart: wish.multipart,
        encoding: Encoding::Encoded(codec),
        media,
        transfer_syntax: codec.transfer_syntax().to_owned(),
        stored_will_do: false,
    })
}

fn of_frame(wish: &BulkWish, stored: &Uid) -> Option<BulkChoice> {
    let syntax = transfer_syntax::of(stored);
    // Frames of every native syntax are the same little endian bytes; PS3.18 8.7.3 forbids naming the others.
    let native = !syntax.encapsulated;
    let stored_media = media_of(&syntax);
    let octets = wish.takes("application", "octet-stream");
    let stored_is_named = names(wish, stored_media);
    let as_stored = |media: &'static str| BulkChoice {
        multipart: wish.multipart,
        encoding: if native { Encoding::Uncompressed } else { Encoding::AsStored },
        media,
        transfer_syntax: if native { uids::EXPLICIT_VR_LITTLE_ENDIAN.to_owned() } else { stored.to_string() },
        stored_will_do: false,
    };
    let uncompressed = || BulkChoice {
        multipart: wish.multipart,
        encoding: Encoding::Uncompressed,
        media: "application/octet-stream",
        transfer_syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        stored_will_do: wish.syntax == SyntaxWish::Default,
    };
    match &wish.syntax {
        SyntaxWish::Stored | SyntaxWish::Any if stored_is_named => Some(as_stored(stored_media)),
        SyntaxWish::Stored | SyntaxWish::Any if octets => Some(as_stored("application/octet-stream")),
        SyntaxWish::Exactly(uid) if uid == stored && !native && stored_is_named => {
            Some(as_stored(stored_media))
        }
        SyntaxWish::Exactly(uid) if uid == stored && !native && octets => {
            Some(as_stored("application/octet-stream"))
        }
        SyntaxWish::Exactly(uid) if uid.as_str() == uids::EXPLICIT_VR_LITTLE_ENDIAN && octets => {
            is_decodable(stored).then(uncompressed)
        }
        SyntaxWish::Default if octets && is_decodable(stored) => Some(uncompressed()),
        SyntaxWish::Default if octets => Some(as_stored("application/octet-stream")),
        // The default of image/jp2 is its lossless syntax; a stored lossy one is all that there is (PS3.18 8.7.3.4).
        SyntaxWish::Default if stored_is_named => Some(as_stored(stored_media)),
        _ => None,
    }
}

/// Whether a wish takes in the media type of the stored frames, also by a name of former editions.
fn names(wish: &BulkWish, stored_media: &str) -> bool {
    const FORMER: [(&str, &str, &str); 4] = [
        ("image", "x-dicom-rle", "image/dicom-rle"),
        ("image", "dicom+rle", "image/dicom-rle"),
        ("image", "x-jls", "image/jls"),
        ("video", "mpeg2", "video/mpeg"),
    ];
    let lower = stored_media.to_ascii_lowercase();
    lower.split_once('/').is_some_and(|(kind, subtype)| wish.takes(kind, subtype))
        || FORMER.iter().any(|(kind, subtype, now)| *now == lower && wish.media.is(kind, subtype))
}

/// The media type of one frame in a transfer syntax (PS3.18 tables 8.7.3-4 and 8.7.3-5).
pub fn media_of(syntax: &TransferSyntax) -> &'static str {
    let Some(uid) = syntax.uid.filter(|_| syntax.encapsulated) else { return "application/octet-stream" };
    let Some(family) = uid.strip_prefix("1.2.840.10008.1.2.") else { return "application/octet-stream" };
    match family {
        "4.50" | "4.51" | "4.57" | "4.70" => "image/jpeg",
        "4.80" | "4.81" => "image/jls",
        "4.90" | "4.91" => "image/jp2",
        "4.92" | "4.93" => "image/jpx",
        "4.110" | "4.111" | "4.112" => "image/jxl",
        "4.201" | "4.202" | "4.203" => "image/jphc",
        "5" => "image/dicom-rle",
        "4.100" | "4.100.1" | "4.101" | "4.101.1" => "video/mpeg",
        "4.107" | "4.108" => "video/H265",
        _ if ["4.102", "4.103", "4.104", "4.105", "4.106"].iter().any(|mp4| family.starts_with(mp4)) => {
            "video/mp4"
        }
        _ => "application/octet-stream",
    }
}

/// Whether frames of that syntax can be brought to native little endian.
pub fn is_decodable(stored: &Uid) -> bool {
    !transfer_syntax::of(stored).encapsulated || pixels::can_decode(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accept::Accept;

    const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const J2K: &str = "1.2.840.10008.1.2.4.90";
    const JPEG: &str = "1.2.840.10008.1.2.4.50";
    const VIDEO: &str = "1.2.840.10008.1.2.4.102";
    const HEVC: &str = "1.2.840.10008.1.2.4.107";
    const RLE: &str = "1.2.840.10008.1.2.5";
    const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

    fn uid(text: &str) -> Uid {
        Uid::parse(text).unwrap()
    }

    #[test]
    fn instances_by_accept_and_stored_syntax() {
        use Encoding::{AsStored, Encoded, Uncompressed};
        let dicom = r#"multipart/related; type="application/dicom""#;
        for (accept, stored, expected) in [
            ("*/*", J2K, Some(AsStored)),
            ("*/*", IMPLICIT, Some(Uncompressed)),
            ("*/*", EXPLICIT_VR_BIG_ENDIAN, Some(Uncompressed)),
            (&format!("{dicom}; transfer-syntax=*"), IMPLICIT, Some(AsStored)),
            (&format!("{dicom}; transfer-syntax=*"), J2K, Some(AsStored)),
            (dicom, EXPLICIT, Some(AsStored)),
            (dicom, IMPLICIT, Some(Uncompressed)),
            (dicom, J2K, Some(Uncompressed)),
            (dicom, VIDEO, Some(AsStored)),
            (&format!("{dicom}; transfer-syntax={EXPLICIT}"), J2K, Some(Uncompressed)),
            (&format!("{dicom}; transfer-syntax={EXPLICIT}"), VIDEO, None),
            (&format!("{dicom}; transfer-syntax={J2K}"), J2K, Some(AsStored)),
            (&format!("{dicom}; transfer-syntax={J2K}"), EXPLICIT, Some(Encoded(Codec::Jpeg2000))),
            (&format!("{dicom}; transfer-syntax={RLE}"), J2K, Some(Encoded(Codec::Rle))),
            (&format!("{dicom}; transfer-syntax={RLE}"), VIDEO, None),
            (&format!("{dicom}; transfer-syntax={RLE}"), DEFLATED, None),
            (&format!("{dicom}; transfer-syntax={JPEG}"), EXPLICIT, None),
            (&format!("{dicom}; transfer-syntax={JPEG}, {dicom}"), J2K, Some(Uncompressed)),
            (&format!("{dicom}, {dicom}; transfer-syntax={J2K}; q=0.1"), J2K, Some(AsStored)),
        ] {
            let wish = Accept::parse(accept).unwrap().instances(true).unwrap().remove(0);
            assert_eq!(of_instance(&wish.syntaxes, &uid(stored)), expected, "{accept} of {stored}");
        }
    }

    #[test]
    fn frames_by_accept_and_stored_syntax() {
        let octets = r#"multipart/related; type="application/octet-stream""#;
        for (accept, stored, expected) in [
            ("*/*", J2K, Some("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90")),
            ("*/*", IMPLICIT, Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1")),
            (
                &format!("{octets}; transfer-syntax=\"*\""),
                J2K,
                Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.90"),
            ),
            (
                &format!("{octets}; transfer-syntax=*"),
                IMPLICIT,
                Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
            ),
            (octets, J2K, Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1")),
            (octets, VIDEO, Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.102")),
            (&format!("{octets}; transfer-syntax={EXPLICIT}"), VIDEO, None),
            (
                r#"multipart/related; type="image/jp2""#,
                J2K,
                Some("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
            ),
            (r#"multipart/related; type="image/jp2""#, VIDEO, None),
            (
                r#"multipart/related; type="image/jp2""#,
                JPEG,
                Some("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
            ),
            ("image/jpeg", EXPLICIT, Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70")),
            (
                "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50",
                RLE,
                Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
            ),
            (
                &format!("{octets}; transfer-syntax=1.2.840.10008.1.2.4.202"),
                EXPLICIT,
                Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202"),
            ),
            ("image/jls; transfer-syntax=1.2.840.10008.1.2.4.90", EXPLICIT, None),
            ("image/jxl", EXPLICIT, None),
            (
                r#"multipart/related; type="image/x-dicom-rle""#,
                RLE,
                Some("image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"),
            ),
            ("video/h265", HEVC, Some("video/H265; transfer-syntax=1.2.840.10008.1.2.4.107")),
            (
                r#"multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50"#,
                JPEG,
                Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
            ),
            (
                r#"multipart/related; type="image/*"; transfer-syntax=*"#,
                JPEG,
                Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
            ),
            (
                r#"multipart/related; type="image/jls", multipart/related; type="application/octet-stream""#,
                J2K,
                Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
            ),
            (r#"multipart/related; type="application/dicom""#, J2K, None),
            (
                "*/*, image/jp2;q=0",
                J2K,
                Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.90"),
            ),
            ("image/*, image/jp2;q=0", J2K, Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70")),
            ("image/jp2;q=0", J2K, None),
        ] {
            let wishes = Accept::parse(accept).unwrap().bulk(true).unwrap();
            let choice = of_frames(&wishes, &uid(stored)).map(|choice| choice.content_type());
            assert_eq!(choice.as_deref(), expected, "{accept} of {stored}");
        }
    }
}
