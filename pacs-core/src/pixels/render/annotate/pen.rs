//! Lines with soft edges, and what they surround.

use crate::pixels::render::canvas::Picture;
use crate::pixels::render::outline::Outline;

/// How much may still be drawn on a picture: about a second's work. Shapes that cover it again and again come to an
/// end.
pub(in crate::pixels::render) struct Ink {
    /// Pixels of lines that may be looked at.
    pixels: u64,
}

/// So many filled pixels, which are next to each other, cost as much as one of a line.
const FILLED_PIXELS: u64 = 16;

impl Default for Ink {
    fn default() -> Ink {
        Ink { pixels: 1 << 28 }
    }
}

impl Ink {
    /// Whether there is enough, which is gone then.
    fn take(&mut self, pixels: u64) -> bool {
        let left = self.pixels.checked_sub(pixels);
        self.pixels = left.unwrap_or(self.pixels);
        left.is_some()
    }
}

/// Draws lines on a picture.
pub(in crate::pixels::render) struct Pen<'a> {
    pub(in crate::pixels::render) picture: &'a mut Picture,
    pub(in crate::pixels::render) level: u8,
    /// Width of a line in pixels.
    pub(in crate::pixels::render) width: f64,
    pub(in crate::pixels::render) ink: &'a mut Ink,
}

impl Pen<'_> {
    /// A line through all these points.
    pub(in crate::pixels::render) fn polyline(&mut self, points: &[[f64; 2]]) {
        for (from, to) in points.iter().zip(points.iter().skip(1)) {
            self.line(*from, *to);
        }
    }

    /// A line, of which only what lies on the picture costs anything. Without ink for it, none.
    pub(in crate::pixels::render) fn line(&mut self, from: [f64; 2], to: [f64; 2]) {
        let half = self.width / 2.0;
        let size = [f64::from(self.picture.width), f64::from(self.picture.height)];
        let Some((from, to)) = clipped(from, to, size, half + 1.0) else { return };
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        // Along the longer axis step by step, across it as far as the line is wide there.
        let steep = dy.abs() > dx.abs();
        let turned = |[x, y]: [f64; 2]| if steep { [y, x] } else { [x, y] };
        let ([start, height], [end, other_height]) = (turned(from), turned(to));
        let slope = if end == start { 0.0 } else { (other_height - height) / (end - start) };
        let reach = half + 1.0;
        let spread = (reach * 1.5).ceil();
        let steps = (start.min(end) - reach).floor() as i64..=(start.max(end) + reach).ceil() as i64;
        if !self.ink.take(steps.clone().count() as u64 * (2 * spread as u64 + 1)) {
            return;
        }
        for step in steps {
            let along = step as f64 + 0.5;
            let across = height + (along.clamp(start.min(end), start.max(end)) - start) * slope;
            for other in (across - spread).floor() as i64..=(across + spread).ceil() as i64 {
                let point = turned([along, other as f64 + 0.5]);
                let share = (half + 0.5 - distance(point, from, [dx, dy])).clamp(0.0, 1.0);
                if share > 0.0 {
                    self.blend(point, share);
                }
            }
        }
    }

    /// A dot as wide as the line is.
    pub(in crate::pixels::render) fn dot(&mut self, at: [f64; 2]) {
        self.line(at, at);
    }

    fn blend(&mut self, [x, y]: [f64; 2], share: f64) {
        let (width, height) = (self.picture.width, self.picture.height);
        if x >= 0.0 && y >= 0.0 && x < f64::from(width) && y < f64::from(height) {
            self.picture.canvas.blend(x as u32, y as u32, width, self.level, share as f32);
        }
    }
}

/// How far a point is from a line that goes on by `[dx, dy]`.
fn distance(point: [f64; 2], from: [f64; 2], [dx, dy]: [f64; 2]) -> f64 {
    let [x, y] = [point[0] - from[0], point[1] - from[1]];
    let share = ((x * dx + y * dy) / (dx * dx + dy * dy).max(1e-18)).clamp(0.0, 1.0);
    (x - share * dx).hypot(y - share * dy)
}

/// The part of a line that lies on a picture of that size or within the margin around it.
fn clipped(from: [f64; 2], to: [f64; 2], size: [f64; 2], margin: f64) -> Option<([f64; 2], [f64; 2])> {
    if from.iter().chain(&to).any(|number| !number.is_finite()) {
        return None;
    }
    let (mut start, mut end) = (0.0f64, 1.0f64);
    for ((at, to), side) in from.iter().zip(&to).zip(&size) {
        let (low, high, change) = (-margin, side + margin, to - at);
        if change == 0.0 {
            if *at < low || *at > high {
                return None;
            }
            continue;
        }
        let (enter, leave) = ((low - at) / change, (high - at) / change);
        start = start.max(enter.min(leave));
        end = end.min(enter.max(leave));
    }
    let point = |share: f64| [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
    (start <= end).then(|| (point(start), point(end)))
}

/// Fills what a closed line surrounds, crossings counted (even-odd), if there is ink for it.
pub(in crate::pixels::render) fn filled(
    picture: &mut Picture,
    corners: &[[f64; 2]],
    level: u8,
    ink: &mut Ink,
) {
    if corners.iter().flatten().any(|place| !place.is_finite()) {
        return;
    }
    let (width, height) = (picture.width, picture.height);
    let shown = |y: f64| y.clamp(0.0, f64::from(height));
    let ends = corners.iter().skip(1).chain(corners.first());
    let rows_crossed: f64 =
        corners.iter().zip(ends).map(|(one, other)| (shown(one[1]) - shown(other[1])).abs()).sum();
    let [top, bottom] =
        corners.iter().fold([f64::MAX, f64::MIN], |[top, bottom], [_, y]| [top.min(*y), bottom.max(*y)]);
    let rows = shown(top) as u32..shown(bottom).ceil() as u32;
    // Where each row crosses the sides costs about as much as a few pixels of a line.
    let cost = rows_crossed as u64 * 4 + u64::from(width) * rows.len() as u64 / FILLED_PIXELS;
    if !ink.take(cost) {
        return;
    }
    let mut outline = Outline::of(corners);
    for row in rows {
        for [from, to] in outline.crossings(f64::from(row) + 0.5).as_chunks::<2>().0 {
            let first = (from - 0.5).ceil().max(0.0) as u32;
            let end = ((to + 0.5).floor().max(0.0) as u32).min(width);
            if first < end {
                picture.canvas.fill(row, first..end, width, level);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::render::canvas::Canvas;

    fn picture() -> Picture {
        Picture { width: 8, height: 8, canvas: Canvas::Grey(vec![0; 64]) }
    }

    fn level(picture: &Picture, x: usize, y: usize) -> u8 {
        picture.canvas.bytes()[y * 8 + x]
    }

    fn line(picture: &mut Picture, level: u8, from: [f64; 2], to: [f64; 2]) {
        Pen { picture, level, width: 1.0, ink: &mut Ink::default() }.line(from, to);
    }

    #[test]
    fn lines_lie_where_they_are_drawn() {
        let mut picture = picture();
        line(&mut picture, 200, [-1e12, 2.5], [1e12, 2.5]);
        assert!((0..8).all(|x| level(&picture, x, 2) == 200 && level(&picture, x, 5) == 0));
        line(&mut picture, 255, [5.5, 7.0], [5.5, 4.0]);
        assert_eq!((level(&picture, 5, 5), level(&picture, 7, 5)), (255, 0));
        // Lines that are none, and those that lie beside the picture.
        let before = picture.clone();
        line(&mut picture, 9, [f64::NAN, 0.0], [1.0, 1.0]);
        line(&mut picture, 9, [20.0, 20.0], [30.0, 21.0]);
        line(&mut picture, 9, [-20.0, 4.0], [4.0, -20.0]);
        assert_eq!(picture, before);
    }

    #[test]
    fn shapes_are_filled_inside() {
        let square = [[2.0, 2.0], [6.0, 2.0], [6.0, 6.0], [2.0, 6.0]];
        let count = |picture: &Picture| picture.canvas.bytes().iter().filter(|pixel| **pixel == 50).count();
        let mut picture = picture();
        filled(&mut picture, &square, 50, &mut Ink { pixels: 1 });
        assert_eq!(count(&picture), 0, "there was not enough ink");
        filled(&mut picture, &square, 50, &mut Ink::default());
        assert_eq!(count(&picture), 16);
        filled(&mut picture, &square.map(|[x, y]| [x * 9.0 - 20.0, y * 9.0 - 20.0]), 50, &mut Ink::default());
        assert_eq!(count(&picture), 64, "what lies beside the picture is left out");
    }
}
