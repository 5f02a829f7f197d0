//! The sum of attenuation that a radiograph is developed from, and how bodies are added to it.

use super::radiograph::{COLUMNS, ROWS, SPACING_MM};

/// Columns of the sum: half those of the detector, which is finer than the focal spot allows anyway.
pub(crate) const WIDE: usize = COLUMNS / 2;
/// Rows of the sum.
pub(crate) const HIGH: usize = ROWS / 2;
const STEP_MM: f32 = SPACING_MM * 2.0;
/// Height above the iliac crest at the upper edge of the image.
const TOP_MM: f32 = 468.0;

/// Attenuation of every ray.
pub(crate) struct Film {
    pub(crate) attenuation: Vec<f32>,
}

impl Film {
    pub(crate) fn x(column: usize) -> f32 {
        (column as f32 - (WIDE as f32 - 1.0) / 2.0) * STEP_MM
    }

    pub(crate) fn z(row: usize) -> f32 {
        TOP_MM - row as f32 * STEP_MM
    }

    /// Adds `amount` of x and z within a box.
    pub(crate) fn add(&mut self, [x0, x1, z0, z1]: [f32; 4], amount: impl Fn(f32, f32) -> f32) {
        let column = |x: f32| (x / STEP_MM + (WIDE as f32 - 1.0) / 2.0).clamp(0.0, WIDE as f32) as usize;
        let row = |z: f32| ((TOP_MM - z) / STEP_MM).clamp(0.0, HIGH as f32) as usize;
        for row in row(z1)..row(z0) {
            for column in column(x0)..column(x1) {
                self.attenuation[row * WIDE + column] += amount(Self::x(column), Self::z(row));
            }
        }
    }

    /// Adds a tube seen from the front; `amount` gets the distance from its axis and its radius. Where pieces
    /// overlap the nearest counts, so joints leave no mark.
    pub(crate) fn add_tube(&mut self, pieces: &[[[f32; 4]; 2]], amount: impl Fn(f32, f32) -> f32) {
        let flat: Vec<[[f32; 3]; 2]> =
            pieces.iter().map(|piece| piece.map(|[x, _, z, r]| [x, z, r])).collect();
        let reach = |pick: fn(&[f32; 3]) -> f32, low: bool| {
            let values = flat.iter().flatten().map(pick);
            if low { values.fold(f32::MAX, f32::min) } else { values.fold(f32::MIN, f32::max) }
        };
        let area = [
            reach(|p| p[0] - p[2], true),
            reach(|p| p[0] + p[2], false) + STEP_MM,
            reach(|p| p[1] - p[2], true) - STEP_MM,
            reach(|p| p[1] + p[2], false),
        ];
        self.add(area, |x, z| {
            let near =
                flat.iter().map(|piece| gap(piece, x, z)).min_by(|a, b| (a.0 - a.1).total_cmp(&(b.0 - b.1)));
            near.map_or(
                0.0,
                |(distance, radius)| if distance < radius { amount(distance, radius) } else { 0.0 },
            )
        });
    }

    /// As [`Film::add_tube`] for one stretch of a longer tube: beyond its two ends nothing is added. The second
    /// number of a point is handed on to `amount`.
    pub(crate) fn add_open_tube(&mut self, pieces: &[[[f32; 4]; 2]], amount: impl Fn(f32, f32, f32) -> f32) {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        let ahead = |from: [f32; 4], to: [f32; 4], x: f32, z: f32| {
            (x - from[0]) * (to[0] - from[0]) + (z - from[2]) * (to[2] - from[2])
        };
        let (first, last) = (*first, *last);
        let radius = pieces.iter().flatten().map(|point| point[3]).fold(0.0, f32::max);
        let bounds = |axis: usize| {
            let values = pieces.iter().flatten().map(move |point| point[axis]);
            let (low, high) =
                values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)));
            (low - radius, high + radius)
        };
        let ((x0, x1), (z0, z1)) = (bounds(0), bounds(2));
        self.add([x0, x1 + STEP_MM, z0 - STEP_MM, z1], |x, z| {
            // Half a pixel of overlap, so that no gap shows where two stretches meet.
            if ahead(first[0], first[1], x, z) < -0.6 || ahead(last[1], last[0], x, z) < -0.6 {
                return 0.0;
            }
            let near = pieces
                .iter()
                .map(|piece| (gap(&piece.map(|[x, _, z, r]| [x, z, r]), x, z), piece[0][1]))
                .min_by(|a, b| a.0.0.total_cmp(&b.0.0));
            near.map_or(
                0.0,
                |((distance, radius), carried)| {
                    if distance < radius { amount(distance, radius, carried) } else { 0.0 }
                },
            )
        });
    }
}

/// Distance from the axis of a piece, and its radius there.
fn gap(piece: &[[f32; 3]; 2], x: f32, z: f32) -> (f32, f32) {
    let ([x0, z0, r0], [x1, z1, r1]) = (piece[0], piece[1]);
    let (dx, dz) = (x1 - x0, z1 - z0);
    let t = (((x - x0) * dx + (z - z0) * dz) / (dx * dx + dz * dz).max(1e-6)).clamp(0.0, 1.0);
    ((x - x0 - dx * t).hypot(z - z0 - dz * t), r0 + (r1 - r0) * t)
}
