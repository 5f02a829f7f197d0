//! Presentation states (PS3.3 A.33): how somebody left an image to be shown.

mod annotation;
mod area;

use self::annotation::Annotation;
pub(super) use self::area::pixel_aspect;

use self::area::Area;
use super::Rendering;
use super::grey::{Modality, Presentation, Voi};
use super::lut::Lut;
use super::overlay::Overlay;
use super::rendering;
use super::shutter::Shutter;
use crate::dataset::DataSet;
use crate::tags;
use crate::uid::Uid;

/// What a presentation state says of one frame of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentationState {
    modality: Modality,
    voi: Voi,
    presentation: Presentation,
    overlays: Vec<Overlay>,
    activated_overlays: Vec<u16>,
    shutter: Option<Shutter>,
    pub(super) quarter_turns: u8,
    pub(super) flipped: bool,
    pub(super) area: Option<Area>,
    pub(super) annotations: Vec<Annotation>,
}

impl PresentationState {
    /// Reads what concerns a frame, counted from 0, of the image with that SOP Instance UID. `None` when the data set
    /// is no presentation state or does not refer to that image.
    pub fn of(set: &DataSet, image: &Uid, frame: u32) -> Option<PresentationState> {
        let series = set.items(tags::REFERENCED_SERIES_SEQUENCE);
        let named = series.iter().any(|series| {
            series
                .items(tags::REFERENCED_IMAGE_SEQUENCE)
                .iter()
                .any(|reference| is_reference(reference, image, frame))
        });
        if !named {
            return None;
        }
        let concerns = |item: &&DataSet| {
            let references = item.items(tags::REFERENCED_IMAGE_SEQUENCE);
            references.is_empty() || references.iter().any(|reference| is_reference(reference, image, frame))
        };
        let voi = set.items(tags::SOFTCOPY_VOILUT_SEQUENCE).iter().find(concerns);
        let presentation = match set.items(tags::PRESENTATION_LUT_SEQUENCE).first().and_then(Lut::of) {
            Some(lut) => Presentation::Table(lut),
            None if set.text(tags::PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE") => {
                Presentation::Inverse
            }
            None => Presentation::Identity,
        };
        let areas = set.items(tags::DISPLAYED_AREA_SELECTION_SEQUENCE);
        let degrees = set.int(tags::IMAGE_ROTATION).unwrap_or(0).rem_euclid(360);
        Some(PresentationState {
            modality: rendering::modality(set, set),
            voi: voi.and_then(rendering::voi).unwrap_or(Voi::Whole),
            presentation,
            overlays: Overlay::all(set, frame),
            activated_overlays: Overlay::activated(set),
            shutter: Shutter::of(set),
            quarter_turns: (degrees / 90) as u8,
            flipped: set.text(tags::IMAGE_HORIZONTAL_FLIP).as_deref() == Some("Y"),
            area: areas.iter().find(concerns).and_then(Area::of),
            annotations: Annotation::all(set, concerns),
        })
    }

    /// Lays the state over what the image says of itself, which counts for nothing where the two speak of the same
    /// (PS3.4 N.2).
    pub(super) fn over(&self, image: Rendering) -> Rendering {
        // An overlay of the state stands for one of the image with the same group.
        let own = |group| self.overlays.iter().any(|overlay| overlay.group == group);
        let of_image = image.overlays.into_iter().filter(|overlay| !own(overlay.group));
        let overlays = of_image.chain(self.overlays.iter().cloned()).collect();
        Rendering {
            modality: self.modality.clone(),
            voi: Some(self.voi.clone()),
            presentation: self.presentation.clone(),
            overlays,
            shown_overlays: Some(self.activated_overlays.clone()),
            shutter: self.shutter.clone(),
            ..image
        }
    }
}

/// Whether an item names the image, and the frame if it names any.
fn is_reference(item: &DataSet, image: &Uid, frame: u32) -> bool {
    let frames = item.ints(tags::REFERENCED_FRAME_NUMBER);
    item.text(tags::REFERENCED_SOP_INSTANCE_UID).as_deref() == Some(image.as_str())
        && (frames.is_empty() || frames.contains(&(i64::from(frame) + 1)))
}
