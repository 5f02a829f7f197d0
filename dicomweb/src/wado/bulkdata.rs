//! `…/instances/{instance}/bulkdata/{path}`: one value of an instance, as BulkDataURIs in metadata name it. The path is
//! the tag, or tags and item numbers (from 0) that lead into sequences: `7FE00010`, `54000100/0/54001010`.

use super::{Request, frames, icon, stored};
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::media::MediaType;
use crate::multipart::Boundary;
use crate::pieces;
use crate::resource::InstancePath;
use crate::validators::Validators;
use crate::wish::{BulkWish, SyntaxWish};
use axum::extract::RawPathParams;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use pacs_core::dataset::{DataSet, Element, Value, anew, tag_of};
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::{tags, uids};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use storage::{Archive, InstancePlace, InstanceReader, PixelPlace};

/// Deepest nesting that a path leads into.
const DEPTH_MAX: usize = 64;
const OCTETS: &str = "application/octet-stream";

/// Where the bytes of a value are.
#[derive(Debug, Clone)]
pub enum Source {
    /// Here.
    Held(Bytes),
    /// In the stored data set at this range; numbers of so many bytes are turned around.
    Stored(Range<u64>, usize),
    /// In the inflated data set at this range.
    Inflated(Range<u64>),
}

/// How a value is sent.
pub struct Form {
    multipart: bool,
    /// What it is.
    pub content_type: String,
}

/// Answers with the value, or a byte range of it.
pub async fn retrieve(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let header = stored::header(&request.state.archive, &place).await?;
    let steps =
        parameters.iter().find(|(name, _)| *name == "path").map(|(_, value)| value).unwrap_or_default();
    let (set, element) = find(&header, steps)?;
    if let Value::Fragments(fragments) = &element.value {
        if !std::ptr::eq(set, &*header) {
            return icon::respond(&request, &place, set, fragments, steps).await;
        }
        // Compressed pixel data is sent frame by frame (PS3.18 8.7.3.3.2).
        let count = match stored::pixel_place(&request.state.archive, &place).await? {
            PixelPlace::Fragments(index) => index.count(),
            _ => return Err(Error::NotFound("the value")),
        };
        return frames::respond(&request, place, (1..=count).collect()).await;
    }
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    let source = source(element, &syntax)?;
    let wishes = request.accept()?.bulk(true)?;
    let form = form(&wishes, set, element)?;
    let validators = validators(&place, steps, &form);
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let content = source.open(&request.state.archive, &place).await?;
    if form.multipart {
        return multipart(content, &form.content_type, validators).await;
    }
    request.ranged(Head::of_pixels(form.content_type, validators), content).await
}

/// Follows a path into a data set: the item that holds the value, and the value.
pub fn find<'a>(header: &'a DataSet, path: &str) -> Result<(&'a DataSet, &'a Element), Error> {
    const NONE: Error = Error::NotFound("the value");
    let mut set = header;
    let mut steps = path.split('/');
    for _ in 0..DEPTH_MAX {
        let is_tag = |name: &&str| name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tag = steps.next().filter(is_tag).and_then(tag_of).ok_or(NONE)?;
        let Some(item) = steps.next() else {
            return set.get(tag).map(|element| (set, element)).ok_or(NONE);
        };
        let item: usize = item.parse().map_err(|_| NONE)?;
        set = set.items(tag).get(item).ok_or(NONE)?;
    }
    Err(NONE)
}

/// Where the value of an element is that is not compressed.
pub fn source(element: &Element, syntax: &TransferSyntax) -> Result<Source, Error> {
    match &element.value {
        Value::Bytes(bytes) => Ok(Source::Held(bytes.clone())),
        Value::Elsewhere { offset, length } if element.vr != pacs_core::VR::SQ => {
            let range = *offset..offset.saturating_add(*length);
            Ok(match (syntax.deflated, syntax.big_endian) {
                (true, _) => Source::Inflated(range),
                (false, true) => Source::Stored(range, anew::number_bytes(element.vr)),
                (false, false) => Source::Stored(range, 1),
            })
        }
        Value::Elsewhere { .. } | Value::Items(_) | Value::Fragments(_) => Err(Error::NotFound("the value")),
    }
}

/// Chooses the form: octets, or the media type that an encapsulated document says it has.
pub fn form(wishes: &[BulkWish], set: &DataSet, element: &Element) -> Result<Form, Error> {
    let document = (element.tag == tags::ENCAPSULATED_DOCUMENT)
        .then(|| set.text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT))
        .flatten()
        .and_then(|text| MediaType::parse(&text).ok());
    for wish in wishes {
        let multipart = wish.multipart;
        if let Some(document) = &document
            && !wish.media.is("*", "*")
            && wish.media.to_string() == document.to_string()
        {
            return Ok(Form { multipart, content_type: document.to_string() });
        }
        let plain = match &wish.syntax {
            SyntaxWish::Stored | SyntaxWish::Any | SyntaxWish::Default => true,
            SyntaxWish::Exactly(uid) => uid.as_str() == uids::EXPLICIT_VR_LITTLE_ENDIAN,
        };
        if wish.takes("application", "octet-stream") && plain {
            let content_type = format!("{OCTETS}; transfer-syntax={}", uids::EXPLICIT_VR_LITTLE_ENDIAN);
            return Ok(Form { multipart, content_type });
        }
    }
    Err(Error::NotAcceptable("this value is sent as application/octet-stream".into()))
}

async fn multipart(content: Content, part_type: &str, validators: Validators) -> Result<Response, Error> {
    let boundary = Boundary::new();
    let head = boundary.part_head(part_type, None);
    let close = boundary.close();
    let root = part_type.split(';').next().unwrap_or(OCTETS);
    let length = head.len() as u64 + content.length_bytes() + close.len() as u64;
    let content_type = boundary.content_type(root);
    let body = content.framed(head, close).await?;
    Ok(Head::of_pixels(content_type, validators).with(body, Some(length)))
}

impl Source {
    /// How long it is.
    pub fn length_bytes(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Stored(range, _) | Self::Inflated(range) => range.end.saturating_sub(range.start),
        }
    }

    /// Makes sure that the bytes are there.
    pub async fn open(self, archive: &Archive, place: &InstancePlace) -> Result<Content, Error> {
        let length_bytes = self.length_bytes();
        Ok(match self {
            Self::Held(bytes) => Content::Held(bytes),
            Self::Stored(value, unit_bytes) => {
                let reader = stored::open(archive, place).await?;
                Content::read(length_bytes, move |part| turned(&reader, &value, unit_bytes, part))
            }
            Self::Inflated(value) => {
                let reader = stored::open(archive, place).await?;
                Content::read(length_bytes, move |part| {
                    let start = value.start.saturating_add(part.start);
                    pieces::slice(
                        reader.stream_inflated().map_err(Error::Storage),
                        start,
                        part.end - part.start,
                    )
                })
            }
        })
    }
}

/// A part of a stored value whose numbers are turned. They are turned whole: reading begins with the one that the part
/// begins in.
fn turned(
    reader: &InstanceReader,
    value: &Range<u64>,
    unit_bytes: usize,
    part: Range<u64>,
) -> impl Stream<Item = Result<Bytes, storage::Error>> + Send + 'static + use<> {
    let start = reader.head_bytes().saturating_add(value.start);
    let unit = unit_bytes as u64;
    let aligned = part.start / unit * unit;
    let end = part.end.div_ceil(unit).saturating_mul(unit).min(value.end - value.start);
    let stored = reader.stream(start.saturating_add(aligned)..start.saturating_add(end));
    pieces::slice(pieces::turned(stored, unit_bytes), part.start - aligned, part.end - part.start)
}

fn validators(place: &InstancePlace, path: &str, form: &Form) -> Validators {
    let hash = place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut hasher = DefaultHasher::new();
    (path, form.multipart, &form.content_type).hash(&mut hasher);
    let etag = format!("\"{hash}-{:016x}\"", hasher.finish());
    let validators = if form.multipart { Validators::weak(&etag) } else { Validators::strong(etag) };
    validators.since(place.served_since_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::VR;

    #[test]
    fn paths_lead_into_sequences() {
        let mut inner = DataSet::new();
        inner.put_bytes(tags::WAVEFORM_DATA, VR::OW, vec![1, 2]);
        let mut set = DataSet::new();
        set.put_text(tags::MODALITY, "ECG");
        set.put_items(tags::WAVEFORM_SEQUENCE, vec![DataSet::new(), inner]);
        assert_eq!(find(&set, "54000100/1/54001010").unwrap().1.tag, tags::WAVEFORM_DATA);
        for path in ["", "54000100/0/54001010", "54000100/2/54001010", "54001010", "Modality", "54000100/x"] {
            assert!(find(&set, path).is_err(), "{path}");
        }
    }
}
