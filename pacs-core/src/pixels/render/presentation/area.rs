//! Displayed Area Selection (PS3.3 C.10.4).

use super::super::view::Scale;
use crate::dataset::DataSet;
use crate::tags;

/// Which part of the image is shown, and how large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::pixels::render) struct Area {
    /// Left, top, width and height in pixels of the image.
    pub(in crate::pixels::render) region: [f64; 4],
    pub(in crate::pixels::render) scale: Scale,
}

impl Area {
    pub(super) fn of(item: &DataSet) -> Option<Area> {
        let corner = |tag| item.ints(tag).first_chunk::<2>().map(|corner| corner.map(|place| place as f64));
        let [x1, y1] = corner(tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER)?;
        let [x2, y2] = corner(tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER)?;
        // The corners are those that are seen after turning, named in pixels before it, and both are shown.
        let region = [x1.min(x2) - 1.0, y1.min(y2) - 1.0, (x2 - x1).abs() + 1.0, (y2 - y1).abs() + 1.0];
        let magnified = item.text(tags::PRESENTATION_SIZE_MODE).as_deref() == Some("MAGNIFY");
        let ratio = item.float(tags::PRESENTATION_PIXEL_MAGNIFICATION_RATIO).filter(|_| magnified);
        Some(Area {
            region,
            scale: Scale {
                factor: ratio.filter(|ratio| *ratio > 0.0).unwrap_or(1.0),
                aspect: pixel_aspect(
                    &item.floats(tags::PRESENTATION_PIXEL_SPACING),
                    &item.floats(tags::PRESENTATION_PIXEL_ASPECT_RATIO),
                ),
            },
        })
    }
}

/// How high a pixel is for its width, from spacing (between rows, between columns) or aspect ratio (vertical,
/// horizontal).
pub(in crate::pixels::render) fn pixel_aspect(spacing: &[f64], ratio: &[f64]) -> f64 {
    let aspect = [spacing, ratio].into_iter().find_map(|pair| match pair {
        [down, across, ..] if *down > 0.0 && *across > 0.0 => Some(down / across),
        _ => None,
    });
    // What is nearly square is meant to be, and what is far from it is a mistake.
    aspect.filter(|aspect| (0.05..=20.0).contains(aspect) && (aspect - 1.0).abs() > 0.01).unwrap_or(1.0)
}
