//! Dequantisation and the inverse DCT (ITU-T T.81 A.3.3).

use super::dct::Block;

/// Row-major places of the coefficients in the order of the stream (T.81 figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The inverse transform with one quantisation table.
pub(super) struct Transform {
    /// Steps of the coefficients, row by row.
    steps: [f32; 64],
    /// `basis[x][u]`: half the scaled cosine.
    basis: [[f32; 8]; 8],
}

impl Transform {
    /// `quantisation` is in the order of the stream.
    pub(super) fn new(quantisation: &[u16; 64]) -> Transform {
        let mut steps = [0.0; 64];
        for (place, step) in ZIGZAG.iter().zip(quantisation) {
            if let Some(to) = steps.get_mut(usize::from(*place)) {
                *to = f32::from(*step);
            }
        }
        let basis = std::array::from_fn(|x| {
            std::array::from_fn(|u| {
                let scale = if u == 0 { std::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
                0.5 * scale * ((2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / 16.0).cos()
            })
        });
        Transform { steps, basis }
    }

    /// The samples of a block before they are raised, rows then columns.
    pub(super) fn inverse(&self, block: &Block) -> [f32; 64] {
        let dot = |left: &[f32; 8], right: [f32; 8]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f32>();
        let mut dequantised = [0.0; 64];
        for ((to, value), step) in dequantised.iter_mut().zip(block).zip(&self.steps) {
            *to = f32::from(*value) * step;
        }
        let mut rows = [[0.0f32; 8]; 8];
        for (to, row) in rows.iter_mut().zip(dequantised.as_chunks::<8>().0) {
            *to = std::array::from_fn(|x| self.basis.get(x).map_or(0.0, |cosines| dot(cosines, *row)));
        }
        let mut out = [0.0; 64];
        for (y, line) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            *line = std::array::from_fn(|x| {
                let column = rows.map(|row| row.get(x).copied().unwrap_or(0.0));
                self.basis.get(y).map_or(0.0, |cosines| dot(cosines, column))
            });
        }
        out
    }
}
