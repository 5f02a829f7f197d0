//! `…/frames/{frames}/rendered` (PS3.18 10.4.1.1.3): one frame as a picture, several as parts of one body.

use super::rendered::{self, Subject, Turn};
use super::rendering::Rendering;
use super::{Request, frames, rendered_parts};
use crate::error::Error;
use crate::resource::InstancePath;
use crate::state::State;
use crate::validators::Validators;
use axum::extract::RawPathParams;
use axum::response::Response;
use futures::stream;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::vec;
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
    // One comes alone where that is accepted, and else as the one part of a body, as the pictures of a list come.
    if let ([frame], Ok(_)) = (frames.as_slice(), accept.image()) {
        let rendering = Rendering::read(&parameters, &accept)?;
        return rendered::respond(&request, &Subject::plain(place, frame - 1), &rendering).await;
    }
    let rendering = Rendering::read(&parameters, &accept.of_parts()?)?;
    parts(&request, place, frames, rendering).await
}

async fn parts(
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
    let state = request.state.0.clone();
    let pictures = Pictures { state, place, rendering, resource, frames: frames.into_iter() };
    let pictures = stream::try_unfold(pictures, async |mut pictures| {
        let next = pictures.next().await?;
        Ok(next.map(|next| (next, pictures)))
    });
    rendered_parts::respond(media, validators, pictures, "the frame").await
}

/// The pictures that are still to be drawn.
struct Pictures {
    state: State,
    place: InstancePlace,
    rendering: Rendering,
    resource: String,
    /// Counted from 1.
    frames: vec::IntoIter<u32>,
}

impl Pictures {
    /// The next one with its resource.
    async fn next(&mut self) -> Result<Option<(String, Rendition)>, Error> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let subject = Subject::plain(self.place.clone(), frame - 1);
        let picture = rendered::picture(&self.state, &subject, &self.rendering, Turn::Waited).await?;
        Ok(Some((format!("{}/frames/{frame}/rendered", self.resource), picture)))
    }
}

/// Tells the pictures of these frames from others, and from what they were before a correction that captions show.
fn etag(place: &InstancePlace, frames: &[u32], rendering: &Rendering) -> String {
    let mut hasher = DefaultHasher::new();
    Subject::plain(place.clone(), 0).key(rendering).etag().hash(&mut hasher);
    frames.hash(&mut hasher);
    format!("\"{:016x}-{}\"", hasher.finish(), frames.len())
}
