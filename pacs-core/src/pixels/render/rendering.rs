//! What a data set says about how its values are to be shown.

use super::lut::{Lut, Palette};
use super::{Window, WindowShape};
use crate::dataset::DataSet;
use crate::{Tag, tags};

/// The grey-scale and palette transformations of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// Rescale Slope (0028,1053), 1 when absent or 0.
    pub slope: f64,
    /// Rescale Intercept (0028,1052).
    pub intercept: f64,
    /// First window that the object stores, if it has a positive width.
    pub window: Option<Window>,
    /// Pixel Padding Value (0028,0120) and its Range Limit (0028,0121), smaller first: stored values that are no image.
    pub padding: Option<(i64, i64)>,
    /// Presentation LUT Shape (2050,0020) is INVERSE.
    pub inverse: bool,
    pub(super) modality_lut: Option<Lut>,
    pub(super) voi_lut: Option<Lut>,
    pub(super) palette: Option<Palette>,
}

impl Rendering {
    /// Collects what applies to one frame, counted from 0, looking also into the functional groups of enhanced
    /// objects (PS3.3 C.7.6.16). Tables larger than the limits that `set` was read with are not seen.
    pub fn of(set: &DataSet, frame: u32) -> Rendering {
        let groups = FunctionalGroups::of(set, frame);
        let values = groups.find(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE).unwrap_or(set);
        let frame_voi = groups.find(tags::FRAME_VOILUT_SEQUENCE).unwrap_or(set);
        let padding = set.int(tags::PIXEL_PADDING_VALUE).map(|value| {
            let limit = set.int(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
            (value.min(limit), value.max(limit))
        });
        Rendering {
            slope: values.float(tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: values.float(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            window: window(frame_voi),
            padding,
            inverse: set.text(tags::PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE"),
            modality_lut: first_item(set, tags::MODALITY_LUT_SEQUENCE).and_then(Lut::of),
            voi_lut: first_item(set, tags::VOILUT_SEQUENCE).and_then(Lut::of),
            palette: Palette::of(set),
        }
    }
}

/// The items that describe one frame: its own first, then those all frames share.
struct FunctionalGroups<'a>([Option<&'a DataSet>; 2]);

impl<'a> FunctionalGroups<'a> {
    fn of(set: &'a DataSet, frame: u32) -> FunctionalGroups<'a> {
        let own = usize::try_from(frame)
            .ok()
            .and_then(|frame| set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(frame));
        FunctionalGroups([own, first_item(set, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)])
    }

    fn find(&self, macro_sequence: Tag) -> Option<&'a DataSet> {
        self.0.iter().flatten().find_map(|group| first_item(group, macro_sequence))
    }
}

fn first_item(set: &DataSet, tag: Tag) -> Option<&DataSet> {
    set.items(tag).first()
}

fn window(set: &DataSet) -> Option<Window> {
    let shape = match set.text(tags::VOILUT_FUNCTION).as_deref() {
        Some("SIGMOID") => WindowShape::Sigmoid,
        Some("LINEAR_EXACT") => WindowShape::LinearExact,
        _ => WindowShape::Linear,
    };
    let (center, width) = (set.float(tags::WINDOW_CENTER)?, set.float(tags::WINDOW_WIDTH)?);
    (width > 0.0).then_some(Window { center, width, shape })
}
