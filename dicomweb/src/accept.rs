//! What the user agent accepts (RFC 9110 12.5.1, PS3.18 8.3.3.1 and 8.7.5), and what is chosen for it.
//!
//! The rule for transfer syntaxes, from PS3.18 8.7.3 and the clients in use:
//! - `transfer-syntax=*` takes the stored syntax, untouched;
//! - a named transfer syntax takes exactly that one;
//! - a named media type without a transfer syntax takes the default, Explicit VR Little Endian. What cannot be decoded
//!   (video, private syntaxes) then leaves as stored, which PS3.18 8.7.3.4 permits, and its part says so;
//! - no preference at all (`*/*`, or no Accept) takes the stored syntax: it is acceptable and loses nothing.

use crate::media::{MediaType, MediaTypeError};
use http::HeaderMap;
use http::header::{ACCEPT, RANGE};
use pacs_core::uid::Uid;

/// Most characters of all Accept lines together that are looked at.
const ACCEPT_MAX_BYTES: usize = 8 * 1024;

/// Why no representation was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// The header cannot be read.
    #[error("the Accept header cannot be read: {0}")]
    Malformed(#[from] MediaTypeError),
    /// Another reason why it cannot be read.
    #[error("the Accept header cannot be read: {0}")]
    Invalid(&'static str),
    /// Nothing of what is offered is accepted.
    #[error("none of the accepted media types is offered here; offered: {0}")]
    NotAcceptable(&'static str),
}

/// The transfer syntax that an accepted media type asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxWish {
    /// Whatever is stored.
    Stored,
    /// The default of PS3.18: Explicit VR Little Endian.
    Default,
    /// This one.
    Exactly(Uid),
}

/// The accepted media ranges, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    ranges: Vec<MediaType>,
    /// Whether bytes of a body are asked for, and not all of it.
    byte_range: bool,
}

/// How whole instances are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceWish {
    /// As `multipart/related`, or as the one `application/dicom` body.
    pub multipart: bool,
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
}

/// The formats of a rendered image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// `image/jpeg`, lossy.
    Jpeg,
    /// `image/png`, lossless.
    Png,
}

/// The formats of DICOM JSON: one content, two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonName {
    /// `application/dicom+json`.
    DicomJson,
    /// `application/json`.
    Json,
}

impl JsonName {
    /// The Content-Type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::DicomJson => "application/dicom+json",
            Self::Json => "application/json",
        }
    }
}

impl Accept {
    /// Reads the `accept` query parameter when there is one (it outranks the header, PS3.18 8.7.5), else the header
    /// lines. Absence accepts everything.
    pub fn read(headers: &HeaderMap, parameter: Option<&str>) -> Result<Self, AcceptError> {
        let text = match parameter {
            Some(parameter) => parameter.to_owned(),
            None => {
                let mut lines = Vec::new();
                for line in headers.get_all(ACCEPT) {
                    lines.push(line.to_str().map_err(|_| AcceptError::Invalid("it is not ASCII text"))?);
                }
                lines.join(",")
            }
        };
        Ok(Self { byte_range: headers.contains_key(RANGE), ..Self::parse(&text)? })
    }

    /// Reads a list of media ranges with their weights.
    pub fn parse(text: &str) -> Result<Self, AcceptError> {
        if text.len() > ACCEPT_MAX_BYTES {
            return Err(AcceptError::Invalid("it is too long"));
        }
        let mut weighted = Vec::new();
        for range in MediaType::parse_list(text)? {
            let weight = weight(range.parameter("q"))?;
            if weight > 0 {
                weighted.push((weight, range));
            }
        }
        if weighted.is_empty() {
            weighted.push((1000, MediaType::parse("*/*")?));
        }
        // Stable: equal weights keep the order in which the client wrote them.
        weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Ok(Self { ranges: weighted.into_iter().map(|(_, range)| range).collect(), byte_range: false })
    }

    /// How to send instances; `one` tells that there is only one, which may leave as a single body.
    pub fn instances(&self, one: bool) -> Result<InstanceWish, AcceptError> {
        let mut wish: Option<InstanceWish> = None;
        for bulk in self.bulk(one)? {
            if !bulk.media.covers("application", "dicom") || (!bulk.multipart && !one) {
                continue;
            }
            match &mut wish {
                None => wish = Some(InstanceWish { multipart: bulk.multipart, syntaxes: vec![bulk.syntax] }),
                Some(wish) if wish.multipart == bulk.multipart => wish.syntaxes.push(bulk.syntax),
                Some(_) => {}
            }
        }
        wish.ok_or(AcceptError::NotAcceptable(if one {
            "multipart/related; type=\"application/dicom\" and application/dicom"
        } else {
            "multipart/related; type=\"application/dicom\""
        }))
    }

    /// The acceptable ways of sending bulk data, best first. A range that prefers nothing (`*/*`) is multipart, unless a
    /// byte range of `one` body is asked: multipart bodies have none.
    pub fn bulk(&self, one: bool) -> Result<Vec<BulkWish>, AcceptError> {
        self.ranges.iter().map(|range| BulkWish::of(range, !(one && self.byte_range))).collect()
    }

    /// The name under which DICOM JSON is accepted.
    pub fn json(&self) -> Result<JsonName, AcceptError> {
        let names = [("dicom+json", JsonName::DicomJson), ("json", JsonName::Json)];
        for range in &self.ranges {
            for (subtype, name) in names {
                if range.covers("application", subtype) {
                    return Ok(name);
                }
            }
        }
        Err(AcceptError::NotAcceptable("application/dicom+json and application/json"))
    }

    /// The accepted format of a rendered image; JPEG when there is no preference (PS3.18 8.7.4).
    pub fn image(&self) -> Result<ImageFormat, AcceptError> {
        for range in &self.ranges {
            if range.covers("image", "jpeg") {
                return Ok(ImageFormat::Jpeg);
            }
            if range.covers("image", "png") {
                return Ok(ImageFormat::Png);
            }
        }
        Err(AcceptError::NotAcceptable("image/jpeg and image/png"))
    }
}

impl BulkWish {
    /// What a media range wishes; one that takes anything is multipart where `multipart_is_usual`.
    fn of(range: &MediaType, multipart_is_usual: bool) -> Result<Self, AcceptError> {
        let multipart = range.is("multipart", "related");
        let media = match (multipart, range.parameter("type")) {
            (true, Some(inner)) => MediaType::parse(inner)?,
            (true, None) => MediaType::parse("*/*")?,
            (false, _) => range.clone(),
        };
        let indifferent = media.is("*", "*") || media.is("application", "*");
        let syntax = match range.parameter("transfer-syntax").or_else(|| media.parameter("transfer-syntax")) {
            Some("*") => SyntaxWish::Stored,
            Some(uid) => {
                let uid =
                    Uid::parse(uid).map_err(|_| AcceptError::Invalid("a transfer-syntax is not a UID"))?;
                SyntaxWish::Exactly(uid)
            }
            None if indifferent => SyntaxWish::Stored,
            None => SyntaxWish::Default,
        };
        Ok(Self { multipart: multipart || (indifferent && multipart_is_usual), media, syntax })
    }
}

/// A weight `0` to `1` with at most three decimals (RFC 9110 12.4.2), in thousandths.
pub fn weight(text: Option<&str>) -> Result<u16, AcceptError> {
    const WRONG: AcceptError = AcceptError::Invalid("a weight is not a number from 0 to 1");
    let Some(text) = text else { return Ok(1000) };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().map_err(|_| WRONG)?;
    match (whole, thousandths) {
        ("0", thousandths) => Ok(thousandths),
        ("1", 0) => Ok(1000),
        _ => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accept(text: &str) -> Accept {
        Accept::parse(text).unwrap()
    }

    fn exactly(uid: &str) -> SyntaxWish {
        SyntaxWish::Exactly(Uid::parse(uid).unwrap())
    }

    #[test]
    fn the_transfer_syntax_of_instances() {
        use SyntaxWish::{Default, Stored};
        for (text, one, multipart, syntaxes) in [
            ("", false, true, vec![Stored]),
            ("*/*", true, true, vec![Stored]),
            ("application/*", true, true, vec![Stored]),
            ("multipart/related", true, true, vec![Stored]),
            (r#"multipart/related; type="application/dicom""#, false, true, vec![Default]),
            ("multipart/related; type=application/dicom; transfer-syntax=*", false, true, vec![Stored]),
            (
                r#"multipart/related; type="application/dicom"; transfer-syntax="*""#,
                false,
                true,
                vec![Stored],
            ),
            (r#"multipart/related; type="application/dicom;transfer-syntax=*""#, false, true, vec![Stored]),
            ("application/dicom", true, false, vec![Default]),
            ("application/dicom; transfer-syntax=*", true, false, vec![Stored]),
            (
                "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90; q=0.5, \
                 multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
                false,
                true,
                vec![exactly("1.2.840.10008.1.2.1"), exactly("1.2.840.10008.1.2.4.90")],
            ),
        ] {
            assert_eq!(accept(text).instances(one).unwrap(), InstanceWish { multipart, syntaxes }, "{text}");
        }
        assert!(accept("image/jpeg").instances(true).is_err());
        assert!(accept("application/dicom").instances(false).is_err(), "several do not fit into one body");
        assert!(accept(r#"multipart/related; type="application/octet-stream""#).instances(true).is_err());
    }

    #[test]
    fn names_of_json() {
        assert_eq!(accept("").json().unwrap(), JsonName::DicomJson);
        assert_eq!(accept("application/json").json().unwrap(), JsonName::Json);
        assert_eq!(accept("application/dicom+json, application/json").json().unwrap(), JsonName::DicomJson);
        assert_eq!(accept("application/json;q=0.9, text/html, */*;q=0.1").json().unwrap(), JsonName::Json);
        assert!(accept("application/dicom+xml").json().is_err());
        assert!(accept(r#"multipart/related; type="application/dicom+xml""#).json().is_err());
    }

    #[test]
    fn formats_of_images() {
        assert_eq!(accept("").image().unwrap(), ImageFormat::Jpeg);
        assert_eq!(accept("image/*").image().unwrap(), ImageFormat::Jpeg);
        assert_eq!(accept("image/png").image().unwrap(), ImageFormat::Png);
        assert_eq!(
            accept("image/avif,image/webp,image/png;q=0.8,*/*;q=0.5").image().unwrap(),
            ImageFormat::Png
        );
        assert!(accept("image/gif").image().is_err());
    }

    #[test]
    fn weights() {
        assert_eq!(weight(Some("0.5")).unwrap(), 500);
        assert_eq!(weight(Some("1.000")).unwrap(), 1000);
        for wrong in ["1.5", "2", "-1", "0.1234", "", "x", "0.x", "+0.5"] {
            assert!(weight(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(accept("image/png;q=0, image/jpeg").image() == Ok(ImageFormat::Jpeg));
    }

    #[test]
    fn who_asks_for_bytes_and_names_no_form_gets_a_body_that_has_them() {
        for (text, usual, ranged) in [
            ("*/*", true, false),
            ("application/*", true, false),
            ("application/octet-stream", false, false),
            ("multipart/related", true, true),
            ("multipart/related; type=\"application/octet-stream\"", true, true),
        ] {
            let asked =
                |byte_range, one| Accept { byte_range, ..accept(text) }.bulk(one).unwrap()[0].multipart;
            assert_eq!((asked(false, true), asked(true, true)), (usual, ranged), "{text}");
            assert_eq!(asked(true, false), usual, "several have no other form: {text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for text in ["dicom", "a/b;q=9", "multipart/related; type=\"application/dicom", &"a/b,".repeat(4000)]
        {
            assert!(Accept::parse(text).is_err(), "{}", text.get(..30).unwrap_or(text));
        }
        assert!(accept("application/dicom; transfer-syntax=explicit").instances(true).is_err());
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(text in "[ -~]{0,120}") {
            if let Ok(accept) = Accept::parse(&text) {
                let _ = (accept.instances(true), accept.bulk(true), accept.json(), accept.image());
            }
        }

        /// Chosen is always the first range of the greatest weight.
        #[test]
        fn the_greatest_weight_wins(weights in proptest::collection::vec(0u16..=1000, 1..6)) {
            let names = ["image/png", "image/jpeg"];
            let text = weights.iter().enumerate()
                .map(|(at, weight)| format!("{};q={}.{:03}", names[at % 2], weight / 1000, weight % 1000))
                .collect::<Vec<_>>().join(", ");
            let best = weights.iter().enumerate().filter(|(_, weight)| **weight > 0)
                .max_by_key(|(at, weight)| (**weight, std::cmp::Reverse(*at)));
            let expected = match best {
                Some((at, _)) if at % 2 == 0 => ImageFormat::Png,
                _ => ImageFormat::Jpeg,
            };
            prop_assert_eq!(accept(&text).image().unwrap(), expected);
        }
    }
}
