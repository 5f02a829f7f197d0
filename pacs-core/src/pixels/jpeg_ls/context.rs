//! What a JPEG-LS coder learns from the samples behind it (T.87 A.6, A.7.2).

use super::broken;
use super::coding::Coding;
use crate::pixels::error::PixelError;

/// Golomb parameter: how often the count must double to reach the sum of errors.
fn golomb_parameter(seen: i32, errors: i32) -> Result<u32, PixelError> {
    (0..=16).find(|k| seen << k >= errors).ok_or_else(|| broken("a context that no stream makes"))
}

/// Statistics of a regular context: A, B, C and N of T.87.
#[derive(Debug, Clone, Copy)]
pub(in crate::pixels) struct Context {
    errors: i32,
    bias: i32,
    pub(in crate::pixels) correction: i32,
    seen: i32,
}

impl Context {
    pub(super) fn new(errors: i32) -> Context {
        Context { errors, bias: 0, correction: 0, seen: 1 }
    }

    /// Golomb parameter of the next error.
    pub(in crate::pixels) fn parameter(&self) -> Result<u32, PixelError> {
        golomb_parameter(self.seen, self.errors)
    }

    /// The code of an error (T.87 A.5.2).
    pub(in crate::pixels) fn code(&self, error: i32, k: u32, coding: &Coding) -> i32 {
        match (error >= 0, self.mirrored(k, coding)) {
            (true, false) => 2 * error,
            (false, false) => -2 * error - 1,
            (true, true) => 2 * error + 1,
            (false, true) => -2 * (error + 1),
        }
    }

    /// The error that a code stands for.
    pub(in crate::pixels) fn error(&self, code: i32, k: u32, coding: &Coding) -> i32 {
        match (code & 1 == 0, self.mirrored(k, coding)) {
            (true, false) | (false, true) => code >> 1,
            (false, false) => -((code + 1) >> 1),
            (true, true) => -(code >> 1) - 1,
        }
    }

    /// Whether small negative errors are likelier than positive ones.
    fn mirrored(&self, k: u32, coding: &Coding) -> bool {
        coding.near == 0 && k == 0 && 2 * self.bias <= -self.seen
    }

    /// T.87 A.6.1 and A.6.2.
    pub(in crate::pixels) fn learn(&mut self, error: i32, coding: &Coding) {
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

/// Statistics of samples that end a run. `alike` says that the neighbours left and above are equal.
#[derive(Debug, Clone, Copy)]
pub(in crate::pixels) struct RunContext {
    errors: i32,
    seen: i32,
    negative: i32,
}

impl RunContext {
    pub(super) fn new(errors: i32) -> RunContext {
        RunContext { errors, seen: 1, negative: 0 }
    }

    /// Golomb parameter of the next error.
    pub(in crate::pixels) fn parameter(&self, alike: bool) -> Result<u32, PixelError> {
        golomb_parameter(self.seen, self.errors + i32::from(alike) * (self.seen >> 1))
    }

    /// The code of an error (T.87 A.7.2.1).
    pub(in crate::pixels) fn code(&self, error: i32, k: u32, alike: bool) -> i32 {
        let odd = error != 0 && (error < 0) == self.turned(k);
        2 * error.abs() - i32::from(alike) - i32::from(odd)
    }

    /// The error that a code stands for.
    pub(in crate::pixels) fn error(&self, code: i32, k: u32, alike: bool) -> i32 {
        let folded = code + i32::from(alike);
        let odd = folded & 1;
        let size = (folded + odd) / 2;
        if self.turned(k) == (odd == 1) { -size } else { size }
    }

    /// Whether odd codes stand for negative errors.
    fn turned(&self, k: u32) -> bool {
        k != 0 || 2 * self.negative >= self.seen
    }

    /// T.87 A.7.2.2.
    pub(in crate::pixels) fn learn(&mut self, error: i32, code: i32, alike: bool, coding: &Coding) {
        self.negative += i32::from(error < 0);
        self.errors += (code + 1 - i32::from(alike)) >> 1;
        if self.seen == coding.reset {
            self.errors >>= 1;
            self.seen >>= 1;
            self.negative >>= 1;
        }
        self.seen += 1;
    }
}
