//! Ultrasound of the upper belly: a sector of speckle in which organs breathe, with the marks of a machine's screen
//! and, in a colour box, flow.

use super::field::{blur, grain, smoothstep, value_noise};
use crate::random::stream;

/// Size of the screen.
pub(crate) const COLUMNS: usize = 640;
/// Size of the screen.
pub(crate) const ROWS: usize = 480;
/// Pixels of a millimetre.
pub(crate) const SCALE: f32 = 2.55;
/// Where the beams would meet, pixels.
const APEX: [f32; 2] = [320.0, -38.0];
/// Radius of the probe's face and of the deepest echo, millimetres.
const FACE_MM: f32 = 30.0;
const DEEPEST_MM: f32 = 196.0;
/// Half the opening, radians.
const OPENING: f32 = 0.62;

/// Cells of the speckle pattern along depth and across the beams.
const CELLS: usize = 1024;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Liver with portal vein and gallbladder.
    Liver,
    /// Right kidney below the liver.
    Kidney,
    /// Portal vein with a colour box.
    Flow,
}

/// First and last column and row that echoes reach: left, top, right, bottom.
pub(crate) fn area() -> [i64; 4] {
    let (sin, cos) = OPENING.sin_cos();
    let half = DEEPEST_MM * SCALE * sin;
    let [left, right] = [APEX[0] - half, APEX[0] + half];
    let [top, bottom] = [APEX[1] + FACE_MM * SCALE * cos, APEX[1] + DEEPEST_MM * SCALE];
    [left.floor() as i64, top.floor() as i64, right.ceil() as i64, bottom.ceil() as i64]
}

/// A view of one person.
pub(crate) struct Sector {
    pub(crate) view: View,
    seed: u32,
    /// Rayleigh-distributed echo strength of a block of tissue.
    speckle: Vec<f32>,
}

impl Sector {
    pub(crate) fn new(view: View, seed: u64) -> Sector {
        let mut random = stream(seed, "speckle", 0);
        let mut waves = [grain(&mut random, CELLS * CELLS), grain(&mut random, CELLS * CELLS)];
        for wave in &mut waves {
            blur(wave, CELLS, &[0.40, 0.24, 0.06]);
        }
        let [real, imaginary] = &waves;
        let speckle = real.iter().zip(imaginary).map(|(re, im)| re.hypot(*im) * 1.75).collect();
        Sector { view, seed: seed as u32, speckle }
    }

    /// Red, green and blue of one moment, `phase` from 0 to 1 within a breath.
    pub(crate) fn frame(&self, phase: f32, beat: f32) -> Vec<u8> {
        let turn = phase * std::f32::consts::TAU;
        let breath = [2.5 * (turn * 1.0).sin(), 9.0 * (0.5 - 0.5 * turn.cos())];
        let mut screen = Vec::with_capacity(COLUMNS * ROWS * 3);
        for n in 0..COLUMNS * ROWS {
            let (column, row) = (n % COLUMNS, n / COLUMNS);
            let (dx, dy) = ((column as f32 - APEX[0]) / SCALE, (row as f32 - APEX[1]) / SCALE);
            let (range, angle) = (dx.hypot(dy), dx.atan2(dy));
            let colour = if angle.abs() < OPENING && range > FACE_MM && range < DEEPEST_MM {
                self.echo(range, angle, [dx, dy], breath, phase, beat)
            } else {
                marks(column, row)
            };
            screen.extend(colour);
        }
        screen
    }

    fn echo(
        &self,
        range: f32,
        angle: f32,
        [x, y]: [f32; 2],
        breath: [f32; 2],
        phase: f32,
        beat: f32,
    ) -> [u8; 3] {
        let depth = range - FACE_MM;
        // The wall of the belly stands still, what lies below slides with the breath.
        let sliding = smoothstep(14.0, 24.0, depth);
        let point = [x - breath[0] * sliding, y - breath[1] * sliding];
        let tissue = self.tissue(point, depth);
        let local = (point[0].hypot(point[1]) - FACE_MM, point[0].atan2(point[1]));
        let speckle = self.speckle_at(local.0 * 2.9, local.1 * 250.0);
        // The gain of the machine makes up for most of what depth takes, not all.
        let gain = 1.0 - 0.30 * smoothstep(95.0, 166.0, depth);
        let beam_edge = smoothstep(OPENING, OPENING - 0.05, angle.abs());
        let level = tissue.strength * (0.25 + 0.75 * speckle) * tissue.through * gain + 0.01;
        let flicker = 1.0 + 0.03 * value_noise(self.seed ^ 71, [x * 0.9, y * 0.9, phase * 400.0]);
        let grey = (0.36 * (level * flicker * 9.0 + 1.0).ln() * beam_edge).clamp(0.0, 1.0);
        let shade = (grey * 255.0) as u8;
        if self.view == View::Flow
            && tissue.flow != 0.0
            && (-34.0..52.0).contains(&x)
            && (70.0..140.0).contains(&y)
        {
            let speed = tissue.flow
                * (0.55 + 0.45 * beat)
                * (0.75 + 0.35 * value_noise(self.seed ^ 73, [x * 0.35, y * 0.35, phase * 40.0]));
            return flow_colour(speed);
        }
        // The faint warm tint that most machines give to grey.
        [shade, (f32::from(shade) * 0.985) as u8, (f32::from(shade) * 0.95) as u8]
    }

    fn speckle_at(&self, u: f32, v: f32) -> f32 {
        let (u, v) = (u + 200.0, v + CELLS as f32 / 2.0);
        let (row, column) = (u as usize % (CELLS - 1), v as usize % (CELLS - 1));
        let at = |dr: usize, dc: usize| self.speckle[(row + dr) * CELLS + column + dc];
        let upper = at(0, 0) + (at(0, 1) - at(0, 0)) * v.fract();
        let lower = at(1, 0) + (at(1, 1) - at(1, 0)) * v.fract();
        upper + (lower - upper) * u.fract()
    }

    /// Echo strength at a point, what lies above it lets through, and flow.
    fn tissue(&self, [x, y]: [f32; 2], depth: f32) -> Tissue {
        let rough = value_noise(self.seed, [x / 17.0, y / 17.0, 0.0])
            + 0.5 * value_noise(self.seed ^ 1, [x / 6.0, y / 6.0, 0.0]);
        if depth < 20.0 {
            return wall_of_belly(depth, x, self.seed);
        }
        let mut tissue = Tissue { strength: 0.34 + 0.05 * rough, through: 1.0, flow: 0.0 };
        let shift = 3.0 * value_noise(self.seed ^ 3, [0.3, 0.7, 0.0]);
        // Diaphragm and what mirrors behind it.
        let dome = (x / 110.0).powi(2) * 46.0 + y - (206.0 + shift);
        if dome.abs() < 2.0 {
            tissue.strength = 2.4;
        } else if dome > 0.0 {
            tissue.strength = 0.16 + 0.04 * rough;
        }
        match self.view {
            View::Liver | View::Flow => {
                let main = line([x, y], [-46.0, 150.0], [64.0, 92.0], 6.5);
                vessel(&mut tissue, main, 0.95, 1.0);
                vessel(&mut tissue, line([x, y], [6.0, 122.0], [28.0, 152.0], 4.2), 0.75, -0.7);
                vessel(&mut tissue, line([x, y], [-70.0, 74.0], [-24.0, 104.0], 3.4), 0.25, 0.0);
                vessel(&mut tissue, line([x, y], [-8.0, 176.0], [60.0, 150.0], 9.0), 0.25, -0.8);
                vessel(&mut tissue, line([x, y], [-90.0, 120.0], [-50.0, 160.0], 3.0), 0.25, 0.0);
                gallbladder(&mut tissue, [x, y], [38.0 + shift, 74.0], self.seed);
            }
            View::Kidney => {
                kidney(&mut tissue, [x, y], [10.0 + shift, 128.0], rough);
                vessel(&mut tissue, line([x, y], [-80.0, 90.0], [-40.0, 108.0], 3.6), 0.3, 0.0);
                vessel(&mut tissue, line([x, y], [-30.0, 78.0], [10.0, 88.0], 2.6), 0.6, 0.0);
            }
        }
        tissue
    }
}

struct Tissue {
    strength: f32,
    through: f32,
    flow: f32,
}

/// Skin, fat and muscle as bright and dark layers.
fn wall_of_belly(depth: f32, x: f32, seed: u32) -> Tissue {
    let bend = 1.2 * value_noise(seed ^ 5, [x / 26.0, 1.0, 0.0]);
    let at = depth + bend;
    let layers = 0.5 + 0.5 * (at * 1.15 + 0.8 * value_noise(seed ^ 6, [x / 9.0, at / 3.0, 0.0])).sin();
    let strength = if depth < 2.6 {
        1.3
    } else if at < 11.0 {
        0.18 + 0.42 * layers
    } else if at < 12.4 {
        1.25
    } else {
        0.20 + 0.24 * layers
    };
    Tissue { strength, through: 1.0, flow: 0.0 }
}

/// Distance from the wall of a tube between two points, negative inside.
fn line([x, y]: [f32; 2], [x0, y0]: [f32; 2], [x1, y1]: [f32; 2], radius: f32) -> f32 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let t = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    // A gentle bow instead of a ruler.
    let bow = 7.0 * (t * std::f32::consts::PI).sin();
    (x - x0 - dx * t).hypot(y - y0 - dy * t + bow) - radius * (1.0 - 0.25 * t)
}

/// Dark within, a bright wall of some strength around, blood that may flow.
fn vessel(tissue: &mut Tissue, distance: f32, wall: f32, flow: f32) {
    if distance < 0.0 {
        tissue.strength = 0.012;
        tissue.flow = flow * (1.0 - (1.0 + distance / 6.0).clamp(0.0, 1.0).powi(2)).max(0.15);
    } else if distance < 2.4 {
        tissue.strength = tissue.strength.max(wall * (1.0 - distance / 2.4) + 0.3);
    }
}

/// Bile without echoes, a thin bright wall, a stone with its shadow, and brighter tissue behind.
fn gallbladder(tissue: &mut Tissue, [x, y]: [f32; 2], [cx, cy]: [f32; 2], seed: u32) {
    let (dx, dy) = (x - cx, y - cy);
    let (u, v) = ((dx * 0.82 + dy * 0.57) / 27.0, (dy * 0.82 - dx * 0.57) / 12.5);
    let radius = u.hypot(v);
    let stone = [cx + 13.0, cy + 15.5];
    let (sx, sy) = (x - stone[0], y - stone[1]);
    let ray = (sx - sy * (stone[0] / stone[1])).abs();
    if sx.hypot(sy) < 4.4 {
        tissue.strength = if sy < 0.5 { 2.6 } else { 0.35 };
    } else if sy > 0.0 && ray < 4.2 {
        tissue.through *= 0.13;
    } else if radius < 1.0 {
        let sludge = smoothstep(0.5, 0.95, v) * 0.05;
        tissue.strength = 0.010 + sludge + 0.01 * value_noise(seed ^ 9, [x, y, 0.0]).abs();
    } else if radius < 1.14 {
        tissue.strength = 0.95;
    } else if dy > 0.0 && (dx - dy * (cx / cy) * 0.9).abs() < 21.0 {
        tissue.through *= 1.0 + 0.75 * smoothstep(70.0, 5.0, dy);
    }
}

/// Cortex a little darker than liver, dark pyramids, a bright sinus, a bright capsule.
fn kidney(tissue: &mut Tissue, [x, y]: [f32; 2], [cx, cy]: [f32; 2], rough: f32) {
    let (dx, dy) = (x - cx, y - cy);
    let (u, v) = ((dx * 0.94 + dy * 0.34) / 54.0, (dy * 0.94 - dx * 0.34) / 25.0);
    let radius = u.hypot(v);
    if radius >= 1.0 {
        if radius < 1.07 {
            tissue.strength = 1.0;
        } else if radius < 1.35 && v > 0.0 {
            tissue.strength = 0.55 + 0.1 * rough;
        }
        return;
    }
    let turn = v.atan2(u);
    let pyramids = smoothstep(0.35, 0.8, (turn * 4.5).sin())
        * smoothstep(0.45, 0.55, radius)
        * smoothstep(0.85, 0.7, radius);
    let sinus = smoothstep(0.52, 0.40, radius + 0.06 * (turn * 7.0).sin());
    let calyx = smoothstep(0.10, 0.05, (u.abs() - 0.22).hypot(v * 1.6));
    tissue.strength =
        (0.21 + 0.03 * rough) * (1.0 - 0.62 * pyramids) + sinus * (0.95 + 0.4 * rough) * (1.0 - 0.95 * calyx);
}

/// Towards the probe red to yellow, away blue to cyan.
fn flow_colour(speed: f32) -> [u8; 3] {
    let strength = speed.abs().clamp(0.0, 1.0);
    let (main, light) = (80.0 + 175.0 * strength, 235.0 * smoothstep(0.35, 1.0, strength));
    let (main, light) = (main as u8, light as u8);
    if speed > 0.0 { [main, light, 12] } else { [12, light, main] }
}

/// What a screen shows beside the sector, without letters: grey scale, depth scale, focus.
fn marks(column: usize, row: usize) -> [u8; 3] {
    const GROUND: [u8; 3] = [6, 7, 9];
    if (18..32).contains(&column) && (70..230).contains(&row) {
        let shade = (255 * (230 - row) / 160) as u8;
        return [shade, shade, shade];
    }
    if (18..32).contains(&column) && (250..400).contains(&row) {
        return flow_colour((325.0 - row as f32) / 75.0);
    }
    let step = (10.0 * SCALE) as usize;
    let first = (APEX[1] + FACE_MM * SCALE) as usize;
    if row >= first && row < 470 {
        let tick = (row - first).is_multiple_of(step);
        let long = (row - first).is_multiple_of(step * 5);
        if tick && (600..if long { 614 } else { 607 }).contains(&column) {
            return [190, 190, 180];
        }
    }
    let focus = row.abs_diff(260);
    if (588..598).contains(&column) && focus <= (598 - column) / 2 + 1 {
        return [230, 190, 40];
    }
    // The maker's dot that says which side of the probe is which.
    if column.abs_diff(214).pow(2) + row.abs_diff(34).pow(2) < 26 {
        return [60, 150, 230];
    }
    GROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sector_moves_and_the_marks_do_not() {
        let sector = Sector::new(View::Liver, 5);
        let (one, two) = (sector.frame(0.0, 0.0), sector.frame(0.4, 0.5));
        assert_eq!(one.len(), COLUMNS * ROWS * 3);
        let changed = |columns: std::ops::Range<usize>| {
            let places =
                (0..ROWS).flat_map(|row| columns.clone().map(move |column| (row * COLUMNS + column) * 3));
            places.filter(|at| one[*at] != two[*at]).count()
        };
        assert_eq!(changed(0..32), 0);
        let [left, top, right, bottom] = area();
        let moved = (0..ROWS * COLUMNS).filter(|n| one[n * 3..n * 3 + 3] != two[n * 3..n * 3 + 3]);
        for (column, row) in moved.map(|n| ((n % COLUMNS) as i64, (n / COLUMNS) as i64)) {
            assert!((left..=right).contains(&column) && (top..=bottom).contains(&row), "{column} {row}");
        }
        assert!(changed(280..360) > 10_000);
    }
}
