//! High-Throughput JPEG 2000 (ITU-T T.814). Its codec is young: it is nine times as fast as OpenJPEG on grey images,
//! but reads packets only as the simplest encoder lays them out and leaves the transform of colours undone, without
//! noticing. Whatever is not of that kind, or large, goes to OpenJPEG.

use super::codestream;
use super::jpeg2000;
use super::samples::Samples;
use super::{Frame, within};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use openjph_core::codestream::Codestream;
use openjph_core::file::MemInfile;

/// The largest image for the fast codec, which takes almost twice the memory of the other.
const FAST_SAMPLES: u64 = 4 << 20;

fn is_small(layout: &Layout) -> bool {
    layout.pixels() * u64::from(layout.samples) <= FAST_SAMPLES
}

/// The result, 32-bit coefficients, lines and code-blocks of the fast codec.
fn fast_bytes(layout: &Layout) -> u64 {
    layout.frame_bytes() + layout.pixels() * u64::from(layout.samples) * 14
}

/// What decoding an ordinary codestream takes, its result included.
pub(super) fn working_bytes(layout: &Layout, encoded_bytes: u64, halvings: u32) -> u64 {
    let samples = if is_small(layout) && layout.samples == 1 {
        fast_bytes(layout)
    } else {
        jpeg2000::at_once_bytes(&layout.halved(halvings), encoded_bytes)
    };
    samples + codestream::ordinary_structure_bytes(layout)
}

pub(super) fn decode(
    encoded: &[u8],
    layout: &Layout,
    halvings: u32,
    budget_bytes: u64,
) -> Result<Frame, PixelError> {
    let stream = codestream::inspect(encoded)?;
    stream.stated.agree(layout)?;
    if layout.samples > 1 || !is_small(layout) || !stream.plain || !stream.high_throughput {
        return jpeg2000::decode_inspected(&stream, layout, halvings, budget_bytes);
    }
    within(fast_bytes(layout).saturating_add(stream.structure_bytes), budget_bytes)?;
    let joined = stream.joined();
    let broken = |error: openjph_core::error::OjphError| PixelError::malformed(format!("HTJ2K: {error}"));
    let mut input = MemInfile::new(&joined);
    let mut codec = Codestream::new();
    codec.read_headers(&mut input).map_err(broken)?;
    codec.create(&mut input).map_err(broken)?;
    let mut samples = Samples::new(stream.stated.precision, layout)?;
    for row in 0..usize::from(layout.rows) {
        let line = codec.pull(0).filter(|line| line.len() == usize::from(layout.columns));
        let line = line.ok_or_else(|| PixelError::malformed("HTJ2K: lines are missing"))?;
        samples.put_row(row, 0, line.into_iter());
    }
    Ok(samples.frame(layout.photometric))
}
