//! `…/thumbnail`: one small picture that stands for a study, a series, an instance or a frame (PS3.18 10.4.1.1.4).

use super::rendered::{self, Subject, Turn};
use super::rendering::Rendering;
use super::{Request, frames, presented};
use crate::accept::Accept;
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use crate::state::State;
use axum::extract::RawPathParams;
use axum::response::Response;
use pacs_core::access::Scope;
use pacs_core::pixels::Viewport;
use storage::InstancePlace;

/// Width and height of a thumbnail at most, in pixels, when no viewport is asked for.
const SIDE_PIXELS: u32 = 192;
/// Instances that are tried before it is said that there is no picture.
const TRIED_MAX: usize = 8;

/// `/studies/{study}/thumbnail`
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    of_several(&request, &request.locate_middle(&path.study, None).await?).await
}

/// `/studies/{study}/series/{series}/thumbnail`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    of_several(&request, &request.locate_middle(&path.study, Some(&path.series)).await?).await
}

/// `…/instances/{instance}/thumbnail`
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let subject = presented::shown(&request.state, &request.scope()?, place).await?;
    rendered::respond_in(Turn::Awaited, &request, &subject, &small(&request)?).await
}

/// `…/instances/{instance}/frames/{frame}/thumbnail`
pub async fn of_frame(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let subject = Subject::plain(place, one_frame(&parameters)?);
    rendered::respond_in(Turn::Awaited, &request, &subject, &small(&request)?).await
}

/// The one frame that the path names, counted from 0.
fn one_frame(parameters: &RawPathParams) -> Result<u32, Error> {
    match frames::of_path(parameters)?.as_slice() {
        [frame] => Ok(frame - 1),
        _ => Err(Error::NotAcceptable("a thumbnail shows one frame; name one".into())),
    }
}

async fn of_several(request: &Request, places: &[InstancePlace]) -> Result<Response, Error> {
    let rendering = small(request)?;
    let scope = request.scope()?;
    let mut why = Error::NotFound("a picture of it");
    for place in candidates(places) {
        let answer = match presented::shown(&request.state, &scope, place.clone()).await {
            Ok(subject) => rendered::respond_in(Turn::Awaited, request, &subject, &rendering).await,
            Err(error) => Err(error),
        };
        match answer {
            Err(error) => pass_over(error, &mut why)?,
            answer => return answer,
        }
    }
    Err(why)
}

/// Makes the thumbnail of a series ahead of a request: what one gets that asks for nothing in particular, or for JPEG.
pub async fn make(state: &State, places: &[InstancePlace]) -> Result<(), Error> {
    let rendering = of_parameters(&[], &Accept::parse("")?)?;
    let mut why = Error::NotFound("a picture of it");
    for place in candidates(places) {
        let picture = match presented::shown(state, &Scope::All, place.clone()).await {
            Ok(subject) => rendered::picture(state, &subject, &rendering, Turn::Waited).await,
            Err(error) => Err(error),
        };
        match picture {
            Err(error) => pass_over(error, &mut why)?,
            Ok(_) => return Ok(()),
        }
    }
    Err(why)
}

/// Whether another instance may have a picture where this one has none; `why` keeps what is to be told in the end.
fn pass_over(error: Error, why: &mut Error) -> Result<(), Error> {
    match error {
        // A report, or a presentation state of what is not here: another instance may have pixels.
        Error::Undecodable(_) | Error::NotFound(_) => {}
        // Damage to one is none to the others.
        Error::TooLarge(_) | Error::Storage(storage::Error::Corrupt(_)) => *why = error,
        error => return Err(error),
    }
    Ok(())
}

/// The middle instance of each series, in order: the middle of a volume shows more of it than its edge. Then those
/// behind the middle ones, and before them, in case that these cannot be drawn. Presentation states come last: they
/// show an image once more.
fn candidates(places: &[InstancePlace]) -> impl Iterator<Item = &InstancePlace> {
    let at = move |offset: isize| {
        let series = places.chunk_by(|one, next| one.series_id == next.series_id);
        series.filter_map(move |series| series.get((series.len() / 2).checked_add_signed(offset)?))
    };
    let all = || [0, 1, -1].into_iter().flat_map(at);
    let states = all().filter(|place| presented::is_state(place));
    all().filter(|place| !presented::is_state(place)).chain(states).take(TRIED_MAX)
}

fn small(request: &Request) -> Result<Rendering, Error> {
    of_parameters(&request.parameters()?, &request.accept()?)
}

fn of_parameters(parameters: &[(String, String)], accept: &Accept) -> Result<Rendering, Error> {
    let mut rendering = Rendering::read(parameters, accept)?;
    rendering.options.viewport.get_or_insert(Viewport {
        width: SIDE_PIXELS,
        height: SIDE_PIXELS,
        region: None,
    });
    Ok(rendering)
}
