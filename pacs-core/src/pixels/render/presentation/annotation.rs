//! Graphic annotations (PS3.3 C.10.5) with their layers (C.10.7).

use super::super::annotate::{Ink, Justified, Pen, filled, write_in_box};
use super::super::canvas::Picture;
use super::super::view::View;
use crate::dataset::DataSet;
use crate::{Tag, tags};

/// A shape or a text.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::pixels::render) struct Annotation {
    /// Layers with lower numbers are drawn first.
    order: i64,
    level: u8,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Shape { kind: Kind, points: Vec<Place>, filled: bool },
    Text { text: String, corners: Option<[Place; 2]>, anchor: Option<Place>, justified: Justified },
}

/// Graphic Type (0070,0023).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Point,
    Polyline,
    Interpolated,
    Circle,
    Ellipse,
}

/// A place in pixels of the image, or as a share of what is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    OfImage([f64; 2]),
    OfDisplay([f64; 2]),
}

/// More points of outlines than anybody draws. Of a line that has more some are left out, and what comes behind it is
/// not drawn when there are none left.
const MOST_POINTS: usize = 1 << 16;
/// Lines that a smooth one is made of between two points.
const STEPS: u32 = 8;
/// Lines that a circle is made of.
const SIDES: u32 = 90;
/// A letter is drawn by about as many points, at the most.
const LETTER_POINTS: usize = 8;

impl Annotation {
    /// The annotations of the items that concern an image, in the order in which they are drawn.
    pub(super) fn all(set: &DataSet, concerns: impl Fn(&&DataSet) -> bool) -> Vec<Annotation> {
        let mut found = Vec::new();
        let mut points_left = MOST_POINTS;
        'items: for item in set.items(tags::GRAPHIC_ANNOTATION_SEQUENCE).iter().filter(|item| concerns(item))
        {
            let (order, level) = layer(set, item.text(tags::GRAPHIC_LAYER));
            let shapes = item.items(tags::GRAPHIC_OBJECT_SEQUENCE).iter().filter_map(shape);
            let texts = item.items(tags::TEXT_OBJECT_SEQUENCE).iter().filter_map(text);
            for mut what in shapes.chain(texts) {
                if let What::Shape { kind, points, .. } = &mut what {
                    thin(points, points_left / kind.lines_of_a_point());
                }
                let Some(left) = points_left.checked_sub(what.outline_points()) else { break 'items };
                points_left = left;
                found.push(Annotation { order, level, what });
            }
        }
        found.sort_by_key(|annotation| annotation.order);
        found
    }

    pub(in crate::pixels::render) fn draw(&self, view: &View, picture: &mut Picture, ink: &mut Ink) {
        let size = [f64::from(picture.width), f64::from(picture.height)];
        let at = |place: &Place| match place {
            Place::OfImage(place) => view.place(*place),
            Place::OfDisplay([x, y]) => [x * size[0], y * size[1]],
        };
        let width = (size[0].min(size[1]) / 400.0).max(1.2);
        match &self.what {
            What::Shape { kind, points, filled: fill } => {
                let line = outline(*kind, points, at);
                if *fill {
                    filled(picture, &line, self.level, ink);
                }
                let mut pen = Pen { picture, level: self.level, width, ink };
                match line.as_slice() {
                    [only] => cross(&mut pen, *only, 4.0 * width),
                    line => pen.polyline(line),
                }
            }
            What::Text { text, corners, anchor, justified } => {
                let corners = corners.map(|corners| corners.map(|corner| at(&corner)));
                let anchored = anchor.as_ref().map(at);
                let Some((sides, top)) = corners
                    .map(|[one, other]| ([one[0].min(other[0]), one[0].max(other[0])], one[1].min(other[1])))
                    .or(anchored.map(|[x, y]| ([x + 4.0 * width, size[0]], y)))
                else {
                    return;
                };
                if let (Some(_), Some(anchor)) = (corners, anchored) {
                    let from = [anchor[0].clamp(sides[0], sides[1]), top];
                    let mut pen = Pen { picture: &mut *picture, level: self.level, width, ink: &mut *ink };
                    pen.line(from, anchor);
                }
                write_in_box(picture, text, sides, top, *justified, self.level, ink);
            }
        }
    }
}

impl What {
    fn outline_points(&self) -> usize {
        match self {
            What::Shape { kind: Kind::Circle | Kind::Ellipse, .. } => SIDES as usize + 1,
            What::Shape { kind, points, .. } => points.len() * kind.lines_of_a_point(),
            What::Text { text, .. } => text.chars().count() * LETTER_POINTS,
        }
    }
}

impl Kind {
    fn lines_of_a_point(self) -> usize {
        if self == Kind::Interpolated { STEPS as usize } else { 1 }
    }
}

/// Leaves out points where there are more than so many, every so often and never the last.
fn thin(points: &mut Vec<Place>, most: usize) {
    if points.len() > most {
        let step = points.len().div_ceil(most.saturating_sub(1).max(1));
        let last = points.last().copied();
        *points = points.iter().copied().step_by(step).chain(last).collect();
    }
}

/// Order and grey level of a layer.
fn layer(set: &DataSet, name: Option<String>) -> (i64, u8) {
    let layers = set.items(tags::GRAPHIC_LAYER_SEQUENCE);
    let layer = layers.iter().find(|layer| name.is_some() && layer.text(tags::GRAPHIC_LAYER) == name);
    let order = layer.and_then(|layer| layer.int(tags::GRAPHIC_LAYER_ORDER)).unwrap_or(0);
    let value = layer.and_then(|layer| layer.int(tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE));
    (order, value.map_or(u8::MAX, |value| (value.clamp(0, 0xFFFF) >> 8) as u8))
}

fn shape(item: &DataSet) -> Option<What> {
    let kind = match item.text(tags::GRAPHIC_TYPE)?.as_str() {
        "POINT" => Kind::Point,
        "POLYLINE" => Kind::Polyline,
        "INTERPOLATED" => Kind::Interpolated,
        "CIRCLE" => Kind::Circle,
        "ELLIPSE" => Kind::Ellipse,
        _ => return None,
    };
    let place = place_in(item, tags::GRAPHIC_ANNOTATION_UNITS)?;
    let points =
        item.floats(tags::GRAPHIC_DATA).as_chunks::<2>().0.iter().map(|point| place(*point)).collect();
    Some(What::Shape { kind, points, filled: item.text(tags::GRAPHIC_FILLED).as_deref() == Some("Y") })
}

fn text(item: &DataSet) -> Option<What> {
    let corner = |tag| {
        let place = place_in(item, tags::BOUNDING_BOX_ANNOTATION_UNITS)?;
        item.floats(tag).first_chunk::<2>().map(|corner| place(*corner))
    };
    let corners = corner(tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER)
        .zip(corner(tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER))
        .map(|(one, other)| [one, other]);
    let anchor = place_in(item, tags::ANCHOR_POINT_ANNOTATION_UNITS).and_then(|place| {
        // An anchor that is not to be seen still places a text that has no box.
        let shown = item.text(tags::ANCHOR_POINT_VISIBILITY).as_deref() != Some("N") || corners.is_none();
        item.floats(tags::ANCHOR_POINT).first_chunk::<2>().filter(|_| shown).map(|point| place(*point))
    });
    let justified = match item.text(tags::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION).as_deref() {
        Some("RIGHT") => Justified::Right,
        Some("CENTER") => Justified::Center,
        _ => Justified::Left,
    };
    let text = item.text(tags::UNFORMATTED_TEXT_VALUE)?.replace('\r', "\n").replace("\n\n", "\n");
    (corners.is_some() || anchor.is_some()).then_some(What::Text { text, corners, anchor, justified })
}

/// What makes a place of two numbers in the units of the item; places on a matrix of tiles are not drawn.
fn place_in(item: &DataSet, units: Tag) -> Option<fn([f64; 2]) -> Place> {
    match item.text(units)?.as_str() {
        "PIXEL" => Some(Place::OfImage),
        "DISPLAY" => Some(Place::OfDisplay),
        _ => None,
    }
}

/// The line around a shape, in the picture. A circle is given by its centre and a point on it, an ellipse by the ends
/// of its two axes.
fn outline(kind: Kind, points: &[Place], at: impl Fn(&Place) -> [f64; 2]) -> Vec<[f64; 2]> {
    let places: Vec<[f64; 2]> = points.iter().map(at).collect();
    let around = |center: [f64; 2], one: [f64; 2], other: [f64; 2]| -> Vec<[f64; 2]> {
        (0..=SIDES)
            .map(|n| {
                let (sin, cos) = (f64::from(n) / f64::from(SIDES) * std::f64::consts::TAU).sin_cos();
                let on = |center: f64, one: f64, other: f64| center + one * cos + other * sin;
                [on(center[0], one[0], other[0]), on(center[1], one[1], other[1])]
            })
            .collect()
    };
    match (kind, places.as_slice()) {
        (Kind::Circle, [center, on, ..]) => {
            // In the image a circle; in the picture too, unless pixels are not square.
            let [dx, dy] = [on[0] - center[0], on[1] - center[1]];
            around(*center, [dx, dy], [-dy, dx])
        }
        (Kind::Ellipse, [a1, a2, b1, b2, ..]) => {
            let half = |[x1, y1]: [f64; 2], [x2, y2]: [f64; 2]| [(x2 - x1) / 2.0, (y2 - y1) / 2.0];
            let [across, down] = half(*a1, *a2);
            around([a1[0] + across, a1[1] + down], [across, down], half(*b1, *b2))
        }
        (Kind::Point, [point, ..]) => vec![*point],
        (Kind::Interpolated, places) => interpolated(places),
        (Kind::Polyline, places) => places.to_vec(),
        _ => Vec::new(),
    }
}

/// A smooth line through all points.
fn interpolated(places: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let at = |n: usize| places.get(n).copied();
    let mut line: Vec<[f64; 2]> = places.first().copied().into_iter().collect();
    for (n, (from, to)) in places.iter().zip(places.iter().skip(1)).enumerate() {
        let (before, after) = (n.checked_sub(1).and_then(at).unwrap_or(*from), at(n + 2).unwrap_or(*to));
        for step in 1..=STEPS {
            let t = f64::from(step) / f64::from(STEPS);
            let on = |p0, p1, p2, p3| cubic([p0, p1, p2, p3], t);
            line.push([on(before[0], from[0], to[0], after[0]), on(before[1], from[1], to[1], after[1])]);
        }
    }
    line
}

/// Catmull and Rom's cubic through the second and the third of four values.
fn cubic([p0, p1, p2, p3]: [f64; 4], t: f64) -> f64 {
    let (linear, square) = (p2 - p0, 2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3);
    (2.0 * p1 + linear * t + square * t * t + (3.0 * p1 - p0 - 3.0 * p2 + p3) * t * t * t) / 2.0
}

fn cross(pen: &mut Pen<'_>, [x, y]: [f64; 2], reach: f64) {
    pen.line([x - reach, y], [x + reach, y]);
    pen.line([x, y - reach], [x, y + reach]);
}
