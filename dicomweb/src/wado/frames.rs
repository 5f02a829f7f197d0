//! `…/instances/{instance}/frames/{list}`: frames in the stored, an uncompressed or
//! another compressed encoding.
//!
//! The way of one frame is short, because a viewer asks for hundreds: the row, one positioned read, out.

use super::{Request, bulkdata, pixels, stored};
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::representation::{self, BulkChoice, Encoding};
use crate::resource::InstancePath;
use crate::state::State;
use crate::validators::Validators;
use crate::wish::BulkWish;
use axum::extract::RawPathParams;
use axum::response::Response;
use futures::{StreamExt, stream};
use pacs_core::pixels::Layout;
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use storage::{InstancePlace, InstanceReader};

/// Most frames in one request.
const FRAMES_MAX: usize = 10_000;
/// A frame that is longer is sent while it is read.
const FRAME_HELD_MAX_BYTES: u64 = 16 << 10;

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

/// How frames of the instance, or `one` alone, are to be sent.
pub fn choose(request: &Request, place: &InstancePlace, one: bool) -> Result<BulkChoice, Error> {
    choice_of(&request.accept()?.bulk(one)?, place)
}

/// How frames of the instance are to be sent, by these wishes.
pub fn choice_of(wishes: &[BulkWish], place: &InstancePlace) -> Result<BulkChoice, Error> {
    representation::of_frames(wishes, &place.transfer_syntax).ok_or_else(|| {
        let stored = &place.transfer_syntax;
        Error::NotAcceptable(
            format!("frames stored in {stored} cannot be sent in an accepted media type").into(),
        )
    })
}

/// Answers with frames of an instance; their numbers count from 1.
pub async fn respond(request: &Request, place: InstancePlace, frames: Vec<u32>) -> Result<Response, Error> {
    let choice = choose(request, &place, frames.len() == 1)?;
    let validators = validators(&place, &format!("{frames:?}"), &choice);
    // Of what is not there nobody holds anything: the answer to that comes below.
    let known = place.frames.unwrap_or(1);
    if frames.iter().all(|frame| i64::from(*frame) <= known)
        && let Some(held) = request.held(&validators)?
    {
        return Ok(held);
    }
    let state = request.state.0.clone();
    match frames.as_slice() {
        // The whole of the path of a viewer: no task, no channel, a length that is known.
        [frame] => one(request, read(&state, &place, *frame, &choice).await?, &choice, validators).await,
        _ if !choice.multipart => {
            Err(Error::NotAcceptable("several frames are sent as multipart/related only".into()))
        }
        _ => several(state, place, frames, choice, validators).await,
    }
}

/// Answers with one picture that is there: as the one part of a multipart body, or as the body itself.
pub async fn one(
    request: &Request,
    part: Part,
    choice: &BulkChoice,
    validators: Validators,
) -> Result<Response, Error> {
    let Part { content, content_type } = part;
    if !choice.multipart {
        return request.ranged(Head::of_pixels(content_type, validators), content).await;
    }
    let boundary = Boundary::new();
    let (head, close) = (boundary.part_head(&content_type, None), boundary.close());
    let length = head.len() as u64 + content.length_bytes() + close.len() as u64;
    let body = content.framed(head, close).await?;
    Ok(Head::of_pixels(boundary.content_type(choice.media), validators).with(body, Some(length)))
}

/// Several frames, read one after the other while they are sent. The first is read before the answer begins: what
/// is wrong with the object is wrong with it as well, and can still be said with a status.
async fn several(
    state: State,
    place: InstancePlace,
    frames: Vec<u32>,
    choice: BulkChoice,
    validators: Validators,
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
            out.send_all(part.content.all()).await?;
            let Some(frame) = frames.next() else { break };
            part = read(&state, &place, frame, &choice).await?;
            out.send(boundary.part_head(&part.content_type, None)).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, None))
}

/// A frame as it is sent.
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// What they are.
    pub content_type: String,
}

/// One frame, counted from 1, as it is to be sent.
pub async fn read(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    choice: &BulkChoice,
) -> Result<Part, Error> {
    let index = frame - 1;
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    let codec = match choice.encoding {
        Encoding::Encoded(codec) => Some(codec),
        Encoding::Uncompressed if syntax.encapsulated || syntax.big_endian => None,
        // Native little endian is sent as it lies.
        Encoding::Uncompressed | Encoding::AsStored => {
            let content = as_it_lies(state, place, index).await?;
            return Ok(Part { content, content_type: choice.content_type() });
        }
    };
    let (source, name) = (pixels::Source::Frame(index), format!("frame {frame}"));
    let made = pixels::sendable(state, place, source, &name, codec).await;
    made_or_stored(made, choice, &place.transfer_syntax, async || as_it_lies(state, place, index).await).await
}

/// A picture that was made; where it cannot be decoded and the stored one will do, that.
pub async fn made_or_stored(
    made: Result<Content, Error>,
    choice: &BulkChoice,
    syntax: &Uid,
    stored: impl AsyncFnOnce() -> Result<Content, Error>,
) -> Result<Part, Error> {
    Ok(match (made, choice.as_stored(syntax)) {
        (Err(Error::Undecodable(_) | Error::TooLarge(_)), Some(instead)) => {
            Part { content: stored().await?, content_type: instead.content_type() }
        }
        (made, _) => Part { content: made?, content_type: choice.content_type() },
    })
}

/// A frame, counted from 0, that nothing is made of. However large it is, it is read, or inflated, while it is sent.
async fn as_it_lies(state: &State, place: &InstancePlace, index: u32) -> Result<Content, Error> {
    let archive = &state.archive;
    if let Some(ranges) = stored::frame_ranges(archive, place, index).await? {
        return lying(&stored::open(archive, place).await?, ranges).await;
    }
    match stored::inflated_frame_range(archive, place, index).await? {
        Some(range) => bulkdata::Source::Inflated(range).open(archive, place).await,
        None => pixels::taken_out(state, place, index).await,
    }
}

/// What lies at these ranges of the Part 10 file.
pub async fn lying(reader: &InstanceReader, ranges: Vec<Range<u64>>) -> Result<Content, Error> {
    let length_bytes = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    match ranges.as_slice() {
        [whole] if length_bytes <= FRAME_HELD_MAX_BYTES => {
            Ok(Content::Held(reader.read(whole.clone()).await?))
        }
        _ => {
            let reader = reader.clone();
            Ok(Content::read(length_bytes, move |part| {
                stream::iter(cut(&ranges, part)).flat_map(move |range| reader.stream(range).boxed())
            }))
        }
    }
}

/// The ranges of a part of what lies in these ranges.
fn cut(ranges: &[Range<u64>], part: Range<u64>) -> Vec<Range<u64>> {
    let mut before = 0;
    let mut cut = Vec::new();
    for range in ranges {
        let at = |place: u64| range.start.saturating_add(place.saturating_sub(before)).min(range.end);
        let of_range = at(part.start)..at(part.end);
        if !of_range.is_empty() {
            cut.push(of_range);
        }
        before = before.saturating_add(range.end.saturating_sub(range.start));
    }
    cut
}

/// What tells an encoding of pixels of an instance from others; `which` says what of it. Pixels never change, so the
/// arrival of the instance is when they came to be, unless there are several contents to choose from.
pub fn validators(place: &InstancePlace, which: &str, choice: &BulkChoice) -> Validators {
    let mut hasher = DefaultHasher::new();
    (which, choice.multipart, choice.media, &choice.transfer_syntax).hash(&mut hasher);
    let hash = place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    let etag = format!("\"{hash}-{:016x}\"", hasher.finish());
    let validators = if choice.multipart { Validators::weak(&etag) } else { Validators::strong(etag) };
    validators.since(place.served_since_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_what_lies_in_several_places() {
        let ranges = [10..14, 20..20, 30..33, 40..50];
        let places: Vec<u64> = ranges.iter().cloned().flatten().collect();
        for start in 0..=places.len() {
            for end in start..=places.len() {
                let of_part: Vec<u64> =
                    cut(&ranges, start as u64..end as u64).into_iter().flatten().collect();
                assert_eq!(of_part, places[start..end]);
            }
        }
    }

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
