//! Parameters of a JPEG-LS scan (T.87 A.2, C.2.4.1.1).

use super::broken;
use super::context::{Context, RunContext};
use crate::pixels::error::PixelError;

/// Coding parameters that an LSE segment presets; 0 stands for the default.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::pixels) struct Preset {
    maximum: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Preset {
    /// Reads an LSE segment.
    pub(in crate::pixels) fn read(&mut self, segment: &[u8]) -> Result<(), PixelError> {
        let [1, words @ ..] = segment else {
            return Err(PixelError::Unsupported("JPEG-LS with mapping tables or oversize images".to_owned()));
        };
        let mut words = words.as_chunks::<2>().0.iter().map(|word| i32::from(u16::from_be_bytes(*word)));
        let mut next = || words.next().ok_or_else(|| broken("preset parameters"));
        *self = Preset { maximum: next()?, thresholds: [next()?, next()?, next()?], reset: next()? };
        Ok(())
    }

    /// The parameters of a scan.
    pub(in crate::pixels) fn coding(&self, precision: u32, near: i32) -> Result<Coding, PixelError> {
        let maximum = if self.maximum == 0 { (1 << precision) - 1 } else { self.maximum };
        if maximum >= 1 << precision || near > (maximum / 2).min(255) {
            return Err(broken("preset parameters"));
        }
        let or_default = |preset: i32, default: i32| if preset == 0 { default } else { preset };
        let [d1, d2, d3] = default_thresholds(maximum, near);
        let [t1, t2, t3] = self.thresholds;
        let thresholds = [or_default(t1, d1), or_default(t2, d2), or_default(t3, d3)];
        let step = 2 * near + 1;
        let range = (maximum + 2 * near) / step + 1;
        let bits = |values: i32| 32 - (values - 1).max(0).leading_zeros();
        let sample_bits = bits(maximum + 1).max(2);
        Ok(Coding {
            near,
            step,
            maximum,
            range,
            thresholds,
            reset: or_default(self.reset, 64),
            error_bits: bits(range),
            limit: 2 * (sample_bits + sample_bits.max(8)),
        })
    }
}

/// T.87 C.2.4.1.1.1.
fn default_thresholds(maximum: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, low: i32| if value > maximum || value < low { low } else { value };
    if maximum >= 128 {
        let factor = (maximum.min(4095) + 128) / 256;
        let t1 = clamp(factor + 2 + 3 * near, near + 1);
        let t2 = clamp(factor * 4 + 3 + 5 * near, t1);
        [t1, t2, clamp(factor * 17 + 4 + 7 * near, t2)]
    } else {
        let factor = 256 / (maximum + 1);
        let t1 = clamp((3 / factor + 3 * near).max(2), near + 1);
        let t2 = clamp((7 / factor + 5 * near).max(3), t1);
        [t1, t2, clamp((21 / factor + 7 * near).max(4), t2)]
    }
}

/// The parameters of a scan.
#[derive(Debug, Clone, Copy)]
pub(in crate::pixels) struct Coding {
    pub(in crate::pixels) near: i32,
    /// Width of a step of near-lossless errors: 2 NEAR + 1.
    pub(super) step: i32,
    maximum: i32,
    range: i32,
    thresholds: [i32; 3],
    pub(super) reset: i32,
    /// Bits of an error that is not coded by its prefix.
    pub(in crate::pixels) error_bits: u32,
    /// Longest code.
    pub(in crate::pixels) limit: u32,
}

impl Coding {
    /// Region of a local gradient, -4 to 4 (T.87 A.3.3).
    pub(in crate::pixels) fn region(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = gradient.abs();
        let region = if size <= self.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        if gradient < 0 { -region } else { region }
    }

    /// The sample that a prediction and an error give (T.87 A.4.5, A.5.3).
    pub(in crate::pixels) fn sample(&self, predicted: i32, error: i32) -> i32 {
        let value = predicted + error * self.step;
        let wrapped = if value < -self.near {
            value + self.range * self.step
        } else if value > self.maximum + self.near {
            value - self.range * self.step
        } else {
            value
        };
        self.clamped(wrapped)
    }

    pub(in crate::pixels) fn clamped(&self, value: i32) -> i32 {
        value.clamp(0, self.maximum)
    }

    /// Zeros before the one of the longest code of the limited-length Golomb family, which is followed by
    /// [`Coding::error_bits`] bits (T.87 A.5.3).
    pub(in crate::pixels) fn longest_prefix(&self, limit: u32) -> u32 {
        limit.saturating_sub(self.error_bits + 1)
    }

    /// An error of lossless coding, brought to the shorter way around the range (T.87 A.4.5).
    pub(in crate::pixels) fn shortest(&self, error: i32) -> i32 {
        let positive = if error < 0 { error + self.range } else { error };
        if positive >= (self.range + 1) / 2 { positive - self.range } else { positive }
    }

    /// What a context starts with.
    pub(in crate::pixels) fn fresh(&self) -> Context {
        Context::new(((self.range + 32) / 64).max(2))
    }

    /// Statistics of a run context at the start.
    pub(in crate::pixels) fn fresh_run(&self) -> RunContext {
        RunContext::new(((self.range + 32) / 64).max(2))
    }
}
