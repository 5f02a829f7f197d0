//! `…/rendered` of a study or a series: a picture of each instance that has pixels, and of each presentation state, as
//! parts of one body (PS3.18 10.4.1.1.3).

use super::rendered::{self, Turn};
use super::rendering::Rendering;
use super::walk::Walk;
use super::{Request, presented, rendered_parts};
use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::resource::{SeriesPath, StudyPath};
use crate::state::State;
use crate::validators::Validators;
use axum::response::Response;
use futures::stream;
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
    let pictures =
        Pictures { state, scope, rendering, base: request.base.clone(), walk: Walk::along(places) };
    let pictures = stream::try_unfold(pictures, async |mut pictures| {
        let next = pictures.next().await?;
        Ok(next.map(|next| (next, pictures)))
    });
    rendered_parts::respond(media, validators, pictures, "a picture of it").await
}

/// The pictures that are still to be drawn.
struct Pictures {
    state: State,
    scope: Scope,
    rendering: Rendering,
    base: BaseUrl,
    walk: Walk,
}

impl Pictures {
    /// The picture of the next instance, with its resource. Those without pixels have none and are passed over, as are
    /// presentation states of what is not here; one that cannot be drawn is an error, because a series with a hole in
    /// it would look like the series.
    async fn next(&mut self) -> Result<Option<(String, Rendition)>, Error> {
        while let Some(place) = self.walk.next(&self.state).await? {
            let subject = match presented::shown(&self.state, &self.scope, place.clone()).await {
                Err(Error::NotFound(_)) => continue,
                subject => subject?,
            };
            match rendered::picture(&self.state, &subject, &self.rendering, Turn::Waited).await {
                Ok(picture) => return Ok(Some((location(&self.base, &place), picture))),
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
