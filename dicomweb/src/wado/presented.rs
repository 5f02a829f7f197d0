//! A presentation state drawn: the image that it is about, shown as the state wants it (PS3.18 10.4.1.1.3).

use super::Request;
use super::rendered::{self, Subject};
use super::stored;
use crate::error::Error;
use crate::state::State;
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::PresentationState;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::InstancePlace;

/// Whether the instance is a presentation state of one of the kinds that are applied.
pub fn is_state(place: &InstancePlace) -> bool {
    [uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE, uids::COLOR_SOFTCOPY_PRESENTATION_STATE_STORAGE]
        .contains(&place.class.as_str())
}

/// What is drawn of an instance when no frame is named: its representative one; of a presentation state, its image.
pub async fn shown(state: &State, scope: &Scope, place: InstancePlace) -> Result<Subject, Error> {
    if is_state(&place) {
        return by_state(state, scope, place).await;
    }
    let frame = rendered::representative(state, &place).await?;
    Ok(Subject::plain(place, frame))
}

/// The first image that the state names and that the caller may see, with the first frame that it names of it.
async fn by_state(service: &State, scope: &Scope, state: InstancePlace) -> Result<Subject, Error> {
    let header = stored::header(&service.archive, &state).await?;
    let references = references(&header);
    let images: Vec<Uid> = references.iter().map(|(image, _)| image.clone()).collect();
    let place = service.archive.locate_first(scope, &state.study_uid, &images).await?;
    let place = place.ok_or(Error::NotFound("an image of the presentation state"))?;
    let named = references.into_iter().find(|(image, _)| *image == place.uid);
    let frame = match named.and_then(|(_, frame)| frame) {
        Some(frame) => frame,
        None => rendered::representative(service, &place).await?,
    };
    Ok(Subject { place, frame, state: Some((state, header)) })
}

/// An image as a state of its study shows it: the frame, counted from 0, or else the first one that the state names of
/// it.
pub async fn of_image(
    request: &Request,
    place: InstancePlace,
    frame: Option<u32>,
    state: InstancePlace,
) -> Result<Subject, Error> {
    if !is_state(&state) {
        return Err(Error::bad_request("presentationUID is no presentation state of a kind that is applied"));
    }
    let header = stored::header(&request.state.archive, &state).await?;
    let named = || references(&header).into_iter().find(|(image, _)| *image == place.uid);
    let frame = match frame.or_else(|| named()?.1) {
        Some(frame) => frame,
        None => rendered::representative(&request.state, &place).await?,
    };
    if PresentationState::of(&header, &place.uid, frame).is_none() {
        return Err(Error::bad_request("the presentation state is about other images or frames"));
    }
    Ok(Subject { place, frame, state: Some((state, header)) })
}

/// More images than a state of one study can be about.
const REFERENCES_MAX: usize = 1000;

/// The images of a state, with the first frame of each that it names, counted from 0.
fn references(state: &DataSet) -> Vec<(Uid, Option<u32>)> {
    let series = state.items(tags::REFERENCED_SERIES_SEQUENCE).iter();
    let images = series.flat_map(|series| series.items(tags::REFERENCED_IMAGE_SEQUENCE));
    let reference = |image: &DataSet| {
        let uid = image.uid(tags::REFERENCED_SOP_INSTANCE_UID)?.ok()?;
        let frame = image.ints(tags::REFERENCED_FRAME_NUMBER).first().copied();
        Some((uid, frame.and_then(|frame| u32::try_from(frame - 1).ok())))
    };
    images.filter_map(reference).take(REFERENCES_MAX).collect()
}
