//! `…/instances/{instance}/frames/{list}`: frames in the stored or in an uncompressed encoding.
//!
//! The way of one frame is short, because a viewer asks for hundreds: the row, one positioned read, out.

use super::{CACHE, Request, pixels, stored};
use crate::conditional;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::pieces;
use crate::range::{self, Wanted};
use crate::representation::{self, BulkChoice, Encoding};
use crate::resource::InstancePath;
use crate::state::State;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use pacs_core::pixels::Layout;
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use std::ops::Range;
use storage::{InstancePlace, InstanceReader};

/// Most frames in one request.
const FRAMES_MAX: usize = 10_000;
/// A frame that is longer is sent while it is read.
const FRAME_HELD_MAX_BYTES: u64 = 8 << 20;

/// Answers with the frames of the path, in the order of the path.
pub async fn retrieve(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let frames = of_path(&parameters)?;
    respond(&request, place, frames).await
}

/// The frame numbers of the path, each from 1.
pub fn of_path(parameters: &RawPathParams) -> Result<Vec<u32>, Error> {
    let list =
        parameters.iter().find(|(name, _)| *name == "frames").map(|(_, value)| value).unwrap_or_default();
    parse(list)
}

fn parse(list: &str) -> Result<Vec<u32>, Error> {
    let mut frames = Vec::new();
    for number in list.split(',') {
        let frame = number.trim().parse().ok().filter(|frame| *frame > 0);
        frames.push(
            frame.ok_or(Error::bad_request(
                "the frames of the path are not numbers from 1, parted by commas",
            ))?,
        );
        if frames.len() > FRAMES_MAX {
            return Err(Error::bad_request("too many frames in one request"));
        }
    }
    Ok(frames)
}

/// How frames of the instance are to be sent.
pub fn choose(request: &Request, place: &InstancePlace) -> Result<BulkChoice, Error> {
    let wishes = request.accept()?.bulk()?;
    representation::of_frames(&wishes, &place.transfer_syntax).ok_or_else(|| {
        let stored = &place.transfer_syntax;
        Error::NotAcceptable(
            format!("frames stored in {stored} cannot be sent in an accepted media type").into(),
        )
    })
}

/// Answers with frames of an instance; their numbers count from 1.
pub async fn respond(request: &Request, place: InstancePlace, frames: Vec<u32>) -> Result<Response, Error> {
    let choice = choose(request, &place)?;
    let etag = etag(&place, &frames, &choice);
    if conditional::holds(&request.headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)], [(CACHE_CONTROL, CACHE)]).into_response());
    }
    let state = request.state.0.clone();
    match frames.as_slice() {
        // The whole of the path of a viewer: no task, no channel, a length that is known.
        [frame] => one(request, read(&state, &place, *frame, &choice).await?, &choice, &etag),
        _ if !choice.multipart => {
            Err(Error::NotAcceptable("several frames are sent as multipart/related only".into()))
        }
        _ => several(state, place, frames, choice, &etag).await,
    }
}

/// Answers with one picture that is there.
pub fn one(request: &Request, part: Part, choice: &BulkChoice, etag: &str) -> Result<Response, Error> {
    if choice.multipart { Ok(one_part(part, choice, etag)) } else { single(request, part, etag) }
}

/// One frame as the one part of a multipart body.
fn one_part(part: Part, choice: &BulkChoice, etag: &str) -> Response {
    let Part { content, content_type } = part;
    let boundary = Boundary::new();
    let (head, close) = (boundary.part_head(&content_type, None), boundary.close());
    let length = head.len() as u64 + content.length() + close.len() as u64;
    let whole = 0..content.length();
    let body = stream::iter([Ok(head)]).chain(content.pieces(whole)).chain(stream::iter([Ok(close)]));
    answer(boundary.content_type(choice.media), etag, Body::from_stream(body), Some(length))
}

/// One frame as the body itself, of which a byte range may be asked: progressive viewers begin with the first bytes.
fn single(request: &Request, part: Part, etag: &str) -> Result<Response, Error> {
    let Part { content, content_type } = part;
    let total = content.length();
    let (status, part) = match range::wanted(&request.headers, total, Some(etag)) {
        Wanted::Whole => (StatusCode::OK, 0..total),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Unsatisfiable => return Err(Error::RangeNotSatisfiable(total)),
    };
    let content_range = format!("bytes {}-{}/{total}", part.start, part.end.saturating_sub(1));
    let length = part.end - part.start;
    let mut response = answer(content_type, etag, Body::from_stream(content.pieces(part)), Some(length));
    *response.status_mut() = status;
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let (StatusCode::PARTIAL_CONTENT, Ok(value)) = (status, HeaderValue::try_from(content_range)) {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    Ok(response)
}

/// Several frames, read one after the other while they are sent. The first is read before the answer begins: what
/// is wrong with the object is wrong with it as well, and can still be said with a status.
async fn several(
    state: State,
    place: InstancePlace,
    frames: Vec<u32>,
    choice: BulkChoice,
    etag: &str,
) -> Result<Response, Error> {
    let known = Layout::from(&*stored::header(&state.archive, &place).await?)?.frames;
    if frames.iter().any(|frame| *frame > known) {
        return Err(Error::NotFound("a frame of the list"));
    }
    let mut frames = frames.into_iter();
    let Some(first) = frames.next() else { return Err(Error::NotFound("the frame")) };
    let mut part = read(&state, &place, first, &choice).await?;
    let boundary = Boundary::new();
    let content_type = boundary.content_type(choice.media);
    let head = boundary.part_head(&part.content_type, None);
    let body = outgoing::body(head, move |out| async move {
        loop {
            let whole = 0..part.content.length();
            out.send_all(part.content.pieces(whole)).await?;
            let Some(frame) = frames.next() else { break };
            part = read(&state, &place, frame, &choice).await?;
            out.send(boundary.part_head(&part.content_type, None)).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(answer(content_type, etag, body.await?, None))
}

/// A frame as it is sent.
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// What they are.
    pub content_type: String,
}

/// The bytes of one frame.
pub enum Content {
    /// Here.
    Held(Bytes),
    /// Still in the archive: a frame too large to be held.
    Stored(InstanceReader, Vec<Range<u64>>),
}

impl Content {
    fn length(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Stored(_, ranges) => bytes_in(ranges),
        }
    }

    /// The bytes of `part`.
    fn pieces(self, part: Range<u64>) -> BoxStream<'static, Result<Bytes, storage::Error>> {
        match self {
            Self::Held(bytes) => {
                let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                stream::iter([Ok(bytes.slice(at(part.start)..at(part.end)))]).boxed()
            }
            Self::Stored(reader, ranges) => {
                let whole = stream::iter(ranges).flat_map(move |range| reader.stream(range).boxed());
                pieces::slice(whole, part.start, part.end.saturating_sub(part.start)).boxed()
            }
        }
    }
}

fn bytes_in(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
}

/// One frame, counted from 1, as it is to be sent.
async fn read(state: &State, place: &InstancePlace, frame: u32, choice: &BulkChoice) -> Result<Part, Error> {
    let index = frame - 1;
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    // Native little endian is sent as it lies.
    if choice.encoding == Encoding::AsStored || !(syntax.encapsulated || syntax.big_endian) {
        let content = as_it_lies(state, place, index, syntax.deflated).await?;
        return Ok(Part { content, content_type: choice.content_type() });
    }
    let decoded = pixels::decoded(state, place, index).await.map(|frame| frame.bytes.into());
    decoded_or_stored(decoded, choice, &place.transfer_syntax, async || {
        Ok(stored::frame(&state.archive, place, index).await?.bytes)
    })
    .await
}

/// A decoded picture; where it cannot be decoded and the stored one will do, that.
pub async fn decoded_or_stored(
    decoded: Result<Bytes, Error>,
    choice: &BulkChoice,
    syntax: &Uid,
    stored: impl AsyncFnOnce() -> Result<Bytes, Error>,
) -> Result<Part, Error> {
    let (bytes, content_type) = match (decoded, choice.as_stored(syntax)) {
        (Err(Error::Undecodable(_)), Some(instead)) => (stored().await?, instead.content_type()),
        (decoded, _) => (decoded?, choice.content_type()),
    };
    Ok(Part { content: Content::Held(bytes), content_type })
}

async fn as_it_lies(
    state: &State,
    place: &InstancePlace,
    index: u32,
    deflated: bool,
) -> Result<Content, Error> {
    let archive = &state.archive;
    if !deflated && place.place.length_bytes > FRAME_HELD_MAX_BYTES {
        let ranges = stored::frame_ranges(archive, place, index).await?;
        if bytes_in(&ranges) > FRAME_HELD_MAX_BYTES {
            return Ok(Content::Stored(stored::open(archive, place).await?, ranges));
        }
    }
    Ok(Content::Held(stored::frame(archive, place, index).await?.bytes))
}

fn answer(content_type: String, etag: &str, body: Body, length: Option<u64>) -> Response {
    let mut response = ([(CONTENT_TYPE, content_type)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static("accept"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

/// A strong tag: content hash, frames and encoding.
fn etag(place: &InstancePlace, frames: &[u32], choice: &BulkChoice) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&(frames, &choice.multipart, choice.media, &choice.transfer_syntax), &mut hasher);
    let hash = place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("\"{hash}-{:016x}\"", std::hash::Hasher::finish(&hasher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_frames() {
        assert_eq!(parse("1").unwrap(), [1]);
        assert_eq!(parse("1,3,5").unwrap(), [1, 3, 5]);
        assert_eq!(parse("2, 1,2").unwrap(), [2, 1, 2]);
        for list in ["", "0", "1,", "a", "-1", "1-3", "99999999999", &"1,".repeat(FRAMES_MAX + 1)] {
            assert!(parse(list).is_err(), "{}", list.get(..10).unwrap_or(list));
        }
    }
}
