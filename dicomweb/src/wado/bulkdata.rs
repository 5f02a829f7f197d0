//! `…/instances/{instance}/bulkdata/{path}`: one value of an instance, as BulkDataURIs in metadata name it. The path is
//! the tag, or tags and item numbers (from 0) that lead into sequences: `7FE00010`, `54000100/0/54001010`.

use super::{CACHE, Request, frames, icon, inflated, stored};
use crate::accept::{BulkWish, SyntaxWish};
use crate::conditional;
use crate::error::Error;
use crate::media::MediaType;
use crate::multipart::Boundary;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::pieces;
use crate::range::{self, Wanted};
use crate::resource::InstancePath;
use axum::extract::RawPathParams;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE, VARY,
};
use http::{HeaderValue, StatusCode};
use pacs_core::dataset::{DataSet, Element, Value, tag_of};
use pacs_core::pixels::Layout;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::{tags, uids};
use std::ops::Range;
use storage::{Archive, InstancePlace, InstanceReader};

/// Deepest nesting that a path leads into.
const DEPTH_MAX: usize = 64;
const OCTETS: &str = "application/octet-stream";

/// Where the bytes of a value are.
#[derive(Debug, Clone)]
enum Source {
    /// Here.
    Held(Bytes),
    /// In the stored data set at this range; numbers of so many bytes are turned around.
    Stored(Range<u64>, usize),
    /// In the inflated data set at this range.
    Inflated(Range<u64>),
}

/// How a value is sent.
struct Form {
    multipart: bool,
    content_type: String,
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
            return icon::respond(&request, &place, set, fragments, &etag(&place, steps)).await;
        }
        // Compressed pixel data is sent frame by frame (PS3.18 8.7.3.3.2). Whatever the number of frames claims to be,
        // there is no frame without a fragment behind the offset table.
        let most = u32::try_from(fragments.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let count = Layout::from(&header)?.frames.min(most);
        return frames::respond(&request, place, (1..=count).collect()).await;
    }
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    let source = source(element, &syntax)?;
    let wishes = request.accept()?.bulk()?;
    let form = form(&wishes, set, element, request.headers.contains_key(RANGE))?;
    let etag = etag(&place, steps);
    if conditional::holds(&request.headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)], [(CACHE_CONTROL, CACHE)]).into_response());
    }
    let total = source.length();
    let wanted =
        if form.multipart { Wanted::Whole } else { range::wanted(&request.headers, total, Some(&etag)) };
    let part = match wanted {
        Wanted::Whole => 0..total,
        Wanted::Part(part) => part,
        Wanted::Unsatisfiable => return Err(Error::RangeNotSatisfiable(total)),
    };
    let partial = part != (0..total);
    let value = source.open(&request.state.archive, &place).await?;
    let mut response = if form.multipart {
        multipart(value, total, &form.content_type, &etag).await?
    } else {
        let body_part = part.clone();
        let sending = move |out| async move { send(value, body_part, &out).await };
        let body = outgoing::body(Bytes::new(), sending).await?;
        let mut response = ([(CONTENT_TYPE, form.content_type), (ETAG, etag)], body).into_response();
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
        response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        response
    };
    if partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        if let Ok(value) = HeaderValue::try_from(format!("bytes {}-{}/{total}", part.start, part.end - 1)) {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
    }
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Follows a path into a data set.
fn find<'a>(header: &'a DataSet, path: &str) -> Result<(&'a DataSet, &'a Element), Error> {
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

fn source(element: &Element, syntax: &TransferSyntax) -> Result<Source, Error> {
    match &element.value {
        Value::Bytes(bytes) => Ok(Source::Held(bytes.clone())),
        Value::Elsewhere { offset, length } if element.vr != pacs_core::VR::SQ => {
            let range = *offset..offset.saturating_add(*length);
            Ok(match (syntax.deflated, syntax.big_endian) {
                (true, _) => Source::Inflated(range),
                (false, true) => Source::Stored(range, super::explicit::number_bytes(element.vr)),
                (false, false) => Source::Stored(range, 1),
            })
        }
        Value::Elsewhere { .. } | Value::Items(_) | Value::Fragments(_) => Err(Error::NotFound("the value")),
    }
}

/// Chooses the form: octets, or the media type that an encapsulated document says it has.
fn form(wishes: &[BulkWish], set: &DataSet, element: &Element, ranged: bool) -> Result<Form, Error> {
    let document = (element.tag == tags::ENCAPSULATED_DOCUMENT)
        .then(|| set.text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT))
        .flatten()
        .and_then(|text| MediaType::parse(&text).ok());
    for wish in wishes {
        // Whoever asks for a range without naming a form wants the bytes themselves.
        let multipart = wish.multipart && !(ranged && wish.media.is("*", "*"));
        if let Some(document) = &document
            && !wish.media.is("*", "*")
            && wish.media.to_string() == document.to_string()
        {
            return Ok(Form { multipart, content_type: document.to_string() });
        }
        let plain = match &wish.syntax {
            SyntaxWish::Stored | SyntaxWish::Default => true,
            SyntaxWish::Exactly(uid) => uid.as_str() == uids::EXPLICIT_VR_LITTLE_ENDIAN,
        };
        if wish.media.covers("application", "octet-stream") && plain {
            let content_type = format!("{OCTETS}; transfer-syntax={}", uids::EXPLICIT_VR_LITTLE_ENDIAN);
            return Ok(Form { multipart, content_type });
        }
    }
    Err(Error::NotAcceptable("this value is sent as application/octet-stream".into()))
}

async fn multipart(value: Opened, total: u64, part_type: &str, etag: &str) -> Result<Response, Error> {
    let boundary = Boundary::new();
    let head = boundary.part_head(part_type, None);
    let close = boundary.close();
    let root = part_type.split(';').next().unwrap_or(OCTETS);
    let length = head.len() as u64 + total + close.len() as u64;
    let content_type = boundary.content_type(root);
    let sending = move |out: Outgoing| async move {
        send(value, 0..total, &out).await?;
        Ok(out.send(close).await?)
    };
    let body = outgoing::body(head, sending).await?;
    let mut response = ([(CONTENT_TYPE, content_type), (ETAG, etag.to_owned())], body).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

impl Source {
    fn length(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Stored(range, _) | Self::Inflated(range) => range.end.saturating_sub(range.start),
        }
    }

    /// Makes sure that the bytes are there.
    async fn open(self, archive: &Archive, place: &InstancePlace) -> Result<Opened, Error> {
        Ok(match self {
            Self::Held(bytes) => Opened::Held(bytes),
            Self::Stored(value, unit) => Opened::Stored(stored::open(archive, place).await?, value, unit),
            Self::Inflated(value) => Opened::Inflated(stored::open(archive, place).await?, value),
        })
    }
}

/// A [`Source`] whose bytes are there.
enum Opened {
    Held(Bytes),
    Stored(InstanceReader, Range<u64>, usize),
    Inflated(InstanceReader, Range<u64>),
}

/// Sends `part` of a value.
async fn send(value: Opened, part: Range<u64>, out: &Outgoing) -> Result<(), Stopped> {
    let (from, length) = (part.start, part.end - part.start);
    match value {
        Opened::Held(bytes) => {
            let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Ok(out.send(bytes.slice(at(part.start)..at(part.end))).await?)
        }
        Opened::Stored(reader, value, unit_bytes) => {
            let start = reader.head_bytes().saturating_add(value.start);
            // Numbers are turned whole: reading begins with the one that the part begins in.
            let unit = unit_bytes as u64;
            let aligned = from / unit * unit;
            let end = part.end.div_ceil(unit).saturating_mul(unit).min(value.end - value.start);
            let stored = reader.stream(start.saturating_add(aligned)..start.saturating_add(end));
            out.send_all(pieces::slice(pieces::turned(stored, unit_bytes), from - aligned, length)).await
        }
        Opened::Inflated(reader, value) => {
            let start = value.start.saturating_add(from);
            out.send_all(pieces::slice(inflated::data_set(&reader), start, length)).await
        }
    }
}

fn etag(place: &InstancePlace, path: &str) -> String {
    let hash = place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("\"{hash}-{}\"", path.replace('/', "."))
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
