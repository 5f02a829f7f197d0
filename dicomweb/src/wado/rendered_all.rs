//! `…/rendered` of a study or a series: a picture of each instance that has pixels, as parts of one body (PS3.18
//! 10.4.1.1.3). One is drawn after the other while they are sent.

use super::Request;
use super::rendered::{self, Subject, Turn};
use super::rendering::Rendering;
use super::walk::Walk;
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
    let validators = Validators::weak(&etag(&places, &rendering));
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let media = rendering.format.media_type();
    let mut pictures = Pictures { state: request.state.0.clone(), rendering, walk: Walk::along(places) };
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
    rendering: Rendering,
    walk: Walk,
}

impl Pictures {
    /// The next instance with its picture. Those without pixels have none and are passed over; one that cannot be drawn
    /// is an error, because a series with a hole in it would look like the series.
    async fn next(&mut self) -> Result<Option<(InstancePlace, Rendition)>, Error> {
        while let Some(place) = self.walk.next(&self.state).await? {
            let frame = rendered::representative(&self.state, &place).await?;
            let subject = Subject::plain(place, frame);
            match rendered::picture(&self.state, &subject, &self.rendering, Turn::Waited).await {
                Ok(picture) => return Ok(Some((subject.place, picture))),
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

/// Of all that the pictures depend on: captions are of the corrected header.
fn etag(places: &[InstancePlace], rendering: &Rendering) -> String {
    let mut hasher = DefaultHasher::new();
    for place in places {
        (place.hash, &place.overlay, place.series_revision).hash(&mut hasher);
    }
    rendering.name().hash(&mut hasher);
    format!("\"{:016x}-{}\"", hasher.finish(), places.len())
}
