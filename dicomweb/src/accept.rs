//! What the user agent accepts (RFC 9110 12.5.1, PS3.18 8.3.3.1 and 8.7.5), and what is chosen for it.
//!
//! The rule for transfer syntaxes, from PS3.18 8.7.3 and the clients in use:
//! - `transfer-syntax=*` takes the stored syntax, untouched;
//! - a named transfer syntax takes exactly that one;
//! - a named media type without a transfer syntax takes the default, Explicit VR Little Endian. What cannot be decoded
//!   (video, private syntaxes) then leaves as stored, which PS3.18 8.7.3.4 permits, and its part says so;
//! - no preference at all (`*/*`, or no Accept) takes the stored syntax: it is acceptable and loses nothing. Implicit VR
//!   and big endian are no syntaxes of the web, and become Explicit VR Little Endian.
//!
//! The `accept` query parameter comes before the header; what it names and nobody can make is passed over for what the
//! header names (PS3.18 8.7.8.1).

use crate::media::{MediaType, MediaTypeError};
use crate::wish::{self, BulkWish, Form, InstanceWish, Refusal};
use http::HeaderMap;
use http::header::{ACCEPT, RANGE};

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

/// The accepted media ranges: those of the query parameter, then those of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    lists: Vec<Vec<Weighted>>,
    /// Whether bytes of a body are asked for, and not all of it.
    byte_range: bool,
}

/// A media range with its weight in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Weighted {
    range: MediaType,
    weight: u16,
}

/// The formats of a rendered image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// `image/jpeg`, lossy.
    Jpeg,
    /// `image/png`, lossless.
    Png,
    /// `image/webp`, lossless here.
    Webp,
}

/// The formats of DICOM JSON: one content, two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Reads the `accept` query parameter, where there is one, and the header lines. Absence of both accepts
    /// everything.
    pub fn read(headers: &HeaderMap, parameter: Option<&str>) -> Result<Self, AcceptError> {
        let mut lines = Vec::new();
        for line in headers.get_all(ACCEPT) {
            lines.push(line.to_str().map_err(|_| AcceptError::Invalid("it is not ASCII text"))?);
        }
        let mut lists = Vec::new();
        if let Some(parameter) = parameter {
            lists.push(list(&with_pluses(parameter))?);
        }
        if parameter.is_none() || !lines.is_empty() {
            lists.push(list(&lines.join(","))?);
        }
        Ok(Self { lists, byte_range: headers.contains_key(RANGE) })
    }

    /// Reads a list of media ranges with their weights.
    pub fn parse(text: &str) -> Result<Self, AcceptError> {
        Ok(Self { lists: vec![list(text)?], byte_range: false })
    }

    /// Reads a list of media ranges that came as a query parameter, and no header beside it.
    pub fn of_parameter(text: &str) -> Result<Self, AcceptError> {
        Self::parse(&with_pluses(text))
    }

    /// How to send instances; `one` tells that there is only one, which may leave as a single body. A later wish is for
    /// when the one before it cannot be fulfilled.
    pub fn instances(&self, one: bool) -> Result<Vec<InstanceWish>, AcceptError> {
        let mut wishes = Vec::new();
        for list in &self.lists {
            let mut wish: Option<InstanceWish> = None;
            for bulk in self.wishes(list, one)? {
                let form = match (bulk.multipart, bulk.takes("application", "dicom")) {
                    (true, true) => Form::Multipart,
                    (false, true) if one => Form::Single,
                    // Nobody gets a ZIP by accident.
                    (false, _) if bulk.media.is("application", "zip") => Form::Zip,
                    _ => continue,
                };
                match &mut wish {
                    None => wish = Some(InstanceWish { form, syntaxes: vec![bulk.syntax] }),
                    Some(wish) if wish.form == form => wish.syntaxes.push(bulk.syntax),
                    Some(_) => {}
                }
            }
            wishes.extend(wish);
        }
        if !wishes.is_empty() {
            return Ok(wishes);
        }
        Err(AcceptError::NotAcceptable(if one {
            "multipart/related; type=\"application/dicom\", application/dicom and application/zip"
        } else {
            "multipart/related; type=\"application/dicom\" and application/zip"
        }))
    }

    /// The acceptable ways of sending bulk data, best first.
    pub fn bulk(&self, one: bool) -> Result<Vec<BulkWish>, AcceptError> {
        let lists: Result<Vec<_>, _> = self.lists.iter().map(|list| self.wishes(list, one)).collect();
        Ok(lists?.into_iter().flatten().collect())
    }

    /// The wishes of a list, best first. A range that prefers nothing (`*/*`) wishes for multipart, unless a byte range of
    /// `one` body is asked: multipart bodies have none.
    fn wishes(&self, list: &[Weighted], one: bool) -> Result<Vec<BulkWish>, AcceptError> {
        let refused = list.iter().filter(|weighted| weighted.weight == 0);
        let refusals: Result<Vec<_>, _> = refused.map(|weighted| Refusal::of(&weighted.range)).collect();
        let refusals: Vec<_> = refusals?.into_iter().flatten().collect();
        let multipart_is_usual = !(one && self.byte_range);
        by_weight(list).map(|range| BulkWish::of(range, &refusals, multipart_is_usual)).collect()
    }

    /// The same of the parts of a multipart body, where its type may be named as that of the whole or alone.
    pub fn of_parts(&self) -> Result<Self, AcceptError> {
        let part = |weighted: &Weighted| {
            let range = wish::opened(&weighted.range)?.1;
            Ok(Weighted { range, weight: weighted.weight })
        };
        let lists = self.lists.iter().map(|list| list.iter().map(part).collect());
        Ok(Self { lists: lists.collect::<Result<_, AcceptError>>()?, byte_range: self.byte_range })
    }

    /// The name under which DICOM JSON is accepted.
    pub fn json(&self) -> Result<JsonName, AcceptError> {
        let offered =
            [("application", "dicom+json", JsonName::DicomJson), ("application", "json", JsonName::Json)];
        self.choose(&offered, "application/dicom+json and application/json")
    }

    /// Whether XML (`multipart/related; type="application/dicom+xml"`) is preferred to DICOM JSON.
    pub fn prefers_xml(&self) -> bool {
        let preferred = self.lists.iter().flat_map(|list| by_weight(list)).find_map(|range| {
            let is_json = ["dicom+json", "json"].iter().any(|name| range.covers("application", name));
            let parts = range.parameter("type").unwrap_or_default();
            let is_xml =
                range.is("multipart", "related") && parts.eq_ignore_ascii_case("application/dicom+xml");
            (is_json || is_xml).then_some(is_xml)
        });
        preferred.unwrap_or(false)
    }

    /// The accepted format of a rendered image; JPEG when there is no preference (PS3.18 8.7.4).
    pub fn image(&self) -> Result<ImageFormat, AcceptError> {
        let offered = [
            ("image", "jpeg", ImageFormat::Jpeg),
            ("image", "png", ImageFormat::Png),
            ("image", "webp", ImageFormat::Webp),
        ];
        self.choose(&offered, "image/jpeg, image/png and image/webp")
    }

    /// The offered type with the greatest weight, which is that of the most specific range that takes it in (RFC 9110
    /// 12.5.1). Equal weights are decided by the order in which the client wrote them, then by that of the offer, whose
    /// `names` are for a message.
    pub fn choose<T: Copy>(
        &self,
        offered: &[(&str, &str, T)],
        names: &'static str,
    ) -> Result<T, AcceptError> {
        for list in &self.lists {
            let weighed = offered.iter().filter_map(|(kind, subtype, value)| {
                let (weight, at) = weight_of(list, kind, subtype)?;
                (weight > 0).then_some((weight, std::cmp::Reverse(at), *value))
            });
            // The first of equal ones: `max_by_key` would take the last.
            let best =
                weighed.reduce(|best, next| if (next.0, next.1) > (best.0, best.1) { next } else { best });
            if let Some((_, _, value)) = best {
                return Ok(value);
            }
        }
        Err(AcceptError::NotAcceptable(names))
    }
}

/// Reads a list of media ranges; an empty one accepts everything.
fn list(text: &str) -> Result<Vec<Weighted>, AcceptError> {
    if text.len() > ACCEPT_MAX_BYTES {
        return Err(AcceptError::Invalid("it is too long"));
    }
    let mut list = Vec::new();
    for range in MediaType::parse_list(text)? {
        list.push(Weighted { weight: weight(range.parameter("q"))?, range });
    }
    if list.is_empty() {
        list.push(Weighted { weight: 1000, range: MediaType::parse("*/*")? });
    }
    Ok(list)
}

/// The acceptable ranges, best first; equal weights keep the order in which the client wrote them.
fn by_weight(list: &[Weighted]) -> impl Iterator<Item = &MediaType> {
    let mut acceptable: Vec<&Weighted> = list.iter().filter(|weighted| weighted.weight > 0).collect();
    acceptable.sort_by_key(|weighted| std::cmp::Reverse(weighted.weight));
    acceptable.into_iter().map(|weighted| &weighted.range)
}

/// The weight of a media type, and which range gave it.
fn weight_of(list: &[Weighted], kind: &str, subtype: &str) -> Option<(u16, usize)> {
    let covering = list.iter().enumerate().filter(|(_, weighted)| weighted.range.covers(kind, subtype));
    let key = |at: usize, weighted: &Weighted| {
        (weighted.range.specificity(), weighted.weight, std::cmp::Reverse(at))
    };
    let best = covering.max_by_key(|(at, weighted)| key(*at, weighted));
    best.map(|(at, weighted)| (weighted.weight, at))
}

/// A plus in a query is a space, but nobody writes `application/dicom%2Bjson` by hand: no media type has a space
/// between two letters.
fn with_pluses(parameter: &str) -> String {
    let characters: Vec<char> = parameter.chars().collect();
    let is_letter =
        |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_alphanumeric);
    let plus = |(at, character): (usize, &char)| match character {
        ' ' if is_letter(at.checked_sub(1)) && is_letter(Some(at + 1)) => '+',
        other => *other,
    };
    characters.iter().enumerate().map(plus).collect()
}

/// A weight `0` to `1` with at most three decimals (RFC 9110 12.4.2), in thousandths. `.2` is taken for `0.2`: Java's
/// `HttpURLConnection` writes it so.
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
        ("", thousandths) if !decimals.is_empty() => Ok(thousandths),
        ("1", 0) => Ok(1000),
        _ => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wish::SyntaxWish;
    use pacs_core::uid::Uid;
    use proptest::prelude::*;

    fn accept(text: &str) -> Accept {
        Accept::parse(text).unwrap()
    }

    fn exactly(uid: &str) -> SyntaxWish {
        SyntaxWish::Exactly(Uid::parse(uid).unwrap())
    }

    #[test]
    fn the_transfer_syntax_of_instances() {
        use SyntaxWish::{Any, Default, Stored};
        for (text, one, form, syntaxes) in [
            ("", false, Form::Multipart, vec![Any]),
            ("*/*", true, Form::Multipart, vec![Any]),
            ("application/*", true, Form::Multipart, vec![Any]),
            ("multipart/related", true, Form::Multipart, vec![Any]),
            (r#"multipart/related; type="application/dicom""#, false, Form::Multipart, vec![Default]),
            (
                "multipart/related; type=application/dicom; transfer-syntax=*",
                false,
                Form::Multipart,
                vec![Stored],
            ),
            (
                r#"multipart/related; type="application/dicom"; transfer-syntax="*""#,
                false,
                Form::Multipart,
                vec![Stored],
            ),
            (
                r#"multipart/related; type="application/dicom;transfer-syntax=*""#,
                false,
                Form::Multipart,
                vec![Stored],
            ),
            ("application/dicom", true, Form::Single, vec![Default]),
            ("application/zip", false, Form::Zip, vec![Default]),
            ("application/zip; transfer-syntax=*, */*; q=0.1", true, Form::Zip, vec![Stored]),
            ("application/dicom; transfer-syntax=*", true, Form::Single, vec![Stored]),
            (
                "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90; q=0.5, \
                 multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
                false,
                Form::Multipart,
                vec![exactly("1.2.840.10008.1.2.1"), exactly("1.2.840.10008.1.2.4.90")],
            ),
        ] {
            assert_eq!(accept(text).instances(one).unwrap(), [InstanceWish { form, syntaxes }], "{text}");
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
        let of_java = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";
        assert_eq!(accept(of_java).json().unwrap(), JsonName::DicomJson);
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
            ImageFormat::Webp
        );
        assert_eq!(accept("image/avif,image/png;q=0.8,*/*;q=0.5").image().unwrap(), ImageFormat::Png);
        assert!(accept("image/gif").image().is_err());
    }

    #[test]
    fn the_most_specific_range_decides() {
        use ImageFormat::{Jpeg, Png};
        for (text, expected) in [
            ("image/*;q=0.9, image/jpeg;q=0.1", Some(Png)),
            ("*/*, image/jpeg;q=0", Some(Png)),
            ("image/*;q=0, image/jpeg", Some(Jpeg)),
            ("image/png;q=0, image/jpeg;q=0", None),
            ("*/*;q=0", None),
            ("*/*;q=0.1, image/*;q=0.2", Some(Jpeg)),
        ] {
            assert_eq!(accept(text).image().ok(), expected, "{text}");
        }
    }

    fn read(parameter: Option<&str>, header: Option<&str>) -> Accept {
        let headers = header.iter().map(|header| (ACCEPT, header.parse().unwrap())).collect();
        Accept::read(&headers, parameter).unwrap()
    }

    #[test]
    fn the_parameter_comes_before_the_header() {
        let json = |parameter, header| read(parameter, header).json().ok();
        assert_eq!(json(Some("application/json"), Some("application/dicom+json")), Some(JsonName::Json));
        assert_eq!(json(Some("text/html"), Some("application/json")), Some(JsonName::Json));
        assert_eq!(json(Some("text/html"), Some("text/html, */*;q=0.8")), Some(JsonName::DicomJson));
        assert_eq!(json(Some("text/html"), None), None);
        assert_eq!(json(None, None), Some(JsonName::DicomJson));
        assert_eq!(
            json(Some("application/dicom json"), None),
            Some(JsonName::DicomJson),
            "a plus in a query"
        );
        let wishes = read(Some("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90"), Some("*/*"));
        let wishes = wishes.instances(true).unwrap();
        assert_eq!(wishes.iter().map(|wish| wish.form).collect::<Vec<_>>(), [Form::Single, Form::Multipart]);
    }

    #[test]
    fn weights() {
        assert_eq!(weight(Some("0.5")).unwrap(), 500);
        assert_eq!(weight(Some("1.000")).unwrap(), 1000);
        assert_eq!(weight(Some(".2")).unwrap(), 200);
        for wrong in ["1.5", "2", "-1", "0.1234", "", ".", "x", "0.x", "+0.5"] {
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
    fn what_is_refused_is_not_sent_for_a_wider_range() {
        for (text, multipart, octets, jpeg) in [
            ("*/*", true, true, true),
            ("*/*, application/octet-stream;q=0", true, false, true),
            ("application/octet-stream, */*;q=0", false, true, false),
            ("application/octet-stream, application/octet-stream;q=0", false, true, false),
            ("multipart/related, image/*;q=0", true, true, false),
            ("multipart/related, multipart/related; type=\"image/jpeg\";q=0", true, true, false),
            ("multipart/related;q=0, */*", false, true, true),
            ("*/*, multipart/related; type=\"image/jpeg\";q=0", true, true, false),
            ("*/*, image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50; q=0", true, true, true),
            ("*/*, image/jpeg; transfer-syntax=*; q=0", true, true, false),
        ] {
            let wish = accept(text).bulk(true).unwrap().remove(0);
            let takes = |kind, subtype| wish.takes(kind, subtype);
            assert_eq!(
                (wish.multipart, takes("application", "octet-stream"), takes("image", "jpeg")),
                (multipart, octets, jpeg),
                "{text}"
            );
        }
        let instances = accept("*/*, application/dicom;q=0").instances(true);
        assert!(instances.is_err(), "{instances:?}");
    }

    #[test]
    fn parts_are_named_by_the_whole_or_alone() {
        for (text, expected) in [
            ("multipart/related; type=\"image/png\"", Some(ImageFormat::Png)),
            ("multipart/related", Some(ImageFormat::Jpeg)),
            ("image/png", Some(ImageFormat::Png)),
            ("multipart/related; type=\"application/dicom\"", None),
            ("multipart/related; type=\"image/png\"; q=0.1, image/jpeg", Some(ImageFormat::Jpeg)),
        ] {
            assert_eq!(accept(text).of_parts().unwrap().image().ok(), expected, "{text}");
        }
        assert!(accept("multipart/related; type=\"image/png\"").image().is_err());
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
            // Where all are refused there is none.
            let expected = best.map(|(at, _)| [ImageFormat::Png, ImageFormat::Jpeg][at % 2]);
            prop_assert_eq!(accept(&text).image().ok(), expected);
        }
    }
}
