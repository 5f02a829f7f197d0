//! `…/rendered`: an instance or a frame drawn for the eye as JPEG or PNG (PS3.18 10.4.1.1.3, 8.3.5).

use super::pixels::more_than;
use super::rendering::Rendering;
use super::{Request, frames, stored};
use crate::accept::ImageFormat;
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::resource::InstancePath;
use crate::state::State;
use crate::validators::Validators;
use axum::extract::RawPathParams;
use axum::response::Response;
use bytes::Bytes;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{self, Layout, PixelError};
use pacs_core::tags;
use storage::{FrameBytes, InstancePlace, Rendition, RenditionKey};

/// `…/instances/{instance}/rendered`
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let rendering = Rendering::read(&request.parameters()?, &request.accept()?)?;
    let frame = representative(&request.state, &place).await?;
    respond(&request, &place, frame, &rendering).await
}

/// `…/instances/{instance}/frames/{frame}/rendered`
pub async fn of_frame(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let rendering = Rendering::read(&request.parameters()?, &request.accept()?)?;
    respond(&request, &place, one_frame(&parameters)?, &rendering).await
}

/// The one frame that the path names, counted from 0.
pub fn one_frame(parameters: &RawPathParams) -> Result<u32, Error> {
    match frames::of_path(parameters)?.as_slice() {
        [frame] => Ok(frame - 1),
        _ => Err(Error::NotAcceptable("a picture shows one frame; name one".into())),
    }
}

/// The frame, counted from 0, that stands for the instance: the one it names itself, else the middle of a cine.
pub async fn representative(state: &State, place: &InstancePlace) -> Result<u32, Error> {
    let frames = place.frames.and_then(|frames| u32::try_from(frames).ok()).unwrap_or(1).max(1);
    if frames == 1 {
        return Ok(0);
    }
    let header = stored::header(&state.archive, place).await?;
    let named = header.int(tags::REPRESENTATIVE_FRAME_NUMBER).and_then(|frame| u32::try_from(frame).ok());
    Ok(named.filter(|frame| (1..=frames).contains(frame)).map_or(frames / 2, |frame| frame - 1))
}

/// Answers with the picture of a frame, counted from 0.
pub async fn respond(
    request: &Request,
    place: &InstancePlace,
    frame: u32,
    rendering: &Rendering,
) -> Result<Response, Error> {
    let validators = Validators::strong(key(place, frame, rendering).etag());
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let picture = picture(&request.state, place, frame, rendering, Turn::Refused).await?;
    let head = Head::of_pixels(rendering.format.media_type().to_owned(), validators);
    request.ranged(head, Content::rendition(picture)).await
}

/// What happens to a picture when too many are being drawn.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// It is refused: whoever asked may come again.
    Refused,
    /// It waits: it is one of many in an answer that has begun.
    Waited,
}

/// The picture of a frame, from the renditions or drawn now.
pub async fn picture(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    rendering: &Rendering,
    turn: Turn,
) -> Result<Rendition, Error> {
    let key = key(place, frame, rendering);
    state.archive.rendition(&key, || draw(state, place, frame, rendering.clone(), turn)).await
}

async fn draw(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    rendering: Rendering,
    turn: Turn,
) -> Result<Bytes, Error> {
    let mut turn = match turn {
        Turn::Refused => state.pixels.place_or_refuse()?,
        Turn::Waited => state.pixels.place_in_turn().await?,
    };
    let header = stored::header(&state.archive, place).await?;
    // What is odd there is no frame to be found.
    let layout = Layout::from(&header).map_err(|_| Error::NotFound("the frame"))?;
    let drawing = pixels::drawing_bytes(&layout, &rendering.options);
    let encoded_bytes = stored::frame_bytes(&state.archive, place, frame, &layout).await?;
    let mut decoding = pixels::decoding_bytes(&place.transfer_syntax, &layout);
    loop {
        // What was read goes when it has been decoded.
        turn = state.pixels.give(turn, encoded_bytes.saturating_add(decoding).max(drawing)).await?;
        let encoded = stored::frame(&state.archive, place, frame).await?;
        let (header, rendering) = (header.clone(), rendering.clone());
        let drawn = move || encode(&header, encoded, frame, &rendering, decoding);
        match state.pixels.run(turn, drawn).await? {
            Ok(picture) => return Ok(picture),
            Err(error) => decoding = more_than(decoding, error)?,
        }
        turn = state.pixels.place_in_turn().await?;
    }
}

/// Decodes, draws and encodes; decoding takes at most so many bytes.
fn encode(
    header: &DataSet,
    encoded: FrameBytes,
    frame: u32,
    rendering: &Rendering,
    decoding_bytes: u64,
) -> Result<Bytes, PixelError> {
    let FrameBytes { bytes, transfer_syntax, layout } = encoded;
    let decoded = pixels::decode(bytes, 0, &transfer_syntax, &layout, decoding_bytes)?;
    let picture = pixels::render(&decoded, &pixels::Rendering::of(header, frame), &rendering.options)?;
    drop(decoded);
    let bytes = match rendering.format {
        ImageFormat::Jpeg => pixels::encode_jpeg(&picture, rendering.quality)?,
        ImageFormat::Png => pixels::encode_png(&picture)?,
    };
    Ok(bytes.into())
}

/// Names the picture by all that it depends on.
fn key(place: &InstancePlace, frame: u32, rendering: &Rendering) -> RenditionKey {
    RenditionKey::of_instance(place, &format!("frame {} {}", frame + 1, rendering.name()))
}
