//! A frontal chest radiograph: what the rays that cross the body have left.
//!
//! Soft tissue is summed along the rays on a coarse grid, bones, vessels and airways are drawn sharp over it.

use super::anatomy::Anatomy;
use super::cage::{VERTEBRAE, rib_height};
use super::field::{blur, grain, interpolate, smoothstep, value_noise};
use super::film::{Film, HIGH, WIDE};
use super::shape::Tube;
use super::thorax::Thorax;
use crate::random::stream;

/// Size of the finished image.
pub(crate) const COLUMNS: usize = 2500;
/// Size of the finished image.
pub(crate) const ROWS: usize = 3000;
/// Distance between pixels of the detector, millimetres.
pub(crate) const SPACING_MM: f32 = 0.139;

/// Attenuation of a millimetre, natural logarithm.
const SOFT: f32 = 0.0205;
const LUNG: f32 = 0.0040;
const BONE: f32 = 0.040;

/// The radiograph of one person.
pub(crate) struct Radiograph {
    body: Anatomy,
    thorax: Thorax,
    seed: u64,
}

impl Radiograph {
    pub(crate) fn new(body: Anatomy, seed: u64) -> Radiograph {
        Radiograph { thorax: Thorax::of(&body), body, seed }
    }

    /// Stored values, twelve bits, row by row: bone is bright.
    pub(crate) fn pixels(&self) -> Vec<u16> {
        let mut film = Film { attenuation: self.soft_tissue() };
        self.add_airways_and_vessels(&mut film);
        self.add_spine(&mut film);
        self.add_ribs(&mut film);
        self.add_girdle(&mut film);
        self.develop(film.attenuation)
    }

    /// Path lengths through fat, muscle, heart and lung, on a grid four times as coarse, then spread.
    fn soft_tissue(&self) -> Vec<f32> {
        const COARSE: usize = 4;
        const RAY_MM: f32 = 4.0;
        let (wide, high) = (WIDE.div_ceil(COARSE) + 1, HIGH.div_ceil(COARSE) + 1);
        let mut coarse = vec![0.0f32; wide * high];
        for (n, to) in coarse.iter_mut().enumerate() {
            let (x, z) = (Film::x(n % wide * COARSE), Film::z(n / wide * COARSE));
            let ([half_wide, half_deep], cavity) = (self.outline(z), self.body.cavity(z.min(431.0)));
            let ratio = 1.0 - (x / half_wide).abs().powf(2.4);
            if ratio <= 0.0 {
                continue;
            }
            let half = half_deep * ratio.powf(1.0 / 2.4);
            let mut sum = 0.0;
            let mut y = -half;
            while y < half {
                sum += RAY_MM.min(half - y) * self.density([x, y, z], cavity);
                y += RAY_MM;
            }
            *to = sum;
        }
        self.add_breasts(&mut coarse, wide, COARSE);
        (0..WIDE * HIGH)
            .map(|n| {
                let (u, v) = ((n % WIDE) as f32 / COARSE as f32, (n / WIDE) as f32 / COARSE as f32);
                let (column, row) = (u as usize, v as usize);
                let at = |dx: usize, dy: usize| coarse[(row + dy) * wide + column + dx];
                let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * u.fract();
                let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * u.fract();
                upper + (lower - upper) * v.fract()
            })
            .collect()
    }

    /// Shoulders slope to the neck: the patient stands with the arms turned away.
    fn outline(&self, z: f32) -> [f32; 2] {
        const WIDTH: [(f32, f32); 9] = [
            (40.0, 154.0),
            (150.0, 157.0),
            (260.0, 165.0),
            (330.0, 174.0),
            (372.0, 184.0),
            (400.0, 178.0),
            (420.0, 132.0),
            (440.0, 74.0),
            (462.0, 58.0),
        ];
        let [_, deep] = self.body.outline(z);
        [interpolate(&WIDTH, z) * self.body.width, deep.max(56.0)]
    }

    fn density(&self, [x, y, z]: [f32; 3], [wide, deep, middle]: [f32; 3]) -> f32 {
        let (u, v) = (x / wide, (y - middle) / deep);
        let inside = z < 431.0 && u.abs().powf(2.3) + v.abs().powf(2.3) < 1.0;
        if !inside {
            return SOFT * 0.96;
        }
        let above = z - self.body.diaphragm(x, y);
        if above > 0.0 {
            return if self.thorax.is_middle([x, y, z]) { SOFT } else { LUNG };
        }
        // Gas in the top of the stomach, below the left dome.
        let bubble = ((x - 64.0) / 22.0).powi(2) + ((y + 10.0) / 30.0).powi(2) + ((z - 217.0) / 11.0).powi(2);
        if bubble < 1.0 { SOFT * 0.3 } else { SOFT }
    }

    fn add_breasts(&self, coarse: &mut [f32], wide: usize, step: usize) {
        if !self.body.female {
            return;
        }
        for (n, to) in coarse.iter_mut().enumerate() {
            let (x, z) = (Film::x(n % wide * step), Film::z(n / wide * step));
            let (u, v) = ((x.abs() - 78.0) / 64.0, (z - 208.0) / if z < 208.0 { 46.0 } else { 90.0 });
            *to += SOFT * 24.0 * (1.0 - u * u - v * v).max(0.0).powf(0.8);
        }
    }

    fn add_airways_and_vessels(&self, film: &mut Film) {
        let chord =
            |distance: f32, radius: f32| 2.0 * (radius * radius - distance * distance).max(0.0).sqrt();
        for airway in self.thorax.main_airways() {
            let pieces: Vec<_> = airway.pieces().collect();
            film.add_tube(&pieces, |distance, radius| -0.8 * SOFT * chord(distance, radius));
        }
        for vessel in self.thorax.blood() {
            let pieces: Vec<_> = vessel.pieces().collect();
            // Great vessels lie partly within the heart and each other, which the sum must not count twice.
            let share = if pieces.iter().any(|piece| piece[0][3] > 5.8) { 0.85 } else { 0.95 };
            film.add_tube(&pieces, |distance, radius| share * (SOFT - LUNG) * chord(distance, radius));
        }
        let nodule = self.thorax.nodule();
        let ([x, _, z], r) = (nodule.centre, nodule.radii[0]);
        film.add([x - r, x + r, z - r, z + r], |px, pz| (SOFT - LUNG) * chord((px - x).hypot(pz - z), r));
    }

    /// Bodies between discs, pedicles as rings, spinous processes.
    fn add_spine(&self, film: &mut Film) {
        for (n, middle) in VERTEBRAE.iter().copied().enumerate().skip(2) {
            let half = (VERTEBRAE.get(n + 1).copied().unwrap_or(middle + 17.0) - middle) / 2.0 - 2.4;
            let wide = interpolate(&[(0.0, 25.0), (140.0, 20.0), (300.0, 16.0), (410.0, 13.0)], middle);
            film.add([-48.0, 48.0, middle - half - 14.0, middle + half + 3.0], |x, z| {
                let waist = wide * (0.90 + 0.13 * ((z - middle) / half).powi(2));
                let block = edge(waist - x.abs(), 1.2) * edge(half - (z - middle).abs(), 0.9);
                let rim = block
                    * (1.0 - edge(waist - 1.8 - x.abs(), 1.0) * edge(half - 1.8 - (z - middle).abs(), 1.0));
                let trabeculae = 1.0 + 0.12 * value_noise(61, [x * 0.8, z * 0.25, 0.0]);
                let pedicle = ((x.abs() - wide * 0.68) / 3.6).hypot((z - middle - 3.0) / 5.6);
                let ring = (1.0 - (pedicle - 0.85).abs() * 3.2).max(0.0);
                let process = (x / 2.7).hypot((z - middle + half + 3.0) / 7.0);
                let across = edge(4.0 - (z - middle - 2.0).abs(), 1.5)
                    * edge(wide + 17.0 - x.abs(), 2.0)
                    * edge(x.abs() - wide, 2.0);
                0.42 * BONE
                    * (10.0 * block * trabeculae
                        + 5.0 * rim
                        + 7.0 * ring
                        + 9.0 * (1.0 - process).max(0.0).sqrt()
                        + 6.0 * across)
            });
        }
    }

    /// Every rib twice across the rays: its arc in the back and its fall to the front.
    fn add_ribs(&self, film: &mut Film) {
        const PIECES: usize = 46;
        for (n, start) in VERTEBRAE[5..17].iter().enumerate() {
            let end: f32 = [0.34, 0.52, 0.70].get(n).copied().unwrap_or(0.76);
            for side in [-1.0f32, 1.0] {
                let points: Vec<[f32; 4]> = (0..=PIECES)
                    .map(|piece| {
                        let turn = 0.055 + (end - 0.055) * piece as f32 / PIECES as f32;
                        let height = rib_height(*start + 4.0, turn, n).0;
                        let [wide, deep, _] = self.body.cavity(height.min(425.0));
                        let (sin, cos) = (turn * std::f32::consts::PI).sin_cos();
                        // Where the wall turns, a ray runs along the rib; towards its cartilage the bone fades.
                        let along = ((wide + 5.5) * cos).hypot(46.0);
                        let slant = (along.hypot((deep + 5.5) * sin) / along).min(1.9);
                        let strength = slant * smoothstep(end + 0.01, end - 0.07, turn);
                        [side * (wide + 5.5) * sin, strength, height, 5.7]
                    })
                    .collect();
                let pieces: Vec<_> = points.windows(2).map(|pair| [pair[0], pair[1]]).collect();
                // The arc in the back and the fall to the front cross, so they are drawn apart.
                let turning = pieces.partition_point(|piece| piece[1][0].abs() > piece[0][0].abs());
                for half in [&pieces[..turning], &pieces[turning..]] {
                    film.add_open_tube(half, |distance, radius, strength| {
                        let share = distance / radius;
                        let outer = (1.0 - share * share).max(0.0).sqrt();
                        let shell = outer - 0.74 * (1.0 - (share / 0.8).powi(2)).max(0.0).sqrt();
                        BONE * strength * (2.2 * outer + 6.0 * shell.max(0.0))
                    });
                }
            }
        }
    }

    /// Collarbones, shoulder blades, heads of the arms.
    fn add_girdle(&self, film: &mut Film) {
        let wide = self.body.width;
        for side in [-1.0f32, 1.0] {
            let at = |x: f32, z: f32, r: f32| [side * x * wide, 0.0, z, r];
            let shell = |distance: f32, radius: f32| {
                let share = distance / radius;
                let outer = (1.0 - share * share).max(0.0).sqrt();
                BONE * (radius * 0.55 * outer
                    + radius * 1.15 * (outer - 0.8 * (1.0 - (share / 0.82).powi(2)).max(0.0).sqrt()).max(0.0))
            };
            let collarbone = Tube::through(&[
                at(17.0, 378.0, 9.0),
                at(42.0, 386.0, 6.6),
                at(80.0, 398.0, 5.6),
                at(118.0, 404.0, 6.2),
                at(148.0, 402.0, 7.6),
            ]);
            film.add_tube(&collarbone.pieces().collect::<Vec<_>>(), shell);
            film.add_tube(
                &Tube::through(&[
                    at(166.0, 386.0, 22.0),
                    at(168.0, 372.0, 19.0),
                    at(176.0, 330.0, 12.5),
                    at(180.0, 240.0, 12.0),
                ])
                .pieces()
                .collect::<Vec<_>>(),
                shell,
            );
            let border = Tube::through(&[
                at(146.0, 378.0, 6.5),
                at(140.0, 345.0, 4.4),
                at(128.0, 300.0, 3.4),
                at(112.0, 262.0, 3.2),
            ]);
            film.add_tube(&border.pieces().collect::<Vec<_>>(), |distance, radius| {
                0.8 * shell(distance, radius)
            });
            let corners =
                [[148.0 * wide, 384.0], [112.0 * wide, 260.0], [84.0 * wide, 366.0], [104.0 * wide, 390.0]];
            let (low, high) =
                if side > 0.0 { (78.0 * wide, 152.0 * wide) } else { (-152.0 * wide, -78.0 * wide) };
            film.add([low, high, 256.0, 394.0], |x, z| {
                BONE * 2.6 * edge(inside_polygon(&corners, x * side, z), 1.6)
            });
        }
    }

    /// From attenuation to the picture a modality sends: scatter, harmonisation, tone curve, quantum noise.
    fn develop(&self, mut attenuation: Vec<f32>) -> Vec<u16> {
        blur(&mut attenuation, WIDE, &[0.5, 0.22, 0.03]);
        let haze = broad(&attenuation);
        let mut random = stream(self.seed, "quantum noise", 0);
        let mut noise = grain(&mut random, WIDE * HIGH * 4);
        blur(&mut noise, COLUMNS, &[0.62, 0.19]);
        let mut pixels = Vec::with_capacity(COLUMNS * ROWS);
        for (n, noise) in noise.iter().enumerate() {
            let (u, v) = ((n % COLUMNS) as f32 / 2.0 - 0.25, (n / COLUMNS) as f32 / 2.0 - 0.25);
            let (column, row) = (u.max(0.0) as usize, v.max(0.0) as usize);
            let (right, below) = ((column + 1).min(WIDE - 1), (row + 1).min(HIGH - 1));
            let (s, t) = (u.max(0.0).fract(), v.max(0.0).fract());
            let mix = |image: &[f32]| {
                let line =
                    |row: usize| image[row * WIDE + column] * (1.0 - s) + image[row * WIDE + right] * s;
                line(row) * (1.0 - t) + line(below) * t
            };
            let (ray, around) = (mix(&attenuation), mix(&haze));
            // The wide differences are pressed together, the fine ones kept: mediastinum and lung are both seen.
            let shown = 0.62 * ray + 0.38 * (2.75 + 0.35 * (around - 2.75)) + 0.42 * (ray - around);
            let level = tone(shown) + noise * 0.0042 * (0.35 * ray).exp().min(4.0);
            pixels.push((level * 4095.0).round().clamp(0.0, 4095.0) as u16);
        }
        pixels
    }
}

/// 1 inside, 0 outside, over `soft` millimetres.
fn edge(distance: f32, soft: f32) -> f32 {
    smoothstep(-soft, soft, distance)
}

/// Distance to the nearest side of a convex polygon, positive inside.
fn inside_polygon(corners: &[[f32; 2]], x: f32, z: f32) -> f32 {
    let sides = corners.iter().zip(corners.iter().cycle().skip(1));
    let turns = sides.map(|(from, to)| {
        let (dx, dz) = (to[0] - from[0], to[1] - from[1]);
        ((x - from[0]) * dz - (z - from[1]) * dx) / dx.hypot(dz).max(1e-3)
    });
    turns.fold(f32::MAX, f32::min)
}

/// A wide blur, done on a small copy.
fn broad(image: &[f32]) -> Vec<f32> {
    const SHRINK: usize = 10;
    let (wide, high) = (WIDE / SHRINK, HIGH / SHRINK);
    let mut small: Vec<f32> = (0..wide * high)
        .map(|n| {
            let (column, row) = (n % wide * SHRINK, n / wide * SHRINK);
            (0..SHRINK)
                .map(|dy| image[(row + dy) * WIDE + column..][..SHRINK].iter().sum::<f32>())
                .sum::<f32>()
                / (SHRINK * SHRINK) as f32
        })
        .collect();
    for _ in 0..3 {
        blur(&mut small, wide, &[0.14, 0.13, 0.11, 0.08, 0.06, 0.05]);
    }
    (0..WIDE * HIGH)
        .map(|n| {
            let place =
                |at: usize, most: usize| (at as f32 / SHRINK as f32 - 0.5).clamp(0.0, most as f32 - 1.001);
            let (u, v) = (place(n % WIDE, wide), place(n / WIDE, high));
            let (column, row) = (u as usize, v as usize);
            let line = |row: usize| {
                small[row * wide + column] * (1.0 - u.fract()) + small[row * wide + column + 1] * u.fract()
            };
            line(row) * (1.0 - v.fract()) + line(row + 1) * v.fract()
        })
        .collect()
}

/// The curve from attenuation to grey: toe, straight part, shoulder.
fn tone(attenuation: f32) -> f32 {
    let x = (attenuation - 2.75) / 0.72;
    0.5 + 0.46 * (x * 0.85).tanh()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lungs_are_dark_and_the_spine_is_bright() {
        let province = crate::Province::new(7, jiff::civil::date(2026, 11, 23));
        let pixels = Radiograph::new(Anatomy::of(&province.patient(0), 7, false, 0.0), 3).pixels();
        assert_eq!(pixels.len(), COLUMNS * ROWS);
        let mean = |column: usize, row: usize| {
            let patch = (0..100).flat_map(|dy| (0..100).map(move |dx| (row + dy) * COLUMNS + column + dx));
            patch.map(|at| f64::from(pixels[at])).sum::<f64>() / 10_000.0
        };
        let (air, lung, spine) = (mean(20, 20), mean(800, 1150), mean(1200, 1500));
        assert!(air < 300.0 && lung > air && lung < 1600.0 && spine > lung + 1200.0, "{air} {lung} {spine}");
    }
}
