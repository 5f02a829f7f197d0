//! The model of JPEG-LS (ITU-T T.87 annex A) that its decoder and its encoder share.

mod coding;
mod context;
mod lines;

pub(super) use coding::{Coding, Preset};
pub(super) use context::{Context, RunContext};
pub(super) use lines::{Around, Lines, run_order};

use super::error::PixelError;

/// Contexts of three gradients without their sign.
pub(super) const CONTEXTS: usize = 365;

pub(super) fn broken(what: &str) -> PixelError {
    PixelError::malformed(format!("JPEG-LS: {what}"))
}
