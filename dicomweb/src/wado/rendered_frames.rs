//! `…/frames/{frames}/rendered` (PS3.18 10.4.1.1.3): one frame as a picture, several as parts of one body, drawn one after
//! the other while they are sent.

use super::rendered::{self, Subject, Turn};
use super::rendering::Rendering;
use super::{Request, frames};
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::resource::InstancePath;
use crate::state::State;
use crate::validators::Validators;
use axum::extract::RawPathParams;
use axum::response::Response;
use bytes::Bytes;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::{InstancePlace, Rendition};

/// Answers with the frames of the path, in the order of the path.
pub async fn retrieve(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let frames = frames::of_path(&parameters)?;
    let (parameters, accept) = (request.parameters()?, request.accept()?);
    if let [frame] = frames.as_slice() {
        let rendering = Rendering::read(&parameters, &accept)?;
        return rendered::respond(&request, &Subject::plain(place, frame - 1), &rendering).await;
    }
    let rendering = Rendering::read(&parameters, &accept.of_parts()?)?;
    several(&request, place, frames, rendering).await
}

async fn several(
    request: &Request,
    place: InstancePlace,
    frames: Vec<u32>,
    rendering: Rendering,
) -> Result<Response, Error> {
    let known = place.frames.unwrap_or(1);
    if frames.iter().any(|frame| i64::from(*frame) > known) {
        return Err(Error::NotFound("a frame of the list"));
    }
    let validators = Validators::weak(&etag(&place, &frames, &rendering));
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let media = rendering.format.media_type();
    let resource = request.base.instance(&place.study_uid, &place.series_uid, &place.uid);
    let location = move |frame: u32| format!("{resource}/frames/{frame}/rendered");
    let state = request.state.0.clone();
    let mut frames = frames.into_iter();
    // The first is drawn before the answer begins: what is wrong with it can still be said with a status.
    let Some(mut frame) = frames.next() else { return Err(Error::NotFound("the frame")) };
    let mut picture = draw(&state, &place, frame, &rendering).await?;
    let boundary = Boundary::new();
    let content_type = boundary.content_type(media);
    let body = outgoing::body(Bytes::new(), move |out| async move {
        loop {
            out.send(boundary.part_head(media, Some(&location(frame)))).await?;
            out.send_all(Content::rendition(picture).all()).await?;
            let Some(next) = frames.next() else { break };
            frame = next;
            picture = draw(&state, &place, frame, &rendering).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, None))
}

/// The picture of a frame, counted from 1.
async fn draw(
    state: &State,
    place: &InstancePlace,
    frame: u32,
    rendering: &Rendering,
) -> Result<Rendition, Error> {
    let subject = Subject::plain(place.clone(), frame - 1);
    rendered::picture(state, &subject, rendering, Turn::Waited).await
}

/// Tells the pictures of these frames from others, and from what they were before a correction that captions show.
fn etag(place: &InstancePlace, frames: &[u32], rendering: &Rendering) -> String {
    let mut hasher = DefaultHasher::new();
    Subject::plain(place.clone(), 0).key(rendering).etag().hash(&mut hasher);
    frames.hash(&mut hasher);
    format!("\"{:016x}-{}\"", hasher.finish(), frames.len())
}
