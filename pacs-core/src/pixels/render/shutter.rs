//! Display shutters (PS3.3 C.7.6.11, C.7.6.15): what lies outside is not shown.

use super::canvas::Canvas;
use super::outline::Outline;
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
    covered_by: Option<u16>,
    /// Shutter Presentation Value (0018,1622) as a display level.
    level: u8,
}

impl Shutter {
    /// The shutter of a data set or of a functional group. A shape of which something is missing is left out.
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
                    let edges = [
                        tags::SHUTTER_LEFT_VERTICAL_EDGE,
                        tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
                        tags::SHUTTER_RIGHT_VERTICAL_EDGE,
                        tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
                    ]
                    .map(|tag| set.float(tag));
                    if let [Some(left), Some(top), Some(right), Some(bottom)] = edges {
                        shutter.rectangle = Some([left, top, right, bottom]);
                    }
                }
                "CIRCULAR" => {
                    let center = set.floats(tags::CENTER_OF_CIRCULAR_SHUTTER);
                    let radius = set.float(tags::RADIUS_OF_CIRCULAR_SHUTTER);
                    if let (Some([row, column]), Some(radius)) = (center.first_chunk::<2>(), radius) {
                        shutter.circle = Some([*column, *row, radius]);
                    }
                }
                "POLYGONAL" => {
                    let corners = set.floats(tags::VERTICES_OF_THE_POLYGONAL_SHUTTER);
                    shutter.polygon = corners
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .take(CORNERS)
                        .filter(|corner| corner.iter().all(|place| place.is_finite()))
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
            let mut outline = Outline::of(&self.polygon);
            for row in 0..rows {
                self.draw_row(row, columns, &mut outline, canvas);
            }
        }
        for overlay in overlays.iter().filter(|overlay| Some(overlay.group) == self.covered_by) {
            overlay.draw(frame, self.level, canvas);
        }
    }

    /// Covers what lies before, between and behind the open parts of a row.
    fn draw_row(&self, row: u32, columns: u32, outline: &mut Outline, canvas: &mut Canvas) {
        let number = f64::from(row) + 1.0;
        let edges = if self.polygon.len() < 3 { &EVERYWHERE[..] } else { outline.crossings(number) };
        let [from, to] = self.open_columns(number);
        let mut covered = 0;
        for [left, right] in edges.as_chunks::<2>().0 {
            // Columns are counted from 1; what is beyond a number's range is beyond the image too.
            let first = (left.max(from).ceil() - 1.0).clamp(0.0, f64::from(columns)) as u32;
            let end = right.min(to).floor().clamp(0.0, f64::from(columns)) as u32;
            if first < end {
                canvas.fill(row, covered..first.max(covered), columns, self.level);
                covered = end.max(covered);
            }
        }
        canvas.fill(row, covered..columns, columns, self.level);
    }

    /// The first and the last column that rectangle and circle leave open in a row; none where they are the wrong way
    /// round.
    fn open_columns(&self, row: f64) -> [f64; 2] {
        let mut open = EVERYWHERE;
        let mut within = |from: f64, to: f64| open = [open[0].max(from), open[1].min(to)];
        if let Some([left, top, right, bottom]) = self.rectangle {
            within(left, right);
            if !(top..=bottom).contains(&row) {
                return NOWHERE;
            }
        }
        if let Some([x, y, radius]) = self.circle {
            // There is no root in a row that the circle does not reach.
            let half = (radius * radius - (row - y) * (row - y)).sqrt();
            if half.is_nan() || radius < 0.0 {
                return NOWHERE;
            }
            within(x - half, x + half);
        }
        open
    }
}

const EVERYWHERE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
const NOWHERE: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

/// More corners than any device draws.
const CORNERS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The rule by itself: a pixel is open where a ray to its left crosses sides an odd number of times.
    fn is_inside(polygon: &[[f64; 2]], column: f64, row: f64) -> bool {
        let ends = polygon.iter().skip(1).chain(polygon.first());
        let crossed = polygon.iter().zip(ends).filter(|([x1, y1], [x2, y2])| {
            (*y1 <= row) != (*y2 <= row) && x1 + (row - y1) / (y2 - y1) * (x2 - x1) <= column
        });
        crossed.count() % 2 == 1
    }

    #[test]
    fn a_polygon_that_crosses_itself_is_open_where_the_rule_says() {
        for corners in [3, 5, 12, 301, CORNERS] {
            let polygon: Vec<[f64; 2]> = (0..corners)
                .map(|n| {
                    let turn = n as f64 / corners as f64 * TAU * 2.0;
                    let reach = if n % 2 == 0 { 47.3 } else { 21.9 };
                    [40.2 + reach * turn.cos(), 31.7 + reach * turn.sin()]
                })
                .collect();
            let (columns, rows) = (80u32, 60u32);
            let mut canvas = Canvas::Rgb(vec![9; (columns * rows * 3) as usize]);
            let shutter = Shutter { polygon: polygon.clone(), ..Shutter::default() };
            let mut outline = Outline::of(&polygon);
            for row in 0..rows {
                shutter.draw_row(row, columns, &mut outline, &mut canvas);
            }
            for (at, pixel) in canvas.bytes().as_chunks::<3>().0.iter().enumerate() {
                let (column, row) = (at as u32 % columns, at as u32 / columns);
                let open = is_inside(&polygon, f64::from(column) + 1.0, f64::from(row) + 1.0);
                assert_eq!(*pixel, [if open { 9 } else { 0 }; 3], "{corners} corners: {column} {row}");
            }
        }
    }
}
