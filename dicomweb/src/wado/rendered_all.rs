//! `…/rendered` of a study or a series: a picture of each instance that has pixels, and of each presentation state, as
//! parts of one body (PS3.18 10.4.1.1.3). One is drawn after the other while they are sent.

use super::rendered::{self, Turn};
use super::rendering::Rendering;
use super::walk::Walk;
use super::{Request, presented};
use crate::answer::Head;
use crate::base_url::BaseUrl;
use crate::content::Content;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::resource::{SeriesPath, StudyPath};
use crate::state::State;
use crate::validators::Validators;
use axum::response::Response;
use bytes::Bytes;
use pacs_core::access::Scope;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::{InstancePlace, Rendition};

/// `/studies/{study}/rendered`
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_study(&path.study).await?;
    respond(&request, places).await
}

/// `/studies/{study}/series/{series}/rendered`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_series(&path).await?;
    respond(&request, places).await
}

async fn respond(request: &Request, places: Vec<InstancePlace>) -> Result<Response, Error> {
    let rendering = Rendering::read(&request.parameters()?, &request.accept()?.of_parts()?)?;
    let state = request.state.0.clone();
    let scope = request.scope()?;
    let validators = Validators::weak(&etag(&state, &scope, &places, &rendering).await?);
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let media = rendering.format.media_type();
    let mut pictures = Pictures { state, scope, rendering, walk: Walk::along(places) };
    // The first is drawn before the answer begins: what is wrong with it can still be said with a status.
    let Some((mut place, mut picture)) = pictures.next().await? else {
        return Err(Error::NotFound("a picture of it"));
    };
    let boundary = Boundary::new();
    let content_type = boundary.content_type(media);
    let base = request.base.clone();
    let body = outgoing::body(Bytes::new(), move |out| async move {
        loop {
            out.send(boundary.part_head(media, Some(&location(&base, &place)))).await?;
            out.send_all(Content::rendition(picture).all()).await?;
            let Some(next) = pictures.next().await? else { break };
            (place, picture) = next;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, None))
}

/// The pictures that are still to be drawn.
struct Pictures {
    state: State,
    scope: Scope,
    rendering: Rendering,
    walk: Walk,
}

impl Pictures {
    /// The next instance with its picture. Those without pixels have none and are passed over, as are presentation states
    /// of what is not here; one that cannot be drawn is an error, because a series with a hole in it would look like the
    /// series.
    async fn next(&mut self) -> Result<Option<(InstancePlace, Rendition)>, Error> {
        while let Some(place) = self.walk.next(&self.state).await? {
            let subject = match presented::shown(&self.state, &self.scope, place.clone()).await {
                Err(Error::NotFound(_)) => continue,
                subject => subject?,
            };
            match rendered::picture(&self.state, &subject, &self.rendering, Turn::Waited).await {
                Ok(picture) => return Ok(Some((place, picture))),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

fn location(base: &BaseUrl, place: &InstancePlace) -> String {
    format!("{}/rendered", base.instance(&place.study_uid, &place.series_uid, &place.uid))
}

/// Of all that the pictures depend on: captions are of the corrected header, and the image that a presentation state is
/// about may lie elsewhere, or come later.
async fn etag(
    state: &State,
    scope: &Scope,
    places: &[InstancePlace],
    rendering: &Rendering,
) -> Result<String, Error> {
    let mut hasher = DefaultHasher::new();
    for place in places {
        (place.hash, &place.overlay, place.series_revision).hash(&mut hasher);
        if presented::is_state(place) {
            match presented::shown(state, scope, place.clone()).await {
                Err(Error::NotFound(_)) => {}
                subject => subject?.key(rendering).etag().hash(&mut hasher),
            }
        }
    }
    rendering.name().hash(&mut hasher);
    Ok(format!("\"{:016x}-{}\"", hasher.finish(), places.len()))
}
