//! `…/rendered`: an instance or a frame drawn for the eye as JPEG or PNG (PS3.18 10.4.1.1.3, 8.3.5).

use super::pixels::DECODING_MAX_BYTES;
use super::rendering::Rendering;
use super::{CACHE, Request, frames, stored};
use crate::accept::ImageFormat;
use crate::conditional;
use crate::error::Error;
use crate::resource::InstancePath;
use crate::state::State;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use pacs_core::dataset::DataSet;
use pacs_core::pixels;
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
    let etag = key(place, frame, rendering).etag();
    if conditional::holds(&request.headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)], [(CACHE_CONTROL, CACHE)]).into_response());
    }
    let picture = picture(&request.state, place, frame, rendering).await?;
    Ok(answer(&picture, rendering.format, &etag))
}

/// The picture of a frame, from the renditions or drawn now.
pub async fn picture(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    rendering: &Rendering,
) -> Result<Rendition, Error> {
    let key = key(place, frame, rendering);
    state.archive.rendition(&key, || draw(state, place, frame, rendering.clone())).await
}

async fn draw(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    rendering: Rendering,
) -> Result<Bytes, Error> {
    let turn = state.pixels.place_or_refuse()?;
    let header = stored::header(&state.archive, place).await?;
    let encoded = stored::frame(&state.archive, place, frame).await?;
    state.pixels.run(turn, move || encode(&header, encoded, frame, &rendering)).await?
}

fn encode(header: &DataSet, encoded: FrameBytes, frame: u32, rendering: &Rendering) -> Result<Bytes, Error> {
    let FrameBytes { bytes, transfer_syntax, layout } = encoded;
    let decoded = pixels::decode(&bytes, 0, &transfer_syntax, &layout, DECODING_MAX_BYTES)?;
    drop(bytes);
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

fn answer(picture: &Rendition, format: ImageFormat, etag: &str) -> Response {
    let body = Body::from_stream(picture.stream());
    let mut response = ([(CONTENT_TYPE, format.media_type())], body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(picture.length_bytes()));
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static("accept"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    response
}
