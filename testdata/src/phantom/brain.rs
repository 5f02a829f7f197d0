//! MR of the head: axial slices whose contrast follows from relaxation times.

use super::field::{grain, smoothstep, value_noise};
use crate::random::stream;

/// Rows and columns of a slice.
pub(crate) const SIDE: usize = 256;
/// Field of view, millimetres.
pub(crate) const FIELD_MM: f32 = 230.0;

/// Settings of a sequence, milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighting {
    pub(crate) repetition_ms: f32,
    pub(crate) echo_ms: f32,
    /// Inversion that silences free water, if any.
    pub(crate) inversion_ms: Option<f32>,
}

/// Proton density, T1 and T2 in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Tissue(f32, f32, f32);

const AIR: Tissue = Tissue(0.0, 1000.0, 50.0);
const BONE: Tissue = Tissue(0.08, 400.0, 12.0);
const FAT: Tissue = Tissue(0.9, 280.0, 85.0);
const SKIN: Tissue = Tissue(0.7, 900.0, 45.0);
const WATER: Tissue = Tissue(1.0, 4200.0, 1900.0);
const GREY: Tissue = Tissue(0.82, 1350.0, 98.0);
const DEEP_GREY: Tissue = Tissue(0.79, 1150.0, 82.0);
const WHITE: Tissue = Tissue(0.70, 800.0, 75.0);
const LESION: Tissue = Tissue(0.84, 1500.0, 180.0);

/// The head of one person.
pub(crate) struct Head {
    seed: u64,
    wide: f32,
    long: f32,
}

impl Head {
    pub(crate) fn new(seed: u64) -> Head {
        let jitter = |n| value_noise(seed as u32, [n, 0.5, 0.5]);
        Head { seed, wide: 69.0 + 2.5 * jitter(1.3), long: 86.0 + 3.0 * jitter(7.7) }
    }

    /// Stored values, twelve bits, of the slice at a height in millimetres above the ear, -50 to 75.
    pub(crate) fn slice(&self, z: f32, weighting: Weighting) -> Vec<u16> {
        let mut random = stream(
            self.seed,
            "mr noise",
            (z * 16.0 + 4096.0) as u64
                ^ (weighting.echo_ms as u64) << 20
                ^ weighting.inversion_ms.unwrap_or(0.0) as u64,
        );
        let (real, imaginary) = (grain(&mut random, SIDE * SIDE), grain(&mut random, SIDE * SIDE));
        let step = FIELD_MM / SIDE as f32;
        (0..SIDE * SIDE)
            .map(|n| {
                let at = |index: usize| (index as f32 - (SIDE as f32 - 1.0) / 2.0) * step;
                let (x, y) = (at(n % SIDE), at(n / SIDE));
                // Four samples a pixel soften the edges as the limited matrix of a scan does.
                let mut signal = 0.0;
                for (dx, dy) in [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)] {
                    signal += 0.25 * brightness(self.tissue([x + dx * step, y + dy * step, z]), weighting);
                }
                // The coil hears the rim better than the middle.
                let coil = 0.88 + 0.18 * ((x / 90.0).powi(2) + (y / 105.0).powi(2)).min(1.0);
                let noise = 0.009;
                let level = (signal * coil + noise * real[n]).hypot(noise * imaginary[n]);
                (level * 2900.0).round().clamp(0.0, 4095.0) as u16
            })
            .collect()
    }

    fn tissue(&self, [x, y, z]: [f32; 3]) -> Tissue {
        let seed = self.seed as u32;
        let height = ((z + 8.0) / if z > -8.0 { 84.0 } else { 78.0 }).abs();
        if height >= 1.0 {
            return AIR;
        }
        let scale = (1.0 - height * height).sqrt();
        // The back of the head is wider than the forehead.
        let wide = self.wide * (1.0 + 0.07 * (y / self.long));
        let radius = (x / wide).hypot(y / self.long) / scale.max(0.05);
        let inward = (1.0 - radius) * (self.wide + self.long) / 2.0 * scale;
        if inward < -10.5 {
            return AIR;
        }
        if inward < 0.0 {
            return match inward + 10.5 {
                d if d < 1.6 => SKIN,
                d if d < 5.0 => FAT,
                d if d < 6.2 => BONE,
                d if d < 8.2 => Tissue(0.35, 380.0, 60.0),
                _ => BONE,
            };
        }
        self.brain([x, y, z], inward, seed)
    }

    fn brain(&self, [x, y, z]: [f32; 3], inward: f32, seed: u32) -> Tissue {
        let wave = |salt: u32, size: f32| value_noise(seed ^ salt, [x / size, y / size, z / size]);
        if z < -28.0 && y > 6.0 + 10.0 * (x / 50.0).powi(2) + 3.0 * wave(8, 20.0) {
            return self.cerebellum([x, y, z], inward, seed);
        }
        // The fissure between the halves, with its fold of dura.
        let middle = x.abs() - 1.1 - 0.5 * wave(1, 12.0);
        let in_fissure = middle < 0.0 && (inward < 26.0 || z > 34.0);
        // Furrows follow the level lines of a slow field, deep at the surface and fading inwards.
        let field = wave(2, 15.0) + 0.45 * wave(3, 8.0);
        let furrow = (field.abs() * 15.0).min(((field - 0.55).abs()) * 15.0).min((field + 0.55).abs() * 15.0);
        let reach = 17.0 + 5.0 * wave(4, 30.0);
        let depth = (reach - inward).max(0.0);
        let opening = 0.75 * smoothstep(0.0, 9.0, depth);
        if inward < 1.3 || in_fissure || (depth > 0.0 && furrow < opening) {
            return WATER;
        }
        // Sylvian fissure at the side.
        let sylvian = ((y + 12.0 + 0.3 * z) / 2.4).hypot((x.abs() - 52.0) / 17.0);
        if (-25.0..22.0).contains(&z) && sylvian < 1.0 {
            return WATER;
        }
        if let Some(tissue) = self.middle([x, y, z], wave(5, 7.0)) {
            return tissue;
        }
        let lesion =
            |cx: f32, cy: f32, cz: f32, r: f32| (x - cx).hypot(y - cy).hypot(z - cz) + 1.2 * wave(6, 4.0) < r;
        if lesion(27.0, -22.0, 24.0, 4.6) || lesion(-24.0, 26.0, 28.0, 3.2) || lesion(-29.0, -8.0, 32.0, 2.4)
        {
            return LESION;
        }
        let ribbon = inward
            .min(if depth > 0.0 { (furrow - opening).max(0.0) * 1.05 + 0.2 } else { 99.0 })
            .min(if z > 0.0 { middle + 0.4 } else { 99.0 });
        if ribbon < 3.3 + 0.5 * wave(7, 6.0) { GREY } else { WHITE }
    }

    /// Ventricles, deep nuclei, brain stem.
    fn middle(&self, [x, y, z]: [f32; 3], rough: f32) -> Option<Tissue> {
        let side = x.abs();
        let body = ((side - 11.0 - 0.10 * (y - 2.0).abs()) / (6.2 + 0.6 * rough))
            .hypot((y + 2.0) / 38.0)
            .hypot((z - 22.0) / 9.0);
        let front_horn = ((side - 12.0) / 5.2).hypot((y + 30.0) / 13.0).hypot((z - 12.0) / 13.0);
        let back_horn = ((side - 25.0) / 6.0).hypot((y - 34.0) / 21.0).hypot((z - 8.0) / 12.0);
        let third = (side / 2.6).hypot((y - 4.0) / 15.0).hypot((z - 2.0) / 11.0);
        if body < 1.0 || front_horn < 1.0 || back_horn < 1.0 || third < 1.0 {
            return Some(WATER);
        }
        let caudate = ((side - 16.5) / 4.6).hypot((y + 24.0) / 12.0).hypot((z - 12.0) / 15.0);
        let lentiform =
            ((side - 27.0 - 0.14 * y.abs()) / 7.2).hypot((y + 5.0) / 19.0).hypot((z - 4.0) / 13.0);
        let thalamus = ((side - 11.5) / 9.0).hypot((y - 12.0) / 15.0).hypot((z - 6.0) / 12.0);
        if caudate < 1.0 || lentiform < 1.0 || thalamus < 1.0 {
            return Some(DEEP_GREY);
        }
        let stem = (x / 14.5).hypot((y - 8.0) / 13.0);
        if z < -14.0 {
            if stem < 1.0 {
                return Some(if rough > 0.35 { DEEP_GREY } else { WHITE });
            }
            if stem < 1.4 {
                return Some(WATER);
            }
        }
        None
    }

    /// Fine leaves around white matter, the fourth ventricle in front.
    fn cerebellum(&self, [x, y, z]: [f32; 3], inward: f32, seed: u32) -> Tissue {
        let stem = (x / 14.5).hypot((y - 8.0) / 13.0);
        if stem < 1.0 {
            return WHITE;
        }
        if (x / 7.0).hypot((y - 25.0) / 5.5) < 1.0 || (inward < 2.0 && x.abs() > 5.0) {
            return WATER;
        }
        let core = ((x.abs() - 24.0) / 17.0).hypot((y - 44.0) / 15.0);
        let bend = value_noise(seed ^ 31, [x / 14.0, y / 14.0, z / 14.0]);
        let leaves = ((x.hypot(y - 22.0) + 5.0 * bend) * 1.55).sin();
        if core < 0.8 + 0.2 * leaves {
            WHITE
        } else if leaves > 0.82 {
            WATER
        } else {
            GREY
        }
    }
}

/// Signal of a spin echo, with an inversion before it if there is one.
fn brightness(Tissue(protons, t1, t2): Tissue, weighting: Weighting) -> f32 {
    let Weighting { repetition_ms, echo_ms, inversion_ms } = weighting;
    let recovered = match inversion_ms {
        Some(inversion) => (1.0 - 2.0 * (-inversion / t1).exp() + (-repetition_ms / t1).exp()).abs(),
        None => 1.0 - (-repetition_ms / t1).exp(),
    };
    let scale = if echo_ms > 60.0 { 1.9 } else { 1.35 };
    protons * recovered * (-echo_ms / t2).exp() * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_is_dark_in_t1_and_bright_in_t2() {
        let t1 = Weighting { repetition_ms: 500.0, echo_ms: 12.0, inversion_ms: None };
        let t2 = Weighting { repetition_ms: 4200.0, echo_ms: 98.0, inversion_ms: None };
        let flair = Weighting { repetition_ms: 9000.0, echo_ms: 110.0, inversion_ms: Some(2470.0) };
        assert!(brightness(WATER, t1) < brightness(WHITE, t1));
        assert!(brightness(WATER, t2) > 2.0 * brightness(GREY, t2));
        assert!(brightness(LESION, flair) > brightness(GREY, flair));
        assert!(brightness(WATER, flair) < 0.35 * brightness(GREY, flair));
    }
}
