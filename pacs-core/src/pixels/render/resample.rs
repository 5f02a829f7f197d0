//! Part of a picture brought to another size, a row at a time, so that memory holds nothing but the two pictures.

/// A stretch of one axis: where it begins, how long it is (negative: mirrored), into how many pixels it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) length: f64,
    pub(super) pixels: u32,
}

/// What one output pixel takes from which source pixels; nothing where it lies outside the source.
#[derive(Debug, Clone, PartialEq)]
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Axis {
    /// A tent over the source pixels that widens with the step when the picture shrinks, so that every one counts.
    fn taps(&self, source: usize) -> Vec<Taps> {
        let step = self.length / f64::from(self.pixels);
        let reach = step.abs().max(1.0);
        (0..self.pixels)
            .map(|n| {
                // In pixel centres, so that equal sizes change nothing.
                let start = if self.length < 0.0 { self.from - self.length } else { self.from };
                let center = start + (f64::from(n) + 0.5) * step - 0.5;
                if center < -0.5 || center > source as f64 - 0.5 {
                    return Taps { first: 0, weights: Vec::new() };
                }
                let first = (center - reach).ceil().max(0.0) as usize;
                let last = ((center + reach).floor().max(0.0) as usize).min(source.saturating_sub(1));
                let mut weights: Vec<f32> = (first..=last)
                    .map(|at| (1.0 - (at as f64 - center).abs() / reach).max(0.0) as f32)
                    .collect();
                let sum: f32 = weights.iter().sum();
                weights.iter_mut().for_each(|weight| *weight /= sum.max(f32::MIN_POSITIVE));
                Taps { first, weights }
            })
            .collect()
    }
}

/// Samples `bytes`, rows of `width` pixels of so many channels; what lies outside is black.
pub(super) fn resample(bytes: &[u8], width: usize, channels: usize, across: Axis, down: Axis) -> Vec<u8> {
    let stride = width * channels;
    let height = bytes.len() / stride.max(1);
    let columns = across.taps(width);
    let mut out = Vec::with_capacity(across.pixels as usize * down.pixels as usize * channels);
    let mut row = vec![0f32; stride];
    for taps in down.taps(height) {
        row.fill(0.0);
        let lines = bytes.chunks_exact(stride).skip(taps.first);
        for (line, weight) in lines.zip(&taps.weights) {
            if *weight > 0.0 {
                row.iter_mut().zip(line).for_each(|(sum, byte)| *sum += weight * f32::from(*byte));
            }
        }
        match channels {
            1 => gather::<1>(&row, &columns, &mut out),
            _ => gather::<3>(&row, &columns, &mut out),
        }
    }
    out
}

/// Appends the pixels of a row.
fn gather<const CHANNELS: usize>(row: &[f32], columns: &[Taps], out: &mut Vec<u8>) {
    let pixels = row.as_chunks::<CHANNELS>().0;
    out.extend(columns.iter().flat_map(|taps| {
        let mut sums = [0f32; CHANNELS];
        for (pixel, weight) in pixels.iter().skip(taps.first).zip(&taps.weights) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += weight * value);
        }
        sums.map(|sum| (sum + 0.5) as u8)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: f64, length: f64, pixels: u32) -> Axis {
        Axis { from, length, pixels }
    }

    #[test]
    fn equal_sizes_change_nothing() {
        let bytes: Vec<u8> = (0..24).map(|n| n * 10).collect();
        assert_eq!(resample(&bytes, 4, 3, axis(0.0, 4.0, 4), axis(0.0, 2.0, 2)), bytes);
    }

    #[test]
    fn every_pixel_counts_when_shrinking() {
        let bytes = [0, 0, 255, 255, 0, 0, 255, 255];
        assert_eq!(resample(&bytes, 8, 1, axis(0.0, 8.0, 1), axis(0.0, 1.0, 1)), [128]);
        let flat = [77; 100];
        assert_eq!(resample(&flat, 10, 1, axis(0.0, 10.0, 3), axis(0.0, 10.0, 7)), [77; 21]);
    }

    #[test]
    fn parts_are_cut_mirrored_and_filled_up() {
        let bytes = [10, 20, 30, 40];
        assert_eq!(resample(&bytes, 4, 1, axis(1.0, 2.0, 2), axis(0.0, 1.0, 1)), [20, 30]);
        assert_eq!(resample(&bytes, 4, 1, axis(1.0, -2.0, 2), axis(0.0, 1.0, 1)), [30, 20]);
        assert_eq!(resample(&bytes, 4, 1, axis(-2.0, 4.0, 4), axis(0.0, 1.0, 1)), [0, 0, 10, 20]);
    }
}
