//! Display shutters (PS3.3 C.7.6.11, C.7.6.15): what lies outside is not shown.

use super::canvas::Canvas;
use super::overlay::Overlay;
use crate::dataset::DataSet;
use crate::pixels::decode::Frame;
use crate::tags;

/// The shapes that leave a pixel open; all of them have to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shutter {
    /// Columns and rows of the first and the last open pixel, counted from 1.
    rectangle: Option<[f64; 4]>,
    /// Column, row and radius.
    circle: Option<[f64; 3]>,
    /// Columns and rows of the corners.
    polygon: Vec<[f64; 2]>,
    /// The group of an overlay that covers what it marks.
    pub(super) covered_by: Option<u16>,
    /// Shutter Presentation Value (0018,1622) as a display level.
    level: u8,
}

impl Shutter {
    pub(super) fn of(set: &DataSet) -> Option<Shutter> {
        let mut shutter = Shutter {
            level: set
                .int(tags::SHUTTER_PRESENTATION_VALUE)
                .map_or(0, |value| (value.clamp(0, 0xFFFF) >> 8) as u8),
            ..Shutter::default()
        };
        for shape in set.texts(tags::SHUTTER_SHAPE) {
            match shape.as_str() {
                "RECTANGULAR" => {
                    let edge = |tag| set.float(tag);
                    shutter.rectangle = Some([
                        edge(tags::SHUTTER_LEFT_VERTICAL_EDGE)?,
                        edge(tags::SHUTTER_UPPER_HORIZONTAL_EDGE)?,
                        edge(tags::SHUTTER_RIGHT_VERTICAL_EDGE)?,
                        edge(tags::SHUTTER_LOWER_HORIZONTAL_EDGE)?,
                    ]);
                }
                "CIRCULAR" => {
                    let center = set.floats(tags::CENTER_OF_CIRCULAR_SHUTTER);
                    let [row, column] = center.first_chunk::<2>()?;
                    shutter.circle = Some([*column, *row, set.float(tags::RADIUS_OF_CIRCULAR_SHUTTER)?]);
                }
                "POLYGONAL" => {
                    let corners = set.floats(tags::VERTICES_OF_THE_POLYGONAL_SHUTTER);
                    shutter.polygon = corners
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .take(CORNERS)
                        .map(|[row, column]| [*column, *row])
                        .collect();
                }
                "BITMAP" => {
                    shutter.covered_by =
                        set.int(tags::SHUTTER_OVERLAY_GROUP).and_then(|group| u16::try_from(group).ok());
                }
                _ => {}
            }
        }
        let any = shutter.rectangle.is_some()
            || shutter.circle.is_some()
            || shutter.polygon.len() >= 3
            || shutter.covered_by.is_some();
        any.then_some(shutter)
    }

    /// Covers what is outside.
    pub(super) fn draw(&self, frame: &Frame, overlays: &[Overlay], canvas: &mut Canvas) {
        let (columns, rows) = (u32::from(frame.layout.columns), u32::from(frame.layout.rows));
        if self.rectangle.is_some() || self.circle.is_some() || self.polygon.len() >= 3 {
            for row in 0..rows {
                let spans = self.polygon_spans(f64::from(row) + 1.0);
                for column in 0..columns {
                    if !self.is_open(f64::from(column) + 1.0, f64::from(row) + 1.0, &spans) {
                        canvas.put(column, row, columns, self.level);
                    }
                }
            }
        }
        for overlay in overlays.iter().filter(|overlay| Some(overlay.group) == self.covered_by) {
            overlay.draw(frame, self.level, canvas);
        }
    }

    fn is_open(&self, column: f64, row: f64, spans: &[f64]) -> bool {
        let in_rectangle = self.rectangle.is_none_or(|[left, top, right, bottom]| {
            (left..=right).contains(&column) && (top..=bottom).contains(&row)
        });
        let in_circle = self.circle.is_none_or(|[x, y, radius]| (column - x).hypot(row - y) <= radius);
        let in_polygon = self.polygon.len() < 3
            || spans.as_chunks::<2>().0.iter().any(|[from, to]| (from..=to).contains(&&column));
        in_rectangle && in_circle && in_polygon
    }

    /// Where the row crosses the polygon's sides, in order: open between each pair.
    fn polygon_spans(&self, row: f64) -> Vec<f64> {
        let ends = self.polygon.iter().skip(1).chain(self.polygon.first());
        let mut crossings: Vec<f64> = self
            .polygon
            .iter()
            .zip(ends)
            .filter(|([_, y1], [_, y2])| (*y1 <= row) != (*y2 <= row))
            .map(|([x1, y1], [x2, y2])| x1 + (row - y1) / (y2 - y1) * (x2 - x1))
            .collect();
        crossings.sort_by(f64::total_cmp);
        crossings
    }
}

/// More corners than any device draws.
const CORNERS: usize = 1024;
