//! Parameters and contexts of JPEG-LS (T.87 A.2, A.6, C.2.4.1.1).

use super::bits::Bits;
use super::broken;
use crate::pixels::error::PixelError;

/// Coding parameters that an LSE segment presets; 0 stands for the default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Preset {
    maximum: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Preset {
    /// Reads an LSE segment.
    pub(super) fn read(&mut self, segment: &[u8]) -> Result<(), PixelError> {
        let [1, words @ ..] = segment else {
            return Err(PixelError::Unsupported("JPEG-LS with mapping tables or oversize images".to_owned()));
        };
        let mut words = words.as_chunks::<2>().0.iter().map(|word| i32::from(u16::from_be_bytes(*word)));
        let mut next = || words.next().ok_or_else(|| broken("preset parameters"));
        *self = Preset { maximum: next()?, thresholds: [next()?, next()?, next()?], reset: next()? };
        Ok(())
    }

    /// The parameters of a scan.
    pub(super) fn coding(&self, precision: u32, near: i32) -> Result<Coding, PixelError> {
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
pub(super) struct Coding {
    pub(super) near: i32,
    /// Width of a step of near-lossless errors: 2 NEAR + 1.
    step: i32,
    maximum: i32,
    range: i32,
    thresholds: [i32; 3],
    reset: i32,
    /// Bits of an error that is not coded by its prefix.
    error_bits: u32,
    /// Longest code.
    pub(super) limit: u32,
}

impl Coding {
    /// Region of a local gradient, -4 to 4 (T.87 A.3.3).
    pub(super) fn region(&self, gradient: i32) -> i32 {
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
    pub(super) fn sample(&self, predicted: i32, error: i32) -> i32 {
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

    pub(super) fn clamped(&self, value: i32) -> i32 {
        value.clamp(0, self.maximum)
    }

    /// A code of the limited-length Golomb family (T.87 A.5.3).
    pub(super) fn golomb(&self, bits: &mut Bits<'_>, k: u32, limit: u32) -> Result<i32, PixelError> {
        let longest = limit.saturating_sub(self.error_bits + 1);
        let prefix = bits.zeros(longest)?;
        if prefix < longest {
            return Ok((prefix << k | bits.take(k)?) as i32);
        }
        Ok(bits.take(self.error_bits)? as i32 + 1)
    }

    /// What a context starts with.
    pub(super) fn fresh(&self) -> Context {
        Context { errors: ((self.range + 32) / 64).max(2), bias: 0, correction: 0, seen: 1 }
    }

    /// Statistics of a run context at the start.
    pub(super) fn fresh_run(&self) -> RunContext {
        RunContext { errors: ((self.range + 32) / 64).max(2), seen: 1, negative: 0 }
    }
}

/// Golomb parameter: how often the count must double to reach the sum of errors.
fn golomb_parameter(seen: i32, errors: i32) -> Result<u32, PixelError> {
    (0..=16).find(|k| seen << k >= errors).ok_or_else(|| broken("a context that no stream makes"))
}

/// Statistics of a regular context: A, B, C and N of T.87.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    errors: i32,
    bias: i32,
    pub(super) correction: i32,
    seen: i32,
}

impl Context {
    /// Reads an error in this context and learns from it.
    pub(super) fn error(&mut self, bits: &mut Bits<'_>, coding: &Coding) -> Result<i32, PixelError> {
        let k = golomb_parameter(self.seen, self.errors)?;
        let code = coding.golomb(bits, k, coding.limit)?;
        let mirrored = coding.near == 0 && k == 0 && 2 * self.bias <= -self.seen;
        let error = match (code & 1 == 0, mirrored) {
            (true, false) => code >> 1,
            (false, false) => -((code + 1) >> 1),
            (false, true) => code >> 1,
            (true, true) => -(code >> 1) - 1,
        };
        self.learn(error, coding);
        Ok(error)
    }

    /// T.87 A.6.1 and A.6.2.
    fn learn(&mut self, error: i32, coding: &Coding) {
        self.bias += error * coding.step;
        self.errors += error.abs();
        if self.seen == coding.reset {
            self.errors >>= 1;
            self.bias >>= 1;
            self.seen >>= 1;
        }
        self.seen += 1;
        if self.bias <= -self.seen {
            self.bias = (self.bias + self.seen).max(1 - self.seen);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.seen).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

/// Statistics of samples that end a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunContext {
    errors: i32,
    seen: i32,
    negative: i32,
}

impl RunContext {
    /// Reads the error of a sample that ends a run (T.87 A.7.2). `alike`: its neighbours left and above are equal.
    pub(super) fn error(
        &mut self,
        bits: &mut Bits<'_>,
        coding: &Coding,
        alike: bool,
        limit: u32,
    ) -> Result<i32, PixelError> {
        let alike = i32::from(alike);
        let k = golomb_parameter(self.seen, self.errors + alike * (self.seen >> 1))?;
        let code = coding.golomb(bits, k, limit)?;
        let folded = code + alike;
        let odd = folded & 1;
        let size = (folded + odd) / 2;
        let turned = k != 0 || 2 * self.negative >= self.seen;
        let error = if turned == (odd == 1) { -size } else { size };
        self.negative += i32::from(error < 0);
        self.errors += (code + 1 - alike) >> 1;
        if self.seen == coding.reset {
            self.errors >>= 1;
            self.seen >>= 1;
            self.negative >>= 1;
        }
        self.seen += 1;
        Ok(error)
    }
}
