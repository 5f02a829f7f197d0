//! A CT volume: the body, the couch, and what a scanner adds.

use super::anatomy::Anatomy;
use super::cage::{paint_girdles, paint_ribs, paint_spine, paint_wall};
use super::canvas::Canvas;
use super::field::{smoothstep, tomographic_noise};
use super::organs::Abdomen;
use super::thorax::Thorax;
use crate::random::stream;

/// Rows and columns of a slice.
pub(crate) const SIDE: usize = 512;

/// A volume of axial slices, each computed when asked for.
pub(crate) struct CtVolume {
    body: Anatomy,
    abdomen: Abdomen,
    thorax: Thorax,
    /// Noise and bowel differ between visits: belongs to the study.
    pub(crate) seed: u64,
    pub(crate) field_mm: f32,
    /// Height of the first slice; the others follow downwards.
    pub(crate) top_mm: f32,
    pub(crate) spacing_mm: f32,
    /// Standard deviation of noise in the middle of the body, Hounsfield units.
    pub(crate) noise_hu: f32,
}

impl CtVolume {
    pub(crate) fn new(body: Anatomy, seed: u64, top_mm: f32, spacing_mm: f32, noise_hu: f32) -> CtVolume {
        let widest = (0..12).map(|n| body.outline(n as f32 * 40.0 - 60.0)[0]).fold(0.0, f32::max);
        CtVolume {
            abdomen: Abdomen::of(&body),
            thorax: Thorax::of(&body),
            body,
            seed,
            field_mm: ((widest * 2.0 + 24.0) / 10.0).ceil() * 10.0,
            top_mm,
            spacing_mm,
            noise_hu,
        }
    }

    /// Height of a slice.
    pub(crate) fn height(&self, index: usize) -> f32 {
        self.top_mm - index as f32 * self.spacing_mm
    }

    /// Stored values of a slice: Hounsfield units plus 1024, twelve bits.
    pub(crate) fn slice(&self, index: usize) -> Vec<u16> {
        let z = self.height(index);
        let mut canvas = Canvas::new(SIDE, self.field_mm, z, self.spacing_mm);
        paint_wall(&mut canvas, &self.body);
        self.abdomen.paint(&mut canvas, &self.body);
        self.thorax.paint(&mut canvas, &self.body);
        paint_spine(&mut canvas, &self.body);
        paint_ribs(&mut canvas, &self.body);
        paint_girdles(&mut canvas, &self.body);
        paint_couch(&mut canvas, &self.body);
        let mut random = stream(self.seed, "ct noise", index as u64);
        let noise = tomographic_noise(&mut random, SIDE);
        let [wide, deep] = self.body.outline(z);
        let radius = (SIDE as f32 / 2.0) * canvas.spacing;
        let shoulders = smoothstep(360.0, 410.0, z);
        let mut stored = Vec::with_capacity(SIDE * SIDE);
        for (at, (hu, noise)) in canvas.hu.iter().zip(&noise).enumerate() {
            let (x, y) = (canvas.mm(at % SIDE), canvas.mm(at / SIDE));
            if x.hypot(y) > radius {
                stored.push(0);
                continue;
            }
            // Most photons are lost on the way to the middle, and across the shoulders.
            let depth = 1.0 - ((x / wide).powi(2) + (y / deep).powi(2)).min(1.0);
            let level = self.noise_hu * (0.5 + 0.55 * depth) * (1.0 + 0.5 * shoulders);
            // A beam that has passed much tissue is harder: the middle reads a little too low.
            let hardened = hu - 3.0 * depth * smoothstep(-500.0, 0.0, *hu);
            stored.push((hardened + level * noise + 1024.0).round().clamp(0.0, 4095.0) as u16);
        }
        stored
    }
}

/// The couch under the back: a shell of carbon around foam.
fn paint_couch(canvas: &mut Canvas, body: &Anatomy) {
    let rest =
        [-40.0, 60.0, 160.0, 260.0, 340.0].into_iter().map(|z| body.outline(z)[1]).fold(0.0, f32::max) + 3.0;
    canvas.each_in([-210.0, rest - 20.0, 210.0, rest + 70.0], |canvas, at, x, y| {
        let top = rest - 14.0 * (x / 190.0).powi(2);
        let bottom = rest + 34.0 - 30.0 * (x / 190.0).powi(2);
        if x.abs() > 200.0 || y < top - 1.0 || y > bottom + 1.0 || canvas.hu[at] > -900.0 {
            return;
        }
        let shell = (y - top).min(bottom - y);
        let hu = if shell < 1.6 { -620.0 } else { -962.0 };
        let cover = canvas.cover(-shell);
        canvas.hu[at] = -1000.0 + (hu + 1000.0) * cover;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Province;
    use jiff::civil::date;

    #[test]
    fn slices_hold_air_soft_tissue_and_bone() {
        let province = Province::new(7, date(2026, 11, 23));
        let body = Anatomy::of(&province.patient(0), 7, true, 0.0);
        let volume = CtVolume::new(body, 1, 250.0, 5.0, 12.0);
        let slice = volume.slice(20);
        assert_eq!(slice, volume.slice(20));
        let share = |range: std::ops::Range<u16>| {
            slice.iter().filter(|value| range.contains(value)).count() as f64 / slice.len() as f64
        };
        assert!(share(0..200) > 0.2, "air");
        assert!(share(1024..1224) > 0.15, "soft tissue");
        assert!(share(860..1000) > 0.05, "fat");
        assert!(share(1324..4096) > 0.005, "bone");
        // The liver of a contrast scan: right of the spine, in the image's left half.
        let liver: f64 =
            (0..20).map(|n| f64::from(slice[(250 + n) * SIDE + 150])).sum::<f64>() / 20.0 - 1024.0;
        assert!((70.0..150.0).contains(&liver), "{liver}");
    }
}
