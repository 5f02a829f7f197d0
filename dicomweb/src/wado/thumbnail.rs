//! `…/thumbnail`: one small picture that stands for a study, a series, an instance or a frame (PS3.18 10.4.1.1.4).

use super::Request;
use super::rendered::{self, Subject};
use super::rendering::Rendering;
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::extract::RawPathParams;
use axum::response::Response;
use pacs_core::pixels::Viewport;
use storage::InstancePlace;

/// Width and height of a thumbnail at most, in pixels, when no viewport is asked for.
const SIDE_PIXELS: u32 = 192;
/// Instances that are tried before it is said that there is no picture.
const TRIED_MAX: usize = 8;

/// `/studies/{study}/thumbnail`
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    of_several(&request, &request.locate_study(&path.study).await?).await
}

/// `/studies/{study}/series/{series}/thumbnail`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    of_several(&request, &request.locate_series(&path).await?).await
}

/// `…/instances/{instance}/thumbnail`
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let frame = rendered::representative(&request.state, &place).await?;
    rendered::respond(&request, &Subject::plain(place, frame), &small(&request)?).await
}

/// `…/instances/{instance}/frames/{frame}/thumbnail`
pub async fn of_frame(
    path: InstancePath,
    parameters: RawPathParams,
    request: Request,
) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let subject = Subject::plain(place, rendered::one_frame(&parameters)?);
    rendered::respond(&request, &subject, &small(&request)?).await
}

async fn of_several(request: &Request, places: &[InstancePlace]) -> Result<Response, Error> {
    let rendering = small(request)?;
    let mut why = Error::NotFound("a picture of it");
    for place in candidates(places) {
        let frame = rendered::representative(&request.state, place).await;
        let answer = match frame {
            Ok(frame) => rendered::respond(request, &Subject::plain(place.clone(), frame), &rendering).await,
            Err(error) => Err(error),
        };
        match answer {
            // A report, a presentation state: another instance may have pixels.
            Err(Error::Undecodable(_) | Error::NotFound(_)) => {}
            // Damage to one is none to the others.
            Err(error @ (Error::TooLarge(_) | Error::Storage(storage::Error::Corrupt(_)))) => why = error,
            answer => return answer,
        }
    }
    Err(why)
}

/// The middle instance of each series, in order: the middle of a volume shows more of it than its edge. Then those behind
/// the middle ones, and before them, in case that these cannot be drawn.
fn candidates(places: &[InstancePlace]) -> impl Iterator<Item = &InstancePlace> {
    let at = move |offset: isize| {
        let series = places.chunk_by(|one, next| one.series_id == next.series_id);
        series.filter_map(move |series| series.get((series.len() / 2).checked_add_signed(offset)?))
    };
    [0, 1, -1].into_iter().flat_map(at).take(TRIED_MAX)
}

fn small(request: &Request) -> Result<Rendering, Error> {
    let mut rendering = Rendering::read(&request.parameters()?, &request.accept()?)?;
    rendering.options.viewport.get_or_insert(Viewport {
        width: SIDE_PIXELS,
        height: SIDE_PIXELS,
        region: None,
    });
    Ok(rendering)
}
