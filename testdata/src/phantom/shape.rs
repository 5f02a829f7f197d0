//! The two shapes organs are made of: lobed ellipsoids and tubes.

use super::canvas::{Canvas, Within};

/// An ellipsoid whose outline bulges by a few waves and whose axis may lean.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) centre: [f32; 3],
    pub(crate) radii: [f32; 3],
    /// Turn of the cross-section, radians.
    pub(crate) turn: f32,
    /// How far the centre moves in x and y for each millimetre of z.
    pub(crate) lean: [f32; 2],
    /// Waves a turn, relative height, phase.
    pub(crate) waves: [(f32, f32, f32); 3],
    /// 2 for an ellipsoid, more for a plumper one along z.
    pub(crate) fullness: f32,
}

impl Blob {
    pub(crate) fn new(centre: [f32; 3], radii: [f32; 3]) -> Blob {
        Blob { centre, radii, turn: 0.0, lean: [0.0; 2], waves: [(1.0, 0.0, 0.0); 3], fullness: 2.2 }
    }

    pub(crate) fn turned(mut self, turn: f32) -> Blob {
        self.turn = turn;
        self
    }

    pub(crate) fn leaning(mut self, x: f32, y: f32) -> Blob {
        self.lean = [x, y];
        self
    }

    pub(crate) fn waved(mut self, waves: [(f32, f32, f32); 3]) -> Blob {
        self.waves = waves;
        self
    }

    pub(crate) fn full(mut self, fullness: f32) -> Blob {
        self.fullness = fullness;
        self
    }

    /// The same shape with another size, millimetres on every side.
    pub(crate) fn grown(&self, by: f32) -> Blob {
        let mut grown = self.clone();
        grown.radii = grown.radii.map(|radius| (radius + by).max(0.5));
        grown
    }

    /// Whether a point lies in the shape; its waves are left out.
    pub(crate) fn holds(&self, [x, y, z]: [f32; 3]) -> bool {
        let t = (z - self.centre[2]) / self.radii[2];
        if t.abs() >= 1.0 {
            return false;
        }
        let scale = (1.0 - t.abs().powf(self.fullness)).powf(1.0 / self.fullness).max(1e-3);
        let (dx, dy) = (
            x - self.centre[0] - self.lean[0] * t * self.radii[2],
            y - self.centre[1] - self.lean[1] * t * self.radii[2],
        );
        let (sin, cos) = self.turn.sin_cos();
        let (u, v) = ((dx * cos + dy * sin) / self.radii[0], (dy * cos - dx * sin) / self.radii[1]);
        u * u + v * v < scale * scale
    }

    /// Paints the cross-section with `hu` of x and y.
    pub(crate) fn paint(&self, canvas: &mut Canvas, within: Within, hu: impl Fn(f32, f32) -> f32) {
        let [rx, ry, rz] = self.radii;
        let t = (canvas.z - self.centre[2]) / rz;
        if t.abs() >= 1.0 {
            return;
        }
        let scale = (1.0 - t.abs().powf(self.fullness)).powf(1.0 / self.fullness);
        let (rx, ry) = (rx * scale, ry * scale);
        if rx.min(ry) < canvas.spacing * 0.4 {
            return;
        }
        let (cx, cy) = (self.centre[0] + self.lean[0] * (t * rz), self.centre[1] + self.lean[1] * (t * rz));
        let (sin, cos) = self.turn.sin_cos();
        let reach = rx.max(ry) * (1.0 + self.waves.iter().map(|wave| wave.1.abs()).sum::<f32>()) + 1.0;
        let small = rx.min(ry);
        canvas.each_in([cx - reach, cy - reach, cx + reach, cy + reach], |canvas, at, x, y| {
            let (dx, dy) = (x - cx, y - cy);
            let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
            let distance = u.hypot(v);
            if distance > 1.8 {
                return;
            }
            let angle = v.atan2(u);
            let edge = self.waves.iter().fold(1.0, |edge, (count, height, phase)| {
                edge + height * (count * angle + phase + 0.7 * t).cos()
            });
            let cover = canvas.cover((distance - edge) * small);
            if cover > 0.0 {
                canvas.lay(at, hu(x, y), cover, within);
            }
        });
    }
}

/// A tube along a smooth line through points of x, y, z and radius.
#[derive(Debug, Clone)]
pub(crate) struct Tube {
    points: Vec<[f32; 4]>,
}

impl Tube {
    /// Through the given points, rounded between them.
    pub(crate) fn through(controls: &[[f32; 4]]) -> Tube {
        const STEPS: usize = 5;
        let last = controls.len() - 1;
        let mut points = Vec::with_capacity(last * STEPS + 1);
        for n in 0..last {
            let [p0, p1, p2, p3] =
                [controls[n.saturating_sub(1)], controls[n], controls[n + 1], controls[(n + 2).min(last)]];
            for step in 0..STEPS {
                let t = step as f32 / STEPS as f32;
                points.push(std::array::from_fn(|axis| {
                    let [a, b, c, d] = [p0[axis], p1[axis], p2[axis], p3[axis]];
                    0.5 * (2.0 * b
                        + (c - a) * t
                        + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
                        + (3.0 * b - a - 3.0 * c + d) * t * t * t)
                }));
            }
        }
        points.push(controls[last]);
        Tube { points }
    }

    /// One straight piece.
    pub(crate) fn straight(from: [f32; 4], to: [f32; 4]) -> Tube {
        Tube { points: vec![from, to] }
    }

    /// Paints the cross-section; `hu` gets x, y and the distance from the wall, negative inside. It may leave a
    /// pixel as it is.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas,
        within: Within,
        hu: impl Fn(f32, f32, f32) -> Option<f32>,
    ) {
        let z = canvas.z;
        let near: Vec<&[[f32; 4]]> = self
            .points
            .windows(2)
            .filter(|piece| {
                let reach = piece[0][3].max(piece[1][3]);
                z > piece[0][2].min(piece[1][2]) - reach - 1.0
                    && z < piece[0][2].max(piece[1][2]) + reach + 1.0
            })
            .collect();
        if near.is_empty() {
            return;
        }
        let mut area = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for point in near.iter().flat_map(|piece| piece.iter()) {
            let reach = point[3] + 1.0;
            area = [
                area[0].min(point[0] - reach),
                area[1].min(point[1] - reach),
                area[2].max(point[0] + reach),
                area[3].max(point[1] + reach),
            ];
        }
        canvas.each_in(area, |canvas, at, x, y| {
            let distance = near.iter().map(|piece| distance(piece, [x, y, z])).fold(f32::MAX, f32::min);
            let cover = canvas.cover(distance);
            if cover > 0.0
                && let Some(hu) = hu(x, y, distance)
            {
                canvas.lay(at, hu, cover, within);
            }
        });
    }

    /// The pieces between its points.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = [[f32; 4]; 2]> + '_ {
        self.points.windows(2).map(|pair| [pair[0], pair[1]])
    }

    /// Paints the whole cross-section with one value.
    pub(crate) fn fill(&self, canvas: &mut Canvas, within: Within, hu: f32) {
        self.paint(canvas, within, |_, _, _| Some(hu));
    }
}

/// From a point to the wall of one piece, negative inside.
fn distance(piece: &[[f32; 4]], point: [f32; 3]) -> f32 {
    let (from, to) = (piece[0], piece[1]);
    let along: [f32; 3] = std::array::from_fn(|axis| to[axis] - from[axis]);
    let offset: [f32; 3] = std::array::from_fn(|axis| point[axis] - from[axis]);
    let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let t = (dot(along, offset) / dot(along, along).max(1e-6)).clamp(0.0, 1.0);
    let gap: [f32; 3] = std::array::from_fn(|axis| offset[axis] - along[axis] * t);
    dot(gap, gap).sqrt() - (from[3] + (to[3] - from[3]) * t)
}
