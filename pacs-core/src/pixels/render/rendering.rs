//! What a data set says about how its values are to be shown.

use super::grey::{Modality, Presentation, Voi};
use super::lut::Lut;
use super::overlay::Overlay;
use super::palette::Palette;
use super::presentation::{PresentationState, pixel_aspect};
use super::shutter::Shutter;
use super::view::Scale;
use super::{RenderOptions, Window, WindowShape};
use crate::dataset::DataSet;
use crate::pixels::layout::Photometric;
use crate::{Tag, tags, uids};
use std::ops::Neg;

/// The transformations of one frame from samples to a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    pub(super) modality: Modality,
    /// The first window or table, if there is one.
    pub(super) voi: Option<Voi>,
    pub(super) presentation: Presentation,
    /// Pixel Padding Value (0028,0120) and its Range Limit (0028,0121), smaller first: stored values that are no image.
    pub(super) padding: Option<(f64, f64)>,
    pub(super) palette: Option<Palette>,
    pub(super) overlays: Vec<Overlay>,
    /// The groups of the overlays that are drawn; without them all are.
    pub(super) shown_overlays: Option<Vec<u16>>,
    pub(super) shutter: Option<Shutter>,
    /// Columns and rows of the image.
    pub(super) size: [u32; 2],
    /// How high a pixel is for its width.
    pub(super) aspect: f64,
    pub(super) state: Option<Box<PresentationState>>,
}

impl Rendering {
    /// Collects what applies to one frame, counted from 0, looking also into the functional groups of enhanced
    /// objects (PS3.3 C.7.6.16). Tables larger than the limits that `set` was read with are not seen.
    pub fn of(set: &DataSet, frame: u32) -> Rendering {
        let groups = FunctionalGroups::of(set, frame);
        let values = groups.find(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE).unwrap_or(set);
        let frame_voi = groups.find(tags::FRAME_VOILUT_SEQUENCE).unwrap_or(set);
        let photometric = set.text(tags::PHOTOMETRIC_INTERPRETATION);
        let inverse = photometric.as_deref() == Photometric::Monochrome1.term()
            || set.text(tags::PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE");
        Rendering {
            modality: if bypasses_modality(set) { IDENTITY } else { modality(set, values) },
            voi: voi(frame_voi).or_else(|| voi(set)),
            presentation: if inverse { Presentation::Inverse } else { Presentation::Identity },
            padding: padding(set),
            palette: Palette::of(set),
            overlays: Overlay::all(set, frame),
            shown_overlays: None,
            shutter: groups
                .find(tags::FRAME_DISPLAY_SHUTTER_SEQUENCE)
                .and_then(Shutter::of)
                .or_else(|| Shutter::of(set)),
            size: [tags::COLUMNS, tags::ROWS]
                .map(|tag| set.int(tag).and_then(|side| u32::try_from(side).ok()).unwrap_or(0)),
            aspect: aspect(set, &groups),
            state: None,
        }
    }

    /// The same as a presentation state wants it.
    pub fn presented(self, state: PresentationState) -> Rendering {
        let rendering = state.over(self);
        Rendering { state: Some(Box::new(state)), ..rendering }
    }

    /// Columns and rows of the image that a frame of that size is of, and how often its sides were halved.
    pub(super) fn image_of(&self, frame: [u32; 2]) -> ([u32; 2], u32) {
        let halvings = (0..u16::BITS).find(|n| self.size.map(|side| side.div_ceil(1 << n)) == frame);
        halvings.map_or((frame, 0), |halvings| (self.size, halvings))
    }

    pub(super) fn is_padding(&self, stored: f64) -> bool {
        self.padding.is_some_and(|(low, high)| (low..=high).contains(&stored))
    }

    /// Size and pixel shape of the picture where no viewport is asked for.
    pub(super) fn scale(&self, viewport: bool) -> Scale {
        match self.state.as_ref().and_then(|state| state.area) {
            Some(area) => area.scale,
            // Pixel by pixel, unless the picture is scaled anyway.
            None => Scale { factor: 1.0, aspect: if viewport { self.aspect } else { 1.0 } },
        }
    }
}

/// How high a pixel is for its width.
fn aspect(set: &DataSet, groups: &FunctionalGroups<'_>) -> f64 {
    let measures = groups.find(tags::PIXEL_MEASURES_SEQUENCE).unwrap_or(set);
    let spacing = [tags::PIXEL_SPACING, tags::IMAGER_PIXEL_SPACING, tags::NOMINAL_SCANNED_PIXEL_SPACING];
    let spacing = spacing.iter().map(|tag| measures.floats(*tag)).find(|pair| pair.len() >= 2);
    pixel_aspect(&spacing.unwrap_or_default(), &set.floats(tags::PIXEL_ASPECT_RATIO))
}

/// How often the sides of a frame, counted from 0, may be halved before it is drawn, and the picture still be no
/// smaller than asked for. Not at all where overlays or a shutter lie on the pixels, or where these are indices of a
/// palette; a presentation state has to be looked at beside it.
pub fn spare_halvings(set: &DataSet, frame: u32, options: &RenderOptions) -> u32 {
    let groups = FunctionalGroups::of(set, frame);
    let photometric = set.text(tags::PHOTOMETRIC_INTERPRETATION);
    let is_bound = photometric.as_deref() == Photometric::PaletteColor.term()
        || set.contains(tags::SHUTTER_SHAPE)
        || groups.find(tags::FRAME_DISPLAY_SHUTTER_SEQUENCE).is_some()
        || set.iter().any(|element| (0x6000..=0x601E).contains(&element.tag.0));
    let sides = [tags::COLUMNS, tags::ROWS].map(|tag| set.int(tag).unwrap_or(0) as f64);
    let Some(viewport) = options.viewport.filter(|_| !is_bound) else { return 0 };
    let [across, down] = viewport.region.map_or(sides, |[_, _, across, down]| [across.abs(), down.abs()]);
    let aspect = aspect(set, &groups);
    let factor = (f64::from(viewport.width) / across).min(f64::from(viewport.height) / (down * aspect));
    let halvings = (factor * aspect.max(1.0)).log2().neg().floor();
    // A number that is none becomes 0.
    halvings.clamp(0.0, 16.0) as u32
}

const IDENTITY: Modality = Modality::Rescale { slope: 1.0, intercept: 0.0 };

/// Angiograms and fluoroscopies are shown as they are stored: their modality transformation leads to X-ray intensity
/// and is not for display (PS3.3 C.8.7.1.1.2).
fn bypasses_modality(set: &DataSet) -> bool {
    const BIPLANE: &str = "1.2.840.10008.5.1.4.1.1.12.3";
    let class = set.text(tags::SOP_CLASS_UID);
    [uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE, uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE, BIPLANE]
        .iter()
        .any(|of_x_rays| class.as_deref() == Some(of_x_rays))
}

/// The modality transformation: the table of `set`, else the slope and intercept of `values`.
pub(super) fn modality(set: &DataSet, values: &DataSet) -> Modality {
    match set.items(tags::MODALITY_LUT_SEQUENCE).first().and_then(Lut::of) {
        Some(lut) => Modality::Table(lut),
        None => Modality::Rescale {
            slope: values.float(tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: values.float(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
        },
    }
}

/// The first window with a positive width, else the first table.
pub(super) fn voi(set: &DataSet) -> Option<Voi> {
    let table = || set.items(tags::VOILUT_SEQUENCE).first().and_then(Lut::of).map(Voi::Table);
    window(set).map(Voi::Window).or_else(table)
}

fn window(set: &DataSet) -> Option<Window> {
    let shape = match set.text(tags::VOILUT_FUNCTION).as_deref() {
        Some("SIGMOID") => WindowShape::Sigmoid,
        Some("LINEAR_EXACT") => WindowShape::LinearExact,
        _ => WindowShape::Linear,
    };
    let (centers, widths) = (set.floats(tags::WINDOW_CENTER), set.floats(tags::WINDOW_WIDTH));
    let has_width = |(_, width): &(f64, f64)| *width > 0.0;
    let (center, width) = if centers.len() == widths.len() {
        centers.into_iter().zip(widths).find(has_width)?
    } else {
        // Something is missing, so which of the others belong together cannot be told.
        set.float(tags::WINDOW_CENTER).zip(set.float(tags::WINDOW_WIDTH)).filter(has_width)?
    };
    Some(Window { center, width, shape })
}

fn padding(set: &DataSet) -> Option<(f64, f64)> {
    let bits = set.int(tags::BITS_ALLOCATED).filter(|bits| (1..=32).contains(bits)).unwrap_or(16);
    let signed = set.int(tags::PIXEL_REPRESENTATION) == Some(1);
    // Signed images with the value in an unsigned representation are common.
    let meant = |value: i64| if signed && value >= 1 << (bits - 1) { value - (1 << bits) } else { value };
    let value = meant(set.int(tags::PIXEL_PADDING_VALUE)?);
    let limit = set.int(tags::PIXEL_PADDING_RANGE_LIMIT).map_or(value, meant);
    Some((value.min(limit) as f64, value.max(limit) as f64))
}

/// The items that describe one frame: its own first, then those all frames share.
struct FunctionalGroups<'a>([Option<&'a DataSet>; 2]);

impl<'a> FunctionalGroups<'a> {
    fn of(set: &'a DataSet, frame: u32) -> FunctionalGroups<'a> {
        let own = usize::try_from(frame)
            .ok()
            .and_then(|frame| set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(frame));
        FunctionalGroups([own, set.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first()])
    }

    fn find(&self, macro_sequence: Tag) -> Option<&'a DataSet> {
        self.0.iter().flatten().find_map(|group| group.items(macro_sequence).first())
    }
}
