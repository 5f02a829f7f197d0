//! One person's build: everything that stays the same between two visits.

use super::field::interpolate;
use crate::name::Sex;
use crate::patient::Patient;
use crate::random::stream;
use rand::RngExt;

/// Size, fat and small differences of one body, and what grows in it.
#[derive(Debug, Clone)]
pub(crate) struct Anatomy {
    /// Width and depth against the standard body.
    pub(crate) width: f32,
    pub(crate) depth: f32,
    /// Thickness of the fat below the skin at the flank, millimetres.
    pub(crate) fat: f32,
    pub(crate) female: bool,
    /// Small shifts of organs, millimetres, -1 to 1 before scaling.
    shifts: [f32; 48],
    /// Seeds everything that branches or folds.
    pub(crate) seed: u64,
    /// Contrast medium is in the veins.
    pub(crate) contrast: bool,
    /// How far lesions have grown: 1 today, less before.
    pub(crate) growth: f32,
}

impl Anatomy {
    pub(crate) fn of(patient: &Patient, seed: u64, contrast: bool, years_before_today: f32) -> Anatomy {
        let mut random = stream(seed, "anatomy", patient.number);
        let mass_index = (patient.weight_kg / (patient.height_m * patient.height_m)) as f32;
        let build = (mass_index / 22.0).sqrt();
        let female = patient.sex == Sex::Female;
        let frame = if female { 0.93 } else { 1.0 };
        Anatomy {
            width: frame * build * random.random_range(0.97..1.03),
            depth: frame * build * random.random_range(0.97..1.05),
            fat: (if female { 17.0 } else { 11.0 }) * build.powi(3),
            female,
            shifts: std::array::from_fn(|_| random.random_range(-1.0..1.0)),
            seed: random.random(),
            contrast,
            growth: 1.0 / (1.0 + 0.6 * years_before_today),
        }
    }

    /// A shift that belongs to one organ, up to `most` millimetres.
    pub(crate) fn shift(&self, organ: usize, most: f32) -> f32 {
        self.shifts[organ % self.shifts.len()] * most
    }

    /// Half width and half depth of the skin's outline at a height.
    pub(crate) fn outline(&self, z: f32) -> [f32; 2] {
        let wide = [
            (-70.0, 172.0),
            (0.0, 160.0),
            (70.0, 152.0),
            (150.0, 156.0),
            (260.0, 164.0),
            (330.0, 170.0),
            (385.0, 178.0),
            (430.0, 160.0),
        ];
        let deep = [
            (-70.0, 106.0),
            (0.0, 100.0),
            (70.0, 102.0),
            (170.0, 110.0),
            (270.0, 113.0),
            (340.0, 104.0),
            (430.0, 74.0),
        ];
        [interpolate(&wide, z) * self.width, interpolate(&deep, z) * self.depth]
    }

    /// Half width, half depth and middle in y of the cavity of abdomen and chest.
    pub(crate) fn cavity(&self, z: f32) -> [f32; 3] {
        let wide = [
            (-70.0, 112.0),
            (0.0, 118.0),
            (90.0, 122.0),
            (160.0, 127.0),
            (230.0, 131.0),
            (290.0, 126.0),
            (340.0, 108.0),
            (385.0, 78.0),
            (415.0, 44.0),
            (432.0, 8.0),
        ];
        let deep = [
            (-70.0, 66.0),
            (0.0, 68.0),
            (90.0, 72.0),
            (170.0, 84.0),
            (250.0, 92.0),
            (310.0, 85.0),
            (360.0, 68.0),
            (415.0, 38.0),
            (432.0, 8.0),
        ];
        let middle =
            [(-70.0, -14.0), (90.0, -14.0), (170.0, -4.0), (300.0, -2.0), (380.0, 6.0), (430.0, 14.0)];
        [interpolate(&wide, z) * self.width, interpolate(&deep, z) * self.depth, interpolate(&middle, z)]
    }

    /// Height of the diaphragm above a point: two domes, lowest at the wall and in the back.
    pub(crate) fn diaphragm(&self, x: f32, y: f32) -> f32 {
        let dome = |top: f32, cx: f32, cy: f32, rx: f32, ry: f32| {
            let (u, v) = ((x / self.width - cx) / rx, (y / self.depth - cy) / ry);
            top - 92.0 * (u * u + v * v).powf(1.25)
        };
        let right = dome(252.0, -56.0, -10.0, 84.0, 88.0);
        let left = dome(240.0, 58.0, -8.0, 80.0, 86.0);
        let centre = dome(236.0, 0.0, -38.0, 70.0, 62.0);
        right.max(left).max(centre)
    }

    /// Hounsfield units with and without contrast medium.
    pub(crate) fn hu(&self, plain: f32, enhanced: f32) -> f32 {
        if self.contrast { enhanced } else { plain }
    }
}
